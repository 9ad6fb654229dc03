"""Names that look like something else, and bytes where none are meant."""

import bz2
import gzip
import io
import sys

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from stars import star_field

from mr_extract import extract
from mr_extract.failures import ImageFailure
from mr_extract.remarks import hearing
from mr_extract.text.manifest import checked, is_fits_name
from mr_extract.text.naming import Place, parse_place, parse_rule
from mr_extract.unpacking import unpack, unpacking_reader
from preprocess.__main__ import main

DATA = star_field(8, 3000.0, (200, 260)).data


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with frame.fits[1], a file of one image, beside frame.fits, whose [1] is none."""
    monkeypatch.chdir(tmp_path)
    fits.writeto("frame.fits[1]", DATA)
    fits.writeto("frame.fits", DATA * 2)
    return tmp_path


def test_a_file_wins_over_an_extension(here):
    there, other = checked("frame.fits[1]"), checked("frame.fits[2]")
    assert (there.uri, there.ext) == ("frame.fits[1]", None)
    assert (other.uri, other.ext) == ("frame.fits", 2)
    part = checked("frame.fits[1][0:50,0:60]")
    assert (part.uri, part.ext, part.get("region")) == ("frame.fits[1]", None, "0:50,0:60")
    assert checked("frame.fits[1][0]").ext == 0
    assert checked(f"file://{here}/frame.fits[1]").ext is None
    assert parse_place("frame.fits[1]") == Place("frame.fits[1]")
    assert parse_rule("{stem}.fits[1]").places("frame.fit")[0] == Place("frame.fits[1]")
    assert parse_rule("{stem}.fits[2]").places("frame.fit")[0] == Place("frame.fits", 2)
    # Of remote places nothing is asked.
    assert checked("s3://b/frame.fits[1]").ext == 1
    assert checked("s3://b/frame.fits[1][0]").uri == "s3://b/frame.fits[1]"


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_file_in_brackets_is_measured_by_every_way_to_name_it(here, runner):
    (here / "list.txt").write_text("frame.fits[1]\tid=listed\tmask=frame.fits[1]\n"
                                   "frame.fits[1]\tid=plain\n")
    run = job("-r", runner, "frame.fits[1]", "list.txt", "--mask-type", "good", "--columns",
              "flux_auto", "--catalog", "out.tsv")
    assert run.status == 0, run.err
    rows = {}
    for line in (here / "out.tsv").read_text().splitlines()[1:]:
        if not line.startswith("#"):
            rows.setdefault(line.split("\t")[0], []).append(line.split("\t")[1])
    assert set(rows) == {"image", "frame.fits[1]", "listed", "plain"}
    assert rows["frame.fits[1]"] == rows["plain"]
    assert len(extract("frame.fits[1]")) == len(rows["plain"])


def test_a_name_packed_twice_with_a_region_is_an_image(here):
    assert is_fits_name("a.fits.fz.gz") and is_fits_name("a.fit.gz.bz2")
    unit = fits.CompImageHDU(DATA)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(file)
    (here / "a.fits.fz.gz").write_bytes(gzip.compress(file.getvalue()))
    (here / "b.img").write_bytes((here / "frame.fits").read_bytes())
    run = job("-r", "inline", "a.fits.fz.gz[0:260,0:200]", "a.fits.fz.gz", "b.img[0:260,0:200]",
              "--columns", "x", "--catalog", "out.tsv")
    assert run.status == 0, run.err
    assert (here / "out.tsv").read_text().count("#image") == 3


PLAIN = b"SIMPLE  =" + bytes(range(256)) * 2000


def heard(packed):
    """Return what both ways to unpack give and say: (bytes or failure, remarks)."""
    results = []
    for way in (lambda: unpack(packed),
                lambda: unpacking_reader(io.BytesIO(packed))(0, 10 * len(PLAIN))):
        with hearing() as said:
            try:
                result = way()
            except ImageFailure as failure:
                result = failure.kind, failure.message
        results.append((result, list(said)))
    return results


@pytest.mark.parametrize("isal", [True, False])
@pytest.mark.parametrize("pack, packing", [(gzip.compress, "gzip"), (bz2.compress, "bzip2")])
def test_bytes_behind_a_stream_are_left_and_said(monkeypatch, isal, pack, packing):
    if not isal:
        monkeypatch.setitem(sys.modules, "isal", None)
    packed = pack(PLAIN)
    said = [("trailing-bytes", f"7 bytes behind the end of the {packing} stream")]
    for content, expected in (
        (packed, (PLAIN, [])), (packed + packed, (PLAIN + PLAIN, [])),
        (packed + b"\0" * 5000, (PLAIN, [])),
        (packed + b"garbage", (PLAIN, said)),
        (packed + b"\0\0" + pack(b"x") + b"garbage", (PLAIN + b"x", said)),
    ):
        assert heard(content) == [expected, expected]
    # A second stream that is damaged is no garbage.
    for content, kind in ((packed + packed[:-9], "truncated"), (packed[:-9], "truncated"),
                          (packed + packed[:40] + b"\xff" * 400, "corrupt")):
        first, second = heard(content)
        assert first == second
        assert first[0][0] == kind


def test_a_stream_is_gone_back_in(here):
    read = unpacking_reader(io.BytesIO(gzip.compress(PLAIN) + b"more"))
    with hearing():
        assert read(300_000, 10) == PLAIN[300_000:300_010]
        assert read(5, 10) == PLAIN[5:15]
        assert read(len(PLAIN) - 3, 10) == PLAIN[-3:]
        assert read(len(PLAIN) + 3, 10) == b""


def test_tiles_are_written_under_names_of_their_own_whatever_their_overlap(here):
    assert main(["tiles", "frame.fits", "--size", "64", "--overlap", "128", "--write", "tiles",
                 "-o", "tiles.txt"]) == 0
    lines = (here / "tiles.txt").read_text().splitlines()
    assert len({line.split("\t")[0] for line in lines}) == len(lines) > 4
    run = job("-r", "inline", "tiles.txt", "--columns", "x,y", "--catalog", "out.tsv")
    assert run.status == 0, run.err
    rows = [line.split("\t")[1:] for line in (here / "out.tsv").read_text().splitlines()
            if line.startswith("frame")]
    assert len(rows) == len(np.unique(np.array(rows, float), axis=0)) > 10
