"""Tables of any tool, some rows at a time: text, FITS, Parquet, HATS, and our own catalogs."""
