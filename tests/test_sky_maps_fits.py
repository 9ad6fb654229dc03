"""Elliptical Gaussians: true within their errors, and those of astropy's fitter."""

import numpy as np
import pytest

from mr_extract.around.gaussian import fit_ellipse, fit_gaussian
from mr_extract.around.measuring import Radii, measure_around
from mr_extract.around.samples import ARCMIN, Samples

MAJOR, MINOR, HEIGHT, GROUND = 36.0, 26.0, 30.0, 2.0
SOLID = np.pi * MAJOR * MINOR * ARCMIN**2 / (4 * np.log(2))


def around(rng, angle, minor=MINOR, x0=0.0, y0=0.0, noise=1.0, reach=40.0):
    """Pixels of 3.4 arcmin around a source: x to the east, y to the north."""
    grid = np.arange(-reach - 5, reach + 5, 3.4)
    x, y = (v.ravel() + rng.uniform(-1.7, 1.7) for v in np.meshgrid(grid, grid))
    near = np.hypot(x, y) <= reach
    x, y = x[near], y[near]
    east, north = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    along = (x - x0) * east + (y - y0) * north
    across = (x - x0) * north - (y - y0) * east
    values = GROUND + HEIGHT * np.exp(-4 * np.log(2) * ((along / MAJOR) ** 2
                                                        + (across / minor) ** 2))
    return Samples(x, y, np.hypot(x, y), values + rng.normal(0, 1, len(x)) * noise, 1e-6)


def test_axes_angles_and_fluxes_are_true_within_their_errors():
    rng, pulls, ratios = np.random.default_rng(3), [], []
    for _ in range(1000):
        angle, (x0, y0) = rng.uniform(0, 180), rng.normal(0, 1, 2)
        samples = around(rng, angle, x0=x0, y0=y0)
        round_one = fit_gaussian(samples, GROUND, 1.0, 30.0)
        fit = fit_ellipse(samples, round_one, 1.0)
        truth = np.array([HEIGHT, x0, y0, MAJOR, MINOR, angle, GROUND])
        apart = fit.values - truth
        apart[5] = (apart[5] + 90) % 180 - 90
        flux, error = fit.flux()
        pulls.append([*(apart / fit.errors), (flux - HEIGHT * SOLID) / error])
        ratios.append([flux / (HEIGHT * SOLID), fit.chi2 / fit.dof,
                       round_one.flux()[0] / (HEIGHT * SOLID)])
    pulls, ratios = np.array(pulls), np.mean(ratios, axis=0)
    assert (np.abs(pulls.mean(axis=0)) < 4 / np.sqrt(len(pulls))).all()
    assert ((pulls.std(axis=0) > 0.95) & (pulls.std(axis=0) < 1.05)).all()
    assert ratios[:2] == pytest.approx([1.0, 1.0], abs=0.01)
    # What the page says of the round one.
    assert ratios[2] == pytest.approx(0.96, abs=0.005)


def test_it_is_what_astropy_fits():
    from astropy.modeling import fitting, models

    rng = np.random.default_rng(8)
    for angle in (0.0, 20.0, 90.0, 135.0):
        samples = around(rng, angle)
        ours = fit_ellipse(samples, fit_gaussian(samples, GROUND, 1.0, 30.0), 1.0)
        width = np.sqrt(8 * np.log(2))
        model = models.Gaussian2D(HEIGHT, 0, 0, MAJOR / width, MINOR / width,
                                  np.radians(90 - angle)) + models.Const2D(GROUND)
        fitter = fitting.LevMarLSQFitter(calc_uncertainties=True)
        theirs = fitter(model, samples.x, samples.y, samples.values,
                        weights=np.ones(len(samples.x)), acc=1e-12)
        a, x, y, sx, sy, theta, level = theirs.parameters
        found = [a, x, y, sx * width, sy * width, ours.values[5], level]
        assert ours.values == pytest.approx(found, rel=1e-4, abs=1e-3)
        turned = 90 - np.degrees(theta) - ours.values[5]
        assert (turned + 90) % 180 - 90 == pytest.approx(0, abs=0.01)
        units = np.array([1, 1, 1, width, width, np.degrees(1), 1])
        errors = np.sqrt(np.diag(fitter.fit_info["param_cov"])) * units
        assert ours.errors == pytest.approx(errors, rel=0.01)


def test_a_round_source_has_two_like_axes_and_an_angle_that_says_nothing():
    samples = around(np.random.default_rng(1), 0.0, MAJOR, noise=0.01)
    fit = fit_ellipse(samples, fit_gaussian(samples, GROUND, 0.01, 30.0), 0.01)
    assert fit.values[3:5] == pytest.approx([MAJOR, MAJOR], rel=1e-3)
    assert fit.values[3] >= fit.values[4] and fit.errors[5] > 5


def test_of_what_is_no_source_the_ellipse_is_a_flag_and_nan():
    rng = np.random.default_rng(2)
    radii = Radii(10.0, 20.0, 25.0, 38.0, 25.0)
    few = around(rng, 0.0)
    few.values[(few.distance <= 25) & (few.distance > 4.5)] = np.nan  # some six of the core
    found = measure_around(few, radii, 1.0, elliptical=True)
    assert found["flag"] & 32 and np.isnan(found["fwhm_major"]) and found["dof_ell"] == 0
    whole = measure_around(around(rng, 30.0, noise=0.1), radii, 1.0, elliptical=True)
    assert whole["flag"] == 0 and whole["angle_ell"] == pytest.approx(30, abs=2)
    assert "fwhm_major" not in measure_around(around(rng, 30.0), radii, 1.0)
