"""Catalogs in the formats of other tools, a piece at a time."""
