"""Sub-command ``manifest``: places and lists to a manifest, one FITS image a line."""

import argparse
import re
import sys
from collections.abc import Iterator

from mr_extract.jobs.skeleton.expansion import FIRST, check_extensions
from preprocess.errors import CommandError
from preprocess.listing.choice import add_choice, choice_from
from preprocess.listing.companion_fields import Rules, rule_option, with_companions
from preprocess.listing.found_images import FoundImage, Tally
from preprocess.listing.header_fields import header_option
from preprocess.listing.manifest_lines import Description, check_name
from preprocess.listing.sources import Sources, found_images, sources_of
from preprocess.options import (
    add_access_options,
    add_output,
    add_plane,
    configure_access,
    opened_output,
)
from preprocess.threads import in_order

EXAMPLE = """\
example:
  python -m preprocess manifest night1 'night2/*-r-*.fits.gz' -o list.txt
  python -m preprocess manifest s3://bucket/night1/ --header FILTER=filter,MJD-OBS=mjd -o list.txt
  python -m preprocess manifest decam --weights 'ooi -> oow' --masks 'ooi -> ood' -o list.txt

A SOURCE is a local file, folder or pattern; an s3:// prefix, an hdfs:// folder or an http index
page, perhaps with a pattern behind the bucket or host; or a text list of paths and URIs, whose
fields stay (- for standard input). Folders are searched to the bottom, hidden files and folders
apart. Lines hold the path as it was given and the size of the file in bytes.

Order: local images first, in natural order (frame2 before frame10), then remote places and lists
in the order given, each in its own order. Memory does not grow with them (of pages 24 bytes a
link are kept, and of local files).
What is met twice: a local file is listed once, also if links lead to it; what two remote places
cover comes from the first; a line that a list repeats is repeated (a job takes it once).

Exit status: 0; 1 when something was left out that is none of your choice; 2 when a SOURCE cannot
be listed, and then FILE is not written.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``manifest``."""
    parser.epilog = EXAMPLE
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="where images are")
    add_output(parser, "manifest to write")
    add_choice(parser)
    group = parser.add_argument_group("what the lines say")
    group.add_argument(
        "--extensions", default=FIRST, metavar="first|all|/PATTERN/",
        help="first: a line a file, which means its first image; all: a line for each image; "
        "or for those whose EXTNAME matches the pattern (default: first)",
    )
    add_plane(group)
    group.add_argument(
        "--header", type=header_option, action="append", default=[], metavar="KEY[=FIELD],...",
        help="header keywords as fields, as FILTER=filter,MJD-OBS=mjd; from the image's header or "
        "else the primary, of which only the first blocks are read",
    )
    group.add_argument(
        "--weights", metavar="RULE",
        help="the field weight=, as a rule names it: 'ooi -> oow', '{stem}.weight.fits'; a file "
        "so named is not listed itself, nor is one to whose name the rule does not apply; an "
        "image without its weight map is left out, unless the rule ends in ?",
    )
    group.add_argument("--masks", metavar="RULE", help="the field mask=, likewise")
    group.add_argument(
        "--bytes", action=argparse.BooleanOptionalAction, default=True,
        help="the field bytes=, by which work is balanced; pages do not tell it, so each image is "
        "asked for (default: yes)",
    )
    add_access_options(parser)


def run(args: argparse.Namespace) -> int:
    """Search, write the manifest, and say on stderr what it came to."""
    configure_access(args)
    try:
        check_extensions(args.extensions)
    except (ValueError, re.error) as error:
        raise CommandError(f"--extensions: {error}") from None
    header = tuple(wanted for option in args.header for wanted in option)
    rules = tuple(
        (name, rule_option(option, text))
        for name, option, text in (
            ("weight", "--weights", args.weights), ("mask", "--masks", args.masks)
        )
        if text is not None
    )
    description = Description(choice_from(args), args.extensions, header, args.bytes,
                              args.plane)
    tally = Tally()
    sources = sources_of(args.sources)
    images = _chosen(sources, rules, description, args.jobs, tally)
    with opened_output(args.output) as file:
        for made in in_order(description.of, images, args.jobs, description.waits):
            for complaint in made.complaints:
                tally.complain(made.name, complaint)
            if made.refused:
                tally.refuse(made.name, made.refused)
            elif not made.lines:
                tally.counts["filtered"] += 1
            tally.images += len(made.lines)
            tally.headers += made.headers
            tally.lacking += made.lacking
            tally.bytes += made.size
            file.writelines(f"{line}\n".encode() for line in made.lines)
        if not tally.images and not tally.counts["refused"]:
            raise CommandError(f"no FITS images in {', '.join(map(repr, args.sources))}"
                               f"{tally.besides()}")
    target = "stdout" if args.output == "-" else args.output
    print("\n".join([tally.summary(target), *tally.cards()]), file=sys.stderr)
    return 1 if tally.counts["refused"] else 0


def _chosen(
    sources: Sources, rules: tuple, description: Description, threads: int, tally: Tally
) -> Iterator[FoundImage]:
    """Give the images with their companions, as far as a name alone tells that they are meant."""
    choice = description.choice
    images = _writable(found_images(sources, tally), tally)
    if rules:
        yield from with_companions(images, Rules(rules, sources.places, threads), choice, tally)
        return
    for image in images:
        if choice.by_name(image.uri):
            yield image
        else:
            tally.counts["filtered"] += 1


def _writable(images: Iterator[FoundImage], tally: Tally) -> Iterator[FoundImage]:
    for image in images:
        if problem := check_name(image):
            tally.refuse(image.uri, problem)
        else:
            yield image
