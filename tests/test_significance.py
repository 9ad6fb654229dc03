"""Detection that goes by the frame finds as much whatever the seeing, and hardly anything else."""

import numpy as np
import pytest
from conftest import job
from pages import commands_of, read_page, shell_in
from stars import FWHM_PER_SIGMA, add_gaussian

from bench.accuracy.completeness import found_of, ours, shares
from mr_extract import Config, extract
from mr_extract.detection.filtering import gaussian_kernel, normalised
from mr_extract.detection.significance import filtered_sigma
from mr_extract.frames.adapted import adapted
from mr_extract.images import Image
from mr_extract.planes.plane import ready
from mr_extract.remarks import parse_cell
from mr_extract.text.catalog import read_catalog

SETTINGS = {"thresh_type": "significance", "thresh": 4.5, "filter_kernel": "seeing", "minarea": 1,
            "columns": ("x", "y")}
NOISE = 10.0


def frame(fwhm, signal_to_noise, side=700, seed=1):
    """Return a frame of stars of one brightness, their places, and a tenth of brighter ones."""
    rng = np.random.default_rng(seed)
    step = int(5 * fwhm) + 14
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(step, side - step, step)]))
    x, y = (axis + rng.uniform(-0.5, 0.5, len(x)) for axis in (x, y))
    sigma = fwhm / FWHM_PER_SIGMA
    ratio = np.full(len(x), float(signal_to_noise))
    bright = rng.permutation(len(x))[:max(16, len(x) // 20)]
    ratio[bright] = rng.uniform(60, 300, len(bright))
    data = rng.normal(100.0, NOISE, (side, side))
    for one in zip(x, y, ratio * NOISE * np.sqrt(4 * np.pi) * sigma):
        add_gaussian(data, *one, sigma)
    faint = np.ones(len(x), bool)
    faint[bright] = False
    return data.astype(np.float32), x, y, faint


@pytest.mark.parametrize("fwhm", [2.0, 4.0, 8.0])
def test_half_of_the_stars_at_five_and_nine_tenths_at_six_and_a_half(fwhm):
    for signal_to_noise, share in ((5.0, 0.5), (6.5, 0.9)):
        data, x, y, faint = frame(fwhm, signal_to_noise, side=1000 if fwhm > 5 else 700)
        found = extract(data, **SETTINGS)
        assert found.meta["filter_seeing"] == pytest.approx(fwhm, rel=0.05)
        apart = np.hypot(x[:, None] - found["x"], y[:, None] - found["y"])
        near = apart.min(1) < max(1.5, fwhm / 2)
        # By chance a share of n stars is off by its binomial error.
        spare = 2.0 * np.sqrt(share * (1 - share) / faint.sum())
        assert near[faint].mean() > share - spare and near[~faint].all()
        assert (apart.min(0) > max(2.0, fwhm)).mean() < 0.01


def test_the_noise_of_a_filtered_image_is_that_of_its_weights():
    data = np.random.default_rng(1).normal(0, 3, (500, 600)).astype(np.float32)
    for kernel in ((), ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0)), gaussian_kernel(5.0)):
        weights = normalised(kernel)
        assert filtered_sigma(data, kernel, 3.0) == pytest.approx(
            np.sqrt((weights**2).sum()), rel=0.03)


def smoothed(data, sigma):
    """Return an image smoothed by a Gaussian."""
    reach = np.arange(-int(4 * sigma) - 1, int(4 * sigma) + 2)
    weights = np.exp(-0.5 * (reach / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        data = np.apply_along_axis(np.convolve, axis, data, weights, "same")
    return data


def test_correlated_noise_and_a_map_of_it_are_allowed_for():
    rng = np.random.default_rng(2)
    smooth = smoothed(rng.normal(0, 1, (600, 600)), 1.0)
    smooth *= 1.0 / smooth.std()
    depth = np.where(np.arange(600) < 300, 1.0, 4.0).astype(np.float32) * np.ones((600, 1), "f4")
    data = (smooth * depth).astype(np.float32)
    kernel = gaussian_kernel(4.0)
    weights = normalised(kernel)
    found = filtered_sigma(data, kernel, depth)
    assert found > 1.8 * np.sqrt((weights**2).sum())
    truth = smoothed(smooth, 4.0 / FWHM_PER_SIGMA).std()
    assert found == pytest.approx(truth, rel=0.05)
    image = Image(data + 100, weight=depth, weight_kind="rms")
    plane = ready(image, Config().updated(weight_type="map_rms"))
    settings, facts = adapted(plane, Config().updated(
        thresh_type="significance", thresh=5.0, filter_kernel=kernel))
    assert facts == {"filter_sigma": pytest.approx(found, rel=0.05)}
    assert settings.thresh == 5.0 * facts["filter_sigma"] and settings.thresh_type == "relative"


def test_sources_do_not_raise_the_threshold():
    data, *_ = frame(3.0, 20.0, side=400)
    kernel = gaussian_kernel(3.0)
    plane = ready(Image(data), Config())
    assert filtered_sigma(plane.data, kernel, plane.rms) == pytest.approx(
        np.sqrt((normalised(kernel) ** 2).sum()), rel=0.06)


def test_masked_pixels_do_not_lower_it():
    data = np.random.default_rng(3).normal(0, 1, (300, 300)).astype(np.float32)
    mask = np.zeros(data.shape, bool)
    mask[:, 100:200] = True
    data[mask] = 1e6
    kernel = gaussian_kernel(3.0)
    assert filtered_sigma(data, kernel, 1.0, mask) == pytest.approx(
        np.sqrt((normalised(kernel) ** 2).sum()), rel=0.05)
    assert filtered_sigma(data, kernel, 1.0, np.ones(data.shape, bool)) == 0.0


def test_a_frame_without_stars_has_the_default_filter_and_says_so():
    data = np.random.default_rng(4).normal(100, 5, (128, 128)).astype(np.float32)
    found = extract(data, **SETTINGS)
    assert "filter_seeing" not in found.meta and found.meta["filter_sigma"] > 0
    assert ("unknown-seeing", "fewer than ten point sources are bright enough: the default "
            "filter was used") in parse_cell(found.meta["remarks"])


def test_units_of_the_image_change_nothing():
    data, *_ = frame(3.0, 8.0, side=256)
    one, other = (extract(times * data, satur_level=times * 5e4, **SETTINGS)
                  for times in (1.0, 2.0**64))
    assert len(one) > 10 and one["x"].tolist() == other["x"].tolist()
    assert one.meta["filter_sigma"] == other.meta["filter_sigma"]


def test_the_job_says_what_the_detection_went_by_and_python_alone_finds_the_same(tmp_path):
    from astropy.io import fits

    data, *_ = frame(3.0, 8.0, side=256)
    fits.writeto(tmp_path / "a.fits", data)
    words = ("a.fits", "--thresh-type", "significance", "--thresh", "4.5", "--filter-kernel",
             "seeing", "--minarea", "1", "--columns", "default,win,areas,flag_weight")
    runs = [job(*words, cwd=tmp_path, env={"MR_EXTRACT_COMPILED": compiled})
            for compiled in ("1", "0")]
    assert runs[0].status == 0, runs[0].err
    assert runs[0].out == runs[1].out and b"\tfilter_seeing=3.0" in runs[0].out
    assert b"\tfilter_sigma=0.2" in runs[0].out


@pytest.mark.parametrize("options, said", [
    (["--thresh-type", "significance", "--filter-type", "matched"], "matched"),
    (["--filter-kernel", "seen"], "no kernel file"),
])
def test_what_makes_no_sense_is_refused(options, said):
    run = job("-", *options)
    assert run.status == 2 and said in run.err and run.err.count("\n") == 1


def test_a_second_image_is_measured_where_the_first_one_says():
    data, x, y, faint = frame(3.0, 9.0, side=256)
    other = np.random.default_rng(5).normal(50, 3, data.shape).astype(np.float32)
    found = extract(other, detect=data, **{**SETTINGS, "columns": ("x", "y", "areas", "iso")})
    assert len(found) > 0.9 * len(x) and found.meta["filter_seeing"] == pytest.approx(3, rel=0.05)


def test_the_picture_is_of_shares_that_rise_with_signal_to_noise():
    ratio, found, false = found_of(3.0, ours, frames=1, side=400)
    share = shares(ratio, found)
    assert false < 0.05 and share[:2].mean() < 0.4 < 0.8 < share[-4:].mean()


def test_the_commands_of_the_page_run(tmp_path):
    (commands,) = commands_of(read_page("docs/detection.md"))
    run = shell_in(tmp_path)(commands)
    assert run.status == 0, run.err
    accounts = read_catalog(tmp_path / "found.tsv").accounts.values()
    assert len(accounts) == 2
    for account in accounts:
        assert 1.0 < float(account.values["filter_seeing"]) < 8.0
        assert 0.1 < float(account.values["filter_sigma"]) < 0.6
