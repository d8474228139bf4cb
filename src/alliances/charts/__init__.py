"""Charts: plain Altair, one module a family."""
