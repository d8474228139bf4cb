"""The river's notebooks are built by the tests; nbval leaves them alone."""

collect_ignore_glob = ["notebooks/*.ipynb"]
