"""The ids of images that one line meant together, and that of the line."""

import re

from mr_extract.addresses import shown
from mr_extract.jobs.skeleton.expansion import meant_by
from mr_extract.text.entry import Entry, escaped

_REGION = r"(\[[0-9]+:[0-9]+,[0-9]+:[0-9]+\])?"
_ONE = re.compile(r"(.+?)(\[[0-9]+\])?(\[plane=[0-9,]+\])?" + _REGION)
_SEVERAL = re.compile(r"(.+?)(\[(?:\*|/.+/)\])?(\[plane=[0-9,:al]+\])?" + _REGION)


def names_of(image_id: str) -> tuple[str, ...]:
    """Give the names of the lines from which an image may have been expanded.

    Examples
    --------
    >>> names_of("cube.fits[2][plane=3]")
    ('cube.fits[2]', 'cube.fits')
    """
    match = _ONE.fullmatch(image_id)
    name, ext, plane, region = (part or "" for part in match.groups()) if match else ("",) * 4
    found = ([name + ext + region] if plane else []) + ([name + region] if ext else [])
    return tuple(dict.fromkeys(found))


def name_of(entry: Entry, extensions: str) -> str:
    """Give the name of a line as `names_of` has it for its images."""
    given = entry.get("id")
    if given:
        return escaped(shown(given))
    ext = entry.get("ext") if meant_by(entry, extensions) is None else None
    parts = (part for part in (ext, entry.get("region")) if part)
    return escaped(shown(entry.uri) + "".join(f"[{part}]" for part in parts))


def name_of_several(image_id: str, expands: bool) -> str:
    """Give the name of a line that failed as one, by its id; empty where it meant one image.

    Parameters
    ----------
    image_id : str
    expands : bool
        A line that names neither extension nor plane may mean several images, too.
    """
    match = _SEVERAL.fullmatch(image_id)
    name, ext, plane, region = (part or "" for part in match.groups()) if match else ("",) * 4
    if ext or ":" in plane or "all" in plane:
        return name + region
    return image_id if expands else ""
