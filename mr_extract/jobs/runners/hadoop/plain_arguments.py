"""Arguments of tasks in characters that every launcher passes on as they are.

Hadoop streaming cuts its command at quotes and spaces and knows no escape, and
what is not ASCII depends on the locale of the node.
"""

import base64
import re
from collections.abc import Iterable

_OPTION = "--encoded="
_PLAIN = re.compile(r"[A-Za-z0-9 _@%+=:,./{}()*?\[\]~^!&|;<>#$-]+")


def plain(arguments: Iterable[str]) -> list[str]:
    """Return arguments, those with difficult characters encoded."""
    return [a if _PLAIN.fullmatch(a) else _OPTION + _encode(a) for a in arguments]


def given(arguments: Iterable[str]) -> list[str]:
    """Return what `plain` was given."""
    return [_decode(a) if a.startswith(_OPTION) else a for a in arguments]


def _encode(argument):
    return base64.urlsafe_b64encode(argument.encode("utf-8", "surrogateescape")).decode()


def _decode(argument):
    text = argument.removeprefix(_OPTION)
    return base64.urlsafe_b64decode(text.encode()).decode("utf-8", "surrogateescape")
