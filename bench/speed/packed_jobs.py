"""Whole jobs over packed images, and over the same images by path.

They run on the Hadoop that HADOOP_HOME and HADOOP_CONF_DIR name, in a folder of its file system
that nobody needs.
"""

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.night import make_night
from bench.processes import job, module, run
from bench.report import Section, give, middle, takes_output
from bench.speed.packed import FORMS


def on_hadoop(night, rounds, place):
    """Return the section on whole jobs over a folder of a Hadoop file system."""
    from mr_extract import storage

    far = []
    for entry in night.entries:
        name = f"{place}/frames/{os.path.basename(entry.uri)}"
        with open(entry.uri, "rb") as file:
            storage.write(name, file)
        far.append(replace(entry, uri=name))
    paths = night.manifest("far.txt", far)
    for form in FORMS:
        run(module("preprocess", "pack", paths, "-o", f"{place}/{form}", "--format", form))
    kinds = {"by path": [paths], **{form: ["--packed", f"{place}/{form}"] for form in FORMS}}
    told = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, arguments in kinds.items():
            told[name].append(_job(night.folder / "summary.json", *arguments))
    frames = len(far)
    section = Section(
        "Packed images on Hadoop",
        f"Whole jobs over {frames} frames on HDFS, alternating, medians of {rounds} rounds.",
        ("", "seconds", "tasks where their data are", "fetch and unpack, ms a frame",
         "all stages, ms a frame"))
    for name, jobs in told.items():
        got = [sum(one["milliseconds"].get(stage, 0) for stage in ("fetch", "unpack"))
               for one in jobs]
        every = [sum(one["milliseconds"].values()) for one in jobs]
        tasks = jobs[-1]["map_tasks"]
        near = "{where_their_data_are} of {launched}".format(**tasks) if tasks else "-"
        section.add(name, f"{middle([one['seconds'] for one in jobs]):.1f}", near,
                    f"{middle(got) / frames:.0f}", f"{middle(every) / frames:.0f}")
    return section


def _job(summary, *arguments):
    run(job("-r", "hadoop", "--quiet", *arguments, "--summary", summary))
    return json.loads(summary.read_text())


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench packed-jobs", description=__doc__)
    parser.add_argument("place", help="folder to write, hdfs://...")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    takes_output(parser)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        night = make_night(Path(folder), options.frames, (1489, 2048))
        section = on_hadoop(night, options.rounds, options.place.rstrip("/"))
    give([section], options.output)
