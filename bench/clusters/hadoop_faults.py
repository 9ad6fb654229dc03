"""What dies and what becomes of the catalog.

Each fault is tried on a Hadoop of its own, started here, while a job runs; the catalog is
compared with that of ``-r inline``.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.clusters import faults_of_cluster, faults_of_images, faults_of_output  # noqa: F401
from bench.clusters.fault_bench import FAULTS, IMAGES, MAPS, TITLES, prepared
from bench.report import Section, give, takes_output

_NOT_HIT = "not hit"


def measure(names):
    """Try faults, one after the other, and return the section about them."""
    section = Section(
        "Faults that were tried",
        f"{IMAGES} images in {MAPS} map tasks, on two hosts of one machine, each fault while "
        "images are measured. Attempts of maps, and of reduces: successful, failed, killed, as "
        "the last ApplicationMaster tells; how many of these there were.",
        ("what dies", "exit status", "attempts", "masters", "images", "failed", "rows", "catalog"),
    )
    with tempfile.TemporaryDirectory(prefix="bench-faults-") as folder:
        with prepared(Path(folder)) as bench:
            for name in names:
                tried(section, bench, name, FAULTS, TITLES, _told)
    order = list(TITLES.values())
    section.rows.sort(key=lambda row: order.index(row[0]))
    return section


def _told(done):
    told = done.attempts
    attempts = {kind: ", ".join(str(told[f"{how} {kind}"])
                                for how in ("successful", "failed", "killed"))
                for kind in ("map", "reduce") if told.get(f"successful {kind}")}
    return "; ".join(attempts.values()) or "nobody tells", told.get("masters", "")


def tried(section, bench, name, faults, titles, told):
    """Try a fault and add its row.

    Parameters
    ----------
    section : bench.report.Section
    bench : bench.clusters.fault_bench.Bench
    name : str
    faults, titles : dict
        Of the registry.
    told : callable
        Takes a Done, and returns what is said of its attempts and of what ran them.
    """
    began = time.monotonic()
    try:
        done, verdict = faults[name](bench)
    except (RuntimeError, StopIteration) as error:
        done, verdict = None, f"{_NOT_HIT}: {error or 'nothing was there to be hit'}"
    if done is None:
        section.add(titles[name], "", "", "", "", "", "", verdict)
    else:
        section.add(titles[name], done.status, *told(done), done.out.count(b"#image\t") or "",
                    len(done.failures) or "", done.rows or "", verdict)
        if is_wrong(section.rows[-1]):
            print(done.err, file=sys.stderr)
    print(f"{name}: {section.rows[-1][1:]} in {time.monotonic() - began:.0f} s",
          file=sys.stderr, flush=True)
    bench.as_new()


def is_wrong(row):
    """Tell whether a row is of a catalog that is not what it should be, or of no fault."""
    return row[-1].endswith("WRONG") or row[-1].startswith(_NOT_HIT)


def main(arguments=None):
    """Try faults and print the table; 1 when a catalog is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME",
                        help=f"one of {', '.join(FAULTS)}; may be given again")
    takes_output(parser)
    options = parser.parse_args(arguments)
    section = measure(options.only or FAULTS)
    give([section], options.output)
    return any(map(is_wrong, section.rows))
