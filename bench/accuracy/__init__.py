"""How close the numbers are: to SExtractor's, to the truth, and of tiles to the whole."""
