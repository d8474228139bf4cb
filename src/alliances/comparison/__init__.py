"""What changed between two editions, as an editor would ask."""
