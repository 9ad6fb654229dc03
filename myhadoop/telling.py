"""What is said to the user."""

import sys


def say(words: str) -> None:
    """Tell a line on standard error."""
    print(f"myhadoop: {words}", file=sys.stderr, flush=True)
