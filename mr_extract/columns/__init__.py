"""Columns: the table of all there are, and which a catalog gets."""
