"""One line of a manifest to one block of the catalog."""

import os
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

from mr_extract import __version__
from mr_extract.addresses import shown_within
from mr_extract.failures import ImageFailure
from mr_extract.jobs.opened import hand_over, is_held, opened, stays_open
from mr_extract.jobs.sections import place, section_of
from mr_extract.remarks import as_cell, hearing
from mr_extract.standard_output import to_standard_error
from mr_extract.text.accounting import error_line, image_line
from mr_extract.text.manifest import REGIONS, escaped

NO_MEMORY = "the image does not fit into memory"


@dataclass
class Outcome:
    """What became of one image.

    Parameters
    ----------
    block : bytes
        Accounting line and rows, with their line ends.
    kind : str
        Kind of failure, empty for a measured image.
    sources, failed_sources : int
        Rows, and those of them with a failed measurement.
    size : int
        Bytes that were read.
    milliseconds : dict of str to int
        Wall time by stage.
    """

    block: bytes
    kind: str = ""
    sources: int = 0
    failed_sources: int = 0
    size: int = 0
    milliseconds: dict = field(default_factory=dict)


def failed(image_id, kind, message):
    """Return the outcome of an image that was not measured."""
    return Outcome(error_line(image_id, kind, message).encode(), kind)


def process(entry, config, files=None, checks=None):
    """Fetch, read and measure one image.

    Parameters
    ----------
    entry : mr_extract.text.manifest.Entry
    config : mr_extract.config.Config
    files : dict of str to (bytes or PackedFile or ImageFailure), optional
        By URI the files that have been fetched already.
    checks : mr_extract.jobs.checkimage_files.Checks, optional
        Check images to write.

    Returns
    -------
    Outcome
        A failure is an outcome too: this never raises but for the end of the
        process (SystemExit, KeyboardInterrupt).
    """
    image_id = entry.id
    hand_over(dict(files or {}))  # each is let go when it has been read
    try:
        if entry.problem:
            raise ImageFailure(entry.kind, entry.problem)
        with to_standard_error(), warnings.catch_warnings():
            # Of numpy and astropy, about pixels and headers that our kinds of
            # failure name; in some runners to warn is an error.
            warnings.simplefilter("ignore")
            with hearing() as said:
                return _measured(image_id, entry, config, checks, said)
    except ImageFailure as failure:
        return failed(image_id, failure.kind, failure.message)
    except MemoryError:
        return failed(image_id, "memory", NO_MEMORY)
    except Exception as error:
        # A defect of ours: the traceback is for the log of the task (a binary stream
        # in some runners), and the image is accounted for.
        log = getattr(sys.stderr, "buffer", sys.stderr)
        log.write(shown_within(traceback.format_exc()).encode())
        last = traceback.extract_tb(error.__traceback__)[-1]
        return failed(image_id, "internal", f"{type(error).__name__}: {error} "
                                            f"({os.path.basename(last.filename)}:{last.lineno})")


def _measured(image_id, entry, config, checks, said):
    from mr_extract.images.read import read_unpacked
    from mr_extract.jobs.companions import attach
    from mr_extract.sextractor.convert import as_configured
    from mr_extract.text.rows import format_rows

    seconds, mark = {}, perf_counter()

    def lap(stage):
        nonlocal mark
        seconds[stage], mark = seconds.get(stage, 0.0) - mark + perf_counter(), perf_counter()

    again = is_held(entry.uri) and entry.region is None
    if entry.region is None:
        buffer, checksum, size = opened(entry.uri, stays_open(entry), lap=lap)
        image = read_unpacked(buffer, entry.ext)
    else:
        buffer = section_of(entry.uri, entry.region)
        image = read_unpacked(buffer, entry.ext)
        checksum, size = buffer.checksum, buffer.size
    place(image, entry)
    companions, more = attach(image, entry, config.companions, (buffer, checksum))
    hdu, images = image.hdu, image.images
    lap("read")
    zero_point = entry.get("zero_point")
    zero_point = None if zero_point is None else float(zero_point)
    prepare = _at_targets if config.targets.forced else _found
    measure, listed, further = prepare(entry, config, (buffer, checksum), image, checks, lap)
    del buffer  # as large as the image itself
    sources = measure(image, config, zero_point)
    for stage, value in sources.seconds.items():
        seconds[stage] = seconds.get(stage, 0.0) + value
    mark = perf_counter()
    if checks is not None:
        from mr_extract.jobs.checkimage_files import write_checks

        write_checks(sources.checks, checks.folder, image_id, image.header)
        lap("check images")
    height, width = sources.shape
    facts = {
        "sources": len(sources),
        "background": f"{sources.background:.9g}",
        "rms": f"{sources.rms:.9g}",
        "width": width,
        "height": height,
        "pixels": sources.valid,
        "hdu": hdu,
        "sha256": checksum,
        "version": __version__,
        "config": config.hash(),
        **{name: entry.get(name) for name in REGIONS if entry.get(name) is not None},
        **companions, **listed, **sources.facts,
    }
    if images > 1 and entry.ext is None:
        facts["images_in_file"] = images  # measured: the first of them
    if sources.failed:
        facts["failed_sources"] = sources.failed
    if said:
        facts["remarks"] = escaped(as_cell(said))
    block = image_line(image_id, facts, entry.carried).encode() + format_rows(
        image_id, as_configured(sources.columns, config, hdu)
    )
    seconds["format"] = perf_counter() - mark
    return Outcome(
        block, "", len(sources), sources.failed, (0 if again else size) + more + further,
        {stage: round(1000 * value) for stage, value in seconds.items()},
    )


def _found(entry, config, file, image, checks, lap):
    """Return what measures the sources of an image, facts, and the bytes read for it."""
    from mr_extract.frame import measure_image
    from mr_extract.jobs.listed import known_for
    from mr_extract.jobs.pairing import detection_for

    if entry.get("positions") is not None:
        raise ImageFailure("malformed-line", "positions= is for photometry there: --forced lines")
    detection, facts, size = detection_for(entry, config, file, image, lap)
    known, checksum = known_for(config)
    if checksum:
        facts = {**facts, "assoc_sha256": checksum}
    kinds = () if checks is None else checks.kinds
    return partial(measure_image, detection=detection, known=known, checks=kinds), facts, size


def _at_targets(entry, config, file, image, checks, lap):
    """Return what measures at the positions of a list, facts, and no bytes read."""
    from mr_extract.frame import measure_targets
    from mr_extract.jobs.listed import targets_for

    targets, checksum = targets_for(entry, config)
    lap("read")
    return partial(measure_targets, targets=targets), {"targets_sha256": checksum}, 0
