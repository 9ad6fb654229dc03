"""What to say to who comes from SExtractor, where a thing has another name here."""

from mr_extract.sextractor import FORMATS
from mr_extract.sextractor.keywords import KEYWORDS
from mr_extract.sextractor.syntax import read_lines


def catalog_hint(path: str, chosen: str | None, place: str | None) -> str:
    """Return how to get the catalogue that a configuration asks for.

    Its CATALOG_TYPE and CATALOG_NAME are not taken over: one catalogue of all images is
    no catalogue of SExtractor's.

    Parameters
    ----------
    path : str
        A ``.sex`` file.
    chosen : str or None
        Type of the catalog that was chosen, None where nobody did.
    place : str or None
        Where it goes to.

    Returns
    -------
    str
        Empty where there is nothing to say, or the file cannot be read.
    """
    try:
        lines = {line.keyword: line.values for line in read_lines(path)}
    except ValueError:
        return ""  # `configuration` says so
    kind = "".join(lines.get("CATALOG_TYPE", ())[:1])
    name = "".join(lines.get("CATALOG_NAME", ())[:1])
    if kind and not chosen:
        known = kind.lower() in FORMATS
        return f"CATALOG_TYPE {kind}: " + (
            f"add --catalog-type {kind.lower()} --catalog DIR" if known
            else f"not written here; --catalog-type is one of {', '.join(FORMATS)}"
        ) + "; without it the catalog is a table of all images"
    if name and name.upper() != "STDOUT" and not place:
        return f"CATALOG_NAME {name}: add --catalog {name}"
    return ""


def keyword_hint(name: str) -> str:
    """Return what to say of a setting that is a keyword of SExtractor, or an empty text."""
    keyword = KEYWORDS.get(name.upper())
    if keyword is None:
        return ""
    return f"{name.upper()} is SExtractor's name; here: {keyword.why.partition(';')[0]}"
