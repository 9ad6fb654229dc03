"""Claims about functions of light curves: a period is found, and one that fails costs no other."""

import zipfile

import numpy as np
import pytest
from astropy.io import fits
from conftest import job, module
from detections import write_detections

from mr_extract.export.__main__ import main
from mr_extract.jobs.beside.user_functions import function_in, travelling
from mr_extract.jobs.runners.hadoop.shipping import write_code_archive
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


def test_of_a_package_all_travels_and_of_what_is_installed_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "curves_of_mine"
    (package / "deeper").mkdir(parents=True)
    for name in ("__init__.py", "deeper/__init__.py", "deeper/one.py", "notes.txt"):
        (package / name).write_text("def best(*light):\n    return {}\n")
    (tmp_path / "single.py").write_text("")
    found = travelling(["curves_of_mine.deeper.one:best", "single:best", "numpy:std", "math:sin",
                        "statistics:mean"])
    assert found == {**{f"curves_of_mine/{name}": package / name for name in (
        "__init__.py", "deeper/__init__.py", "deeper/one.py")}, "single.py": tmp_path / "single.py"}
    write_code_archive(tmp_path / "code.zip", found)
    with zipfile.ZipFile(tmp_path / "code.zip") as archive:
        assert {*found, "mr_extract/__init__.py"} <= set(archive.namelist())
    assert function_in(str(tmp_path), "curves_of_mine.deeper.one:best")() == {}


def test_from_images_to_a_period(tmp_path):
    """Thirty small frames, each a pixel or so beside the others, of a variable and two others."""
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:80, :100]
    for k, mjd in enumerate(np.sort(rng.uniform(55000, 55040, 30))):
        shift = rng.uniform(-2, 2, 2)
        flux = 20000 * np.array([10 ** (0.16 * np.sin(2 * np.pi * mjd / TRUE)), 1.0, 0.7])
        image = rng.normal(100, 3, rows.shape)
        for x, y, one in zip((30, 70, 50), (20, 40, 60), flux):
            square = (columns - x - shift[0]) ** 2 + (rows - y - shift[1]) ** 2
            image += one / (2 * np.pi * 1.5 ** 2) * np.exp(-square / (2 * 1.5 ** 2))
        header = {"MJD-OBS": mjd, "FILTER": "r", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
                  "CRVAL1": 0.001, "CRVAL2": 10.0, "CRPIX1": 51 + shift[0], "CRPIX2": 41 + shift[1],
                  "CDELT1": -2e-4, "CDELT2": 2e-4}
        fits.PrimaryHDU(image.astype(np.float32), fits.Header(header)).writeto(
            tmp_path / f"{k:02d}.fits")
    (tmp_path / "list.txt").write_text("\n".join(p.name for p in tmp_path.glob("*.fits")))
    (tmp_path / "periods.py").write_text(PERIODS)
    done = job("list.txt", "--reduce", "objects", "--zero-point", "29", "--gain", "0",
               "--light-curve-function", "periods:best", "--catalog", "objects.tsv", cwd=tmp_path)
    assert done.status == 0, done.err
    found = read_catalog(tmp_path / "objects.tsv").columns
    bright = found["detections"] == 30
    variable = np.argmax(np.where(bright, found["r_scatter"], 0))
    constant = np.sort(found["r_mag"][bright & (found["object"] != found["object"][variable])])
    np.testing.assert_allclose(constant, 29 - 2.5 * np.log10([20000, 14000]), atol=0.02)
    assert found["lc_period"][variable] == pytest.approx(TRUE, rel=0.005)
    assert found["r_scatter"][variable] == pytest.approx(0.4 / np.sqrt(2), rel=0.2)
    assert (found["r_chi2"][bright] / 29 < 2).sum() == 2


def test_what_is_no_function_is_refused(folder, night):
    for name, words in (("nomodule:best", "it is not of the form module:function, or"),
                        ("periods:none", "periods has no function none"),
                        ("periods", "must be module:function")):
        done = module("jobs.objects", "catalog.tsv", "--light-curve-function", name, cwd=folder)
        assert done.status == 2 and words in done.err and not done.out, name
    done = job(night / "manifest.txt", "--reduce", "objects", "--light-curve-function",
               "nomodule:best", cwd=folder)
    assert done.status == 2 and "no such module" in done.err and done.err.count("\n") == 1
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
