"""Given positions: where to measure, what to match with."""
