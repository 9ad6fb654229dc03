"""What a job takes on a cluster of EMR and costs, as a range: the model of docs/scale.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mr_extract.jobs.model.figures import Figures
from mr_extract.jobs.model.prediction import predict
from mr_extract.jobs.model.simulation import Cluster
from mr_extract.jobs.runners.emr.machines import (
    Group,
    as_text,
    shares_cores,
    slots_of,
    vcpus_of,
    workers_of,
)
from mr_extract.jobs.runners.emr.prices import Prices

Range = tuple[float, float]

# At best and at worst.
_STARTS = 240.0, 720.0  # seconds until a cluster has started
_ENDS = 30.0, 300.0  # until its logs have come and it has ended
_SLOWER = 1.0, 1.3  # than the model: what tasks took of its prediction on a quiet machine
_THREADS = 1.0, 1.6  # than on a core, where two virtual cores share one
_CORE_BANDWIDTH = 150e6, 30e6  # bytes a second from S3
_GETS = 1.0, 2.0  # requests of S3 for each image
_PUTS = 5.0, 40.0  # for each task: its output, renamed, and its logs
_ROOT_DISK, _DISK_OF_CORE = 15.0, 16.0  # gigabytes of EBS that EMR gives a machine
_HOURS_OF_MONTH = 730.0
_MOST_DRAWN = 100_000  # images that are drawn one by one
_NODE_SPREAD = 0.1
_MOST_MACHINES = 1000
_WORTH = 0.98  # of the time that fewer machines take


@dataclass(frozen=True)
class Load:
    """What a job is to do.

    Parameters
    ----------
    images, size : int
        Number and bytes of the images.
    seconds : (float, float)
        Of CPU that one takes on this machine's kind of core, at best and at worst.
    rows_bytes : float
        Bytes of the rows of an image.
    tasks, reduces : int
    merged : bool
        One catalog is made by the driver.
    task_memory : int
        Megabytes of a task's container.
    far : int
        Bytes of images that are in other regions than the cluster.
    """

    images: int
    size: int
    seconds: Range
    rows_bytes: float
    tasks: int
    reduces: int = 1
    merged: bool = True
    task_memory: int = 2048
    far: int = 0


@dataclass(frozen=True)
class Estimate:
    """What a job takes and costs, at best and at worst.

    Parameters
    ----------
    load : Load
    groups : sequence of Group
    hours : (float, float)
        Of the cluster, from its start to its end.
    items : dict of str to (float, float)
        Dollars by what they are for.
    """

    load: Load
    groups: Sequence[Group]
    hours: Range
    items: dict[str, Range]

    @property
    def dollars(self) -> Range:
        """All together."""
        return sum(low for low, _ in self.items.values()), sum(
            high for _, high in self.items.values())


def estimate(load: Load, groups: Sequence[Group], prices: Prices, figures: Figures) -> Estimate:
    """Return what a job takes on the machines of a cluster that is started for it.

    Parameters
    ----------
    load : Load
    groups : sequence of Group
    prices : Prices
    figures : mr_extract.jobs.model.figures.Figures

    Raises
    ------
    ValueError
        When the price or the size of a machine is not known.
    """
    hours = _both(lambda end: _seconds(load, groups, figures, end) / 3600)
    items = {"machines": _both(lambda end: hours[end] * machines_an_hour(groups, prices)[end])}
    for name, an_hour in (("EMR", sum(one.number * prices.of(one.kind)[1] for one in groups)),
                          ("disks", disks_an_hour(groups, prices))):
        items[name] = hours[0] * an_hour, hours[1] * an_hour
    items["requests of S3"] = _both(
        lambda end: (_GETS[end] * load.images * prices.get_thousand
                     + _PUTS[end] * (load.tasks + load.reduces) * prices.put_thousand) / 1000)
    rows = load.rows_bytes * load.images * load.merged
    between = load.far / 1e9 * prices.gigabyte_between_regions
    # The driver may be in the region, or not.
    items["transfer"] = between, between + rows / 1e9 * prices.gigabyte_to_internet
    return Estimate(load, groups, hours, items)


def _both(value: Callable[[int], float]) -> Range:
    return value(0), value(1)


def machines_an_hour(groups: Sequence[Group], prices: Prices) -> Range:
    """Return the dollars an hour of machines, without EMR's part; spot ones are a range."""
    low = high = 0.0
    for one in groups:
        each = prices.of(one.kind)[0]
        most = min(one.bid or each, each) if one.spot else each
        high += one.number * most
        low += one.number * (min(prices.spot_part * each, most) if one.spot else each)
    return low, high


def disks_an_hour(groups: Sequence[Group], prices: Prices) -> float:
    """Return the dollars an hour of the disks that EMR gives its machines."""
    return sum(one.number * (_ROOT_DISK + _DISK_OF_CORE * vcpus_of(one.kind)) for one in groups) \
        * prices.disk_gigabyte_month / _HOURS_OF_MONTH


def an_hour(groups: Sequence[Group], prices: Prices) -> Range:
    """Return the dollars that a cluster costs in an hour, whatever it does."""
    also = disks_an_hour(groups, prices) + sum(
        one.number * prices.of(one.kind)[1] for one in groups)
    low, high = machines_an_hour(groups, prices)
    return low + also, high + also


def _seconds(load, groups, figures, end):
    """Return the seconds of a cluster, at best (0) or worst (1)."""
    workers = workers_of(groups)
    nodes = sum(one.number for one in workers)
    slots = sum(one.number * slots_of(one.kind, load.task_memory) for one in workers)
    vcpus = sum(one.number * vcpus_of(one.kind) for one in workers)
    cores = max(1, round(slots / nodes))
    slower = _SLOWER[end]
    if any(shares_cores(one.kind) for one in workers):
        slower *= _THREADS[end]
    # Images by the hundred thousand are drawn in lots.
    lot = math.ceil(load.images / _MOST_DRAWN)
    images = math.ceil(load.images / lot)
    told = replace(
        figures, image=slower * lot * load.seconds[end], task_start=slower * figures.task_start,
        container_start=slower * figures.container_start, rows_bytes=lot * load.rows_bytes,
        image_bytes=lot * load.size / max(1, load.images), plan_line=lot * figures.plan_line,
        gather=lot * figures.gather, reduce=lot * figures.reduce)
    cluster = Cluster(nodes, cores, node_bandwidth=_CORE_BANDWIDTH[end] * vcpus / nodes,
                      master=nodes * cores > 1, node_spread=_NODE_SPREAD)
    run = predict(told, images, cluster, load.tasks, load.reduces, merged=load.merged)
    return _STARTS[end] + float(run.time) + _ENDS[end]


def chosen(load: Load, groups: Sequence[Group], prices: Prices, figures: Figures,
           hours: float | None = None, dollars: float | None = None) -> Estimate:
    """Return the estimate with as many machines as a deadline needs or a budget allows.

    Parameters
    ----------
    load : Load
    groups : sequence of Group
        Of which the number of the last that runs tasks is chosen.
    prices : Prices
    figures : mr_extract.jobs.model.figures.Figures
    hours, dollars : float, optional
        What it may take and cost at worst. With both, the fewest that keep the deadline must
        keep the budget too.

    Raises
    ------
    ValueError
        When no number does.
    """
    def of(number: int) -> Estimate:
        return estimate(load, _with(groups, number), prices, figures)

    if hours is not None:
        number = _fewest(of, hours)
    else:
        slots = slots_of(workers_of(groups)[-1].kind, load.task_memory)
        # All tasks run at once then, beside the ApplicationMaster.
        number = _most(of, dollars or 0.0, math.ceil((load.tasks + 1) / max(1, slots)))
    found = of(number)
    if dollars is not None and found.dollars[1] > dollars:
        raise ValueError(f"with {as_text(found.groups)} it would take at most "
                         f"{found.hours[1]:.2g} hours and ${found.dollars[1]:.2f}, more than the "
                         f"budget of ${dollars:g}")
    return found


def _with(groups, number):
    chosen_one = workers_of(groups)[-1]
    if chosen_one.role == "MASTER":  # alone: others join it
        return [*groups, replace(chosen_one, role="CORE", number=number)]
    return [replace(one, number=number) if one is chosen_one else one for one in groups]


def _fewest(of, hours):
    low, high = 1, 1
    while of(high).hours[1] > hours:
        if high >= _MOST_MACHINES:
            raise ValueError(f"no number of machines keeps a deadline of {hours:g} hours: a "
                             "cluster's start and end, and the longest task, are always there")
        low, high = high + 1, min(2 * high, _MOST_MACHINES)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if of(middle).hours[1] <= hours else (middle + 1, high)
    return high


def _most(of, dollars, enough):
    """Return the number that is quickest within a budget, none of it for machines that idle."""
    best, took, number = 1, math.inf, 1
    while number <= min(enough, _MOST_MACHINES):
        tried = of(number)
        if tried.dollars[1] > dollars:
            if number > best:
                break
        elif tried.hours[1] < _WORTH * took:
            best, took = number, tried.hours[1]
        number = max(number + 1, round(1.2 * number))
    return best
