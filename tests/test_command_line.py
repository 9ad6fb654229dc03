"""What the person at the keyboard sees."""

import json
import os
import pty
import sys

import pandas
import pytest
from astropy.io import ascii as astropy_ascii
from bad_images import fits_bytes, good_pixels
from conftest import LAUNCHER, Run, command, job

from mr_extract.columns import COLUMNS
from mr_extract.config import Config


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "stars.fits"
    path.write_bytes(fits_bytes(good_pixels()))
    return path


@pytest.mark.parametrize("wrong, word", [
    (["--thresh", "much"], "--thresh"),
    (["--thresh", "-1"], "--thresh"),
    (["--minarea", "2.5"], "--minarea"),
    (["--thresh-type", "relativ"], "--thresh-type"),
    (["--columns", "x,why"], "why"),
    (["--filter-kernel", "no-such-file.conv"], "no-such-file.conv"),
    (["--apertures", "5,-1"], "--apertures"),
    (["--clean", "maybe"], "--clean"),
    (["--reduce", "all"], "--reduce"),
    (["--max-failures", "150%"], "--max-failures"),
    (["--jobs", "0"], "--jobs"),
    (["--image-timeout", "-3"], "--image-timeout"),
    (["--no-such-option"], "--no-such-option"),
    (["-r", "cloud"], "cloud"),
    (["--catalog", "/no/such/folder/c.tsv"], "/no/such/folder"),
    (["no-such-manifest.txt"], "no-such-manifest.txt"),
])
def test_a_wrong_option_is_one_line_and_exit_status_two(wrong, word, image):
    run = job(*wrong, image)
    assert run.status == 2
    assert len(run.err.splitlines()) == 1 and word in run.err, run.err
    assert run.out == b""


def test_the_schema_is_printed_with_names_types_units_and_meaning():
    run = job("--print-schema", "--columns", "all", "--apertures", "5,10,20")
    assert run.status == 0
    rows = {line.split()[0]: line for line in run.lines if line.strip()}
    for column in COLUMNS:
        name = f"{column.name}_1" if column.vector else column.name
        assert column.description in rows[name] and column.dtype in rows[name]
    assert "flux_aper_3" in rows and "flux_aper_4" not in rows


def test_only_the_chosen_columns_are_written_in_the_order_of_the_schema(image):
    run = job("--columns", "flag,position,flux_auto", image)
    assert run.lines[2].split("\t") == ["image", "number", "x", "y", "flux_auto", "flag"]
    assert len(run.lines[-1].split("\t")) == 6
    wide = job("--columns", "all", image)
    narrow = [line.split("\t")[2:4] for line in run.lines[4:]]
    assert narrow == [line.split("\t")[2:4] for line in wide.lines[4:]]


def test_the_printed_configuration_is_the_one_that_runs(image):
    options = ["--thresh", "3", "--filter-kernel", "0,1,0/1,2,1/0,1,0", "--clean", "no"]
    printed = json.loads(job("--print-config", *options).out)
    assert printed["detection"]["thresh"] == 3.0 and printed["detection"]["clean"] is False
    run = job(*options, image)
    assert f"config={printed['hash']}" in run.lines[0]
    assert all(f"\tconfig={printed['hash']}" in line for line in run.lines if "#image" in line)
    header = json.loads(run.lines[1].split("\t")[1])
    del printed["hash"], printed["detection"]["pixstack"]
    assert header == printed
    assert json.loads(job("--print-config").out)["hash"] == Config().hash()


def test_settings_reach_the_tasks_of_every_runner(image, tmp_path):
    kernel = tmp_path / "gauss.conv"
    kernel.write_text("CONV NORM\n# a comment\n1 2 1\n2 4 2\n1 2 1\n")
    options = ["--thresh", "4.5", "--minarea", "3", "--filter-kernel", "gauss.conv",
               "--apertures", "4,8", "--columns", "position,aper,radius,win",
               "--zero-point", "25.5", "--clean", "no"]
    inline = job(*options, image, cwd=tmp_path)
    assert inline.status == 0, inline.err
    assert job("-r", "local", *options, image, cwd=tmp_path).out == inline.out
    mapped = command([sys.executable, LAUNCHER, "--mapper", *options], stdin=str(image).encode(),
                     cwd=tmp_path)
    reduced = command([sys.executable, LAUNCHER, "--reducer"], stdin=mapped.out)
    assert reduced.out == inline.body
    assert inline.out != job("--columns", "position,aper,radius,win", image).out


def test_an_empty_manifest_is_an_empty_catalog_with_a_header_and_a_warning(tmp_path):
    manifest = tmp_path / "none.txt"
    for text in ("", "# nothing tonight\n\n"):
        manifest.write_text(text)
        for runner in ("inline", "local"):
            run = job("-r", runner, manifest)
            assert run.status == 0
            assert "warning" in run.err
            assert len(run.lines) == 3 and run.lines[2].startswith("image\tnumber\tx\ty")


def test_the_summary_file_holds_the_counts_of_the_catalog(image, tmp_path):
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{image}\n{tmp_path}/missing.fits\n")
    for runner in ("inline", "local"):
        summary, catalog = tmp_path / "summary.json", tmp_path / "catalog.tsv"
        run = job("-r", runner, "--summary", summary, "--catalog", catalog, manifest)
        facts = json.loads(summary.read_text())
        rows = [line for line in catalog.read_text().splitlines()[3:] if line[0] != "#"]
        assert run.status == 1 and run.out == b""
        assert facts["sources"] == len(rows) > 8
        assert facts["images"] == {"measured": 1, "failed": 1}
        assert facts["failures"]["fetch-not-found"]["first"] == f"{tmp_path}/missing.fits"
        assert facts["bytes"] == image.stat().st_size
        assert facts["milliseconds"].get("detection", 0) > 0
        assert facts["seconds"] > 0 and facts["runner"] == runner


def test_common_readers_read_the_catalog_with_their_comment_option(image, tmp_path):
    path = tmp_path / "catalog.tsv"
    job("--catalog", path, image)
    frame = pandas.read_csv(path, sep="\t", comment="#")
    table = astropy_ascii.read(path, format="tab", comment="#")
    assert list(frame.columns) == table.colnames
    assert len(frame) == len(table) > 8
    assert (frame["flux_auto"] == table["flux_auto"]).all()
    assert frame["ra"].isna().all()


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(runner, night):
    args = [sys.executable, str(LAUNCHER), "-r", runner, str(night / "manifest.txt")]
    assert "image/s" not in command(args).err.replace("images/s", "")
    import subprocess

    leader, follower = pty.openpty()
    process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=follower)
    os.close(follower)
    out = process.stdout.read()
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the terminal is closed
            break
        if not piece:
            break
        shown += piece
    process.wait()
    os.close(leader)
    text = shown.decode()
    assert "6/6" in text and "image/s" in text and "sources" in text
    assert Run(0, out, "").accounts()


def test_help_shows_the_settings_with_their_defaults():
    run = job("--help")
    assert run.status == 0
    for option in ("--thresh", "--columns", "--reduce", "--max-failures", "--summary"):
        assert option in run.out.decode()
    assert "[1.5]" in run.out.decode()
