"""What stands around a frame: steps of the framework, and starting."""

import io
import json
from time import process_time

from bench.processes import job, python, run
from bench.report import Section, middle, milliseconds

KERNELS = "import mr_extract.frames.measuring, mr_extract.images, mr_extract.text.rows"


def per_image(night, _rounds):
    """Return the section on the steps of the framework."""
    from mr_extract.jobs.driver.gather import gather
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.extract import WORK
    from mr_extract.jobs.task.one_line import process
    from mr_extract.jobs.task.worker import read_frame, write_frame
    from mr_extract.settings.config import Config
    from mr_extract.text import blocks
    from mr_extract.text.accounting import parse_account
    from mr_extract.text.manifest import format_line, parse_line

    config = Config()
    plan, texts, outcomes = Plan(), [], []
    for entry in night.entries[:8]:
        plan.add(entry)
        outcomes.append(process(entry, WORK, config))
    texts = [outcome.block for outcome in outcomes]
    spool = night.folder / "blocks"
    spool.write_bytes(b"".join(texts))
    values = [blocks.pack(text) for text in texts]

    def through_pipes():
        for outcome in outcomes:
            facts = {name: value for name, value in vars(outcome).items() if name != "block"}
            file = io.BytesIO()
            write_frame(file, facts, outcome.block)
            file.seek(0)
            read_frame(file)

    def gathered():
        with open(spool, "rb") as text, open(night.folder / "gathered.tsv", "wb") as catalog:
            gather(text, plan, WORK, config, catalog)

    steps = {
        "line of the manifest, read and written": lambda: [
            parse_line(format_line(entry).encode()) for entry in night.entries[:8]],
        "hash of the configuration": lambda: [config.hash() for _ in texts],
        "frame between worker and task": through_pipes,
        "counters": lambda: [json.dumps(outcome.milliseconds) for outcome in outcomes],
        "block packed under its key": lambda: [
            (blocks.key(outcome.block.split(b"\t", 2)[1].decode()), blocks.pack(outcome.block))
            for outcome in outcomes],
        "block unpacked by the reducer": lambda: [blocks.unpack(value) for value in values],
        "account parsed": lambda: [
            parse_account(text[: text.index(b"\n") + 1]) for text in texts],
        "gathered into the catalog": gathered,
    }
    section = Section(
        "Steps of the framework",
        f"CPU milliseconds an image ({sum(map(len, texts)) / len(texts) / 1000:.0f} kB of rows), "
        "medians of 9.",
        ("step", "ms"),
    )
    total = 0.0
    for name, step in steps.items():
        took = []
        for _ in range(9):
            before = process_time()
            step()
            took.append((process_time() - before) / len(texts))
        total += middle(took)
        section.add(name, milliseconds(middle(took)))
    section.add("all", milliseconds(total))
    section.ratios["milliseconds of the framework an image"] = 1000 * total
    return section


def start_up(night, rounds):
    """Return the section on starting."""
    output = night.folder / "started.tsv"
    cases = {
        "Python": lambda: run(python("-c", "pass")),
        "numpy": lambda: run(python("-c", "import numpy")),
        "numpy, sep": lambda: run(python("-c", "import numpy, sep")),
        "the kernels": lambda: run(python("-c", KERNELS)),
        "the kernels, astropy's WCS": lambda: run(python("-c", f"{KERNELS}, astropy.wcs")),
        "mrjob": lambda: run(python("-c", "import mr_extract.jobs.extract")),
        "reducer without input": lambda: run(job("--reducer")),
        "task, two tiny frames": lambda: run(job("--mapper"), stdin=night.tiny),
        "`-r inline`, two tiny frames": lambda: run(
            job("-r", "inline", "--quiet", night.tiny, "--catalog", output)),
        "`-r local --jobs 1`, two tiny frames": lambda: run(
            job("-r", "local", "--jobs=1", "--quiet", night.tiny, "--catalog", output)),
        "`-r local --jobs 2`, two tiny frames": lambda: run(
            job("-r", "local", "--jobs=2", "--quiet", night.tiny, "--catalog", output)),
    }
    costs = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            costs[name].append(case())
    section = Section("Starting", f"Milliseconds, medians of {rounds} alternating runs.",
                      ("", "CPU", "wall"))
    for name, values in costs.items():
        section.add(name, milliseconds(middle([c.cpu for c in values])),
                    milliseconds(middle([c.wall for c in values])))
    section.ratios["mrjob to numpy"] = (
        middle([c.cpu for c in costs["mrjob"]]) / middle([c.cpu for c in costs["numpy"]])
    )
    return section
