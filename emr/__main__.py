"""Clusters of EMR and what is kept for them: ``python -m emr``."""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from emr import clusters, estimating, packing, serverless
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.emr.refusals import explained


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m emr", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module, text in (
        ("pack", packing, "bring code and Python to a bucket before a job does it"),
        ("estimate", estimating, "tell what a job would take and cost"),
        ("launch", clusters, "start a cluster that jobs can join, and print its name"),
        ("status", clusters, "tell how clusters stand: those named, or all that live"),
        ("logs", clusters, "tell what a cluster's logs say of its failures, and where they are"),
        ("serverless", serverless, "run a job on EMR Serverless, by Spark"),
        ("stop", clusters, "end clusters, and wait until they have"),
    ):
        one = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        getattr(module, f"add_{name}")(one)
        one.set_defaults(run=getattr(module, name))
    options = parser.parse_args(words)
    try:
        return options.run(options)
    except (ClientError, BotoCoreError) as error:
        told, status = explained(error), 1
    except (ImageFailure, OSError) as error:
        told, status = getattr(error, "message", str(error)), 1
    except ValueError as error:
        told, status = str(error), 2
    print(f"emr {options.command}: {told}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
