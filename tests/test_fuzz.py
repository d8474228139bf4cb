"""Bad inputs of every kind end in success, or in one sentence with exit code 2: no traceback, no hang.

A few examples of each kind by default; ALLIANCES_LONG=1 takes 10,000 in all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alliances.batch import read_matrix
from alliances.cli import main, read_parameters
from alliances.dataset import Dataset
from alliances.dataset.check import check
from alliances.edition import open_edition
from alliances.errors import AlliancesError
from alliances.parameters import check_parameters
from alliances.run import notebooks
from helpers import LONG
from river_data import RIVER, copy_river

DATASET = Dataset.load(RIVER, validate=False)


def fuzz(examples: int) -> Any:
    """Take so many examples in a long run, and a few in another."""
    quick = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
    return settings(
        max_examples=examples if LONG else 5, deadline=20_000, derandomize=True, suppress_health_check=quick
    )


def one_sentence(call: Callable[[], object]) -> None:
    """Either it succeeds, or it says in one sentence what is wrong."""
    try:
        call()
    except AlliancesError as error:
        told = " ".join(str(error).split())
        assert told.endswith((".", "…")), told
        assert "Traceback" not in told
        assert "object at 0x" not in told


#: What people and programs type: numbers in all dress, dates, YAML's traps, markup, what cannot be seen.
BITS = st.sampled_from(
    [
        "25.000",
        "1100,5",
        "1e9",
        "-0",
        "١٢",
        "NaN",
        "NO",
        "null",
        "~",
        "2025-02-30",
        "20/03/2019",
        "XAV",
        "FRA ",
        "brief-2020-01",
        "obs-barges-brief",
        "{",
        "}",
        "{obs-barges-brief}",
        "{offered:ten}",
        "[@obs-barges-brief]",
        "[-@x]",
        "then: ",
        "else:",
        "ours: ",
        "\n",
        "\n\n",
        "- ",
        "# ",
        "|",
        ":",
        ": ",
        "&a",
        "*a",
        "<<",
        ">>",
        "!!python/object",
        "<b>",
        "`x`{=html}",
        "$x$",
        "\\",
        '"',
        "'",
        ",",
        ";",
        "\t",
        "\r",
        "\x00",
        "\x01",
        "\u2028",
        "\ufeff",
        "\u00ad",
        "\u202e",
        "\ud83d",
        "😀",
        "￿",
        "ß",
        ".",
        "?",
        "May ",
        "two ",
    ]
)
TEXT = st.lists(st.one_of(BITS, st.text(max_size=6)), max_size=12).map("".join)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
NAME = st.one_of(st.sampled_from(["as_of", "focus", "exclude_sources", "barges", "price_per_barge"]), TEXT)


@fuzz(3_000)
@given(st.dictionaries(NAME, VALUE, max_size=3))
def test_parameters(values: dict[str, Any]) -> None:
    one_sentence(lambda: check_parameters(values, DATASET))


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


@fuzz(1500)
@given(
    st.one_of(
        TEXT,
        VALUE.map(lambda value: json.dumps(value, default=str)),
        st.dictionaries(NAME, TEXT).map(lambda found: "\n".join(f"{name}: {value}" for name, value in found.items())),
    )
)
def test_parameter_files(tmp_path: Path, text: str) -> None:
    one_sentence(lambda: check_parameters(read_parameters([], written(tmp_path / "p.yaml", text)), DATASET))


KEYS = st.one_of(st.sampled_from(["matrix", "include", "exclude", "parameters", "to"]), TEXT)


@fuzz(1500)
@given(st.one_of(TEXT, st.dictionaries(KEYS, VALUE, max_size=4).map(lambda value: json.dumps(value, default=str))))
def test_batch_files(tmp_path: Path, text: str) -> None:
    one_sentence(lambda: read_matrix(written(tmp_path / "m.yaml", text)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_river(tmp_path_factory.mktemp("fuzz") / "river")


def damaged(content: bytes, data: st.DataObject) -> bytes:
    """Put something into a file, or take something out of it, somewhere."""
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    return (
        content[:start]
        + data.draw(st.one_of(TEXT.map(lambda t: t.encode("utf-8", "surrogatepass")), st.binary(max_size=9)))
        + content[end:]
    )


FILES = sorted(path.relative_to(RIVER) for part in ("data", "seeds") for path in (RIVER / part).iterdir())


@fuzz(1500)
@given(st.data())
def test_tables_and_texts(place: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = (RIVER / name).read_bytes()
    (place / name).write_bytes(damaged(content, data))
    try:
        one_sentence(lambda: check(place).format())
        one_sentence(lambda: Dataset.load(place))
    finally:
        (place / name).write_bytes(content)


@fuzz(1000)
@given(st.data())
def test_notebook_files(place: Path, data: st.DataObject) -> None:
    content = (RIVER / "notebooks" / "treaty.ipynb").read_bytes()
    (place / "notebooks").mkdir(exist_ok=True)
    (place / "notebooks" / "treaty.ipynb").write_bytes(damaged(content, data))
    names = ("as_of", "focus", "exclude_sources", "barges")
    one_sentence(lambda: notebooks.declared("treaty", notebooks.read(place, "treaty"), names))


@pytest.fixture(scope="module")
def edition() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLIANCES_ROOT", str(RIVER))
        return open_edition()


@fuzz(1500)
@given(TEXT, TEXT)
def test_sentences(edition: Any, one: str, other: str) -> None:
    offered = edition["obs-barges-brief"]
    with redirect_stdout(io.StringIO()):
        one_sentence(lambda: edition.write(one, offered=offered))
        one_sentence(lambda: edition.facts("x", f"{other} | {one}"))


STEPS: list[Callable[[Any], Any]] = [
    lambda f: f.head(0),
    lambda f: f.head(2),
    lambda f: f.tail(1),
    lambda f: f[["row_id"]],
    lambda f: f.drop(columns="row_id"),
    lambda f: f.merge(f, on="actor_id"),
    lambda f: f.groupby("actor_id").agg(row_id=("row_id", " ".join)).reset_index(),
    lambda f: f.groupby("actor_id").size().reset_index(),
    lambda f: f.melt(id_vars="row_id"),
    lambda f: f.sort_values("mark"),
    lambda f: f.assign(value=1),
    lambda f: f.assign(actor_id=None),
    lambda f: f.pivot_table(index="actor_id", aggfunc="first"),
    lambda f: f.reset_index(drop=True),
    lambda f: f.T,
    lambda f: f["actor_id"],
    lambda f: f.drop_duplicates("actor_id"),
    lambda f: f.rename(columns={"actor_id": "who"}),
    lambda f: f.assign(row_id="obs-none"),
    lambda f: f.assign(row_id=7),
]


@fuzz(1000)
@given(
    st.sampled_from(["memberships", "observations", "positions", "public_record"]),
    st.lists(st.sampled_from(STEPS), max_size=4, unique=True),
)
def test_chains_of_pandas(edition: Any, table: str, steps: list[Callable[[Any], Any]]) -> None:
    frame = edition.frame(table)
    try:
        for step in steps:
            frame = step(frame)
    except Exception:  # pandas itself says no
        return
    with redirect_stdout(io.StringIO()):
        for call in (
            lambda: edition.count(frame, "actor_id", "states"),
            lambda: edition.names(frame, "actor_id"),
            lambda: edition.value(frame, lambda f: f["entry_date"].max(), how="latest"),
            lambda: edition.none(frame, "states", among=frame),
            lambda: edition.spread(frame),
            lambda: edition.table(frame, "tbl-x", caption="States.", columns={"actor": "State", "value": "Value"}),
        ):
            one_sentence(call)


@fuzz(300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "build",
                    "find",
                    "quote",
                    "diff",
                    "verify",
                    "batch",
                    "new",
                    "check",
                    "-p",
                    "-f",
                    "--to",
                    "--jobs",
                    "--timeout",
                    "source",
                    "alliance",
                ]
            ),
            TEXT,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_command_lines(place: Path, arguments: list[str]) -> None:
    if arguments[0] in ("build", "refresh") and len(arguments) == 1:
        return
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLIANCES_ROOT", str(place))
        patch.setenv("ALLIANCES_FORK", "0")
        try:
            code = main(arguments)
        except SystemExit as left:
            code = left.code
    assert code in (0, 1, 2)
    assert "Traceback" not in err.getvalue()
    assert "error of the program itself" not in err.getvalue(), arguments
    if code == 2:
        assert err.getvalue().strip() or arguments[0] == "check"
