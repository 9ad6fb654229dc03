"""Settings of a tuned configuration, away from the defaults, beside the program itself."""

import numpy as np
import pytest
from sextractor import program
from stars import add_profile, moffat

from bench.accuracy.matching import matched
from mr_extract import extract
from mr_extract.planes.noise import filtered
from mr_extract.sextractor.flags import to_sextractor
from preprocess.simulation.exposure import simulate_frame

pytestmark = pytest.mark.needs("sextractor")

HAT = "CONV NORM\n-1 -2 -1\n-2 16 -2\n-1 -2 -1\n"
ROWS = ((-1.0, -2.0, -1.0), (-2.0, 16.0, -2.0), (-1.0, -2.0, -1.0))
NAMES = ("X_IMAGE", "Y_IMAGE", "FLUX_AUTO", "FLUXERR_AUTO", "FLUXERR_ISO", "FLAGS",
         "ISOAREAF_IMAGE")
# Without deblending, which draws random numbers: then all is the same.
WHOLE = {"deblend_nthresh": 1}, {"DEBLEND_NTHRESH": 1}


def crowd(seed=3, size=500):
    """Stars with wings, some very bright, on a noise that doubles to the right."""
    rng = np.random.default_rng(seed)
    sigma = np.where(np.arange(size) < size // 2, 5.0, 10.0) * np.ones((size, size))
    data = rng.normal(200.0, sigma)
    for flux in np.geomspace(300, 3e5, size * size // 800):
        x, y = rng.uniform(0, size - 1, 2)
        add_profile(data, x, y, flux, moffat(3.5, 2.5), reach=30)
    return data.astype(np.float32), sigma


def both(folder, data, settings, **options):
    """Return rows of the program and of ours that are of the same source, and all rows."""
    weight = settings.get("weight")
    theirs = program(folder, data, weight=weight, columns=NAMES, INTERP_TYPE="NONE",
                     SATUR_LEVEL=1e9, **options)
    ours = extract(data, satur_level=1e9, interp_maxlag=0, **settings)
    mine, its = matched(*(np.asarray(ours[c]) for c in ("x", "y")),
                        *(np.asarray(theirs[c]) - 1 for c in ("X_IMAGE", "Y_IMAGE")))
    return ours, theirs, mine, its


def nearly_all_paired(ours, theirs, pairs, share=0.98):
    return len(pairs) >= share * max(len(ours), len(theirs)) > 50


def ratio(ours, theirs, mine, its, name):
    return np.asarray(ours[name.lower()], float)[mine] / np.asarray(theirs[name], float)[its]


def test_a_filter_with_negative_weights_finds_the_same(tmp_path):
    data, _ = crowd()
    (tmp_path / "hat.conv").write_text(HAT)
    (tmp_path / "hat.sex").write_text(f"FILTER_NAME {tmp_path}/hat.conv\n")
    found = len(extract(data, config=tmp_path / "hat.sex", columns=("x",)))
    assert found > 0
    ours, theirs, mine, its = both(
        tmp_path, data, {"filter_kernel": ROWS, **WHOLE[0]}, FILTER_NAME=tmp_path / "hat.conv",
        **WHOLE[1])
    assert len(ours) == len(theirs) == len(mine) > 50
    assert (np.asarray(ours["npix"])[mine] == np.asarray(theirs["ISOAREAF_IMAGE"])[its]).all()


def test_the_noise_under_a_filter_with_negative_weights_stays_the_noise():
    # The program averages variances with the negative weights, and finds noise everywhere.
    sigma = np.full((9, 9), 3.0, np.float32)
    sigma[4, 4] = 1.0
    result = filtered(sigma, None, ROWS)[1:-1, 1:-1]
    assert (result >= 1.0).all() and (result <= 3.0 + 1e-6).all()


def test_what_is_too_large_cleans_nothing_away_and_hides_its_pixels(tmp_path):
    """DETECT_MAXAREA drops objects before cleaning, of which bright stars eat their halos."""
    data, _ = crowd()
    ours, theirs, mine, its = both(
        tmp_path, data, {"maxarea": 60, **WHOLE[0]}, DETECT_MAXAREA=60, **WHOLE[1])
    assert len(ours) == len(theirs) == len(mine) > 50
    assert np.abs(ratio(ours, theirs, mine, its, "FLUX_AUTO") - 1).max() < 1e-3


@pytest.mark.parametrize("kind", ["map_var", "map_weight"])
def test_the_gain_is_that_of_a_typical_pixel_of_an_absolute_map(tmp_path, kind):
    """A map that says more than the mesh sees, as of resampled images, in units of its own."""
    data, sigma = crowd()
    variance = (2.5 * sigma) ** 2
    values = (variance if kind == "map_var" else 1 / variance).astype(np.float32)
    ours, theirs, mine, its = both(
        tmp_path, data, {"weight": values, "weight_type": kind, "rescale_weights": False,
                         "gain": 2.0},
        WEIGHT_TYPE=kind.upper(), RESCALE_WEIGHTS="N", GAIN=2.0)
    assert nearly_all_paired(ours, theirs, mine)
    for name in ("FLUXERR_AUTO", "FLUXERR_ISO"):
        assert np.median(np.abs(ratio(ours, theirs, mine, its, name) - 1)) < 1e-3, name


def test_the_mesh_of_a_weight_map_is_filtered_in_its_own_units(tmp_path):
    """BACK_FILTTHRESH, for a map whose variances are small numbers."""
    data, sigma = crowd()
    sigma = np.where(np.indices(sigma.shape)[0] // 64 == 3, 2 * sigma, sigma)  # a row of cells
    weight = (1e4 / sigma**2).astype(np.float32)
    ours, theirs, mine, its = both(tmp_path, data, {"weight": weight, "fthresh": 0.1},
                                   WEIGHT_TYPE="MAP_WEIGHT", BACK_FILTTHRESH=0.1)
    assert nearly_all_paired(ours, theirs, mine)
    error = ratio(ours, theirs, mine, its, "FLUXERR_AUTO")
    assert np.median(np.abs(error - 1)) < 2e-3


def test_cleaning_under_a_weight_map_removes_the_same(tmp_path):
    """Peaks of noise, of which cleaning removes many: there it takes profiles as they are."""
    data = np.asarray(simulate_frame(5, 0)[0], np.float32)[:300, :300]
    weight = np.where(np.arange(300) < 150, 4.0, 1.0) * np.ones((300, 300))
    ours, theirs, mine, _ = both(
        tmp_path, data, {"weight": weight.astype(np.float32), "thresh": 1.2, "minarea": 1,
                         "filter_kernel": (), **WHOLE[0]},
        WEIGHT_TYPE="MAP_WEIGHT", DETECT_THRESH=1.2, ANALYSIS_THRESH=1.2, DETECT_MINAREA=1,
        FILTER="N", MEMORY_OBJSTACK=30000, **WHOLE[1])
    assert len(theirs) > 1000
    assert len(mine) >= 0.998 * max(len(ours), len(theirs))


def test_neighbours_that_are_taken_as_they_are_set_no_flag(tmp_path):
    data, _ = crowd()
    data = data + np.roll(data, 7, axis=1) - 200
    seen = {}
    for how in ("none", "correct"):
        ours, theirs, mine, its = both(tmp_path, data, {"neighbours": how}, MASK_TYPE=how.upper())
        flags = to_sextractor(np.asarray(ours["flag"]))[mine]
        assert (flags == np.asarray(theirs["FLAGS"])[its]).mean() > 0.95, how
        seen[how] = (flags & 1).mean()
    assert seen["none"] == 0 and seen["correct"] > 0.1


# With a weight map an absolute threshold of the program is none.
@pytest.mark.parametrize(("kind", "weighted"), [
    ("relative", False), ("absolute", False), ("relative", True)])
def test_areas_and_widths_go_by_the_analysis_threshold(tmp_path, kind, weighted):
    data, sigma = crowd()
    weight = (1 / sigma**2).astype(np.float32) if weighted else None
    names = {"ISOAREA_IMAGE": "tnpix", "ISO0": "iso0", "ISO4": "iso4", "FWHM_IMAGE": "fwhm_iso",
             "MU_THRESHOLD": "mu_threshold", "FLUX_ISOCOR": "flux_isocor"}
    level = 4.0 if kind == "relative" else 45.0
    theirs = program(
        tmp_path, data, weight=weight, columns=("X_IMAGE", "Y_IMAGE", *names), SATUR_LEVEL=1e9,
        DETECT_THRESH=2, ANALYSIS_THRESH=level, THRESH_TYPE=f"RELATIVE,{kind}", **WHOLE[1],
        **({"WEIGHT_TYPE": "MAP_WEIGHT"} if weighted else {}))
    ours = extract(data, weight=weight, satur_level=1e9, thresh=2.0, analysis_thresh=level,
                   analysis_thresh_type=kind, columns=("all",), pixel_scale=1.0, **WHOLE[0])
    mine, its = matched(*(np.asarray(ours[c]) for c in ("x", "y")),
                        *(np.asarray(theirs[c]) - 1 for c in ("X_IMAGE", "Y_IMAGE")))
    assert len(mine) >= 0.98 * len(theirs) > 50
    for name, column in names.items():
        a, b = np.nan_to_num(np.asarray(ours[column], float)[mine]), np.asarray(theirs[name])[its]
        same = np.abs(a - b) <= 6e-3 + 1e-4 * np.abs(b)  # two decimals of FWHM_IMAGE
        assert same.mean() > 0.97, name
