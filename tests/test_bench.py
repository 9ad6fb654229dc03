"""The benchmark runs and fills every table; what it measures is not judged here."""

import json
import math
import shutil
import sys

import pytest
from conftest import ROOT, command

PARTS = {
    "framework": "### The framework",
    "sextractor": "### Against SExtractor",
    "two": "### Two processes",
    "memory": "### Memory",
    "stages": "### Stages of a frame",
    "steps": "### Steps of the framework",
    "crowded": "### Crowded fields",
    "remote": "### Images on S3",
    "packed": "### Packed images",
    "storage": "### Remote files",
    "start": "### Starting",
    "scale": "### Long manifests",
}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    page = folder / "page.md"
    page.write_text("before\n<!-- numbers: begin -->\nold\n<!-- numbers: end -->\nafter\n")
    run = command(
        [sys.executable, "-m", "bench", "--quick", "--output", page,
         "--json", folder / "ratios.json"], cwd=ROOT,
    )
    assert run.status == 0, run.err
    return page.read_text(), json.loads((folder / "ratios.json").read_text())


def expected():
    return {part for part in PARTS if part != "sextractor" or shutil.which("source-extractor")}


def test_every_part_has_finite_positive_figures(quick):
    _, ratios = quick
    assert set(ratios) == expected()
    for part, figures in ratios.items():
        assert figures, part
        for name, value in figures.items():
            assert math.isfinite(value) and value > 0, (part, name, value)


def test_every_part_has_a_table_between_the_markers(quick):
    text, _ = quick
    before, rest = text.split("<!-- numbers: begin -->")
    tables, after = rest.split("<!-- numbers: end -->")
    assert (before, after) == ("before\n", "\nafter\n")
    assert "old" not in tables
    sections = tables.split("### ")
    assert {f"### {section.splitlines()[0]}" for section in sections[1:]} == {
        PARTS[part] for part in expected()
    }
    for section in sections[1:]:
        rows = [line for line in section.splitlines() if line.startswith("|")]
        assert len(rows) > 2, section
        assert len({row.count("|") for row in rows}) == 1, section


@pytest.mark.parametrize("arguments", [["--frames", "1"], ["--rounds", "0"], ["--only", "what"]])
def test_refuses_what_makes_no_sense(arguments):
    run = command([sys.executable, "-m", "bench", *arguments], cwd=ROOT)
    assert run.status == 2
    assert "usage" in run.err
