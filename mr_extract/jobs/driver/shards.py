"""A plan dealt to shards of about equal bytes, and written as manifests."""

import os
import re
from array import array
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from mr_extract.jobs.driver.plan import Plan, absolute_entry
from mr_extract.storage.output import for_me_alone
from mr_extract.text.balance import LeastFull, Sizes, parts, sizes_of
from mr_extract.text.entry import Entry
from mr_extract.text.fields import COMPANIONS
from mr_extract.text.manifest import format_line

# A line that tasks can have as it is: no path in it needs to be made absolute.
_SAME_ANYWHERE = re.compile(rb"(?:/|[A-Za-z][A-Za-z0-9+.-]*://)(?!.*\t(?:%s)=)"
                            % "|".join(COMPANIONS).encode(), re.DOTALL)


def shards_of(plan: Plan, number: int) -> Iterator[list[Entry]]:
    """Yield the entries of a plan in at most `number` lists of about equal bytes.

    The largest first, each to the list that is least full, so that the
    last images to be measured are small ones. Files without a size count as
    the mean of the others. Images of one file stay together, so that it is
    fetched once, and so do those found on one detection image, unless they
    are more than a list should hold.
    """
    for numbers in _dealt(plan, number):
        yield [plan.lines[k] for k in numbers]


def write_shards(plan: Plan, number: int, directory: str) -> list[str]:
    """Write the shards of a plan as manifests.

    Paths become absolute, as tasks have working directories of their own; the
    ids stay what they were. Nobody else may read them: an address may hold a password.

    Returns
    -------
    list of str
        Their paths.
    """
    os.makedirs(directory, mode=0o700, exist_ok=True)
    paths = []
    for k, numbers in enumerate(_dealt(plan, number)):
        path = Path(directory, f"shard-{k:05d}.txt")
        with open(path, "wb", opener=for_me_alone) as file:
            file.writelines(_line_for_tasks(plan, one) + b"\n" for one in numbers)
        paths.append(str(path))
    return paths


def _line_for_tasks(plan, number):
    text = plan.lines.text(number)
    if _SAME_ANYWHERE.match(text):
        return text
    return format_line(absolute_entry(plan.lines[number])).encode()


def _dealt(plan, number):
    """Return the numbers of the entries of each shard."""
    shards = [array("I") for _ in range(max(1, min(number, len(plan.entries))))]
    images, starts, stops, loads = _parcels(plan, len(shards))
    least_full = LeastFull(len(shards))
    for k in sorted(range(len(loads)), key=loads.__getitem__, reverse=True):
        shards[least_full.shard_for(loads[k])].extend(images[starts[k] : stops[k]])
    return shards


def _parcels(plan, number):
    """Return the numbers of all entries, and what of them should be done by the same task.

    Of each parcel where it begins and ends among them, and its load.
    """
    alone = array("I", (k for k in plan.asked() if plan.parcels[k] < 0))
    together = sorted((k for k in plan.asked() if plan.parcels[k] >= 0),
                      key=plan.parcels.__getitem__)
    sizes = Sizes()
    for k in alone:
        sizes.add(plan.size(k))
    for members in _groups(plan, together):
        for size in _sizes(plan, members):
            sizes.add(size)
    starts, stops = array("I", range(len(alone))), array("I", range(1, len(alone) + 1))
    loads = array("q", (sizes.load_of((plan.size(k),)) for k in alone))
    begin, share = len(alone), sizes.load / number
    for members in _groups(plan, together):
        load = sizes.load_of(_sizes(plan, members))
        for start, stop, part in parts(len(members), load, share):
            starts.append(begin + start), stops.append(begin + stop), loads.append(part)
        begin += len(members)
    return alone + array("I", together), starts, stops, loads


def _groups(plan, numbers):
    return (list(members) for _, members in groupby(numbers, plan.parcels.__getitem__))


def _sizes(plan, numbers):
    if len(numbers) == 1:
        return [plan.size(numbers[0])]
    return sizes_of([plan.lines[k] for k in numbers])
