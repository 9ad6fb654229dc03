"""The same columns from a batch of ours and from one process of SExtractor a frame."""

from bench.processes import job, run
from bench.report import Section, middle, milliseconds, ratio
from bench.sextractor import SExtractor
from bench.speed.warm import Warm
from mr_extract.settings.config import Config

COLUMNS = (("default",), ("default", "radius"), ("all",))
MASKS = ("none", "correct")
PART = 6  # frames
TITLES = {"kernels": "kernels, started", "inline": "`-r inline`", "mapper": "`--mapper`"}


def measure(night, rounds):
    """Return the section on SExtractor."""
    frames = len(night.entries)
    section = Section(
        "Against SExtractor",
        f"CPU a frame in a batch of {frames} frames, of which start-up is a part except for the "
        "kernels. SExtractor is one process a frame with the same settings, the same "
        "parameters and a text catalog; with `MASK_TYPE NONE` it measures as sep does, "
        "`CORRECT` is its default. Ratios: ours to SExtractor's, alternating, median (quartiles).",
        ("columns", "ours, ms", "SExtractor, ms", "ratio", "SExtractor `CORRECT`, ms",
         "ratio", "sources"),
    )
    for columns in COLUMNS:
        _compare(section, night, rounds if columns == COLUMNS[0] else max(1, rounds // 3), columns)
    return section


def _compare(section, night, rounds, columns):
    name, frames = ",".join(columns), len(night.entries)
    config = Config().updated(columns=columns)
    programs = {mask: SExtractor(night.folder, config.updated(neighbours=mask)) for mask in MASKS}
    output, option = night.folder / "against.tsv", f"--columns={name}"
    contenders = {
        "inline": lambda m: run(job("-r", "inline", "--quiet", option, m, "--catalog", output)),
        "mapper": lambda m: run(job("--mapper", option), stdin=m),
    }
    took = {which: [] for which in (*MASKS, "kernels", *contenders)}
    number = max(1, frames // PART)
    parts = [night.entries[k::number] for k in range(number)]
    manifests = [night.manifest(f"part-{k}.txt", part) for k, part in enumerate(parts)]
    found = {"ours": 0, "theirs": 0}
    with Warm(columns) as warm:
        warm.measure(night.paths[0])
        start = {which: middle([contender(night.tiny).cpu for _ in range(rounds)])
                 for which, contender in contenders.items()}
        for _ in range(rounds):
            for part, manifest in zip(parts, manifests):
                sums = dict.fromkeys((*MASKS, "kernels"), 0.0)
                for entry in part:
                    answer = warm.measure(entry.uri)
                    sums["kernels"] += answer["cpu"]
                    found["ours"] += answer["sources"]
                    for mask, program in programs.items():
                        sums[mask] += run(program.command(entry.uri)).cpu
                    found["theirs"] += programs["none"].sources()
                for which, total in sums.items():
                    took[which].append(total / len(part))
                for which, contender in contenders.items():
                    net = contender(manifest).cpu - start[which]
                    took[which].append(net / len(part) + start[which] / frames)
    for which, title in TITLES.items():
        none, none_text = ratio(took[which], took["none"])
        correct, correct_text = ratio(took[which], took["correct"])
        section.add(
            f"{name}: {title}", milliseconds(middle(took[which])),
            milliseconds(middle(took["none"])), none_text,
            milliseconds(middle(took["correct"])), correct_text,
            f"{found['ours'] / rounds / frames:.0f} / {found['theirs'] / rounds / frames:.0f}",
        )
        section.note(f"{which} to SExtractor, {name}", none)
        section.note(f"{which} to SExtractor CORRECT, {name}", correct)
