"""Which pixels are sources: filter, threshold, deblending, cleaning."""
