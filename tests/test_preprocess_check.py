"""``python -m preprocess check``: every kind of line that a job would stumble over is named."""

import gzip
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import ROOT, job
from hypothesis import given
from hypothesis import strategies as st
from misbehaving import Files, Misbehaving, status
from remote_places import impatient

from mr_extract.failures import KINDS
from preprocess.__main__ import main
from preprocess.digests import DigestSet, digest_of
from preprocess.threads import AHEAD, in_order


def fits_bytes(*names, shape=(60, 70)):
    """Return a FITS file: an image, or an empty primary and images with names."""
    data = np.arange(np.prod(shape), dtype="i2").reshape(shape)
    hdus = [fits.PrimaryHDU(None if names else data)]
    file = io.BytesIO()
    fits.HDUList(hdus + [fits.ImageHDU(data, name=name) for name in names]).writeto(file)
    return file.getvalue()


ALONE = fits_bytes()
MOSAIC = fits_bytes("SCI", "DQ")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "a.fits": ALONE, "m.fits": MOSAIC, "a.fits.gz": gzip.compress(ALONE), "empty.fits": b"",
        "cut.fits": ALONE[:4000], "text.fits": b"no image " * 1000, "mask.fits": ALONE,
        "table.fits": _table(),
    }.items():
        Path(name).write_bytes(content)
    return tmp_path


def _table():
    file = io.BytesIO()
    column = fits.Column("x", "J", array=np.arange(3))
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(file)
    return file.getvalue()


def checked(capsys, lines, *options, expect=None):
    """Check a manifest of lines; return its problems by id and what was said."""
    Path("list.txt").write_text("".join(f"{line}\n" for line in lines))
    status = main(["check", "list.txt", *options])
    captured = capsys.readouterr()
    problems = {}
    for line in captured.out.splitlines():
        image_id, kind, message = line.split("\t")
        assert kind in KINDS and message
        problems.setdefault(image_id, []).append((kind, message))
    assert status == (1 if problems else 0)
    return problems, captured.err.splitlines()[-1]


GOOD = [f"a.fits\tbytes={len(ALONE)}", "m.fits\text=2", "m.fits[SCI]\tmask=[DQ]", "a.fits.gz",
        "m.fits[*]", "m.fits\tid=other\text=/s.*/\tmask=mask.fits\tweight=", "# a comment"]


@pytest.mark.parametrize("options", [(), ("--headers",), ("--headers", "--jobs", "1")])
def test_good_lines_are_no_problem(folder, capsys, options):
    assert checked(capsys, GOOD, *options) == ({}, "6 lines; 0 problems")


def kinds(problems):
    return {image_id: [kind for kind, _ in found] for image_id, found in problems.items()}


BAD = {"no-such.fits": "fetch-not-found", "empty.fits": "empty-file", "text.fits": "not-fits",
       "ftp://host/a.fits": "unsupported-scheme"}
BAD_HEADERS = {"cut.fits": "truncated", "table.fits": "no-image", "m.fits[7]": "no-extension",
               "m.fits[/x.*/]": "no-extension"}


def test_each_problem_is_named_as_the_job_names_it(folder, capsys):
    every = {**BAD, **BAD_HEADERS}
    assert kinds(checked(capsys, every)[0]) == {name: [kind] for name, kind in BAD.items()}
    problems, said = checked(capsys, [*every, *GOOD], "--headers")
    assert kinds(problems) == {name: [kind] for name, kind in every.items()}
    assert said.startswith("14 lines; 8 problems (1 empty-file, 1 fetch-not-found, ")
    done = job("list.txt", "--max-failures", "99", cwd=folder)
    accounts = {name: kind for name, kind in done.accounts().items() if name in every}
    assert accounts == every


def test_a_line_that_makes_no_sense_is_a_problem(folder, capsys):
    problems, _ = checked(capsys, ["a.fits\twhat", "a.fits\tzeropoint=3"])
    assert kinds(problems) == {"malformed:a.fits%09what": ["malformed-line"],
                               "a.fits": ["malformed-line"]}


def test_a_size_other_than_promised_is_told(folder, capsys):
    problems, _ = checked(capsys, ["a.fits\tbytes=5", "m.fits"])
    assert problems == {"a.fits": [
        ("fetch-changed", f"it has {len(ALONE)} bytes, the manifest says 5")]}


def test_companions_must_be_there(folder, capsys):
    problems, _ = checked(
        capsys, ["a.fits\tmask=no-mask.fits[1]\tweight=mask.fits", "m.fits[SCI]\trms=[ERR]",
                 "m.fits[DQ]\tmask=empty.fits"], "--headers")
    assert problems == {
        "a.fits": [("fetch-not-found", "mask no-mask.fits: no such file")],
        "m.fits[SCI]": [("no-extension", "there is no extension 'ERR' among 3 units")],
        "m.fits[DQ]": [("empty-file", "mask empty.fits: the file has no bytes")]}


def test_a_repeated_line_is_counted_and_a_clash_is_a_problem(folder, capsys):
    problems, said = checked(capsys, [
        "a.fits\tfilter=r", "m.fits[1]\tid=x", "a.fits\tfilter=r\tbytes=" + str(len(ALONE)),
        "m.fits[2]\tid=x", "m.fits[2]\tid=x", "a.fits.gz\tid=x", "m.fits"])
    assert kinds(problems) == {"x": ["duplicate-id"]}
    assert said == "7 lines; 1 problem (1 duplicate-id); 2 repeated, taken once"


def test_manifests_are_taken_together_and_standard_input_is_one(folder):
    Path("one.txt").write_text("a.fits\n")
    Path("two.txt.gz").write_bytes(gzip.compress(b"a.fits\tfilter=r\nm.fits\n"))
    done = subprocess.run(
        [sys.executable, "-m", "preprocess", "check", "one.txt", "two.txt.gz", "-"],
        input=b"m.fits\nno-such.fits\n", capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=240)
    assert sorted(line.split("\t")[:2] for line in done.stdout.decode().splitlines()) == [
        ["a.fits", "duplicate-id"], ["no-such.fits", "fetch-not-found"]]
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == (
        "5 lines; 2 problems (1 duplicate-id, 1 fetch-not-found); 1 repeated, taken once")


def test_progress_is_shown_on_a_terminal_and_problems_go_their_own_way(folder):
    Path("list.txt").write_text("a.fits\nno-such.fits\nm.fits\n")
    terminal, inner = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "preprocess", "check", "list.txt"], stdout=subprocess.PIPE,
        stderr=inner, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=240)
    os.close(inner)
    shown = b""
    try:
        while piece := os.read(terminal, 1000):
            shown += piece
    except OSError:  # all has been read
        os.close(terminal)
    assert done.stdout == b"no-such.fits\tfetch-not-found\tno such file\n"
    assert b"3/3" in shown and b"3 lines; 1 problem" in shown.splitlines()[-1]


@pytest.mark.parametrize("name", ["no-such.txt", "."])
def test_a_manifest_that_cannot_be_read_is_one_line_and_exit_2(folder, capsys, name):
    assert main(["check", name]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and name in captured.err


@pytest.mark.needs("unprivileged")
def test_a_file_that_may_not_be_read_is_a_problem(folder):
    Path("secret.fits").write_bytes(ALONE)
    os.chmod("secret.fits", 0)
    Path("list.txt").write_text("secret.fits\n")
    for path in (folder, *list(folder.parents)[:3]):
        os.chmod(path, 0o755)
    # As another user one may have no way to this Python.
    capabilities = "-dac_override,-dac_read_search"
    drop = ["setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities]
    done = subprocess.run(
        [*(drop if os.geteuid() == 0 else []), sys.executable, "-m", "preprocess", "check",
         "list.txt"], capture_output=True, text=True, timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.startswith("secret.fits\tfetch-forbidden\t"), done.stderr


def test_remote_lines_cost_their_headers_and_a_companion_is_asked_for_once(
    folder, capsys, monkeypatch
):
    large = fits_bytes(shape=(1500, 2000))
    files = {f"/n/{k}.fits": large for k in range(20)} | {"/n/mask.fits": large}
    impatient(monkeypatch)
    with Misbehaving(Files(files)) as server:
        server.script["/n/3.fits"] = [status(403)]
        lines = [f"{server.url}/n/{k}.fits\tmask={server.url}/n/mask.fits" for k in range(21)]
        problems, _ = checked(capsys, lines, "--headers", "--jobs", "4", "--fetch-budget", "1")
    assert kinds(problems) == {f"{server.url}/n/3.fits": ["fetch-forbidden"],
                               f"{server.url}/n/20.fits": ["fetch-not-found"]}
    assert all(server.sent.get(f"/n/{k}.fits", 0) < 200_000 for k in range(20))
    assert server.count("/n/mask.fits") <= 2 * 4, "each thread at most once: one remembers it"


@given(st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 2**13), max_size=9000))
def test_a_table_of_digests_is_a_set(digests):
    table, want = DigestSet(), set()
    for digest in digests:
        assert table.add(digest) == (digest not in want)
        want.add(digest)
    assert len(table) == len(want)
    assert all(digest in table for digest in want)
    assert not any(digest in table for digest in range(2**14, 2**14 + 50) if digest not in want)


def test_a_table_of_digests_takes_what_the_help_says(tmp_path):
    table = DigestSet()
    for number in range(300_000):
        table.add(digest_of(f"s3://bucket/{number}.fits"))
        if number > 10_000 and number % 10_000 == 0:
            taken = sys.getsizeof(table._table) / len(table)
            assert 11.9 < taken < 24.1


def test_work_in_threads_keeps_its_order_and_looks_ahead_a_little():
    taken = []

    def items():
        for number in range(500):
            taken.append(number)
            yield number

    done = in_order(lambda number: number * 2, items(), 3, lambda number: number % 7)
    for number, outcome in enumerate(done):
        assert outcome == 2 * number
        assert len(taken) <= number + 2 + AHEAD * 3
    assert len(taken) == 500


def test_what_work_raises_comes_out_at_its_place():
    done = in_order(lambda number: 1 // (5 - number), range(100), 4)
    assert [next(done) for _ in range(5)] == [0, 0, 0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(done)
