"""What `python -m bench` makes: the tables by name, and the pages on which they stand."""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Made:
    """Tables, or a picture, that one name makes.

    Parameters
    ----------
    name : str
        ``python -m bench NAME``.
    where : str
        Module, and for a part its function behind a colon.
    page : str
        Where it stands.
    tables : tuple of str
        Titles; of what stands in prose or under a heading of the page, what it is.
    """

    name: str
    where: str
    page: str
    tables: tuple

    @property
    def part(self):
        """Whether it is measured with others over one simulated night."""
        return ":" in self.where

    def load(self):
        """Return the function that measures a part, or the command."""
        module, _, function = self.where.partition(":")
        return getattr(import_module(f"bench.{module}"), function or "main")


_COST = "docs/performance.md"

MADE = {made.name: made for made in (
    Made("framework", "speed.framework:measure", _COST, ("The framework",)),
    Made("sextractor", "speed.against_sextractor:measure", _COST, ("Against SExtractor",)),
    Made("small", "speed.small_images:measure", _COST, ("Small images",)),
    Made("two", "speed.two_processes:measure", _COST, ("Two processes",)),
    Made("apply", "speed.apply:measure", _COST, ("A function of one's own",)),
    Made("memory", "speed.memory:measure", _COST, ("Memory",)),
    Made("stages", "speed.stages:measure", _COST, ("Stages of a frame",)),
    Made("crowded", "speed.crowded:measure", _COST, ("Crowded fields",)),
    Made("twins", "accuracy.twins", _COST, ("Compiled kernels and their twins",)),
    Made("spark", "speed.spark", _COST, ("Spark on one machine",)),
    Made("remote", "speed.remote:measure", _COST, ("Images on S3",)),
    Made("packed", "speed.packed:measure", "docs/packed.md", ("Packed images",)),
    Made("storage", "speed.storage:measure", "docs/architecture.md", ("Remote files",)),
    Made("steps", "speed.steps:per_image", _COST, ("Steps of the framework",)),
    Made("start", "speed.steps:start_up", _COST, ("Starting",)),
    Made("scale", "speed.scale:measure", _COST, ("Long manifests",)),
    Made("packed-jobs", "speed.packed_jobs", "docs/packed.md", ("Packed images on Hadoop",)),
    Made("hdfs", "speed.hdfs", "docs/storage.md", ("HDFS",)),
    Made("agreement", "accuracy.agreement", "docs/sextractor.md",
         ("Sources", "Columns", "Truth", "Errors")),
    Made("blends", "accuracy.blends", "docs/sextractor.md", ("blends.png",)),
    Made("completeness", "accuracy.completeness", "docs/detection.md",
         ("Completeness", "completeness.png")),
    Made("spectra", "accuracy.spectra", "docs/spectra.md",
         ("Beside specreduce", "Shape of the flux", "Wavelengths of SPRAT", "spectra.png")),
    Made("local-skies", "accuracy.local_skies", "docs/photometry.md", ("Local skies",)),
    Made("tiles", "accuracy.tiles", "docs/tiles.md", ("Sources", "Numbers", "Cost")),
    Made("detections", "speed.detections", "docs/objects.md", ("Detections",)),
    Made("exports", "speed.exports", "docs/exports.md", ("Exports",)),
    Made("sky-maps", "speed.sky_maps", "docs/sky-maps.md",
         ("Cutting maps", "Sources of a map", "Memory of maps")),
    Made("sky-run", "clusters.sky_run", "docs/sky-maps.md", ("Two maps", "sky-fluxes.png")),
    Made("faults", "clusters.hadoop_faults", "docs/hadoop.md", ("Faults that were tried",)),
    Made("spark-faults", "clusters.spark_faults", "docs/spark.md",
         ("Faults on a standalone cluster", "Faults on YARN")),
    Made("batch", "clusters.batch_figures", "docs/hpc.md",
         ("From the start of a job to its first image", "From the end of a job to nothing",
          "Lines")),
    Made("figures", "clusters.measured_figures", "docs/scale.md", ("figures.json, for model",)),
    Made("model", "clusters.model", "docs/scale.md",
         ("Measured", "Four sets of images", "Beside Kira", "Beside Kira, on Spark", "Shards",
          "What it depends on", "Held against jobs", "Beside the bare loop",
          "Spark beside the bare loop")),
    Made("emr-estimate", "clusters.emr_estimate", "emr/README.md", ("Estimate against a run",)),
    Made("emr-launch", "clusters.emr_launch", "emr/README.md", ("Launching",)),
)}
#: Those that are measured over one night, all of them by default.
PARTS = [name for name, made in MADE.items() if made.part]


def parts_of(page):
    """Return the parts that stand on a page, all of them if none does."""
    return [name for name in PARTS if page and MADE[name].page.endswith(f"/{page.name}")] or PARTS


def listed():
    """Return what there is as text."""
    lines = [(name, made.where.partition(":")[0].partition(".")[0], made.page,
              ", ".join(made.tables)) for name, made in MADE.items()]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + "\n"
                   for line in lines)
