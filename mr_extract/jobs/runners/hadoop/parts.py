"""A catalog left in parts on the cluster, complete by itself: ``--output-dir``.

Beside the parts of the reducers, each ordered by image id, stand ``_header`` with
the lines that begin a catalog, ``part-refused`` with the lines that no task was
given, and at the end ``_SUCCESS``, when the counts agree with the manifest.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mr_extract.jobs.driver.gather import Totals, header_of
from mr_extract.jobs.driver.merging import told_of
from mr_extract.text.accounting import parse_account

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.runners.elsewhere import Elsewhere
    from mr_extract.jobs.skeleton.image_job import ImageJob

HEADER, REFUSED, SUCCESS = "_header", "part-refused", "_SUCCESS"


def finish_parts(runner: Elsewhere, plan: Plan, job: ImageJob,
                 counters: Mapping[str, Mapping[str, int]], scratch: str) -> Totals:
    """Check the counts of the parts, and put beside them what makes a catalog of them.

    Parameters
    ----------
    runner : mr_extract.jobs.runners.elsewhere.Elsewhere
        That has run the job.
    plan : mr_extract.jobs.driver.plan.Plan
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    counters : dict of str to dict of str to int
        Of the job, by group and name.
    scratch : str
        A folder.

    Returns
    -------
    Totals

    Raises
    ------
    OSError
        When the counts disagree with the manifest; the parts are then left without
        ``_SUCCESS``.
    """
    place = runner.get_output_dir().rstrip("/")
    totals = _counted(counters)
    written = totals.measured + totals.failed
    if job.options.reduce != "none":
        written = counters.get("catalog", {}).get("images", 0)
    if not written == totals.measured + totals.failed == len(plan.entries):
        raise OSError(
            f"the counters of the job tell of {totals.measured + totals.failed} images measured or "
            f"failed and {written} written, of {len(plan.entries)} in the manifest; the parts in "
            f"{place} are no catalog")
    names = [HEADER, SUCCESS]
    with _written(scratch, REFUSED) as file:
        for line in plan.own_lines():
            totals.take(parse_account(line))
            file.write(line)
            names = [HEADER, REFUSED, SUCCESS]
    with _written(scratch, HEADER) as file:
        file.write(header_of(job.work, job.config, totals, told_of(job.options)))
    _written(scratch, SUCCESS).close()
    for name in names:
        path = os.path.join(scratch, name)
        runner.put(path, f"{place}/{name}")
    return totals


def _written(folder, name):
    return open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n")


def _counted(counters):
    images, rows = counters.get("images", {}), counters.get("rows", {})
    failures = Counter(counters.get("failures", {}))
    return Totals(
        measured=images.get("measured", 0),
        rows=rows.get("measured", 0),
        failed_rows=rows.get("with a failed measurement", 0),
        failures=failures,
        examples=dict.fromkeys(failures, ("", "see the #error lines of the parts")),
    )
