"""``estimate``: what a job would take and cost, before anything is started."""

import argparse
import shlex
from pathlib import Path

import emr
from mr_extract.jobs.driver.manifests import read_plan, standard_input
from mr_extract.jobs.runners.emr.prices import parse_price, read_prices
from mr_extract.jobs.runners.emr.reckoning import reckoned
from mr_extract.jobs.runners.emr.runner import EmrRunner

JOB = "mr_extract.jobs.extract"
CONFIGURATION = Path(emr.__file__).with_name("mrjob.conf")


def add_estimate(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``estimate``."""
    parser.add_argument("manifest", metavar="MANIFEST", help="as of the job; - for standard input")
    parser.add_argument("--conf-path", default=str(CONFIGURATION), metavar="FILE",
                        help="region and machines [emr/mrjob.conf]")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--sample", type=_number, metavar="N",
                       help="measure N images of the manifest here, to know what one costs [by "
                            "bytes, as others were measured on another machine]")
    known.add_argument("--summary", metavar="FILE",
                       help="know what an image costs from the --summary of an earlier run")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--deadline", type=_positive, metavar="HOURS",
                        help="choose as few machines as keep it at worst")
    choice.add_argument("--budget", type=_positive, metavar="DOLLARS",
                        help="choose as many machines as it allows at worst")
    parser.add_argument("--price", type=_price, action="append", default=[],
                        metavar="TYPE=DOLLARS", help="what an hour of a machine costs, above "
                                                     "emr/prices.toml")
    parser.add_argument("--options", default="", metavar="'OPTIONS'",
                        help="those of the job, for the sample: --options='--thresh 3'")
    parser.add_argument("--parts", action="store_true",
                        help="the catalog stays in parts, as with --output-dir")


def estimate(options: argparse.Namespace) -> int:
    """Print an estimate, and how many machines to ask for where that is chosen."""
    source = options.manifest
    plan = read_plan([source], standard_input() if source == "-" else None)
    runner = EmrRunner(conf_paths=[options.conf_path])
    task = ["-m", JOB, "--mapper", *shlex.split(options.options)]
    found, words = reckoned(
        plan, runner.groups, runner.region, read_prices().with_given(options.price),
        by=options.sample or options.summary, task=task,
        properties={}, merged=not options.parts, hours=options.deadline, dollars=options.budget)
    print(words)
    if options.deadline or options.budget:
        last = found.groups[-1]
        print(f"--num-{last.role.lower()}-instances {last.number} asks for them"
              if runner.asks_plainly else f"ask for {last.number} in {options.conf_path}")
    return 0


def _number(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of images")
    return int(text)


def _positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _price(text):
    try:
        return parse_price(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no TYPE=DOLLARS an hour") from None
