"""Options of a job that do not change what a catalog says."""

import argparse
import sys

_REDUCE = ("none", "identity")


def add_job_options(add_argument):
    """Declare them.

    Parameters
    ----------
    add_argument : callable
        Takes what `argparse.ArgumentParser.add_argument` takes.
    """
    add_argument("--reduce", default="identity", metavar="|".join(_REDUCE), type=_reduce,
                 help="none: rows as the tasks wrote them; identity: one catalog ordered by "
                      "image id, then source number [identity]")
    add_argument("--catalog", metavar="FILE",
                 help="write the catalog to FILE, whole or not at all [standard output]")
    add_argument("--summary", metavar="FILE", help="write the summary to FILE as JSON")
    add_argument("--max-failures", default="0", metavar="N|P%", type=_limit,
                 help="failed images that are no reason for exit status 1 [0]")
    add_argument("--jobs", type=_count, metavar="N",
                 help="processes of -r local and threads of -r spark [all cores]")
    add_argument("--image-timeout", type=_seconds, default=3600.0, metavar="SECONDS",
                 help="an image that takes longer is a failure; 0 for no limit; not with "
                      "-r inline [3600]")
    add_argument("--print-schema", action="store_true",
                 help="print the chosen columns and the flags, and exit")
    add_argument("--print-config", action="store_true",
                 help="print the settings that would be used and their hash, and exit")
    add_argument("--version", action="store_true", help="print the version and exit")
    add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)


def allowed(limit, images):
    """Return how many failures of a number of images `--max-failures` allows."""
    number, percent = limit
    return int(images * number / 100) if percent else int(number)


def refuse(message):
    """End with one line about an option and exit status 2."""
    print(f"mr_extract: {message}", file=sys.stderr)
    sys.exit(2)


def _reduce(text):
    if text not in _REDUCE:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_REDUCE)}")
    return text


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


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in seconds")
    return seconds
