"""Running notebooks with papermill."""
