"""Rules of naming that are plain paths: they mean a file beside the image, or a typed path.

Whoever types ``cfht/deep/i.fits`` from the parent directory means what the shell completed.
Tasks have working directories of their own, so the path from the root stands as a second
way in the rule that they get; the catalog says the rule as it was typed.
"""

from mr_extract.text.naming import parse_place, parse_rule


def anchored(text: str, directory: str) -> str:
    """Return a rule in which each plain relative path is also tried from a directory.

    Parameters
    ----------
    text : str
        A rule, as for `mr_extract.text.naming.parse_rule`.
    directory : str
        Absolute. A rule that has been anchored stays as it is, whatever the directory.

    Returns
    -------
    str

    Examples
    --------
    >>> anchored("deep/i.fits", "/data")
    'deep/i.fits | /data/deep/i.fits'
    """
    parts, mark = _parts(text)
    if any(sign in directory for sign in ("|", "?", "->")):
        return text  # no rule can spell it
    found = []
    for k, part in enumerate(parts):
        found.append(part)
        if _is_path(part) and not _anchors(parts[k + 1 : k + 2], part):
            root = directory.rstrip("/").replace("{", "{{").replace("}", "}}")
            found.append(f"{root}/{part}")
    return " | ".join(found) + mark if len(found) > len(parts) else text


def as_typed(text: str) -> str:
    """Return the rule that `anchored` was given."""
    parts, mark = _parts(text)
    kept = [part for k, part in enumerate(parts)
            if not (k and _is_path(parts[k - 1]) and _anchors([part], parts[k - 1]))]
    return " | ".join(kept) + mark if len(kept) < len(parts) else text


def _parts(text):
    """Return the ways of a rule and the mark behind it; none where `|` may be part of one."""
    kinds = [candidate[0] for candidate in parse_rule(text).candidates]
    if not kinds or "regular" in kinds:
        return [], ""
    text = text.strip()
    mark = "?" if text.endswith("?") else ""
    return [part.strip() for part in text.removesuffix("?").split("|")], mark


def _is_path(part):
    uri = parse_place(part).uri
    return bool(uri) and not uri.startswith("/") and not any(
        sign in uri for sign in ("{", "}", "->", "://")
    )


def _anchors(following, part):
    return any(one.startswith("/") and one.endswith(f"/{part}") for one in following)
