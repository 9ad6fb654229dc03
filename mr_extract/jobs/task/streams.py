"""Standard streams that are not there, as under some batch systems."""

import os
import sys


def open_standard_streams() -> None:
    """Open the null device for each standard stream that was closed at the start.

    Otherwise the next file to be opened takes its number, and what is written
    to standard error would end in that file.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
