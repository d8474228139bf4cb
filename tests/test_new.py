"""`alliances new`: a text with its work list, a format, a chapter, a judgement; what is refused, and what follows."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import nbformat
import pytest

from alliances.cli import main
from alliances.dataset import Dataset
from alliances.dataset.texts import SourceText
from alliances.new import _next_mark, _window
from helpers import river
from river_data import read_table

TEXT = (
    "A gate for the Orvane\n12 March 2022\nThe Orvane River Commission now has six members.\n"
    "The gate will be shut. It will rust in the rain, year after year. The gate will be shut.\n"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A river that is not built, beside a text that it does not know."""
    (tmp_path / "news.txt").write_text(TEXT, "utf-8")
    monkeypatch.setenv("ALLIANCES_ROOT", str(river(tmp_path / "project")))
    return tmp_path / "project"


def test_a_text_is_registered_with_a_work_list_and_no_fact(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {table: len(read_table(root, table)) for table in ("quotes", "observations", "characteristics")}
    assert main(["new", "source", str(root.parent / "news.txt"), "--called", "brief"]) == 0
    assert "its 6 sentences" in capsys.readouterr().out
    row = read_table(root, "sources")[-1]
    assert (row["source_id"], row["mark"], row["title"]) == ("brief-2022-03", "D", "A gate for the Orvane")
    assert (row["published"], row["published_basis"]) == ("2022-03-12", "Printed in the text: “12 March 2022”.")
    assert (root / "seeds" / row["file"]).read_text("utf-8") == TEXT
    listed = (root / "data" / "worklists" / "brief-2022-03.md").read_text("utf-8")
    for part in (
        "line 3: The Orvane River Commission now has six members.",
        "holds: Orvane River Commission (name); six (number)",
        "brief-2022-03,brief-2022-03,The Orvane River Commission now has six members,,",
        "table: observations",
        "compare: obs-members-report, May: Members, the Orvane River Commission: 5 states; reported",
        "pattern: `obs-members-brief-2022-03,commission,,,members,5,5,",
    ):
        assert part in listed, listed
    proposed = [next(csv.reader([row])) for row in re.findall("quote: `(.*)`", listed)]
    assert [len(SourceText(TEXT).locate(*row[2:])) for row in proposed] == [1] * 6, "Each stands in one place."
    assert {table: len(read_table(root, table)) for table in before} == before
    Dataset.load(root)  # valid


@pytest.mark.parametrize(
    ("content", "told"),
    [(b" \n", "is empty"), (b"\xff\xfe", "is not UTF-8"), (None, "cannot be read"), ("seed", "which is registered")],
)
def test_what_is_no_new_text_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], content: bytes | str | None, told: str
) -> None:
    path = root.parent / "other.txt"
    if content is not None:
        seed = (root / "seeds" / "brief-2020-01.txt").read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else b"  " + seed)
    before = sorted(root.rglob("*"))
    assert main(["new", "source", str(path)]) == 2
    assert told in capsys.readouterr().err
    assert sorted(root.rglob("*")) == before


def test_the_window_of_publication_comes_from_the_dates_that_a_text_knows() -> None:
    today = date(2025, 10, 20)
    assert _window("Date: 16/04/2025\nIt was on 2 March 2025.", today)[:3] == (date(2025, 4, 16),) * 3
    first, best, last, basis = _window("They met on 3 September 2025 and, before that, on March 2, 2025.", today)
    assert (first, best, last) == (date(2025, 9, 3), date(2025, 9, 30), today)
    assert "2025-09-03" in basis
    for line in ("By Our Defence Correspondent, Brussels, 26 September 2025", "BRUSSELS, 26 September 2025 – They met"):
        day, *_, basis = _window(f"A head\n{line} on 3 September 2025." if "–" in line else line, today)
        assert (day, basis[:28]) == (date(2025, 9, 26), f"Printed in the text: “{line[:6]}")
    assert _window("They meet on 3 May 2031.", today)[3].startswith("It gives no full date")
    assert [_next_mark(marks) for marks in ([], ["A", "E"], ["B", "Z"], ["AZ"], ["ZZ"])] == [
        "A",
        "F",
        "AA",
        "BA",
        "AAA",
    ]


def test_a_format_and_a_judgement(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "alliance", "gate-union", "--called", "Union of Gates"]) == 0
    assert main(["new", "judgement", "jud-gate"]) == 0
    assert main(["new", "judgement", "jud-survey"]) == 0
    assert read_table(root, "alliances")[-1]["name"] == "Union of Gates"
    first, second = read_table(root, "judgements")[-2:]
    assert (first["judgement_id"], first["valid_from"]) == ("jud-gate", "2021-06-15")
    assert second["requires"] == "obs-barges-report; obs-barges-brief"  # as the version before has it
    Dataset.load(root)
    capsys.readouterr()
    for again in (
        ["alliance", "gate-union"],
        ["alliance", "Gate Union"],
        ["judgement", "jud-survey"],
        ["judgement", "x"],
    ):
        assert main(["new", *again]) == 2
        assert again[1] in capsys.readouterr().err


def test_a_chapter_runs_and_is_in_the_report_and_is_missed_where_no_line_includes_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "chapter", "fish", "--called", "The fish of the river"]) == 0
    template = root / "report" / "report.qmd"
    assert "{{< include chapters/fish.md >}}" in template.read_text("utf-8")
    notebook = nbformat.read(root / "notebooks" / "fish.ipynb", 4)
    told = [output.data["text/markdown"] for output in notebook.cells[3].outputs]
    assert told == ["# The fish of the river\n\nWhat this chapter answers, in one sentence."]
    assert main(["new", "chapter", "fish"]) == 2
    assert main(["refresh", "fish", "start"]) == 2
    assert "start.ipynb is none of the report’s notebooks" in capsys.readouterr().err
    template.write_text(template.read_text("utf-8").replace("{{< include chapters/fish.md >}}", ""), "utf-8")
    main(["check"])
    assert "notebooks/fish.ipynb is in no include line of report/report.qmd" in capsys.readouterr().out
