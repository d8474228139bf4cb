"""Sentences that fall away with their evidence, tables, fact boxes, judgements, and how a notebook shows them."""
