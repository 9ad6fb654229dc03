"""The estimate of `python -m emr estimate` held against a run on this machine."""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.machine import where
from bench.night import make_night
from bench.processes import job, run
from bench.report import Section, give, middle, takes_output
from mr_extract.jobs.model.figures import shipped
from mr_extract.jobs.model.prediction import predict
from mr_extract.jobs.model.simulation import Cluster
from mr_extract.jobs.runners.emr import image_cost
from mr_extract.text.manifest import format_line

SAMPLE = 6  # images that are measured for an estimate


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench emr-estimate", description=__doc__)
    parser.add_argument("--frames", type=int, default=24, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--quick", action="store_true",
                        help="few small frames, one round: tries the script, no more")
    takes_output(parser)
    options = parser.parse_args(arguments)
    shape = (1489, 2048)
    if options.quick:
        options.frames, options.rounds, shape = 8, 1, (400, 500)
    with tempfile.TemporaryDirectory(prefix="bench-emr-") as folder:
        night = make_night(Path(folder), options.frames, shape)
        give([measure(night, options.rounds)], options.output)


def measure(night, rounds):
    """Return the section on the estimate of a local run."""
    cores, frames = len(os.sched_getaffinity(0)), len(night.entries)
    section = Section(
        "Estimate against a run",
        f"{frames} images by `-r local` with {cores} tasks at once, alternating with the estimate "
        f"for it: {SAMPLE} images measured, and the model without Java and YARN. Others is the "
        "part of the machine that other processes had meanwhile, which wall time is measured with "
        "and the estimate does not know; CPU is theirs to disturb less.",
        ("round", "estimated, s", "took, s", "estimated to taken", "CPU estimated, s",
         "CPU taken, s", "estimated to taken", "others, %"),
        where=f"{night.told}; {where()}",
    )
    whole, ratios, of_cpu = night.manifest("whole.txt", night.entries), [], []
    for number in range(1, rounds + 1):
        estimated, cpu = estimate(night.entries, cores)
        took = run(job("-r", "local", f"--jobs={cores}", "--quiet", whole,
                       "--catalog", night.folder / "catalog.tsv"))
        ratios.append(estimated / took.wall)
        of_cpu.append(cpu / took.cpu)
        section.add(number, f"{estimated:.1f}", f"{took.wall:.1f}", f"{ratios[-1]:.2f}",
                    f"{cpu:.1f}", f"{took.cpu:.1f}", f"{of_cpu[-1]:.2f}",
                    f"{100 * took.foreign:.0f}")
    section.note("estimated to taken", middle(ratios))
    section.note("estimated to taken, CPU", middle(of_cpu))
    return section


def estimate(entries, cores):
    """Return the seconds, wall and CPU, that a local run should take, by a sample and the model."""
    figures = shipped()
    lines = [f"{format_line(entry)}\n".encode() for entry in entries[:SAMPLE + 1]]
    cost = image_cost.of_sample(["-m", "mr_extract.jobs.extract", "--mapper"], lines, figures)
    # The driver starts in about the time of a task; there is neither Java nor YARN.
    told = replace(figures, image=cost.seconds_here, container_start=0.0, master=0.0, finish=0.0,
                   submit=figures.task_start, stream_megabyte=0.0, image_bytes=cost.size)
    done = predict(told, len(entries), Cluster(1, cores).without_waits(), cores, 1, merged=True)
    cpu = len(entries) * (cost.seconds_here + told.gather + told.plan_line) \
        + (cores + 1) * told.task_start
    return done.time, cpu
