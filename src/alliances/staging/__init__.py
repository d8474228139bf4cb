"""From executed notebooks to one Markdown report with figures and annexes."""
