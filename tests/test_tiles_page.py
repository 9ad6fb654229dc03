"""docs/tiles.md is true: its commands run, and tiles come to what they say."""

import os
import re
import subprocess
import sys

import numpy as np
from conftest import ROOT, command

from bench.mosaic import write_mosaic
from mr_extract.text.catalog import read_catalog


def test_every_command_of_the_page_runs(tmp_path):
    text = (ROOT / "docs" / "tiles.md").read_text()
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for name in ("mr_extract.py", "mr_extract", "preprocess"):
        (tmp_path / name).symlink_to(ROOT / name)
    write_mosaic(tmp_path / "mosaic.fits", 1100)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown = re.search(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)
    said = []
    for one in commands:
        run = subprocess.run(["bash", "-euc", one], cwd=tmp_path, text=True, capture_output=True,
                             env={**os.environ, "PATH": path}, timeout=240)
        assert run.returncode == 0, run.stderr
        said.append(run.stdout)
    assert said[0] == shown
    virtual, written = (read_catalog(tmp_path / f"{n}.tsv") for n in ("catalog", "written"))
    assert list(virtual.accounts) == list(written.accounts) and len(virtual.accounts) == 4
    assert np.array_equal(virtual.columns["flux_auto"], written.columns["flux_auto"])
    assert "mosaic.fits[200:700,300:800]" in read_catalog(tmp_path / "cutout.tsv").accounts


def test_the_benchmark_of_the_page_fills_its_tables(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- numbers: begin -->\n<!-- numbers: end -->\nafter\n")
    run = command([sys.executable, "-m", "bench.tiles", "--size", "1100", "--tile", "512",
                   "--output", page], cwd=ROOT)
    assert run.status == 0, run.err
    tables = page.read_text().split("### ")
    assert [table.splitlines()[0] for table in tables[1:]] == ["Sources", "Numbers", "Cost"]
    for table in tables[1:]:
        rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
        assert len(rows) == 4 and len({len(row) for row in rows}) == 1
    doubled = [row.split("|")[4].strip() for row in tables[1].splitlines() if row.startswith("| ")]
    assert doubled[2:] == ["0", "0"]
