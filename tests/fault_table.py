"""What can go wrong on the way, and what becomes of it: the table that is tested and shown.

A row says how the server answers the requests for one object (the last way for ever), and
the outcome: ``whole``, or the kind of failure.
"""

from dataclasses import dataclass

from misbehaving import (
    announces,
    changing,
    closes,
    cut,
    garbage,
    hang,
    labelled,
    packed,
    reset,
    right,
    s3_error,
    silent,
    status,
    trickle,
    without_length,
    without_ranges,
)

SCHEMES = ("http", "s3")
PART = 100_000  # bytes after which an answer breaks off; a third of the file


@dataclass(frozen=True)
class Fault:
    """One row; `requests` is how many it takes, where that is certain."""

    what: str
    outcome: str
    ways: list
    schemes: tuple = SCHEMES
    operation: str = "read"
    requests: int | None = None
    silent: bool = False  # the client must give up, and may do so too early


WEB, S3 = ("http",), ("s3",)
SLOW_DOWN = s3_error(503, "SlowDown", Retry_After="0")
FAULTS = [
    Fault("the connection is reset in the middle, once", "whole", [reset(PART), right],
          requests=2),
    Fault("the connection is closed in the middle, once", "whole", [cut(PART), right],
          requests=2),
    Fault("silence in the middle, once", "whole", [hang(PART), right], silent=True),
    Fault("every answer breaks off after a third of the file", "whole", [cut(PART)], requests=3),
    Fault("500, once", "whole", [s3_error(500, "InternalError"), right], requests=2),
    Fault("503 (S3: SlowDown) with Retry-After, twice", "whole", [SLOW_DOWN, SLOW_DOWN, right],
          requests=3),
    Fault("429, once", "whole", [s3_error(429, "TooManyRequests"), right], requests=2),
    Fault("no answer, once", "whole", [silent, right], silent=True),
    Fault("the server ignores that a part is asked for", "whole",
          [cut(PART), without_ranges], requests=2),
    Fault("the file changes while it is read, once", "whole", [changing(PART), right]),
    Fault("no length is announced", "whole", [without_length()], WEB, requests=1),
    Fault("the file comes in chunks", "whole", [without_length(chunked=True)], WEB, requests=1),
    Fault("the server packs the file on the way (gzip)", "whole", [packed], WEB, requests=1),
    Fault("a redirect", "whole", [status(302, Location="/elsewhere/a.fits")], WEB, requests=1),
    Fault("no such file or key (404)", "fetch-not-found", [s3_error(404, "NoSuchKey")],
          requests=1),
    Fault("gone (410)", "fetch-not-found", [status(410)], WEB, requests=1),
    Fault("no such bucket", "fetch-not-found", [s3_error(404, "NoSuchBucket")], S3, requests=1),
    Fault("401", "fetch-forbidden", [status(401)], WEB, requests=1),
    Fault("403 (S3: AccessDenied)", "fetch-forbidden", [s3_error(403, "AccessDenied")],
          requests=1),
    Fault("unknown access key", "fetch-forbidden", [s3_error(403, "InvalidAccessKeyId")], S3,
          requests=1),
    Fault("expired credentials", "fetch-forbidden", [s3_error(400, "ExpiredToken")], S3,
          requests=1),
    Fault("archived object", "fetch-forbidden", [s3_error(403, "InvalidObjectState")], S3,
          requests=1),
    Fault("503 (S3: SlowDown), always", "fetch-throttled", [s3_error(503, "SlowDown")]),
    Fault("429, always", "fetch-throttled", [s3_error(429, "TooManyRequests")]),
    Fault("503 that asks to wait longer than the budget", "fetch-throttled",
          [s3_error(503, "SlowDown", Retry_After="3600")], requests=1),
    Fault("no answer, ever", "fetch-timeout", [silent], silent=True),
    Fault("silence before the first byte, always", "fetch-timeout", [hang(0)], silent=True),
    Fault("a byte now and then, without end", "fetch-timeout", [trickle], silent=True),
    Fault("408 (S3: RequestTimeout), always", "fetch-failed", [status(408)], WEB),
    Fault("RequestTimeout, always", "fetch-failed", [s3_error(400, "RequestTimeout")], S3),
    Fault("closed before the first byte, always", "fetch-truncated", [cut(0)]),
    Fault("more is announced than comes, always", "fetch-truncated", [announces(100)]),
    Fault("chunks without an end, always", "fetch-truncated",
          [without_length(0, chunked=True)], WEB),
    Fault("the file changes between two parts", "fetch-changed", [changing(None), right],
          operation="parts", requests=2),
    Fault("500, always", "fetch-failed", [s3_error(500, "InternalError")]),
    Fault("502 or 504, always", "fetch-failed", [status(502), status(504)]),
    Fault("reset before the first byte, always", "fetch-failed", [reset(0)]),
    Fault("closed without an answer, always", "fetch-failed", [closes]),
    Fault("the answer is not HTTP", "fetch-failed", [garbage]),
    Fault("another refusal (400)", "fetch-failed", [s3_error(400, "InvalidRequest")],
          requests=1),
    Fault("redirects in a circle", "fetch-failed", [status(302, Location="/bucket/a.fits")], WEB,
          requests=11),
    Fault("a redirect to what is no web address", "fetch-failed",
          [status(302, Location="ftp://example.org/a.fits")], WEB, requests=1),
    Fault("packed on the way with what nobody asked for (br)", "fetch-failed", [labelled("br")],
          WEB, requests=1),
]


def markdown():
    """Return the table of the documentation."""
    lines = ["| what happens | http, https | s3 |", "| --- | --- | --- |"]
    for fault in FAULTS:
        outcome = fault.outcome if fault.outcome == "whole" else f"`{fault.outcome}`"
        cells = [outcome if scheme in fault.schemes else "" for scheme in SCHEMES]
        lines.append(f"| {fault.what} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"
