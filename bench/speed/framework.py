"""The job against the bare loop over the same kernels."""

from bench.processes import job, module, run
from bench.report import Section, middle, milliseconds, ratio

PART = 12  # frames


def measure(night, rounds):
    """Return the section on what the framework costs."""
    frames = len(night.entries)
    number = max(1, frames // PART)
    parts = [night.manifest(f"part-{k}.txt", night.entries[k::number]) for k in range(number)]
    output = night.folder / "framework.tsv"
    contenders = {
        "loop": lambda m: run(module("bench.speed.loop", m, output, "default")).cpu,
        "inline": lambda m: run(job("-r", "inline", "--quiet", m, "--catalog", output)).cpu,
        "mapper": lambda m: run(job("--mapper"), stdin=m).cpu,
    }
    took = {name: [] for name in contenders}
    begun = {name: [] for name in contenders}
    for _ in range(rounds):
        for part in parts:
            for name, contender in contenders.items():
                begun[name].append(contender(night.tiny))
                took[name].append(contender(part))
    start = {name: middle(values) for name, values in begun.items()}
    net = {name: [value - start[name] for value in took[name]] for name in contenders}
    # Of a batch, start-up is paid once and not by each of its parts.
    whole = {name: [value + start[name] / number for value in net[name]] for name in contenders}
    section = Section(
        "The framework",
        f"CPU of whole processes, in batches of {frames // number} frames that alternate "
        f"({number * rounds} of each); start-up, the same command over two frames of 96 x 96 "
        f"pixels, is counted once in {frames} frames. The loop reads, measures and writes rows; "
        "the job also takes checksums, accounts for each image, orders and checks the catalog. "
        "Medians; ratios with their quartiles.",
        ("", "start-up, ms", "a frame with start-up, ms", "ratio to the loop",
         "a frame, ms", "ratio to the loop"),
    )
    titles = {"loop": "bare loop", "inline": "`-r inline`",
              "mapper": "one task (`--mapper`), both processes"}
    for name, title in titles.items():
        with_start, text = ratio(whole[name], whole["loop"])
        without, net_text = ratio(net[name], net["loop"])
        section.add(title, milliseconds(start[name]),
                    milliseconds(middle(whole[name]) * number / frames), text,
                    milliseconds(middle(net[name]) * number / frames), net_text)
        if name != "loop":
            section.note(f"{name} to loop", with_start)
            section.note(f"{name} to loop, without start-up", without)
    return section
