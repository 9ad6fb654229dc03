"""Addresses as they may be shown: without passwords, tokens and signatures.

A catalog is published, a log is read by others, and `ps` shows every command. So whatever
is written for somebody to read has its addresses from here; to fetch, they stay as given.
What goes is all that lets one in and all that changes when it is given anew: an image is the
same when its address has been signed again, and so is its id.
"""

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WITHIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"<>]+")
_BEHIND = re.compile(r"['\"),.:;\]}>]+$")  # of an address within a sentence
_QUERY = re.compile(r"([?&;#])([^=&;#?]+)=([^&;#]*)")
# A name alone before the @ is a user; of these the key or token itself stands there.
_USER_IS_SECRET = {"http", "https", "ftp", "ftps", "s3", "s3a", "s3n"}
_SECRET = re.compile(
    r"(.*[-_.])?(access[-_]?key([-_]?id)?|access[-_]?token|api[-_]?key|auth|authorization|bearer|"
    r"credentials?|delegation|hdnea|hdntl|hdnts|hmac|jwt|key|pass|passphrase|passwd|password|pwd|"
    r"sas|secret|secret[-_]?key|session|session[-_]?id|sig|sign|signature|signed|ticket|token)"
    r"|(x-)?(amz|goog|oss|obs|cos|ms|tos)-.*|q-(sign|ak|key|url|header).*|.*accesskeyid|.*accessid",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"(.*[-_.])?(sig|sign|signature|hmac)", re.IGNORECASE)
# What belongs to a signature and is no secret by its name: of CloudFront and the like, and of
# Azure (SAS), where these letters are fixed.
_WITH_SIGNATURE = {
    "expires", "expire", "expiry", "policy", "key-pair-id", "keyname", "urlprefix",
    "se", "si", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt",
    "ss", "st", "sv", "saoid", "suoid", "scid", "sdd", "ses", "sdr", "skdutid", "sduoid",
}


def shown(address: str) -> str:
    """Return an address as it may be shown.

    Parameters
    ----------
    address : str
        A URI, with perhaps a word before it; a path is returned as it is.

    Returns
    -------
    str
        Without user and password, and without the parts of its query (or fragment) that are
        secret by their name or belong to a signature. All else stays, letter by letter.

    Examples
    --------
    >>> shown("https://me:pass@host/a.fits?hdu=2&X-Amz-Signature=ab12")
    'https://host/a.fits?hdu=2'
    """
    if "@" not in address and "=" not in address:
        return address  # neither a user nor a query is in it
    scheme = "://" in address and _SCHEME.search(address)
    if not scheme or scheme[1].lower() == "file":
        return address
    before, rest = address[: scheme.end()], _without_user(address[scheme.end() :], scheme[1])
    return before + without_query(rest)


def shown_within(text: str) -> str:
    """Return a text in which each address is as `shown` gives it."""
    if "://" not in text:
        return text
    return _WITHIN.sub(_shown_word, text)


def shown_rule(text: str) -> str:
    """Return a rule of naming, or part of one, as it may be shown: what is behind a ``?`` too."""
    words = re.split(r"(\s+)", shown_within(text))
    return "".join(word if "://" in word else without_query(word) for word in words)


def without_query(text: str) -> str:
    """Return a text without the secret parts of the query in it."""
    if "=" not in text:
        return text
    start = min((k for k in map(text.find, "?;#&") if k >= 0), default=-1)
    if start < 0:
        return text
    parts = list(_QUERY.finditer(text, start))
    names = {part: unquote(part[2]).strip().lower() for part in parts}
    signed = any(_SIGNATURE.fullmatch(name) for name in names.values())
    gone = [part for part, name in names.items()
            if _SECRET.fullmatch(name) or (signed and name in _WITH_SIGNATURE)]
    for part in reversed(gone):
        head, tail = text[: part.start()], text[part.end() :]
        if tail[:1] in ("&", ";") and part[1] in "?#":
            tail = part[1] + tail[1:]  # the next one is the first now
        text = head + tail
    return text


def _shown_word(match):
    word = match[0]
    behind = _BEHIND.search(word)
    bare = word[: behind.start()] if behind else word
    return shown(bare) + word[len(bare) :]


def _without_user(rest, scheme):
    """Return what stands behind ``://`` without USER:PASSWORD@."""
    authority = re.match(r"[^/?#]*", rest)[0]
    user, at, host = authority.rpartition("@")
    if at:
        secret = ":" in user or "%3a" in user.lower() or scheme.lower() in _USER_IS_SECRET
        return host + rest[len(authority) :] if secret else rest
    # A password with an unescaped / ? or #: no port is there, but an @ farther on.
    name, colon, port = authority.rpartition(":")
    if colon and port and not port.isdecimal() and not name.startswith("[") and "@" in rest:
        return rest.rpartition("@")[2]
    return rest
