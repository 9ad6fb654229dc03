"""Cleaning, pairs and pixel lists."""

import numpy as np
import pytest
import sep
from hypothesis import given, settings
from hypothesis import strategies as st

from mr_extract.detection.cleaning import clean
from mr_extract.detection.extraction import detect
from mr_extract.detection.filtering import pixels_over
from mr_extract.detection.pairs import pairs_within, ranges
from mr_extract.detection.segments import Segments
from mr_extract.settings.config import Config


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.floats(0, 3))
def test_pairs_are_those_of_a_double_loop(seed, n, skew):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-50, 50, (2, n))
    reach = rng.lognormal(0.5, skew, n)
    if n > 3:
        x[0] = np.nan
        reach[1] = 0.0
    first, second = pairs_within(x, y, reach)
    found = set(zip(first.tolist(), second.tolist()))
    assert len(found) == len(first), "no pair twice"
    with np.errstate(invalid="ignore"):
        near = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 <= (reach[:, None] + reach) ** 2
    near &= (reach > 0)[:, None] & (reach > 0)
    assert found == {(i, j) for i, j in np.argwhere(near).tolist() if i < j}


def test_ranges_are_written_out():
    which, numbers = ranges(np.array([5, 9, 2]), np.array([2, 0, 3]))
    assert which.tolist() == [0, 0, 2, 2, 2] and numbers.tolist() == [5, 6, 2, 3, 4]


KERNELS = {
    "pyramid": ((1, 2, 1), (2, 4, 2), (1, 2, 1)), "row": ((0, 1, 3, 1, 0),), "none": (),
    "oblique": ((3, 1, 0), (1, 4, 1), (0, 1, 3)), "even": ((1, 2), (3, 4)), "wells": ((-1, 4, -1),),
}


@pytest.mark.parametrize("strip", [1, 200, 1 << 17])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_the_filter_is_a_sum_over_the_image(kernel, masked, strip, monkeypatch):
    monkeypatch.setattr("mr_extract.detection.filtering._STRIP", strip)
    rng = np.random.default_rng(3)
    data = rng.normal(0, 1, (23, 31)).astype(np.float32)
    labels = (rng.random(data.shape) < 0.1).astype(np.int32)
    mask = rng.random(data.shape) < 0.1 if masked else None
    weights = np.array(kernel, float) if kernel else np.ones((1, 1))
    weights /= np.abs(weights).sum()
    above, beside = (n // 2 for n in weights.shape)
    wide = np.pad(np.where(mask, 0, data) if masked else data.astype(float), 5)
    want = sum(weight * wide[5 + j - above:28 + j - above, 5 + i - beside:36 + i - beside]
               for (j, i), weight in np.ndenumerate(weights))
    for thresh in (0.3, rng.uniform(0, 0.6, data.shape).astype(np.float32)):
        pixels, values = pixels_over(data, labels, thresh, kernel, mask)
        assert np.allclose(values, want.ravel()[pixels], atol=1e-6)
        over = (want > thresh) & ~mask if masked else want > thresh
        assert np.array_equal(pixels, np.flatnonzero(over | (labels != 0)))


def test_pixels_over_the_threshold_are_those_that_sep_takes():
    rng = np.random.default_rng(8)
    data = rng.normal(0, 1, (200, 300)).astype(np.float32)
    kernel = np.array(Config().detection.filter_kernel, np.float32)
    _, labels = sep.extract(data, 0.5, minarea=1, filter_kernel=kernel, filter_type="conv",
                            deblend_nthresh=1, clean=False, segmentation_map=True)
    pixels, _ = pixels_over(data, np.zeros_like(labels), 0.5, Config().detection.filter_kernel)
    apart = np.setxor1d(pixels, np.flatnonzero(labels))
    assert len(apart) <= 2 < 1000 < len(pixels), "one on the very threshold may round over it"


@pytest.fixture(scope="module")
def star():
    """A bright star whose Moffat wings carry noise over the threshold."""
    rng = np.random.default_rng(11)
    v, u = np.indices((200, 240))
    light = 2e4 * (1 + ((u - 120.3) ** 2 + (v - 99.6) ** 2) / 9.0) ** -1.5
    data = (light + rng.normal(0, 5, light.shape)).astype(np.float32)
    for x, y in ((20, 20), (200, 180)):  # two lone faint stars
        data += (200 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 4.5)).astype(np.float32)
    return data


def found(data, **values):
    return detect(data, Config().updated(**values).detection, 5.0)


def test_detections_in_the_wings_go_and_others_stay(star):
    everything, _ = found(star, clean=False)
    objects, _ = found(star)
    near = np.hypot(objects["x"] - 120.3, objects["y"] - 99.6) < 80
    assert len(everything) > len(objects)
    assert near.sum() < (np.hypot(everything["x"] - 120.3, everything["y"] - 99.6) < 80).sum()
    for x, y in ((20, 20), (200, 180)):
        assert (np.hypot(objects["x"] - x, objects["y"] - y) < 1).sum() == 1


def test_a_master_takes_its_victims_pixels_and_hides_none_of_them(star):
    everything, whole = found(star, clean=False)
    objects, segments = found(star)
    for name in ("npix", "tnpix"):
        assert objects[name].sum() == everything[name].sum()
    assert objects["flux"].sum() == pytest.approx(everything["flux"].sum(), rel=1e-6)
    assert len(segments.pixels) == len(whole.pixels)
    assert np.array_equal(np.diff(segments.starts), objects["npix"])
    sums = segments.sums(star.ravel()[segments.pixels])
    assert np.allclose(sums, objects["flux"], rtol=1e-5)
    hidden = np.count_nonzero(segments.labels)
    assert hidden == len(segments.pixels) - len(segments.absorbed) < len(whole.pixels)
    for name, extreme in (("xmin", np.minimum), ("ymax", np.maximum)):
        axis = segments.pixels % 240 if name[0] == "x" else segments.pixels // 240
        assert np.array_equal(extreme.reduceat(axis, segments.starts[:-1]), objects[name])
    peaks = segments.pixels[segments.highest(star.ravel()[segments.pixels])]
    assert np.array_equal(peaks, objects["ypeak"] * 240 + objects["xpeak"])


def test_positions_and_shapes_are_not_those_of_the_victims(star):
    everything, _ = found(star, clean=False)
    objects, _ = found(star)
    where = {(o["x"], o["y"]): o for o in everything}
    for one in objects:
        before = where[one["x"], one["y"]]
        assert all(one[name] == before[name] for name in ("a", "b", "theta", "x2", "errx2"))


def test_almost_the_same_survive_as_in_sep(star):
    kernel = np.array(Config().detection.filter_kernel, np.float32)
    theirs = sep.extract(star, 1.5, err=5.0, filter_kernel=kernel, filter_type="conv", clean=True)
    objects, _ = found(star)
    distance = np.hypot(objects["x"][:, None] - theirs["x"], objects["y"][:, None] - theirs["y"])
    assert (distance.min(1) < 0.01).mean() > 0.9 and (distance.min(0) < 0.01).mean() > 0.9


def test_steeper_wings_account_for_fewer_detections(star):
    """A greater CLEAN_PARAM is a steeper Moffat."""
    counts = [len(found(star, clean_param=beta)[0]) for beta in (1.0, 8.0)]
    assert counts[0] < counts[1] < len(found(star, clean=False)[0])


def test_too_large_detections_can_be_dropped(star):
    objects, segments = found(star, maxarea=100)
    assert 0 < len(objects) and objects["npix"].max() <= 100
    assert segments.count == len(objects)
    assert np.array_equal(np.diff(segments.starts), objects["npix"])


def test_one_and_no_objects_are_left_alone():
    data = np.zeros((40, 40), np.float32)
    data[10:14, 10:14] = 100.0
    for image, n in ((data, 1), (np.zeros((40, 40), np.float32), 0)):
        objects, labels = sep.extract(image, 5.0, segmentation_map=True, clean=False)
        whole = Segments(labels, len(objects))
        kept, segments = clean(
            image, objects, whole, image.ravel()[whole.by_row], Config().detection)
        assert len(kept) == segments.count == n
