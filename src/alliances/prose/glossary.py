"""The glossary: acronyms and names that the report uses, from the data."""

from __future__ import annotations

from alliances.analysis.knowledge import mentioned
from alliances.dataset import Dataset
from alliances.prose.links import escape
from alliances.prose.tables import Table, table

#: Terms that are no format of the dataset.
_TERMS = {
    "CSDP": "Common Security and Defence Policy of the European Union",
    "EU": "European Union",
    "PHIA": "Professional Head of Intelligence Assessment, an office of the UK government",
    "UK": "United Kingdom",
    "US": "United States",
}


def glossary(dataset: Dataset) -> Table:
    """List the short names of the formats that the edition's texts mention, and the report's own acronyms."""
    terms = dict(_TERMS)
    for record in dataset["alliances"].to_dict("records"):
        if record["short_name"] != record["name"] and mentioned(dataset, record["alliance_id"]):
            aliases = [
                a for a in record["aliases"].split("; ") if a and a not in (record["short_name"], record["name"])
            ]
            also = f"; the texts also say: {', '.join(aliases)}" if aliases else ""
            terms[record["short_name"]] = f"{record['name']}{also}"
    rows = [[f"**{escape(term[0].upper() + term[1:])}**", escape(terms[term])] for term in sorted(terms, key=str.lower)]
    return table("tbl-glossary", "Acronyms and short names.", ["Term", "Meaning"], rows, [30, 70])
