"""Measuring keeps its promises: nothing is changed, lost, or done that was not asked."""

import numpy as np
import pytest
import sep
from astropy import units
from astropy.io import fits
from stars import FWHM_PER_SIGMA, match, star_field

from mr_extract import Config, extract
from mr_extract.columns.choice import COLUMNS, MATCHED_GROUP, NAMED_GROUPS, UNIQUE_GROUP, choose
from mr_extract.failures import ImageFailure
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image
from preprocess.simulation.exposure import simulate_frame

ALL = {"columns": ("all",)}


@pytest.fixture(scope="module")
def field():
    """100 stars of many fluxes."""
    return star_field(21, np.geomspace(300, 1e5, 100), shape=(440, 440))


def assert_equal(one, other, but=()):
    assert one.colnames == other.colnames and len(one) == len(other)
    for name in one.colnames:
        if name not in but:
            assert one[name].dtype == other[name].dtype
            assert np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f")


def test_a_hole_of_nan_has_no_sources_and_leaves_its_neighbours_alone(field):
    hole = np.zeros(field.data.shape, bool)
    hole[100:180, 140:260] = True
    data = np.where(hole, np.nan, field.data).astype(np.float32)
    whole, table = extract(field.data, **ALL), extract(data, **ALL)
    inside = hole[np.rint(table["y"]).astype(int), np.rint(table["x"]).astype(int)]
    assert not inside.any()
    far = ~hole[np.rint(field.y).astype(int), np.rint(field.x).astype(int)]
    one, other = match(whole, field.x, field.y)[far], match(table, field.x, field.y)[far]
    assert ((one >= 0) == (other >= 0)).mean() > 0.98
    both = (one >= 0) & (other >= 0)
    one, other = whole[one[both]], table[other[both]]
    # Only the mesh cells that the hole cuts into are estimated anew.
    assert np.abs(one["x"] - other["x"]).max() < 0.1
    change = np.abs(one["flux_aper_1"] - other["flux_aper_1"]) / one["fluxerr_aper_1"]
    assert np.max(change) < 0.5 and np.median(change) < 0.1


def test_a_mask_is_the_same_as_nan(field):
    mask = np.random.default_rng(22).random(field.data.shape) < 0.01
    mask[:, 200] = True
    table = extract(field.data, mask=mask, **ALL)
    assert_equal(table, extract(np.where(mask, np.nan, field.data), **ALL))
    assert (np.asarray(table["flag"]) & 0x20).any()
    assert not (np.asarray(extract(field.data, **ALL)["flag"]) & 0x20).any()


def test_a_mask_of_another_shape_is_refused(field):
    with pytest.raises(ValueError, match="mask of shape"):
        extract(field.data, mask=np.zeros((3, 3), bool))


@pytest.mark.parametrize("form", ["float64", ">f4", "<i4", "uint16", "fortran", "strided"])
def test_the_kind_of_array_does_not_matter_and_it_is_not_changed(field, form):
    whole = np.rint(field.data)
    data = {"fortran": lambda: np.asfortranarray(whole),
            "strided": lambda: np.repeat(np.repeat(whole, 2, 0), 2, 1)[::2, ::2],
            }.get(form, lambda: whole.astype(form))()
    before = data.copy()
    table = extract(data, **ALL)
    assert np.array_equal(data, before)
    assert_equal(table, extract(whole, **ALL))


def test_an_array_that_could_be_used_in_place_is_not(field):
    data = np.ascontiguousarray(field.data, np.float32)
    mask = np.zeros(data.shape, bool)
    before = data.copy()
    extract(data, mask=mask)
    assert np.array_equal(data, before) and not mask.any()


@pytest.mark.parametrize(
    "kind", ["float32", "uint16", "int16 scaled", "uint16 with blanks", "rice"]
)
def test_a_path_an_hdu_and_an_array_give_the_same(field, kind, tmp_path):
    data, header = field.data, fits.Header({"SATURATE": 5000.0})
    if kind != "float32":
        data = np.rint(data).astype("u2" if kind.startswith("uint16") else "i2")
    hdu = (fits.CompImageHDU if kind == "rice" else fits.ImageHDU)(data.copy(), header)
    if kind == "int16 scaled":
        hdu.scale("int16", bscale=2.0, bzero=7.0)
    if kind == "uint16 with blanks":
        data[50:55, 50:60] = 11
        hdu.data[50:55, 50:60] = 11
        hdu.header["BLANK"] = 11 - 32768
    path = tmp_path / "frame.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, output_verify="ignore")
    with fits.open(path) as units_of_file:
        values = np.array(units_of_file[1].data, dtype=np.float64)
    if kind == "uint16 with blanks":
        values[values == 11] = np.nan
    from_path = extract(path, **ALL)
    assert_equal(from_path, extract(path, ext=1, **ALL))
    assert_equal(from_path, extract(values, satur_level=5000.0, **ALL))
    with fits.open(path) as units_of_file:
        unit = units_of_file[1]
        cards = unit.header.tostring()
        assert_equal(from_path, extract(unit, **ALL))
        again = extract(unit, **ALL)  # astropy has changed the header of some by now
        if kind != "int16 scaled":
            assert unit.header.tostring() == cards
        assert_equal(from_path, again)


def test_columns_have_their_units_descriptions_and_types(field):
    settings = Config().updated(columns=("all",), apertures=(3.0, 5.0), flux_fractions=(0.2, 0.5))
    table = extract(field.data, settings)
    chosen = choose(("all",), settings.measurement)
    assert table.colnames == [name for name in chosen if name != "image"]
    # They come with a list of positions, with a reducer, or are asked for by name alone.
    elsewhere = ("forced", "forced_gauss", "forced_ellipse", MATCHED_GROUP, UNIQUE_GROUP,
                 *NAMED_GROUPS)
    assert {c.name for c in COLUMNS if c.group not in elsewhere} == {
        c.name for c in chosen.values()}
    for name in table.colnames:
        column = chosen[name]
        assert table[name].dtype == np.dtype(column.dtype), name
        assert (table[name].unit or units.dimensionless_unscaled) == units.Unit(column.unit), name
        assert table[name].description == column.description != ""
    assert table["number"].tolist() == list(range(1, len(table) + 1))
    assert table.meta["rms"] == pytest.approx(field.noise, rel=0.03)
    assert table.meta["background"] == pytest.approx(200.0, abs=1.0)
    assert table.meta["config"] == settings.hash()


@pytest.mark.parametrize("columns", [("default",), ("all",), ("win",), ("x", "mag_auto")])
def test_a_frame_without_sources_has_no_rows_of_the_right_types(columns):
    data = np.random.default_rng(23).normal(0, 1, (100, 100))
    data[50:53, 40:43] += 20
    table = extract(data, columns=columns, thresh=50.0)
    full = extract(data, columns=columns, thresh=5.0)
    assert len(table) == 0 < len(full)
    assert [(c.name, c.dtype) for c in table.itercols()] == [
        (c.name, c.dtype) for c in full.itercols()
    ]


def test_what_is_not_asked_is_not_computed_and_what_is_does_not_depend_on_the_rest(field):
    def stages(*columns):
        image = Image(field.data.copy(), {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
        return measure_image(image, Config().updated(columns=columns))

    few = stages("position")
    assert set(few.seconds) == {"background", "detection"}
    assert set(stages("x", "flux_auto").seconds) == {*few.seconds, "kron"}
    assert set(stages("flux_radius").seconds) == {*few.seconds, "kron", "radii"}
    assert set(stages("x_win").seconds) >= {"kron", "radii", "windows"}
    with pytest.raises(ImageFailure, match="broken-wcs"):
        stages("ra")  # asked for, a header that cannot give it is a failure
    everything = extract(field.data, **ALL)
    for names in (("position",), ("x", "flux_auto"), ("win",), ("default",)):
        some = extract(field.data, columns=names)
        for name in some.colnames:
            assert np.array_equal(some[name], everything[name], equal_nan=True), name


def test_an_absolute_threshold_is_one_in_image_units(field):
    rms = extract(field.data).meta["rms"]
    assert_equal(extract(field.data, thresh=3 * rms, thresh_type="absolute", **ALL),
                 extract(field.data, thresh=3.0, **ALL), but=("threshold",))
    table = extract(field.data, thresh=40.0, thresh_type="absolute", filter_kernel=(), **ALL)
    assert np.allclose(table["threshold"], 40.0)
    assert (table["peak"] > 40).all()
    assert table["tnpix"].tolist() == table["npix"].tolist(), "without a filter both are the same"


def test_a_source_needs_its_least_area():
    data = np.zeros((60, 60)) + np.random.default_rng(24).normal(0, 1, (60, 60))
    for k in range(1, 8):
        data[10 + k, 20 : 20 + k] += 0  # noise alone between the bars
        data[7 * k, 20 : 20 + k] += 200
    for least in range(1, 8):
        table = extract(data, minarea=least, thresh=20.0, filter_kernel=(), columns=("all",))
        assert sorted(table["npix"]) == list(range(least, 8))


def test_a_small_pixel_buffer_gives_exactly_what_a_large_one_gives(field):
    large = extract(field.data, pixstack=2_000_000, **ALL)
    assert_equal(extract(field.data, pixstack=1000, **ALL), large)
    assert_equal(extract(field.data, pixstack=1, **ALL), large)
    before = sep.get_extract_pixstack()
    sep.set_extract_pixstack(1000)
    try:
        with pytest.raises(Exception, match="pixel buffer full"):  # without the retry
            sep.extract(field.data - np.float32(200), 1.5, err=5.0)
    finally:
        sep.set_extract_pixstack(before)  # other tests call sep themselves


NOISY = np.random.default_rng(25).normal(0, 1, (50, 60))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(np.full((50, 60), 7.0), "constant-image"), (np.zeros((50, 60)), "constant-image"),
     (np.full((50, 60), np.nan), "no-valid-pixels"), (NOISY.astype(complex), "unsupported-pixels"),
     (NOISY > 0, "unsupported-pixels"), (NOISY.astype("U8"), "unsupported-pixels"),
     (NOISY[0], "not-two-dimensional"), (np.stack([NOISY] * 3), "not-two-dimensional"),
     (NOISY[:0], "not-two-dimensional"), (np.float64(3.0), "not-two-dimensional")],
    ids=["constant", "zero", "nan", "complex", "boolean", "text", "line", "cube", "empty",
         "number"],
)
def test_what_is_no_image_is_a_named_failure(data, kind):
    with pytest.raises(ImageFailure) as failure:
        extract(data)
    assert failure.value.kind == kind


def test_a_masked_frame_and_an_hdu_without_data_are_named_failures():
    for source, keywords, kind in (
        (NOISY, {"mask": np.ones((50, 60), bool)}, "no-valid-pixels"),
        (fits.PrimaryHDU(), {}, "no-image"),
        (NOISY, {"require_wcs": True}, "no-wcs"),
    ):
        with pytest.raises(ImageFailure) as failure:
            extract(source, **keywords)
        assert failure.value.kind == kind


def test_a_simulated_frame_of_the_sky_is_found_where_it_was_put():
    height, width = 900, 1200
    data, header, truth = simulate_frame(3, 0, (height, width))
    table = extract(fits.PrimaryHDU(data, header), **ALL)
    stars = truth[(truth["kind"] == "star") & (truth["saturated"] == 0)]
    noise = np.sqrt(4 * np.pi) * stars["fwhm"] / FWHM_PER_SIGMA * table.meta["rms"]
    distance = np.hypot(stars["x"][:, None] - truth["x"], stars["y"][:, None] - truth["y"])
    disturbs = (distance < 15) & (distance > 0) & (truth["flux"] > 0.02 * stars["flux"][:, None])
    inside = (abs(stars["x"] - width / 2) < width / 2 - 20) & (
        abs(stars["y"] - height / 2) < height / 2 - 20)
    good = stars[inside & ~disturbs.any(1) & (stars["flux"] > 20 * noise)]
    rows = match(table, good["x"], good["y"])
    assert len(good) > 25 and (rows >= 0).mean() > 0.95
    found, star = table[rows[rows >= 0]], good[rows >= 0]
    apart = np.hypot(found["x_win"] - star["x"], found["y_win"] - star["y"])
    assert np.median(apart) < 0.1
    apart = 3600 * np.hypot((found["ra_win"] - star["ra"]) * np.cos(np.radians(star["dec"])),
                            found["dec_win"] - star["dec"])
    assert np.median(apart) < 0.1 * 0.396  # a tenth of a pixel in arcseconds
    # As far as the Kron flux of a star with wings goes.
    assert 0.93 < np.median(found["flux_auto"] / star["flux"]) < 1.0
