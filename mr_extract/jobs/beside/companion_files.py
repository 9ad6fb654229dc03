"""Fetch and read the companions of a manifest's line: masks, maps, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mr_extract import addresses, storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.named_companions import FIELDS, Wanted, wanted
from mr_extract.jobs.beside.regions import part_of
from mr_extract.jobs.task.opened import opened, stays_open
from mr_extract.remarks import about, say
from mr_extract.settings.beside import WEIGHT_KINDS
from mr_extract.text.naming import Place, same_but_packing

if TYPE_CHECKING:
    from mr_extract.images import Image
    from mr_extract.images.section import Section
    from mr_extract.settings.beside import Companions
    from mr_extract.text.entry import Entry


def attach(image: Image, entry: Entry, settings: Companions,
           file: tuple[bytes | Section, str],
           detection: bool = False) -> tuple[dict[str, str], int]:
    """Give an image its companions.

    Parameters
    ----------
    image : mr_extract.images.Image
        Gets its masked pixels, weights, flags, calibration and PSF.
    entry : mr_extract.text.entry.Entry
    settings : mr_extract.settings.beside.Companions
    file : tuple of (bytes-like or mr_extract.images.section.Section, str)
        The image's own file, unpacked, and its checksum; or the region of it.
    detection : bool
        The image is one on which the sources of another are found: settings without use for
        it may have one for that.

    Returns
    -------
    facts : dict of str to str
        The checksums of the files that were used, for the accounting line.
    size : int
        Bytes that were read.

    Raises
    ------
    ImageFailure
        As of fetching and reading; the message names the companion.
    """
    from mr_extract.images.companions import add_known

    add_known(image, file[0], settings)
    facts, total = {}, 0
    _say_of_unused(entry, settings)
    beside = wanted(entry, settings)
    if not detection:
        _say_of_settings(image, entry, beside, settings)
    for one in beside:
        with about(one.role):
            place, buffer, checksum, size = open_first(one, entry, file)
            if place is None:
                continue
            try:
                _take(image, one, place, buffer, settings)
            except ImageFailure as failure:
                raise ImageFailure(failure.kind, told(one, place, entry, failure)) from failure
        if not checksum:  # of a region, it is known when it has been read
            checksum, size = buffer.checksum, buffer.size
        facts[f"{one.role}_sha256"] = checksum
        total += size
    return facts, total


def _say_of_unused(entry, settings):
    if settings.weight_type in WEIGHT_KINDS:
        return
    field = entry.companion(*FIELDS["weight"])
    if field is not None and field[1]:
        say("not-used", f"the field {field[0]}, as weight_type is {settings.weight_type}")


def _say_of_settings(image, entry, beside, settings):
    from mr_extract.images.companions import say_idle_settings

    if settings.weight_image and settings.weight_type not in WEIGHT_KINDS and (
            entry.companion(*FIELDS["weight"]) is None):
        say("not-used", f"the rule weight_image, as weight_type is {settings.weight_type}")
    # A line's empty field says itself that there is none.
    named = {one.role for one in beside} | {
        role for role, names in FIELDS.items()
        if entry.companion(*names, *(f"detect_{name}" for name in names)) is not None}
    say_idle_settings("mask" in named, image.weight is not None or "weight" in named, settings)


def _take(image, one, place, buffer, settings):
    from mr_extract.images.companion_values import read_map, read_values
    from mr_extract.images.companions import read_mask, set_flags, set_weight

    if one.role == "mask":
        read_mask(image, buffer, place.ext, settings)
        return
    if one.role == "calibration":
        from mr_extract.images.sdss.calibration import calibrate

        calibrate(image, buffer)
        return
    if one.role == "psf":
        from mr_extract.images.psf_model import read_psf

        image.psf = read_psf(buffer)
        return
    if one.role == "weight":
        values, invalid = read_map(buffer, image, place.ext, settings)
        set_weight(image, values, one.kind, invalid)
    else:
        set_flags(image, read_values(buffer, image, place.ext)[0])


def open_first(one: Wanted, entry: Entry,
               file: tuple[Any, str]) -> tuple[Place | None, Any, str, int]:
    """Return the first place that is there, and its file, checksum and size.

    Of a line that means a region or a plane the file is that part of it, and its checksum
    empty.
    """
    missing = []
    # These have no pixels.
    whole = entry.is_whole or one.role in ("calibration", "psf")
    for place in one.places:
        if not place.uri:
            return (place, *file, 0) if whole else (place, file[0].again(), "", 0)
        try:
            if not whole:
                return place, part_of(place.uri, entry, one.role), "", 0
            return place, *opened(place.uri, role=one.role, keep=stays_open(entry))
        except ImageFailure as failure:
            if failure.kind != "fetch-not-found":
                raise ImageFailure(failure.kind, told(one, place, entry, failure)) from failure
            missing.append((place, failure))
    if one.optional:
        say("companion-absent", f"there is no {shown(one.places[0], entry)}" if one.places
            else "the rule does not apply to the name of the image")
        return None, b"", "", 0
    place, first = missing[0]
    message = told(one, place, entry, first)
    others = dict.fromkeys(  # of names that differ in packing the first
        shown(other, entry) for other, _ in missing if not same_but_packing(other, place)
    )
    raise ImageFailure(first.kind, message + "".join(f", nor {o}" for o in list(others)[:1]))


def told(one: Wanted, place: Place, entry: Entry, failure: ImageFailure) -> str:
    """Return the message of a failure with the companion in it."""
    return f"{one.kind or one.role} {shown(place, entry)}: {failure.message}"


def shown(place: Place, entry: Entry) -> str:
    """Return a place as whoever wrote the manifest would spell it.

    Where the image is called by its path, that is from the directory in which relative
    paths begin: a task, which has absolute ones, says the same as a bare mapper. Where it
    has a name of its own, the last part alone is the same for both.
    """
    own = entry.id.removesuffix(entry.part)
    uri = addresses.shown(entry.uri)
    if uri == own:
        begin = "" if storage.absolute(own) == own else storage.absolute("")
    elif uri.endswith(f"/{own}"):
        begin = uri.removesuffix(own)
    else:
        begin = addresses.shown(place.uri)
        begin = begin[: len(begin) - len(begin.rpartition("/")[2])]
    return str(Place(addresses.shown(place.uri).removeprefix(begin), place.ext))
