"""Weight maps become the noise of each pixel, and errors that are true."""

import numpy as np
import pytest
from sextractor import program
from stars import FWHM_PER_SIGMA, add_gaussian, grid, match, star_field

from mr_extract import Config, extract
from mr_extract.images import Image
from mr_extract.images.companions import set_weight
from mr_extract.planes.filling import fill
from mr_extract.planes.noise import filtered, with_photons
from mr_extract.planes.plane import ready

SHAPE, FWHM = (760, 760), 3.5


class Uneven:
    """Stars on a frame with vignetting, a part of fewer exposures, a gap and bad columns."""

    def __init__(self, seed, gain=2.0, flux=(500.0, 30000.0)):
        rng = np.random.default_rng(seed)
        y, x = np.indices(SHAPE)
        self.exposure = 1.0 - 0.3 * ((x - 380.0) ** 2 + (y - 380.0) ** 2) / 380.0**2
        self.exposure[380:, :190] *= 0.25
        self.sigma, self.gain = 5.0 / np.sqrt(self.exposure), gain
        self.x, self.y = grid(SHAPE, 38, rng)
        self.flux = 10 ** rng.uniform(*np.log10(flux), self.x.size)
        light = np.zeros(SHAPE)
        for star in zip(self.x, self.y, self.flux):
            add_gaussian(light, *star, FWHM / FWHM_PER_SIGMA)
        noise = np.sqrt(self.sigma**2 + light / (gain * self.exposure) * (gain > 0))
        data = 200.0 + light + rng.normal(0.0, 1.0, SHAPE) * noise
        self.bad = np.zeros(SHAPE, bool)
        self.bad[:, 300] = self.bad[:, 500:502] = self.bad[370:390] = True
        data[self.bad] = rng.choice([0.0, 5000.0, 60000.0], self.bad.sum())
        self.data = data.astype(np.float32)
        self.weight = np.where(self.bad, 0.0, 0.0073 * self.exposure).astype(np.float32)

    def clear(self, x, y, reach):
        """Tell which positions have no bad pixel within so many pixels."""
        return np.array([
            not self.bad[max(round(b) - reach, 0):round(b) + reach + 1,
                         max(round(a) - reach, 0):round(a) + reach + 1].any()
            for a, b in zip(np.asarray(x, float), np.asarray(y, float))
        ])


@pytest.fixture(scope="module")
def uneven():
    return Uneven(1)


def planned(frame, values, kind, **settings):
    image = Image(frame.data.copy())
    set_weight(image, np.asarray(values, np.float32), kind)
    return ready(image, Config().updated(**settings))


@pytest.mark.parametrize("kind, unit", [
    ("weight", 1.0), ("weight", 1e-12), ("weight", 1e15), ("variance", 1.0), ("variance", 1e9),
])
def test_a_relative_map_is_scaled_to_the_noise_of_the_background(uneven, kind, unit):
    power = {"weight": 1.0, "variance": -1.0}[kind]
    values = np.where(uneven.bad, 0.0, unit * uneven.exposure**power)
    plane = planned(uneven, values, kind)
    ratio = plane.noise[~uneven.bad] / uneven.sigma[~uneven.bad]
    # 12 x 12 cells of 4096 pixels know an rms to 0.1 %, sources among them bias it little.
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    assert np.ptp(ratio) < 1e-3
    assert (plane.mask == uneven.bad).all()


def test_an_rms_map_and_a_map_that_is_not_rescaled_are_absolute(uneven):
    good = ~uneven.bad
    rms = np.where(uneven.bad, 0.0, 3.0 * uneven.sigma)
    np.testing.assert_allclose(planned(uneven, rms, "rms").noise[good], rms[good], rtol=1e-6)
    weight = np.where(uneven.bad, 0.0, rms.clip(1.0) ** -2)
    plane = planned(uneven, weight, "weight", rescale_weights=False)
    np.testing.assert_allclose(plane.noise[good], rms[good], rtol=1e-5)


def test_the_noise_of_the_mesh_serves_where_there_is_no_map(uneven):
    image = Image(uneven.data.copy(), mask=uneven.bad)
    plane = ready(image, Config().updated(weight_type="background"))
    corner, centre = plane.noise[440:720, 40:150], plane.noise[450:700, 320:480]
    # Of cells of 64 x 64 pixels, with stars in them.
    assert np.median(corner) / np.median(centre) == pytest.approx(
        np.median(uneven.sigma[440:720, 40:150]) / np.median(uneven.sigma[450:700, 320:480]),
        rel=0.05,
    )


@pytest.mark.parametrize("kind, thresh, bad", [
    ("weight", 0.0, [-1, 0, np.nan, np.inf]), ("weight", 2.0, [-1, 0, 1, 2, np.nan, np.inf]),
    ("variance", 0.0, [-1, 0, np.nan, np.inf]), ("variance", 2.0, [-1, 0, 2, 3, np.nan, np.inf]),
    ("rms", 2.0, [-1, 0, 2, 3, np.nan, np.inf]),
])
def test_what_has_no_weight_is_masked(kind, thresh, bad):
    rng = np.random.default_rng(3)
    image = Image(rng.normal(10.0, 1.0, (200, 200)).astype(np.float32))
    values = np.array([-1, 0, 1, 2, 3, np.nan, np.inf], np.float32)
    weight = np.full((200, 200), 2.5 if kind == "weight" else 1.5, np.float32)
    weight[50, :7] = values
    set_weight(image, weight, kind)
    plane = ready(image, Config().updated(weight_thresh=thresh))
    expected = [any(v == b or (np.isnan(v) and np.isnan(b)) for b in bad) for v in values]
    assert plane.mask[50, :7].tolist() == expected
    assert plane.mask.sum() == sum(expected)
    assert np.isfinite(plane.noise).all() and (plane.noise > 0).all()


def test_local_gain_gives_each_pixel_the_noise_of_its_exposure():
    data, sigma = np.array([[0.0, -5.0, 100.0, 100.0]]), np.array([[2.0, 2.0, 2.0, 4.0]])
    noise = with_photons(data.astype(np.float32), sigma.astype(np.float32), gain=2.0, rms=2.0)
    # Four times the variance is a quarter of the exposure: 400 image units for 100.
    np.testing.assert_allclose(noise**2, [[4.0, 4.0, 4.0 + 50.0, 16.0 + 200.0]], rtol=1e-6)


def test_the_threshold_goes_by_the_filtered_variance_of_good_pixels():
    sigma = np.ones((9, 9), np.float32)
    sigma[:, 5:] = 3.0
    kernel = ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0))
    result = filtered(sigma, None, kernel)
    assert result[4, 1:4] == pytest.approx(1.0) and result[4, 6:8] == pytest.approx(3.0)
    assert result[4, 4] == pytest.approx(np.sqrt(0.75 + 0.25 * 9.0))
    mask = sigma > 1.0
    assert filtered(sigma, mask, kernel)[4, 1:5] == pytest.approx(1.0)  # no bad neighbour costs
    assert filtered(sigma, mask, ()) is sigma


@pytest.mark.parametrize("part, low, high", [("deep", 0.0, 6.3), ("dim", 9.0, 99.0)])
def test_errors_are_true_in_deep_and_in_dim_parts(part, low, high):
    pulls = {"weighted": [], "even": []}
    for seed in range(3):
        frame = Uneven(seed)
        for name, keywords in (("weighted", {"weight": frame.weight}),
                               ("even", {"mask": frame.bad})):
            table = extract(frame.data, header={"GAIN": frame.gain}, satur_level=1e6,
                            apertures=(10.0,), columns=("position", "aper"), **keywords)
            rows = match(table, frame.x, frame.y, 1.0)
            noise = frame.sigma[np.rint(frame.y).astype(int), np.rint(frame.x).astype(int)]
            good = (rows >= 0) & frame.clear(frame.x, frame.y, 8) & (noise > low) & (noise < high)
            sigma2 = (FWHM / FWHM_PER_SIGMA) ** 2 + 1.0 / 12.0
            true = frame.flux[good] * (1.0 - np.exp(-(5.0**2) / (2.0 * sigma2)))
            pulls[name].append((table["flux_aper_1"][rows[good]] - true)
                               / table["fluxerr_aper_1"][rows[good]])
    width = {name: np.std(np.concatenate(values)) for name, values in pulls.items()}
    # Some 200 to 500 stars; the background's own error adds to the noise of pixels.
    assert 0.9 < width["weighted"] < 1.15
    if part == "dim":
        assert width["even"] > 1.5  # this is what a map is for


def test_a_bad_column_costs_no_star_and_makes_none(uneven):
    table = extract(uneven.data, weight=uneven.weight, satur_level=1e6)
    rows = match(table, uneven.x, uneven.y, 2.0)
    hit = uneven.bad[np.rint(uneven.y).astype(int), np.rint(uneven.x).astype(int)]
    beside = uneven.clear(uneven.x, uneven.y, 2)  # no bad pixel in the core
    assert (rows[beside & ~hit] >= 0).all()
    assert len(table) == len(set(rows[rows >= 0]))  # every source is a star
    near = beside & ~uneven.clear(uneven.x, uneven.y, 8)
    lost = table["flux_auto"][rows[near]] / uneven.flux[near]
    assert np.median(lost) == pytest.approx(0.97, abs=0.05)  # Kron misses some per cent anyway


def test_a_bad_column_cuts_no_star_in_two():
    field = star_field(5, 3000.0, (400, 400))
    bad = np.zeros((400, 400), bool)
    bad[:, 199] = bad[118:120] = True  # through two rows of stars
    whole = extract(field.data)
    cut, bridged = (extract(field.data, mask=bad, interp_maxlag=n) for n in (0, 5))
    assert len(cut) > len(bridged) == len(whole) == len(field.x)
    rows = match(bridged, field.x, field.y, 1.0)
    assert (rows >= 0).all()
    hit = ~np.array([not bad[round(b) - 2:round(b) + 3, round(a) - 2:round(a) + 3].any()
                     for a, b in zip(field.x, field.y)])
    assert hit.sum() > 10
    # The aperture takes what is opposite for what is lost.
    assert np.median(bridged["flux_auto"][rows[hit]]) == pytest.approx(
        np.median(bridged["flux_auto"][rows[~hit]]), rel=0.03)


def test_runs_are_bridged_along_their_shorter_side():
    y, x = np.indices((60, 70))
    plane = (2.0 * x + 3.0 * y).astype(np.float32)
    mask = np.random.default_rng(1).random(plane.shape) < 0.05
    mask[:, 30:33] = mask[10:12] = mask[40:50, 5:20] = True
    values = np.where(mask, np.float32(0.0), plane)
    left = fill([values], mask, 5)
    np.testing.assert_allclose(values[~left], plane[~left], rtol=1e-5)
    assert (values[left] == 0).all() and left[40:50, 5:20].all()
    assert not left[2:9, 30:33].any() and not left[10:12, 2:28].any()
    edge = mask & ((x == 0) | (x == 69)) & ((y == 0) | (y == 59))
    assert left[edge].all()  # nothing to bridge to
    assert (fill([values], mask, 0) == mask).all()
    assert not fill([values], np.zeros_like(mask), 5).any()


@pytest.mark.needs("sextractor")
def test_bridging_finds_the_sources_of_the_program(tmp_path):
    field = star_field(5, 3000.0, (400, 400))
    weight = np.ones((400, 400), np.float32)
    weight[:, 199] = weight[118:120] = 0.0
    theirs = program(tmp_path, field.data, weight, WEIGHT_TYPE="MAP_WEIGHT", INTERP_TYPE="ALL")
    ours = extract(field.data, weight=weight)
    rows = match(ours, theirs["X_IMAGE"] - 1, theirs["Y_IMAGE"] - 1, 1.0)
    assert len(ours) == len(theirs) and (rows >= 0).all()


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("gain", [0.0, 2.0])
@pytest.mark.parametrize("kind", ["map_weight", "map_var", "map_rms"])
def test_sources_and_errors_are_those_of_the_program(uneven, tmp_path, gain, kind):
    if kind == "map_weight":
        values = uneven.weight
    else:
        values = uneven.sigma ** (2 if kind == "map_var" else 1)
    bad = uneven.bad if kind == "map_weight" else np.zeros(SHAPE, bool)
    data = np.where(bad | ~uneven.bad, uneven.data, 200.0)
    theirs = program(
        tmp_path, data, weight=values, WEIGHT_TYPE=kind.upper(), INTERP_TYPE="NONE", GAIN=gain,
        SATUR_LEVEL=1e6, PHOT_APERTURES=10,
        columns=("X_IMAGE", "Y_IMAGE", "FLUX_ISO", "FLUXERR_ISO", "FLUX_AUTO", "FLUXERR_AUTO",
                 "FLUX_APER", "FLUXERR_APER"),
    )
    ours = extract(data, weight=values, weight_type=kind, gain=gain, apertures=(10.0,),
                   satur_level=1e6, interp_maxlag=0)
    rows = match(ours, theirs["X_IMAGE"] - 1, theirs["Y_IMAGE"] - 1, 0.5)
    assert len(ours) == len(theirs) and (rows >= 0).all()
    clear = uneven.clear(theirs["X_IMAGE"], theirs["Y_IMAGE"], 12)
    for column in ("flux_iso", "fluxerr_iso", "flux_auto", "fluxerr_auto", "flux_aper",
                   "fluxerr_aper"):
        name = f"{column}_1" if column.endswith("aper") else column
        ratio = np.asarray(ours[name])[rows] / theirs[column.upper()]
        # The error in circles: theirs counts photons of cut pixels whole.
        photons = 0.01 if gain and name == "fluxerr_aper_1" else 0.0
        assert np.median(ratio) == pytest.approx(1.0, abs=0.002 + photons), column
        assert np.percentile(abs(ratio[clear] - 1.0), 95) < 0.003 + photons, column
        assert np.percentile(abs(ratio - 1.0), 90) < 0.03, column
