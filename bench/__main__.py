"""Measure and write the tables: ``python -m bench``."""

import argparse
import json
import os
import platform
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bench import (
    against_sextractor,
    around,
    crowded,
    framework,
    memory,
    packed,
    remote,
    scale,
    sextractor,
    stages,
    storage,
    two_processes,
)
from bench.night import make_night
from bench.processes import ROOT
from bench.tables import written

SUBJECTS = {
    "framework": framework.measure,
    "sextractor": against_sextractor.measure,
    "two": two_processes.measure,
    "memory": memory.measure,
    "stages": stages.measure,
    "crowded": crowded.measure,
    "remote": remote.measure,
    "packed": packed.measure,
    "storage": storage.measure,
    "steps": around.per_image,
    "start": around.start_up,
    "scale": scale.measure,
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--frames", type=int, default=48, metavar="N", help="frames of a batch")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of each part")
    parser.add_argument("--lines", type=int, default=1_000_000, metavar="N",
                        help="lines of the long manifest")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS),
                        help="parts to measure")
    parser.add_argument("--night", type=Path, metavar="DIR",
                        help="a simulated night of at least so many frames, instead of a new one")
    parser.add_argument("--quick", action="store_true",
                        help="6 small frames and 1 round: tries the scripts, says nothing of speed")
    parser.add_argument("--output", type=Path, metavar="FILE",
                        help="write the tables there, between its markers where it has them "
                             "[standard output]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the ratios there")
    options = parser.parse_args(arguments)
    frames, rounds, shape = options.frames, options.rounds, (1489, 2048)
    if options.quick:
        frames, rounds, shape = 6, 1, (400, 500)
        options.lines = min(options.lines, 5000)
    if frames < 2 or rounds < 1:
        parser.error("needs at least 2 frames and 1 round")
    subjects = [name for name in SUBJECTS if name in options.only]
    if "sextractor" in subjects and not sextractor.PROGRAM:
        print("bench: no source-extractor, that part is left out", file=sys.stderr)
        subjects.remove("sextractor")
    sections, measures = {}, {**SUBJECTS, "scale": partial(scale.measure, lines=options.lines)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        night = make_night(Path(folder), frames, shape, options.night)
        for name in subjects:
            print(f"bench: {name}", file=sys.stderr, flush=True)
            sections[name] = measures[name](night, rounds)
    text = "\n".join([_machine(frames, shape), *(s.markdown() for s in sections.values())])
    if options.output:
        written(text, options.output)
    else:
        print(text)
    if options.json:
        ratios = {name: section.ratios for name, section in sections.items()}
        options.json.write_text(json.dumps(ratios, indent=2, allow_nan=False) + "\n")


def _machine(frames, shape):
    parts = [f"{name} {version(name)}" for name in ("numpy", "sep", "mrjob")]
    return (f"{frames} simulated frames of {shape[1]} x {shape[0]} pixels on {os.cpu_count()} "
            f"cores ({_processor()}), Python {platform.python_version()}, {', '.join(parts)}.\n")


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.machine()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
