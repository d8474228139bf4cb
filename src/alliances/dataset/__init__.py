"""The dataset: what the source texts say, each row with its words."""

from alliances.dataset.dataset import Dataset
from alliances.dataset.tables import FACT_TABLES, ROW_PREFIXES, Label, Quote, Row, Scenario, Source, split_list

__all__ = ["FACT_TABLES", "ROW_PREFIXES", "Dataset", "Label", "Quote", "Row", "Scenario", "Source", "split_list"]
