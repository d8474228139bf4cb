"""Notebooks run by papermill, several at a time: one cache, warm kernels, renewal of the committed notebooks."""

TIME_LIMIT = 300.0  # seconds for a notebook
