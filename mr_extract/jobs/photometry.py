"""Catalogued sources in patches of sky maps, maps and images.

Run it as ``python -m mr_extract.jobs.photometry MANIFEST --sources CATALOG``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mr_extract.columns.photometry import FLAGS, columns_for
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.user_functions import folder_of, function_in
from mr_extract.jobs.skeleton.work import Rows, Work
from mr_extract.remarks import say
from mr_extract.settings.photometry import PhotometrySettings
from mr_extract.text.fields import COMPANIONS, FURTHER

if TYPE_CHECKING:
    from mr_extract.columns.column import Column
    from mr_extract.jobs.task.line import Line


CARRIED = "--carried-sources"
_RULES = ("mask_image", "weight_image")
_USED = ("mask", "weight", "rms", "variance")  # of an image's companions
_UNUSED = tuple(name for name in COMPANIONS if name not in (*_USED, *FURTHER))


class Photometry(Work):
    """Measure each source of a catalogue in the patch or image in which it lies."""

    name = "mr_extract.jobs.photometry"
    settings = PhotometrySettings
    rows = "rows"
    bits = FLAGS
    versions = ()  # numpy alone

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare the short form of ``--layout long``, and what tasks are given."""
        add_argument("--long", action="store_const", const="long", dest="layout",
                     help="as --layout long")
        add_argument("--function-path", help=argparse.SUPPRESS)
        add_argument(CARRIED, help=argparse.SUPPRESS)

    def more_from(self, options: argparse.Namespace, config: PhotometrySettings) -> dict[str, Any]:
        """Return the folder of the module of --function, and the catalogue that came along."""
        more = {}
        if options.carried_sources:
            more["sources"] = os.path.abspath(options.carried_sources)
        if options.function_path:
            more["path"] = options.function_path
        elif config.around.function:
            try:
                more["path"] = folder_of(config.around.function)
            except ValueError as error:
                raise ValueError(f"--function {error}") from None
        return more

    def arguments(self, more: dict[str, Any]) -> list[str]:
        """Return the option by which a task has the folder of --function."""
        return [f"--function-path={more['path']}"] if "path" in more else []

    def carried(self, config: PhotometrySettings, folder: str) -> dict[str, str]:
        """Write the catalogue for the nodes."""
        from mr_extract.jobs.beside.position_lists import carried_sources

        path = carried_sources(config, folder)
        return {CARRIED: path} if path else {}

    def functions(self, config: PhotometrySettings) -> list[str]:
        """Return the statistic of the user's, where there is one."""
        return [name for name in [config.around.function] if name]

    def check(self, config: PhotometrySettings) -> None:
        """Raise ValueError where the catalogue or the statistic cannot be used."""
        from mr_extract.jobs.beside.position_lists import check_sources

        check_sources(config)
        try:
            _function(config, {})
        except ImageFailure as failure:
            raise ValueError(f"--function {config.around.function}: {failure.message}") from failure

    def columns(self, config: PhotometrySettings) -> dict[str, Column]:
        """Return the columns that the settings ask for."""
        return columns_for(config.around)

    def measure(self, line: Line) -> Rows:
        """Return a row for each source of a line's patch, map or image."""
        from mr_extract.frames.sky_photometry import beam_of, frequency_of, measure_sources
        from mr_extract.images.observation import epoch_of
        from mr_extract.jobs.beside.position_lists import sources_for

        config, entry = line.config, line.entry
        try:
            sources, checksum = sources_for(entry, config, line.more.get("sources", ""))
        except ImageFailure as failure:
            raise ImageFailure(failure.kind, f"the catalogue of sources: {failure.message}"
                               ) from failure
        function = _function(config, line.more)
        line.lap("sources")
        field, header, facts = _field(line)
        maps = config.maps
        unit = maps.unit or facts.pop("unit")
        beam = beam_of(header, _given(entry, "beam") or maps.beam)
        frequency = frequency_of(header, _given(entry, "frequency") or maps.frequency,
                                 entry.get("filter") or "")
        date = line.mjd if line.mjd is not None else epoch_of(header)
        columns, failed = measure_sources(field, sources.at(date), config.around, beam,
                                          frequency, unit, function)
        line.lap("measure")
        facts |= {"unit": unit} if unit else {}
        facts |= {"beam_arcmin": f"{beam:.9g}"} if beam else {}
        facts |= {"frequency_ghz": f"{frequency:.9g}"} if frequency else {}
        return Rows(columns, facts, {"targets_sha256": checksum}, failed)


def _field(line):
    """Return what a line's file holds: a field, its header, and what is said of it."""
    from mr_extract.around.image_field import ImageField
    from mr_extract.skymaps.files import opened_map
    from mr_extract.skymaps.sky_map import sky_map

    maps = line.config.maps
    if line.entry.region is None:
        file = opened_map(line.content(), line.entry.ext, maps.ordering, maps.coordsys)
        if file is not None:
            _say_unused(line, "sky maps have none", COMPANIONS)
            for name in _RULES:
                if getattr(line.config.companions, name):
                    say("not-used", f"the rule {name}, as sky maps have none")
            field = sky_map(file, maps.field)
            line.lap("read")
            return field, file.header, {
                "nside": field.nside, "coordinates": field.frame, "pixels_read": len(field.values),
                "hdu": file.hdu, "unit": field.unit}
    _say_unused(line, "catalogued sources have no use for it", _UNUSED)
    image = line.image()
    return ImageField(image, line.config.companions), image.header, {
        "hdu": image.hdu, "unit": str(image.header.get("BUNIT", "")).strip()}


def _say_unused(line, why, names):
    for name, _ in line.entry.fields:
        if name in names and name != "positions":
            say("not-used", f"the field {name}, as {why}")


def _given(entry, name):
    """Return a number that a line gives, 0 where it does not."""
    text = entry.get(name)
    try:
        value = 0.0 if text is None else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ImageFailure("malformed-line", f"the field {name} is not a number from 0 on")
    return value


def _function(config, more):
    """Return the statistic that settings name, None for none."""
    if not config.around.function:
        return None
    try:
        return function_in(more.get("path", ""), config.around.function)
    except ValueError as error:
        raise ImageFailure("function-failed", str(error)) from error


WORK = Photometry()

if __name__ == "__main__":
    from mr_extract.jobs.skeleton.image_job import run

    run(WORK.name)
