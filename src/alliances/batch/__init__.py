"""Many editions in one go: a matrix of parameters, here or on a Dask cluster."""

from alliances.batch.run import Outcome, run_matrix

__all__ = ["Outcome", "run_matrix"]
