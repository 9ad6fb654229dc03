"""Long manifests: what is done with each line, in time and memory."""

import filecmp
import json
import random
import shutil

from bench.processes import Peaks, module
from bench.report import Section
from mr_extract.jobs.extract import WORK
from mr_extract.settings.config import Config
from mr_extract.text.accounting import header, image_line
from mr_extract.text.stored_catalog import CatalogReader

MEGABYTE = 1e6
SHARDS = 1000
ROWS = 2  # of an image: accounting is what is measured here, not rows
PER_FIELD = 1000
MOST = 1_000_000  # images of a catalog


def measure(night, _rounds, lines=1_000_000):
    """Return the section on manifests of so many lines, and catalogs of at most a million."""
    folder = night.folder / "scale"
    folder.mkdir()
    manifest = _manifest(folder, lines)
    section = Section(
        "Long manifests",
        f"Lines of some {manifest.stat().st_size // lines} bytes with three fields, file sizes "
        f"of log-normal spread, and {SHARDS:,} shards; catalogs with {ROWS} rows an image. CPU "
        "of the whole process, its greatest resident memory. One run each.",
        ("", "lines", "CPU, s", "microseconds a line", "MB", "worst shard above the mean, %"),
    )
    _sharded(section, "`shards`", manifest, lines)
    lines = min(lines, MOST)
    manifest, catalog = _manifest(folder, lines), _catalog(folder, lines)
    _sharded(section, "`shards --by prefix`", manifest, lines, "--by", "prefix")
    first, second, merged = (folder / f"{name}.tsv" for name in ("first", "second", "merged"))
    _halved(catalog, first, second)
    _add(section, "`remaining`, half is done", lines,
         module("preprocess", "remaining", manifest, first, "-o", folder / "rest.txt"))
    _add(section, "`merge` of two halves", lines,
         module("preprocess", "merge", first, second, "-o", merged))
    if not filecmp.cmp(merged, catalog, shallow=False):
        raise RuntimeError("the merged halves are not the whole")
    for number in (max(lines // 10, 1), lines):
        manifest, catalog = _manifest(folder, number), _catalog(folder, number)
        blocks = _without_header(catalog, folder / "blocks")
        told = folder / "planning.json"
        peaks = Peaks(module("bench.speed.planning", manifest, blocks, SHARDS, told))
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


def _sharded(section, title, manifest, lines, *options):
    output = manifest.parent / "shards"

    def excess():
        loads = [sum(int(line.split(b"bytes=")[1].split(b"\t")[0])
                     for line in path.read_bytes().splitlines()) for path in output.iterdir()]
        return 100 * (max(loads) * len(loads) / sum(loads) - 1)

    _add(section, title, lines, module("preprocess", "shards", manifest, "-n", SHARDS,
                                       *options, "-o", output), excess)
    shutil.rmtree(output)


def _image(k):
    return f"s3://an-archive/release-3/field-{k // PER_FIELD:05d}/frame-r-{k:08d}.fits"


def _manifest(folder, lines):
    rng = random.Random(1)
    path = folder / "list.txt"
    with open(path, "w") as file:
        file.writelines(f"{_image(k)}\tbytes={int(rng.lognormvariate(16, 0.6))}\tfilter=r\t"
                        f"mjd={51000 + k * 1e-3:.5f}\n" for k in range(lines))
    return path


def _catalog(folder, lines):
    """Write the catalog of all images of a manifest."""
    path = folder / "whole.tsv"
    facts = {"sources": ROWS, "background": 1.5, "rms": 2.5, "sha256": 64 * "0"}
    with open(path, "w") as file:
        file.write(_header(lines))
        for image in map(_image, range(lines)):
            file.write(image_line(image, facts, [("filter", "r")]))
            file.writelines(f"{image}\t{row + 1}\t1.5\t2.5\n" for row in range(ROWS))
    return path


def _header(images):
    totals = {"images": images, "failed": 0, WORK.rows: ROWS * images}
    return header(Config(), WORK.columns(Config()), {"sep": "1"}, totals)


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
        file.write(_header(count).encode())
    for number, (_, block) in enumerate(reader):
        files[number % 2].write(block)
    for file in files:
        file.close()
