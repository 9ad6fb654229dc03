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
    with_sizes = small.manifest("sizes.txt", small.entries, images // different)
    plain = small.folder / "plain.txt"
    plain.write_text("".join(f"{path}\tid=again-{k}-{number}\n"
                             for k in range(images // different)
                             for number, path in enumerate(small.paths)))
    output = small.folder / "catalog.tsv"
    contenders = {
        "`-r inline`": ("inline", with_sizes),
        "`-r local`": ("local", with_sizes),
        "`-r local`, sizes not known": ("local", plain),
    }
    took = {name: [] for name in contenders}
    for _ in range(min(rounds, 3)):
        for name, (runner, manifest) in contenders.items():
            took[name].append(
                run(job("-r", runner, "--quiet", manifest, "--catalog", output)).cpu)
    section = Section(
        "Small images",
        f"CPU of all processes for {images:,} images of {SHAPE[0]} x {SHAPE[1]} pixels, start-up "
        f"among it, in alternating runs; medians of {min(rounds, 3)}, ratios with their quartiles.",
        ("", "an image, ms", "ratio to `-r inline`"),
    )
    for name, values in took.items():
        value, text = ratio(values, took["`-r inline`"])
        section.add(name, milliseconds(middle(values) / images), text)
        if "local" in name:
            section.note(f"{name.replace('`', '')} to inline", value)
    return section
