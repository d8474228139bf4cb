"""``alliances check``, ``verify``, ``quote`` and ``find``: what a machine can say of the project and its editions."""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from alliances.analysis.facts import by_text
from alliances.analysis.frames import find
from alliances.behind import behind_of
from alliances.build import build, notebook_names, plan
from alliances.dataset import Dataset
from alliances.dataset.check import check
from alliances.dataset.tables import read_descriptor, read_tables
from alliances.dataset.texts import read_text
from alliances.errors import AlliancesError, DataError, PublishError
from alliances.place import OUTPUT, made_of, read_manifest, sha256
from alliances.run import notebooks
from alliances.run.cache import Cache
from alliances.run.refresh import untrue
from alliances.text.reading import read_utf8, read_yaml

_SUBJECT = re.compile(r"""[{"']([A-Za-z0-9-]+\.[a-z_]+)""")


def check_project(root: Path) -> tuple[bool, str]:
    """Check data, notebooks, cache, edition, what is behind the data; return whether all is well, and what to print."""
    data, names, problems, late, changed = check(root), list[str](), list[str](), dict[str, int](), list[str]()
    try:
        dataset = Dataset.load(root, validate=False)
        names = notebook_names(root)
        plan(root, {}, dataset)
        problems += [*_notebook_problems(root, names, dataset), *_citation_problems(root)]
        remedy = "is not as the cache stored it; remove it, and a build makes again what it held."
        changed += [f"{path} {remedy}" for path in Cache(root).damaged()]
        remedy = "has been changed since it was built; `alliances build` makes it again."
        for name, digest in sorted(read_manifest(root / OUTPUT).get("outputs", {}).items()):
            changed += [f"{OUTPUT / name} {remedy}"] if sha256(root / OUTPUT / name) not in ("", digest) else []
        late = behind_of(root, dataset, names)
    except AlliancesError as error:
        if not (data.problems and isinstance(error, DataError)):  # said already, with file and row
            problems.append(str(error))
    lines = [data.format(), "", f"notebooks: {len(names)} checked, {len(problems)} problems"]
    lines += [f"  {problem}" for problem in problems]
    lines += ["", f"cache and edition: {len(changed)} changed files", *(f"  {each}" for each in changed)]
    lines += ["", f"behind the data: {sum(late.values())} places of the report"]
    lines += [f"  {line}" for entry in late for line in entry.splitlines()]
    return data.ok and not (problems or changed or late), "\n".join(lines)


def verify(root: Path, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Rebuild an edition from its manifest, and say which files are not the same bytes; PublishError if it has none."""
    manifest = read_manifest(folder)
    if not (manifest.get("outputs") and manifest.get("inputs")):
        raise PublishError(f"{folder} holds no manifest.json that can be read; name the folder of a finished edition.")
    outputs, changed = manifest["outputs"], "has been changed or is missing: its SHA-256 is not the manifest's."
    problems = [f"{name} {changed}" for name in _differing({n: sha256(folder / n) for n in outputs}, outputs)]
    if others := _differing(made_of(root)["inputs"], manifest["inputs"]):
        told = f"The project has other inputs than the edition: {', '.join(others)}; check out its version."
        return [*problems, told]
    engine = "embedded" if manifest["engine"].startswith("embedded") else "quarto"
    how = {"formats": manifest["formats"], "engine": engine, "say": say}
    with tempfile.TemporaryDirectory() as scratch:
        again, empty = Path(scratch, "edition"), Cache(root, Path(scratch, "cache"))  # what is kept may be changed
        build(root, manifest["parameters"], **how, output=again, cache=empty)
        made = read_manifest(again)["outputs"]
    return problems + [f"{name} is another file when it is made again." for name in _differing(made, outputs)]


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {**one, **other} if one.get(name) != other.get(name))


def _notebook_problems(root: Path, names: list[str], dataset: Dataset) -> Iterator[str]:
    for name, what in untrue(root, names):
        yield f"notebooks/{name}.ipynb {what}; run `alliances refresh {name}`."
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        if path.stem not in names and path.name != notebooks.START:
            yield f"notebooks/{path.name} is in no include line of report/report.qmd; add one, or move it elsewhere."
    printed: dict[str, str] = {}
    for name in names:
        cells = (cell.source for cell in notebooks.read(root, name).cells if cell.cell_type == "code")
        printed = dict.fromkeys(_SUBJECT.findall("\n".join(cells)), name) | printed
    published = dataset.column("sources", "published")
    for subject, name in sorted(printed.items()):
        for row, divided in ((row, divided) for row, divided in by_text(dataset, subject) if divided):
            yield f"notebooks/{name}.ipynb, texts published by {published[row.source_id]}: {divided}"


def _citation_problems(root: Path) -> Iterator[str]:
    """Compare CITATION.cff, which GitHub and Zenodo read, with the one place where a publication is described."""
    path, package = root / "CITATION.cff", read_descriptor(root)
    if not path.exists():
        return
    cited = read_yaml(read_utf8(path, path.name, DataError), path.name, DataError) or {}
    described = {name: package.get(name) for name in ("title", "version", "keywords")} | {
        "license": next((each["name"] for each in package.get("licenses", ())), ""), "url": package.get("homepage"),
        "repository-code": package.get("repository"), "doi": (package.get("doi") or "").removeprefix("https://doi.org/"),
        "authors": [{"name": package["publisher"]}] if package.get("publisher") else cited.get("authors"),
    }  # fmt: skip
    for name, value in described.items():
        if (cited.get(name) or "") != (value or ""):
            there, here = (json.dumps(each or "", ensure_ascii=False) for each in (cited.get(name), value))
            yield f"CITATION.cff says {there} as {name}, and data/datapackage.json {here}; write the same in both."


def find_rows(root: Path, text: str) -> str:
    """Find rows by id, mark, value, words, country or format, and lay them out for the terminal."""
    found = find(Dataset.load(root, validate=False), text).itertuples(index=False, name=None)
    lines = [f"{mark:>4}  {row_id}  {' · '.join(filter(None, says))}" for row_id, _, mark, _, *says in found]
    return "\n".join(lines) or f"No row holds “{text}”; `alliances quote` looks for words in the texts."


def find_quote(root: Path, words: str) -> str:
    """Find words in the source texts and return rows for ``data/quotes.csv``; DataError if they stand in none."""
    pattern = r"\s+".join(re.escape(part) for part in words.split()) or "(?!)"
    rows = [["quote_id", "source_id", "exact", "prefix", "suffix"]]
    for source in read_tables(root)["sources"]:
        text = read_text(root, source["file"])
        for match in list(re.finditer(pattern, text)) or list(re.finditer(pattern, text, re.IGNORECASE)):
            exact, before, after = match.group(), list[str](), list[str]()
            if text.count(exact) > 1:  # prefix and suffix tell them apart
                before, after = text[: match.start()].split()[-5:], text[match.end() :].split()[:5]
            quote_id = "-".join(re.findall(r"[a-z0-9]+", exact.lower())[:5])
            rows.append([quote_id, source["source_id"], exact, " ".join(before), " ".join(after)])
    if not rows[1:]:
        raise DataError(f"“{words.strip()}” stands in none of the source texts; check spelling and quotation marks.")
    return csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """Write rows as lines of CSV, the last without its end."""
    return pd.DataFrame(rows).to_csv(index=False, header=False, lineterminator="\n").removesuffix("\n")
