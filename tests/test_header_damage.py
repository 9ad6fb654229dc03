"""Odd headers cost no other image anything, on any runner and in any catalogue.

`header_damage.KINDS` is the table of the damages. `-r hadoop` measures it in test_hadoop_job.
"""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from conftest import ROOT, command, job
from header_damage import GOOD, PLAIN, SIP, pixels, write, write_all

from mr_extract import extract
from mr_extract.failures import KINDS as FAILURES
from mr_extract.remarks import REMARKS
from mr_extract.standard_output import to_standard_error

SOURCES = 16
SOME_FAIL = ("--max-failures", "100%")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A folder, its images and what is said of them, a list of all and one of the good ones."""
    folder = tmp_path_factory.mktemp("damaged")
    said = write_all(folder)
    lists = folder / "all.txt", folder / "good.txt"
    for path, names in zip(lists, (said, GOOD)):
        path.write_text("".join(f"{folder / name}\n" for name in names))
    return folder, said, *lists


def blocks(run):
    """Map the name of an image to its lines in a catalog."""
    found = {}
    for line in run.out.decode().splitlines():
        cells = line.split("\t")
        image = cells[1] if cells[0] in ("#image", "#error") else cells[0]
        if image.endswith(".fits"):
            found.setdefault(os.path.basename(image), []).append(line)
    return found


@pytest.fixture(scope="module")
def alone(damaged):
    """The lines of the good images without the others."""
    run = job("-r", "inline", damaged[3])
    assert run.status == 0, run.err
    return blocks(run)


@pytest.fixture(scope="module")
def inline(damaged):
    run = job("-r", "inline", *SOME_FAIL, damaged[2])
    assert run.status == 0, run.err
    return run


def test_every_image_is_measured_in_full_or_its_defect_is_named(damaged, inline, alone):
    found = blocks(inline)
    assert list(found) == sorted(damaged[1], key=lambda name: str(damaged[0] / name))
    for name, word in damaged[1].items():
        (line,) = [one for one in found[name] if one.startswith("#")]
        if word in FAILURES:
            assert line.startswith("#error") and f"\t{word}\t" in line
            assert len(found[name]) == 1
        else:
            assert line.startswith("#image") and len(found[name]) == 1 + SOURCES, name
            assert ("remarks=" in line) == bool(word) and word in line, line
    for name in GOOD:
        assert found[name] == alone[name] and len(alone[name]) == 1 + SOURCES
    assert "INFO" not in inline.err and "SIP distortion" not in inline.err  # of astropy


def test_a_damage_that_is_no_matter_changes_no_value(inline):
    found = blocks(inline)
    good = [row.split("\t")[1:] for row in found[GOOD[0]] if row[0] != "#"]
    for name in ("umlaut.fits", "tab,_plain.fits", "nul_behind_a_name.fits", "gain_as_text.fits",
                 "gain_twice.fits", "scale_as_text.fits"):
        assert [row.split("\t")[1:] for row in found[name] if row[0] != "#"] == good, name


def test_tasks_give_the_same_bytes(damaged, inline):
    """Those of Hadoop are tried in test_hadoop_job.py."""
    run = job("-r", "local", *SOME_FAIL, damaged[2])
    assert run.status == 0, run.err
    assert run.out == inline.out


def test_the_bare_pipe_gives_the_same_lines_and_nothing_else(damaged, inline):
    mapped = job("--mapper", stdin=damaged[2].read_bytes())
    assert mapped.status == 0, mapped.err
    ordered = b"".join(sorted(mapped.out.splitlines(keepends=True)))
    reduced = job("--reducer", stdin=ordered)
    assert reduced.status == 0, reduced.err
    assert blocks(reduced) == blocks(inline)
    assert sum(map(len, blocks(inline).values())) == len(
        [line for line in reduced.lines if line.split("\t")[0] != "image"])


@pytest.mark.parametrize("kind", ["ascii", "ascii_head", "fits_1.0", "fits_ldac"])
def test_every_catalogue_is_written_and_the_good_ones_are_as_without_the_others(
        damaged, tmp_path, kind):
    folder, said, everything, good = damaged
    for runner, place, listed in (("local", "all", everything), ("inline", "good", good)):
        run = job("-r", runner, *SOME_FAIL, "--catalog-type", kind, "--catalog",
                  tmp_path / place, listed)
        assert run.status == 0, run.err
        assert "catalogue" not in run.err
    found = {path.name: path for path in (tmp_path / "all").rglob("*.cat")}
    measured = [name for name, word in said.items() if word not in FAILURES]
    assert sorted(found) == sorted(name.replace(".fits", ".cat") for name in measured)
    (accounts,) = (tmp_path / "all").rglob("accounts.tsv")
    assert all(str(folder / name) in accounts.read_text() for name in said)
    for path in found.values():
        if kind.startswith("fits"):
            with fits.open(path) as units:
                assert len(units[-1].data) == SOURCES
        else:
            rows = [line for line in path.read_text().splitlines() if line[:1] != "#"]
            assert len(rows) == SOURCES
    for name in GOOD:
        path = found[name.replace(".fits", ".cat")]
        assert path.read_bytes() == (
            tmp_path / "good" / path.relative_to(tmp_path / "all")).read_bytes()


def test_a_distortion_that_ctype_does_not_ask_for_can_be_left(tmp_path):
    write(tmp_path / "sip.fits", SIP)
    write(tmp_path / "tan.fits")
    given, left, plain = (
        extract(str(tmp_path / name), distortion=kind, columns=("x", "ra", "dec"))
        for name, kind in (("sip.fits", "given"), ("sip.fits", "ctype"), ("tan.fits", "ctype")))
    assert np.array_equal(left["ra"], plain["ra"])
    # 1e-5 times the square of up to 60 pixels of 1e-4 degrees
    assert np.abs(given["ra"] - left["ra"]).max() > 1e-6
    assert "not applied" in left.meta["remarks"]
    assert given.meta["remarks"].startswith("unasked-distortion:SIP applied")
    assert "remarks" not in plain.meta and "unasked-distortion" in REMARKS


PRINTING = """
import ctypes, logging, os, sys
from mr_extract.standard_output import to_standard_error
print("before")
with to_standard_error():
    print("printed")
    os.write(1, b"written\\n")
    ctypes.CDLL(None).puts(b"by C")
    logging.StreamHandler(sys.stdout).emit(logging.makeLogRecord({"msg": "logged"}))
print("after")
"""


def test_whatever_is_printed_ends_on_standard_error():
    run = subprocess.run([sys.executable, "-c", PRINTING], capture_output=True, text=True,
                         check=True)
    assert run.stdout == "before\nafter\n"
    assert sorted(run.stderr.split("\n")[:-1]) == ["by C", "logged", "printed", "written"]


def test_streams_of_bytes_take_text_within(monkeypatch):
    import io

    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with to_standard_error():
        print("\xb0")
    assert sys.stdout is out and out.getvalue() == b""
    assert err.getvalue() == "\xb0\n".encode()


def test_a_notebook_sees_nothing_of_what_libraries_print(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = extract(fits.PrimaryHDU(pixels(), fits.Header({**PLAIN, **SIP})))
    assert len(table) == SOURCES
    assert capfd.readouterr().out == ""


def test_a_catalogue_that_cannot_be_written_costs_no_other_and_ends_with_status_1(
        damaged, tmp_path):
    folder, _, _, good = damaged
    lost = tmp_path / "out" / str(folder / GOOD[0]).strip("/").replace(".fits", ".cat")
    lost.mkdir(parents=True)  # in the place of a catalogue
    run = job("-r", "local", "--quiet", "--catalog-type", "fits_ldac", "--catalog",
              tmp_path / "out", good)
    assert run.status == 1
    assert run.err.count("\n") == 1 and "a_good.cat is not written: Is a directory" in run.err
    (written,) = (path for path in (tmp_path / "out").rglob("*.cat") if path.is_file())
    with fits.open(written) as units:
        assert len(units[2].data) == SOURCES
    assert (tmp_path / "out" / "accounts.tsv").exists()

    run = job("-r", "inline", "--catalog", tmp_path / "c.tsv", good)
    assert run.status == 0, run.err
    run = command([sys.executable, "-m", "mr_extract.sextractor", tmp_path / "c.tsv",
                   "--type", "fits_ldac", "--output", f"{tmp_path}/out/"], cwd=ROOT)
    assert run.status == 1 and "a_good.cat is not written: Is a directory" in run.err
    assert "1 catalogues written" in run.err


def test_an_image_whose_name_leaves_no_room_for_its_catalogue_costs_no_other(tmp_path):
    for name in ("a.fits", "n" * 248 + ".fits", "z.fits"):
        write(tmp_path / name)
    (tmp_path / "list.txt").write_text("".join(
        f"{path}\n" for path in sorted(tmp_path.glob("*.fits"))))
    run = job("-r", "inline", "--quiet", "--catalog-type", "ascii", "--catalog",
              tmp_path / "out", tmp_path / "list.txt")
    assert run.status == 1 and "is not written: File name too long" in run.err
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.cat")) == ["a.cat", "z.cat"]
