"""The table of the figures that the model is told."""

from bench.report import Section, milliseconds
from mr_extract.jobs.model.figures import MEANINGS, SPARK_MEANINGS


def measured(told):
    """Return the table of figures (mr_extract.jobs.model.figures.Figures)."""
    of_spark = told.spark.machine if told.spark else ""
    apart = f" Those of Spark: {of_spark}." if of_spark not in ("", told.machine) else ""
    section = Section("Measured", f"{told.machine}.{apart}", ("", ""))
    for name, meaning in MEANINGS.items():
        section.add(meaning, f"{milliseconds(getattr(told, name))} ms")
    if told.spark:
        for name, meaning in SPARK_MEANINGS.items():
            section.add(f"Spark, {meaning}", f"{milliseconds(getattr(told.spark, name))} ms")
    section.add("spread of images of the simulated night (sigma of ln)", f"{told.spread:.2f}")
    if told.spread_real is not None:
        section.add("spread by pixel over real images of several surveys (sigma of ln)",
                    f"{told.spread_real:.2f}")
    section.add("an image", f"{told.image_bytes / 1e6:.1f} MB")
    section.add("its rows", f"{told.rows_bytes / 1e6:.2f} MB")
    return section
