"""A PSF of the frame's own stars gives what the true one gives, and is not made of anything."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from pages import commands_of, read_page, shell_in
from stars import elongated
from test_psf_fits import FWHM, KNOWN, NOISE, frame, galaxy, matched, model, moffat

from mr_extract import extract
from mr_extract.measure.own_psf import point_sources
from mr_extract.text.catalog import read_catalog

RATIOS = (20.0, 60.0, 20.0, 300.0)  # of signal to noise; galaxies are those of 60


def own(data, gain=0.0, **settings):
    return extract(data, weight=np.full_like(data, NOISE), gain=gain, weight_gain=False,
                   **{"psf_model": "own", **KNOWN, **settings})


@pytest.mark.parametrize("gain", [0.0, 2.0])
def test_fluxes_are_true_errors_those_of_the_scatter_and_galaxies_no_stars(gain):
    kinds = (moffat, galaxy, moffat, moffat)
    data, x, y, flux = frame(RATIOS, 1, side=400, gain=gain, profile=kinds)
    table = own(data, gain)
    found, near = matched(table, x, y)
    assert len(found) > 0.95 * len(x)
    of_star = found["flux_psf"] / flux[near % 4]
    pulls = found["spread_model"] / found["spreaderr_model"]
    for k, most in ((near % 2 == 0, 0.01), (near % 4 == 3, 0.006)):
        scatter = (of_star[k] - of_star[k].mean()) * flux[near % 4][k] / found["fluxerr_psf"][k]
        spare = np.median(found["fluxerr_psf"][k] / flux[near % 4][k]) / np.sqrt(k.sum())
        assert abs(of_star[k].mean() - 1) < most + spare
        assert scatter.std() == pytest.approx(1.0, abs=0.15)
        assert abs(pulls[k].mean()) < 0.5 and pulls[k].std() == pytest.approx(1.0, abs=0.25)
        assert abs(np.mean(found["x_psf"][k] - x[near][k])) < 0.05
    assert (pulls[near % 4 == 1] > 3).mean() > 0.9
    # One star of four is bright enough, and no galaxy took part.
    assert table.meta["psf_stars"] == (near % 4 == 3).sum()
    assert table.meta["psf_fwhm"] == pytest.approx(FWHM, rel=0.01)
    assert table.meta["psf_chi2"] == pytest.approx(1.0, abs=0.1)


def test_a_psf_that_the_pixels_hardly_sample_and_is_not_round():
    data, x, y, flux = frame(RATIOS, 2, side=400, profile=elongated(1.2, 0.9, 30))
    found, near = matched(own(data), x, y)
    ratio = (found["flux_psf"] / flux[near % 4])[near % 4 == 3]
    assert ratio.mean() == pytest.approx(1.0, abs=0.01) and ratio.std() < 0.02


def test_a_model_that_is_named_stands_above_it(tmp_path):
    data, *_ = frame(200.0, 3, side=120)
    named = model(tmp_path / "m.psf")
    both, alone = own(data, psf=named), own(data, psf=named, psf_model="named")
    assert "psf_stars" not in both.meta and np.isfinite(both["flux_psf"]).any()
    assert both["flux_psf"].tobytes() == alone["flux_psf"].tobytes()


def test_stars_of_a_psf_are_on_the_locus_round_bright_and_sound():
    n = 12
    radius, flux = np.full(n, 2.0) + 0.001 * np.arange(n), np.full(n, 1000.0)
    error, ellipticity, usable = np.full(n, 2.0), np.zeros(n), np.ones(n, bool)
    radius[0], radius[1], error[2], ellipticity[3], usable[4], flux[5] = (
        2.8, 0.4, 60.0, 0.35, False, np.nan)
    error[7] = 1.0
    chosen = point_sources(radius, flux, error, ellipticity, usable)
    assert chosen.tolist() == [7, 6, 8, 9, 10, 11]
    assert not len(point_sources(radius, flux, error, ellipticity, np.zeros(n, bool)))
    hot = np.where(np.arange(n) < 9, 0.5, 2.0)  # more hot pixels than stars
    assert point_sources(hot, np.full(n, 1e3), np.full(n, 2.0), np.zeros(n),
                         np.ones(n, bool)).tolist() == [9, 10, 11]


def test_the_command_of_the_page_and_an_image_of_four_stars(tmp_path):
    fits.writeto(tmp_path / "a.fits", frame(200.0, 4, side=200)[0])
    fits.writeto(tmp_path / "few.fits", frame(200.0, 5, side=100)[0])
    (tmp_path / "list.txt").write_text("a.fits\nfew.fits\n")
    (command,) = commands_of(read_page("docs/companions.md", "Fits of the PSF"))
    run = shell_in(tmp_path)(command)
    assert run.status == 0, run.err
    catalog = read_catalog(tmp_path / "catalog.tsv")
    whole, few = (catalog.accounts[name].values for name in ("a.fits", "few.fits"))
    assert int(whole["psf_stars"]) > 20
    assert float(whole["psf_fwhm"]) == pytest.approx(FWHM, rel=0.02)
    assert "psf" not in whole.get("remarks", "")
    assert "unknown-psf:4 stars" in few["remarks"] and "psf_fwhm" not in few
    images = np.asarray(catalog.columns["image"])
    flux = np.asarray(catalog.columns["flux_psf"], float)
    assert np.isfinite(flux[images == "a.fits"]).mean() > 0.9
    assert np.isnan(flux[images == "few.fits"]).all() and (images == "few.fits").sum() >= 4
    (tmp_path / "places.csv").write_text("x,y\n30,30\n")
    for words in ((), ("--forced", "places.csv")):
        idle = job("few.fits", "--psf-model", "own", "--catalog", "idle.tsv", *words, cwd=tmp_path)
        assert idle.status == 0, idle.err
        idle = read_catalog(tmp_path / "idle.tsv").accounts["few.fits"].values
        assert "not-used:psf_model" in idle["remarks"] and "psf_stars" not in idle


@pytest.mark.needs("sextractor", "psfex")
def test_psfex_makes_a_model_of_the_same_stars_by_which_fluxes_are_the_same(tmp_path):
    data, x, y, flux = frame((60.0, 300.0), 6, side=400)
    fits.writeto(tmp_path / "a.fits", data)
    (tmp_path / "l.param").write_text("X_IMAGE\nY_IMAGE\nVIGNET(35,35)\nFLUX_RADIUS\nSNR_WIN\n"
                                      "FLUX_APER(1)\nFLUXERR_APER(1)\nELONGATION\nFLAGS\n")
    for words in (
            ["source-extractor", "a.fits", "-c", "/dev/null", "-FILTER", "N", "-PARAMETERS_NAME",
             "l.param", "-CATALOG_TYPE", "FITS_LDAC", "-CATALOG_NAME", "l.cat", "-BACK_TYPE",
             "MANUAL", "-BACK_VALUE", "100", "-DETECT_THRESH", "3", "-PHOT_APERTURES",
             str(8 * FWHM), "-VERBOSE_TYPE", "QUIET"],
            ["psfex", "l.cat", "-c", "/dev/null", "-CHECKPLOT_TYPE", "NONE", "-CHECKIMAGE_TYPE",
             "NONE", "-WRITE_XML", "N", "-PSF_DIR", ".", "-VERBOSE_TYPE", "QUIET", "-NTHREADS", "1",
             "-PSFVAR_DEGREES", "0", "-PSF_SIZE", "45,45"]):
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    ours = own(data)
    theirs = extract(data, psf=tmp_path / "l.psf", weight=np.full_like(data, NOISE), **KNOWN)
    (ours, near), (theirs, _) = matched(ours, x, y), matched(theirs, x, y)
    ratio = (ours["flux_psf"] / theirs["flux_psf"])[near % 2 == 1]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01) and ratio.std() < 0.01
