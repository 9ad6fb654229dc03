"""docs/tiles.md is true: its commands run, and tiles come to what they say."""

import sys

import numpy as np
from conftest import ROOT, command
from pages import examples_of, read_page, shell_in

from bench.accuracy.mosaic import write_mosaic
from mr_extract.text.catalog import read_catalog


def test_every_command_of_the_page_runs(tmp_path):
    write_mosaic(tmp_path / "mosaic.fits", 1100)
    shell = shell_in(tmp_path)
    examples = examples_of(read_page("docs/tiles.md"))
    assert examples[0][1]
    for one, shown in examples:
        run = shell(one)
        assert run.status == 0, run.err
        if shown:
            assert run.out.decode() == shown
    virtual, written = (read_catalog(tmp_path / f"{n}.tsv") for n in ("catalog", "written"))
    assert list(virtual.accounts) == list(written.accounts) and len(virtual.accounts) == 4
    assert np.array_equal(virtual.columns["flux_auto"], written.columns["flux_auto"])
    assert "mosaic.fits[200:700,300:800]" in read_catalog(tmp_path / "cutout.tsv").accounts


def test_the_benchmark_of_the_page_fills_its_tables(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- numbers: begin -->\n<!-- numbers: end -->\nafter\n")
    run = command([sys.executable, "-m", "bench", "tiles", "--size", "1100", "--tile", "512",
                   "--output", page], cwd=ROOT)
    assert run.status == 0, run.err
    tables = page.read_text().split("### ")
    assert [table.splitlines()[0] for table in tables[1:]] == ["Sources", "Numbers", "Cost"]
    for table in tables[1:]:
        rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
        assert len(rows) == 4 and len({len(row) for row in rows}) == 1
    doubled = [row.split("|")[4].strip() for row in tables[1].splitlines() if row.startswith("| ")]
    assert doubled[2:] == ["0", "0"]
