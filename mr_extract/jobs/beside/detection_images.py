"""The image on which the sources of another are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside import regions as sections
from mr_extract.jobs.beside.companion_files import attach, open_first, shown, told
from mr_extract.jobs.beside.named_companions import companion_of
from mr_extract.remarks import hearing, repeat, say
from mr_extract.text.entry import Entry
from mr_extract.text.fields import PART

if TYPE_CHECKING:
    from mr_extract.frames.finding import Detected
    from mr_extract.images import Image
    from mr_extract.images.section import Section
    from mr_extract.settings.config import Config

_OWN = ("mask", "weight", "rms", "variance")
# What was detected on, mr_extract.frames.finding.Detected, its facts, what was said, units.
_held: tuple | None = None
_ABOUT = "detection image"


def detection_for(
    entry: Entry, config: Config, file: tuple[bytes | Section, str], image: Image,
    lap: Callable[[str], object] = lambda stage: None
) -> tuple[Detected | None, dict[str, str], int]:
    """Return what was found on the detection image of a line.

    Images of one field in several bands stand together in a manifest as a rule, and
    share it: so the last one is kept.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
        Its field ``detect`` stands before the rule of the setting. Fields
        ``detect_mask``, ``detect_weight``, ``detect_rms`` and ``detect_variance`` are its
        companions, else the rules for masks and weights are applied to its own name.
    config : mr_extract.settings.config.Config
    file : tuple of (bytes-like or mr_extract.images.section.Section, str)
        The image's own file, unpacked, and its checksum; or the region of it.
    image : mr_extract.images.Image
        Where the line names an extension and the detection image does not, that is meant
        which belongs to the image, as of a mask.
    lap : callable
        Called with the name of each stage when it is done.

    Returns
    -------
    detected : mr_extract.frames.finding.Detected or None
        None where the image is its own detection image.
    facts : dict of str to str
        Checksums for the accounting line.
    size : int
        Bytes that were read.

    Raises
    ------
    ImageFailure
        As of fetching, reading and detecting.
    """
    global _held
    one = companion_of(entry, "detect", ("detect",), config.pairing.detect_image)
    if one is None:
        say_unused(entry, "there is no detection image")
        return None, {}, 0
    fields = [(name, value) for name in _OWN
              if (value := entry.get(f"detect_{name}")) is not None]
    fields += [("calibration", ""), ("psf", "")]  # it gives no fluxes
    fields += [(name, value) for name in PART if (value := entry.get(name)) is not None]
    key = one.places, entry.uri if not all(p.uri for p in one.places) else None, entry.ext, \
        tuple(fields), config
    if _held is not None and _held[0] == key and _is_same(_held[-1], image):
        _, detected, facts, said, _ = _held
        repeat(said, _ABOUT)
        return detected, facts, 0
    _held = None  # before the next is read: there may be no room for two
    with hearing() as said:
        detected, facts, size, meant = _detected(one, entry, config, file, fields, image, lap)
    repeat(said, _ABOUT)
    if detected is not None:
        _held = key, detected, facts, said, meant
    return detected, facts, size


def say_unused(entry: Entry, why: str) -> None:
    """Say which fields name a detection image, or what belongs to one, for nothing."""
    for name, value in entry.fields:
        if value and (name == "detect" or name.startswith("detect_")):
            say("not-used", f"the field {name}, as {why}")


def _is_same(meant, image):
    """Say whether the unit that is held is that of another image, too."""
    if meant is None:
        return True
    from mr_extract.images.extensions import meant_unit

    units, number = meant
    try:
        return meant_unit(units, image) == number
    except ImageFailure:
        return False  # whoever opens the file says so


def _detected(one, entry, config, file, fields, image, lap):
    """Return what was detected, facts, bytes, and how the unit was told: (units, number)."""
    from mr_extract.frames.finding import find_sources
    from mr_extract.images.companion_values import units_of
    from mr_extract.images.extensions import meant_unit
    from mr_extract.images.read import read_unpacked

    place, buffer, checksum, size = open_first(one, entry, file)
    if place is None:
        return None, {}, 0, None
    ext = entry.ext if place.ext is None else place.ext
    meant = None
    if ext is not None:
        fields.append(("ext", str(ext)))
    if place.uri and place.ext is None and ext is not None:
        units = units_of(buffer)
        try:
            ext = meant_unit(units, image)
        except ImageFailure as failure:
            raise ImageFailure(failure.kind, told(one, place, entry, failure)) from failure
        meant = [replace(unit, header="") for unit in units], ext
    if not entry.is_whole:
        buffer.belong_to(image)
    image = read_unpacked(buffer, ext)
    if not checksum:  # of a region, it is known when it has been read
        checksum, size = buffer.checksum, buffer.size
    if place.uri:
        fields.append(("id", shown(place, entry)))
    own = Entry(place.uri or entry.uri, tuple(fields))
    sections.place(image, own)
    companions, more = attach(image, own, config.companions, (buffer, checksum),
                             detection=True)
    lap("read")
    facts = {"detect_sha256": checksum} | {f"detect_{k}": v for k, v in companions.items()}
    return find_sources(image, config, 0.0, lap), facts, size + more, meant  # no magnitudes
