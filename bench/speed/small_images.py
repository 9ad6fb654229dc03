"""Many small images: what a task, its child and their talk cost where an image costs little."""

from bench.processes import job, run
from bench.report import Section, middle, milliseconds, ratio

SHAPE = 120, 120
IMAGES, DIFFERENT = 20_000, 200


def measure(night, rounds):
    """Return the section on small images."""
    from bench.night import make_night

    # One round tries the script, and says nothing.
    images, different = (IMAGES, DIFFERENT) if rounds > 1 else (DIFFERENT, 10)
    small = make_night(night.folder / "small", different, SHAPE)
    plain = small.folder / "plain.txt"  # of which no line says how large its file is
    plain.write_text("".join(f"{path}\tid=again-{k}-{number}\n"
                             for k in range(images // different)
                             for number, path in enumerate(small.paths)))
    output = small.folder / "catalog.tsv"
    took = {"inline": [], "local": []}
    for _ in range(min(rounds, 3)):
        for runner, values in took.items():
            values.append(run(job("-r", runner, "--quiet", plain, "--catalog", output)).cpu)
    section = Section(
        "Small images",
        f"CPU of all processes for {images:,} images of {SHAPE[0]} x {SHAPE[1]} pixels, start-up "
        f"among it, in alternating runs; medians of {min(rounds, 3)}, ratios with their quartiles.",
        ("", "an image, ms", "ratio to `-r inline`"),
    )
    for runner, values in took.items():
        value, text = ratio(values, took["inline"])
        section.add(f"`-r {runner}`", milliseconds(middle(values) / images), text)
    section.note("local to inline", value)
    return section
