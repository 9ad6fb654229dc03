"""The main job: a manifest of images becomes one merged catalog of their sources.

Run it as ``python mr_extract.py`` or ``python -m mr_extract.jobs.extract``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mr_extract.columns.choice import FLAGS
from mr_extract.failures import ImageFailure
from mr_extract.jobs import extract_options
from mr_extract.jobs.beside.checkimage_files import Checks
from mr_extract.jobs.skeleton.work import Rows, Work
from mr_extract.settings.config import Config

if TYPE_CHECKING:
    from mr_extract.columns.column import Column
    from mr_extract.jobs.task.line import Line


class Extraction(Work):
    """Detect and measure the sources of an image, or measure it at given positions."""

    name = "mr_extract.jobs.extract"
    settings = Config
    rows = "sources"
    bits = FLAGS

    def columns(self, config: Config) -> dict[str, Column]:
        """Return the columns that the settings ask for."""
        from mr_extract.sextractor.configured import catalog_columns

        return catalog_columns(config)

    def measure(self, line: Line) -> Rows:
        """Return the sources of a line's image."""
        from mr_extract.sextractor.configured import columns_of
        from mr_extract.sextractor.convert import as_configured

        image, config = line.image(keep_file=True), line.config
        hdu, checks = image.hdu, Checks.told(line.more)
        header, primary = image.header, image.primary
        measure = _at_targets(line) if config.targets.forced else _found(line, image, checks)
        line.let_go()
        sources = measure(image, config, line.zero_point, columns=columns_of(config),
                          mjd=line.mjd)
        line.take(sources.seconds)
        if checks is not None:
            from mr_extract.jobs.beside.checkimage_files import write_checks

            write_checks(sources.checks, checks.folder, line.entry.id, image.header)
            line.lap("check images")
        height, width = sources.shape
        facts = {
            "background": f"{sources.background:.9g}",
            "rms": f"{sources.rms:.9g}",
            "width": width,
            "height": height,
            "pixels": sources.valid,
            "hdu": hdu,
        }
        if config.output.observation:
            facts |= _observation({**primary, **header}, line.entry, sources)
        return Rows(as_configured(sources.columns, config, hdu), facts, sources.facts,
                    sources.failed)

    add_options = staticmethod(extract_options.add_options)
    config_from = staticmethod(extract_options.config_from)
    more_from = staticmethod(extract_options.more_from)
    arguments = staticmethod(extract_options.arguments)
    check = staticmethod(extract_options.check)


def _observation(header, entry, sources):
    """Return when, in which filter and where an image was taken, as far as that is known."""
    from mr_extract.astrometry.footprint import corners
    from mr_extract.images.observation import epoch_of, filter_of
    from mr_extract.objects.holes import holes_of
    from mr_extract.text.bitmaps import bitmap_word

    height, width = sources.shape
    place = corners(header, width, height) if entry.region is None else None
    found = {"mjd": epoch_of(header), "filter": filter_of(header),
             "footprint": place and ",".join(f"{value:.7f}" for value in place)}
    if place and sources.mask is not None and (holes := holes_of(sources.mask)).any():
        found["holes"] = bitmap_word(holes)
    return {name: value if isinstance(value, str) else repr(value)
            for name, value in found.items() if value is not None and entry.get(name) is None}


def _found(line, image, checks):
    """Return what measures the sources of an image."""
    from mr_extract.frames.measuring import measure_image
    from mr_extract.jobs.beside.detection_images import detection_for
    from mr_extract.jobs.beside.position_lists import known_for

    if line.entry.get("positions") is not None:
        raise ImageFailure("malformed-line", "positions= is for photometry there: --forced lines")
    detection, facts, size = detection_for(line.entry, line.config, line.file, image, line.lap)
    known, checksum = known_for(line.config)
    line.add({**facts, **({"assoc_sha256": checksum} if checksum else {})}, size)
    kinds = () if checks is None else checks.kinds
    return partial(measure_image, detection=detection, known=known, checks=kinds)


def _at_targets(line):
    """Return what measures at the positions of a list."""
    from mr_extract.frames.given_places import measure_targets
    from mr_extract.jobs.beside.detection_images import say_unused
    from mr_extract.jobs.beside.position_lists import targets_for

    say_unused(line.entry, "nothing is detected at given positions")
    targets, checksum = targets_for(line.entry, line.config)
    line.add({"targets_sha256": checksum})
    line.lap("read")
    return partial(measure_targets, targets=targets)


WORK = Extraction()


def main() -> None:
    """Run the job with the arguments of the process."""
    from mr_extract.jobs.skeleton.image_job import run

    run(WORK.name)


if __name__ == "__main__":
    main()
