"""Which line of the user's code it was: of an exception, or of a process that is gone."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable, Sequence

_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_OUR_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_OURS = os.path.dirname(_OUR_PACKAGE)
_LONGEST = 200


def where_raised(error: BaseException, folders: Sequence[str]) -> str:
    """Return the innermost line of the user's code that an exception went through.

    Parameters
    ----------
    error : BaseException
    folders : sequence of str
        In which the user's code is.

    Returns
    -------
    str
        As ``glue.py:12 in measure``; empty where there is none.
    """
    frames = [(one.filename, one.lineno or 0, one.name)
              for one in reversed(traceback.extract_tb(error.__traceback__))]
    return _innermost(frames, folders)


def where_dumped(text: str, folders: Sequence[str]) -> str:
    """Return the same of what `faulthandler` wrote when a process came to its end."""
    # The thread that was running comes first where a signal was caught.
    parts = re.split(r"^(?=(?:Current thread|Thread) )", text, flags=re.MULTILINE)
    parts.sort(key=lambda part: not part.startswith("Current thread"))
    for part in parts:
        frames = [(name, int(line), within) for name, line, within in _FRAME.findall(part)]
        if found := _innermost(frames, folders):
            return found
    return ""


def _innermost(frames: Iterable[tuple[str, int, str]], folders):
    others = [one for one in frames if not _is_ours(one[0])]
    folders = [*filter(None, folders), _OURS]  # where code that has travelled is
    mine = [one for one in others if _short(one[0], folders)] or others
    if not mine:
        return ""
    name, line, within = mine[0]
    return f"{_short(name, folders) or os.path.basename(name)}:{line} in {within}"


def _is_ours(name):
    return _is_below(name, _OUR_PACKAGE) or name.startswith("<frozen ")


def _is_below(name, folder):
    return os.path.abspath(name).startswith(os.path.join(folder, ""))


def _short(name, folders):
    """Return a file's name without what is different on another machine; empty for no user's."""
    for folder in folders:
        if _is_below(name, folder):
            rest = os.path.relpath(name, folder)
            if "site-packages" not in rest.split(os.sep):
                return rest
    return ""


def last_line(text: str) -> str:
    """Return the last line of what was printed, bounded; empty where nothing was."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST] if lines else ""


def told(what: str, where: str, printed: str) -> str:
    """Return the message of a failure: what it was, which line, and what was printed last."""
    return "".join((what, f" ({where})" if where else "",
                    f"; it printed: {printed}" if printed else ""))
