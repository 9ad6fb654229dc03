"""A process that measures may say that another should measure the next image.

Its parent tells it that it is a process apart, and gives it a folder; in `-r inline` there is
none.
"""

from __future__ import annotations

_apart = False
_folder = ""
_reasons: list[str] = []


def be_apart(folder: str) -> None:
    """Note that this process measures for another one, which removes this folder."""
    global _apart, _folder
    _apart, _folder = True, folder


def is_apart() -> bool:
    """Tell whether another process may take the place of this one."""
    return _apart


def folder() -> str:
    """Return the folder that the parent removes; empty where there is none."""
    return _folder


def ask_for(reason: str) -> None:
    """Have the process renewed when the image is done."""
    _reasons.append(reason)


def asked() -> str:
    """Return why it should be renewed, empty for no reason, and forget that."""
    reason = ", ".join(dict.fromkeys(_reasons))
    _reasons.clear()
    return reason
