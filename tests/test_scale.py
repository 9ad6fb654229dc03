"""An image times any power of ten has the same catalog, its fluxes times that power."""

import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import job
from stars import add_gaussian, star_field

from mr_extract import extract
from mr_extract.frames.measuring import measure_image
from mr_extract.images import read_image
from mr_extract.images.companion_values import read_values
from mr_extract.images.companions import set_weight
from mr_extract.images.exponents import COMFORTABLE, exponent_of
from mr_extract.images.image import Image, plane
from mr_extract.images.region import Region
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of
from mr_extract.remarks import hearing
from mr_extract.settings.config import Config
from mr_extract.text.catalog import read_catalog

POWERS = (-45, -38, -30, -22, -17, 12, 20, 29, 35)
BEYOND = (-45, -38, 35)  # of them those whose files are float64
COLUMNS = ("default", "extent", "errors", "background", "isocor", "areas", "petro", "radius",
           "win", "win_shape", "win_flux", "flags", "class")
GAIN, SATURATION, ZERO_POINT, SKY = 2.0, 9000.0, 25.0, 300.0
IN_PIXELS = ("x", "y", "a", "b", "errcxx", "erra", "flux_radius_1", "kron_radius", "x_win",
             "petro_radius", "fwhm_iso", "erra_win", "snr_win")
WHOLE = ("npix", "tnpix", "iso3", "flag_weight", "niter_win")
FLUXES = ("flux_iso", "fluxerr_iso", "flux_aper_1", "fluxerr_aper_1", "flux_auto", "fluxerr_auto",
          "flux_isocor", "fluxerr_isocor", "flux_petro", "fluxerr_petro", "flux_win", "fluxerr_win",
          "peak", "cpeak", "cflux", "threshold", "background")
MAGNITUDES = ("mag_auto", "mag_aper_1", "mu_max", "mu_threshold")


@pytest.fixture(scope="module")
def frame():
    """Some stars, two of them saturated and with one neighbour; a better half, and bad pixels."""
    one = star_field(21, 3000.0, shape=(200, 240))
    rng = np.random.default_rng(22)
    data = one.data.astype(float) + SKY - 200.0
    for x, y, flux in ((60.3, 70.2, 3e5), (66.0, 72.0, 3e4), (150.0, 120.0, 2e5)):
        add_gaussian(data, x, y, flux, one.sigma)
    data[:, 120:] += rng.normal(0.0, one.noise, (200, 120))
    variance = np.full(data.shape, one.noise**2)
    variance[:, 120:] *= 2.0
    variance[50:53, 40:90] = 0.0
    return one, data, variance


def in_unit(values, power):
    """An array times a power of ten, in the type of a file that holds it."""
    values = values * 10.0**power
    size = np.abs(values[values != 0])
    fits_in = size.min() > 1e-30 and size.max() < 1e37
    return values.astype(np.float32) if fits_in else values


def settings(power, **more):
    return {"columns": COLUMNS, "gain": GAIN * 10.0**-power, "pixel_scale": 1.0,
            "satur_level": SATURATION * 10.0**power, "zero_point": ZERO_POINT, **more}


def assert_same_but_for_the_unit(table, reference, power, detected=None, noise=2e-4):
    """Rounding of pixels in another unit moves what is measured by some 1e-6 of the noise."""
    assert len(table) == len(reference) > 10
    for name in set(WHOLE) & set(table.colnames):
        assert np.mean(table[name] == reference[name]) > 0.98, name
    assert (table["flag"] == reference["flag"]).all()
    for name in set(IN_PIXELS) & set(table.colnames):
        np.testing.assert_allclose(table[name], reference[name], rtol=noise, atol=noise,
                                   err_msg=name)
    for name in set(FLUXES) & set(table.colnames):
        of = detected if detected is not None and name in ("cpeak", "cflux", "threshold") else power
        ours = np.asarray(table[name], float) / 10.0**of
        scale = np.abs(reference[name]) + np.median(np.abs(reference[name]))
        assert (np.abs(ours - reference[name]) <= noise * scale).all(), name
    for name in set(MAGNITUDES) & set(table.colnames):
        apart = table[name] - reference[name] + 2.5 * power
        assert np.nanmax(np.abs(apart)) < 1e-3, name


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("kind", ["none", "weight", "variance", "rms"])
def test_any_power_of_ten_gives_the_same_catalog(frame, power, kind):
    _, data, variance = frame
    with np.errstate(divide="ignore"):
        maps = {"none": (None, 0), "variance": (variance, 2), "rms": (np.sqrt(variance), 1),
                "weight": (np.where(variance > 0, 1.0 / variance, 0.0), -2)}
    values, order = maps[kind]
    kinds = {"variance": "map_var", "rms": "map_rms"}

    def measured(power):
        weight = None if values is None else in_unit(values, order * power)
        return extract(in_unit(data, power), weight=weight,
                       **settings(power, weight_type=kinds.get(kind, "map_weight")))

    table, reference = measured(power), measured(0)
    assert_same_but_for_the_unit(table, reference, power)
    assert (reference["flag"] & 0x100).any(), "the level of saturation goes along"
    assert np.isfinite(table["errcxx"]).all() and (table["fluxerr_auto"] > 0).all()
    for name in ("background", "rms"):
        assert table.meta[name] == pytest.approx(reference.meta[name] * 10.0**power, rel=1e-3)
    assert ("weight_scale" in table.meta) == (kind in ("weight", "variance"))
    if "weight_scale" in table.meta:
        assert table.meta["weight_scale"] == pytest.approx(reference.meta["weight_scale"], rel=1e-4)


@pytest.mark.parametrize("power", [-30, 25])
def test_settings_in_image_units_go_along(frame, power):
    _, data, _ = frame

    def measured(power):
        unit = 10.0**power
        return extract(in_unit(data, power), **settings(
            power, thresh=12.0 * unit, thresh_type="absolute", analysis_thresh=20.0 * unit,
            analysis_thresh_type="absolute", back_type="manual", back_value=SKY * unit,
            fthresh=0.5 * unit))

    table, reference = measured(power), measured(0)
    assert_same_but_for_the_unit(table, reference, power)
    assert np.unique(table["threshold"]) == pytest.approx([12.0 * 10.0**power])
    assert np.unique(table["background"]) == pytest.approx([SKY * 10.0**power])


@pytest.mark.parametrize("powers", [(-30, 0), (0, -30), (-30, 25), (35, -45)])
def test_two_images_have_each_its_own_unit(frame, powers):
    one, data, _ = frame
    other = data + np.random.default_rng(5).normal(0.0, one.noise, data.shape)

    def measured(of_other, of_data):
        # What SExtractor corrects for wings by is a threshold of the other image's unit.
        columns = tuple(c for c in COLUMNS if c != "isocor")
        found_on = _image(in_unit(data, of_data))
        found_on.gain = GAIN * 10.0**-of_data
        return extract(in_unit(other, of_other), detect=found_on,
                       **settings(of_other, columns=columns))

    assert_same_but_for_the_unit(measured(*powers), measured(0, 0), *powers)


@pytest.mark.parametrize("power", [-38, -30, 29])
def test_given_positions(frame, power):
    one, data, variance = frame
    targets = Table({"x": [*one.x, 7.0], "y": [*one.y, 9.0], "a": [3.0] * (len(one.x) + 1),
                     "b": [2.0] * (len(one.x) + 1), "theta": [10.0] * (len(one.x) + 1)})

    def measured(power):
        return extract(in_unit(data, power), weight=in_unit(variance, 2 * power), forced=targets,
                       **settings(power, weight_type="map_var", annulus=(8.0, 14.0),
                                  forced_fwhm=3.0,
                                  columns=("default", "forced_gauss", "forced_ellipse")))

    table, reference = measured(power), measured(0)
    assert_same_but_for_the_unit(table, reference, power)
    for name in ("flux_limit_aper_1", "flux_gauss", "fluxerr_gauss", "flux_ellipse"):
        ours = np.asarray(table[name], float) / 10.0**power
        np.testing.assert_allclose(ours, reference[name], rtol=1e-4, atol=1e-2, err_msg=name)
    assert np.nanmax(np.abs(table["mag_gauss"] - reference["mag_gauss"] + 2.5 * power)) < 1e-3


@pytest.mark.parametrize("exponent", [-149, -100, -64, 64, 100, 127])
def test_powers_of_two_change_no_digit(frame, exponent):
    _, data, variance = frame
    one, other = (_image(np.ldexp(data.astype(np.float32).astype(float), e)) for e in (0, exponent))
    set_weight(one, variance.astype(np.float32), "variance")
    set_weight(other, np.ldexp(variance.astype(np.float32).astype(float), 2 * exponent), "variance")
    one.saturation, other.saturation = SATURATION, np.ldexp(SATURATION, exponent)
    config = Config().updated(columns=COLUMNS)
    with hearing():
        one, other = (measure_image(image, config).columns for image in (one, other))
    for name in one:
        if name in FLUXES:
            np.testing.assert_allclose(np.ldexp(np.asarray(other[name], float), -exponent),
                                       one[name], rtol=1e-8, err_msg=name)
        elif not name.startswith(("mag_", "mu_")):
            assert other[name].tobytes() == one[name].tobytes(), name


def _image(values):
    data, mask, exponent = plane(values)
    return Image(data, mask=mask, exponent=exponent)


def test_images_of_usual_units_are_measured_as_they_stand(frame):
    _, data, _ = frame
    low, high = COMFORTABLE
    typical = np.median(data)
    for unit in (low / typical * 1.1, 1e-6, 1.0, 1e3, high / typical * 0.9):
        for kind in (">f4", "<f4", ">f8"):
            values = (data * unit).astype(kind)
            assert exponent_of(values) == 0
            pixels, mask, exponent = plane(values)
            assert mask is None and exponent == 0
            assert pixels.tobytes() == values.astype("<f4").tobytes()
    assert exponent_of(data * low / typical * 0.5) < 0 < exponent_of(data * high / typical * 2)
    # Whatever stands for bad pixels, and however many they are.
    for bad in (np.nan, np.inf, 0.0, -3.4e38, 1e30, 1e35, -1e300):
        values = data.copy()
        values[:190] = bad
        with hearing():
            assert exponent_of(values) == 0 == plane(values)[2], bad
    assert exponent_of(np.zeros((50, 50))) == exponent_of(np.full((50, 50), np.nan)) == 0
    # What a convolution leaves far from the only star there is.
    y, x = np.mgrid[:100, :100] - 50.0
    assert exponent_of(1e4 * np.exp(-(x * x + y * y) / 8.0)) in (0, -32)


def test_pixels_too_large_to_be_true_are_said_and_masked(frame):
    _, data, _ = frame
    for power in (0, -30):
        values = data * 10.0**power
        values[5, 5:8] = 1e32 * 10.0**power, -1e33, np.nan
        with hearing() as said:
            _, mask, exponent = plane(values)
        assert np.argwhere(mask).tolist() == [[5, 5], [5, 6], [5, 7]]
        kinds = list(said)
        assert [kind for kind, _ in kinds] == ["huge-pixels"]
        assert kinds[0][1].startswith("2 of ")
        assert float(kinds[0][1].split()[2]) == pytest.approx(np.ldexp(1e30, exponent), rel=1e-2)


@pytest.mark.parametrize("level", [1e-90, 1e-38, 8e29, 1e60])
@pytest.mark.parametrize("kind", ["weight", "variance", "rms"])
def test_a_map_has_its_own_range(level, kind):
    values = np.linspace(0.6, 1.5, 10000).reshape(100, 100) * level
    values[0, :5] = 0.0, -level, np.nan, np.inf, -np.inf
    image = Image(np.ones((100, 100), np.float32))
    set_weight(image, values, kind)
    assert np.count_nonzero(~(image.weight > 0)) == 5
    found = np.ldexp(image.weight.astype(float), image.weight_exponent)
    np.testing.assert_allclose(found[1:], values[1:], rtol=1e-7)


@pytest.mark.parametrize("kind", ["weight", "variance", "rms"])
def test_what_stands_for_bad_pixels_in_a_map_does_not_set_its_range(kind):
    values = np.linspace(0.6, 1.5, 10000).reshape(100, 100)
    values[:80] = 1e35
    image = Image(np.ones((100, 100), np.float32))
    with hearing() as said:
        set_weight(image, values, kind)
    assert image.weight_exponent == 0
    assert ((image.weight > 0) == (values < 2.0)).all()
    assert list(said) == [("huge-pixels", "8000 of 1e+30 and more")]


@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_any_unit_are_read_whole_and_in_parts(frame, compressed):
    _, data, _ = frame
    counts = np.rint(data).astype(np.int16)
    for values, cards in ((data * 1e-43, {}), ((data * 1e-30).astype(np.float32), {}),
                          (counts, {"BSCALE": 1e-42}), (counts, {"BSCALE": 2e36})):
        unit = fits.CompImageHDU(values, compression_type="RICE_1", quantize_level=0) \
            if compressed and values.dtype.kind == "i" else fits.ImageHDU(values)
        for name, value in cards.items():
            unit.header[name] = value
        buffer = io.BytesIO()
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(buffer)
        buffer = buffer.getvalue()
        true = values.astype(float) * cards.get("BSCALE", 1.0)
        image = read_image(buffer)
        assert image.exponent != 0 and image.mask is None
        np.testing.assert_allclose(image.pixels(), true, rtol=1e-7)
        region = Region(30, 110, 20, 90)
        part = Section(reader_of(buffer), region).image()
        np.testing.assert_allclose(part.pixels(), true[20:90, 30:110], rtol=1e-7)
        assert part.exponent == image.exponent
        assert part.data.tobytes() == image.data[20:90, 30:110].tobytes()
        whole, invalid = read_values(buffer, replace(image, hdu=1))
        np.testing.assert_allclose(np.asarray(whole, float) * (
            cards.get("BSCALE", 1.0) if whole.dtype.kind == "i" else 1.0), true, rtol=1e-7)
        assert invalid is None


def test_numbers_beyond_float32_are_written_and_read_in_full(frame, tmp_path):
    _, data, _ = frame
    for name, power in (("usual", 0), ("faint", -43), ("bright", 36)):
        fits.writeto(tmp_path / f"{name}.fits", data * 10.0**power)
    manifest = tmp_path / "m"
    manifest.write_text("".join(f"{tmp_path}/{name}.fits\tid={name}\n"
                                for name in ("usual", "faint", "bright")))
    out = tmp_path / "catalog.tsv"
    done = job("-r", "inline", "--catalog", out, "--checkimage=-background,rms",
               "--checkimage-dir", tmp_path / "checks", "--satur-level", "1e300", manifest)
    assert done.status == 0, done.err
    catalog = read_catalog(str(out))
    rows = {name: catalog.columns["image"] == name for name in catalog.accounts}
    reference = catalog.columns["flux_auto"][rows["usual"]]
    for name, power in (("faint", -43), ("bright", 36)):
        assert catalog.accounts[name].values["remarks"] == "beyond-float32;no-sky-positions"
        flux = catalog.columns["flux_auto"][rows[name]]
        np.testing.assert_allclose(flux / 10.0**power, reference, rtol=1e-4)
        assert (catalog.columns["flag"][rows[name]] == catalog.columns["flag"][rows["usual"]]).all()
        assert float(catalog.accounts[name].values["rms"]) == pytest.approx(
            float(catalog.accounts["usual"].values["rms"]) * 10.0**power, rel=1e-3)
        for path in (tmp_path / "checks").glob(f"{name}-*.minus_background.fits.fz"):
            with fits.open(path) as units:
                pixels = units[1].data / 10.0**power
            assert np.abs(pixels - data + SKY).max() < 5.0
    assert catalog.accounts["usual"].values["remarks"] == "no-sky-positions"
    text = [len(cell) for line in out.read_text().splitlines() if line.startswith("faint\t")
            for cell in line.split("\t")]
    assert max(text) < 25, "no more digits than are meant"


def test_sextractor_catalogues_hold_them_too(frame, tmp_path):
    _, data, _ = frame
    for name, power in (("usual", 0), ("faint", -43)):
        fits.writeto(tmp_path / f"{name}.fits", data * 10.0**power)
    manifest = tmp_path / "m"
    manifest.write_text("".join(f"{tmp_path}/{name}.fits\tid={name}.fits\n"
                                for name in ("usual", "faint")))
    done = job("-r", "inline", "--names", "sextractor", "--catalog-type", "fits_1.0", "--catalog",
               f"{tmp_path}/out/", "--columns", "NUMBER,X_IMAGE,FLUX_AUTO,FLUXERR_AUTO,MAG_AUTO",
               manifest)
    assert done.status == 0, done.err
    usual, faint = (fits.getdata(tmp_path / f"out/{name}.cat", 1) for name in ("usual", "faint"))
    np.testing.assert_allclose(faint["FLUX_AUTO"] / 1e-43, usual["FLUX_AUTO"], rtol=1e-4)
    np.testing.assert_allclose(faint["MAG_AUTO"] - 2.5 * 43, usual["MAG_AUTO"], atol=1e-3)
    assert usual["FLUX_AUTO"].dtype.itemsize == 4 and faint["X_IMAGE"].dtype.itemsize == 4
