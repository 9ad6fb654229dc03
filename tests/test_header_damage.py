"""Odd headers cost no image anything, on any runner and in any catalogue."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from header_damage import pixels, write, write_all

from mr_extract import extract
from mr_extract.remarks import REMARKS
from mr_extract.standard_output import to_standard_error

SOURCES = 16


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    names = write_all(folder)
    manifest = folder / "manifest.txt"
    manifest.write_text("".join(f"{folder / name}\n" for name in names))
    return folder, names, manifest


@pytest.fixture(scope="module")
def inline(damaged):
    run = job("-r", "inline", damaged[2])
    assert run.status == 0, run.err
    return run.out


def test_every_image_is_measured_in_full(damaged, inline):
    text = inline.decode()
    lines = [line for line in text.splitlines() if line.startswith("#image")]
    assert len(lines) == len(damaged[1])
    assert all(f"sources={SOURCES}\t" in line for line in lines)
    assert "#error" not in text
    said = {line.split("\t")[1]: line for line in lines}
    for path, line in said.items():
        assert ("unasked-distortion" in line) == ("sip_" in path)


@pytest.mark.parametrize("runner", ["local", pytest.param("spark", marks=pytest.mark.needs(
    "spark"))])
def test_every_runner_gives_the_same_bytes(damaged, inline, runner):
    run = job("-r", runner, damaged[2])
    assert run.status == 0, run.err
    assert run.out == inline


def test_the_bare_pipe_gives_blocks_and_nothing_else(damaged):
    mapped = job("--mapper", stdin=damaged[2].read_bytes())
    assert mapped.status == 0, mapped.err
    assert len(mapped.lines) == len(damaged[1])
    assert all(line[:3].isdigit() for line in mapped.lines)


@pytest.mark.parametrize("kind", ["ascii", "ascii_head", "fits_1.0", "fits_ldac"])
def test_every_catalogue_is_written(damaged, tmp_path, kind):
    folder, names, manifest = damaged
    run = job("-r", "local", "--catalog-type", kind, "--catalog", tmp_path / "out", manifest)
    assert run.status == 0, run.err
    catalogues = {os.path.basename(p): p for p in (tmp_path / "out").rglob("*.cat")}
    assert sorted(catalogues) == sorted(n.replace(".fits", ".cat") for n in names)
    assert len(list((tmp_path / "out").rglob("accounts.tsv"))) == 1
    for path in catalogues.values():
        if kind.startswith("fits"):
            with fits.open(path) as units:
                assert len(units[-1].data) == SOURCES
        else:
            rows = [line for line in path.read_text().splitlines() if line[:1] != "#"]
            assert len(rows) == SOURCES


def test_a_distortion_that_ctype_does_not_ask_for_can_be_left(tmp_path):
    from header_damage import SIP

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
    from header_damage import PLAIN, SIP

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = extract(fits.PrimaryHDU(pixels(), fits.Header({**PLAIN, **SIP})))
    assert len(table) == SOURCES
    assert capfd.readouterr().out == ""


def test_a_catalogue_that_cannot_be_written_costs_no_other(damaged, tmp_path, monkeypatch):
    from mr_extract.sextractor import export, fieldcards

    folder, names, _ = damaged
    (tmp_path / "m.txt").write_text(f"{folder / names[0]}\n{folder / names[1]}\n")
    run = job("-r", "local", "--catalog", tmp_path / "c.tsv", tmp_path / "m.txt")
    assert run.status == 0, run.err
    whole = fieldcards.header_of

    def broken(uri, account):
        if uri and "a_good" in uri:
            raise RuntimeError("no header")
        return whole(uri, account)

    monkeypatch.setattr(fieldcards, "header_of", broken)
    said = []
    written = export.export(str(tmp_path / "c.tsv"), "fits_ldac", f"{tmp_path}/out/",
                            complain=said.append)
    assert len(written) == 2 and len(said) == 1 and "no header" in said[0]
    assert (tmp_path / "out" / "accounts.tsv").exists()
    for path in written:
        with fits.open(path) as units:
            assert len(units[2].data) == SOURCES
