"""What a job on Hadoop costs beside ``-r local``, on a cluster of one's own on this machine.

``python -m bench.hadoop_targets [--output docs/hadoop.md]``: run it when nothing else runs.
"""

import argparse
import http.server
import re
import subprocess
import tempfile
import threading
from pathlib import Path
from time import monotonic

from bench.cluster_jobs import FEW, MAP_MEMORY, cluster_of_one_machine
from bench.night import make_night
from bench.processes import ROOT, environment, job, run
from bench.tables import Section, middle, ratio, written

LINES = 100_000
TIMES = 8  # each frame stands so often in the manifest


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench.hadoop_targets", description=__doc__)
    parser.add_argument("--frames", type=int, default=48, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--output", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        night = make_night(Path(folder), options.frames, (1489, 2048))
        text = measure(night, options.rounds).markdown()
    if options.output:
        written(text, options.output)
    else:
        print(text)


def measure(night, rounds):
    """Return the section on the cost of a job."""
    whole = night.manifest("whole.txt", night.entries, TIMES)
    images = TIMES * len(night.entries)
    took = {name: [] for name in ("local", "hadoop", "task", "kernel")}
    with cluster_of_one_machine():
        for _ in range(rounds):
            local, far = _local(night, whole), _hadoop(night, whole)
            took["local"].append((local - _local(night, night.tiny)).wall)
            took["hadoop"].append((far - _hadoop(night, night.tiny)).wall)
        first = middle([_first_image(night) for _ in range(rounds)])
        planned = _planned(night)
    for _ in range(rounds):
        plain = night.manifest("plain.txt", night.entries)
        loop = [["-m", "bench.loop", m, night.folder / "loop.tsv", "default"]
                for m in (plain, night.tiny)]
        kernel, start = (run([job("--mapper")[0], *map(str, words)]).cpu for words in loop)
        took["kernel"].append(kernel - start)
        took["task"].append(run(job("--mapper"), stdin=plain).cpu
                            - run(job("--mapper"), stdin=night.tiny).cpu)
    section = Section(
        "What a job costs",
        f"{images} images of 2048 x 1489 pixels on one machine of two cores, two NodeManagers of "
        f"one map task each, alternating, medians of {rounds} rounds; without start-up: the same "
        "over two images of 96 x 96 pixels taken off.",
        ("", "measured"),
    )
    for title, ours, theirs in (
        ("throughput of `-r hadoop` to `-r local --jobs 2` (wall)", "local", "hadoop"),
        ("a task to the bare loop over the kernel (CPU)", "task", "kernel"),
    ):
        section.add(title, ratio(took[ours], took[theirs])[1])
    section.add("command until a task asks for the first image", f"{first:.1f} s")
    section.add(f"command to a job of {LINES:,} lines in YARN's hands", f"{planned:.1f} s")
    return section


def _local(night, manifest):
    return run(job("-r", "local", "--jobs=2", "--quiet", manifest,
                   "--catalog", night.folder / "local.tsv"))


def _hadoop(night, manifest):
    return run(_job(night, manifest))


def _job(night, manifest, *more):
    return job("-r", "hadoop", *more, "-D", f"mapreduce.job.maps={FEW}",
               "-D", f"mapreduce.map.memory.mb={MAP_MEMORY}", manifest,
               "--catalog", night.folder / "cluster.tsv")


def _first_image(night):
    """Return the seconds until a task asks for an image, of a web server of ours."""
    asked, began = threading.Event(), monotonic()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.set()
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        manifest = night.folder / "web.txt"
        manifest.write_text("".join(f"http://127.0.0.1:{server.server_port}/{k}.fits\n"
                                    for k in range(TIMES * len(night.entries))))
        with subprocess.Popen(_job(night, manifest), env=environment(), cwd=ROOT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            there = asked.wait(300)
            took = monotonic() - began
            process.terminate()
            process.wait()
        server.shutdown()
    if not there:
        raise RuntimeError("no task asked for an image within five minutes")
    return took


def _planned(night):
    """Return the seconds until YARN has a job of many lines; its images are not there."""
    manifest = night.folder / "many.txt"
    manifest.write_text("".join(f"hdfs:///no/such/frame-{k:06d}.fits\tbytes=6100000\tfilter=r\n"
                                for k in range(LINES)))
    return _until(_job(night, manifest), re.compile(r"Hadoop has the job"))


def _until(command, sign):
    """Return the seconds until a command says something, and end it."""
    began = monotonic()
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(300, process.kill)
        watchdog.start()
        try:
            for line in process.stderr:
                if sign.search(line):
                    return monotonic() - began
        finally:
            watchdog.cancel()
            process.terminate()  # which kills the job, too
            process.communicate()
    raise RuntimeError(f"{' '.join(command)} ended and never said {sign.pattern}")


if __name__ == "__main__":
    main()
