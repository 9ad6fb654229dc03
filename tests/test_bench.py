"""The benchmark runs and fills every table; what it measures is not judged here."""

import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest
from conftest import ROOT, command

from bench.contents import MADE, PARTS, parts_of
from bench.machine import commit
from bench.report import BEGIN, END, Section, written
from preprocess.simulation.simulate import simulate_night

pytestmark = pytest.mark.timeout(1200)
HEADINGS = {
    "framework": "### The framework",
    "sextractor": "### Against SExtractor",
    "small": "### Small images",
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
    "apply": "### A function of one's own",
}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    page = folder / "page.md"
    page.write_text("before\n<!-- numbers: begin -->\nold\n<!-- numbers: end -->\nafter\n")
    run = command(
        [sys.executable, "-m", "bench", "--quick", "--output", page,
         "--json", folder / "ratios.json"], cwd=ROOT, timeout=900,
    )
    assert run.status == 0, run.err
    return page.read_text(), json.loads((folder / "ratios.json").read_text())


def expected():
    return {part for part in HEADINGS if part != "sextractor" or shutil.which("source-extractor")}


def test_every_part_has_finite_positive_figures(quick):
    _, ratios = quick
    assert set(ratios) == expected()
    for part, figures in ratios.items():
        assert figures, part
        for name, value in figures.items():
            # The difference of two short runs may be less than nothing on a busy machine.
            differs = "beyond reading" in name
            assert math.isfinite(value) and (differs or value > 0), (part, name, value)


def test_every_part_has_a_table_between_the_markers(quick):
    text, _ = quick
    before, rest = text.split("<!-- numbers: begin -->")
    tables, after = rest.split("<!-- numbers: end -->")
    assert (before, after) == ("before\n", "\nafter\n")
    assert "old" not in tables
    sections = tables.split("### ")
    assert {f"### {section.splitlines()[0]}" for section in sections[1:]} == {
        HEADINGS[part] for part in expected()
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


def bench(*arguments, cwd=ROOT):
    """Run `python -m bench` in any folder, on this checkout."""
    return command([sys.executable, "-m", "bench", *map(str, arguments)], cwd=cwd,
                   env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_night_with_relative_paths_is_found_from_where_the_command_is_given(
        tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate_night("night", frames=2, seed=1, shape=(96, 96))
    assert (tmp_path / "night" / "manifest.txt").read_text().startswith("night/")
    run = bench("--only", "stages", "--night", "night", "--frames", 2, cwd=tmp_path)
    assert run.status == 0, run.err
    assert "### Stages of a frame" in run.out.decode()
    assert "2 simulated frames of 96 x 96 pixels" in run.out.decode()


@pytest.mark.parametrize("frames, cwd, said", [
    (3, ".", "night has 2 frames, 3 are to be measured"),
    (2, "elsewhere", "no file"),
])
def test_a_night_that_will_not_do_is_said_in_one_line(tmp_path, monkeypatch, frames, cwd, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    simulate_night("night", frames=2, seed=1, shape=(96, 96))
    run = bench("stages", "--night", tmp_path / "night", "--frames", frames, cwd=tmp_path / cwd)
    assert run.status == 1
    line, = run.err.splitlines()
    assert said in line


def test_every_table_says_on_what_it_was_made(quick):
    text, _ = quick
    for section in text.split("### ")[1:]:
        line, = (line for line in section.splitlines() if line.startswith("Made on: "))
        assert section.index(line) < section.index("\n| ")
        for word in ("6 simulated frames of 500 x 400 pixels", f"commit {commit()}",
                     f"{os.cpu_count()} cores (", "of memory",
                     f"Python {platform.python_version()}", f"numpy {version('numpy')}",
                     f"sep {version('sep')}", f"mrjob {version('mrjob')}"):
            assert word in line, word


def test_a_commit_is_told_with_what_was_changed_since(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path,
                       check=True, capture_output=True)

    assert commit(tmp_path) == "unknown (no checkout)"
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "first")
    clean = commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{10}", clean)
    (tmp_path / "a").write_text("2")
    assert commit(tmp_path) == f"{clean}-dirty"


def test_a_table_takes_the_place_of_the_one_with_its_title(tmp_path):
    page, new = tmp_path / "page.md", Section("B", "new text", ("a", "b"), [["1", "2"]])
    page.write_text(f"# P\n{BEGIN}\nabove\n\n### A\n\nkept\n\n### B\n\nold\n\n"
                    f"### C\n\nkept too\n{END}\nbehind\n")
    written([new], page)
    text = page.read_text()
    assert re.findall("^### (.)", text, re.MULTILINE) == ["A", "B", "C"]
    assert "old" not in text and "above" in text and "kept too" in text and "new text" in text
    assert text.startswith("# P\n") and text.endswith("\nbehind\n")
    written([new], page)
    assert page.read_text() == text


def test_a_page_without_markers_is_left_as_it_is(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("mine\n")
    with pytest.raises(SystemExit, match="nothing is written"):
        written([Section("B", "text", ("a",), [["1"]])], page)
    assert page.read_text() == "mine\n"


def tables_of(page):
    """Return the titles between the markers of a page."""
    text = (ROOT / page).read_text()
    return re.findall("^### (.+)$", text.partition(BEGIN)[2].partition(END)[0], re.MULTILINE)


def test_every_table_of_the_pages_has_a_name_that_makes_it():
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "emr" / "README.md"]:
        name = page.relative_to(ROOT).as_posix()
        made = [title for one in MADE.values() if one.page == name for title in one.tables]
        assert set(tables_of(name)) <= set(made), name


def test_every_name_stands_on_its_page_and_in_the_list():
    listed = bench("--list")
    assert listed.status == 0
    lines = {line.split()[0]: line for line in listed.out.decode().splitlines()}
    assert list(lines) == list(MADE)
    for name, made in MADE.items():
        assert made.page in lines[name] and all(title in lines[name] for title in made.tables)
        text = " ".join((ROOT / made.page).read_text().split())
        assert set(made.tables) <= set(tables_of(made.page)) or re.search(
            rf"python -m bench (--only )?{name}\b", text), name


def test_every_command_of_the_pages_has_a_known_name():
    for page in [*(ROOT / "docs").glob("*.md"),
                 *(ROOT / name for name in ("CHANGELOG.md", "README.md", "emr/README.md"))]:
        text = " ".join(page.read_text().split())
        assert "python -m bench." not in text, page
        for name in re.findall(r"python -m bench (?:--only )?([a-z][\w-]*)", text):
            assert name in MADE, (page, name)


def test_a_page_is_given_the_parts_that_stand_on_it():
    assert parts_of(ROOT / "docs" / "packed.md") == ["packed"]
    assert set(PARTS) - set(parts_of(ROOT / "docs" / "performance.md")) == {"packed", "storage"}
    assert parts_of(None) == parts_of(ROOT / "page.md") == PARTS


@pytest.mark.parametrize("name, more, titles", [
    ("sky-maps", [], ["Cutting maps", "Sources of a map", "Memory of maps"]),
    ("sky-run", ["--runners", "inline", "--picture", "fluxes.png"], ["Two maps"])])
def test_sky_maps_are_cut_measured_and_drawn(name, more, titles, tmp_path):
    run = bench(name, "--quick", *more, cwd=tmp_path)
    assert run.status == 0, run.err
    assert re.findall("^### (.+)$", run.out.decode(), re.MULTILINE) == titles
    if more:
        assert "| yes |" in run.out.decode()
        assert (tmp_path / "fluxes.png").read_bytes().startswith(b"\x89PNG")
