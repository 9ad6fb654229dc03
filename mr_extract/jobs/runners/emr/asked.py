"""What a plan asks for, as far as a look at some of its lines tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.plan import absolute_entry
from mr_extract.storage import s3
from mr_extract.text.manifest import format_line

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

_SIZES_ASKED = 16
_PLACES_LOOKED_AT = 500
_PATIENCE = 2.0  # seconds in which a place is asked again
_UNKNOWN = 8 << 20  # bytes of an image of which nobody tells


def spread_over(numbers: Sequence[int], most: int) -> list[int]:
    """Return so many of a sequence at most, evenly from its beginning to its end."""
    step = max(1.0, len(numbers) / most)
    return [numbers[int(k * step)] for k in range(min(most, len(numbers)))]


def sample_of(plan: Plan, most: int) -> list[bytes]:
    """Return some lines of a plan, which mean the same from every folder, with line ends."""
    return [format_line(absolute_entry(plan.lines[number])).encode() + b"\n"
            for number in spread_over(list(plan.asked()), most)]


def size_of(plan: Plan, where_untold: float = 0.0) -> tuple[int, str]:
    """Return the bytes of all images, and how that is known.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    where_untold : float
        Bytes of an image where neither its line nor its place tells.

    Returns
    -------
    size : int
    words : str
        Empty where every line says it.
    """
    known, unknown = 0, []
    for number in plan.asked():
        size = plan.size(number)
        if size is None:
            unknown.append(number)
        else:
            known += size
    if not unknown:
        return known, ""
    found = []
    with _briefly():
        for number in spread_over(unknown, _SIZES_ASKED):
            try:
                found.append(storage.stat(plan.lines[number].uri).size)
            except ImageFailure:
                continue  # the job will name it; here it says nothing of the others
    sizes = [size for size in found if size]
    if not sizes:
        each = where_untold or _UNKNOWN
        return known + round(each * len(unknown)), (
            f"{each / 1e6:.1f} MB taken for each of {len(unknown):,} of which nobody tells")
    return known + round(sum(sizes) / len(sizes) * len(unknown)), (
        f"as {len(sizes)} of {len(unknown):,} have that were asked")


@contextmanager
def _briefly() -> Iterator[None]:
    before = storage.access()
    storage.configure(replace(before, fetch_budget=min(before.fetch_budget, _PATIENCE)))
    try:
        yield
    finally:
        storage.configure(before)


def elsewhere(plan: Plan, region: str) -> dict[str, tuple[str, float]]:
    """Return the buckets of images that are in another region than a cluster.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    region : str

    Returns
    -------
    dict of str to (str, float)
        By bucket its region and the part of the images that are there. Those that do not tell
        are left out.
    """
    numbers = spread_over(list(plan.asked()), _PLACES_LOOKED_AT)
    buckets: Counter[str] = Counter()
    for number in numbers:
        scheme, _, rest = plan.lines[number].uri.partition("://")
        if scheme in ("s3", "s3a", "s3n"):
            buckets[rest.partition("/")[0]] += 1
    found = {bucket: (s3.region_of(bucket), count / len(numbers))
             for bucket, count in buckets.items()}
    return {bucket: told for bucket, told in found.items() if told[0] not in ("", region)}


def far_away(bucket: str, place: str, region: str) -> str:
    """Return the warning of a bucket in another region than the cluster."""
    return (f"warning: s3://{bucket} is in {place}: to read it from {region} costs transfer and "
            "takes longer, which a cluster there would not")
