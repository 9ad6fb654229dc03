"""A plan and the machines for it, to an estimate and the words that tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mr_extract.jobs.model.figures import shipped
from mr_extract.jobs.runners.emr import asked, image_cost
from mr_extract.jobs.runners.emr.estimate import Estimate, Load, chosen, estimate
from mr_extract.jobs.runners.emr.machines import Group
from mr_extract.jobs.runners.emr.prices import Prices
from mr_extract.jobs.runners.emr.telling import told
from mr_extract.jobs.runners.hadoop.settings import DEFAULTS, MAP_MEMORY
from mr_extract.jobs.runners.hadoop.tasks import number_of_maps, number_of_reduces

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan


def reckoned(plan: Plan, groups: Sequence[Group], region: str, prices: Prices, *,
             by: int | str | None, task: Sequence[str], properties: Mapping[str, str],
             merged: bool, hours: float | None = None,
             dollars: float | None = None) -> tuple[Estimate, str]:
    """Return what a job would take and cost, and the same in words.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    groups : sequence of Group
        The machines.
    region : str
        Of the cluster.
    prices : Prices
    by : int or str, optional
        How many images are measured here first, or the summary of an earlier run, to know what
        one costs; by default by the shipped figures of another machine.
    task : sequence of str
        What a Python is called with to be a map task of the job.
    properties : dict of str to str
        Of the job, as given with -D.
    merged : bool
        One catalog is made by the driver.
    hours, dollars : float, optional
        What it may take and cost: the number of machines is chosen by it.

    Raises
    ------
    ValueError
        When something is not known, or no number of machines will do.
    """
    figures, images = shipped(), len(plan.entries)
    if not images:
        raise ValueError("there are no images, and nothing to reckon")
    if isinstance(by, int):
        cost = image_cost.of_sample(task, asked.sample_of(plan, by + 1), figures)
    elif by:
        cost = image_cost.of_summary(by, figures)
    else:
        cost = None
    size, how = asked.size_of(plan, cost.size if cost else 0.0)
    cost = cost or image_cost.of_figures(size / images, figures)
    far = asked.elsewhere(plan, region)
    load = Load(images, size, cost.range, cost.rows_bytes, number_of_maps(size, properties),
                number_of_reduces(size), merged,
                int(properties.get(MAP_MEMORY, DEFAULTS[MAP_MEMORY])),
                round(size * sum(part for _, part in far.values())))
    if hours is None and dollars is None:
        found = estimate(load, groups, prices, figures)
    else:
        found = chosen(load, groups, prices, figures, hours, dollars)
    words = told(found, region, "; ".join(filter(None, (cost.words, how))), prices.told(region))
    for bucket, (place, _) in far.items():
        words += f"\n  {asked.far_away(bucket, place, region)}"
    return found, words
