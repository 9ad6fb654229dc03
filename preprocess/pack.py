"""Sub-command ``pack``: the images of a manifest into packed files, for Hadoop or for archives."""

import argparse
import os
import re
import sys
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.position_lists import with_rules_anywhere
from mr_extract.jobs.driver.manifests import read_plan, standard_input
from mr_extract.jobs.skeleton.expansion import FIRST, check_extensions
from mr_extract.packed.index import packed_with
from mr_extract.packed.records import AS_IS, FZ
from mr_extract.settings.config import Config
from mr_extract.settings.options import access_from, add_access, config_from, option_name
from preprocess.errors import CommandError
from preprocess.options import add_plane
from preprocess.packing.output import Output
from preprocess.packing.records import grouped, in_order, packed

EXAMPLE = """\
example:
  python -m preprocess pack list.txt -o hdfs:///user/me/frames
  python mr_extract.py -r hadoop --packed hdfs:///user/me/frames > catalog.tsv

The output is a folder that is empty or not there yet, of SequenceFiles that hold a record for
each file: its lines of the manifest, its bytes, and those of its masks and maps. The catalog
is the same as that of the manifest. An image that cannot be had is packed as the failure
that it is. The options that name masks, maps and detection images are those of mr_extract.py.
"""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_RULES = ("mask_image", "weight_image", "weight_type", "flag_image", "calibration_file",
          "psf_image", "detect_image")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``pack``."""
    parser.epilog = EXAMPLE
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST",
                        help="manifest, - for standard input, or FITS file")
    parser.add_argument("-o", "--output", required=True, metavar="PLACE",
                        help="folder to write, a path, hdfs:// or s3://")
    parser.add_argument("--format", choices=(FZ, AS_IS), default=FZ,
                        help="fz: tile-compressed without loss, where a file can be restored byte "
                        "for byte; as-is: as the files are (default: fz)")
    parser.add_argument("--size", type=_size, default=_UNITS["G"], metavar="BYTES",
                        help="bytes of a packed file, as 512M or 2G (default: 1G)")
    parser.add_argument("--extensions", default=FIRST, metavar="first|all|/PATTERN/",
                        help="what a line without ext= means, as for mr_extract.py "
                        "(default: first)")
    add_plane(parser)
    parser.add_argument("--jobs", type=_number, default=len(os.sched_getaffinity(0)),
                        metavar="N", help="processes (default: all cores)")
    for _, one in Config.declared():
        if one.name in _RULES:
            parser.add_argument(option_name(one.name), help=one.metadata["help"], metavar="RULE")
    add_access(parser.add_argument)


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([KMGT]?)B?", text.upper())
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, as 512M")
    return int(match[1]) * _UNITS[match[2]]


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Pack the images of manifests, and say on stderr what it came to.

    Returns
    -------
    status : int
        0, or 1 when some images could not be had, and are packed as failures.
    """
    try:
        check_extensions(args.extensions)
        access = access_from(args)
        config = with_rules_anywhere(config_from(args))
        storage.configure(access)
        plan = read_plan(args.manifests, standard_input() if "-" in args.manifests else None,
                         args.extensions, args.plane)
    except (ValueError, re.error) as error:
        raise CommandError(str(error)) from None
    for image_id, entry in plan.entries.items():
        if entry.region is not None:
            raise CommandError(f"{image_id} means a region, and a packed file is read as a whole: "
                               "measure tiles from the file itself")
    folder = args.output.rstrip("/") or args.output
    _check_empty(folder)
    output = Output(folder, args.size, packed_with(args.extensions, args.plane))
    try:
        pack = partial(packed, form=args.format, config=config)
        for contents, bodies in in_order(pack, grouped(plan), args.jobs, access):
            output.add(contents, bodies)
        output.close()
    except ImageFailure as failure:
        raise CommandError(f"cannot write to {folder!r}: {failure.message}") from None
    except BrokenProcessPool:
        raise CommandError("a process that packs was killed, for want of memory perhaps: give "
                           "fewer --jobs") from None
    print(output.summary(), file=sys.stderr)
    return 1 if output.failures else 0


def _check_empty(folder: str) -> None:
    if storage.scheme(folder) not in storage.WRITTEN:
        raise CommandError(f"-o {folder}: nothing can be written to {storage.scheme(folder)}://")
    try:
        first = next(storage.list_files(folder), None)
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise CommandError(f"-o {folder}: {failure.message}") from None
        first = None
    if first is not None:
        raise CommandError(f"-o {folder}: there is {first.uri} already; name a new folder")
