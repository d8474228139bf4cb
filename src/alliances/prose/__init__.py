"""Sentences, links and tables, each tied to its evidence."""
