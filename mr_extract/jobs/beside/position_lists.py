"""The lists of positions of a job, read once in a process."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, TypeVar

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.remarks import hearing, repeat
from mr_extract.settings.declaring import is_place, is_rule
from mr_extract.text.anchors import anchored
from mr_extract.text.entry import Entry
from mr_extract.text.naming import parse_place
from mr_extract.unpacking import unpack

if TYPE_CHECKING:
    from mr_extract.lists.association import Known
    from mr_extract.lists.sources import Sources
    from mr_extract.lists.targets import Targets
    from mr_extract.settings.config import Config
    from mr_extract.settings.photometry import PhotometrySettings
    from mr_extract.settings.tree import Settings

LINES = "lines"  # the setting `forced` where each line names its own list
_NO_FIELDS = Entry("")
_HELD = 2  # lists that a process keeps
_held: dict[tuple, tuple] = {}  # (uri, what is made of it) to (list, checksum, what was said of it)
Kind = TypeVar("Kind", bound="Settings")


def targets_for(entry: Entry, config: Config) -> tuple[Targets, str]:
    """Return the targets of a line and the checksum of their list.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
        Its field ``positions`` stands before the setting `forced`.
    config : mr_extract.settings.config.Config

    Returns
    -------
    targets : mr_extract.lists.targets.Targets
    checksum : str

    Raises
    ------
    ImageFailure
        ``fetch-...`` or ``bad-list``; ``malformed-line`` where neither the line nor the
        setting names a list.
    """
    from mr_extract.lists.targets import targets_from

    uri = entry.get("positions") or config.targets.forced
    if uri == LINES:
        raise ImageFailure("malformed-line", "the line has no positions= (--forced lines)")
    how = config.targets.forced_coord, config.lists.list_epoch
    return _made(uri, ("targets", *how), lambda table: targets_from(table, *how))


def known_for(config: Config) -> tuple[Known | None, str]:
    """Return the list to match with and its checksum, or None and an empty text.

    Raises
    ------
    ImageFailure
        ``fetch-...`` or ``bad-list``.
    """
    if not config.association.assoc:
        return None, ""
    from mr_extract.lists.association import known_from

    how = config.association, config.lists.list_epoch
    return _made(how[0].assoc, ("list", *how), lambda table: known_from(table, *how))


def sources_for(
    entry: Entry, config: PhotometrySettings, carried: str = ""
) -> tuple[Sources, str]:
    """Return the catalogued sources of a line and the checksum of their list.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
        Its field ``positions`` stands before the setting `sources`.
    config : mr_extract.settings.photometry.PhotometrySettings
    carried : str
        The list of the setting `sources` as it came with the job, a path; empty: it is read from
        its place.

    Returns
    -------
    sources : mr_extract.lists.sources.Sources
    checksum : str

    Raises
    ------
    ImageFailure
        ``fetch-...`` or ``bad-list``; ``malformed-line`` where neither the line nor the
        setting names a list.
    """
    from mr_extract.lists.sources import sources_from

    settings = config.catalogue
    uri = entry.get("positions") or settings.sources
    if not uri or uri == LINES:
        raise ImageFailure("malformed-line", "the line has no positions=, and there is "
                                             "no --sources")
    if carried and uri == settings.sources:
        from mr_extract.jobs.beside.carried_sources import read_carried

        return _kept((carried,), "", lambda: read_carried(carried))
    how = settings.source_columns, settings.source_coord, config.lists.list_epoch
    return _made(uri, ("sources", *how), lambda table: sources_from(table, *how))


def check_lists(config: Config) -> None:
    """Raise ValueError where a list that all images share cannot be used."""
    with hearing():  # each image's line says it
        try:
            if config.targets.forced not in ("", LINES):
                targets_for(_NO_FIELDS, config)
        except ImageFailure as failure:
            raise ValueError(f"--forced {config.targets.forced}: {failure.message}") from failure
        try:
            known_for(config)
        except ImageFailure as failure:
            raise ValueError(f"--assoc {config.association.assoc}: {failure.message}") from failure


def with_lists_anywhere(config: Kind) -> Kind:
    """Return settings whose lists mean the same in every working directory."""
    return config.updated(**{
        name: storage.absolute(place) for name, place in _given(config, is_place).items()
        if place != LINES
    })


def with_rules_anywhere(config: Kind) -> Kind:
    """Return settings whose rules of naming mean the same in every working directory."""
    return config.updated(**{
        name: anchored(rule, os.getcwd()) for name, rule in _given(config, is_rule).items()
    })


def _given(config, what):
    """Return the settings of a sort that are not empty, by name."""
    found = {one.name: getattr(getattr(config, section), one.name)
             for section, one in config.declared() if what(one)}
    return {name: value for name, value in found.items() if value}


def check_sources(config: PhotometrySettings) -> None:
    """Raise ValueError where the catalogue that all lines share cannot be used."""
    if config.catalogue.sources not in ("", LINES):
        try:
            with hearing():  # each line says it
                sources_for(_NO_FIELDS, config)
        except ImageFailure as failure:
            raise ValueError(f"--sources {config.catalogue.sources}: {failure.message}"
                             ) from failure


def carried_sources(config: PhotometrySettings, folder: str) -> str:
    """Write the catalogue that all lines share for the nodes; return its path, '' for none."""
    if config.catalogue.sources in ("", LINES):
        return ""
    from mr_extract.jobs.beside.carried_sources import write_carried

    with hearing() as said:
        sources, checksum = sources_for(_NO_FIELDS, config)
    return write_carried(folder, sources, checksum, list(said))


def _made(uri, purpose, make):
    """Return what is made of a list in its place, and its checksum."""
    from mr_extract.lists.reading import read_table

    def read():
        place = parse_place(uri)
        if place.ext is not None:
            raise ImageFailure("bad-list", f"[{place.ext}]: of a list the first table with "
                                           "positions is read, and no other can be named")
        packed = storage.read(place.uri)
        try:
            with hearing() as said:
                made = make(read_table(unpack(packed)))
        except ValueError as error:
            raise ImageFailure("bad-list", str(error)) from error
        return made, hashlib.sha256(packed).hexdigest(), said

    return _kept((uri, purpose), purpose[0], read)


def _kept(key, what, read):
    if key not in _held:
        found = read()
        while len(_held) >= _HELD:
            del _held[next(iter(_held))]
        _held[key] = found
    made, checksum, said = _held[key]
    repeat(said, what)
    return made, checksum
