"""The README is true: its commands run and print what it says."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mr_extract.columns import COLUMNS
from mr_extract.failures import KINDS


def blocks(kind, text):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the tree whose .venv is the Python that runs the tests."""
    folder = tmp_path_factory.mktemp("checkout") / "mr_extract"
    skip = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", "demo_night")
    shutil.copytree(ROOT, folder, ignore=skip)
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name in ("python", "python3"):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        script.chmod(0o755)
    for stamp in (".demo", ".test"):
        (folder / ".venv" / stamp).touch()
    return folder


def shell(text, cwd):
    path = f"{cwd}/.venv/bin{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    return subprocess.run(["bash", "-euc", text], cwd=cwd, text=True,
                          env={**environment, "PATH": path}, capture_output=True, timeout=280)


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
    text = (checkout / "README.md").read_text()
    shown = iter(blocks("text", text))
    parts = re.findall(r"^```(sh|python|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in parts].count("sh") >= 5
    printed = ""
    for kind, part in parts:
        if kind == "text":
            expected = next(shown).splitlines()
            got = printed.splitlines()
            assert len(expected) == len(got) and all(map(same, got, expected)), got
        elif kind == "python":
            run = shell(f"python - <<'END'\n{part}END\n", checkout)
            assert run.returncode == 0, run.stderr
        elif "make test" not in part:  # which is what is running
            run = shell(part, checkout)
            assert run.returncode == 0, (part, run.stderr)
            printed = run.stdout


def test_the_demo_shows_completeness_residuals_and_a_picture(checkout):
    run = shell("make demo FRAMES=2", checkout)
    assert run.returncode == 0, run.stderr
    rows = [line.split() for line in run.stdout.splitlines() if re.match(r" *\d+\.0-", line)]
    bright = [row for row in rows if 15 <= float(row[0].split("-")[0]) < 18]
    assert len(bright) >= 3
    for row in bright:
        assert float(row[2]) > 95, "completeness"
        assert float(row[5]) > 90, "purity"
        assert float(row[7]) < 0.1, "position residual in pixels"
    assert (checkout / "demo.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (checkout / "catalog.tsv").read_text().startswith("#mr_extract ")
    images = " ".join(sorted(str(p) for p in (checkout / "demo_night").glob("*.fits")))
    own = shell(f"make demo FITS='{images}'", checkout)
    assert own.returncode == 0, own.stderr
    assert "against the truth" not in own.stdout and "demo.png" in own.stdout


def test_docs_name_every_failure_and_their_links_lead_somewhere():
    text = (ROOT / "docs" / "failures.md").read_text()
    for kind, meaning in KINDS.items():
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
