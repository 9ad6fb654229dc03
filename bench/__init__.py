"""What an extraction costs, measured against what one would do without it."""
