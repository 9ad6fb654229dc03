"""Spectra of dispersed images, a row a spectrum: ``python -m mr_extract.jobs.spectra MANIFEST``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mr_extract.columns.spectra import FLAGS, columns_for
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside import kept_files
from mr_extract.jobs.skeleton.work import Rows, Work
from mr_extract.remarks import about, say
from mr_extract.settings.spectra import FEATURE_NAMES, LAMP_NAMES, SpectraSettings

if TYPE_CHECKING:
    from mr_extract.columns.column import Column
    from mr_extract.images import Image
    from mr_extract.jobs.task.line import Line

CARRIED = "--carried-tables"
_UNUSED = ("flags", "psf", "positions", "calibration")  # of an image's companions


class Spectra(Work):
    """Find, follow and extract the spectra of an image, and tell their wavelengths."""

    name = "mr_extract.jobs.spectra"
    settings = SpectraSettings
    rows = "rows"
    bits = FLAGS
    versions = ()  # numpy alone

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare where spectra are kept, and what tasks are given."""
        kept_files.add_option(add_argument, "the spectra")
        add_argument(CARRIED, help=argparse.SUPPRESS)

    def more_from(self, options: argparse.Namespace, config: SpectraSettings) -> dict[str, Any]:
        """Return where spectra are kept, and the tables that came along."""
        more = kept_files.told_from(options)
        kept_files.check(more)
        if options.carried_tables:
            more["tables"] = os.path.abspath(options.carried_tables)
        return more

    def arguments(self, more: dict[str, Any]) -> list[str]:
        """Return the option by which a task has where spectra are kept."""
        return kept_files.arguments(more)

    def carried(self, config: SpectraSettings, folder: str) -> dict[str, str]:
        """Write line list, response and standard for the nodes."""
        from mr_extract.jobs.beside.spectral_tables import write_tables

        path = write_tables(config, folder)
        return {CARRIED: path} if path else {}

    def check(self, config: SpectraSettings) -> None:
        """Raise ValueError for a lamp, line or table that is not there."""
        from mr_extract.jobs.beside.spectral_tables import NAMES, tables_of

        for lamp in config.wavelengths.lamps:
            if lamp not in LAMP_NAMES:
                raise ValueError(f"--lamps: there is no lamp {lamp}; there are "
                                 f"{', '.join(LAMP_NAMES)}")
        for feature in config.disperser.features:
            if feature not in FEATURE_NAMES and not _is_wavelength(feature):
                raise ValueError(f"--features: {feature} is neither a wavelength nor one of "
                                 f"{', '.join(FEATURE_NAMES)}, none")
        if any(getattr(config.fluxes, name, "") or getattr(config.wavelengths, name, "")
               for name in NAMES):
            tables_of(config)

    def columns(self, config: SpectraSettings) -> dict[str, Column]:
        """Return the columns; the degree of the trace says how many coefficients it has."""
        return columns_for(config)

    def measure(self, line: Line) -> Rows:
        """Return a row for each spectrum of an image."""
        import numpy as np

        from mr_extract.frames.spectra import row_of, spectra_of
        from mr_extract.jobs.beside.spectral_tables import carried_tables

        config, kept = line.config, kept_files.are_kept(line.more)
        tables, checksum = carried_tables(config, line.more.get("tables", ""))
        image = line.image(keep_file=True)  # which may hold the lamp, too
        lamp, zero = _lamp(line, image), _zero(line)
        line.let_go()
        _say_unused(line, config, kept)
        spectra = spectra_of(image, config, lamp, tables.get("line_list"), zero)
        line.lap("spectra")
        files, names = kept_files.KeptFiles(line), ["-"] * len(spectra)
        if kept:
            names = [_kept(files, line, spectrum, number, image, tables)
                     for number, spectrum in enumerate(spectra, 1)]
        rows = [row_of(spectrum, number, image, config) | {"file": name}
                for number, (spectrum, name) in enumerate(zip(spectra, names), 1)]
        columns = {}
        for column in list(columns_for(config).values())[1:]:
            values = [row[column.name] for row in rows]
            columns[column.name] = np.array(values, column.dtype)
        files.write()
        return Rows(columns, {"hdu": image.hdu}, {"tables_sha256": checksum} if checksum else {})


def _kept(files, line, spectrum, number, image, tables):
    """Take the file of a spectrum into those that are kept, and return its name."""
    from mr_extract.frames.spectrum_files import file_of

    config = line.config
    content = file_of(spectrum, number, line.entry.id, image, config, tables.get("response"),
                      tables.get("standard"))
    return files.take(f"spectrum-{number}", f".{config.fluxes.spectrum_format}", content)


def _lamp(line: Line, image: Image) -> Image | None:
    """Return the image of a line's lamp, None where it has none."""
    from mr_extract.images.companion_values import units_of
    from mr_extract.images.extensions import meant_unit
    from mr_extract.images.read import read_unpacked
    from mr_extract.jobs.beside.companion_files import open_first, told
    from mr_extract.jobs.beside.named_companions import companion_of

    config, entry = line.config, line.entry
    one = companion_of(entry, "arc", ("arc",), config.wavelengths.arc_image)
    if one is None:
        return None
    if config.geometry.geometry == "slitless":
        say("not-used", "the arc, as slitless spectra are not those of a lamp")
        return None
    assert line.file is not None  # the image was read
    with about(one.role):
        where, buffer, checksum, size = open_first(one, entry, line.file)
        if where is None:
            return None
        try:
            ext = where.ext
            if ext is None and entry.ext is not None:
                ext = meant_unit(units_of(buffer), image)
            if not entry.is_whole:
                buffer.belong_to(image)
            lamp = read_unpacked(buffer, ext)
        except ImageFailure as failure:
            raise ImageFailure(failure.kind, told(one, where, entry, failure)) from failure
    if not checksum:  # of a region, it is known when it has been read
        checksum, size = buffer.checksum, buffer.size
    line.add({"arc_sha256": checksum}, size)
    line.lap("read")
    return lamp


def _zero(line: Line) -> tuple[float, float] | None:
    """Return where a line says that its zero order is, None where it does not."""
    text = line.entry.get("zero_order")
    if text is None:
        return None
    try:
        x, y = map(float, text.split(","))
        if not (abs(x) < 1e9 and abs(y) < 1e9):
            raise ValueError
    except ValueError:
        raise ImageFailure("malformed-line", f"the field zero_order is not of the form x,y: {text}"
                           ) from None
    if line.config.geometry.geometry != "slitless":
        say("not-used", "the field zero_order, as the spectra are those of a slit")
        return None
    part = line.entry.region
    return (x, y) if part is None else (x - part.x0, y - part.y0)


def _say_unused(line, config, kept):
    for name, _ in line.entry.fields:
        if name in _UNUSED or name == "detect" or name.startswith("detect_"):
            say("not-used", f"the field {name}, as spectra have no use for it")
    if not kept:
        for name in ("response", "standard"):
            if getattr(config.fluxes, name):
                say("not-used", f"{name}, as no --save-files says where spectra are kept")


def _is_wavelength(text):
    try:
        return text == "none" or 0 < float(text) < 1e6
    except ValueError:
        return False


WORK = Spectra()

if __name__ == "__main__":
    from mr_extract.jobs.skeleton.image_job import run

    run(WORK.name)
