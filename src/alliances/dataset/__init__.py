"""The dataset: what the source texts say, each row with its words."""

from alliances.dataset.dataset import Dataset, Quote, Row, Source
from alliances.dataset.tables import FACT_TABLES, ROW_PREFIXES, split_list

__all__ = ["FACT_TABLES", "ROW_PREFIXES", "Dataset", "Quote", "Row", "Source", "split_list"]
