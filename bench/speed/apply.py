"""A function of one's own over many images: what it costs to be called, and two processes."""

import hashlib
import sys

from bench.processes import module, run
from bench.report import Section, middle, ratio

ROUNDS_OF_EMPTY = 2


def nothing():
    return None


def level(data):
    """Return the sky and its noise: some tens of milliseconds of numpy."""
    import numpy as np

    low, middle_, high = np.percentile(data, [15.87, 50, 84.13])
    return {"sky": float(middle_), "noise": float(high - low) / 2}


def read(manifest):
    """Read the files of a manifest and take their checksums, and nothing else."""
    from mr_extract.text.manifest import read_entries

    with open(manifest, "rb") as lines:
        for entry in read_entries(lines):
            with open(entry.uri, "rb") as file:
                hashlib.sha256(file.read()).hexdigest()


def measure(night, rounds):
    """Return the section on the job that calls a function of the user's."""
    times = 4
    whole = night.manifest("apply.txt", night.entries, times)
    images, output = times * len(night.entries), night.folder / "apply.tsv"

    def apply(function, columns, jobs, manifest):
        return run(module("mr_extract.jobs.apply", "-r", "local", f"--jobs={jobs}", "--quiet",
                          manifest, "--function", f"bench.speed.apply:{function}", "--columns",
                          columns, "--catalog", output))

    contenders = {
        "read": lambda m: run(module("bench.speed.apply", m)),
        "empty": lambda m: apply("nothing", "none", 1, m),
        "one": lambda m: apply("level", "sky,noise", 1, m),
        "two": lambda m: apply("level", "sky,noise", 2, m),
    }
    took = {name: [] for name in contenders}
    for _ in range(max(rounds, ROUNDS_OF_EMPTY if rounds > 1 else 1)):
        for name, contender in contenders.items():
            start, all_of_it = contender(night.tiny), contender(whole)
            took[name].append((all_of_it - start, all_of_it))
    each = {name: middle([1000 * net.cpu / images for net, _ in values])
            for name, values in took.items()}
    section = Section(
        "A function of one's own",
        f"`python -m mr_extract.jobs.apply` over {images} frames, medians of {len(took['one'])} "
        "rounds that alternate, without start-up. To read is to read a file and take its SHA-256; "
        "the empty function takes and returns nothing. The other takes three percentiles of the "
        "pixels; its last columns are wall time, in one process and in two.",
        ("", "CPU a frame, ms", "beyond reading, ms", "one process, s", "two, s", "throughput"),
    )
    gain, text = ratio([net.wall for net, _ in took["one"]], [net.wall for net, _ in took["two"]])
    section.add("reading", f"{each['read']:.1f}", "-", "-", "-", "-")
    section.add("an empty function", f"{each['empty']:.1f}", f"{each['empty'] - each['read']:.1f}",
                "-", "-", "-")
    section.add("three percentiles", f"{each['one']:.1f}", f"{each['one'] - each['read']:.1f}",
                *(f"{middle([net.wall for net, _ in took[name]]):.2f}" for name in ("one", "two")),
                text)
    section.note("empty function beyond reading, ms", each["empty"] - each["read"])
    section.note("two processes that apply", gain)
    return section


if __name__ == "__main__":
    read(sys.argv[1])
