"""A process that has the kernels imported and measures a frame when it is asked.

Frame by frame it can so be set against another program while the noise of the
machine is the same for both. ``python -m bench.speed.warm COLUMNS`` reads paths and
answers each with a line of JSON: CPU seconds, sources and CPU seconds by stage.
"""

import hashlib
import json
import subprocess
import sys
from time import process_time

from mr_extract.settings.config import Config


class Warm:
    """The process, seen from outside."""

    def __init__(self, columns):
        from bench.processes import ROOT, environment, module

        self._process = subprocess.Popen(
            module("bench.speed.warm", ",".join(columns)), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def measure(self, path):
        """Return what the frame took, as a dictionary."""
        print(path, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def measured(path, config):
    """Measure a frame as the job does, with its checksum timed apart."""
    from mr_extract.frames import clock
    from mr_extract.frames import measuring as frame
    from mr_extract.images import read_image
    from mr_extract.text.rows import format_rows

    clock.perf_counter = process_time  # others use the machine as well
    seconds, marks = {}, [process_time()]

    def lap(stage):
        marks.append(process_time())
        seconds[stage] = marks[-1] - marks[-2]

    with open(path, "rb") as file:
        buffer = file.read()
    lap("fetch")
    hashlib.sha256(buffer).hexdigest()
    lap("checksum")
    image = read_image(buffer)
    del buffer
    lap("read")
    sources = frame.measure_image(image, config)
    lap("all of it")
    del seconds["all of it"]
    seconds |= sources.seconds
    text = format_rows(path, sources.columns)
    lap("format")
    del text
    # The checksum is no part of the comparison: the other program makes none.
    cpu = marks[-1] - marks[0] - seconds["checksum"]
    return {"cpu": cpu, "sources": len(sources), "seconds": seconds}


def main(columns):
    config = Config().updated(columns=tuple(columns.split(",")))
    for line in sys.stdin:
        print(json.dumps(measured(line.rstrip("\n"), config)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
