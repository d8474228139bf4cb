"""The annexes: evidence, derived figures, reference facts, sources, and the edition's parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from alliances.analysis.frames import records
from alliances.dataset import FACT_TABLES, Dataset, Row
from alliances.parameters import NAMES, Parameters, type_name
from alliances.prose.differences import row_words
from alliances.prose.links import escape, evidence_link
from alliances.prose.values import date_text, join_and, typographic
from alliances.staging.provenance import Link

EVIDENCE_INTRO = (
    "Each entry opens with the value as the report prints it, gives the words of the source that support it, "
    "and names the chapters that use it. Quotations stand as printed, misprints included."
)
FURTHER_INTRO = (
    "Rows of the dataset that no chapter uses, so that nothing the texts assert is out of reach. They are told as the "
    "texts tell them; statements are those of their speakers and authors."
)
DERIVED_INTRO = "Figures that no source prints. Each entry gives its formula and the inputs, linked to their evidence."
REFERENCE_INTRO = "Facts of the public record that place countries and texts. They are not statements of the sources."


def _uses(links: Iterable[Link]) -> dict[str, dict[str, list[str]]]:
    """Group links by target: the texts printed and the chapters, each in order of first use."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for link in links:
        entry = grouped.setdefault(link.target, {"texts": [], "sections": []})
        if link.text not in entry["texts"]:
            entry["texts"].append(link.text)
        if link.section and link.section not in entry["sections"]:
            entry["sections"].append(link.section)
    return grouped


def _used_in(sections: Sequence[str]) -> str:
    return f"Used in {join_and([f'@{section}' for section in sections])}." if sections else ""


def further(dataset: Dataset, links: Sequence[Link], shown: Collection[str]) -> str:
    """Write the annex of what else the texts say: the rows that no chapter tells, shows or links to.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the edition.
    links : sequence of Link
        Links of the chapters.
    shown : collection of str
        Ids of the rows that charts show.
    """
    linked = {link.target.removeprefix("ev-") for link in links}
    lines: list[str] = []
    for source in records(dataset["sources"].sort_values("published", kind="stable")):
        rows = [
            row
            for table, key in FACT_TABLES.items()
            for row in (dataset.row(row_id) for row_id in dataset[table][key])
            if row.source_id == source.source_id and row.row_id not in shown and not linked & set(row.quote_ids)
        ]
        if rows:
            lines.append(f"In [@{source.source_id}]:")
            told = (escape(typographic(_told_alone(dataset, row))).rstrip(".") for row in rows)
            lines.append(
                "\n".join(f"- {evidence_link(dataset, row, text)}" for row, text in zip(rows, told, strict=True))
            )
    if not lines:
        return ""
    return "\n\n".join(["# What else the texts say {#sec-annex-further}", FURTHER_INTRO, *lines]) + "\n"


def _told_alone(dataset: Dataset, row: Row) -> str:
    """Say what a row gives where no chapter says of what: a characteristic is told with its format."""
    words = row_words(dataset, row)
    return f"{dataset.alliance_names[row.values['alliance_id']]}: {words}" if row.table == "characteristics" else words


def evidence(dataset: Dataset, links: Sequence[Link]) -> str:
    """Write the annex of evidence: an entry for each quotation that the report links to.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the edition.
    links : sequence of Link
        Links of the chapters and of the other annexes, in reading order.
    """
    lines = ["# Evidence {#sec-annex-evidence}", EVIDENCE_INTRO, "::: {.evidence}"]
    for target, use in _uses(link for link in links if link.target.startswith("ev-")).items():
        try:
            quote = dataset.quote(target.removeprefix("ev-"))
        except KeyError:
            continue  # the check of the links names it
        value = " · ".join(escape(text) for text in use["texts"][:6])
        # A quotation stands beside this one where every row that opens with this one rests on it as well.
        beside = [row.quote_ids[1:] for row in dataset.rows_using(quote.quote_id) if row.quote_ids[0] == quote.quote_id]
        others = [other for other in beside[0] if all(other in ids for ids in beside)] if beside else []
        also = "".join(f" · “{escape(' '.join(dataset.quote(other).exact.split()))}”" for other in others[:3])
        lines.append(
            f"[**{value}**]{{#{target}}} “{escape(' '.join(quote.exact.split()))}”{also} "
            f"[@{quote.source_id}]. {_used_in(use['sections'])}"
        )
    lines.append(":::")
    return "\n\n".join(lines) + "\n"


def derived(figures: Mapping[str, Mapping[str, Any]], dataset: Dataset, links: Sequence[Link]) -> str:
    """Write the annex of derived figures: formula, inputs and unit of each one that the report prints."""
    lines = ["# Derived figures {#sec-annex-derived}", DERIVED_INTRO, "::: {.evidence}"]
    pending = list(_uses(link for link in links if link.target.startswith("calc-")).items())
    written: set[str] = set()
    while pending:
        target, use = pending.pop(0)
        if target in written or target not in figures:
            continue
        written.add(target)
        figure = figures[target]
        inputs = []
        for item in figure["inputs"]:
            label = f"{escape(item['label'])}: " if item["label"] else ""
            if item["target"] in dataset.complete:
                inputs.append(f"{label}{evidence_link(dataset, dataset.row(item['target']), escape(item['text']))}")
                continue
            inputs.append(f"{label}[{escape(item['text'])}](#{item['target']})")
            if item["target"].startswith("calc-") and item["target"] not in written:
                pending.append((item["target"], {"texts": [], "sections": []}))
        unit = f" ({escape(figure['unit'])})" if figure["unit"] else ""
        listed = "; ".join(inputs)
        lines.append(
            f"[**{escape(figure['text'])}**]{{#{target}}} {escape(figure['label'])}{unit}: "
            f"{escape(figure['formula'])}. "
            f"{f'Inputs: {listed}. ' if inputs else ''}{_used_in(use['sections'])}"
        )
    lines.append(":::")
    return "\n\n".join(lines) + "\n" if written else ""


def reference_facts(figures: Mapping[str, Mapping[str, Any]], links: Sequence[Link]) -> str:
    """Write the annex of reference facts that the report prints."""
    lines = ["# Reference facts {#sec-annex-reference}", REFERENCE_INTRO, "::: {.evidence}"]
    for target, use in _uses(link for link in links if link.target in figures).items():
        if not target.startswith("ref-"):
            continue
        figure = figures[target]
        lines.append(
            f"[**{escape(figure['text'])}**]{{#{target}}} {escape(figure['statement'])} "
            f"{escape(figure['basis'])} {_used_in(use['sections'])}"
        )
    lines.append(":::")
    return "\n\n".join(lines) + "\n" if len(lines) > 4 else ""


def sources(dataset: Dataset) -> str:
    """Write the annex of sources: what each text is, how it was dated, and the list of references."""
    lines = ["# Sources {#sec-annex-sources}"]
    if dataset["sources"].empty:
        return "# Sources {#sec-annex-sources}\n\nNo text is known in this edition.\n"
    lines.append("The texts of this edition in the order of their publication, and how each was dated.")
    for record in records(dataset["sources"].sort_values("published", kind="stable")):
        printed = record.published_from == record.published_to
        dated = (
            f"Published on {date_text(record.published)}."
            if printed
            else f"Published between {date_text(record.published_from)} and {date_text(record.published_to)}; "
            f"best estimate {date_text(record.published)}."
        )
        who = escape(record.publisher or "publisher not known")
        authors = escape(join_and(record.authors.split("; "))) if record.authors else "author not known"
        lines.append(
            f"[**{escape(record.descriptor)}**]{{#ref-source-{record.source_id}}} [@{record.source_id}]. "
            f"{escape(record.title)}. {who[0].upper() + who[1:]}; {authors}. {dated} {escape(record.published_basis)} "
            f"(Short name: `{record.source_id}`.)"
        )
    lines += ["## References {#sec-annex-sources-references}", "::: {#refs}\n:::"]
    return "\n\n".join(lines) + "\n"


def parameters_chapter(parameters: Parameters, defaults: Parameters) -> str:
    """Write the chapter on the edition's parameters and how to reproduce it."""
    rows = [
        "| Parameter | Value of this edition | Type | Meaning |",
        "|-----------------|----------------|--------------|-------------------------------|",
    ]
    for name in NAMES:
        value = getattr(parameters, name)
        shown = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        described = Parameters.model_fields[name].description or ""
        rows.append(f"| `{name}` | {escape(shown) or 'not set'} | {escape(type_name(name))} | {escape(described)} |")
    changed = [name for name in NAMES if getattr(parameters, name) != getattr(defaults, name)]
    flags = " ".join(
        f"-p {name} {','.join(value) if isinstance(value, tuple) else value}"
        for name, value in ((name, getattr(parameters, name)) for name in changed)
    )
    return (
        "\n\n".join(
            [
                "# Parameters and reproduction {#sec-annex-parameters}",
                "::: {#tbl-parameters}\n\n" + "\n".join(rows) + "\n\nParameters of this edition.\n:::",
                f"This edition is made by `alliances build{' ' + flags if flags else ''}`. "
                "The same sources, parameters and versions of the software give the same bytes; `manifest.json`, "
                "which lies "
                "beside the report, lists them with their checksums.",
            ]
        )
        + "\n"
    )


def references_json(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the sources as CSL items for the citation processor."""
    items = []
    for record in records(dataset["sources"]):
        item: dict[str, Any] = {
            "id": record.source_id,
            "type": "article",
            "title": record.title,
            "title-short": record.descriptor,
            "issued": {"date-parts": [[int(part) for part in record.published.split("-")]]},
            "genre": record.genre,
        }
        if record.publisher:
            item["publisher"] = record.publisher
        if record.authors:
            names = [name.rsplit(" ", 1) for name in record.authors.split("; ")]
            item["author"] = [{"given": given, "family": family} for given, family in names]
        if record.published_from != record.published_to:
            item["note"] = (
                f"Date estimated: between {date_text(record.published_from)} and {date_text(record.published_to)}."
            )
        items.append(item)
    return items
