"""How soon a batch job with a Hadoop of its own measures, and how soon nothing is left of it.

In the lab of two pretend machines under a real Slurm, beside a Hadoop that `make hadoop-up`
starts on this machine. Needs root.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.clusters.hadoop_in_job import HadoopInJob
from bench.clusters.slurm_lab import lab_in, lacks_lab, wait_until
from bench.processes import ROOT
from bench.report import Section, give, middle, takes_output
from mr_extract.jobs.runners.hadoop.rest import JobTold
from myhadoop.readiness import ask

_SIZE = ("--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=2", "--mem=8000", "--time=20")
#: One image a task, and counters that are not older than a quarter of a second.
_OPTIONS = ("-D", "mapreduce.job.maps=3", "-D", "mapreduce.task.progress-report.interval=250")
_ENDLESS = "-D mapreduce.job.maps=2 --fetch-budget 3600 --fetch-timeout 3000"
_WITHIN = 600


def measure(rounds):
    """Return the sections."""
    from preprocess.simulation.simulate import simulate_night

    began, ended = (Section(title, text, head) for title, text, head in (
        ("From the start of a job to its first image",
         f"Seconds, medians of {rounds}. A batch job of two hosts in the lab, from the first line "
         "of its script; and `make hadoop-up` followed by `mr_extract.py -r hadoop`, from the "
         "first command. Both with two workers, three images of 400 x 500 pixels, a task each.",
         ("", "Hadoop serves", "first image measured", "catalog is there")),
        ("From the end of a job to nothing",
         f"Seconds, medians of {rounds}, until no process and no scratch of the job is on either "
         "host. With `qdel` the job saves its catalog first.",
         ("", "seconds"))))
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as place:
        folder = Path(place)
        folder.chmod(0o755)  # sockets and keys lie in it
        simulate_night(str(folder / "night"), frames=3, seed=7, shape=(400, 500))
        with lab_in(folder) as lab:
            for title, options in (("batch job", ""), ("batch job, `--no-hdfs`", "--no-hdfs")):
                _add(began, title, lambda o=options: _job(lab, o), rounds)
            with socket.create_server((f"{lab.net}.1", 0), backlog=64) as silent:
                url = f"http://{lab.net}.1:{silent.getsockname()[1]}/1.fits"
                (lab.jobs / "endless.txt").write_text(f"{url}\tbytes=1000000\n")
                for title, end in (("`qdel`, while images are measured", _qdel),
                                   ("`kill -9` of the launcher", _kill)):
                    _add(ended, title, lambda e=end: (_ended(lab, e),), rounds)
        _add(began, "`make hadoop-up`", lambda: _on_one_machine(folder), rounds)
    return began, ended, _lines()


def _add(section, title, run, rounds):
    """Add the medians of what a function returns."""
    figures = [f"{middle(values):.1f}"
               for values in zip(*(run() for _ in range(rounds)), strict=True)]
    section.add(title, *figures)
    print(f"batch: {title}: {' '.join(figures)}", file=sys.stderr, flush=True)


def _job(lab, options):
    """Run a job over the night; return the seconds to a Hadoop, an image, a catalog."""
    words = f"python -m mr_extract.jobs.extract -r hadoop {' '.join(_OPTIONS)} " \
            "--catalog night.tsv ../night/manifest.txt"
    number = _submitted(lab, f"date +%s.%N > began\nexec python -m myhadoop run {options} -- "
                             f"{words}")
    hadoop, log = HadoopInJob(lab, number), lab.jobs / "bench.log"
    wait_until(lambda: log.exists() and "Hadoop is ready" in log.read_text(), _WITHIN)
    served = time.time()
    wait_until(hadoop.images_done, _WITHIN)
    measured = time.time()
    wait_until(lambda: (lab.jobs / "night.tsv").exists(), _WITHIN)
    there = time.time()
    assert lab.wait(number) == "COMPLETED", log.read_text()
    start = float((lab.jobs / "began").read_text())
    (lab.jobs / "night.tsv").unlink()
    return served - start, measured - start, there - start


def _ended(lab, end):
    """Return the seconds from the end of a job, while it measures, to nothing left."""
    number = _submitted(lab, "exec python -m myhadoop run --grace 80 -- python -m "
                        f"mr_extract.jobs.extract -r hadoop {_ENDLESS} --catalog ended.tsv "
                        "endless.txt")
    hadoop = HadoopInJob(lab, number)
    wait_until(lambda: hadoop.mappers("node1") or hadoop.mappers("node2"), _WITHIN)
    began = time.time()
    end(lab, number)
    wait_until(lambda: not lab.left(number), _WITHIN)
    seconds = time.time() - began
    lab.wait(number)
    return seconds


def _qdel(lab, number):
    lab.call("qdel", number)


def _kill(lab, number):
    (pid,) = lab.on("node1", "pgrep", "-f", "myhadoop run --grace").split()
    lab.on("node1", "kill", "-9", pid)


def _submitted(lab, script):
    (lab.jobs / "bench.sh").write_text(f"#!/bin/bash\n{script}\n")
    (lab.jobs / "bench.log").unlink(missing_ok=True)
    return lab.call("sbatch", "--parsable", "--output=bench.log", *_SIZE, "bench.sh").strip()


def _on_one_machine(folder):
    """Start a Hadoop as make does, run a job on it; return the same seconds as `_job`."""
    place, catalog = folder / "hadoop", folder / "night.tsv"
    own = ("--folder", str(place))
    began = time.time()
    subprocess.run([sys.executable, "-m", "myhadoop", "up", *own], check=True, cwd=ROOT,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    served = time.time()
    try:
        env = {**os.environ, "HADOOP_HOME": str(place),
               "HADOOP_CONF_DIR": str(place / "etc" / "hadoop"),
               "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        from mr_extract.jobs.runners.hadoop.rest import resource_managers
        from mr_extract.storage.hadoop.configuration import properties

        os.environ["HADOOP_CONF_DIR"] = env["HADOOP_CONF_DIR"]
        (manager,) = resource_managers(properties("yarn-site.xml"))
        job = subprocess.Popen(
            [sys.executable, "mr_extract.py", "-r", "hadoop", *_OPTIONS, "--catalog",
             str(catalog), str(folder / "night" / "manifest.txt")], cwd=ROOT, env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: _measured(manager), _WITHIN)
        measured = time.time()
        wait_until(catalog.exists, _WITHIN)
        there = time.time()
        if job.wait():
            raise RuntimeError(f"the job ended with status {job.returncode}")
        catalog.unlink()
    finally:
        subprocess.run([sys.executable, "-m", "myhadoop", "down", *own], check=True, cwd=ROOT)
    return served - began, measured - began, there - began


def _measured(manager):
    told = ask(f"{manager}/ws/v1/cluster/apps?states=RUNNING")
    applications = ((told or {}).get("apps") or {}).get("app", [])
    return any(JobTold(f"{manager}/proxy/{one['id']}", one["id"].replace("application", "job"))
               .counters().get("images", {}).get("measured") for one in applications)


def _lines():
    section = Section("Lines", "Neither blank nor comment; `#PBS` and `#SBATCH` count.",
                      ("", "lines"))
    scripts = sorted((ROOT / "myhadoop").glob("run.*"))
    for path in scripts:
        section.add(f"shell: `{path.name}`", sum(map(_counts, path.read_text().splitlines())))
    section.add("Python: `myhadoop/`", sum(
        _counts(line) for path in (ROOT / "myhadoop").glob("*.py")
        for line in path.read_text().splitlines()))
    return section


def _counts(line):
    line = line.strip()
    return bool(line) and (not line.startswith("#") or line.startswith(("#PBS", "#SBATCH")))


def main(arguments=None):
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench batch", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    takes_output(parser)
    options = parser.parse_args(arguments)
    if reason := lacks_lab():
        parser.error(reason)
    give(measure(options.rounds), options.output)
    return 0
