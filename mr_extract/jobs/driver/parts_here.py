"""What tasks on this machine have written, whether or not they came to their end."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO


def copy_parts(folder: str, text: BinaryIO) -> None:
    """Write to a file what tasks have written so far.

    Parameters
    ----------
    folder : str
        Where their parts are, if any is.
    text : binary file
    """
    for path in sorted(Path(folder).glob("part-*")):
        with open(path, "rb") as part:
            shutil.copyfileobj(part, text, 1 << 20)
            if not part.tell():
                continue
            part.seek(-1, os.SEEK_END)
            if part.read() != b"\n":  # it breaks off, and the next one begins a line
                text.write(b"\n")
