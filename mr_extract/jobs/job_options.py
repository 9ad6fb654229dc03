"""Options of a job that do not change what a catalog says."""

import argparse
import os
import re
import resource
import sys

from mr_extract import storage
from mr_extract.addresses import shown_within
from mr_extract.columns import CHECK_IMAGES
from mr_extract.jobs.checkimage_files import Checks
from mr_extract.jobs.expansion import ALL, FIRST, check_extensions
from mr_extract.jobs.memory_limit import LEAST
from mr_extract.sextractor import FORMATS
from mr_extract.sextractor.meanings import CHECK_IMAGES as THEIRS

TSV = "tsv"
_REDUCE = ("none", "identity")


def add_job_options(add_argument):
    """Declare them.

    Parameters
    ----------
    add_argument : callable
        Takes what `argparse.ArgumentParser.add_argument` takes.
    """
    add_argument("--config", metavar="FILE.sex",
                 help="take settings and columns from a configuration of SExtractor, and its "
                      "defaults for what it leaves out; other options stand above it")
    add_argument("--private", metavar="FILE",
                 help="further options, one a line, from a file that nobody else may read: such as "
                      "hold a password do not show in the list of processes then")
    add_argument("--packed", action="store_true",
                 help="the inputs are not manifests but images that `python -m preprocess pack` "
                      "packed: its folders, or .seq files of them")
    add_argument("--reduce", default="identity", metavar="|".join(_REDUCE), type=_reduce,
                 help="none: rows as the tasks wrote them; identity: one catalog ordered by "
                      "image id, then source number [identity]")
    add_argument("--extensions", metavar="first|all|/PATTERN/", type=_extensions,
                 help="what a line without ext= means: the first image of its file, every one, "
                      "or those with a matching EXTNAME [first; all with --config]")
    add_argument("--catalog", metavar="FILE",
                 help="write the catalog to FILE, a path, s3:// or hdfs://, whole or not at all "
                      "[standard output]")
    add_argument("--catalog-type", choices=(TSV, *FORMATS), type=str.lower,
                 metavar="|".join((TSV, *FORMATS)),
                 help="tsv, or a format of SExtractor: --catalog is then a directory, with a "
                      "catalog for each image (CATALOG_TYPE) [tsv]")
    add_argument("--summary", metavar="FILE", help="write the summary to FILE as JSON")
    add_argument("--max-failures", default="0", metavar="N|P%", type=_limit,
                 help="failed images that are no reason for exit status 1 [0]")
    add_argument("--jobs", type=_count, metavar="N",
                 help="processes of -r local and threads of -r spark [all cores]")
    add_argument("--env-archive", metavar="auto|FILE|URI",
                 help="with -r hadoop, for nodes without our Python or packages: an archive that "
                      "they unpack and whose bin/python runs the tasks; auto: one of the Python "
                      "that runs now, made once by python -m mr_extract.env_archive")
    add_argument("--image-timeout", type=_seconds, default=3600.0, metavar="SECONDS",
                 help="an image that takes longer is a failure; 0 for no limit; not with "
                      "-r inline [3600]")
    add_argument("--image-memory", type=_megabytes, metavar="MB",
                 help="an image whose measuring takes more memory is a failure; 0 for no limit; "
                      "not with -r inline [in a task of Hadoop what its container leaves, else 0]")
    add_argument("--checkimage", metavar="KIND,KIND", type=_kinds,
                 help=f"check images to write for each image: {', '.join(CHECK_IMAGES)} "
                      "or as SExtractor spells them (CHECKIMAGE_TYPE)")
    add_argument("--checkimage-dir", metavar="DIR",
                 help="where they are written [beside the catalog]")
    add_argument("--print-schema", action="store_true",
                 help="print the chosen columns and the flags, and exit")
    add_argument("--print-config", action="store_true",
                 help="print the settings that would be used and their hash, and exit")
    add_argument("--version", action="store_true", help="print the version and exit")
    add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    add_argument("--attempt-notes", help=argparse.SUPPRESS)
    add_argument("--driven", action="store_true", help=argparse.SUPPRESS)


def settle(options):
    """Give the options that depend on others their values.

    Parameters
    ----------
    options : argparse.Namespace
        Gets `extensions`, all of them where a configuration of SExtractor is taken, as
        SExtractor measures them all, and `catalog_type`; what the configuration says of
        the catalog and nobody took over stands in `hint`.
    """
    options.hint = ""
    if options.config:
        from mr_extract.sextractor.hints import catalog_hint

        options.hint = catalog_hint(options.config, options.catalog_type, options.catalog)
    options.extensions = options.extensions or (ALL if options.config else FIRST)
    options.catalog_type = options.catalog_type or TSV


def allowed(limit, images):
    """Return how many failures of a number of images `--max-failures` allows."""
    number, percent = limit
    return int(images * number / 100) if percent else int(number)


def checks_from(options, config):
    """Return the check images that options ask for, or None.

    Parameters
    ----------
    options : argparse.Namespace
    config : mr_extract.config.Config

    Returns
    -------
    mr_extract.jobs.checkimage_files.Checks or None

    Raises
    ------
    ValueError
        When there is no place for them.
    """
    asked = "--checkimage"
    if options.config and options.checkimage is None:
        from mr_extract.sextractor.configuration import check_images_of

        options.checkimage = check_images_of(options.config)
        asked = f"CHECKIMAGE_TYPE of {options.config}"
    if not options.checkimage:
        if options.checkimage_dir is not None:
            raise ValueError("--checkimage-dir needs --checkimage")
        return None
    if config.targets.forced:
        raise ValueError("--checkimage shows what was detected: --forced detects nothing")
    folder = options.checkimage_dir
    if folder is None and options.catalog and storage.is_local(options.catalog):
        folder = os.path.abspath(options.catalog)
        if options.catalog_type == TSV:
            folder = os.path.dirname(folder)
    if not folder:
        raise ValueError(f"{asked} needs --checkimage-dir DIR or --catalog FILE"
                         + ("" if asked.startswith("--") else "; --checkimage none makes none"))
    return Checks(options.checkimage, os.path.abspath(folder))


def refuse(message):
    """End with a line about each thing that is wrong, and exit status 2."""
    for line in shown_within(message).split("\n"):
        print(f"mr_extract: {line}", file=sys.stderr)
    sys.exit(2)


def _kinds(text):
    if text.strip().lower() == "none":  # although a configuration asks for some
        return ()
    words = (part.strip() for part in text.split(",") if part.strip())
    kinds = tuple(dict.fromkeys(THEIRS.get(word.upper(), word.lower()) for word in words))
    wrong = [kind for kind in kinds if kind not in CHECK_IMAGES]
    if wrong or not kinds:
        raise argparse.ArgumentTypeError(f"{wrong[0] if wrong else text!r} is none of "
                                         f"{', '.join(CHECK_IMAGES)}")
    return kinds


def _reduce(text):
    if text not in _REDUCE:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_REDUCE)}")
    return text


def _extensions(text):
    try:
        return check_extensions(text)
    except (ValueError, re.error) as error:
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


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in seconds")
    return seconds
