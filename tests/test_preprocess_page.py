"""docs/preprocess.md is true: the commands on shards and catalogs run and give what they say."""

import os
import re
import subprocess
import sys

from conftest import ROOT, job


def commands_of(*sections):
    text = (ROOT / "docs" / "preprocess.md").read_text()
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    found = []
    for section in sections:
        part = next(part for part in parts if part.startswith(f"{section}\n"))
        found += re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return found


def test_shards_remaining_and_merge_give_the_catalog_of_one_run(tmp_path):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for name in ("mr_extract.py", "mr_extract", "preprocess"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    commands = commands_of("Shards", "Remaining", "Merge")
    assert len(commands) == 4
    for command in commands:
        run = subprocess.run(["bash", "-euc", command], cwd=tmp_path, env=environment, text=True,
                             capture_output=True, timeout=240)
        assert run.returncode == 0, run.stderr
    lines = (tmp_path / "list.txt").read_text().splitlines()
    for folder in ("shards", "by-filter"):
        shards = [path.read_text().splitlines() for path in (tmp_path / folder).iterdir()]
        assert len(shards) > 1 and sorted(sum(shards, [])) == sorted(lines)
    assert len((tmp_path / "rest.txt").read_text().splitlines()) == 2
    whole = job("-r", "inline", "list.txt", cwd=tmp_path)
    assert (tmp_path / "catalog.tsv").read_bytes() == whole.out
