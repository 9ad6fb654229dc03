"""How close the catalog is to SExtractor's own with the same settings, and both to the truth."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from stars import star_field

from bench.accuracy import frames, pulls
from bench.accuracy.comparison import compare
from bench.accuracy.matching import matched
from mr_extract import Config
from mr_extract.planes.background import subtract_background

pytestmark = pytest.mark.needs("sextractor")

COLUMNS = ("default", "radius", "win", "win_flux", "moments", "petro", "threshold", "mu_max")
CONFIG = Config().updated(columns=COLUMNS, apertures=(5.0, 16.0))
MODES = {"correct": {}, "blank": {"neighbours": "blank"}, "none": {"neighbours": "none"}}
FRAMES = ("simulated", *frames.REAL, *frames.WITH)


def test_pairs_are_each_others_nearest():
    x, y = np.array([0.0, 1.0, 5.0]), np.array([0.0, 0.0, 5.0])
    first, second = matched(x, y, np.array([0.6, 9.0]), np.array([0.0, 9.0]))
    assert first.tolist() == [1] and second.tolist() == [0]
    assert [len(v) for v in matched(x, y, x + 20.0, y)] == [0, 0]


@pytest.fixture(scope="module", params=[(f, "correct") for f in FRAMES]
                + [("SDSS", "blank"), ("SDSS", "none"), ("simulated", "none")], ids="-".join)
def both(request, tmp_path_factory):
    name, mode = request.param
    shared = None if name == "simulated" else request.getfixturevalue("shared_data")
    shot = next(f for f in frames.frames(shared) if f.name == name)
    config = shot.config(CONFIG).updated(**MODES[mode])
    both = compare(shot, tmp_path_factory.mktemp("program"), config)
    both.name, both.zero_point = name, shot.header.get("MAGZP", 0.0)
    return both


def errors(both, name, clean=True):
    return tuple(np.asarray(v, float) for v in both.pair(name, clean))


def test_the_same_bright_sources_are_found(both):
    # The slit of GMOS is a heap of blends, and deblending draws random numbers.
    least = 0.9 if both.name == "GMOS" else 0.98
    assert both.share("ours") >= least and both.share("theirs") >= least


def test_positions_agree(both):
    dx, dy = (np.subtract(*errors(both, name, clean=False)) for name in ("x", "y"))
    apart = np.hypot(dx, dy)
    assert np.median(apart) < 0.02
    if both.name != "GMOS":
        assert np.percentile(apart, 95) < 0.2


def unblended(both):
    """Say whether there are enough sources to speak of that neither program flags."""
    return len(both.pair("a")[0]) >= 30


def test_kron_fluxes_agree_within_a_tenth_of_their_errors(both):
    if both.name == "GMOS":
        return  # nothing in it is without a flag, and blends are dealt out by chance
    ours, theirs = errors(both, "flux_auto", clean=False)
    error = errors(both, "fluxerr_auto", clean=False)[1]
    assert np.median(np.abs(ours - theirs) / error) < 0.1
    if unblended(both):
        ours, theirs = errors(both, "flux_auto")
        error = errors(both, "fluxerr_auto")[1]
        assert np.percentile(np.abs(ours - theirs) / error, 90) < 0.1


def test_aperture_fluxes_of_unblended_sources_agree(both):
    if not unblended(both):
        return
    for name in ("flux_aper_1", "flux_aper_2"):
        ours, theirs = errors(both, name)
        apart = np.abs(ours / theirs - 1)
        # In the nebula of M17 the wide aperture holds blends next door, whose
        # pixels deblending deals out by chance.
        if (both.name, name) != ("2MASS", "flux_aper_2"):
            assert np.percentile(apart, 95) < 0.005
        assert np.median(apart) < 1e-6


@pytest.mark.parametrize(("name", "most"), [
    ("a", 1e-5), ("b", 1e-5), ("flux_radius_1", 1e-4), ("kron_radius", 1e-5),
    ("petro_radius", 1e-5), ("flux_petro", 1e-5), ("fluxerr_auto", 1e-5), ("flux_iso", 1e-5),
])
def test_medians_agree(both, name, most):
    if not unblended(both):
        return
    ours, theirs = errors(both, name)
    # 0, and 0 in both, is a radius that could not be measured.
    apart = np.abs(ours - theirs) / np.where(theirs == 0, 1.0, np.abs(theirs))
    assert np.median(apart) < most


@pytest.mark.parametrize(("name", "most"), [
    ("threshold", 1e-4), ("flux_aper_1", 1e-6), ("flux_auto", 1e-6), ("fluxerr_auto", 1e-4),
    ("kron_radius", 1e-6), ("flux_radius_1", 1e-6), ("fluxerr_win", 1e-4), ("mu_max", 1e-4),
])
def test_weights_and_another_band_enter_as_in_the_program(both, name, most):
    if both.name not in frames.WITH:
        return
    ours, theirs = errors(both, name)
    assert len(ours) and np.median(np.abs(ours / theirs - 1)) < most


def test_angles_of_elongated_sources_agree(both):
    if not unblended(both):
        return
    a, b = errors(both, "a")[1], errors(both, "b")[1]
    ours, theirs = errors(both, "theta")
    apart = np.abs((ours - theirs + 90) % 180 - 90)[a > 1.2 * b]
    assert np.median(apart) < 0.001 and np.percentile(apart, 99) < 1


def test_flags_are_the_same_for_nearly_all(both):
    same = both.ours["FLAGS"][both.first] == both.theirs["FLAGS"][both.second]
    # Blends, blends, and nine sources.
    least = {"GMOS": 0.6, "2MASS": 0.9, "DECam": 0.8, "DECam, weights": 0.8}
    assert same.mean() > least.get(both.name, 0.95)


def test_it_is_as_complete_and_as_pure_as_the_program(both):
    truth = both.truth
    if truth is None:
        return
    for low in range(14, 22):
        true = (truth["mag"] >= low) & (truth["mag"] < low + 1)
        complete, pure = [], []
        for table in (both.ours, both.theirs):
            rows, found = matched(table["x"], table["y"], truth["x"], truth["y"], 2.0)
            complete.append(np.isin(np.flatnonzero(true), found).mean())
            with np.errstate(all="ignore"):
                mag = both.zero_point - 2.5 * np.log10(table["flux_auto"])
            chosen = np.flatnonzero((mag >= low) & (mag < low + 1))
            pure.append(np.isin(chosen, rows).mean())
        # One source in a magnitude may go the other way: deblending draws random numbers.
        assert complete[0] >= complete[1] - 1.01 / max(true.sum(), 1)
        assert pure[0] >= pure[1] - 1.01 / max(len(chosen), 1)


@pytest.mark.parametrize("ratio", pulls.RATIOS)
def test_errors_are_the_scatter_of_equal_stars(tmp_path, ratio):
    shot = frames.Shot("equal stars", *pulls.equal_stars(ratio))
    widths = pulls.pull_widths(compare(shot, tmp_path))
    for title, (ours, theirs) in widths.items():
        assert ours == pytest.approx(theirs, abs=0.01), title
    # Those of isophotes and of FLUX_WIN leave out that isophote and window move with the noise,
    # as they do in the program; a circle of 5 pixels moves on a star of 3.5.
    for title in ("FLUX_APER, 12 pixels", "FLUX_AUTO", "FLUX_PETRO", "FLUX_ISOCOR", "XWIN_IMAGE"):
        assert 0.9 < widths[title][0] < 1.15, title


def test_maps_of_background_and_noise_agree(tmp_path):
    """Within half a per cent of the noise, over a sky that varies."""
    field = star_field(8, np.geomspace(300, 1e5, 324))
    v, u = np.indices(field.data.shape)
    data = (field.data + 0.05 * u + 40 * np.sin(v / 200.0)).astype(np.float32)
    fits.writeto(tmp_path / "f.fits", data)
    (tmp_path / "p.param").write_text("NUMBER\n")
    subprocess.run(
        ["source-extractor", "f.fits", "-PARAMETERS_NAME", "p.param", "-FILTER", "N",
         "-CHECKIMAGE_TYPE", "BACKGROUND,BACKGROUND_RMS", "-CHECKIMAGE_NAME", "b.fits,r.fits",
         "-VERBOSE_TYPE", "QUIET"], cwd=tmp_path, check=True)
    mesh = subtract_background(data.copy(), Config().background)
    rms = mesh.globalrms
    for ours, theirs in ((mesh.back(), "b.fits"), (mesh.rms(), "r.fits")):
        apart = np.abs(ours - fits.getdata(tmp_path / theirs)) / rms
        assert apart.max() < 0.005
