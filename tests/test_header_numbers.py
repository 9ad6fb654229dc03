"""A number in a header card is used, however it is written, or it is said that it is not."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from conftest import LAUNCHER, ROOT, command, job
from stars import star_field

from mr_extract import extract
from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images import read_image
from mr_extract.images.card_numbers import number, usable, value_of
from mr_extract.images.cards import cards_of, parse_cards
from mr_extract.images.companion_values import read_values
from mr_extract.images.companions import set_flags
from mr_extract.images.cutouts import shifted
from mr_extract.images.general import read_general
from mr_extract.images.image import Image
from mr_extract.images.plain import read_plain
from mr_extract.images.region import Region
from mr_extract.images.section import Section
from mr_extract.images.tiled import card, gzip_2_table, padded_header
from mr_extract.images.units import reader_of
from mr_extract.remarks import as_cell, hearing, parse_cell

SHAPE = (120, 140)
DATA = np.rint(star_field(3, 4000.0, SHAPE).data)
UNSIGNED = {8: -128, 16: 1 << 15, 32: 1 << 31, 64: 1 << 63}
TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4"}
WCS = {"CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'", "CRVAL1": "150.0", "CRVAL2": "2.0",
       "CRPIX1": "70.5", "CRPIX2": "60.5", "CD1_1": "-0.0001", "CD1_2": "0.0", "CD2_1": "0.0",
       "CD2_2": "0.0001"}


def fits_file(cards=(), raw=None, wcs=WCS):
    """Bytes of an image; a card is a line as it stands, or keyword and value as they stand."""
    raw = DATA.astype(">f4") if raw is None else raw
    bitpix = next(code for code, name in TYPES.items() if np.dtype(name) == raw.dtype)
    lines = [("SIMPLE", "T"), ("BITPIX", bitpix), ("NAXIS", 2), ("NAXIS1", raw.shape[1]),
             ("NAXIS2", raw.shape[0]), *wcs.items(), *cards]
    text = "".join((one if isinstance(one, str) else f"{one[0]:<8}= {one[1]}").ljust(80)
                   for one in lines) + "END"
    data = raw.tobytes()
    return text.ljust(-(-len(text) // 2880) * 2880).encode() + data + bytes(-len(data) % 2880)


def measured(tmp_path, data, **settings):
    (tmp_path / "image.fits").write_bytes(data)
    return extract(tmp_path / "image.fits", columns=["number", "x", "y", "flux_auto",
                   "fluxerr_auto", "mag_auto", "flag", "ra", "dec"], **settings)


def same(table, other):
    return len(table) > 0 and all((table[name] == other[name]).all() for name in table.colnames)


@pytest.mark.parametrize(("value", "found"), [
    (2, 2), (2.5, 2.5), ("2.5", 2.5), ("3.0 e/ADU", 3.0), ("65535ADU", 65535), ("2.5e-/ADU", 2.5),
    ("0.25D1", 2.5), ("  +2.5E0", 2.5), ("2.", 2.0), (".5", 0.5), ("-21.1 mag", -21.1),
    ("2.5 +/- 0.1", 2.5), (np.float32(2.5), 2.5), (np.int64(3), 3),
    ("1,5", None), ("10:30:00", None), ("10 30 00", None), ("12h30m", None), ("2.5 2.6", None),
    ("1.2.3", None), ("2021-01-01", None), ("1/3", None), ("2_5", None), ("", None),
    ("unknown", None), ("NaN", None), ("inf", None), (float("nan"), None), (float("inf"), None),
    ("1e999", None), (True, None), (None, None),
])
def test_a_text_that_begins_with_a_number_is_that_number_and_half_a_one_is_none(value, found):
    assert number(value) == found


@pytest.mark.parametrize("card", [
    ("GAIN", "'2.5     '"), ("GAIN", "'2.5 e/ADU'"), ("GAIN", "2.5 e/ADU / without quotes"),
    ("GAIN", "'2.5' e/ADU"), ("GAIN", "0.25D1"), ("GAIN", "+2.5E0"), ("gain", "2.5"),
    "GAIN    =2.5 / no blank", "GAIN= 2.5",
], ids=str)
def test_a_gain_is_used_however_it_is_written(card, tmp_path):
    table = measured(tmp_path, fits_file([card]))
    assert same(table, measured(tmp_path, fits_file(), gain=2.5))
    assert "remarks" not in table.meta


@pytest.mark.parametrize("value", ["'2.5 e/ADU'", "1,5", "NaN", "2.5 e/ADU"])
def test_cards_of_a_tiled_image_are_read_as_those_of_a_plain_one(value, tmp_path):
    raw, cards = DATA.astype(">i2"), [("GAIN", value), ("GAIN", "7"), *WCS.items()]
    one, other = (measured(tmp_path, data)
                  for data in (tiled(raw, cards), fits_file(cards, raw, wcs={})))
    assert same(one, other)
    # Astropy writes a card that breaks the rules anew.
    kinds = [[kind for kind, _ in parse_cell(table.meta["remarks"])] for table in (one, other)]
    assert kinds[0] == kinds[1] and len(kinds[0]) == 1


@pytest.mark.parametrize(("key", "lines"), [
    ("HIERARCH ESO DET OUT1 CONAD", ["HIERARCH ESO DET OUT1 CONAD = 2.5 / e/ADU"]),
    ("eso det out1 conad", ["HIERARCH ESO DET OUT1 CONAD = '2.5 e/ADU'"]),
    ("HIERARCH GAIN", ["HIERARCH GAIN = 2.5"]),
    ("GAINOFTHEFIRSTCHIP", ["GAINOFTHEFIRSTCHIP = 2.5"]),
    ("egain", ["EGAIN   = 2.5"]),
    ("LONGGAIN", ["LONGGAIN= '2.&'", "CONTINUE  '5'"]),
])
def test_a_key_may_be_of_any_kind_that_fits_has(key, lines, tmp_path):
    table = measured(tmp_path, fits_file(lines), gain_key=key)
    assert same(table, measured(tmp_path, fits_file(), gain=2.5))
    assert "remarks" not in table.meta


@pytest.mark.parametrize("value", ["-21.1", "-48.6", "0", "'25.3 mag'"])
def test_a_zero_point_may_be_any_number(value, tmp_path):
    table = measured(tmp_path, fits_file([("PHOTZPT", value)]), zero_point_key="PHOTZPT",
                     zero_point=20.0)
    assert same(table, measured(tmp_path, fits_file(), zero_point=float(value.strip("'mag "))))
    assert "remarks" not in table.meta


def test_a_saturation_level_written_as_text_flags_what_reaches_it(tmp_path):
    level = int(DATA.max()) - 20
    table = measured(tmp_path, fits_file([("SATURATE", f"'{level} ADU'")]))
    want = measured(tmp_path, fits_file(), satur_level=level)
    assert same(table, want) and (np.asarray(table["flag"]) & 256).any()


@pytest.mark.parametrize("key", ["gain_key", "satur_key", "zero_point_key"])
@pytest.mark.parametrize(("value", "said"), [
    ("NaN", "nan"), ("'unknown'", "'unknown'"), ("1,5", "'1,5'"), ("T", "True"), ("''", "''"),
    ("                 / none", None), ("0", "0"), ("-1.5", "-1.5"),
])
def test_a_card_that_cannot_be_used_is_named_and_the_setting_holds(key, value, said, tmp_path):
    if key == "zero_point_key" and said in ("0", "-1.5"):
        return
    table = measured(tmp_path, fits_file([("KEYWORD", value)]), **{key: "KEYWORD"})
    assert same(table, measured(tmp_path, fits_file(), **{key: ""}))
    detail = "KEYWORD has no value" if said is None else f"KEYWORD = {said}"
    assert table.meta["remarks"] == f"unusable-card:{detail}"


def test_of_two_cards_the_first_counts_and_the_second_is_said(tmp_path):
    table = measured(tmp_path, fits_file([("GAIN", "2.5"), ("GAIN", "'50.0'")]))
    assert same(table, measured(tmp_path, fits_file(), gain=2.5))
    assert table.meta["remarks"] == "repeated-card:GAIN = 2.5, then '50.0'"
    twice = measured(tmp_path, fits_file([("GAIN", "2.5"), ("GAIN", "2.50")]))
    assert "remarks" not in twice.meta  # nothing was passed over


def test_a_card_that_was_asked_for_by_name_and_is_not_there_is_said(tmp_path):
    assert "remarks" not in measured(tmp_path, fits_file()).meta
    table = measured(tmp_path, fits_file(), gain_key="EGAIN", zero_point_key="MAGZP")
    assert table.meta["remarks"] == "card-not-there:EGAIN;card-not-there:MAGZP"


def test_no_magnitude_is_measured_on_a_detection_image_so_its_zero_point_is_not_missed(tmp_path):
    table = measured(tmp_path, fits_file([("MAGZP", "25")]), zero_point_key="MAGZP",
                     detect=np.array(DATA))
    assert "remarks" not in table.meta


def test_an_extension_falls_back_upon_the_primary_and_what_is_of_no_use_is_named(tmp_path):
    primary, unit = fits.PrimaryHDU(), fits.ImageHDU(DATA.astype("f4"))
    primary.header["GAIN"], unit.header["GAIN"] = "2.5 e/ADU", "unknown"
    primary.header["SATURATE"] = -1
    fits.HDUList([primary, unit]).writeto(tmp_path / "one.fits")
    table = extract(tmp_path / "one.fits", columns=["fluxerr_auto"])
    want = extract(DATA, columns=["fluxerr_auto"], gain=2.5)
    assert (table["fluxerr_auto"] == want["fluxerr_auto"]).all()
    assert table.meta["remarks"] == ("unusable-card:GAIN = 'unknown';"
                                     "unusable-card:SATURATE of the primary header = -1")


def test_headers_of_a_notebook_are_read_alike():
    plain = extract(DATA, gain=2.5, columns=["fluxerr_auto"])
    for header in ({"GAIN": np.float32(2.5)}, {"gain": "2.5"}, fits.Header([("GAIN", "2.5 e")])):
        table = extract(DATA, header=header, columns=["fluxerr_auto"])
        assert (table["fluxerr_auto"] == plain["fluxerr_auto"]).all(), header


def test_every_runner_says_the_same_of_an_image_and_counts_it(tmp_path):
    (tmp_path / "bad.fits").write_bytes(fits_file([("GAIN", "'n/a'"), ("MAGZP", "-21.1")]))
    (tmp_path / "good.fits").write_bytes(fits_file([("GAIN", "'2.5 e'"), ("MAGZP", "0")]))
    options = ["--zero-point-key", "MAGZP"]
    runs = [job("-r", runner, "-", *options, "--summary", "s.json", stdin=b"bad.fits\ngood.fits\n",
                cwd=tmp_path) for runner in ("inline", "local")]
    assert [run.status for run in runs] == [0, 0], runs[0].err
    mapped = command([sys.executable, LAUNCHER, "--mapper", *options], b"bad.fits\ngood.fits\n",
                     tmp_path)
    ordered = b"".join(sorted(mapped.out.splitlines(keepends=True)))
    reduced = command([sys.executable, LAUNCHER, "--reducer", *options], ordered, tmp_path)
    assert runs[0].out == runs[1].out and runs[0].body == reduced.out
    lines = {line.split("\t")[1]: line for line in runs[0].lines if line.startswith("#image")}
    assert "\tremarks=unusable-card:GAIN = 'n/a'" in lines["bad.fits"]
    assert "remarks=" not in lines["good.fits"]
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["remarks"] == {"unusable-card": {
        "images": 1, "first": "bad.fits", "detail": "GAIN = 'n/a'"}}
    assert b"1 measured, unusable-card: bad.fits: GAIN = 'n/a'" in runs[0].err.encode()


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("cards", [
    [("GAIN", "'3.0 e/ADU'")], [("GAIN", "'0.25D1'")], [("GAIN", "2.5 e/ADU")],
    [("GAIN", "2.5"), ("GAIN", "50.0")], [("SATURATE", "'2500 ADU'")], [("CRVAL1", "'150.0'")],
    [("CD1_1", "'-0.0001 deg'")], [("CRPIX1", "70.5"), ("CRPIX1", "1.0")],
], ids=str)
def test_numbers_are_those_that_the_program_reads(cards, tmp_path):
    wcs = {name: value for name, value in WCS.items() if name not in dict(cards)}
    data = fits_file(cards, wcs=wcs)
    ours = measured(tmp_path, data)
    (tmp_path / "c.param").write_text("FLUX_AUTO\nFLUXERR_AUTO\nFLAGS\nALPHA_SKY\nDELTA_SKY\n")
    (tmp_path / "c.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    done = subprocess.run(
        ["source-extractor", "image.fits", "-c", "/dev/null", "-PARAMETERS_NAME", "c.param",
         "-FILTER_NAME", "c.conv", "-CATALOG_NAME", "out", "-VERBOSE_TYPE", "QUIET",
         "-DETECT_MINAREA", "5"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = np.atleast_2d(np.loadtxt(tmp_path / "out"))
    theirs = theirs[np.argsort(theirs[:, 0])]
    ours = ours[np.argsort(ours["flux_auto"])]
    assert len(ours) == len(theirs)
    for column, name in ((0, "flux_auto"), (1, "fluxerr_auto")):
        np.testing.assert_allclose(ours[name], theirs[:, column], rtol=1e-4)
    for column, name in ((3, "ra"), (4, "dec")):  # printed to 1e-7 degrees
        np.testing.assert_allclose(ours[name], theirs[:, column], atol=2e-7)
    assert ((np.asarray(ours["flag"]) & 256 > 0) == (theirs[:, 2].astype(int) & 4 > 0)).all()


def test_the_catalogues_header_says_the_same_gain_and_zero_point(tmp_path):
    (tmp_path / "a.fits").write_bytes(fits_file([
        ("GAIN", "'2.5 e/ADU'"), ("GAIN", "9.0"), ("SATURATE", "'unknown'"), ("PHOTZPT", "-21.1")]))
    run = job("a.fits", "--zero-point-key", "PHOTZPT", "--catalog-type", "fits_ldac", "--catalog",
              "cats", cwd=tmp_path)
    assert run.status == 0, run.err
    with fits.open(tmp_path / "cats" / "a.cat") as units:
        cards = parse_cards("".join(one.ljust(80) for one in units[1].data[0][0]))
    assert (cards["SEXGAIN"], cards["SEXSATLV"], cards["SEXMGZPT"]) == (2.5, 50000.0, -21.1)
    assert "RemarkWarning" not in run.err


def test_the_catalogues_header_says_what_was_used_whoever_said_it(tmp_path):
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(header=fits.Header({"GAIN": 2.5})),
                  fits.ImageHDU(DATA)]).writeto(file)
    (tmp_path / "a.fits").write_bytes(file.getvalue())
    said = b"OBSERVER= 'M\xfcller'"
    (tmp_path / "b.fits").write_bytes(fits_file(["OBSERVER= 'M?ller'"]).replace(
        b"OBSERVER= 'M?ller'", said))
    run = job("-", "--zero-point-key", "ZP", "--zero-point", "20", "--names", "sextractor",
              "--columns", "NUMBER", "--catalog", "c.tsv", "--quiet",
              stdin=b"a.fits\tzero_point=25.125\nb.fits\n", cwd=tmp_path)
    assert run.status == 0, run.err

    def cards():
        done = command([sys.executable, "-m", "mr_extract.sextractor", "c.tsv", "--type",
                        "fits_ldac", "--output", "cats/"], cwd=tmp_path,
                       env={"PYTHONPATH": str(ROOT)})
        assert done.status == 0, done.err
        for name in "ab":
            with fits.open(tmp_path / "cats" / f"{name}.cat") as units:
                found = parse_cards("".join(one.ljust(80) for one in units[1].data[0][0]))
            yield {key: found.get(key) for key in ("SEXGAIN", "SEXSATLV", "SEXMGZPT", "MRXODD")}

    whole = {"SEXGAIN": 0.0, "SEXSATLV": 50000.0, "SEXMGZPT": 20.0, "MRXODD": None}
    assert list(cards()) == [{**whole, "SEXGAIN": 2.5, "SEXMGZPT": 25.125}, {**whole, "MRXODD": 1}]
    for name in "ab":  # then nothing is said that their headers might have said otherwise
        (tmp_path / f"{name}.fits").unlink()
    none = dict.fromkeys(whole)
    assert list(cards()) == [{**none, "SEXMGZPT": 25.125}, none]


def readers(data):
    """Return the plane of the whole file by each reader, and that of a tile put back."""
    part = Section(reader_of(data), Region(0, SHAPE[1], 0, SHAPE[0])).image()
    images = [read_image(data), read_general(data), part]
    return images if data.count(b"ZIMAGE") else [*images, read_plain(data)]


SCALED = [("BSCALE", "'2.0     '"), ("BZERO", "'1.0D1 counts'")]


def tiled(raw, cards):
    table, lines = gzip_2_table(raw, 16)
    bitpix = 8 * raw.dtype.itemsize
    lines += [card("ZIMAGE", True), card("ZTENSION", "IMAGE"), card("ZBITPIX", bitpix),
              card("ZNAXIS", 2), card("ZNAXIS1", raw.shape[1]), card("ZNAXIS2", raw.shape[0]),
              card("ZPCOUNT", 0), card("ZGCOUNT", 1), card("ZTILE1", raw.shape[1]),
              card("ZTILE2", 16), card("ZCMPTYPE", "GZIP_2"),
              *(f"{name:<8}= {value}".ljust(80) for name, value in cards)]
    primary = [card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True)]
    return padded_header(primary) + padded_header(lines) + table + bytes(-len(table) % 2880)


@pytest.mark.parametrize("make", [lambda raw, cards: fits_file(cards, raw), tiled],
                         ids=["plain", "tiled"])
def test_pixels_are_scaled_by_numbers_written_as_text(make):
    raw = DATA.astype(">i2")
    raw[5, 7] = -99
    for image in readers(make(raw, [*SCALED, ("BLANK", "'-99 '")])):
        want = DATA.astype("f4") * 2 + 10
        want[5, 7] = 0
        assert (image.data == want).all() and image.mask.sum() == 1 and image.mask[5, 7]


@pytest.mark.parametrize("make", [lambda raw, cards: fits_file(cards, raw), tiled],
                         ids=["plain", "tiled"])
@pytest.mark.parametrize("value", ["'word    '", "NaN", "1,5"])
def test_pixels_whose_scale_is_no_number_are_a_named_failure(make, value):
    data = make(DATA.astype(">i2"), [("BSCALE", value)])
    part = Section(reader_of(data), Region(0, 9, 0, 9))
    for read in (lambda: read_image(data), part.image):
        with pytest.raises(ImageFailure, match="^corrupt: BSCALE is "):
            read()
    with pytest.raises(ImageFailure):  # astropy takes such a unit for none
        read_general(data)


def test_a_blank_that_is_no_whole_number_is_said():
    for reader in (read_plain, read_general):
        with hearing() as said:
            assert reader(fits_file([("BLANK", "'none'")], DATA.astype(">i2"))).mask is None
        assert as_cell(said) == "unusable-card:BLANK = 'none'"


@pytest.mark.parametrize("make", [lambda raw, cards: fits_file(cards, raw), tiled],
                         ids=["plain", "tiled"])
@pytest.mark.parametrize("bits", UNSIGNED)
@pytest.mark.parametrize("top", [False, True], ids=["small", "large"])
def test_unsigned_integers_are_exact_for_every_reader(make, bits, top):
    if make is tiled and bits == 8:
        return  # GZIP_2 has no bytes to shuffle
    values = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    zero, values = UNSIGNED[bits], (values % 120 if bits == 8 else values % 30_000)
    values = values.astype(np.uint64) + np.uint64((1 << (min(bits, 33) - 2)) * top)
    if bits == 8:
        raw, values = (values + np.uint64(128)).astype("u1"), values.astype(np.int64)
        values -= 256 * (values >= 128)
        raw = (values + 128).astype("u1")
    else:
        raw = (values ^ np.uint64(zero)).astype(f"u{bits // 8}").view(f"i{bits // 8}")
        if bits < 64:
            raw = (values.astype(np.int64) - zero).astype(f"i{bits // 8}")
        raw = raw.astype(f">i{bits // 8}")
    data = make(raw, [("BZERO", str(zero)), ("BSCALE", "1")])
    for image in readers(data):
        assert (image.data == values.astype(np.float32)).all() and image.mask is None
    image = Image(np.zeros(SHAPE, np.float32), full_shape=SHAPE)
    for source in (data, Section(reader_of(data), Region(0, SHAPE[1], 0, SHAPE[0]))):
        found, _ = read_values(source, image)
        assert found.dtype.kind in "iu" and (found == values).all()
        set_flags(image, found)
        assert (image.flags.astype(np.uint32) == values.astype(np.int64).astype(np.uint32)).all()


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_unsigned_integers_of_an_hdu_are_exact(bits, tmp_path):
    values = DATA.astype(f"u{bits // 8}")
    fits.writeto(tmp_path / "u.fits", values)
    want = extract(DATA, columns=["flux_auto"])
    with fits.open(tmp_path / "u.fits") as units:
        for source in (tmp_path / "u.fits", units[0], values):
            assert (extract(source, columns=["flux_auto"])["flux_auto"] == want["flux_auto"]).all()


def test_an_hdu_that_astropy_scales_otherwise_is_a_named_failure(tmp_path):
    for cards in (SCALED, [("BZERO", "1"), ("BZERO", "2")]):
        (tmp_path / "a.fits").write_bytes(fits_file(cards, DATA.astype(">i2")))
        with fits.open(tmp_path / "a.fits") as units:
            with pytest.raises(ImageFailure, match="give the path"):
                extract(units[0])


@pytest.mark.parametrize("projection", ["TAN", "ARC"])
@pytest.mark.parametrize("cards", [
    {"CRVAL1": "'150.0'"}, {"CRPIX2": "'60.5 pix'"},
    {"CD1_1": "'-1.0D-4'", "CD2_2": "'0.0001 deg'"},
], ids=str)
def test_coordinates_written_as_text_are_used(projection, cards, tmp_path):
    kind = {"CTYPE1": f"'RA---{projection}'", "CTYPE2": f"'DEC--{projection}'"}
    table = measured(tmp_path, fits_file(wcs={**WCS, **kind, **cards}))
    want = measured(tmp_path, fits_file(wcs={**WCS, **kind}))
    assert same(table, want) and "remarks" not in table.meta


@pytest.mark.parametrize("projection", ["TAN", "ARC"])
def test_coordinates_of_a_mapping_may_be_text_or_numbers_of_numpy(projection):
    x, y = np.array([3.0, 90.0]), np.array([80.0, 4.0])
    cards = {name: value.strip("'") for name, value in WCS.items()}
    cards |= {"CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}"}
    numbers = {name: np.float64(value) if name[:5] != "CTYPE" else value
               for name, value in cards.items()}
    want = sky_positions(fits.Header((k, getattr(v, "item", lambda v=v: v)())
                                     for k, v in numbers.items()), x, y)
    for header in (cards, numbers):
        np.testing.assert_allclose(sky_positions(header, x, y), want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("equinox", ["'1950.0'", "'B1950'", "'B1950.0 '"])
def test_an_equinox_written_as_text_is_used_by_astropy_too(equinox, tmp_path):
    table = measured(tmp_path, fits_file([("EQUINOX", equinox)]))
    assert same(table, measured(tmp_path, fits_file([("EQUINOX", "1950.0")])))
    table = measured(tmp_path, fits_file([("EQUINOX", "'unknown'")]))
    # Through astropy here, which agrees with the plain way to 1e-10 degrees.
    np.testing.assert_allclose(table["ra"], measured(tmp_path, fits_file())["ra"], atol=1e-9)
    assert table.meta["remarks"] == "unusable-card:EQUINOX = 'unknown'"


@pytest.mark.parametrize("cards", [{"CRVAL1": "'10:00:00'"}, {"CRVAL1": "'10 00 00'"},
                                   {"CD1_1": "'small'"}, {"CRPIX1": "NaN"}], ids=str)
def test_a_coordinate_that_is_no_number_is_named(cards, tmp_path):
    with pytest.raises(ImageFailure, match=f"broken-wcs: the WCS has {list(cards)[0]} = "):
        measured(tmp_path, fits_file(wcs={**WCS, **cards}))


def test_a_coordinate_without_a_value_is_not_there_and_that_is_said(tmp_path):
    table = measured(tmp_path, fits_file([("CROTA2", " / none")]))
    assert same(table, measured(tmp_path, fits_file()))
    assert table.meta["remarks"] == "unusable-card:CROTA2 has no value"


def test_a_cut_out_has_one_reference_pixel_also_where_it_was_text():
    cards = ["CRPIX1  = '70.5 pix'".ljust(80), "CTYPE1  = 'RA---TAN'".ljust(80)]
    lines = [one for one in shifted(cards, (10, 0)) if one.startswith("CRPIX1")]
    assert [re.split("= +", one)[1].strip() for one in lines] == ["60.5"]


def test_the_first_of_several_cards_counts_whatever_reads_them():
    text = "".join(line.ljust(80) for line in (
        "A       =", "A       = 1", "A       = 2", "HIERARCH B C = 3", "HIERARCH B C = 4",
        "COMMENT = x", "COMMENT = y", "END"))
    cards = parse_cards(text)
    assert cards["A"] == 1 and cards.repeated == {"A": 2} and not cards.empty
    assert value_of(cards, "HIERARCH B C") == 3
    header = fits.Header([("A", 1), ("B", 2)])
    header.append(("A", 5), end=True)
    with hearing() as said:
        assert usable(cards_of(header), "A") == (1, True)
    assert as_cell(said) == "repeated-card:A = 1, then 5"
