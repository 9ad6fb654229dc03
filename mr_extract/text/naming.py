r"""Rules by which the mask, weight map or flag image of an image is named.

A rule is one of these, or several of them with ``|`` between, of which the first
that is there is taken:

``{stem}.weight.fits``
    A template. ``{name}`` is the file name of the image, ``{stem}`` the same without
    ``.fits``, ``.fit`` or ``.fts`` and what packs it, ``{suffix}`` what the stem lacks,
    ``{dir}`` the folder, ``{ext}`` the extension that the line asks for.
``ooi -> oow``
    A substitution, everywhere in the file name.
``s/fpC-(\d+)/fpM-\1/``
    A regular expression and its replacement, everywhere in the file name; ``,`` ``#``
    ``!`` or ``@`` may stand for ``/``.
``[DQ]``
    An extension of the image's own file, by number or EXTNAME.

A substitution whose left side holds a ``/`` is for the whole path. A name that does
not begin at the root or with a scheme is beside the image (one without any sign also in
the working directory: `mr_extract.text.anchors`). Each but the last may end
in ``[2]`` or ``[DQ]``, the extension of the file that it names, unless a file of this machine
is called so (`mr_extract.text.brackets`). A ``?`` at the end of
the rule says that an image without such a file is measured without it.
"""

import re
from dataclasses import dataclass
from string import Formatter

from mr_extract.text.brackets import is_file

_SUFFIX = re.compile(r"(\.(?:fits|fit|fts))?(\.(?:gz|bz2|fz|Z))*$", re.IGNORECASE)
_PACKED = re.compile(r"\.(gz|bz2|fz)$", re.IGNORECASE)
_EXTENSION = re.compile(r"(.*?)\[([^\[\]]+)\]")
_FIELDS = ("dir", "name", "stem", "suffix", "ext")
_DELIMITERS = "/,#!@"


@dataclass(frozen=True)
class Place:
    """Where a companion is.

    Parameters
    ----------
    uri : str
        Empty for the image's own file.
    ext : int, str or None
        Extension, None where it is that of the image.
    """

    uri: str
    ext: int | str | None = None

    def __str__(self) -> str:
        return self.uri + ("" if self.ext is None else f"[{self.ext}]")


@dataclass(frozen=True)
class Rule:
    """A rule that has been understood.

    Parameters
    ----------
    candidates : tuple of (str, str, str, object)
        Kind, two texts, and the extension of each way to name a file.
    optional : bool
        An image may be without.
    text : str
        The rule as it was written.
    """

    candidates: tuple = ()
    optional: bool = False
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.candidates)

    def places(self, uri: str, ext: int | str | None = None) -> list[Place]:
        """Return where the companion of an image may be, the likeliest first.

        Parameters
        ----------
        uri : str
            The image.
        ext : int, str or None
            Its extension, as the manifest asks for it.

        Returns
        -------
        list of Place
            Empty where no candidate applies to the name. Behind each name stand
            those with other packing, as a mask is often packed otherwise.
        """
        found = []
        for kind, left, right, extension in self.candidates:
            named = _named(kind, left, right, uri, ext)
            if named is None:
                continue
            if named and extension is not None and is_file(f"{named}[{extension}]"):
                named, extension = f"{named}[{extension}]", None
            for name in [named, *_packings(named)] if named else [""]:
                place = Place(name, extension)
                if place not in found:
                    found.append(place)
        return found


def parse_rule(text: str) -> Rule:
    r"""Read a rule.

    Parameters
    ----------
    text : str
        Empty for no rule.

    Returns
    -------
    Rule
        False in a condition where there is none.

    Raises
    ------
    ValueError
        When it is no rule; the message says why.

    Examples
    --------
    >>> [str(p) for p in parse_rule("ooi -> oow").places("d/c4d_ooi_r.fits.fz")]
    ['d/c4d_oow_r.fits.fz', 'd/c4d_oow_r.fits', 'd/c4d_oow_r.fits.gz', 'd/c4d_oow_r.fits.bz2']
    >>> parse_rule(r"s/fpC-(\d+)/fpM-\1/").places("run/fpC-005754.fit")[0].uri
    'run/fpM-005754.fit'
    >>> parse_rule("[DQ]").places("hst_flt.fits")
    [Place(uri='', ext='DQ')]
    """
    text = whole = text.strip()
    optional = text.endswith("?")
    text = text.removesuffix("?").strip()
    candidates, rest = [], text
    while rest:
        candidate, rest = _substitution(rest) if _is_regular(rest) else _plain(rest)
        candidates.append(candidate)
        if rest and not rest.startswith("|"):
            raise ValueError(f"{rest!r} is left over behind an expression")
        if rest and not rest[1:].strip():
            raise ValueError("nothing stands behind the last |")
        rest = rest[1:].lstrip()
    if optional and not candidates:
        raise ValueError("nothing stands before the ?")
    return Rule(tuple(candidates), optional, whole)


def parse_place(text: str) -> Place:
    """Read where a line says that a companion is: a path or URI, an ``[extension]``, or both.

    Returns
    -------
    Place
    """
    return Place(text) if is_file(text) else Place(*_split_extension(text))


def _is_regular(text):
    return len(text) > 1 and text[0] == "s" and text[1] in _DELIMITERS


def _substitution(text):
    parts, k = [""], 2
    while k < len(text) and len(parts) < 3:
        if text[k] == "\\" and text[k + 1 : k + 2] == text[1]:
            k += 1
            parts[-1] += text[k]
        elif text[k] == text[1]:
            parts.append("")
        elif text[k] == "\\":
            parts[-1] += text[k : k + 2]
            k += 1
        else:
            parts[-1] += text[k]
        k += 1
    if len(parts) < 3:
        raise ValueError(f"{text!r} lacks a third {text[1]!r}")
    pattern, replacement = parts[:2]
    try:
        re.sub(pattern + "|", replacement, "")  # matches, so the replacement is read too
    except (re.error, IndexError) as error:
        raise ValueError(f"{text!r} is no regular expression with its replacement: "
                         f"{error}") from None
    rest = text[k:].lstrip()
    bracket = re.match(r"\[([^\[\]]+)\]\s*", rest)
    if bracket:
        rest = rest[bracket.end() :]
    return ("regular", pattern, replacement, _number(bracket.group(1)) if bracket else None), rest


def _plain(text):
    text, bar, rest = text.partition("|")
    named, extension = _split_extension(text.strip())
    left, arrow, right = (part.strip() for part in named.partition("->"))
    if not arrow and not named and extension is None:
        raise ValueError("nothing stands before a |")
    if arrow:
        if not left:
            raise ValueError("nothing stands left of ->")
        return ("literal", left, right, extension), bar + rest
    try:
        fields = [field for _, field, form, conversion in Formatter().parse(named)
                  if field is not None or form or conversion]
        unknown = [field for field in fields if field not in _FIELDS]
    except ValueError as error:
        raise ValueError(f"{named!r}: {error}") from None
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is none of "
                         f"{', '.join(f'{{{field}}}' for field in _FIELDS)}")
    return ("template", named, "", extension), bar + rest


def _split_extension(text):
    match = _EXTENSION.fullmatch(text)
    return (match.group(1), _number(match.group(2))) if match else (text, None)


def _number(ext):
    ext = ext.strip()
    return int(ext) if ext.isdecimal() and len(ext) < 10 else ext


def _named(kind, left, right, uri, ext):
    """Return the name that a candidate gives, empty for the same file, None for none."""
    folder, slash, name = uri.rpartition("/")
    if kind == "template":
        if not left:
            return ""
        stem = _SUFFIX.sub("", name, count=1)
        named = left.format(
            dir=folder if slash else ".", name=name, stem=stem, suffix=name[len(stem) :],
            ext="" if ext is None else ext,
        )
        at_root = named.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", named)
        return named if at_root or left.startswith("{dir}") else f"{folder}{slash}{named}"
    whole = "/" in left
    old = uri if whole else name
    new = old.replace(left, right) if kind == "literal" else re.sub(left, right, old)
    if new == old:
        return None
    return new if whole else f"{folder}{slash}{new}"


def _packings(name):
    """Return a name without its packing, and with each other one."""
    packed = _PACKED.search(name)
    bare = name[: packed.start()] if packed else name
    names = (bare, *(bare + suffix for suffix in (".fz", ".gz", ".bz2")))
    return [other for other in names if other != name]


def same_but_packing(one: Place, other: Place) -> bool:
    """Say whether two places are of one name, but for ``.fz``, ``.gz`` or ``.bz2``."""
    return _PACKED.sub("", one.uri) == _PACKED.sub("", other.uri)
