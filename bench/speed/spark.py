"""Spark on one machine against `-r local`, and two executors against one."""

import argparse
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bench.night import make_night
from bench.processes import Cost, job, run
from bench.pythons_of_spark import Pythons
from bench.report import Section, give, middle, ratio, takes_output

_MORE_TRIES = 1  # where a round was disturbed
_TIMES = 8  # each frame is in a job, under names of its own: a start of Java varies by seconds
QUIET = 0.04  # a run is kept when others used less of the machine


def main(arguments=None):
    """Measure, and give the table."""
    parser = argparse.ArgumentParser(prog="python -m bench spark", description=__doc__)
    parser.add_argument("--frames", type=int, default=48, metavar="N", help="[48]")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="[5]")
    parser.add_argument("--night", type=Path, metavar="DIR",
                        help="a simulated night of at least so many frames, instead of a new one")
    parser.add_argument("--quick", action="store_true", help="6 small frames and 1 round")
    takes_output(parser)
    options = parser.parse_args(arguments)
    frames, rounds, shape = options.frames, options.rounds, (1489, 2048)
    if options.quick:
        frames, rounds, shape = 6, 1, (400, 500)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["SPARK_HOME"] = str(linked_home(Path(folder) / "spark"))
        night = make_night(Path(folder), frames, shape, options.night)
        section = measure(night, rounds, 1 if options.quick else _TIMES)
        section.where = f"{night.told}; {section.where}"
    give([section], options.output)
    return 0


def linked_home(folder):
    """Make a home of Spark in a folder, of links: executors of `local-cluster` write there."""
    spec = find_spec("pyspark")
    if spec is None:
        raise SystemExit("bench: Spark needs pyspark: pip install 'mr_extract[spark]'")
    folder.mkdir()
    for path in Path(spec.origin).parent.iterdir():
        if path.name != "work":
            (folder / path.name).symlink_to(path)
    return folder


def measure(night, rounds, times=1):
    """Return the section on Spark, from jobs that hold each frame so many times."""
    whole = night.manifest("whole.txt", night.entries, times)
    output = night.folder / "spark.tsv"

    def made(*words):
        return lambda manifest: _cost(job("-r", *words, "--quiet", manifest, "--catalog", output))

    contenders = {
        "local": made("local", "--jobs=2"),
        "threads": made("spark", "--jobs=2"),
        "one": made("spark", "--spark-master=local-cluster[1,1,1024]"),
        "two": made("spark", "--spark-master=local-cluster[2,1,1024]"),
    }
    tries = {(name, manifest): [] for name in contenders for manifest in (whole, night.tiny)}
    for number in range(rounds + _MORE_TRIES):
        for name, manifest in tries:
            tries[name, manifest].append(contenders[name](manifest))
        quiet = sum(all(tries[name, whole][k].foreign < QUIET for name in contenders)
                    for k in range(number + 1))
        if quiet >= rounds or (rounds == 1 and number == 0):
            break
    # The rounds that were least disturbed count.
    order = sorted(range(len(tries["local", whole])), key=lambda k: sum(
        tries[name, whole][k].foreign for name in contenders))[:rounds]

    def net(name, what):
        start = middle([getattr(tries[name, night.tiny][k], what) for k in order])
        return [getattr(tries[name, whole][k], what) - start for k in order], start

    disturbed = max(tries[name, whole][k].foreign for name in contenders for k in order)
    section = Section(
        "Spark on one machine",
        f"CPU and wall time over {times * len(night.entries)} frames without the start, which is "
        "that of a job of one small frame; alternating, medians of the "
        f"{len(order)} least disturbed of {len(tries['local', whole])} rounds: others used at "
        f"most {100 * disturbed:.0f} % of the machine in them. Executors have one core each "
        "(`local-cluster`).",
        ("", "CPU, s", "to `-r local`", "wall, s", "start, CPU s", "start, wall s"),
    )
    cpu_of_local, _ = net("local", "cpu")
    for name, title in (("local", "`-r local --jobs 2`"), ("threads", "`-r spark --jobs 2`"),
                        ("one", "one executor"), ("two", "two executors")):
        (cpu, cpu_of_start), (wall, wall_of_start) = net(name, "cpu"), net(name, "wall")
        found, text = ratio(cpu, cpu_of_local)
        section.add(title, f"{middle(cpu):.2f}", text, f"{middle(wall):.2f}",
                    f"{cpu_of_start:.1f}", f"{wall_of_start:.1f}")
        if name == "threads":
            section.note("CPU of Spark to that of -r local", found)
    gain, _ = ratio([middle(net("one", "wall")[0])], [middle(net("two", "wall")[0])])
    section.note("two executors to one", gain)
    if gain:
        section.text += f" Two executors do {gain:.2f} times the work of one."
    return section


def _cost(command):
    """Return what a run took, Pythons of Spark among it."""
    pythons = Pythons()
    pythons.start()
    cost = run(command)
    further = pythons.stop()
    others = cost.foreign - further / cost.wall / os.cpu_count()
    return Cost(cost.cpu + further, cost.wall, max(0.0, others))
