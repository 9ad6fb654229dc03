"""Claims that nothing which a user names is left unused without a word, in every runner."""

import gzip
import io
import re
import sys

import numpy as np
import pytest
from astropy.io import fits
from bad_images import fits_bytes, good_pixels
from conftest import ROOT, command, job

from mr_extract.failures import KINDS
from mr_extract.images.asinh import make_linear
from mr_extract.images.companions import add_mask
from mr_extract.images.cutouts import cut_file
from mr_extract.images.general import read_general
from mr_extract.images.read import read_image
from mr_extract.jobs.beside.checkimage_files import wcs_cards
from mr_extract.planes.levels import known_levels
from mr_extract.remarks import REMARKS, as_cell, hearing, parse_cell
from mr_extract.settings.beside import Companions
from mr_extract.settings.measuring import Measurement

SKY = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 5.0,
       "CRPIX1": 1.0, "CRPIX2": 1.0, "CDELT1": -1e-4, "CDELT2": 1e-4}


@pytest.fixture
def frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = fits_bytes(good_pixels(), **SKY)
    (tmp_path / "a.fits").write_bytes(whole)
    (tmp_path / "tail.fits").write_bytes(whole + b"left by a tape".ljust(2880))
    (tmp_path / "padded.fits").write_bytes(whole + bytes(5760))
    (tmp_path / "bare.fits").write_bytes(fits_bytes(good_pixels()))
    sun = {**SKY, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"}
    (tmp_path / "sun.fits").write_bytes(fits_bytes(good_pixels(), **sun))
    marks = np.zeros(good_pixels().shape, "i2")
    marks[2, 3:8] = -5
    (tmp_path / "m.fits").write_bytes(fits_bytes(marks, BLANK=-5))
    (tmp_path / "targets.csv").write_text("x,y\n70,60\n")
    (tmp_path / "w.fits").write_bytes(fits_bytes(np.ones_like(good_pixels(), "f4")))
    (tmp_path / "f.fits").write_bytes(fits_bytes(np.zeros_like(good_pixels(), "i2")))
    return tmp_path


def said(line, *options, runner="inline"):
    """Measure the image of a line and return its remarks."""
    if runner == "bare pipe":
        done = job("--mapper", *options, stdin=line.encode())
        done = job("--reducer", stdin=done.out)
    else:
        done = job("-r", runner, "--quiet", *options, "-", stdin=line.encode())
    assert done.status == 0, done.err
    (image,) = [one for one in done.out.decode().splitlines() if one.startswith("#image")]
    cells = dict(cell.split("=", 1) for cell in image.split("\t")[2:])
    return parse_cell(cells.get("remarks", ""))


@pytest.mark.parametrize("runner", ["inline", "local", "bare pipe"])
@pytest.mark.parametrize("line, options, remark", [
    ("a.fits", ["--mask-image", "{stem}.mask.fits ?"],
     ("companion-absent", "mask: there is no a.mask.fits")),
    ("a.fits", ["--weight-image", "sci -> wht ?"],
     ("companion-absent", "weight: the rule does not apply to the name of the image")),
    ("a.fits", ["--detect-image", "{stem}.deep.fits ?"],
     ("companion-absent", "detection image: there is no a.deep.fits")),
    ("a.fits\tweight=w.fits", ["--weight-type", "none"],
     ("not-used", "the field weight, as weight_type is none")),
    ("a.fits\trms=w.fits", ["--weight-type", "background"],
     ("not-used", "the field rms, as weight_type is background")),
    ("a.fits\tdetect_weight=w.fits", [],
     ("not-used", "the field detect_weight, as there is no detection image")),
    ("a.fits\tmask=m.fits", [],
     ("not-used", "mask: BLANK = -5, which 5 pixels have: a value like others")),
    ("a.fits\tflags=m.fits", ["--columns", "number,imaflags_iso"],
     ("not-used", "flags: BLANK = -5, which 5 pixels have: a value like others")),
    ("tail.fits", [],
     ("trailing-bytes", "behind the last extension, and no extension themselves")),
    ("bare.fits", [], ("no-sky-positions", "")),
    ("sun.fits", [], ("no-sky-positions", "")),
    ("a.fits", ["--bw", "100", "--bh", "500"],
     ("not-used", "bh = 500 beyond the 120 pixels of the image")),
    ("a.fits\tdetect=w.fits", ["--forced", "targets.csv"],
     ("not-used", "the field detect, as nothing is detected at given positions")),
    ("a.fits", ["--columns", "number,imaflags_iso"],
     ("companion-absent", "flags: there is no flag image, and imaflags_iso is 0")),
])
def test_what_a_line_or_a_rule_names_and_nobody_used_is_said(frame, line, options, remark, runner):
    assert said(line, *options, runner=runner) == [remark]


@pytest.mark.parametrize("line, options, remark", [
    ("a.fits", ["--mask-bits", "4"], "mask_bits, as there is no mask"),
    ("a.fits\tweight=w.fits", ["--mask-type", "good"], "mask_type, as there is no mask"),
    ("a.fits\tmask=f.fits", ["--weight-thresh", "0.5"],
     "weight_thresh, as there is no weight map"),
    ("a.fits", ["--weight-image", "w.fits", "--weight-type", "none"],
     "the rule weight_image, as weight_type is none"),
    ("a.fits\tflags=f.fits", [], "flags, as neither imaflags_iso nor nimaflags_iso is chosen"),
    ("a.fits\tflags=f.fits", ["--forced", "targets.csv"],
     "flags, as nothing is detected at given positions"),
])
def test_what_has_nothing_to_do_is_said(frame, line, options, remark):
    assert said(line, *options) == [("not-used", remark)]


@pytest.mark.parametrize("line, options", [
    ("a.fits\tweight=w.fits", []),
    ("a.fits\tmask=", ["--mask-bits", "4"]),
    ("a.fits\tdetect=a.fits\tdetect_mask=f.fits", ["--mask-bits", "4"]),
    ("a.fits\tmask=f.fits\tdetect=a.fits", ["--mask-bits", "4"]),
    ("a.fits\tweight=", ["--weight-image", "w.fits", "--weight-type", "none"]),
    ("a.fits\tweight=w.fits", ["--weight-thresh", "0.5"]),
    ("a.fits\tweight=", ["--weight-type", "none"]),  # says itself that there is none
    ("a.fits\tmask=", ["--mask-image", "{stem}.mask.fits ?"]),
    ("a.fits", ["--weight-image", "w.fits ?"]),
    ("padded.fits", []),
    ("bare.fits", ["--columns", "number,x,y"]),
])
def test_what_is_used_or_was_not_wanted_needs_no_word(frame, line, options):
    assert said(line, *options) == []


def test_blank_of_real_numbers_is_said_where_it_would_have_counted():
    pixels = good_pixels().astype("f4")
    buffer = fits_bytes(pixels, BLANK=-99)
    with hearing() as quiet:
        read_image(buffer)
    assert not quiet  # no pixel has it
    pixels[3, 4:6] = -99
    with hearing() as heard:
        assert read_image(fits_bytes(pixels, BLANK=-99)).mask is None
    assert as_cell(heard) == "not-used:BLANK = -99 of real numbers, which 2 pixels have"


@pytest.mark.parametrize("keyword", ["BSCALE", "BZERO", "BLANK"])
def test_cards_of_the_pixels_without_a_value_are_said(keyword):
    card = f"{keyword:<8}= {'1':>20}".encode()
    pixels = good_pixels().astype("i2")
    bare = fits_bytes(pixels, **{keyword: 1}).replace(card, card[:10].ljust(len(card)))
    with hearing() as heard:
        image = read_image(bare)
    assert as_cell(heard) == f"unusable-card:{keyword} has no value"
    assert np.array_equal(image.data, pixels)


def test_cards_of_asinh_pixels_are_numbers_however_they_are_written():
    pixels = np.full((120, 150), 1.5, "f4")
    buffers = [fits_bytes(pixels, BOFFSET=0.5, BSOFTEN=value) for value in (7.0, "7.0 DN", "none")]
    found = []
    for buffer in buffers:
        image = read_image(buffer)
        with hearing() as heard:
            make_linear(image)
        found.append((image.data[0, 0], as_cell(heard)))
    assert found[0] == found[1] and found[0][1] == (
        "asinh-pixels:made linear, BOFFSET 0.5, BSOFTEN 7")
    assert found[2] == (1.5, "unusable-card:BSOFTEN = 'none'")


@pytest.mark.parametrize("cards, remark", [
    ({"BOFFSET": 0.5}, "not-used:card BOFFSET without BSOFTEN: pixels stay as they are"),
    ({"BSOFTEN": 7.0}, "not-used:card BSOFTEN without BOFFSET: pixels stay as they are"),
    ({"BOFFSET": 0.5, "BSOFTEN": None}, "unusable-card:BSOFTEN has no value"),
])
def test_one_card_of_the_asinh_scaling_alone_is_said(cards, remark):
    image = read_image(fits_bytes(np.full((120, 150), 1.5, "f4"), **cards))
    with hearing() as heard:
        make_linear(image)
    assert (image.data[0, 0], as_cell(heard)) == (1.5, remark)


def test_a_card_that_a_calibration_overrules_is_said():
    image = read_image(fits_bytes(good_pixels(), GAIN=3.0, SATURATE=60000))
    image.gain, image.saturation, image.zero_point = 4.5, 60000.0, 22.5
    with hearing() as heard:
        levels = known_levels(image, Measurement())
    assert (levels.gain, levels.saturation, levels.zero_point) == (4.5, 60000.0, 22.5)
    assert as_cell(heard) == "not-used:card GAIN = 3.0, as gain is known: 4.5"
    image.gain = None
    with hearing() as heard:
        assert known_levels(image, Measurement(), 25.0).elsewhere == {"saturation", "zero_point"}
    assert not heard


def test_of_one_name_the_general_reader_says_the_same_as_the_plain_one():
    units = [fits.PrimaryHDU()]
    units += [fits.ImageHDU(np.full((8, 9), k, "i2"), name="SCI") for k in (1, 2)]
    file = io.BytesIO()
    fits.HDUList(units).writeto(file)
    heard = []
    for read in (read_image, read_general):
        with hearing() as said_of_it:
            assert read(file.getvalue(), "SCI").hdu == 1
        heard.append(as_cell(said_of_it))
    assert heard == ["first-of-name:2 extensions are called SCI: number 1 was taken"] * 2


def test_further_tables_of_a_list_are_said_and_none_can_be_named(frame):
    tables = [fits.BinTableHDU.from_columns([
        fits.Column(name, "D", array=np.array([50.0, 60.0])) for name in names])
        for names in (("A", "B"), ("X_IMAGE", "Y_IMAGE"), ("X_IMAGE", "Y_IMAGE"))]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(frame / "ldac.fits")
    assert said("a.fits", "--forced", "ldac.fits") == [
        ("not-used", "targets: tables of the list's file behind the first with positions: 1")]
    run = job("--forced", "ldac.fits[3]", "a.fits")
    assert run.status == 2 and (
        "[3]: of a list the first table with positions is read" in run.err)


def test_the_quality_of_an_image_has_no_use_for_a_detection_image(frame):
    run = command([sys.executable, "-m", "mr_extract.jobs.quality", "--quiet", "-"],
                  stdin=b"a.fits\tdetect=w.fits\tpositions=targets.csv",
                  env={"PYTHONPATH": str(ROOT)})
    assert run.status == 0, run.err
    for name in (b"detect", b"positions"):
        assert b"not-used:the field %s, as quality is that of the image itself" % name in run.out


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-40])
def test_a_part_of_an_image_keeps_the_units_of_its_pixels(scale):
    pixels = good_pixels().astype(float) * scale
    part = read_image(cut_file(read_image(fits_bytes(pixels))))
    assert np.allclose(part.pixels().astype(float), pixels, rtol=1e-6, atol=0)


def test_bits_of_a_mask_of_truth_values_are_said():
    image = read_image(fits_bytes(good_pixels()))
    with hearing() as heard:
        add_mask(image, np.eye(120, 150) > 0, Companions(mask_bits=4))
    assert as_cell(heard) == "not-used:mask_bits: truth values have no bits"


def test_check_images_have_the_distortion_of_their_image():
    cards = [f"WAT{axis}_00{k}= 'wtype=tnx'" for axis in (1, 2) for k in (1, 2)]
    header = read_image(fits_bytes(good_pixels(), **SKY)).header
    lines = [card.ljust(80) for card in (*cards, "CRVAL1  =  10.0 / in \u00b0", "OBJECT  = 'x'")]
    header.text = "".join(lines) + "END".ljust(80)
    kept = wcs_cards(header)
    assert kept[:4] == lines[:4]
    assert kept[4].startswith("CRVAL1  =  10.0 / in ?") and len(kept) == 5


def test_the_page_of_what_is_said_names_every_remark_and_only_kinds_that_there_are():
    rows = [line.split(" | ") for line in (ROOT / "docs" / "said.md").read_text().splitlines()
            if line.startswith("| ") and not line.startswith(("| what", "| ---"))]
    named = {"remark": set(), "failure": set()}
    for row in rows:
        for what, kinds in re.findall(r"(remark|failure)s? ((?:`[^`]+`(?:, | or )?)+)", row[-1]):
            named[what] |= set(re.findall(r"`([^`]+)`", kinds))
    assert named["remark"] == set(REMARKS)
    assert named["failure"] - {"fetch-..."} <= set(KINDS)


def test_the_tools_say_it_in_one_plain_line(tmp_path):
    buffer = fits_bytes(good_pixels())
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(buffer) + b"tail")
    run = command([sys.executable, "-m", "preprocess", "tiles", "a.fits.gz", "--size", "64",
                   "--overlap", "8", "--bw", "8", "--bh", "8"], cwd=tmp_path,
                  env={"PYTHONPATH": str(ROOT)})
    assert run.status == 0, run.err
    told = [line for line in run.err.splitlines() if "trailing-bytes" in line]
    assert told == ["python -m preprocess tiles: trailing-bytes: 4 bytes behind the end of the "
                    "gzip stream"]
    assert "Warning" not in run.err
