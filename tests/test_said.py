"""Claims that nothing which a user names is left unused without a word, in every runner."""

import numpy as np
import pytest
from bad_images import fits_bytes, good_pixels
from conftest import job

from mr_extract.images.read import read_image
from mr_extract.remarks import as_cell, hearing, parse_cell


@pytest.fixture
def frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.fits").write_bytes(fits_bytes(good_pixels()))
    (tmp_path / "w.fits").write_bytes(fits_bytes(np.ones_like(good_pixels(), "f4")))
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
])
def test_what_a_line_or_a_rule_names_and_nobody_used_is_said(frame, line, options, remark, runner):
    assert said(line, *options, runner=runner) == [remark]


@pytest.mark.parametrize("line, options", [
    ("a.fits\tweight=w.fits", []),
    ("a.fits\tweight=", ["--weight-type", "none"]),  # says itself that there is none
    ("a.fits\tmask=", ["--mask-image", "{stem}.mask.fits ?"]),
    ("a.fits", ["--weight-image", "w.fits ?"]),
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
