"""Numbers of bytes as people write them."""

import argparse
import re

_SIZE = re.compile(r"(\d+(?:\.\d*)?) *([kMGT]?)(i?)B?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_for_people(size: int) -> str:
    """Write a number of bytes as people do, in powers of 1,000: ``73.2 MB``."""
    if size < 1000:
        return f"{size} bytes"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if size < 999.95 * scale or unit == "TB":
            break
    return f"{size / scale:.1f} {unit}"


def size_in_bytes(text: str) -> int:
    """Read a size: ``500``, ``10kB``, ``1.5 MB`` (powers of 1,000) or ``2MiB`` (of 1,024)."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size as 500, 10kB or 2MiB")
    number, unit, binary = match.groups()
    return round(float(number) * (1024 if binary else 1000) ** _POWERS[unit.lower()])
