"""Functions with the same digits everywhere: how right they are, and that catalogs are the same."""

import math
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from conftest import ROOT, command
from groups import numpy_features
from skies import catalogue, scattered, sky_with, write_sky

from mr_extract.portable.angles import arccos, arcsin, arctan2
from mr_extract.portable.exponential import exponential, hyperbolic_sine
from mr_extract.portable.logarithm import decimal_logarithm, logarithm
from mr_extract.portable.matrices import inverse, product, solved
from preprocess.simulation.simulate import simulate_night

RNG = np.random.default_rng(4)
ORDINARY = np.concatenate([RNG.uniform(-700.0, 700.0, 1000), RNG.normal(size=1000),
                           [0.0, -0.0, 1e-300, -1e-300, 700.0, -700.0]])
POSITIVE = np.concatenate([10.0 ** RNG.uniform(-300, 300, 1000), 1.0 + 1e-5 * RNG.normal(size=1000),
                           RNG.uniform(0.4, 2.5, 1000), [1.0, 5e-324, 1.7e308]])


def units_apart(found, truth, values):
    """Return by how many units of the last digit values are off, at most."""
    with localcontext(prec=40):
        return max(float(abs(Decimal(one) - truth(Decimal(value))) / Decimal(float(
            np.spacing(abs(one))))) for one, value in zip(found.tolist(), values.tolist()))


@pytest.mark.parametrize("function, truth, values, units", [
    (exponential, Decimal.exp, ORDINARY, 1.0),
    (logarithm, Decimal.ln, POSITIVE, 1.0),
    (decimal_logarithm, Decimal.log10, POSITIVE, 2.0),
    (hyperbolic_sine, lambda x: (x.exp() - (-x).exp()) / 2, ORDINARY[np.abs(ORDINARY) > 1e-3], 2.0),
])
def test_they_are_right_to_the_last_digits(function, truth, values, units):
    assert units_apart(function(values), truth, values) < units


def test_angles_are_those_of_the_c_library_to_the_last_digits():
    y, x = RNG.normal(size=(2, 3000)) * 10.0 ** RNG.uniform(-8, 8, (2, 3000))
    theirs = np.array([math.atan2(*pair) for pair in zip(y.tolist(), x.tolist())])
    assert (np.abs(arctan2(y, x) - theirs) <= 2 * np.spacing(np.abs(theirs))).all()
    sides = [0.0, -0.0, 1.0, -1.0, 1e-320, 1e308]
    for one in sides:
        for other in sides:
            ours = float(arctan2(one, other))
            assert (ours, math.copysign(1, ours)) == (
                math.atan2(one, other), math.copysign(1, math.atan2(one, other)))
    sines = RNG.uniform(-1, 1, 1000)
    for ours, theirs in ((arcsin, math.asin), (arccos, math.acos)):
        there = np.array([theirs(value) for value in sines.tolist()])
        assert (np.abs(ours(sines) - there) <= 3 * np.spacing(np.abs(there))).all()
        assert np.isnan(ours(np.array([1.1, -1.1, np.nan]))).all()


def test_what_has_no_value_has_none():
    assert (exponential(np.array([-1e4, -np.inf])) == exponential(np.array([-700.0]))).all()
    assert np.isnan(exponential(np.array([np.nan]))).all()
    for function in (logarithm, decimal_logarithm):
        assert function(np.array([0.0, np.inf])).tolist() == [-np.inf, np.inf]
        assert np.isnan(function(np.array([-1.0, np.nan]))).all()


def test_small_systems_are_solved():
    for size in (2, 3, 5):
        matrix, right = RNG.normal(size=(size, size)), RNG.normal(size=size)
        assert np.allclose(matrix @ solved(matrix, right), right, atol=1e-10)
        assert np.allclose(product(matrix, inverse(matrix)), np.eye(size), atol=1e-10)
    with pytest.raises(np.linalg.LinAlgError):
        solved(np.ones((2, 2)), np.ones(2))


# ---- catalogs


def least(words, **more):
    """Run a command as it is, and with the least of processors; return what both wrote."""
    env = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **more}
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(numpy_features()), "OPENBLAS_CORETYPE": "Haswell"}
    runs = [command([sys.executable, *words], env={**env, **one}) for one in ({}, plain)]
    assert all(run.status == 0 for run in runs), [run.err for run in runs]
    return [run.out for run in runs]


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    simulate_night(str(folder), frames=2, seed=8, shape=(600, 700))
    rows = [line.split("\t") for line in (folder / "truth.tsv").read_text().splitlines()
            if not line.startswith("#")]
    ra, dec = rows[0].index("ra"), rows[0].index("dec")
    (folder / "targets.tsv").write_text("ra\tdec\n" + "".join(
        f"{row[ra]}\t{row[dec]}\n" for row in rows[1:60]))
    return folder


@pytest.mark.needs("processor")
def test_these_settings_do_change_the_digits_of_numpy():
    """Or the comparisons of catalogs would be no test."""
    code = ("import hashlib, numpy as np; x = np.random.default_rng(1).uniform(0.1, 9, 100003);"
            "print(*(hashlib.sha256(f(x)).hexdigest() for f in (np.exp, np.log10, np.arctan)))")
    one, other = least(["-c", code])
    assert one != other


@pytest.mark.needs("processor")
@pytest.mark.parametrize("words", [
    ["mr_extract.py", "--columns", "all,psf", "--psf-model", "own"],
    ["mr_extract.py", "--forced", "targets.tsv", "--forced-fwhm", "3", "--columns", "all"],
    ["-m", "mr_extract.jobs.quality"],
    ["mr_extract.py", "--reduce", "objects"],
], ids=["all-columns", "forced", "quality", "objects"])
def test_a_catalog_does_not_depend_on_the_processor(night, words):
    words = [str(night / word) if word.endswith(".tsv") else word for word in words]
    one, other = least([*words, "-r", "inline", str(night / "manifest.txt")])
    assert one.count(b"\n") > 4
    assert one == other


@pytest.mark.needs("processor")
def test_nor_does_one_of_a_sky_map(tmp_path):
    longitude, latitude = scattered(np.random.default_rng(2), 40, 5.0)
    write_sky(tmp_path / "map.fits", sky_with(longitude, latitude, np.full(40, 2.0), 128, 60.0))
    catalogue(longitude, latitude).write(tmp_path / "sources.fits")
    (tmp_path / "list.txt").write_text(f"{tmp_path}/map.fits\n")
    one, other = least([
        "-m", "mr_extract.jobs.photometry", "-r", "inline", "--sources",
        str(tmp_path / "sources.fits"), "--beam", "60", "--frequency", "30",
        "--gaussian", "elliptical", str(tmp_path / "list.txt")])
    assert one.count(b"\n") > 40
    assert one == other


@pytest.mark.needs("processor")
def test_nor_do_catalogs_of_real_frames(shared_data, tmp_path):
    names = ["c/sep/image.fits", "b/cfht/CFHTLS-test_g.fits",
             "d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz"]
    (tmp_path / "list.txt").write_text("".join(f"{shared_data / name}\n" for name in names))
    one, other = least(["mr_extract.py", "-r", "inline", "--columns", "all",
                        str(tmp_path / "list.txt")])
    assert one.count(b"\n") > 100
    assert one == other
