"""Measure on this machine what the model is told."""

import argparse
import json
import math
import os
import statistics
import tempfile
from datetime import date
from pathlib import Path
from time import process_time

from bench.clusters.measured_jobs import AGAIN, FEW, MANY, measure_jobs
from bench.clusters.measured_spark import measure_spark
from bench.machine import where
from bench.night import make_night
from bench.processes import job, module, run
from bench.report import middle
from mr_extract.jobs.driver.gather import gather
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.model import figures
from mr_extract.jobs.task.one_line import process
from mr_extract.settings.config import Config
from mr_extract.text import blocks
from mr_extract.text.entry import Entry

LEAST_PIXELS = 100_000  # of a real image that says something
REPEATS = 3


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench figures", description=__doc__)
    parser.add_argument("--frames", type=int, default=24, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--lines", type=int, default=100_000, metavar="N",
                        help="lines of the long manifest [%(default)s]")
    parser.add_argument("--real", type=Path, metavar="DIR",
                        help="folder of real images, for their spread")
    jobs = parser.add_mutually_exclusive_group()
    jobs.add_argument("--cluster", action="store_true",
                      help="start a Hadoop and a Spark on this machine and measure jobs on "
                           "them too")
    jobs.add_argument("--spark-for", type=Path, metavar="FILE",
                      help="measure jobs on a Spark alone; all else is that of these figures")
    parser.add_argument("--quick", action="store_true",
                        help="few small frames, one round: tries the script, no more")
    parser.add_argument("--output", type=Path, metavar="FILE", help="[standard output]")
    options = parser.parse_args(arguments)
    shape = (1489, 2048)
    if options.quick:
        options.frames, options.rounds, options.lines, shape = 4, 1, 20_000, (400, 500)
    if options.frames < 4 or options.rounds < 1:
        parser.error("needs at least 4 frames and 1 round")
    found = json.loads(options.spark_for.read_text()) if options.spark_for else {}
    many = (FEW + 2, 1) if options.quick else (MANY, AGAIN)
    with tempfile.TemporaryDirectory(prefix="bench-figures-") as folder:
        night = make_night(Path(folder), options.frames, shape)
        machine = (
            f"{options.frames} simulated frames of {shape[1]} x {shape[0]} pixels, medians of "
            f"{options.rounds} rounds, measured on: {where()}")
        if not options.spark_for:
            found |= measure(night, options.rounds, options.lines, options.real)
            found |= {"machine": machine, "date": date.today().isoformat()}
            if options.cluster:
                found |= measure_jobs(night, options.rounds, *many)
        if options.spark_for or options.cluster:
            found["spark"] = {**measure_spark(night, options.rounds, *many), "machine": machine}
    if options.output:
        figures.write(found, options.output)
    else:
        print(json.dumps(found, indent=2, allow_nan=False))


def measure(night, rounds, lines, real=None):
    """Return the figures that need no cluster, by name.

    Parameters
    ----------
    night : bench.night.Night
    rounds : int
    lines : int
        Of the longer of two manifests that the driver plans.
    real : path, optional
        Folder of real images.
    """
    whole = night.manifest("whole.txt", night.entries)
    seconds, outcomes = _by_image([night.entries] * REPEATS)
    starts, tasks = [], []
    for _ in range(rounds):
        starts.append(run(job("--mapper"), stdin=night.tiny).cpu)
        tasks.append(run(job("--mapper"), stdin=whole).cpu)
    start = middle(starts)
    return {
        "kernel": middle(seconds),
        "spread": _spread(seconds),
        "task_image": (middle(tasks) - start) / len(night.entries),
        "image_bytes": sum(map(os.path.getsize, night.paths)) / len(night.paths),
        "rows_bytes": statistics.fmean(len(outcome.block) for outcome in outcomes),
        "task_start": start,
        "reduce": _reduced(night, outcomes, rounds),
        "reduce_start": middle([run(job("--reducer")).cpu for _ in range(rounds)]),
        "plan_line": _planned(night, lines, rounds),
        "gather": _gathered(night, outcomes, rounds),
        **({"spread_real": _real_spread(real)} if real else {}),
    }


def _by_image(rounds):
    """Return the median CPU seconds of each image, and the outcomes of the last round."""
    config, took = Config(), []
    process(rounds[0][0], WORK, config)  # imports
    for entries in rounds:
        outcomes, seconds = [], []
        for entry in entries:
            before = process_time()
            outcomes.append(process(entry, WORK, config))
            seconds.append(process_time() - before)
        took.append(seconds)
    return [middle(values) for values in zip(*took)], outcomes


def _spread(values):
    return statistics.stdev(map(math.log, values))


def _real_spread(folder):
    """Return the spread of CPU seconds by pixel over the images of a folder."""
    from mr_extract.failures import ImageFailure
    from mr_extract.images import read_image

    entries, pixels = [], []
    for path in sorted(Path(folder).rglob("*.fit*")):
        try:
            size = read_image(path.read_bytes()).data.size
        except ImageFailure:
            continue
        entry = Entry(str(path))
        if size >= LEAST_PIXELS and not process(entry, WORK, Config()).kind:
            entries.append(entry)
            pixels.append(size)
    if len(entries) < 3:
        raise SystemExit(f"bench: fewer than 3 images of {LEAST_PIXELS} pixels in {folder}")
    seconds, _ = _by_image([entries] * REPEATS)
    return _spread([a / b for a, b in zip(seconds, pixels)])


def _reduced(night, outcomes, rounds):
    """Return the CPU seconds that a reducer's Python takes for an image."""
    text = night.folder / "mapped.txt"
    with open(text, "wb") as file:
        for time in range(4):
            for k, outcome in enumerate(outcomes):
                key = blocks.key(f"{time}-{k}")
                file.writelines(b"%b\t%b\n" % (key, value)
                                for value in blocks.pack(outcome.block))
    return middle([run(job("--reducer"), stdin=text).cpu - run(job("--reducer")).cpu
                   for _ in range(rounds)]) / (4 * len(outcomes))


def _planned(night, lines, rounds):
    """Return the CPU seconds that the driver takes for a further line of a manifest."""
    took, told = {lines // 10: [], lines: []}, night.folder / "planning.json"
    empty = night.folder / "no-blocks"
    empty.write_bytes(b"")
    for number, seconds in took.items():
        manifest = night.folder / f"lines-{number}.txt"
        with open(manifest, "w") as file:
            file.writelines(f"s3://an-archive/release-3/frame-r-{k:08d}.fits\tbytes={6_000_000 + k}"
                            "\tfilter=r\n" for k in range(number))
        for _ in range(rounds):
            run(module("bench.speed.planning", manifest, empty, 500, told))
            seconds.append(sum(json.loads(told.read_text())[:2]))
    short, long = (middle(seconds) for seconds in took.values())
    return (long - short) / (lines - lines // 10)


def _gathered(night, outcomes, rounds):
    """Return the CPU seconds of an image when the driver writes one catalog."""
    plan, spool = Plan(), night.folder / "spool"
    for entry in night.entries:
        plan.add(entry)
    spool.write_bytes(b"".join(outcome.block for outcome in outcomes))
    took = []
    for _ in range(3 * rounds):
        before = process_time()
        with open(spool, "rb") as text, open(night.folder / "gathered.tsv", "wb") as catalog:
            gather(text, plan, WORK, Config(), catalog)
        took.append(process_time() - before)
    return middle(took) / len(outcomes)
