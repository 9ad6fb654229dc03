"""Apertures among neighbours and bad pixels, against sums written out pixel by pixel."""

from types import SimpleNamespace

import numpy as np
import pytest
import sep

from mr_extract.columns.choice import CROWDED
from mr_extract.detection.segments import Segments
from mr_extract.measure.apertures import circular, coefficients, surrounded
from mr_extract.measure.ellipses import extents
from mr_extract.measure.surroundings import Surroundings

RADIUS = 6.0


@pytest.fixture(scope="module")
def scene():
    """Random light, with 60 objects of which many touch, the border and bad pixels too."""
    rng = np.random.default_rng(5)
    shape = (90, 120)
    data = rng.normal(10, 3, shape).astype(np.float32)
    x, y = rng.uniform(-0.4, shape[1] - 0.6, 60), rng.uniform(-0.4, shape[0] - 0.6, 60)
    v, u = np.indices(shape)
    distance = np.hypot(u[None] - x[:, None, None], v[None] - y[:, None, None])
    labels = np.where(distance.min(0) < 2.5, distance.argmin(0) + 1, 0).astype(np.int32)
    mask = rng.random(shape) < 0.02
    mask[:, 40] = True
    noise = rng.uniform(1, 5, shape).astype(np.float32)
    return SimpleNamespace(data=data, x=x, y=y, labels=labels, mask=mask, noise=noise)


def around(scene, how, mask=None, noise=2.0):
    plane = SimpleNamespace(data=scene.data, mask=mask, noise=noise, gain=0.0)
    return Surroundings(plane, Segments(scene.labels, len(scene.x)), scene.x, scene.y, how)


def replaced(scene, k, how, mask, noise):
    """The image as object k should see it, pixel by pixel."""
    data, variance = scene.data.copy(), np.broadcast_to(noise, scene.data.shape).astype(float) ** 2
    height, width = data.shape
    bad = (scene.labels != 0) & (scene.labels != k + 1)
    if mask is not None:
        bad |= mask
    source, source_variance = data.copy(), variance.copy()
    for j, i in np.argwhere(bad):
        data[j, i] = variance[j, i] = 0.0
        i2 = int(2 * scene.x[k] + 0.49999 - i)
        j2 = int(2 * scene.y[k] + 0.49999 - j)
        if how == "correct" and 0 <= i2 < width and 0 <= j2 < height and not bad[j2, i2]:
            data[j, i], variance[j, i] = source[j2, i2], source_variance[j2, i2]
    return data, variance


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("how", ["correct", "blank"])
def test_sums_are_those_of_an_image_with_each_objects_own_replacements(scene, how, masked, varying):
    mask = scene.mask if masked else None
    noise = scene.noise if varying else 2.0
    flux, error, bits, failed = circular(around(scene, how, mask, noise), (2 * RADIUS, 3.0))
    assert not failed.any()
    for k in range(len(scene.x)):
        data, variance = replaced(scene, k, how, mask, noise)
        for column, radius in ((0, RADIUS), (1, 1.5)):
            want, want_error, flag = sep.sum_circle(
                data, [scene.x[k]], [scene.y[k]], radius, var=variance.astype(np.float32), subpix=5
            )
            assert flux[k, column] == pytest.approx(want[0], rel=1e-6, abs=1e-4)
            # The other way of telling noise has it for replaced pixels too.
            if varying:
                assert error[k, column] == pytest.approx(want_error[0], rel=1e-5)
            if column == 0:
                assert bits[k] & sep.APER_TRUNC == flag[0] & sep.APER_TRUNC


def test_as_they_are_means_as_sep_does(scene):
    flux, error, bits, _ = circular(around(scene, "none", scene.mask), (2 * RADIUS,))
    want, want_error, flag = sep.sum_circle(
        scene.data, scene.x, scene.y, RADIUS, err=2.0, mask=scene.mask, subpix=5
    )
    assert np.array_equal(flux[:, 0], want) and np.array_equal(error[:, 0], want_error)
    assert np.array_equal(bits, flag)


def test_a_bad_pixel_in_an_aperture_is_flagged(scene):
    _, _, bits, _ = circular(around(scene, "correct", scene.mask), (2 * RADIUS,))
    _, _, flag = sep.sum_circle(
        scene.data, scene.x, scene.y, RADIUS, mask=scene.mask, subpix=5
    )
    assert (bits & sep.APER_HASMASKED)[flag & sep.APER_HASMASKED != 0].all()


def test_intruders_are_the_pixels_inside_that_are_not_the_objects_own(scene):
    a, b = np.full(60, 3.0), np.full(60, 2.0)
    theta = np.linspace(-1.5, 1.5, 60)
    cxx, cyy, cxy = coefficients(a, b, theta)
    seen = around(scene, "correct", scene.mask)
    owner, pixel, bad = seen.intruders(cxx, cyy, cxy, np.full(60, 2.5))
    v, u = np.indices(scene.data.shape)
    total = 0
    for k in range(60):
        dx, dy = u - scene.x[k], v - scene.y[k]
        inside = cxx[k] * dx**2 + cyy[k] * dy**2 + cxy[k] * dx * dy <= 2.5**2
        foreign = inside & (scene.mask | ((scene.labels != 0) & (scene.labels != k + 1)))
        assert set(pixel[owner == k]) == set(np.flatnonzero(foreign))
        total += foreign.sum()
        flagged = pixel[(owner == k) & bad]
        assert scene.mask.ravel()[flagged].all()
    assert len(owner) == total


def test_crowded_is_a_tenth_of_the_ellipse():
    labels = np.zeros((80, 80), np.int32)
    labels[39:42, 39:42] = 1
    plane = SimpleNamespace(data=np.zeros((80, 80), np.float32), mask=None, noise=1.0, gain=0.0)
    one = np.ones(1)
    for pixels in (28, 35):  # of 314 in a circle of 10
        labels[45:47] = 0
        labels[45, 35:35 + pixels // 2] = 2
        labels[46, 35:35 + pixels - pixels // 2] = 2
        seen = Surroundings(plane, Segments(labels, 1), [40.0], [40.0], "correct")
        inside = len(seen.intruders(one, one, 0 * one, 10 * one)[0])
        flag = surrounded(seen, (one, one, 0 * one), 10 * one)[0]
        assert flag == (CROWDED if inside > 31.4 else 0)


def test_a_neighbours_light_is_taken_out_of_a_symmetric_source():
    v, u = np.indices((100, 100))
    star = 1000 * np.exp(-((u - 50) ** 2 + (v - 50) ** 2) / (2 * 3.0**2))
    neighbour = 3000 * np.exp(-((u - 60) ** 2 + (v - 53) ** 2) / (2 * 2.0**2))
    labels = np.where(neighbour > star, 2, 1) * ((star + neighbour) > 1)
    plane = SimpleNamespace(data=(star + neighbour).astype(np.float32), mask=None, noise=1.0,
                            gain=0.0)
    truth = star[np.hypot(u - 50, v - 50) <= 12].sum()
    bias = {}
    for how in ("none", "blank", "correct"):
        seen = Surroundings(plane, Segments(labels.astype(np.int32), 2), [50.0, 60.0],
                            [50.0, 53.0], how)
        bias[how] = circular(seen, (24.0,))[0][0, 0] / truth - 1
    assert bias["none"] > 0.5 and bias["blank"] < -0.005
    # What remains is neighbour light among the pixels that count as the star's own.
    assert abs(bias["correct"]) < 0.02


def test_a_cut_as_large_as_the_image_is_measured_too(scene):
    seen = around(scene, "correct")
    reach = np.full(60, 500.0)

    def total(data, noise, mask, x, y):
        flux, _, bits = sep.sum_circle(data, x, y, 400.0, subpix=1)
        return flux, bits

    (flux, bits), failed = seen.measure(total, reach, reach, outputs=2)
    assert not failed.any() and (bits & sep.APER_TRUNC).all()
    for k in (0, 17, 59):
        data, _ = replaced(scene, k, "correct", None, 1.0)
        assert flux[k] == pytest.approx(data.sum(dtype=float), rel=1e-6)


def test_extents_of_ellipses():
    angle = np.linspace(0, 2 * np.pi, 100_001)
    for a, b, theta in ((3.0, 1.0, 0.4), (2.0, 2.0, 0.0), (5.0, 0.5, -1.2)):
        x = a * np.cos(angle) * np.cos(theta) - b * np.sin(angle) * np.sin(theta)
        y = a * np.cos(angle) * np.sin(theta) + b * np.sin(angle) * np.cos(theta)
        reach = extents(*coefficients(*map(np.float64, (a, b, theta))), 2.0)
        assert np.allclose(reach, (2 * x.max(), 2 * y.max()), rtol=1e-6)
    zero = np.zeros(1)
    assert extents(zero, zero, zero, 1.0) == (0.0, 0.0)
