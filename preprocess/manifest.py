"""Sub-command ``manifest``: local folders to a manifest, one FITS image a line."""

import argparse
import glob
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mr_extract.failures import ImageFailure
from mr_extract.jobs.expansion import ALL, FIRST, check_extensions, image_units
from mr_extract.storage.output import text_written_whole
from mr_extract.text.manifest import Entry, format_line, is_fits_name
from preprocess.errors import CommandError

EXAMPLE = """\
example:
  python -m preprocess manifest night1 'night2/*-r-*.fits.gz' -o list.txt

Folders are searched to the bottom, hidden files and folders apart. Lines are in natural order
(frame2 before frame10) and hold the path as it was given and the size of the file in bytes.
With --extensions all there is a line for each image of a file; only headers are read.
"""


@dataclass
class Findings:
    """What a search of paths, patterns and folders came to.

    Attributes
    ----------
    images : list of str
        FITS files, each once, as the user spelled the way to them, in natural order.
    others : int
        Number of files whose names are not those of FITS files.
    repeats : int
        Number of times that an image was met again.
    troubles : list of str
        One line for each folder that could not be read.
    """

    images: list[str] = field(default_factory=list)
    others: int = 0
    repeats: int = 0
    troubles: list[str] = field(default_factory=list)


def natural_key(path: str) -> tuple:
    """Give the key that sorts paths as people do: ``frame2`` before ``frame10``.

    Parameters
    ----------
    path : str
        A path; its folders are compared one after the other.

    Returns
    -------
    key : tuple
        Text and numbers in turn. Two different paths never have equal keys (``frame01`` and
        ``frame1`` are told apart by their spelling), so the order is total.
    """
    return tuple(_natural_words(part) for part in path.split("/")), path


def _natural_words(name: str) -> tuple:
    """Split a name into text and numbers; a number is compared by its length, then digits."""
    words = re.split("([0-9]+)", name)
    numbers = [digits.lstrip("0") for digits in words[1::2]]
    words[1::2] = [(len(digits), digits) for digits in numbers]
    return tuple(words)


def manifest_line(path: str, fields: Mapping[str, object] | None = None) -> str:
    """Write one line of a manifest.

    Parameters
    ----------
    path : str
        Path of the image. One that begins with ``#``, a blank or a byte order mark gets ``./``
        before it, for it would be read as a comment or lose that character.
    fields : mapping, optional
        Values of the ``key=value`` fields, in the order of writing.

    Returns
    -------
    line : str
        Without a line end.

    Raises
    ------
    ValueError
        When the path holds a tab or a line end, or is not UTF-8: no line can hold it.
    """
    if "\t" in path or len((path + ".").splitlines()) > 1:
        raise ValueError("a manifest line cannot hold the tab or line end in its name")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("its name is not UTF-8") from None
    if path[:1] in ("#", "\ufeff") or path[:1].isspace():
        path = "./" + path
    texts = tuple((key, str(value)) for key, value in (fields or {}).items())
    return format_line(Entry(path, texts))


def find_images(arguments: Sequence[str]) -> Findings:
    """Search files, glob patterns and folders for FITS images.

    Parameters
    ----------
    arguments : sequence of str
        Paths or patterns. A file that has the very name of a pattern goes first.

    Returns
    -------
    findings : Findings

    Raises
    ------
    CommandError
        When an argument matches nothing, or nothing at all was found.
    """
    findings = Findings()
    known: set[str] = set()
    for argument in arguments:
        paths = [argument] if os.path.lexists(argument) else glob.glob(argument, recursive=True)
        if not paths:
            raise CommandError(f"nothing matches {argument!r}")
        for path in sorted(paths, key=natural_key):
            for file in _files_of(path, findings):
                if not is_fits_name(file) or not os.path.isfile(file):
                    findings.others += 1
                    continue
                identity = os.path.realpath(file)
                if identity in known:
                    findings.repeats += 1
                    continue
                known.add(identity)
                findings.images.append(file)
    if not findings.images and not findings.troubles:
        raise CommandError(f"no FITS images in {', '.join(map(repr, arguments))}")
    findings.images.sort(key=natural_key)
    return findings


def _files_of(path: str, findings: Findings) -> Iterator[str]:
    """Give a file itself, or all the files of a folder; a folder reached twice counts once."""
    if not os.path.isdir(path):
        yield path
        return

    def note(error: OSError) -> None:
        findings.troubles.append(f"{error.filename!r}: {error.strerror}")

    walked: set[str] = set()
    for folder, folders, names in os.walk(path, onerror=note, followlinks=True):
        walked.add(os.path.realpath(folder))
        folders[:] = [
            name
            for name in sorted(folders)
            if name[0] != "." and os.path.realpath(os.path.join(folder, name)) not in walked
        ]
        for name in sorted(names):
            if name[0] == ".":
                findings.others += 1
            else:
                yield os.path.join(folder, name)


def size_for_people(size: int) -> str:
    """Write a number of bytes as people do, in powers of 1,000: ``73.2 MB``."""
    if size < 1000:
        return f"{size} bytes"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if size < 999.95 * scale or unit == "TB":
            break
    return f"{size / scale:.1f} {unit}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``manifest``."""
    parser.epilog = EXAMPLE
    parser.add_argument("paths", nargs="+", metavar="PATH", help="image, folder or glob pattern")
    parser.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="manifest to write (default: stdout)"
    )
    parser.add_argument(
        "--extensions", default=FIRST, metavar="first|all|/PATTERN/",
        help="first: a line a file, which means its first image; all: a line for each image; "
        "or for those whose EXTNAME matches the pattern (default: first)",
    )


def extension_fields(path: str, extensions: str) -> list[dict[str, object]]:
    """Give the fields that choose each image of a file that is meant.

    Parameters
    ----------
    path : str
        Path of the file.
    extensions : str
        ``first``, ``all`` or ``/pattern/``, as for the job.

    Returns
    -------
    fields : list of dict
        One without fields for ``first``, and for a file whose headers cannot be read: the
        job will name what is wrong with it.

    Raises
    ------
    ValueError
        When the file holds no image that is meant.
    """
    if extensions == FIRST:
        return [{}]
    try:
        units = image_units(path, "*" if extensions == ALL else extensions)
    except ImageFailure as failure:
        if failure.kind in ("no-image", "not-two-dimensional", "no-extension"):
            raise ValueError(failure.message) from failure
        return [{}]
    return [{"ext": unit.number} for unit in units]


def run(args: argparse.Namespace) -> int:
    """Search, write the manifest, and say on stderr what it came to."""
    try:
        check_extensions(args.extensions)
    except (ValueError, re.error) as error:
        raise CommandError(f"--extensions: {error}") from None
    findings = find_images(args.paths)
    lines, total, refused = [], 0, list(findings.troubles)
    for path in findings.images:
        try:
            size = os.path.getsize(path)
            for chosen in extension_fields(path, args.extensions):
                lines.append(manifest_line(path, {**chosen, "bytes": size}) + "\n")
            total += size
        except (ValueError, OSError) as error:
            refused.append(f"{path!r}: {getattr(error, 'strerror', None) or error}")
    for trouble in refused:
        print(f"python -m preprocess manifest: left out {trouble}", file=sys.stderr)
    if args.output == "-":
        sys.stdout.buffer.write("".join(lines).encode("utf-8"))
        sys.stdout.flush()
    else:
        try:
            with text_written_whole(args.output) as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"cannot write {args.output!r}: {error.strerror}") from None
    print(_summary(len(lines), total, findings, refused, args.output), file=sys.stderr)
    return 1 if refused else 0


def _summary(images: int, total: int, findings: Findings, refused: list, output: str) -> str:
    """Write the one line that says what was found."""
    target = "stdout" if output == "-" else output
    parts = [f"{images} image{'s' * (images != 1)}, {size_for_people(total)} -> {target}"]
    if findings.others:
        parts.append(f"{findings.others} other file{'s' * (findings.others != 1)} left out")
    if findings.repeats:
        parts.append(f"{findings.repeats} met again, listed once")
    if refused:
        parts.append(f"{len(refused)} refused")
    return "; ".join(parts)
