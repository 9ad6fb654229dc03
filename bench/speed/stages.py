"""Where the time of a frame goes, stage by stage."""

from bench.report import Section, middle, milliseconds
from bench.speed.warm import Warm

ORDER = ("fetch", "checksum", "read", "background", "detection", "shapes", "photometry", "areas",
         "flags", "apertures", "kron", "petrosian", "radii", "windows", "astrometry", "sizes",
         "format")
CHOICES = (("default",), ("default", "radius"), ("all",))


def measure(night, _rounds):
    """Return the section on stages."""
    seconds = {}
    for columns in CHOICES:
        with Warm(columns) as warm:
            warm.measure(night.paths[0])
            answers = [warm.measure(path)["seconds"] for path in night.paths[:24]]
        seconds[columns] = {stage: middle([answer[stage] for answer in answers])
                            for stage in answers[0]}
    section = Section(
        "Stages of a frame",
        "CPU milliseconds in a warm process, medians over frames that are in the page cache.",
        ("stage", *(title for columns in CHOICES
                    for title in (f"`{','.join(columns)}`, ms", "%"))),
    )
    totals = {columns: sum(values.values()) for columns, values in seconds.items()}
    assert set(ORDER) >= {stage for values in seconds.values() for stage in values}
    for stage in ORDER:
        cells = []
        for columns in CHOICES:
            value = seconds[columns].get(stage)
            cells += ["", ""] if value is None else [
                milliseconds(value), f"{100 * value / totals[columns]:.1f}"]
        section.add(stage, *cells)
    cells = [cell for columns in CHOICES for cell in (milliseconds(totals[columns]), "100")]
    section.add("all", *cells)
    default = seconds[("default",)]
    section.ratios["share of sep"] = (
        sum(default[stage] for stage in ("background", "detection", "apertures", "kron"))
        / totals[("default",)]
    )
    return section
