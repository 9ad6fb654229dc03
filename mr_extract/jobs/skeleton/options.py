"""Options that every job has, none of which changes what a catalog says."""

import argparse
import re
import resource
import sys
from collections.abc import Callable
from typing import NoReturn

from mr_extract.addresses import shown_within
from mr_extract.images.cubes import check_planes
from mr_extract.jobs.skeleton.expansion import check_extensions
from mr_extract.jobs.task.memory_limit import LEAST

TSV = "tsv"  # the catalog that is one table of all images
OVER_DETECTIONS = ("unique", "objects")  # what follows when all images are measured
_REDUCE = ("none", "identity", *OVER_DETECTIONS)


def add_job_options(under: Callable[[str], Callable[..., object]]) -> None:
    """Declare them.

    Parameters
    ----------
    under : callable
        Takes a title and returns what takes what `argparse.ArgumentParser.add_argument` takes.
    """
    add_argument = under("What is measured, and what is written")
    add_argument("--private", metavar="FILE",
                 help="further options, one a line, from a file that nobody else may read: such as "
                      "hold a password do not show in the list of processes then")
    add_argument("--packed", action="store_true",
                 help="the inputs are not manifests but images that `python -m preprocess pack` "
                      "packed: its folders, or .seq files of them")
    add_argument("--reduce", default="identity", metavar="|".join(_REDUCE), type=_reduce,
                 help="none: rows as the tasks wrote them; identity: one catalog ordered by "
                      "image id, then source number; unique: of each source in overlapping "
                      "images the best measurement, in such a catalog; objects: a catalog of "
                      "objects, of all detections [identity]")
    add_argument("--extensions", metavar="first|all|/PATTERN/", type=_extensions,
                 help="what a line without ext= means: the first image of its file, every one, "
                      "or those with a matching EXTNAME [first; all with --config]")
    add_argument("--plane", metavar="N|A:B|all[,...]", type=_planes,
                 help="which planes of cubes a line without plane= means, from 1, a number, range "
                      "or all for each axis from the third on; all alone is every plane "
                      "[an image of several planes is a failure]")
    add_argument("--where", metavar="EXPRESSION",
                 help="the lines that are meant, as SQL has it behind WHERE, of their fields and "
                      "of id, uri, file: \"filter = 'r' AND exptime > 30\"; the others are "
                      "accounted for as #skipped [all]")
    add_argument("--log-book", metavar="FILE",
                 help="a table with a row an image, whose columns --where may name: CSV, TSV, "
                      "ECSV, FITS, VOTable or Parquet")
    add_argument("--log-key", metavar="COLUMN",
                 help="the column of the log book that holds ids or names of files [one called "
                      "id, image, file, filename or alike]")
    add_argument("--log-book-sha256", default="", help=argparse.SUPPRESS)
    add_argument("--catalog", metavar="FILE",
                 help="write the catalog to FILE, a path, s3:// or hdfs://, whole or not at all "
                      "[standard output]")
    add_argument("--summary", metavar="FILE", help="write the summary to FILE as JSON")
    add_argument("--max-failures", default="0", metavar="N|P%", type=_limit,
                 help="failed images that are no reason for exit status 1 [0]")
    add_argument = under("Tasks, and what an image may cost them")
    add_running(add_argument)
    add_argument("--detach", action="store_true",
                 help="start the job, print its name and end; `python -m mr_extract.collect NAME` "
                      "gives what it has made when it is done")
    add_argument("--image-timeout", type=_seconds, default=3600.0, metavar="SECONDS",
                 help="an image that takes longer is a failure; 0 for no limit; not with "
                      "-r inline [3600]")
    add_argument("--image-memory", type=_megabytes, metavar="MB",
                 help="an image whose measuring takes more memory is a failure; 0 for no limit; "
                      "not with -r inline [in a task of Hadoop what its container leaves, else 0]")
    add_argument = under("Printed, and nothing else done")
    add_argument("--print-schema", action="store_true",
                 help="print the chosen columns and the flags, and exit")
    add_argument("--print-config", action="store_true",
                 help="print the settings that would be used and their hash, and exit")
    add_argument("--version", action="store_true", help="print the version and exit")
    add_argument("--help-all", action="store_true", help="print all options and exit")
    add_argument("--print-completion", metavar="bash|zsh|tcsh",
                 help="print what makes a shell complete these options, and exit")
    add_argument("--work", help=argparse.SUPPRESS)
    add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    add_argument("--attempt-notes", help=argparse.SUPPRESS)
    add_argument("--driven", action="store_true", help=argparse.SUPPRESS)


def add_running(add_argument: Callable[..., object]) -> None:
    """Declare what every job has whatever its input is: how many tasks, and their Python."""
    add_argument("--jobs", type=_count, metavar="N",
                 help="processes of -r local, and of -r spark on one machine [all cores]")
    add_argument("--max-hours", type=_hours, metavar="HOURS",
                 help="with -r emr: stop the job after so long, and keep what is done [no limit]")
    add_argument("--yes", action="store_true",
                 help="with -r emr: start a cluster, which costs money, without asking")
    add_argument("--estimate-by", type=_sample_or_summary, metavar="N|FILE",
                 help="with -r emr: how the estimate knows what an image costs: by N images that "
                      "are measured here first, or by the --summary of an earlier run [by bytes, "
                      "as others were measured on another machine]")
    add_argument("--price", type=_price, action="append", metavar="TYPE=DOLLARS",
                 help="with -r emr: what an hour of a machine costs, above the table of prices")
    add_argument("--env-archive", metavar="auto|FILE|URI",
                 help="with -r hadoop and -r spark, for nodes without our Python or packages: an "
                      "archive that they unpack and whose bin/python runs the tasks; auto: one of "
                      "the Python that runs now, made once by python -m mr_extract.env_archive "
                      "[auto with -r emr, unless --python-bin is given]")


def allowed(limit: tuple[float, bool], images: int) -> int:
    """Return how many failures of a number of images `--max-failures` allows."""
    number, percent = limit
    return int(images * number / 100) if percent else int(number)


def refuse(message: str) -> NoReturn:
    """End with a line about each thing that is wrong, and exit status 2."""
    for line in shown_within(message).split("\n"):
        print(f"mr_extract: {line}", file=sys.stderr)
    sys.exit(2)


def _reduce(text):
    if text not in _REDUCE:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_REDUCE)}")
    return text


def _extensions(text):
    try:
        return check_extensions(text)
    except (ValueError, re.error) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _planes(text):
    try:
        return check_planes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _limit(text):
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%")) if percent else int(text)
    except ValueError:
        number = -1
    if not 0 <= number or (percent and not number <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor a percentage")
    return number, percent


def _count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes")
    return int(text)


def _megabytes(text):
    if not hasattr(resource, "prlimit"):
        raise argparse.ArgumentTypeError("only Linux can limit the memory of a process")
    if not text.isdecimal() or 0 < int(text) < LEAST >> 20:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 0 nor a number of megabytes from {LEAST >> 20} on")
    return int(text)


def _hours(text):
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours")
    return hours


def _sample_or_summary(text):
    if not text.isdecimal():
        return text
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of images nor a file")
    return int(text)


def _price(text):
    from mr_extract.jobs.runners.emr.prices import parse_price

    try:
        return parse_price(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no TYPE=DOLLARS an hour") from None


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in seconds")
    return seconds
