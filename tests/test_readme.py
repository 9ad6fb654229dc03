"""The README is true: its commands run and print what it says."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from pages import read_page, shell_in

from mr_extract.columns.choice import COLUMNS
from mr_extract.failures import KINDS
from mr_extract.remarks import REMARKS


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the tree, and a function that runs commands there."""
    folder = tmp_path_factory.mktemp("checkout") / "mr_extract"
    skip = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", "demo_night")
    shutil.copytree(ROOT, folder, ignore=skip)
    return folder, shell_in(folder, timeout=280)


def same(ours, theirs):
    """Tell whether two lines are the same but for the last digits of numbers."""
    def alike(a, b):
        try:
            return math.isclose(float(a), float(b), rel_tol=1e-5)
        except ValueError:
            return a == b
    ours, theirs = ours.split("\t"), theirs.split("\t")
    return len(ours) == len(theirs) and all(map(alike, ours, theirs))


def test_every_command_of_the_readme_runs_and_prints_what_stands_there(checkout):
    _, shell = checkout
    parts = re.findall(r"^```(sh|python|text)\n(.*?)^```", read_page("README.md"),
                       re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in parts].count("sh") >= 5
    got = []
    for kind, part in parts:
        if kind == "text":
            expected = part.splitlines()
            assert len(expected) == len(got) and all(map(same, got, expected)), got
        elif kind == "python":
            run = shell(f"python - <<'END'\n{part}END\n")
            assert run.status == 0, run.err
        elif "make test" not in part:  # which is what is running
            run = shell(part)
            assert run.status == 0, (part, run.err)
            got = run.lines


def test_the_demo_shows_completeness_residuals_and_a_picture(checkout):
    folder, shell = checkout
    run = shell("make demo FRAMES=2")
    assert run.status == 0, run.err
    rows = [line.split() for line in run.lines if re.match(r" *\d+\.0-", line)]
    bright = [row for row in rows if 15 <= float(row[0].split("-")[0]) < 18]
    assert len(bright) >= 3
    for row in bright:
        assert float(row[2]) > 95, "completeness"
        assert float(row[5]) > 90, "purity"
        assert float(row[7]) < 0.1, "position residual in pixels"
    assert (folder / "demo.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (folder / "catalog.tsv").read_text().startswith("#mr_extract ")
    images = " ".join(sorted(str(p) for p in (folder / "demo_night").glob("*.fits")))
    own = shell(f"make demo FITS='{images}'")
    assert own.status == 0, own.err
    assert b"against the truth" not in own.out and b"demo.png" in own.out


def test_docs_name_every_failure_and_their_links_lead_somewhere():
    text = (ROOT / "docs" / "failures.md").read_text()
    for kind, meaning in KINDS.items():
        assert f"| `{kind}` | {meaning} |" in text
    for kind, meaning in REMARKS.items():
        assert f"| `{kind}` | {meaning} |" in text
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_schema_has_one_entry_a_name_and_a_ucd_for_each():
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))
    assert all(column.ucd and column.description and column.dtype in ("str", "i4", "f4", "f8")
               for column in COLUMNS)


def test_the_package_builds_and_installs_what_it_needs(tmp_path):
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    folder = next(tmp_path.glob("*.egg-info"))
    scripts = (folder / "entry_points.txt").read_text()
    assert "mr_extract = mr_extract.jobs.extract:main" in scripts
    assert "mr_preprocess = preprocess.__main__:main" in scripts
    packages = Path(folder / "SOURCES.txt").read_text()
    for name in ("mr_extract/jobs/extract.py", "preprocess/simulation/simulate.py"):
        assert name in packages
