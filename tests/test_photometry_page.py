"""docs/photometry.md is true: its commands run and make what they name."""

import os
import re
import subprocess
import sys

from conftest import ROOT

from mr_extract.columns import CHECK_IMAGES
from mr_extract.text.catalog import read_catalog


def test_every_command_of_the_page_runs(tmp_path):
    text = (ROOT / "docs" / "photometry.md").read_text()
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for name in ("mr_extract.py", "mr_extract", "preprocess"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(commands) == 5
    for command in commands:
        run = subprocess.run(["bash", "-euc", command], cwd=tmp_path, env=environment, text=True,
                             capture_output=True, timeout=240)
        assert run.returncode == 0, run.stderr
    pairs = read_catalog(tmp_path / "pairs.tsv")
    assert len({account.sources for account in pairs.accounts.values()}) == 1
    forced = read_catalog(tmp_path / "forced.tsv").columns
    assert len(forced["target"]) > 0 and "flux_limit_aper_2" in forced
    matched = read_catalog(tmp_path / "matched.tsv").columns
    assert (matched["assoc_number"] > 0).all()
    assert len(list((tmp_path / "checks").glob("*.fits.fz"))) == 2 * 3


def test_the_page_names_every_kind_of_check_image():
    text = (ROOT / "docs" / "photometry.md").read_text()
    assert all(f"`{kind}`" in text for kind in CHECK_IMAGES)
