"""Frames and derived figures from a dataset."""
