"""Predict jobs on clusters from figures of one machine."""

import argparse
from dataclasses import replace
from pathlib import Path

from bench.clusters.figures import measured
from bench.clusters.held_against_jobs import beside_loop, checked, spark_beside_loop
from bench.report import Section, give, takes_output
from mr_extract.jobs.driver.tasks_here import tasks_for
from mr_extract.jobs.model import figures as machine
from mr_extract.jobs.model.prediction import predict, predict_on_spark
from mr_extract.jobs.model.simulation import Cluster
from mr_extract.jobs.runners.hadoop.tasks import number_of_maps, number_of_reduces

#: Images of Kira's four sets, by name, and its seconds for the third by cores.
SETS = {"24 MB": 4, "12 GB": 2_310, "65 GB": 11_150, "1 TB": 163_707}
KIRA = {32: 206.6, 64: 110.7, 128: 74.9, 256: 64.2}
KIRA_SET, LARGEST = "65 GB", "1 TB"
CORES = (32, 64, 128, 256, 512)
SHARDS = (1, 2, 4, 8, 16, 32)  # for each slot
CORES_OF_NODE = 8
NODE = {"node_bandwidth": 500e6, "node_spread": 0.1}
SEEDS = 3
_FEWEST = CORES[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench model", description=__doc__)
    parser.add_argument("--figures", type=Path, required=True, metavar="FILE",
                        help="what `python -m bench figures --cluster` measured")
    parser.add_argument("--cores", type=int, nargs="+", default=CORES, metavar="N")
    parser.add_argument("--quick", action="store_true",
                        help="leave out the largest set: tries the script, no more")
    takes_output(parser)
    options = parser.parse_args(arguments)
    if any(cores % CORES_OF_NODE or cores < 2 * CORES_OF_NODE for cores in options.cores):
        parser.error(f"--cores: nodes have {CORES_OF_NODE}, and there are at least 2")
    try:
        told = machine.read(options.figures)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    give(sections(told, options.cores, options.quick), options.output)


def sections(told, cores=CORES, quick=False):
    """Return all tables.

    Parameters
    ----------
    told : mr_extract.jobs.model.figures.Figures
    cores : sequence of int
    quick : bool
        Without the largest set of images.
    """
    sets = {name: images for name, images in SETS.items() if not (quick and name == LARGEST)}
    found = [measured(told), by_set(told, cores, sets), against_kira(told),
             by_shards(told, cores, sets), sensitivity(told, sets)]
    if told.spark:
        found.insert(3, spark_against_kira(told))
    if told.trials:
        found += [checked(told), beside_loop(told)]
    return [*found, spark_beside_loop(told)] if told.spark and told.spark.trials else found


def cluster_of(cores, **changes):
    """Return a cluster of so many cores."""
    return Cluster(cores // CORES_OF_NODE, CORES_OF_NODE, **{**NODE, **changes})


def chosen(told, images, cluster, known=True):
    """Return the map and reduce tasks that the job would choose, its slots known or not."""
    size = round(images * told.image_bytes)
    slots = cluster.slots if known else None
    return number_of_maps(size, {}, slots), number_of_reduces(size, slots)


def typical(told, images, cluster, tasks, reduces, **keywords):
    """Return the prediction of median time over some seeds."""
    drawn = [predict(told, images, cluster, tasks, reduces, seed=seed, **keywords)
             for seed in range(SEEDS)]
    return sorted(drawn, key=lambda prediction: prediction.time)[SEEDS // 2]


def best(told, images, cluster, **keywords):
    """Return the best of `SHARDS` and its prediction."""
    reduces = chosen(told, images, cluster)[1]
    tried = {many: typical(told, images, cluster, many * cluster.slots, reduces, **keywords)
             for many in SHARDS}
    many = min(tried, key=lambda number: tried[number].time)
    return many, tried[many]


def by_set(told, cores, sets):
    """Return the section on the four sets."""
    section = Section(
        "Four sets of images",
        "Seconds from the command to the catalog in parts (`--output-dir`), with the tasks that "
        "`-r hadoop` chooses where YARN tells what it has; beside it the best number of shards "
        "for each slot, and the time when YARN does not tell. `cluster` are the seconds in which "
        "tasks run. Efficiency: to that on the fewest cores, as Kira counts it; and seconds in "
        "the kernels to cores times seconds, of the whole job. The last column is the time "
        "when the driver makes one catalog, without reducers.",
        ("images", "cores", "maps", "reduces", "time, s", "cluster, s", "best, s",
         "best shards a slot", "YARN silent, s", "relative", "absolute", "one catalog, s"),
    )
    for name, images in sets.items():
        first = None
        for number in cores:
            cluster = cluster_of(number)
            maps, reduces = chosen(told, images, cluster)
            run = typical(told, images, cluster, maps, reduces)
            first = first or run
            silent = typical(told, images, cluster, *chosen(told, images, cluster, known=False))
            many, quickest = best(told, images, cluster)
            merged = typical(told, images, cluster, maps, reduces, merged=True)
            section.add(f"{name}, {images:,}", number, min(maps, images), reduces,
                        f"{run.time:.1f}", f"{run.on_cluster:.1f}", f"{quickest.time:.1f}", many,
                        f"{silent.time:.1f}", _percent(run.relative(first)),
                        _percent(run.efficiency), f"{merged.time:.1f}")
            section.note(f"{name}, {number} cores, time to best", run.time / quickest.time)
            section.note(f"{name}, {number} cores, efficiency", run.efficiency)
    return section


def against_kira(told):
    """Return the section on Kira's published figures."""
    images = SETS[KIRA_SET]
    slow = replace(told, image=KIRA[_FEWEST] * _FEWEST / images)
    section = Section(
        "Beside Kira",
        f"{images:,} images. Kira's times were measured on a Spark that ran already; ours are "
        "predicted, the start of the job with them, and `cluster` without. In the last columns "
        f"an image takes us {1000 * slow.image:.0f} ms, all that Kira took on {_FEWEST} cores: "
        "what is left to compare is the framework.",
        ("cores", "Kira, s", "relative", "ours, s", "relative", "cluster, s", "relative",
         "as slow, s", "relative", "cluster, s", "relative"),
    )
    first = {}
    for cores, seconds in KIRA.items():
        cluster, cells = cluster_of(cores), []
        for whose, figures in (("ours", told), ("theirs", slow)):
            run = typical(figures, images, cluster, *chosen(figures, images, cluster))
            for what in ("time", "on_cluster"):
                took = getattr(run, what)
                start = first.setdefault((whose, what), took)
                cells += [f"{took:.1f}", _percent(start * _FEWEST / (took * cores))]
        section.add(cores, seconds, _percent(KIRA[_FEWEST] * _FEWEST / (seconds * cores)), *cells)
    return section


def spark_against_kira(told):
    """Return the section on Kira's published figures and the same on Spark."""
    images = SETS[KIRA_SET]
    slow = replace(told, spark=replace(told.spark, image=KIRA[_FEWEST] * _FEWEST / images))
    section = Section(
        "Beside Kira, on Spark",
        "The same on Spark, from the command to one catalog; `tasks` is without the start and "
        "the end of the job, as Kira's times are, with the Pythons of executors that start. "
        "`best` is with the best number of tasks for each slot, of "
        f"{', '.join(map(str, SHARDS))}.",
        ("cores", "Kira, s", "relative", "ours, s", "relative", "tasks", "tasks, s", "relative",
         "best, s", "as slow, s", "relative", "tasks, s", "relative"),
    )
    first = {}

    def cells_of(whose, run, cores, names):
        for what in names:
            took = getattr(run, what)
            start = first.setdefault((whose, what), took)
            yield f"{took:.1f}"
            yield _percent(start * _FEWEST / (took * cores))

    for cores, seconds in KIRA.items():
        cluster = cluster_of(cores, master=False)
        tasks = tasks_for(images, images * told.image_bytes, cluster.slots)
        run, slower = (typical_on_spark(one, images, cluster, tasks) for one in (told, slow))
        best = min(typical_on_spark(told, images, cluster, many * cores).on_cluster
                   for many in SHARDS)
        section.add(cores, seconds, _percent(KIRA[_FEWEST] * _FEWEST / (seconds * cores)),
                    *cells_of("ours", run, cores, ["time"]), tasks,
                    *cells_of("ours", run, cores, ["on_cluster"]), f"{best:.1f}",
                    *cells_of("theirs", slower, cores, ["time", "on_cluster"]))
    return section


def typical_on_spark(told, images, cluster, tasks):
    """Return the prediction of median time over some seeds."""
    drawn = [predict_on_spark(told, images, cluster, tasks, seed=seed)
             for seed in range(1, SEEDS + 1)]
    return sorted(drawn, key=lambda prediction: prediction.time)[SEEDS // 2]


def by_shards(told, cores, sets):
    """Return the section on numbers of shards."""
    section = Section(
        "Shards",
        "Seconds of the job by shards for each slot. A slot is a core; one of all is taken by "
        "the ApplicationMaster, and the last column forgets that: as many shards as cores.",
        ("images", "cores", *map(str, SHARDS), "1 a core"),
    )
    for name in list(sets)[1:]:
        for number in (cores[0], cores[-1]):
            cluster, images = cluster_of(number), sets[name]
            reduces = chosen(told, images, cluster)[1]
            section.add(f"{name}, {images:,}", number, *(
                f"{typical(told, images, cluster, tasks, reduces).time:.1f}"
                for tasks in (*(many * cluster.slots for many in SHARDS), number)))
    return section


def sensitivity(told, sets):
    """Return the section on what the prediction depends on."""
    cases = {
        "as assumed": {},
        "images alike": {"spread": 0.0},
        "spread of images 0.5": {"spread": 0.5},
        "spread of images 1": {"spread": 1.0},
        "containers and tasks start in half the time": {"start": 0.5},
        "in twice the time": {"start": 2.0},
        "nodes alike": {"node_spread": 0.0},
        "spread of nodes 0.2": {"node_spread": 0.2},
        "a node reads 125 MB/s": {"node_bandwidth": 125e6},
        "a node reads 2 GB/s": {"node_bandwidth": 2e9},
        "all nodes together read 5 GB/s": {"total_bandwidth": 5e9},
        "nothing is read ahead": {"read_ahead": False},
        "heartbeats of 0.25 s": {"heartbeat": 0.25, "asks": 0.25},
    }
    shown = [one for one in ((KIRA_SET, 256), (LARGEST, 32), (LARGEST, 256)) if one[0] in sets]
    section = Section(
        "What it depends on",
        "Seconds while tasks run, with the tasks that `-r hadoop` chooses, and the best number "
        "of shards for each slot.",
        ("", *(cell for name, cores in shown
               for cell in (f"{name} on {cores} cores, s", "best shards"))),
    )
    for title, changes in cases.items():
        changes, cells = dict(changes), []
        factor, told_ = changes.pop("start", 1.0), told
        told_ = replace(told, container_start=factor * told.container_start,
                        task_start=factor * told.task_start,
                        spread=changes.pop("spread", told.spread))
        ahead = {"read_ahead": changes.pop("read_ahead", True)}
        for name, cores in shown:
            cluster, images = cluster_of(cores, **changes), sets[name]
            run = typical(told_, images, cluster, *chosen(told_, images, cluster), **ahead)
            cells += [f"{run.on_cluster:.1f}", best(told_, images, cluster, **ahead)[0]]
        section.add(title, *cells)
    return section


def _percent(value):
    return f"{100 * value:.0f} %"
