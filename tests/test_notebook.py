"""What a notebook gives to `extract`: used as it is meant, or said, or refused."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDDataRef,
    StdDevUncertainty,
    VarianceUncertainty,
)
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked
from astropy.wcs import WCS, DistortionLookupTable

from mr_extract import extract
from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.notebook.astropy_objects import header_of
from mr_extract.remarks import hearing, parse_cell

TAN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
       "CRPIX1": 50.5, "CRPIX2": 50.5, "CD1_1": -1e-4, "CD1_2": 1e-6, "CD2_1": 2e-6,
       "CD2_2": 1e-4}
LEFT = np.zeros((100, 100), bool)
LEFT[44:59, 34:49] = True  # one of the two sources
X, Y = np.array([41.0, 71.0]), np.array([51.0, 21.0])


def wcs_of(cards):
    return WCS(fits.Header(cards))


RA, DEC = wcs_of(TAN).all_pix2world(X, Y, 0)


@pytest.fixture(scope="module")
def image():
    """Two sources on a sky of noise."""
    data = np.random.default_rng(1).normal(0.0, 1.0, (100, 100))
    data[50:53, 40:43] += 50.0
    data[20:23, 70:73] += 80.0
    return data


def said(table):
    heard = parse_cell(table.meta.get("remarks", ""))
    return [one for one in heard if one[0] != "no-sky-positions"]  # most images here have no WCS


# ---- images

MASKED = {
    "masked array": lambda data: np.ma.MaskedArray(data, LEFT),
    "masked quantity": lambda data: Masked(data * u.adu, mask=LEFT),
    "CCDData": lambda data: CCDData(data, unit="adu", mask=LEFT),
    "CCDData with a mask of integers": lambda data: CCDData(data, unit="adu", mask=LEFT * 4),
    "CCDData of a cube": lambda data: CCDData(data[None], unit="adu", mask=LEFT[None]),
}


@pytest.mark.parametrize("kind", MASKED)
def test_the_mask_of_an_image_counts_whatever_holds_it(image, kind):
    assert extract(MASKED[kind](image))["x"].round(0).tolist() == [71.0]
    assert extract(image, detect=MASKED[kind](image))["x"].round(0).tolist() == [71.0]


HEADERS = {
    "tan": TAN, "fk5": {**TAN, "RADESYS": "FK5", "EQUINOX": 2000.0},
    "sip": {**TAN, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2,
            "A_2_0": 1e-4, "B_ORDER": 2, "B_0_2": -2e-4},
    "tpv": {**TAN, "CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_4": 5.0,
            "PV2_1": 1.0, "PV2_4": 3.0},
    "scamp": {**TAN, "PV1_1": 1.0, "PV1_4": 5.0, "PV2_1": 1.0, "PV2_4": 3.0},
    "galactic": {**TAN, "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"},
    "zpn": {**TAN, "CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 42.0},
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_wcs_means_what_astropy_says_of_it(kind):
    wcs = wcs_of(HEADERS[kind])
    x, y = np.array([0.0, 99.0, 30.0]), np.array([0.0, 50.0, 99.0])
    with hearing() as heard:
        found = sky_positions(header_of(wcs), x, y)
    truth = wcs.pixel_to_world(x, y).icrs
    apart = truth.separation(SkyCoord(*found, unit="deg"))
    assert apart.max() < 1e-5 * u.arcsec
    # astropy does not take PV of a TAN header for a distortion, as files have it.
    assert [kind for kind, _ in heard] == (["not-used"] if kind == "scamp" else [])


def test_the_wcs_of_a_ccddata_stands_for_the_coordinates_of_its_header(image):
    old = fits.Header({**TAN, "CRVAL1": 20.0, "A_ORDER": 2, "A_2_0": 1e-3, "GAIN": 2.0})
    given = CCDData(image, unit="adu", wcs=wcs_of(TAN), meta=old)
    table = extract(given)
    plain = extract(image, header={**TAN, "GAIN": 2.0})
    assert np.allclose(table["ra"], plain["ra"], rtol=0, atol=1e-9)
    assert np.array_equal(table["fluxerr_aper_1"], plain["fluxerr_aper_1"])
    assert not said(table)
    part = extract(given[10:, 20:])
    assert np.allclose(np.sort(part["ra"]), np.sort(plain["ra"]), rtol=0, atol=1e-7)
    assert np.allclose(extract(given, header={**TAN, "CRVAL1": 10.0})["ra"], 10.0, atol=0.1)


@pytest.mark.parametrize("wcs", ["tables", "sliced"])
def test_a_wcs_that_no_card_can_say_gives_no_positions_and_says_so(image, wcs):
    whole = wcs_of(TAN)
    if wcs == "tables":
        whole.cpdis1 = DistortionLookupTable(np.ones((3, 3), np.float32), (1, 1), (1, 1), (49, 49))
        given = CCDData(image, unit="adu", wcs=whole)
        with pytest.raises(ValueError, match="tables of distortion"):
            extract(image, header=whole)
    else:
        given = NDDataRef(image, wcs=whole)[10:, 20:]
    table = extract(given)
    assert len(table) == 2 and np.isnan(table["ra"]).all()
    assert [kind for kind, _ in said(table)] == ["not-used"]


GIVEN = {
    "Header": fits.Header(TAN), "WCS": wcs_of(TAN), "dict": TAN,
    "lower case": {key.lower(): value for key, value in TAN.items()},
    "with comments": {key: (value, "a comment") for key, value in TAN.items()},
    "numbers of numpy": {key: np.array(value)[()] for key, value in TAN.items()},
}


@pytest.mark.parametrize("kind", GIVEN)
def test_a_header_may_be_given_in_many_ways(image, kind):
    table = extract(image, header=GIVEN[kind])
    assert np.allclose(np.sort(table["ra"]), np.sort(RA), rtol=0, atol=1e-5)


def test_of_keywords_that_differ_in_case_alone_the_one_in_capitals_is_used(image):
    table = extract(image, header={"gain": 7.0, "GAIN": 2.0, "Satur": 5.0, "SATUR": 5.0})
    assert np.array_equal(table["fluxerr_aper_1"],
                          extract(image, header={"GAIN": 2.0})["fluxerr_aper_1"])
    assert said(table) == [("repeated-card", "GAIN = 2.0, then gain = 7.0")]


def test_a_header_that_is_given_stands_in_place_of_all_that_the_file_has(image, tmp_path):
    units = [fits.PrimaryHDU(header=fits.Header({"GAIN": 2.0})), fits.ImageHDU(image)]
    fits.HDUList(units).writeto(tmp_path / "mef.fits")
    table = extract(tmp_path / "mef.fits", header=TAN)
    assert np.array_equal(table["fluxerr_aper_1"],
                          extract(image.astype(">f8"), header=TAN)["fluxerr_aper_1"])


def test_a_card_that_astropy_cannot_parse_hurts_no_image(image):
    header = fits.Header.fromstring("FILTER  = 2.5abc".ljust(80))
    assert len(extract(image, header=header)) == 2


@pytest.mark.parametrize("given", [fits.Header(TAN).tostring(), [("GAIN", 2.0)], 5])
def test_what_is_no_header_is_refused_by_name(image, given):
    with pytest.raises(ValueError, match=f"header takes.*{type(given).__name__}"):
        extract(image, header=given)


def test_pixels_in_electrons_have_the_gain_one(image):
    one = extract(image, header={"GAIN": 1.0})["fluxerr_aper_1"]
    for given in (image * u.electron, CCDData(image, unit="electron")):
        table = extract(given)
        assert np.array_equal(table["fluxerr_aper_1"], one) and not said(table)
    table = extract(CCDData(image, unit="electron", meta={"GAIN": 2.5}))
    assert np.array_equal(table["fluxerr_aper_1"], one)
    assert said(table) == [("not-used", "card GAIN = 2.5, as gain is known: 1")]
    forty = extract(image * u.electron, gain=40.0)["fluxerr_aper_1"]
    assert np.array_equal(forty, extract(image, gain=40.0)["fluxerr_aper_1"])
    assert (forty < one).all()
    assert not said(extract(image * u.adu))


@pytest.mark.parametrize("given, word", [
    (lambda data: data * u.Jy, "unit Jy"),
    (lambda data: CCDData(data, unit="adu", uncertainty=StdDevUncertainty(np.ones_like(data))),
     "uncertainty"),
    (lambda data: CCDData(data, unit="adu", psf=np.ones((3, 3))), "psf"),
    (lambda data: CCDData(data, unit="adu", flags=np.full(data.shape, 0.5)), "flags"),
])
def test_what_is_not_used_of_an_image_is_said(image, given, word):
    (kind, detail), = said(extract(given(image)))
    assert kind == "not-used" and detail.startswith(word)


def test_the_flags_of_a_ccddata_are_a_flag_image(image):
    given = CCDData(image, unit="adu", flags=np.full(image.shape, 4))
    columns = {"columns": "default,imaflags_iso"}
    assert extract(given, **columns)["imaflags_iso"].tolist() == [4, 4]
    assert extract(given, flags=np.full(image.shape, 2), **columns)["imaflags_iso"][0] == 2


def test_flags_count_where_the_sources_are_found_on_another_image(image):
    table = extract(image, flags=np.full(image.shape, 4), detect=image,
                    columns="default,imaflags_iso")
    assert table["imaflags_iso"].tolist() == [4, 4]


@pytest.mark.parametrize("given, kind", [
    (fits.BinTableHDU.from_columns([fits.Column("a", "D", array=[1.0])]), "no-image"),
    (fits.ImageHDU(), "no-image"), ([np.zeros((5, 5))], "unsupported-pixels"),
])
def test_what_is_no_image_has_a_name(given, kind):
    with pytest.raises(ImageFailure) as failure:
        extract(given)
    assert failure.value.kind == kind


def test_an_extension_of_what_is_no_path_is_refused(image):
    with pytest.raises(ValueError, match="ext=2 is for a path"):
        extract(fits.ImageHDU(image), ext=2)


# ---- masks, weights, flags

def test_what_is_masked_in_a_companion_does_not_count(image):
    even = np.ones(image.shape)
    for weight in (np.ma.MaskedArray(even, LEFT), CCDData(even, unit="", mask=LEFT),
                   Masked(even, mask=LEFT), fits.ImageHDU(np.where(LEFT, np.nan, even))):
        assert extract(image, weight=weight)["x"].round(0).tolist() == [71.0]
    none = np.zeros(image.shape, int)
    for mask in (np.ma.MaskedArray(none, LEFT), CCDData(none, unit="", mask=LEFT),
                 fits.ImageHDU(LEFT.astype("u1"))):
        assert extract(image, mask=mask)["x"].round(0).tolist() == [71.0]
    flags = np.ma.MaskedArray(np.full(image.shape, 4), LEFT)
    table = extract(image, flags=flags, columns="default,imaflags_iso")
    assert table["imaflags_iso"].tolist() == [4, 0]
    assert said(table) == [("not-used", "flags: those of 225 masked pixels count as 0")]


def test_an_uncertainty_is_an_absolute_noise(image):
    rms = np.random.default_rng(3).uniform(0.8, 1.2, image.shape)
    truth = extract(image, weight=rms, weight_type="map_rms")
    for weight in (StdDevUncertainty(rms), VarianceUncertainty(rms**2), InverseVariance(rms**-2)):
        table = extract(image, weight=weight)
        assert np.allclose(table["fluxerr_aper_1"], truth["fluxerr_aper_1"], rtol=1e-5)


def test_a_weight_that_no_setting_asks_for_is_said(image):
    table = extract(image, weight=np.ones(image.shape), weight_type="none")
    assert said(table) == [("not-used", "weight: the setting weight_type is none")]


# ---- tables

TABLES = {
    "degrees": lambda: Table({"ra": RA, "dec": DEC}),
    "hourangle": lambda: Table({"ra": (RA * u.deg).to(u.hourangle), "dec": DEC * u.deg}),
    "radian": lambda: QTable({"ra": np.radians(RA) * u.rad, "dec": np.radians(DEC) * u.rad}),
    "arcmin": lambda: QTable({"ra": RA * 60 * u.arcmin, "dec": DEC * 3600 * u.arcsec}),
    "SkyCoord": lambda: Table({"where": SkyCoord(RA, DEC, unit="deg")}),
    "galactic": lambda: Table({"where": SkyCoord(RA, DEC, unit="deg").galactic}),
    "SkyCoord beside": lambda: Table({"where": SkyCoord(RA + 1, DEC, unit="deg"), "ra": RA,
                                      "dec": DEC, "when": Time([55000, 55001], format="mjd")}),
    "pixels": lambda: Table({"x": X * u.pix, "y": Y}),
    "texts": lambda: Table({"X_IMAGE": ["42", "72"], "Y_IMAGE": [b"52", b"22"]}),
    "vectors of one": lambda: Table({"x": X[:, None], "y": Y[:, None]}),
    "other vectors": lambda: Table({"x": X, "y": Y, "stamp": np.zeros((2, 3, 3))}),
}


def at(image, table, **settings):
    return extract(image, header=TAN, forced=table, apertures=(5,), **settings)


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_means_the_places_that_its_units_say(image, kind):
    found = at(image, TABLES[kind]())
    assert np.allclose(found["x"], X, atol=1e-5) and np.allclose(found["y"], Y, atol=1e-5)
    known = extract(image, header=TAN, assoc=TABLES[kind](), assoc_selection="all")
    assert known.meta["matched"] == 2


@pytest.mark.parametrize("kind, form", [
    (kind, form) for kind in ("hourangle", "radian", "arcmin", "galactic")
    for form in ("fits", "ascii.ecsv", "votable")
    if (kind, form) not in (("hourangle", "fits"), ("galactic", "votable"))  # none writes them
])
def test_so_do_the_units_in_files(image, tmp_path, kind, form):
    TABLES[kind]().write(tmp_path / "list", format=form)
    found = at(image, tmp_path / "list")
    assert np.allclose(found["x"], X, atol=1e-5) and np.allclose(found["y"], Y, atol=1e-5)


@pytest.mark.parametrize("x", [
    MaskedColumn([41, 71], mask=[False, True]), MaskedColumn([41.0, 71.0], mask=[False, True]),
    MaskedColumn(["41", "71"], mask=[False, True]),
    Masked([41.0, 71.0] * u.pix, mask=[False, True]),
    np.array([41, None]), [41.0, np.nan], ["41", ""],
], ids=["integers", "floats", "texts", "quantity", "objects", "nan", "empty"])
def test_a_row_without_a_position_is_no_target_and_is_said(image, x):
    table = at(image, QTable({"id": ["a", "b"], "x": x, "y": Y}))
    assert table["target"].tolist() == ["a"]
    assert said(table) == [("rows-passed-over",
                            "targets: rows without a position: 1 of 2, the first is row 2")]
    known = extract(image, assoc=QTable({"x": x, "y": Y}), assoc_radius=3.0)
    assert len(known) == 1
    assert said(known)[0][1].startswith("list: rows without a position: 1 of 2")


@pytest.mark.parametrize("ids, truth", [
    ([b"a", b"b"], ["a", "b"]), (np.array([b"a", "b"], object), ["a", "b"]),
    (np.array(["ä".encode(), "ö".encode("latin-1")]), ["ä", "ö"]),
    (MaskedColumn([7, 8], mask=[False, True]), ["7", ""]),
    (MaskedColumn(["a", "b"], mask=[True, False]), ["", "b"]),
    ([2**62 + 1, 3], [str(2**62 + 1), "3"]),
])
def test_ids_are_what_the_table_has(image, ids, truth):
    assert at(image, Table({"id": ids, "x": X, "y": Y}))["target"].tolist() == truth


@pytest.mark.parametrize("table, said", [
    (Table({"ra": Column(RA, unit="mag"), "dec": DEC}), "'ra' is in mag"),
    (Table({"ra": Column(RA / 15, unit="h"), "dec": DEC}), "'ra' is in h.*hourangle"),
    (Table({"x": Column(X, unit="mm"), "y": Y}), "'x' is in mm, not in pixels"),
    (Table({"x": np.stack([X, X], 1), "y": Y}), "'x' holds 2 values a row"),
    (Table({"ra": ["10:00:00", "1"], "dec": DEC}), "row 2 has '1'.*no angle in parts"),
    (Table({"x": Time([55000, 55001], format="mjd"), "y": Y}), "objects of type Time"),
    (Table({"ra": RA, "RA": RA, "dec": DEC}), "2 columns called 'ra'"),
    (Table({"ra": RA, "x": X, "y": Y}), "it has ra, which is no pair"),
    (Table({"ra": RA, "raj2000": RA, "dec_deg": DEC}), "no pair"),
    (Table({"a": SkyCoord(RA, DEC, unit="deg"), "b": SkyCoord(RA, DEC, unit="deg")}), "leave one"),
    (Table({"a": SkyCoord(RA, DEC, unit="deg", frame="altaz")}), "'a' has no ICRS position"),
    ({"ra": RA, "dec": DEC}, "not an object of type dict"),
])
def test_a_table_that_is_no_list_says_why(image, table, said):
    with pytest.raises(ValueError, match=said):
        at(image, table)


def test_a_table_without_rows_is_a_list_without_targets(image):
    assert len(at(image, Table({"x": [], "y": []}))) == 0
    assert len(at(image, Table({"where": SkyCoord([] * u.deg, [] * u.deg)}))) == 0


def test_of_several_pairs_on_the_sky_the_first_that_is_documented_counts(image):
    table = at(image, Table({"RAJ2000": RA + 1, "DEJ2000": DEC, "dec": DEC, "ra": RA}))
    assert len(table) == 2
    table = at(image, Table({"ra": RA + 1, "RAJ2000": RA, "DEJ2000": DEC}))
    assert len(table) == 2


def test_ellipses_of_a_table_have_units_too(image):
    shape = {"x": X, "y": Y, "a": [4.0, 4.0] * u.pix, "b": [2.0, 2.0]}
    columns = {"columns": "forced_ellipse"}
    degrees = at(image, Table({**shape, "theta": [30.0, 30.0]}), **columns)
    radians = at(image, Table({**shape, "theta": np.radians([30.0, 30.0]) * u.rad}), **columns)
    assert np.allclose(degrees["flux_ellipse"], radians["flux_ellipse"], rtol=1e-6)
    with pytest.raises(ValueError, match="'a' is in arcsec"):
        at(image, Table({**shape, "a": [4.0, 4.0] * u.arcsec, "theta": [30.0, 30.0]}), **columns)


def test_a_long_keyword_stands_beside_a_wcs_of_its_own():
    from astropy.nddata import CCDData
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-1e-4, 1e-4]
    header = fits.Header()
    header["HIERARCH ESO DET GAIN"] = 2.5
    pixels = np.random.default_rng(1).normal(100, 5, (128, 128))
    pixels[60:64, 60:64] += 400
    image = CCDData(pixels, unit="adu", wcs=wcs, meta=header)
    asked = extract(image, gain_key="ESO DET GAIN")
    assert said(asked) == []
    given = extract(image, gain=2.5)
    assert len(given) and np.array_equal(asked["fluxerr_auto"], given["fluxerr_auto"])
