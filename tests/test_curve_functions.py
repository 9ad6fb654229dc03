"""Claims about functions of light curves: a period is found, and one that fails costs no other."""

import numpy as np
import pytest
from conftest import job, module
from detections import write_detections

from mr_extract.export.__main__ import main
from mr_extract.text.arrays import lines_as_word, lines_from_word
from mr_extract.text.catalog import read_catalog

PERIODS = """
from astropy.timeseries import LombScargle


def best(mjd, mag, magerr, filters):
    if mag.mean() > 21:
        raise RuntimeError("too faint\\nfor me")
    if mag.mean() < 15:
        return {"only": 1}
    frequency, power = LombScargle(mjd, mag, magerr).autopower(maximum_frequency=3)
    return {"period": 1 / frequency[power.argmax()], "points": len(mjd)}


def words(mjd, mag, magerr, filters):
    return {"filter": filters[0]}
"""
TRUE = 1.7321


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty epochs of a variable star, a constant, a bright and a faint one."""
    folder = tmp_path_factory.mktemp("curves")
    rng = np.random.default_rng(3)
    images = {}
    for k, mjd in enumerate(np.sort(rng.uniform(55000, 55060, 40))):
        wave = 0.4 * np.sin(2 * np.pi * mjd / TRUE)
        mag = np.array([18 + wave, 18, 14, 22]) + rng.normal(0, 0.02, 4)
        images[f"{k:02d}.fits"] = ({
            "ra": np.array([359.9999, 0.0005, 0.01, 0.02]) + rng.normal(0, 2e-5, 4),
            "dec": np.zeros(4), "mag_auto": mag.astype(np.float32),
            "magerr_auto": np.full(4, 0.02, np.float32)}, {"mjd": mjd, "filter": "r"})
    write_detections(folder / "catalog.tsv", images)
    (folder / "periods.py").write_text(PERIODS)
    return folder


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_period_of_a_variable_is_found(folder, runner):
    done = module("jobs.objects", "-r", runner, "catalog.tsv", "--light-curve-function",
                  "periods:best", "--catalog", f"{runner}.tsv", cwd=folder)
    assert done.status == 0, done.err
    found = read_catalog(folder / f"{runner}.tsv").columns
    assert len(found["ra"]) == 4
    variable = np.argmax(found["r_scatter"] * (found["lc_failed"] == 0))
    assert found["lc_period"][variable] == pytest.approx(TRUE, rel=0.005)
    assert found["r_chi2"][variable] > 1000 and found["stetson_j"][variable] > 5
    assert found["lc_points"][variable] == 40
    np.testing.assert_array_equal(np.sort(found["lc_failed"]), [0, 0, 0, 1])
    failed = np.argmax(found["lc_failed"])
    assert np.isnan(found["lc_period"][failed]) and found["r_mag"][failed] > 21
    assert f"the first {found['object'][failed]}: RuntimeError: too faint" in done.err
    assert np.isfinite(found["lc_only"]).sum() == 1
    assert main([str(folder / f"{runner}.tsv"), str(folder / f"{runner}.fits")]) == 0
    assert (folder / "inline.tsv").read_bytes() == (folder / f"{runner}.tsv").read_bytes()


def test_what_is_no_function_is_refused(folder, night):
    for name, words in (("nomodule:best", "nomodule cannot be imported"),
                        ("periods:none", "periods has no function none"),
                        ("periods", "must be module:function")):
        done = module("jobs.objects", "catalog.tsv", "--light-curve-function", name, cwd=folder)
        assert done.status == 2 and words in done.err and not done.out, name
    done = job(night / "manifest.txt", "--light-curve-function", "periods:best", cwd=folder)
    assert done.status == 2 and "is for --reduce objects" in done.err
    done = module("jobs.objects", "catalog.tsv", "--light-curve-function", "periods:words",
                  cwd=folder)
    assert done.status == 0 and "4 objects of which the function" in done.err
    assert "filter is str_ and no number" in done.err


def test_lines_go_through_a_word():
    for lines in ([], [b""], [b"a\nb", b"", b"\0\xff"]):
        word = lines_as_word(lines)
        assert lines_from_word(word) == lines and b"\n" not in word
