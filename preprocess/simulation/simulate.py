"""Sub-command ``simulate``: a night of survey frames whose every source is known."""

import argparse
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import cast

from mr_extract.storage.output import text_written_whole, written_whole
from mr_extract.text.manifest import is_fits_name, read_entries
from preprocess.errors import CommandError
from preprocess.listing.manifest_lines import manifest_line

EXAMPLE = """\
example:
  python -m preprocess simulate night --frames 12 --seed 1

DIR then holds the frames, manifest.txt (one image a line), truth.tsv (every source of every
frame) and defects.tsv (cosmic rays and the bad column). The same options give the same bytes,
and a frame does not depend on --frames or --jobs.
"""


@dataclass(frozen=True)
class _Written:
    """One frame on disk, with its lines of the night's tables."""

    path: str
    manifest: str
    truth: str
    defects: str


def simulate_night(
    directory: str | os.PathLike,
    frames: int,
    seed: int,
    shape: tuple[int, int] = (1489, 2048),
    *,
    passes: int = 2,
    density: float = 1.0,
    ra: float = 150.0,
    dec: float = 2.0,
    jobs: int = 1,
    overwrite: bool = False,
) -> list[str]:
    """Write a night of frames with its manifest and tables of truth and defects.

    Parameters
    ----------
    directory : str or os.PathLike
        Where to write; it is made if it is not there. Manifest paths begin with it as given.
    frames : int
        Number of frames.
    seed : int
        Seed of everything random, 0 or more.
    shape : tuple of int, optional
        Rows and columns of a frame.
    passes : int, optional
        How many times the strip of sky is scanned: frame k shows field k // passes.
    density : float, optional
        Factor on the number of sources per area.
    ra, dec : float, optional
        ICRS position in degrees of the middle of the first field.
    jobs : int, optional
        Number of processes. With more than one, a script that calls this needs the usual
        ``if __name__ == "__main__":``.
    overwrite : bool, optional
        Write even where there are FITS files. Files of the same names are replaced, others stay.

    Returns
    -------
    paths : list of str
        The frames, in the order of the manifest.

    Raises
    ------
    CommandError
        When the directory holds FITS files and `overwrite` is not set, or cannot be written.
    ValueError
        When a number is out of range.
    """
    from preprocess.simulation.detector import DEFECT
    from preprocess.simulation.night import Night
    from preprocess.simulation.truth import TRUTH, header_line

    directory = os.fspath(directory)
    night = Night(seed, cast(tuple[int, int], tuple(shape)), passes, density, ra, dec)
    if frames < 1:
        raise ValueError(f"frames must be 1 or more, not {frames}")
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, not {jobs}")
    night.exposure(frames - 1)  # raises where the strip has come round the sky
    try:
        manifest_line(directory)
    except ValueError as error:
        raise ValueError(f"{directory!r}: {error}") from None
    paths = []
    try:
        _make_directory(directory, overwrite)
        inside = partial(os.path.join, directory)
        with (
            text_written_whole(inside("manifest.txt")) as manifest,  # takes its name last
            text_written_whole(inside("truth.tsv")) as truth,
            text_written_whole(inside("defects.tsv")) as defects,
        ):
            truth.write(header_line(TRUTH.names or ()))
            defects.write(header_line(DEFECT.names or ()))
            for written in _frames_written(night, directory, frames, jobs):
                paths.append(written.path)
                manifest.write(written.manifest)
                truth.write(written.truth)
                defects.write(written.defects)
    except BrokenProcessPool:
        raise CommandError("a process was killed (out of memory?): take fewer --jobs") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"cannot write in {directory!r}: {reason}") from error
    return paths


def _make_directory(directory: str, overwrite: bool) -> None:
    """Make the directory, and refuse one that holds FITS files."""
    os.makedirs(directory, exist_ok=True)
    there = sum(is_fits_name(name) for name in os.listdir(directory))
    if there and not overwrite:
        files = "a FITS file" if there == 1 else f"{there} FITS files"
        raise CommandError(f"{directory!r} holds {files}: take another folder or --overwrite")


def _frames_written(night, directory: str, frames: int, jobs: int) -> Iterator[_Written]:
    """Write the frames, in one process or several, and give them in order."""
    write = partial(_write_frame, night, directory)
    jobs = min(jobs, frames)
    if jobs == 1:
        yield from map(write, range(frames))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(write, range(frames))


def _write_frame(night, directory: str, frame: int) -> _Written:
    """Write frame number `frame` of a night, and give its lines of the manifest and tables."""
    from astropy.io import fits

    from preprocess.simulation.exposure import take_frame
    from preprocess.simulation.night import FILTER
    from preprocess.simulation.truth import defect_lines, truth_lines

    simulated = take_frame(night, frame)
    path = os.path.join(directory, simulated.exposure.name)
    with written_whole(path) as unfinished:
        fits.PrimaryHDU(simulated.data, simulated.header).writeto(unfinished, overwrite=True)
    fields = {
        "bytes": os.path.getsize(path),
        "filter": FILTER,
        "mjd": simulated.exposure.mjd,
        "zero_point": simulated.exposure.zero_point,
    }
    line = manifest_line(path, fields)
    image, = (entry.id for entry in read_entries([line.encode("utf-8")]))
    return _Written(
        path,
        line + "\n",
        "".join(truth_lines(image, simulated.truth)),
        "".join(defect_lines(image, simulated.defects)),
    )


def frame_shape(text: str) -> tuple[int, int]:
    """Read a shape from the command line: ``1489x2048`` is 1489 rows of 2048 pixels."""
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, as in 1489x2048")
    return int(match[1]), int(match[2])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``simulate``."""
    parser.epilog = EXAMPLE
    parser.add_argument("directory", metavar="DIR", help="where to write")
    parser.add_argument("--frames", type=int, required=True, metavar="N", help="number of frames")
    parser.add_argument("--seed", type=int, required=True, help="seed of everything random")
    parser.add_argument(
        "--shape",
        type=frame_shape,
        default=(1489, 2048),
        metavar="HEIGHTxWIDTH",
        help="rows and columns of a frame (default: 1489x2048)",
    )
    parser.add_argument(
        "--passes", type=int, default=2, help="scans of the strip (default: %(default)s)"
    )
    parser.add_argument(
        "--density",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="more or fewer sources per area (default: %(default)s)",
    )
    parser.add_argument("--ra", type=float, default=150.0, help="of the first field, in degrees")
    parser.add_argument("--dec", type=float, default=2.0, help="of the first field, in degrees")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="number of processes (default: all cores)"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="write where there are FITS files already"
    )


def run(args: argparse.Namespace) -> int:
    """Simulate the night and say on stderr what was written."""
    try:
        paths = simulate_night(
            args.directory,
            args.frames,
            args.seed,
            args.shape,
            passes=args.passes,
            density=args.density,
            ra=args.ra,
            dec=args.dec,
            jobs=_all_cores() if args.jobs is None else args.jobs,
            overwrite=args.overwrite,
        )
    except ValueError as error:
        raise CommandError(str(error)) from None
    manifest = os.path.join(args.directory, "manifest.txt")
    print(f"{len(paths)} frame{'s' * (len(paths) != 1)} -> {manifest}", file=sys.stderr)
    return 0


def _all_cores() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
