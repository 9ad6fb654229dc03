"""What is measured of simulated stars is what they are, to the limits that noise sets."""

import numpy as np
import pytest
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

from mr_extract import extract

FWHM, NOISE = 3.5, 5.0
SIGMA = FWHM / FWHM_PER_SIGMA
LARGE = 5 * FWHM  # a diameter that holds all of a Gaussian star
FLUX_AT_ONE_SIGMA = NOISE * np.sqrt(4 * np.pi) * SIGMA


def measured(field, **settings):
    """The rows of the stars in the order of the truth, and which of them were found."""
    table = extract(field.data, **{"apertures": (5.0, LARGE), "columns": ("all",), **settings})
    rows = match(table, field.x, field.y)
    return table, table[rows[rows >= 0]], rows >= 0


@pytest.fixture(scope="module")
def bright():
    """324 stars of signal to noise 50."""
    field = star_field(1, 50 * FLUX_AT_ONE_SIGMA)
    return field, *measured(field)


def test_nearly_every_star_over_ten_sigma_is_found_and_little_else():
    field = star_field(2, 10 * FLUX_AT_ONE_SIGMA)
    table, _, found = measured(field)
    assert np.allclose(field.signal_to_noise, 10)
    assert found.mean() > 0.99
    # Five joined pixels over 1.5 sigma after smoothing: about one in a million by chance.
    assert len(table) - found.sum() <= 3


def test_a_star_below_the_noise_is_hardly_ever_found():
    _, _, found = measured(star_field(3, 2 * FLUX_AT_ONE_SIGMA))
    assert found.mean() < 0.05


@pytest.mark.parametrize("signal_to_noise", [20, 50, 200])
def test_windowed_positions_are_as_good_as_the_noise_allows(signal_to_noise):
    field = star_field(signal_to_noise, signal_to_noise * FLUX_AT_ONE_SIGMA)
    _, rows, found = measured(field)
    assert found.all()
    windowed = np.r_[rows["x_win"] - field.x, rows["y_win"] - field.y]
    isophotal = np.r_[rows["x"] - field.x, rows["y"] - field.y]
    # Cramer and Rao's least scatter of a Gaussian's centre under the noise of the sky.
    limit = np.sqrt(2) * SIGMA / signal_to_noise
    # 648 values give the scatter to 2.8 %; the window's Gaussian, a little wider
    # than the best one, costs a few per cent.
    assert 0.92 < windowed.std() / limit < 1.2
    assert windowed.std() < 0.95 * isophotal.std()
    assert isophotal.std() < 2.5 * limit
    # The centre of the first pixel is (0, 0): another convention would be off by 0.5 or 1.
    for offset in (windowed, isophotal):
        assert abs(offset.mean()) < 4 * offset.std() / np.sqrt(offset.size)


def test_a_large_aperture_has_the_whole_flux(bright):
    field, _, rows, _ = bright
    ratio = rows["flux_aper_2"] / field.flux
    assert abs(ratio.mean() - 1) < 0.01


def test_an_aperture_has_the_fraction_of_a_gaussian_within_it():
    diameters = (2.0, 3.5, 5.0, 7.0, 10.0)
    field = star_field(4, 1e6)
    _, rows, _ = measured(field, apertures=diameters)
    # The pixels widen the star, and that part of one is taken for its share widens again.
    wide = SIGMA**2 + 2 / 12
    for k, diameter in enumerate(diameters, 1):
        expected = 1 - np.exp(-((diameter / 2) ** 2) / (2 * wide))
        assert np.mean(rows[f"flux_aper_{k}"] / field.flux) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("flux", "least"), [(3e3, 0.98), (2e4, 0.99), (1e5, 0.995)])
def test_the_kron_flux_of_a_gaussian_misses_little(flux, least):
    # Kron's 2.5 radii, here at least 3.5 a, hold 99.8 % of a Gaussian.
    field = star_field(5, flux)
    _, rows, _ = measured(field)
    assert least < np.mean(rows["flux_auto"] / field.flux) < 1.005


@pytest.mark.parametrize(("beta", "least", "most"), [(2.5, 0.92, 0.97), (3.5, 0.95, 0.99)])
def test_the_kron_flux_of_a_star_with_wings_misses_what_it_is_known_to_miss(beta, least, most):
    # By design (Kron 1980; Bertin and Arnouts 1996: about 6 % for the profiles of
    # real stars and galaxies): a flux that missed nothing would be another flux.
    rng = np.random.default_rng(6)
    data = 200 + rng.normal(0, NOISE, (720, 720))
    x, y = grid(data.shape, 80, rng)
    for place in zip(x, y):
        add_profile(data, *place, 2e4, moffat(FWHM, beta), 38, fine=5)
    table = extract(data)
    assert least < np.mean(table["flux_auto"][match(table, x, y)] / 2e4) < most


@pytest.mark.parametrize("gain", [0.0, 0.5, 3.0], ids=lambda g: f"gain {g}")
def test_flux_errors_are_the_scatter_of_fluxes(gain):
    field = star_field(7, 200 * FLUX_AT_ONE_SIGMA, gain=gain)
    _, rows, _ = measured(field, gain=gain)
    for suffix in ("aper_2", "auto", "iso"):
        pull = (rows[f"flux_{suffix}"] - rows[f"flux_{suffix}"].mean()) / rows[f"fluxerr_{suffix}"]
        assert 0.9 < pull.std() < 1.15, suffix


def test_leaving_out_the_photon_noise_is_seen():
    # The pulls above would not be worth much if they hardly moved.
    field = star_field(7, 200 * FLUX_AT_ONE_SIGMA, gain=0.5)
    _, rows, _ = measured(field, gain=0.0)
    assert np.std(rows["flux_aper_2"] / rows["fluxerr_aper_2"]) > 1.5


def test_magnitudes_are_those_of_the_fluxes(bright):
    field, _, rows, _ = bright
    again = measured(field, zero_point=25.0)[1]
    for suffix in ("aper_1", "aper_2", "auto", "iso"):
        flux, error = (np.asarray(rows[f"{n}_{suffix}"], float) for n in ("flux", "fluxerr"))
        assert np.allclose(again[f"mag_{suffix}"], 25 - 2.5 * np.log10(flux), atol=1e-5)
        assert np.allclose(rows[f"mag_{suffix}"], -2.5 * np.log10(flux), atol=1e-5)
        assert np.allclose(rows[f"magerr_{suffix}"], 1.0857362 * error / flux, rtol=1e-5)


def test_the_magnitude_of_a_flux_that_is_not_positive_is_nan():
    field = star_field(8, 12 * FLUX_AT_ONE_SIGMA)
    # A ring of deep pixels around each star makes the large aperture negative.
    for x, y in zip(np.rint(field.x).astype(int), np.rint(field.y).astype(int)):
        field.data[y - 8 : y + 9, x - 8] -= 400
    _, rows, _ = measured(field)
    negative = np.asarray(rows["flux_aper_2"]) <= 0
    assert negative.sum() > 100
    assert (np.isnan(rows["mag_aper_2"]) == negative).all()
    assert (np.isnan(rows["magerr_aper_2"]) == negative).all()


@pytest.mark.parametrize("degrees", [-80, -45, -10, 0, 30, 60, 85])
def test_the_ellipse_of_an_elongated_gaussian_is_recovered(degrees):
    a, b = 4.0, 2.0
    rng = np.random.default_rng(9)
    data = 200 + rng.normal(0, NOISE, (300, 300))
    x, y = grid(data.shape, 60, rng)
    for place in zip(x, y):
        add_profile(data, *place, 2e5, elongated(a, b, degrees), 30)
    table = extract(data, columns=("all",))
    rows = table[match(table, x, y)]
    # The filter (variance 0.5) and the pixels (1/12) widen, the isophote cuts 1 to 2 %.
    for name, true in (("a", a), ("b", b)):
        assert np.mean(rows[name]) == pytest.approx(np.sqrt(true**2 + 0.5 + 1 / 12), rel=0.03)
    apart = (np.asarray(rows["theta"], float) - degrees + 90) % 180 - 90
    assert np.abs(apart).max() < 1.0
    assert np.allclose(rows["ellipticity"], 1 - rows["b"] / rows["a"], atol=1e-6)
    # The moments say the same: x2 is along x, and the angle turns from x towards y.
    expected = a**2 * np.cos(np.radians(degrees)) ** 2 + b**2 * np.sin(np.radians(degrees)) ** 2
    assert np.mean(rows["x2"]) == pytest.approx(expected + 0.5 + 1 / 12, rel=0.05)
    assert abs(degrees) < 1 or (np.sign(rows["xy"]) == np.sign(degrees)).all()


def test_half_the_light_of_a_gaussian_is_within_half_its_fwhm():
    field = star_field(10, 1e5)
    _, rows, _ = measured(field, flux_fractions=(0.2, 0.5, 0.8))
    wide = np.sqrt(SIGMA**2 + 1 / 12)
    for k, fraction in enumerate((0.2, 0.5, 0.8), 1):
        expected = wide * np.sqrt(-2 * np.log(1 - fraction))
        # sep adds up in circles of whole steps and interpolates between them.
        assert np.mean(rows[f"flux_radius_{k}"]) == pytest.approx(expected, rel=0.04)
    assert np.mean(rows["flux_radius_2"]) == pytest.approx(FWHM / 2, rel=0.06)


def test_a_saturated_star_is_flagged_and_no_other():
    # The sky rises over the frame by more than any rounding: the level is that of the raw pixel.
    field = star_field(11, 2e4)
    field.data += np.linspace(0, 300, field.data.shape[1], dtype=np.float32)
    saturated = [3, 40, 200]
    for k in saturated:
        add_gaussian(field.data, field.x[k], field.y[k], 3e6, SIGMA)
    np.minimum(field.data, 50_000, out=field.data)
    _, rows, found = measured(field)
    assert found.all()
    assert np.flatnonzero(np.asarray(rows["flag"]) & 0x100).tolist() == saturated
    assert not (np.asarray(measured(field, satur_level=60_000.0)[1]["flag"]) & 0x100).any()


def test_a_star_on_the_border_is_flagged_and_one_near_it_only_for_its_aperture():
    data = 200 + np.random.default_rng(12).normal(0, NOISE, (200, 200))
    places = [(0.3, 100.0), (199.2, 60.0), (120.0, 0.0), (60.0, 199.4), (7.0, 30.0), (100.0, 100.0)]
    for place in places:
        add_gaussian(data, *place, 5e3, SIGMA)
    table = extract(data, apertures=(LARGE,), columns=("position", "aper", "flag"))
    x, y = np.array(places).T
    assert table["flag"][match(table, x, y)].tolist() == [0x12] * 4 + [0x10, 0]


def test_blended_stars_are_told_apart_and_flagged():
    data = 200 + np.random.default_rng(13).normal(0, NOISE, (200, 200))
    x, y = np.array([60.0, 68.0, 150.0]), np.array([60.0, 60.0, 150.0])
    for place in zip(x, y):
        add_gaussian(data, *place, 2e4, SIGMA)
    table = extract(data)
    rows = match(table, x, y)
    assert len(set(rows)) == 3 and (rows >= 0).all()
    assert (np.asarray(table["flag"])[rows] & 1).tolist() == [1, 1, 0]
    alone = extract(data, deblend_nthresh=1)
    assert len(alone) == len(table) - 1
