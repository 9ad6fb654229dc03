"""What goes wrong on a connection, and what servers say of it, by its name."""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

from urllib3 import exceptions

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import Passing

# Answers that may be others the next time.
PASSING = {408, 425, 429, 500, 502, 503, 504}
THROTTLED = {429, 503}


def named(error: exceptions.HTTPError) -> Passing | ImageFailure:
    """Return the exception to raise for one of urllib3's.

    Parameters
    ----------
    error : urllib3.exceptions.HTTPError

    Returns
    -------
    Passing or ImageFailure
        The message does not repeat urllib3's, which may name hosts, paths and passwords.
    """
    limit = f"{storage.access().fetch_timeout:g} s"
    inner = error.args[-1] if error.args else None
    if isinstance(error, exceptions.ProxyError):
        return _of_proxy(error.original_error)
    if isinstance(error, exceptions.SSLError):
        return _of_tls(inner)
    if isinstance(error, exceptions.NameResolutionError):
        return Passing("fetch-failed", "the name of its host is not known")
    if isinstance(error, exceptions.NewConnectionError):
        return Passing("fetch-failed", f"no connection: {_reason(error.__cause__)}")
    if isinstance(error, exceptions.ConnectTimeoutError):
        return Passing("fetch-timeout", f"no connection within {limit}")
    if isinstance(error, exceptions.TimeoutError):
        return Passing("fetch-timeout", f"no byte within {limit}")
    if isinstance(error, exceptions.LocationValueError):
        return ImageFailure("fetch-failed", "the URL makes no sense")
    if isinstance(error, exceptions.IncompleteRead) or isinstance(inner, IncompleteRead):
        return Passing("fetch-truncated", "the connection ended before the last byte")
    if isinstance(inner, RemoteDisconnected):
        return Passing("fetch-failed", "the connection was closed without an answer")
    if isinstance(inner, BadStatusLine):
        return Passing("fetch-failed", "the answer is not HTTP")
    return Passing("fetch-failed", f"the connection broke: {_reason(inner)}")


def of_status(
    status: int, headers: Mapping[str, str], code: str = "", kind: str = ""
) -> Passing | ImageFailure:
    """Return the exception to raise for an HTTP status.

    Parameters
    ----------
    status : int
    headers : mapping
        Of the answer; names in any case.
    code : str, optional
        The server's own word for it.
    kind : str, optional
        What the word tells, where it tells more than the status: that this may pass.

    Returns
    -------
    Passing or ImageFailure
    """
    said = f"the server answered {status}" + (f" ({code})" if code else "")
    if kind or status in PASSING:
        wait = retry_after(headers)
        asked = f" and asked to wait {wait:.0f} s" if wait else ""
        usual = "fetch-throttled" if status in THROTTLED else "fetch-failed"
        return Passing(kind or usual, said + asked, wait)
    if status in (404, 410):
        return ImageFailure("fetch-not-found", said)
    if status in (401, 403, 407):
        wants = {401: ": it wants a user and a password", 407: ": the proxy wants a password"}
        return ImageFailure("fetch-forbidden", said + wants.get(status, ""))
    return ImageFailure("fetch-failed", said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None.

    A date counts from the date of the answer, as clocks differ.
    """
    headers = {name.lower(): value for name, value in headers.items()}
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    until = _date(value)
    if until is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def seconds_of(date: str) -> float | None:
    """Return an HTTP date in seconds since 1970 UTC, or None."""
    moment = _date(date)
    return moment and moment.timestamp()


def _date(text):
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of_tls(inner):
    if isinstance(inner, ssl.SSLCertVerificationError):
        return ImageFailure(
            "fetch-failed", f"the server's certificate is not trusted: {inner.verify_message}; "
            "the variable SSL_CERT_FILE names the authorities to trust"
        )
    reason = getattr(inner, "reason", None) or type(inner).__name__
    return Passing("fetch-failed", f"no secure connection: {reason}")


def _of_proxy(inner):
    if any(f" {status} " in str(inner) for status in (401, 403, 407)):
        return ImageFailure("fetch-forbidden", "the proxy refused; is its password right?")
    return Passing("fetch-failed", "no connection through the proxy")


def _reason(error):
    return getattr(error, "strerror", None) or type(error).__name__
