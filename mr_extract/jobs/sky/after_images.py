"""``--reduce unique`` and ``objects`` of the main job: images to a catalog, and on from there."""

from __future__ import annotations

import os
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.outputs import check_outputs
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.skeleton.options import TSV

if TYPE_CHECKING:
    from mr_extract.jobs.skeleton.image_job import ImageJob

#: Options that both jobs have and only one of them heeds.
_OWN = {"args", "reduce", "summary", "told", "sky_work"}
_OF_EMR = {"yes": False, "estimate_by": None, "price": None, "max_hours": None,
           "env_archive": None}


def reduced_after(job: ImageJob,
                  drive: Callable[[ImageJob, Sequence[Namespace]], int]) -> int:
    """Run the main job, and the job over its detections with the same runner.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    drive : callable
        Brings the main job to its end, as `mr_extract.jobs.driver.drive.drive`.

    Returns
    -------
    int
        The greater of both exit statuses; that of the first where it wrote no catalog.
    """
    from mr_extract.jobs.sky.drive import drive as sky_drive
    from mr_extract.jobs.sky.sky_job import SkyJob

    options = job.options
    following = SkyJob([f"--sky-work={options.reduce}"])
    for name in (vars(options).keys() & vars(following.options).keys()) - _OWN:
        setattr(following.options, name, getattr(options, name))
    following.sandbox(job.stdin, job.stdout, job.stderr)
    following.options.catalog_type, following.access = TSV, job.access
    try:
        following.config = following.work.config_from(options)
        _check(job, following)
    except ValueError as error:
        complain(str(error))
        return 2
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as folder:
        catalog = os.path.join(folder, "catalog.tsv")
        if options.reduce == "objects":
            job.config = job.config.updated(observation=True)
        options.reduce, options.catalog = "identity", catalog
        status = drive(job, [following.options])
        if not os.path.exists(catalog):
            return status
        following.options.args = [catalog]
        if options.runner == "emr":
            complain("the cluster has ended; its catalog is here, and so goes on with -r local")
            for name, value in {"runner": "local", **_OF_EMR}.items():
                setattr(following.options, name, value)
        return max(status, sky_drive(following))


def _check(job, following):
    """Raise ValueError for what would be found out after the images are measured."""
    if job.options.output_dir:
        raise ValueError(f"--output-dir: the parts of --reduce {job.options.reduce} are not "
                         "kept; --catalog FILE names the catalog")
    following.options.args = job.options.args
    check_outputs(following.options, Plan())
    columns = job.work.columns(job.config)
    needs = following.work.needs(following.config)
    for name, why in {**dict.fromkeys(("ra", "dec"), f"--reduce {job.options.reduce}"),
                      **needs}.items():
        if name not in columns:
            raise ValueError(f"{why} needs the column {name}: name it in --columns")
