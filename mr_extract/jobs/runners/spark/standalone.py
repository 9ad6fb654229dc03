"""What a standalone master tells of its workers over HTTP, where it does."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException

_PORT, _TIMEOUT = 8080, 3.0  # of its web pages unless it is told so; seconds


def cores_of(master: str) -> int | None:
    """Return the cores of all workers of a standalone master, None where nobody tells.

    Parameters
    ----------
    master : str
        As ``spark://host:7077``.
    """
    for place in master.removeprefix("spark://").split(","):
        host = place.rpartition(":")[0]
        try:
            with urllib.request.urlopen(f"http://{host}:{_PORT}/json/", timeout=_TIMEOUT) as page:
                told = json.load(page)
            # Another one may have that port.
            if told["status"] == "ALIVE" and told["url"].rpartition(":")[2] == (
                    place.rpartition(":")[2]):
                return sum(int(one["cores"]) for one in told["workers"]
                           if one["state"] == "ALIVE") or None
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            continue
    return None
