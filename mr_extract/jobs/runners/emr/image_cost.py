"""What an image costs: measured on a sample here, told by an earlier run, or of shipped figures."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mr_extract.jobs.model.figures import Figures
from mr_extract.jobs.runners.import_path import import_path

# What is measured differs by a quarter from one run to the next; figures of another machine and
# of other images, and by bytes, by more.
_MEASURED, _SHIPPED = (0.8, 1.25), (0.5, 2.5)
_ROW_BYTES = 330.0  # of a row with the default columns


@dataclass(frozen=True)
class ImageCost:
    """What an image costs in a task on a cluster.

    Parameters
    ----------
    seconds : float
        Of CPU, its share of the container's Java with it.
    seconds_here : float
        Of CPU in a task on this machine, without Java.
    spread : (float, float)
        Factors for the least and the most of these seconds.
    rows_bytes : float
        Bytes of its rows.
    words : str
        Whence this is known.
    size : float
        Bytes of the images that it is known of; 0 for those that are asked about.
    """

    seconds: float
    seconds_here: float
    spread: tuple[float, float]
    rows_bytes: float
    words: str
    size: float = 0.0

    @property
    def range(self) -> tuple[float, float]:
        """Seconds in a task at best and at worst."""
        return self.seconds * self.spread[0], self.seconds * self.spread[1]


def of_figures(size: float, figures: Figures) -> ImageCost:
    """Return the cost of images of some bytes, by the bytes of those of the figures."""
    part = size / figures.image_bytes
    return ImageCost(part * figures.image, part * figures.task_image, _SHIPPED,
                     part * figures.rows_bytes,
                     f"by its bytes, as simulated frames were measured on {figures.date}")


def of_summary(path: str, figures: Figures) -> ImageCost:
    """Return the cost of an image as the summary of an earlier run tells it.

    Parameters
    ----------
    path : str
        What ``--summary`` wrote.
    figures : mr_extract.jobs.model.figures.Figures
        What is beside the kernels, by bytes.

    Raises
    ------
    ValueError
        When it is no summary, or of a run that measured nothing.
    """
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        images = told["images"]["measured"]
        kernel = sum(told["milliseconds"].values()) / 1000
        size, rows = told["bytes"], told[told["rows_are"]]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is not what --summary writes") from None
    if not images or not kernel:
        raise ValueError(f"{path}: that run measured no image")
    beside = size / images / figures.image_bytes
    return ImageCost(
        kernel / images + beside * (figures.image - figures.kernel),
        kernel / images + beside * (figures.task_image - figures.kernel),
        _MEASURED, _ROW_BYTES * rows / images, f"{images} images of {path}", size / images)


def of_sample(words: Sequence[str], lines: Sequence[bytes], figures: Figures) -> ImageCost:
    """Return the cost of an image, measured on some lines of a manifest here.

    The first line is for what happens once, and does not count.

    Parameters
    ----------
    words : sequence of str
        What a Python is called with to be a map task of the job.
    lines : sequence of bytes
        At least two lines of a manifest.
    figures : mr_extract.jobs.model.figures.Figures
        What Java takes beside the task, by bytes.

    Raises
    ------
    ValueError
        When a task does not run here, or measures none of the lines.
    """
    first, all_of_them = _run(words, lines[:1]), _run(words, lines)
    images, size = all_of_them.images - first.images, all_of_them.size - first.size
    if images < 1:
        raise ValueError(f"none of the {len(lines)} lines of the sample could be measured here: "
                         f"{all_of_them.failure or 'no image'}")
    seconds = max((all_of_them.cpu - first.cpu) / images, 1e-4)
    java = size / images / figures.image_bytes * (figures.image - figures.task_image)
    failed = f", {all_of_them.failed} failed" if all_of_them.failed else ""
    return ImageCost(seconds + java, seconds, _MEASURED,
                     (all_of_them.written - first.written) / images,
                     f"{images} of them measured here{failed}", size / images)


@dataclass(frozen=True)
class _Task:
    cpu: float
    images: int
    failed: int
    failure: str
    size: int
    written: int


def _run(words, lines):
    """Run a task without the cluster, and return what it took and told."""
    from mrjob.parse import parse_mr_job_stderr

    before = _children()
    done = subprocess.run(
        [sys.executable, *words], input=b"".join(lines), capture_output=True,
        env={**os.environ, "PYTHONPATH": import_path(), "OPENBLAS_NUM_THREADS": "1"})
    cpu = _children() - before
    told = parse_mr_job_stderr(done.stderr.splitlines(True))
    if done.returncode:
        last = (told["other"] or ["no word"])[-1].strip()
        raise ValueError(f"a task does not run here: {last}")
    counters = {group: dict(names) for group, names in told["counters"].items()}
    images = counters.get("images", {})
    return _Task(cpu, images.get("measured", 0), images.get("failed", 0),
                 ", ".join(counters.get("failures", {})), counters.get("bytes", {}).get("read", 0),
                 len(done.stdout))


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
