"""What dies and what becomes of the catalog, on Spark.

Each fault is tried on a standalone cluster, or on YARN, that is started here, while a job runs;
the catalog is compared with that of ``-r inline``.
"""

import argparse
import tempfile
from pathlib import Path

from bench.clusters import faults_on_spark  # noqa: F401
from bench.clusters.fault_bench import IMAGES
from bench.clusters.hadoop_faults import is_wrong, tried
from bench.clusters.spark_fault_bench import (
    FAULTS,
    NODES,
    SHARDS,
    TITLES,
    YARN_FAULTS,
    YARN_TITLES,
    on_standalone,
    on_yarn,
)
from bench.report import Section, give, takes_output

_HEAD = ("what dies", "exit status", "attempts", "executors", "images", "failed", "rows",
         "catalog")
_WHERE = {"standalone": ("a standalone cluster", FAULTS, TITLES, on_standalone),
          "yarn": ("YARN", YARN_FAULTS, YARN_TITLES, on_yarn)}


def measure(where, names):
    """Try faults, one after the other, and return the section about them."""
    place, faults, titles, prepared = _WHERE[where]
    section = Section(
        f"Faults on {place}",
        f"{IMAGES} images in {SHARDS} tasks, on {NODES} nodes of one machine, an executor each, "
        "each fault while images are measured. Attempts of tasks: successful, failed, killed, and "
        "how many executors there were, as Spark's event log tells.", _HEAD)
    with tempfile.TemporaryDirectory(prefix="bench-faults-") as folder, \
            prepared(Path(folder)) as bench:
        for name in names:
            tried(section, bench, name, faults, titles, told)
    return section


def told(done):
    """Return what is said of the attempts of a job's tasks, and of its executors."""
    attempts = done.attempts
    counts = ", ".join(str(attempts[how]) for how in ("successful", "failed", "killed"))
    return counts, attempts["executors"]


def main(arguments=None):
    """Try faults and print the tables; 1 when a catalog is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench spark-faults", description=__doc__)
    parser.add_argument("--on", choices=_WHERE, help="on one of them [both]")
    parser.add_argument("--only", action="append", metavar="NAME",
                        choices={**FAULTS, **YARN_FAULTS},
                        help=f"one of {', '.join({**FAULTS, **YARN_FAULTS})}; may be given again")
    takes_output(parser)
    options = parser.parse_args(arguments)
    sections = []
    for where in [options.on] if options.on else _WHERE:
        names = [name for name in _WHERE[where][1] if name in (options.only or _WHERE[where][1])]
        if names:
            sections.append(measure(where, names))
    give(sections, options.output)
    return any(is_wrong(row) for section in sections for row in section.rows)


