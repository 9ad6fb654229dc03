"""What ``python -m preprocess pack`` writes, and how it comes to be."""
