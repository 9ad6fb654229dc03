"""Sub-command ``lists``: the published lists of images, made again from their rules."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from textwrap import wrap

from mr_extract.storage.output import text_written_whole
from preprocess.errors import CommandError
from preprocess.listing.manifest_lines import manifest_line
from preprocess.listrules import PublishedList, read_lists
from preprocess.sizes import size_for_people

EXAMPLE = """\
example:
  python -m preprocess lists
  python -m preprocess lists sdss-4 -o list.txt
  python -m preprocess lists kira-1tb --most 1000 --base /lustre/sdss/imaging

Without a name it prints a table of the lists. A list begins with comments that say the survey,
the licence and the options that mr_extract.py wants for these files; then a line an image.
With --base the files are looked for below a place of yours, where they lie as in the archive.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lists``."""
    parser.epilog = EXAMPLE
    parser.add_argument("name", nargs="?", metavar="NAME", help="list to write (default: a table)")
    parser.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="manifest to write (default: stdout)"
    )
    parser.add_argument(
        "--most", type=_number, metavar="N", help="no more than the first N images"
    )
    parser.add_argument(
        "--base", metavar="PLACE", help="folder or URI that stands in for the archive's"
    )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Print the table of lists, or write one of them and say on stderr what it came to."""
    lists = read_lists()
    if args.name is None:
        alone = [option for option, value in (("--most", args.most), ("--base", args.base))
                 if value is not None]
        if alone:
            raise CommandError(f"{alone[0]} is for one list: name it")
        _write(args.output, (line + "\n" for line in table(lists)))
        return 0
    chosen = lists.get(args.name)
    if chosen is None:
        near = get_close_matches(args.name, lists, 1)
        meant = f"is {near[0]} meant?" if near else f"there are {', '.join(lists)}"
        raise CommandError(f"no list {args.name!r}: {meant}")
    if args.base is not None:
        base = args.base if args.base.endswith("/") or not args.base else args.base + "/"
        chosen = replace(chosen, rule=replace(chosen.rule, base=base))
    if args.most is not None and args.most < chosen.files:
        chosen = replace(chosen, files=args.most)
        chosen = replace(chosen, bytes=sum(image.size for image in chosen.images()))
    try:
        _write(args.output, manifest_lines(chosen))
    except ValueError as error:
        raise CommandError(f"--base {args.base!r}: {error}") from None
    target = "stdout" if args.output == "-" else args.output
    print(f"{chosen.files} image{'s' * (chosen.files != 1)}, {_size(chosen)} -> {target}",
          file=sys.stderr)
    return 0


def table(lists: dict[str, PublishedList]) -> Iterator[str]:
    """Yield the lines of the table of lists: name, survey, files, bytes, what it holds."""
    rows = [("list", "survey", "files", "bytes", "images")]
    for one in lists.values():
        rows.append((one.name, f"{one.survey} {one.release}".strip(), f"{one.files:,}",
                     _size(one), one.about))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for name, survey, files, size, about in rows:
        yield (f"{name:{widths[0]}}  {survey:{widths[1]}}  {files:>{widths[2]}}  "
               f"{size:>{widths[3]}}  {about}")


def manifest_lines(chosen: PublishedList) -> Iterator[str]:
    """Yield the lines of a list with their line ends, its facts first, as comments.

    Raises
    ------
    ValueError
        When a line cannot hold the place of its image.
    """
    for line in header(chosen):
        yield f"# {line}\n"
    for image in chosen.images():
        yield manifest_line(image.uri, image.fields) + "\n"


def header(chosen: PublishedList) -> Iterator[str]:
    """Yield what the comments at the head of a list say."""
    yield f"{chosen.name}: {chosen.about}"
    yield f"{chosen.files:,} files, {_size(chosen)}"
    for title, text in (
        ("survey", f"{chosen.survey} {chosen.release}".strip()), ("archive", chosen.archive),
        ("licence", chosen.licence), ("cite", chosen.citation), ("tried", chosen.tried),
        *(("note", note) for note in chosen.notes),
    ):
        yield from wrap(f"{title}: {text}", 96, subsequent_indent="  ", break_long_words=False,
                        break_on_hyphens=False)
    if chosen.options:
        yield f"options: {chosen.options}"


def _size(chosen: PublishedList) -> str:
    size = size_for_people(chosen.bytes)
    return size if chosen.rule.exact else f"~{size}"


def _write(output: str, lines: Iterator[str]) -> None:
    """Write lines to a file or, for ``-``, to stdout."""
    if output == "-":
        while block := "".join(islice(lines, 1000)):
            sys.stdout.buffer.write(block.encode("utf-8"))
        sys.stdout.flush()
        return
    try:
        with text_written_whole(output) as file:
            file.writelines(lines)
    except OSError as error:
        raise CommandError(f"cannot write {output!r}: {error.strerror}") from None
