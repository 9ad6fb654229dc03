"""Which companions a manifest's line or a rule names, and where they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mr_extract import addresses, storage
from mr_extract.failures import ImageFailure
from mr_extract.settings.beside import WEIGHT_KINDS
from mr_extract.text.naming import parse_place, parse_rule

if TYPE_CHECKING:
    from mr_extract.settings.beside import Companions
    from mr_extract.settings.tree import Settings
    from mr_extract.text.entry import Entry

#: The fields of a line that name a mask, and a weight map.
FIELDS = {"mask": ("mask",), "weight": ("weight", "rms", "variance")}


@dataclass(frozen=True)
class Wanted:
    """A companion that an image should have.

    Parameters
    ----------
    role : str
        ``mask``, ``weight``, ``flags``, ``calibration`` or ``psf``.
    kind : str
        What a weight map holds: ``weight``, ``variance`` or ``rms``.
    places : tuple of mr_extract.text.naming.Place
        Where it may be, the likeliest first; empty where an optional rule does not apply.
    optional : bool
        The image is measured without it where none of the places is there.
    """

    role: str
    kind: str
    places: tuple
    optional: bool = False


def wanted(entry: Entry, settings: Companions) -> list[Wanted]:
    """Return the companions of a line, as its fields or the rules say.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
        A field with a value names the companion, one without says that there is none.
    settings : mr_extract.settings.beside.Companions
        Its rules are for lines without a field.

    Returns
    -------
    list of Wanted

    Raises
    ------
    ImageFailure
        ``fetch-not-found`` where a rule does not apply to the name of the image.
    """
    found = [companion_of(entry, "mask", FIELDS["mask"], settings.mask_image),
             companion_of(entry, "flags", ("flags",), settings.flag_image),
             companion_of(entry, "calibration", ("calibration",), settings.calibration_file),
             companion_of(entry, "psf", ("psf",), settings.psf_image)]
    if settings.weight_type in WEIGHT_KINDS:
        kind = WEIGHT_KINDS[settings.weight_type]
        found.append(
            companion_of(entry, "weight", FIELDS["weight"], settings.weight_image, kind)
        )
    return [one for one in found if one is not None]


def companion_of(entry: Entry, role: str, names: Sequence[str], rule: str,
                 kind: str = "") -> Wanted | None:
    """Return what a line's fields, or else a rule, say of one companion; None for none."""
    field = entry.companion(*names)
    if field is not None:
        name, text = field
        kind = name if name in ("rms", "variance") else kind
        return Wanted(role, kind, (parse_place(text),)) if text else None
    found = parse_rule(rule) if rule else None  # as of most lines
    if not found:
        return None
    places = tuple(found.places(entry.uri, entry.ext))
    if places or found.optional:
        return Wanted(role, kind, places, found.optional)
    raise ImageFailure("fetch-not-found", f"{role}: the rule {addresses.shown_rule(found.text)!r} "
                         "does not apply to the name of the image")


def places(entry: Entry, config: Settings) -> list[tuple[str, ...]]:
    """Return where the files of a line are: its image, companions and detection image.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
    config : mr_extract.settings.tree.Settings
        Its sections `companions` and `pairing`, None where the job has none; its further rules.

    Returns
    -------
    list of tuple of str
        A tuple for each file: the URIs where it may be, the likeliest first.
    """
    files: list[tuple[str, ...]] = [(entry.uri,)]
    try:
        beside: list[Wanted | None] = []
        if config.companions is not None:
            beside += wanted(entry, config.companions)
        beside += [companion_of(entry, name, (name,), rule)
                   for name, rule in config.further_rules().items()]
        if config.pairing is not None:
            beside.append(companion_of(entry, "detect", ("detect",), config.pairing.detect_image))
    except ImageFailure:
        return files  # `companion_files.attach` will say so
    for one in beside:
        uris = () if one is None else tuple(place.uri for place in one.places if place.uri)
        if uris and uris not in files:
            files.append(uris)
    return files


def anywhere(text: str) -> str:
    """Return where a companion is as text that means the same from every directory."""
    place = parse_place(text)
    if not place.uri:
        return text
    return storage.absolute(place.uri) + text[len(place.uri) :]
