"""One line of a manifest to one block of the catalog."""

import hashlib
import os
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from time import perf_counter

from mr_extract import __version__, storage
from mr_extract.accounting import error_line, image_line
from mr_extract.failures import ImageFailure


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


def process(entry, config, fetched=None):
    """Fetch, read and measure one image.

    Parameters
    ----------
    entry : mr_extract.manifest.Entry
    config : mr_extract.config.Config
    fetched : bytes, optional
        The file, where it has been fetched already.

    Returns
    -------
    Outcome
        A failure is an outcome too: this never raises but for the end of the
        process (SystemExit, KeyboardInterrupt).
    """
    image_id = entry.id
    try:
        if entry.problem:
            raise ImageFailure("malformed-line", entry.problem)
        with warnings.catch_warnings():
            # Of numpy and astropy, about pixels and headers that our kinds of
            # failure name; in some runners to warn is an error.
            warnings.simplefilter("ignore")
            return _measured(image_id, entry, config, fetched)
    except ImageFailure as failure:
        return failed(image_id, failure.kind, failure.message)
    except MemoryError:
        return failed(image_id, "memory", "the image does not fit into memory")
    except Exception as error:
        # A defect of ours: the traceback is for the log of the task (a binary stream
        # in some runners), and the image is accounted for.
        log = getattr(sys.stderr, "buffer", sys.stderr)
        log.write(traceback.format_exc().encode())
        place = traceback.extract_tb(error.__traceback__)[-1]
        return failed(image_id, "internal", f"{type(error).__name__}: {error} "
                                            f"({os.path.basename(place.filename)}:{place.lineno})")


def _measured(image_id, entry, config, fetched):
    from mr_extract.frame import measure_image
    from mr_extract.images import read_image
    from mr_extract.rows import format_rows

    seconds, mark = {}, perf_counter()
    buffer = storage.read(entry.uri) if fetched is None else fetched
    seconds["fetch"], mark = perf_counter() - mark, perf_counter()
    checksum = hashlib.sha256(buffer).hexdigest()
    size = len(buffer)
    seconds["checksum"], mark = perf_counter() - mark, perf_counter()
    image = read_image(buffer, entry.ext)
    del buffer, fetched  # as large as the image itself
    hdu, images = image.hdu, image.images
    seconds["read"] = perf_counter() - mark
    zero_point = entry.get("zero_point")
    sources = measure_image(image, config, None if zero_point is None else float(zero_point))
    seconds |= sources.seconds
    mark = perf_counter()
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
    }
    if images > 1 and entry.ext is None:
        facts["images_in_file"] = images  # measured: the first of them
    if sources.failed:
        facts["failed_sources"] = sources.failed
    block = image_line(image_id, facts, entry.carried).encode() + format_rows(
        image_id, sources.columns
    )
    seconds["format"] = perf_counter() - mark
    return Outcome(
        block, "", len(sources), sources.failed, size,
        {stage: round(1000 * value) for stage, value in seconds.items()},
    )
