"""``alliances new``: a text, a format, a chapter, a judgement, ready to fill in; it never writes a fact."""

import csv
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd

from alliances.behind import ABOUT, nearest
from alliances.build import notebook_names
from alliances.check import csv_lines
from alliances.dataset import Dataset
from alliances.dataset.coverage import Sentence, find_tokens, name_pattern, names_of, split_sentences
from alliances.dataset.problems import shorten
from alliances.dataset.tables import read_tables
from alliances.dataset.texts import WORD_CEILING, SourceText, count_words, read_text
from alliances.errors import DataError
from alliances.parameters import check_parameters
from alliances.place import sha256
from alliances.run.cache import write_whole
from alliances.run.refresh import refresh
from alliances.stage.chapters import form
from alliances.stage.evidence import reading
from alliances.text.dates import MONTHS, month_text
from alliances.text.markdown import capital, slug
from alliances.text.reading import read_utf8

_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w’'-]+(?: (?:of |the )*[A-Z][\w’'-]+)*")
_DATELINE = re.compile(r"[A-Z][\w’'/ -]{,40}[,(][^.!?]{,25}\d{4}\)? ?[:–—]")  # BRUSSELS, 3 May 2025 –


def add_row(root: Path, table: str, **cells: str) -> None:
    """Add a row to a table, under the file's own header."""
    path = root / "data" / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    header = next(csv.reader([text.split("\n", 1)[0]]))
    kept, row = text.rstrip("\n"), csv_lines([[cells.get(column, "") for column in header]])
    write_whole(path, f"{kept}\n{row}\n".encode())


def new_source(root: Path, file: Path, genre: str = "") -> str:
    """Register a text and write its work list; DataError, and nothing written, if it is no text, empty or known."""
    dataset = Dataset.load(root)
    text = _read(root, file)
    genres = [term.term for term in dataset.terms("genre")]
    if genre and genre not in genres:
        raise DataError(f"“{genre}” is no genre of data/labels.csv; choose from {', '.join(genres)}.")
    first, best, last, basis = _window(text, date.today())
    label = dataset.label("genre", genre or genres[0])
    month, source_id = f"{month_text(best)} {best.year}", f"{slug(label.term)}-{best:%Y-%m}"
    number = 1 + dataset["sources"]["source_id"].str.fullmatch(rf"{source_id}(-\d+)?").sum()
    source_id, more = (f"{source_id}-{number}", f" ({number})") if number > 1 else (source_id, "")
    head = next(line.strip() for line in text.splitlines() if line.strip())
    is_headline = count_words(head) < 20 and head[-1] not in ".:"
    title = head if is_headline else f"[{capital(label.label)}; our copy has no headline]"
    shutil.copyfile(file, root / "seeds" / f"{source_id}.txt")
    add_row(root, "sources", source_id=source_id, mark=_next_mark(dataset["sources"]["mark"]),
            short_name=f"the {month} {label.label}{more}", file=f"{source_id}.txt", title=title, genre=label.term,
            published=best.isoformat(), published_from=first.isoformat(), published_to=last.isoformat(),
            published_basis=basis, descriptor=f"{capital(label.label)}, {month}{more}",
            sha256=sha256(file))  # fmt: skip
    guide = root / "seeds" / "README.md"
    lines = guide.read_text(encoding="utf-8").splitlines() if guide.exists() else []
    at = max((n for n, line in enumerate(lines, 1) if line.startswith("|")), default=len(lines))
    lines.insert(at, f"| `{source_id}.txt` | `{source_id}` | {title} | not known |")
    write_whole(guide, ("\n".join(lines) + "\n").encode())
    work = _WorkList(root, source_id, text)
    entries = [line for number, each in enumerate(work.sentences, start=1) for line in work.entry(number, each)]
    page = form("work_list", source_id, entries, list(work.strange))
    write_whole(root / "data" / "worklists" / f"{source_id}.md", f"{page}\n".encode())
    told = f"{source_id} is registered, and does not count until its {len(work.sentences)} sentences are accounted for."
    read = "Read its row in data/sources.csv (title, publisher, authors, genre, dates) and its line in seeds/README.md"
    return f"{told}\n{read}; then work through data/worklists/{source_id}.md. `alliances check` counts down."


def _read(root: Path, file: Path) -> SourceText:
    """Read a text that is to be added; refuse what is no text, or no new one."""
    words = read_utf8(file, str(file), DataError, "name a *.txt file").split()
    if not any(map(count_words, words)):
        raise DataError(f"{file} is empty; a source has at least one sentence.")
    for row in read_tables(root)["sources"]:
        if read_text(root, row["file"]).split() == words:
            raise DataError(f"{file} says word for word what {row['source_id']} says, which is registered.")
    return SourceText(file.read_bytes().decode())


def _window(text: str, today: date) -> tuple[date, date, date, str]:
    """Return the earliest, best and latest day of publication that a text shows, and how that is known."""
    found: list[tuple[date, str]] = []
    for line in map(str.strip, text.splitlines()):
        words = [token.text for token in find_tokens(line) if re.search(r"\d.*\d{4}|\d{4}-\d+-", token.text)]
        days = pd.to_datetime(pd.Series(words), dayfirst=True, format="mixed", errors="coerce").dropna()
        found += [(day.date(), line) for day in days if day.date() <= today]
    for day, line in found:  # it stands there alone, or in a byline or dateline
        if count_words(line) < 8 or (count_words(line) < 20 and re.search(r"\d{4}$", line)) or _DATELINE.match(line):
            return day, day, day, f"Printed in the text: “{shorten(line)}”."
    if found:
        day, line = max(found)
        end = min((pd.Timestamp(day) + pd.offsets.MonthEnd(0)).date(), today)
        told = f"The newest day that it gives is {day.isoformat()}: “{line[:80]}”; the last one of that month is taken."
        return day, end, today, told
    return today, today, today, "It gives no full date: to be found; until then the day on which it was added is taken."


def _next_mark(marks: Iterable[str]) -> str:
    """Return the mark after the last one; AA follows Z."""
    last = max(marks, key=lambda mark: (len(mark), mark), default="")
    head = last.rstrip("Z")
    return (f"{head[:-1]}{chr(ord(head[-1]) + 1)}" if head else "A") + "A" * (len(last) - len(head))


class _WorkList:
    """The work list of a text: a sentence after the other, with what the dataset says already to look at."""

    def __init__(self, root: Path, source_id: str, text: SourceText) -> None:
        self.source_id, self.text, self.strange = source_id, text, dict[str, None]()
        self.dataset, self.tables = Dataset.load(root), read_tables(root)
        self.rows = {row.row_id: row for row in map(self.dataset.row, self.dataset.row_ids) if row.source_id}
        self.near = nearest({
            row_id: " ".join([reading(self.dataset, row), *(self.dataset.quote(q).exact for q in row.quote_ids)])
            for row_id, row in self.rows.items()
        })  # fmt: skip
        self.ids = {name.casefold(): key for name, key in names_of(self.tables).items()}
        self.names, self.sentences = name_pattern(names_of(self.tables)), split_sentences(text)

    def entry(self, number: int, sentence: Sentence) -> Iterator[str]:
        """Yield a sentence: what it holds, as a quotation, for which table, rows like it, and these as new rows."""
        text, tokens = sentence.text, find_tokens(sentence.text, self.names)
        has_number = any(token.kind == "number" for token in tokens)
        named = {part for token in tokens for part in token.text.split()}
        self.strange |= {n: None for n in _NAME.findall(text) if not named & set(n.split()) and n not in MONTHS}
        ids = {self.ids.get(token.text.casefold(), "") for token in tokens} - {""}
        score = self.near(text)
        for row_id, row in ((row_id, self.rows[row_id]) for row_id in score):
            score[row_id] += 0.07 * len(ids & {str(row.values.get(column, "")) for column in ABOUT})
            score[row_id] += 0.05 * (has_number and row.table == "observations")
        best = sorted((row_id for row_id in score if score[row_id] > 0.11), key=lambda row_id: -score[row_id])
        like = [self.rows[row_id] for row_id in best[:3]]  # which share its names and its rarer words
        likely = [row.table for row in like]
        likely += ["statements"] if re.search(r"[“\"]|\b(said|says|told|argue\w*)\b", text) else []
        likely += ["observations, with a new indicator"] if has_number and "observations" not in likely else []
        quotes = list(_quotes(self.source_id, self.text, sentence))
        yield f"{number}. [ ] line {sentence.line}: {text}"
        if tokens:
            yield f"   - holds: {'; '.join(f'{token.text} ({token.kind})' for token in tokens)}"
        yield from (f"   - quote: `{csv_lines([row])}`" for row in quotes)
        yield f"   - table: {', '.join(dict.fromkeys(likely)) or 'characteristics, or an exclusion'}"
        for row in like:
            month = month_text(self.dataset.source(row.source_id).published)
            yield f"   - compare: {row.row_id}, {month}: {reading(self.dataset, row)[:120]}"
        for table, row in {row.table: row for row in reversed(like)}.items():  # of each table the one most like
            raw = next(raw for raw in self.tables[table] if row.row_id in raw.values())
            cells = [cell for column, cell in raw.items() if column != "source_id"][1:-1]
            new = [f"{row.row_id.rsplit('-', 1)[0]}-{self.source_id}", *cells, "; ".join(quote[0] for quote in quotes)]
            yield f"   - pattern: `{csv_lines([new])}`"


def _quotes(source_id: str, seed: SourceText, sentence: Sentence) -> Iterator[list[str]]:
    """Yield rows for the table of quotations that hold a sentence, each within the ceiling of words."""
    words = [m.span() for m in re.finditer(r"\S+", sentence.text)]
    for at in range(0, len(words), WORD_CEILING):
        start, end = sentence.start + words[at][0], sentence.start + words[at : at + WORD_CEILING][-1][1]
        exact = seed[start:end].rstrip(".,;:")
        before, after = seed[:start].split()[-5:], seed[start + len(exact) :].split()[:5]
        around = (" ".join(before), " ".join(after)) if seed.count(exact) > 1 else ("", "")
        yield [f"{slug(exact, 30)}-l{sentence.line}-{source_id}", source_id, exact, *around]


def new_alliance(root: Path, alliance_id: str, name: str = "") -> str:
    """Add a format; DataError if it is there. Its rows make it appear in the report."""
    dataset = Dataset.load(root)
    _refuse(alliance_id, "alliances", dataset["alliances"]["alliance_id"])
    full = name or capital(alliance_id.replace("-", " "))
    kind = next(term.term for term in dataset.terms("instrument_type"))
    add_row(root, "alliances", alliance_id=alliance_id, name=full, short_name=full, instrument_type=kind)
    told = f"{alliance_id} stands in data/alliances.csv as “{full}”, {kind}: correct name, short name, aliases, type"
    return f"{told} and parent there; it is in the report as soon as a row of facts names it."


def new_judgement(root: Path, judgement_id: str) -> str:
    """Add a judgement, or a version of one that is there, from the newest text on: it may be what the data lack."""
    tables, day = read_tables(root), Dataset.load(root, validate=False).default_as_of().isoformat()
    own = sorted((r for r in tables["judgements"] if r["judgement_id"] == judgement_id), key=lambda r: r["valid_from"])
    if not judgement_id.startswith("jud-") or any(row["valid_from"] == day for row in own):
        why = f"has a version of {day} already" if own else "does not begin with jud-"
        raise DataError(f"data/judgements.csv: “{judgement_id}” {why}; change that row, or choose another id.")
    blank = {"judgement_id": judgement_id, "chapter": notebook_names(root)[-1], "wrong_if": "To be written.",
             "statement": "It is {likelihood} that … by when.", "confidence_reason": "To be written.",
             "requires": tables["characteristics"][-1]["characteristic_id"],
             "confidence": "low", "likelihood": "realistic_possibility"}  # fmt: skip
    add_row(root, "judgements", **{**(own[-1] if own else blank), "valid_from": day, "reviewed": ""})
    told = f"{judgement_id} stands in the last row of data/judgements.csv, from {day} on: fill it in (requires, against"
    return f'{told}, likelihood), and show it in its chapter, if it is new: edition.judgement("{judgement_id}").'


def new_chapter(root: Path, name: str, title: str = "") -> str:
    """Add a chapter: its notebook, executed, and its include line; DataError if there is one of that name."""
    _refuse(name, "notebooks", [path.stem for path in (root / "notebooks").glob("*.ipynb")])
    title = title or capital(name.replace("-", " "))
    cells = (
        'as_of: str = ""  # texts published by this day, ISO date; empty: all',
        "from alliances import open_edition\n\nedition = open_edition(as_of=as_of)",
        'rows = edition.frame("characteristics")\nrows[["alliance", "aspect_label", "value", "mark"]].head()',
        f'edition.write("""\n# {title}\n\nWhat this chapter answers, in one sentence.\n""")',
        "edition.evidence()",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    template = root / "report" / "report.qmd"
    lines = template.read_text(encoding="utf-8").splitlines()
    back = next((n for n, line in enumerate(lines) if line.startswith("# ") and ".back" in line), len(lines))
    at = max((n + 1 for n, line in enumerate(lines[:back]) if "{{< include" in line), default=back)
    lines[at:at] = ["", f"{{{{< include chapters/{name}.md >}}}}"]
    write_whole(root / "notebooks" / f"{name}.ipynb", (nbformat.writes(notebook) + "\n").encode())
    write_whole(template, ("\n".join(lines) + "\n").encode())
    project = template.with_name("_quarto.yml")  # its last lines are the notebooks that a preview of Quarto's watches
    if project.exists() and (text := project.read_text(encoding="utf-8")).rstrip().endswith(".ipynb"):
        write_whole(project, f"{text.rstrip()}\n  - ../notebooks/{name}.ipynb\n  - notebooks/{name}.ipynb\n".encode())
    dataset = Dataset.load(root)
    refresh(root, [name], check_parameters({}, dataset).as_dict(), uncoded=dataset.uncoded)
    told = f"notebooks/{name}.ipynb is in the report, by line {at + 2} of report/report.qmd: move that line to its"
    return f"{told} place, write the chapter in JupyterLab, then `alliances refresh {name}`."


def _refuse(name: str, where: str, taken: Iterable[str]) -> None:
    if name in set(taken) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        why = "it is there already or holds other signs than small letters, digits and hyphens"
        raise DataError(f"“{name}” cannot be added to {where}, since {why}; choose another name.")
