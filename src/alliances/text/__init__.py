"""How things are printed: numbers, dates, names, Markdown, evidence marks. Imports nothing of ours."""
