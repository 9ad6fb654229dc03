"""The sky of a target is taken off as it was summed, and what touches an aperture is said."""

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from stars import FWHM_PER_SIGMA, add_gaussian

from bench.accuracy.local_skies import measured
from mr_extract import Config
from mr_extract.columns.choice import (
    APERTURE_BAD,
    APERTURE_CUT,
    APERTURE_ONLY_BAD,
    CROWDED,
    FAILED,
    NO_LOCAL_SKY,
    SATURATED,
)
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure
from mr_extract.frames.given_places import measure_targets
from mr_extract.images import Image
from mr_extract.lists.targets import Targets
from mr_extract.measure.apertures import coefficients, surrounded
from mr_extract.measure.ellipses import extents
from mr_extract.measure.surroundings import Surroundings
from mr_extract.measure.within import count_within
from mr_extract.planes.plane import ready

ALL = ("default", "forced_gauss", "forced_ellipse")
SHAPE = (120, 130)
RING = (8.0, 16.0)


def at(data, x, y, ellipses=None, mask=None, noise=None, kind="rms", saturated=None, **settings):
    """Measure at pixels, no background being taken off, with the noise given."""
    image = Image(np.array(data, np.float32), {}, mask=mask, saturated=saturated)
    if noise is not None:
        image.weight, image.weight_kind = np.full(image.data.shape, noise, np.float32), kind
        settings["weight_type"] = {"rms": "map_rms", "weight": "map_weight"}[kind]
    settings = {"columns": ALL, "forced_fwhm": 3.0, "back_type": "manual", **settings}
    targets = Targets([str(k) for k in range(len(x))], False, np.array(x, float),
                      np.array(y, float), ellipses)
    config = Config().updated(forced="list", **settings)
    return measure_targets(image, config, targets=targets).columns


def ellipses_of(n, a, b, theta=0.0):
    return np.stack([np.full(n, float(v)) for v in (a, b, theta)])


@pytest.fixture(scope="module")
def flat():
    """An image of nothing but 10, bad pixels in it, and targets at all its sides."""
    rng = np.random.default_rng(1)
    mask = rng.random(SHAPE) < 0.02
    mask[40:46, 38:45] = True
    height, width = SHAPE
    x = np.concatenate([[0, width - 1, -0.5, width - 0.51, 0, 40, 36.4, 60],
                        rng.uniform(-0.5, width - 0.5, 300)])
    y = np.concatenate([[0, height - 1, 50.2, 60, height - 1, 42, 42.2, 0.3],
                        rng.uniform(-0.5, height - 0.5, 300)])
    return np.full(SHAPE, 10.0), mask, x, y


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize("neighbours", ["correct", "blank", "none"])
@pytest.mark.parametrize("noise", [1.0, 1e-6])
def test_nothing_but_sky_has_no_flux_wherever_the_target_is(flat, neighbours, bad, noise):
    data, mask, x, y = flat
    n = len(x)
    ellipses = np.stack([np.linspace(2, 9, n), np.linspace(1.5, 4, n), np.linspace(-90, 260, n)])
    columns = at(data, x, y, ellipses, mask if bad else None, noise, annulus=RING,
                 apertures=(3.0, 5.0, 10.0, 21.7), neighbours=neighbours)
    assert (columns["background_local"] == 10.0).all()
    for name in ("aper_1", "aper_2", "aper_3", "aper_4", "ellipse", "gauss"):
        flux, error = columns[f"flux_{name}"], columns[f"fluxerr_{name}"]
        measured = np.isfinite(flux)
        assert np.abs(flux[measured]).max() < 1e-9 * 10 * np.pi * 11**2, name
        assert (error[measured] > 0).all()
        # What is nan has a reason: nothing but bad pixels, or less than half of a star.
        why = APERTURE_CUT | APERTURE_BAD if name == "gauss" else APERTURE_ONLY_BAD
        assert (columns["flag"][~measured] & why > 0).all()
        assert measured.mean() > 0.9


def test_a_star_on_a_sky_that_was_not_taken_off_has_its_flux():
    data = np.full(SHAPE, 1000.0)
    add_gaussian(data, 60.3, 50.6, 5000.0, 3.0 / FWHM_PER_SIGMA)
    columns = at(data, [60.3], [50.6], ellipses_of(1, 8, 7, 30), noise=5.0, annulus=RING,
                 apertures=(14.0,))
    for name in ("aper_1", "ellipse", "gauss"):
        # A Gaussian's model takes the pixel for one more Gaussian: a few thousandths.
        assert columns[f"flux_{name}"][0] == pytest.approx(5000, rel=5e-3)


@pytest.mark.parametrize("good, known", [(19, False), (20, True)])
def test_a_ring_of_too_few_pixels_gives_no_sky_and_says_so(good, known):
    rng = np.random.default_rng(2)
    mask = np.zeros(SHAPE, bool)
    yy, xx = np.mgrid[:SHAPE[0], :SHAPE[1]]
    ring = np.flatnonzero((np.hypot(xx - 60, yy - 50) >= 8) & (np.hypot(xx - 60, yy - 50) <= 16))
    mask.ravel()[ring[good:]] = True
    columns = at(rng.normal(10, 1, SHAPE), [60, 100], [50, 60], ellipses_of(2, 4, 3), mask,
                 annulus=RING)
    names = [f"{kind}_{tail}" for tail in ("aper_1", "ellipse", "gauss")
             for kind in ("flux", "fluxerr", "mag", "magerr")]
    names += ["background_local", "flux_limit_aper_1", "mag_limit_aper_1"]
    if not known:
        assert all(np.isnan(columns[name][0]) for name in names)
    else:
        assert np.isfinite(columns["flux_aper_1"][0])
    assert (columns["flag"][0] & NO_LOCAL_SKY > 0) == (not known)
    assert np.isfinite(columns["flux_aper_1"][1]) and columns["flag"][1] == 0


def test_a_crowded_field_lifts_the_mode_less_than_the_median_and_this_less_than_the_mean():
    crowded = measured(0.02, side=300)
    middle = {name: crowded[name].mean() for name in crowded}
    assert 0.05 < middle["mode"] < 0.85 * middle["median"] < 0.85 * middle["mean"]
    empty = measured(0.0, side=300)
    assert all(abs(values.mean()) < 0.02 for values in empty.values())
    assert empty["mean"].std() < empty["median"].std() < empty["mode"].std()


@pytest.mark.parametrize("statistic", ["median", "mode", "mean"])
def test_the_error_is_that_of_the_statistic(statistic):
    rng = np.random.default_rng(5)
    side = np.arange(20.0, 900.0, 26.0)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side))
    columns = at(rng.normal(3.0, 2.0, (920, 920)), x, y, noise=2.0, annulus=(8, 12),
                 annulus_statistic=statistic, columns=("default",), forced_fwhm=0.0)
    sky = columns["background_local"]
    pixels = np.count_nonzero((lambda r: (r >= 8) & (r <= 12))(np.hypot(*np.mgrid[-13:14, -13:14])))
    expected = 2.0 * np.sqrt({"median": np.pi / 2, "mode": 6.14, "mean": 1.0}[statistic] / pixels)
    assert sky.std() == pytest.approx(expected, rel=0.08)
    assert abs(sky.mean() - 3.0) < 5 * expected / np.sqrt(len(x))
    pulls = columns["flux_aper_1"] / columns["fluxerr_aper_1"]
    assert pulls.std() == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("ring, level", [((8, 12), 0.0), ((8, 12), 30.0), ((9, 9.6), 0.0)])
def test_the_error_of_the_ring_is_in_all_errors(ring, level):
    rng = np.random.default_rng(3)
    side = np.arange(25.0, 1980.0, 26.0)
    x, y = (v.ravel() + rng.uniform(-0.5, 0.5, side.size**2) for v in np.meshgrid(side, side))
    data = rng.normal(level, 5.0, (2000, 2000))
    # The photons of the sky are in the noise already, and no source has any.
    columns = at(data, x, y, ellipses_of(len(x), 6, 3, 30), annulus=ring, apertures=(12.0,),
                 forced_fwhm=4.0, gain=1.0 if level else 0.0)
    assert len(x) > 5000  # knows a width to 1 %
    for name in ("aper_1", "gauss", "ellipse"):
        pulls = columns[f"flux_{name}"] / columns[f"fluxerr_{name}"]
        assert abs(pulls.mean()) < 0.06, name
        if level:
            # Upward noise counts as light, with its photons: at most its own share.
            assert 0.9 < pulls.std() < 1.05, name
        else:
            assert 0.95 < pulls.std() < 1.05, name


def test_whole_numbers_of_little_noise_still_have_an_error():
    rng = np.random.default_rng(4)
    data = np.rint(rng.normal(100.0, 0.3, (400, 400)))
    columns = at(data, [200, 100], [200, 100], ellipses_of(2, 4, 3), noise=0.4, annulus=RING)
    plain = at(data - 100, [200, 100], [200, 100], ellipses_of(2, 4, 3), noise=0.4)
    for name in ("aper_1", "ellipse", "gauss"):
        assert (columns[f"fluxerr_{name}"] > plain[f"fluxerr_{name}"]).all()


def test_a_limit_holds_for_the_whole_circle_or_is_not_given():
    rng = np.random.default_rng(5)
    mask, saturated = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    x = np.array([60.0, 100.0, 2.0, 20.0, 100.0])
    y = np.array([60.0, 60.0, 60.0, 20.0, 20.0])
    data = rng.normal(0, 1, SHAPE)
    for one in zip(x, y):  # stars on all of them, a bad or saturated pixel beside the centre
        add_gaussian(data, *one, 500.0, 2.0)
    mask[60, 103] = saturated[20, 23] = True
    columns = at(data, x, y, mask=mask, saturated=saturated, apertures=(4.0, 12.0),
                 columns=("default",))
    given = [np.isfinite(columns[f"flux_limit_aper_{k}"]).tolist() for k in (1, 2)]
    # The pixels are three from the centre, and the border two and a half.
    assert given == [[True] * 5, [True, False, False, False, True]]
    assert np.isnan(columns["mag_limit_aper_2"]).tolist() == [False, True, True, True, False]
    assert (columns["flux_aper_2"] > 0).all(), "what was measured stays"


def test_a_flag_is_of_each_aperture_that_is_asked_for():
    mask, saturated = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    x, y = np.array([5.0, 60, 60, 100]), np.array([50.0, 50, 20, 90])
    mask[50, 67], saturated[20, 67] = True, True
    rng = np.random.default_rng(6)
    data = rng.normal(0, 1, SHAPE)
    own = [APERTURE_CUT, APERTURE_BAD, SATURATED, 0]
    circles = at(data, x, y, mask=mask, saturated=saturated, columns=("default",))
    assert circles["flag"].tolist() == [0, 0, 0, 0]
    in_ellipses = at(data, x, y, ellipses_of(4, 8, 3), mask, saturated=saturated,
                     columns=("default", "forced_ellipse"))
    assert in_ellipses["flag"].tolist() == own
    across = at(data, x, y, ellipses_of(4, 8, 3, 90), mask, saturated=saturated,
                columns=("default", "forced_ellipse"))
    assert across["flag"].tolist() == [0, 0, 0, 0]
    of_stars = at(data, x, y, mask=mask, saturated=saturated, forced_fwhm=4.5,
                  columns=("default", "forced_gauss"))
    assert of_stars["flag"].tolist() == own


@pytest.mark.parametrize("x, cut", [(2.0, False), (1.99, True), (1.6, True), (126.9, False),
                                    (127.1, True)])
def test_a_circle_that_loses_any_of_its_area_is_flagged(x, cut):
    data = np.random.default_rng(7).normal(0, 1, SHAPE)
    columns = at(data, [x], [50.0], apertures=(5.0,), columns=("default",))
    assert (columns["flag"][0] == APERTURE_CUT) == cut
    assert np.isnan(columns["flux_limit_aper_1"][0]) == cut


def test_an_ellipse_that_is_none_or_holds_no_pixel_is_said():
    data = np.random.default_rng(8).normal(0, 1, SHAPE)
    ellipses = np.array([[4.0, 3.0, np.nan, 0.3, 4.0], [3.0, 4.0, 3.0, 0.3, 3.0],
                         [0, 0, 0, 0, np.nan]])
    columns = at(data, np.full(5, 50.5), np.full(5, 50.5), ellipses)
    assert np.isnan(columns["flux_ellipse"]).tolist() == [False, True, True, True, True]
    assert np.isnan(columns["fluxerr_ellipse"]).tolist() == [False, True, True, True, True]
    assert (columns["flag"] & FAILED > 0).tolist() == [False, True, True, True, True]
    assert np.isfinite(columns["flux_aper_1"]).all()


NO_NOISE = {"nothing": {}, "a weight": {"noise": 1.0, "kind": "weight"},
            "a vast weight": {"noise": 1e38, "kind": "weight"},
            "the mesh": {"weight_type": "background"}}


@pytest.mark.parametrize("given", NO_NOISE)
def test_targets_on_an_image_without_noise_are_refused(given):
    with pytest.raises(ImageFailure, match="constant-image"):
        at(np.full(SHAPE, 10.0), [50], [50], **NO_NOISE[given])


def test_weights_without_end_are_no_valid_pixels():
    with pytest.raises(ImageFailure, match="no-valid-pixels"):
        at(np.full(SHAPE, 10.0), [50], [50], noise=np.inf, kind="weight")


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_dead_chip_costs_no_other_image(tmp_path, runner):
    rng = np.random.default_rng(9)
    fits.writeto(tmp_path / "dead.fits", np.full(SHAPE, 10.0, np.float32))
    fits.writeto(tmp_path / "good.fits", rng.normal(10, 1, SHAPE).astype(np.float32))
    (tmp_path / "list.csv").write_text("id,x,y\na,50,50\nb,0,0\n")
    run = job("-r", runner, "dead.fits", "good.fits", "--forced", "list.csv", "--annulus", "8,16",
              cwd=tmp_path)
    assert run.status == 1
    assert run.accounts() == {"dead.fits": "constant-image", "good.fits": ""}


def test_what_crowds_an_ellipse_at_the_border_is_a_share_of_what_is_on_the_image():
    data = np.random.default_rng(10).normal(0, 1, SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, bool)
    # Of an ellipse of 20 by 10 pixels on the border one half counts, 318 pixels.
    mask[50:60, 5:9] = True
    plane = ready(Image(data, mask=mask), Config())
    x, y = np.array([0.0, 60.0]), np.array([55.0, 55.0])
    around = Surroundings(plane, Segments(np.zeros(SHAPE, np.int32), 0), x, y, "correct")
    ellipse = np.full(2, 20.0), np.full(2, 10.0), np.zeros(2)
    flag = surrounded(around, ellipse, np.ones(2))
    assert 40 / (np.pi * 200) < 0.1 < 40 / (np.pi * 100)
    assert (flag & CROWDED > 0).tolist() == [True, False]


def test_pixels_within_ellipses_are_counted_by_their_centres():
    rng = np.random.default_rng(11)
    n = 200
    x, y = rng.uniform(-5, 135, n), rng.uniform(-5, 125, n)
    a = rng.uniform(1, 30, n)
    shape = coefficients(a, a * rng.uniform(0.1, 1, n), rng.uniform(-1.5, 1.5, n))
    yy, xx = np.mgrid[:SHAPE[0], :SHAPE[1]]
    u, v = xx - x[:, None, None], yy - y[:, None, None]
    cxx, cyy, cxy = (c[:, None, None] for c in shape)
    within = (cxx * u * u + cyy * v * v + cxy * u * v <= 1).sum((1, 2))
    counted = count_within(SHAPE, x, y, *shape, np.ones(n), extents(*shape, np.ones(n))[1])
    assert np.array_equal(counted, within)


@pytest.mark.parametrize("weight_gain, ratio", [(True, 2.0), (False, 1.0)])
def test_the_gain_of_a_target_goes_with_its_weight(weight_gain, ratio):
    rms = np.full(SHAPE, 1.0, np.float32)
    rms[:, :65] = 2.0
    data = np.random.default_rng(5).normal(0.0, 1.0, SHAPE) * rms
    for x in (30.0, 100.0):
        add_gaussian(data, x, 60.0, 1e6, 3.0 / FWHM_PER_SIGMA)
    image = Image(data.astype(np.float32), {}, weight=rms, weight_kind="rms")
    targets = Targets(["left", "right"], False, np.array([30.0, 100.0]), np.array([60.0, 60.0]))
    found = measure_targets(image, Config().updated(
        forced="list", weight_type="map_rms", gain=1.0, weight_gain=weight_gain,
        apertures=(15.0,)), targets=targets).columns
    # A million electrons outweigh the noise of 177 pixels by far.
    assert found["fluxerr_aper_1"][0] / found["fluxerr_aper_1"][1] == pytest.approx(ratio, rel=5e-3)
