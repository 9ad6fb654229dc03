"""What the kernels measure is true of what was put in, to limits that are known."""

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from stars import (
    FWHM_PER_SIGMA,
    add_gaussian,
    add_profile,
    elongated,
    grid,
    match,
    moffat,
    star_field,
)

from mr_extract import Config, extract
from mr_extract.detection.extraction import detect
from mr_extract.images import Image
from mr_extract.measure import ellipses, sky_shapes
from mr_extract.measure.isophotal import corrected
from mr_extract.measure.sizes import size_excess
from mr_extract.measure.surface import surface_brightness
from mr_extract.measure.surroundings import Surroundings
from mr_extract.measure.windows import windowed
from mr_extract.planes.plane import ready
from preprocess.simulation.frame import simulate_frame

FWHM, NOISE, SKY = 3.5, 5.0, 200.0
SIGMA = FWHM / FWHM_PER_SIGMA
WIDE = np.sqrt(SIGMA**2 + 1 / 12)  # with the pixels
FLUX_AT_ONE_SIGMA = NOISE * np.sqrt(4 * np.pi) * SIGMA


def measured(field, **settings):
    """Rows of the stars in the order of the truth, all of which must be found."""
    table = extract(field.data, columns=("all",), apertures=(8.0,), **settings)
    rows = match(table, field.x, field.y)
    assert (rows >= 0).all()
    return table[rows]


def spread(values):
    """Standard deviation; of 324 stars it is known to 4 %."""
    return float(np.std(np.asarray(values, float)))


# ---- errors are what they say


@pytest.mark.parametrize("gain", [0.0, 0.5], ids=lambda g: f"gain {g}")
@pytest.mark.parametrize("snr", [50, 200])
@pytest.mark.parametrize("how", ["number", "map"])
def test_errors_are_the_scatter(gain, snr, how):
    field = star_field(41 + snr, snr * FLUX_AT_ONE_SIGMA, gain=gain)
    keywords = {"gain": gain}
    if how == "map":
        keywords |= {"weight": np.full(field.data.shape, NOISE, np.float32),
                     "weight_type": "map_rms"}
    rows = measured(field, **keywords)
    for name in ("aper_1", "auto", "petro"):
        flux, error = np.asarray(rows[f"flux_{name}"], float), rows[f"fluxerr_{name}"]
        assert 0.9 < spread((flux - flux.mean()) / error) < 1.15, name
    pulls = [(rows[f"{axis}_win"] - true) / np.sqrt(rows[f"err{axis}2_win"])
             for axis, true in (("x", field.x), ("y", field.y))]
    # The twelfth of a pixel that is in SExtractor's variance makes it 4 % too large.
    assert 0.9 < spread(np.concatenate(pulls)) < 1.15
    assert abs(np.mean(pulls)) < 4 / np.sqrt(2 * len(rows))


@pytest.mark.parametrize("gain", [0.0, 0.5], ids=lambda g: f"gain {g}")
def test_the_error_of_the_windowed_flux_is_the_scatter_in_a_given_window(gain):
    field = star_field(61, 100 * FLUX_AT_ONE_SIGMA, gain=gain)
    config = Config().updated(gain=gain)
    plane = ready(Image(field.data.copy()), config)
    objects, segments = detect(plane.data, config.detection, plane.rms)
    around = Surroundings(plane, segments, objects["x"], objects["y"], "correct")
    columns, _ = windowed(around, objects, np.full(len(objects), FWHM / 2))
    rows = match({"x": objects["x"], "y": objects["y"]}, field.x, field.y)
    flux, error = columns["flux_win"][rows], columns["fluxerr_win"][rows]
    assert 0.9 < spread((flux - flux.mean()) / error) < 1.15
    # The window of SExtractor is as wide as the source is found to be: what that
    # scatters comes on top, and is not in its error, nor in ours.
    own = measured(field, gain=gain)
    pull = (own["flux_win"] - own["flux_win"].mean()) / own["fluxerr_win"]
    assert gain or 1.2 < spread(pull) < 2.0


def test_leaving_the_photons_out_is_seen():
    field = star_field(42, 200 * FLUX_AT_ONE_SIGMA, gain=0.5)
    rows = measured(field)
    assert spread((rows["x_win"] - field.x) / np.sqrt(rows["errx2_win"])) > 1.5
    assert spread(rows["flux_win"] / rows["fluxerr_win"]) > 1.5


def test_a_map_of_the_same_noise_is_the_same_as_the_number():
    field = star_field(43, np.geomspace(3e3, 1e5, 81), shape=(400, 400))
    level = extract(field.data).meta["rms"]
    one = measured(field)
    other = measured(field, weight=np.full(field.data.shape, level, np.float32),
                     weight_type="map_rms", rescale_weights=False)
    for name in ("fluxerr_petro", "fluxerr_win", "errx2_win", "iso0", "tnpix", "mu_threshold",
                 "x_win", "flux_petro", "fwhm_iso"):
        assert np.allclose(one[name], other[name], rtol=1e-4, equal_nan=True), name


# ---- fluxes, widths and areas of a Gaussian


@pytest.fixture(scope="module")
def bright():
    field = star_field(44, 5e5)
    return field, measured(field)


def test_a_petrosian_aperture_holds_a_gaussian(bright):
    field, rows = bright
    # Brightness at r over the mean within it falls to a fifth at:
    r = np.linspace(0.1, 6, 5901)
    eta = r * r / 2 * np.exp(-r * r / 2) / (1 - np.exp(-r * r / 2))
    r = r[np.argmax(eta < 0.2)]
    # Steps are a twentieth of 6 a, and a is that of the filtered isophote.
    wide = np.asarray(rows["a"], float).mean()
    expected = 2 * r * np.sqrt(SIGMA**2 + 1 / 12) / wide
    found = np.asarray(rows["petro_radius"], float)
    step = 2 * 1.1 * 6 / 20
    assert ((found > expected - 0.5 * step) & (found < expected + 1.5 * step)).all()
    assert np.mean(rows["flux_petro"] / field.flux) == pytest.approx(1.0, abs=0.005)


def test_the_petrosian_flux_of_a_star_with_wings_misses_little():
    rng = np.random.default_rng(45)
    data = SKY + rng.normal(0, NOISE, (480, 480))
    x, y = grid(data.shape, 80, rng)
    for place in zip(x, y):
        add_profile(data, *place, 1e5, moffat(FWHM, 3.0), 38, fine=5)
    table = extract(data, columns=("all",))
    rows = table[match(table, x, y)]
    assert 0.93 < np.mean(rows["flux_petro"]) / 1e5 < 1.0
    assert np.mean(rows["flux_petro"]) > 0.98 * np.mean(rows["flux_auto"])


def test_the_core_has_the_fwhm_of_the_star(bright):
    _, rows = bright
    fwhm = np.asarray(rows["fwhm_iso"], float)
    # SExtractor's correction of 1/(4 FWHM) for the pixels goes a little too far.
    assert np.mean(fwhm) == pytest.approx(FWHM, rel=0.02)
    assert spread(fwhm) < 0.02 * FWHM


def test_saturated_pixels_do_not_widen_the_core():
    field = star_field(46, 5e5, shape=(400, 400))
    cut = 0.6 * (field.data.max() - SKY) + SKY
    clipped = np.minimum(field.data, cut)
    field.data = clipped
    known = measured(field, satur_level=float(cut))["fwhm_iso"]
    unknown = measured(field)["fwhm_iso"]
    assert abs(np.nanmean(known) - FWHM) < 0.5 * abs(np.nanmean(unknown) - FWHM)


def test_areas_over_levels_are_those_of_a_gaussian(bright):
    field, rows = bright
    peak, threshold = np.asarray(rows["peak"], float), np.asarray(rows["threshold"], float)
    height = field.flux / (2 * np.pi * WIDE**2)
    for k in range(8):
        level = threshold * (peak / threshold) ** (k / 8)
        area = 2 * np.pi * WIDE**2 * np.log(height / level)
        counted = np.asarray(rows[f"iso{k}"], float)
        assert abs(np.mean(counted - area)) < 0.05 * area.mean() + 1
    assert (rows["iso0"] == rows["tnpix"]).all()
    assert (rows["iso7"] > 0).all()


def test_the_corrected_isophotal_flux_is_nearly_the_whole():
    field = star_field(47, 40 * FLUX_AT_ONE_SIGMA)
    rows = measured(field)
    short = 1 - np.mean(rows["flux_iso"] / field.flux)
    left = 1 - np.mean(rows["flux_isocor"] / field.flux)
    # With the area in the filtered image it adds nearly twice what is missing.
    assert 0.05 < short < 0.1 and -short < left < 0
    assert (rows["fluxerr_isocor"] > rows["fluxerr_iso"]).all()


def test_an_isophote_without_flux_is_not_corrected():
    columns = corrected(np.array([-5.0, 0.0, 10.0]), np.array([2.0, 2.0, 2.0]),
                        np.array([5, 5, 50]), np.array([3.0, 3.0, 3.0]))
    assert columns["flux_isocor"].tolist()[:2] == [-5.0, 0.0]
    assert columns["fluxerr_isocor"].tolist()[:2] == [2.0, 2.0]
    # As much as threshold times area, or less, is as much as can be corrected.
    assert columns["flux_isocor"][2] == pytest.approx(10 / (1 - 0.196099 - 0.751208))


def test_surface_brightness_is_of_an_arcsecond():
    found = surface_brightness(np.array([100.0, 0.0, -1.0]), 25.0, 0.5)
    assert found[0] == pytest.approx(25 - 2.5 * np.log10(100 / 0.25))
    assert np.isnan(found[1:]).all()
    assert np.isnan(surface_brightness(np.array([1.0]), 25.0, np.nan)).all()


# ---- windows


def test_the_window_sees_half_of_a_gaussian_of_its_width(bright):
    field, rows = bright
    half = np.asarray(rows["flux_radius_1"], float)
    window = 2 / 2.35 * half
    variance = 1 / (1 / WIDE**2 + 1 / window**2)
    for name in ("x2_win", "y2_win"):
        assert np.mean(rows[name]) == pytest.approx(variance.mean(), rel=0.02)
    expected = field.flux * variance / WIDE**2  # of the light times the window
    assert np.mean(rows["flux_win"] / expected) == pytest.approx(1.0, rel=0.02)
    assert (rows["flag_win"] == 0).all() and (rows["niter_win"] < 17).all()
    assert np.allclose(rows["snr_win"], rows["flux_win"] / rows["fluxerr_win"])


@pytest.mark.parametrize("degrees", [-75, -30, 0, 20, 80])
def test_the_windowed_ellipse_of_an_elongated_gaussian_is_recovered(degrees):
    rng = np.random.default_rng(48)
    data = SKY + rng.normal(0, NOISE, (300, 300))
    x, y = grid(data.shape, 60, rng)
    for place in zip(x, y):
        add_profile(data, *place, 2e5, elongated(4.0, 2.0, degrees), 30)
    table = extract(data, columns=("all",))
    rows = table[match(table, x, y)]
    window = 2 / 2.35 * np.asarray(rows["flux_radius_1"], float)
    for name, true in (("a_win", 4.0), ("b_win", 2.0)):
        expected = 1 / np.sqrt(1 / (true**2 + 1 / 12) + 1 / window**2)
        assert np.mean(rows[name] / expected) == pytest.approx(1.0, rel=0.03)
    apart = (np.asarray(rows["theta_win"], float) - degrees + 90) % 180 - 90
    assert np.abs(apart).max() < 1.5
    assert np.allclose(rows["x_win"], x, atol=0.05) and np.allclose(rows["y_win"], y, atol=0.05)


@pytest.mark.parametrize("how", ["correct", "blank"])
def test_a_neighbour_is_kept_out_of_the_window_and_the_ellipse(how):
    alone = star_field(49, 3e4, shape=(400, 400), spacing=80)
    crowded = star_field(49, 3e4, shape=(400, 400), spacing=80)
    for x, y in zip(crowded.x, crowded.y):
        add_gaussian(crowded.data, x + 8, y + 3, 2e4, SIGMA)
    one, other = measured(alone), measured(crowded, neighbours=how)
    none = measured(crowded, neighbours="none")
    for name in ("flux_petro", "flux_auto"):
        off, more = (abs(np.mean(rows[name]) / np.mean(one[name]) - 1) for rows in (other, none))
        assert off < 0.02 and off < 0.3 * more
    assert np.abs(other["x_win"] - one["x_win"]).max() < 0.05
    assert np.mean(other["flux_radius_1"] / one["flux_radius_1"]) == pytest.approx(1, abs=0.02)


def test_a_window_that_strays_is_flagged_and_gives_nothing():
    data = SKY + np.random.default_rng(50).normal(0, NOISE, (300, 300))
    for k in range(9):  # a faint one in the wings of a bright one, along the diagonal
        x, y = 50.0 + 90 * (k % 3), 50.0 + 90 * (k // 3)
        add_gaussian(data, x, y, 3e5, SIGMA)
        add_gaussian(data, x + 5 + 0.3 * k, y + 5 + 0.3 * k, 2e4, SIGMA)
    table = extract(data, columns=("all",), neighbours="none", minarea=3)
    lost = np.asarray(table["flag_win"]) > 0
    assert (np.asarray(table["flag_win"]) & 8 > 0).any()
    for name in ("x_win", "y_win", "errx2_win", "erra_win", "x2_win", "ra_win"):
        assert np.isnan(table[name][lost]).all()
    assert np.isfinite(table["x_win"][~lost]).all()


def test_windows_at_the_border_and_larger_than_the_image_are_measured():
    data = SKY + np.random.default_rng(51).normal(0, NOISE, (40, 30))
    yy, xx = np.mgrid[:40, :30]
    data += 800 * np.exp(-((xx - 1.0) ** 2 + (yy - 20.0) ** 2) / 200)
    table = extract(data, columns=("all",), back_type="manual", back_value=SKY)
    assert len(table) and np.isfinite(table["flux_win"]).all()
    assert (table["niter_win"] > 0).all()


# ---- ellipses and the sky


def test_axes_and_coefficients_are_those_of_the_matrix():
    rng = np.random.default_rng(52)
    root = rng.normal(size=(50, 2, 2))
    matrix = root @ root.transpose(0, 2, 1)
    x2, y2, xy = matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 1]
    a, b, theta = ellipses.axes(x2, y2, xy)
    values, vectors = np.linalg.eigh(matrix)
    assert np.allclose(a, np.sqrt(values[:, 1])) and np.allclose(b, np.sqrt(values[:, 0]))
    major = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    assert np.allclose((theta - major + 90) % 180, 90)
    inverse = np.linalg.inv(matrix)
    cxx, cyy, cxy = ellipses.inverse(x2, y2, xy)
    assert np.allclose(cxx, inverse[:, 0, 0]) and np.allclose(cyy, inverse[:, 1, 1])
    assert np.allclose(cxy, 2 * inverse[:, 0, 1])
    turn = rng.normal(size=(50, 2, 2))
    moved = turn @ matrix @ turn.transpose(0, 2, 1)
    parts = ellipses.transformed(tuple(turn.reshape(50, 4).T), x2, y2, xy)
    for part, want in zip(parts, (moved[:, 0, 0], moved[:, 1, 1], moved[:, 0, 1])):
        assert np.allclose(part, want)


def test_a_line_has_no_width_and_no_coefficients():
    line = np.array([4.0, 0.0, np.nan]), np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0])
    a, b, theta = ellipses.axes(*line)
    assert a[:2].tolist() == [2.0, 0.0] and b[:2].tolist() == [0.0, 0.0]
    assert theta[:2].tolist() == [0.0, 45.0]
    assert np.isnan([a[2], b[2], theta[2]]).all()
    assert np.isnan(ellipses.inverse(*line)).all()


HEADERS = {
    "turned": {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 60.0,
               "CRPIX1": 150.0, "CRPIX2": 150.0, "CD1_1": -8e-5, "CD1_2": 6e-5, "CD2_1": 6e-5,
               "CD2_2": 8e-5},
    "galactic": {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 30.0, "CRVAL2": 0.0,
                 "CRPIX1": 150.0, "CRPIX2": 150.0, "CDELT1": -1e-4, "CDELT2": 1e-4},
    "meridian": {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 0.0, "CRVAL2": -30.0,
                 "CRPIX1": 150.0, "CRPIX2": 150.0, "CD1_1": 1e-4, "CD1_2": 5e-5, "CD2_1": 0.0,
                 "CD2_2": 1e-4},
    "latitude first": {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 20.0,
                       "CRVAL2": 40.0, "CRPIX1": 150.0, "CRPIX2": 150.0, "CD1_1": 1e-4,
                       "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-4},
}


@pytest.mark.parametrize("name", HEADERS)
def test_angles_and_sizes_on_the_sky_are_those_that_great_circles_give(name):
    rng = np.random.default_rng(53)
    data = SKY + rng.normal(0, NOISE, (300, 300))
    x, y = grid(data.shape, 60, rng)
    for place in zip(x, y):
        add_profile(data, *place, 2e5, elongated(4.0, 2.0, 25.0), 30)
    header = fits.Header(HEADERS[name])
    table = extract(fits.PrimaryHDU(data, header), columns=("all",))
    wcs = WCS(header)
    # What is not equatorial SExtractor turns to the equator.
    own = (lambda place: place.fk5) if name == "galactic" else (lambda place: place)
    for end, centre in (("", ("x", "y")), ("_win", ("x", "y"))):
        angle = np.radians(np.asarray(table[f"theta{end}"], float))
        x, y = (np.asarray(table[n], float) for n in centre)
        low = wcs.pixel_to_world(x - 0.5 * np.cos(angle), y - 0.5 * np.sin(angle))
        high = wcs.pixel_to_world(x + 0.5 * np.cos(angle), y + 0.5 * np.sin(angle))
        if name != "meridian":  # whose axes are not square, so the ellipse turns
            native = own(low).position_angle(own(high)).deg
            icrs = low.icrs.position_angle(high.icrs).deg
            for column, want in ((f"theta{end}_sky", native), (f"theta{end}_j2000", icrs)):
                apart = (np.asarray(table[column], float) - want + 90) % 180 - 90
                assert np.abs(apart).max() < 0.02
            scale = low.separation(high).deg
            assert np.allclose(table[f"a{end}_world"], table[f"a{end}"] * scale, rtol=1e-4)
        area = np.asarray(table[f"a{end}_world"] * table[f"b{end}_world"], float)
        pixel = np.abs(np.linalg.det(wcs.pixel_scale_matrix))
        assert np.allclose(area, table[f"a{end}"] * table[f"b{end}"] * pixel, rtol=1e-3)
        moments = [np.asarray(table[f"{n}{end}_world"], float) for n in ("x2", "y2", "xy")]
        assert np.allclose(moments[0] + moments[1],
                           table[f"a{end}_world"] ** 2 + table[f"b{end}_world"] ** 2, rtol=1e-4)
        for got, want in zip((table[f"c{p}{end}_world"] for p in ("xx", "yy", "xy")),
                             ellipses.inverse(*moments)):
            assert np.allclose(got, want, rtol=1e-4, atol=1.0)
    positions = SkyCoord(table["ra_peak"], table["dec_peak"], unit="deg")
    expected = wcs.pixel_to_world(table["xpeak"], table["ypeak"])
    assert (positions.separation(expected.icrs) < 1e-6 * units.arcsec).all()
    native = own(expected).spherical
    assert np.allclose(table["lat_peak"], native.lat.deg)
    assert np.allclose((table["lon_peak"] - native.lon.deg + 180) % 360, 180)


def test_the_scale_holds_at_the_pole():
    def position(x, y):  # the plane tilted by nothing: x to longitude 0, y to 90
        r = np.hypot(x, y) * 1e-3
        return np.degrees(np.arctan2(y, x)) % 360, 90 - r

    scale = sky_shapes.local_scale(position, np.array([0.3, 40.0]), np.array([0.2, -7.0]))
    assert np.allclose(sky_shapes.pixel_area(scale), 1e-6, rtol=1e-6)
    assert sky_shapes.local_scale(lambda x, y: None, np.zeros(2), np.zeros(2)) is None


def test_position_angles_turn_the_other_way():
    angles = sky_shapes.position_angle(np.array([0.0, 90.0, -90.0, 45.0, -45.0]))
    assert abs(angles[0]) == 90.0  # east and west are one
    assert angles[1:].tolist() == [0.0, 0.0, 45.0, -45.0]


# ---- point sources and others


def crowd(rng, stars=80, galaxies=40):
    snr = np.exp(rng.uniform(np.log(25), np.log(2000), stars + galaxies))
    radius = np.where(np.arange(stars + galaxies) < stars, 1.9,
                      1.9 * rng.uniform(1.4, 4.0, stars + galaxies))
    radius = radius * (1 + rng.normal(size=len(radius)) * np.hypot(0.006, 1.3 / snr))
    return radius, 100.0 * snr, np.full(len(snr), 100.0), np.ones(len(snr), bool)


def test_point_sources_scatter_about_zero_by_one():
    excess = size_excess(*crowd(np.random.default_rng(54), stars=400, galaxies=150))
    stars = excess[:400]
    # The running median and the scatter are estimates themselves.
    assert abs(np.median(stars)) < 0.2
    assert 0.8 < 1.4826 * np.median(np.abs(stars - np.median(stars))) < 1.25
    assert (excess[400:] > 3).mean() > 0.97


def test_the_order_of_sources_does_not_matter():
    radius, flux, error, usable = crowd(np.random.default_rng(55))
    excess = size_excess(radius, flux, error, usable)
    order = np.random.default_rng(56).permutation(len(radius))
    again = size_excess(radius[order], flux[order], error[order], usable[order])
    assert np.array_equal(again, excess[order])


def test_too_few_point_sources_are_no_locus():
    radius, flux, error, usable = crowd(np.random.default_rng(57), stars=9, galaxies=0)
    assert np.isnan(size_excess(radius, flux, error, usable)).all()
    radius, flux, error, usable = crowd(np.random.default_rng(57))
    assert np.isnan(size_excess(radius, flux, error, ~usable)).all()
    faint = size_excess(radius, flux, error * 1e3, usable)
    assert np.isnan(faint).all()
    assert size_excess(*(np.zeros(0),) * 3, np.zeros(0, bool)).shape == (0,)


def test_a_source_without_a_size_has_no_excess():
    radius, flux, error, usable = crowd(np.random.default_rng(58))
    radius[3], flux[4] = np.nan, -1.0
    excess = size_excess(radius, flux, error, usable)
    assert np.isnan(excess[[3, 4]]).all() and np.isfinite(np.delete(excess, [3, 4])).all()


def test_stars_and_galaxies_of_a_simulated_sky_are_told_apart():
    scores, kinds = [], []
    for frame in range(2):
        data, header, truth = simulate_frame(11, frame, (1200, 1600))
        table = extract(fits.PrimaryHDU(data, header), columns=("all",))
        x, y = np.asarray(table["x"]), np.asarray(table["y"])
        snr = np.asarray(table["flux_auto"] / table["fluxerr_auto"])
        for k in np.flatnonzero((snr > 50) & (np.asarray(table["flag"]) & 0x103 == 0)):
            near = np.flatnonzero(np.hypot(truth["x"] - x[k], truth["y"] - y[k]) < 4)
            if len(near):
                kinds.append(truth["kind"][near[truth["flux"][near].argmax()]] == "star")
                scores.append(table["size_excess"][k])
    scores, stars = np.array(scores), np.array(kinds)
    chosen = scores < 4
    assert stars.sum() > 80 and (~stars).sum() > 20
    assert chosen[stars].mean() > 0.93  # completeness
    assert (~stars)[chosen].mean() < 0.06  # contamination
    assert 0.7 < 1.4826 * np.median(np.abs(scores[stars])) < 1.3


# ---- every column of every image


EDGES = {
    "no sources": {"thresh": 1e5}, "one source": {"thresh": 2000.0, "thresh_type": "absolute"},
    "all": {},
}


@pytest.mark.parametrize("how", ["correct", "blank", "none"])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("kind", ["plain", "masked", "weighed", "sky"])
@pytest.mark.filterwarnings("error")
def test_all_columns_are_measured_whatever_the_image(how, edge, kind):
    field = star_field(59, np.r_[np.geomspace(300, 3e4, 24), 2e5], shape=(240, 240))
    settings = {**EDGES[edge], "neighbours": how}
    rng, source = np.random.default_rng(60), field.data
    if kind == "masked":
        settings["mask"] = rng.random(field.data.shape) < 0.02
    if kind == "weighed":
        noise = rng.uniform(4.5, 5.5, field.data.shape).astype(np.float32)
        settings |= {"weight": noise, "weight_type": "map_rms"}
    if kind == "sky":
        source = fits.PrimaryHDU(field.data, fits.Header(HEADERS["turned"]))
    table = extract(source, columns=("all",), **settings)
    assert len(table) == {"no sources": 0, "one source": 1}.get(edge, len(table))
    assert edge != "all" or len(table) >= 20
    sky = [n for n in table.colnames if n.startswith(("ra", "dec", "lon", "lat", "theta_sky"))
           or n.endswith(("_world", "_sky", "_j2000"))]
    for name in table.colnames:
        values = np.asarray(table[name])
        assert not np.isinf(values).any(), name
        if kind != "sky" and name in sky:
            assert np.isnan(values).all(), name
        elif kind == "masked" and name == "size_excess":
            continue  # hardly a source is without a bad pixel
        elif edge == "all" and values.dtype.kind == "f" and not name.startswith("mu_"):
            assert np.isfinite(values).mean() > 0.8, name
