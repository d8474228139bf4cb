"""Many editions in one go: a matrix of parameters, here or on a Dask cluster."""
