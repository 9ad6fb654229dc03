"""Long manifests: what is done with each line, in time and memory."""

import filecmp
import json
import random
import shutil

from bench.processes import Peaks, module
from bench.tables import Section
from mr_extract.columns import catalog_columns
from mr_extract.config import Config
from mr_extract.text.accounting import header, image_line
from preprocess.catalogs import CatalogReader

MEGABYTE = 1e6
SHARDS = 1000
ROWS = 2  # of an image: accounting is what is measured here, not rows
PER_FIELD = 1000


def measure(night, _rounds, lines=1_000_000):
    """Return the section on manifests of so many lines."""
    folder = night.folder / "scale"
    folder.mkdir()
    manifest, catalog = _written(folder, lines)
    section = Section(
        "Long manifests",
        f"Lines of some {manifest.stat().st_size // lines} bytes with three fields, file sizes "
        f"of log-normal spread, and {SHARDS:,} shards; catalogs with {ROWS} rows an image. CPU "
        "of the whole process, its greatest resident memory. One run each.",
        ("", "lines", "CPU, s", "microseconds a line", "MB", "worst shard above the mean, %"),
    )
    for title, options in (("`shards`", []), ("`shards --by prefix`", ["--by", "prefix"])):
        output = folder / "shards"
        _add(section, title, lines, module("preprocess", "shards", manifest, "-n", SHARDS,
                                           *options, "-o", output), _excess(output))
        shutil.rmtree(output)
    first, second, merged = (folder / f"{name}.tsv" for name in ("first", "second", "merged"))
    _halved(catalog, first, second)
    _add(section, "`remaining`, half is done", lines,
         module("preprocess", "remaining", manifest, first, "-o", folder / "rest.txt"))
    _add(section, "`merge` of two halves", lines,
         module("preprocess", "merge", first, second, "-o", merged))
    if not filecmp.cmp(merged, catalog, shallow=False):
        raise RuntimeError("the merged halves are not the whole")
    for name in (manifest, catalog, first, second, merged):
        name.unlink()
    for number in sorted({max(lines // 10, 1), lines} if lines <= 1_000_000
                         else {100_000, 1_000_000}):
        manifest, catalog = _written(folder, number)
        blocks = _without_header(catalog, folder / "blocks")
        told = folder / "planning.json"
        peaks = Peaks(module("bench.planning", manifest, blocks, SHARDS, told))
        for title, seconds in zip(("plan", "its shards", "gather"), json.loads(told.read_text())):
            section.add(f"driver: {title}", f"{number:,}", f"{seconds:.2f}",
                        f"{1e6 * seconds / number:.1f}", "", "")
            section.note(f"driver, {title}, {number} lines, microseconds", 1e6 * seconds / number)
        section.add("driver: all, with its start", f"{number:,}", f"{peaks.cpu:.2f}",
                    f"{1e6 * peaks.cpu / number:.1f}", f"{peaks.sizes[0] / MEGABYTE:.0f}", "")
        section.note(f"driver, {number} lines, MB", peaks.sizes[0] / MEGABYTE)
    shutil.rmtree(folder)
    return section


def _add(section, title, lines, command, excess=None):
    peaks = Peaks(command)
    section.add(title, f"{lines:,}", f"{peaks.cpu:.1f}", f"{1e6 * peaks.cpu / lines:.1f}",
                f"{peaks.sizes[0] / MEGABYTE:.0f}", f"{excess():.2f}" if excess else "")
    section.note(f"{title}, microseconds a line", 1e6 * peaks.cpu / lines)
    section.note(f"{title}, MB", peaks.sizes[0] / MEGABYTE)


def _excess(folder):
    def worst():
        loads = [sum(int(line.split(b"bytes=")[1].split(b"\t")[0])
                     for line in path.read_bytes().splitlines()) for path in folder.iterdir()]
        return 100 * (max(loads) * len(loads) / sum(loads) - 1)
    return worst


def _written(folder, lines):
    """Write a manifest and the catalog of all its images."""
    rng = random.Random(1)
    manifest, catalog = folder / "list.txt", folder / "whole.tsv"
    with open(manifest, "w") as listed, open(catalog, "w") as text:
        text.write(header(Config(), catalog_columns(Config()), lines, 0, ROWS * lines,
                          {"sep": "1"}))
        for k in range(lines):
            image = f"s3://an-archive/release-3/field-{k // PER_FIELD:05d}/frame-r-{k:08d}.fits"
            listed.write(f"{image}\tbytes={int(rng.lognormvariate(16, 0.6))}\tfilter=r\t"
                         f"mjd={51000 + k * 1e-3:.5f}\n")
            text.write(image_line(image, {"sources": ROWS, "background": 1.5, "rms": 2.5,
                                          "sha256": 64 * "0"}, [("filter", "r")]))
            text.write("".join(f"{image}\t{row + 1}\t1.5\t2.5\n" for row in range(ROWS)))
    return manifest, catalog


def _without_header(catalog, path):
    """Write what the tasks of a job would have written."""
    with open(catalog, "rb") as text, open(path, "wb") as blocks:
        for _ in range(3):
            text.readline()
        shutil.copyfileobj(text, blocks)
    return path


def _halved(catalog, *halves):
    """Write the images of a catalog to two, every other to the one."""
    reader = CatalogReader(str(catalog))
    files = [open(half, "wb") for half in halves]
    total = sum(1 for _ in reader)
    for number, file in enumerate(files):
        count = (total + 1 - number) // 2
        file.write(header(Config(), catalog_columns(Config()), count, 0, ROWS * count,
                          {"sep": "1"}).encode())
    for number, (_, block) in enumerate(reader):
        files[number % 2].write(block)
    for file in files:
        file.close()
