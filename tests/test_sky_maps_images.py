"""Catalogued sources on ordinary images: masks and weight maps count."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from conftest import module

from mr_extract.around.image_field import ImageField
from mr_extract.around.measuring import Radii, measure_field
from mr_extract.around.samples import ARCMIN
from mr_extract.images.image import Image
from mr_extract.settings.beside import Companions

BEAM, SPACING, ACROSS = 6.0, 28, 34  # pixels
RADII = Radii(*0.1 * np.array([4.0, 6.0, 7.5, 11.0, 7.5, BEAM]))


def header_of(size):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [83.0, 22.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [size / 2, size / 2], [-0.1 / 60, 0.1 / 60]
    return wcs, {**wcs.to_header(), "BUNIT": "Jy/pixel"}


@pytest.fixture(scope="module")
def field():
    """An image with stripes of other noise, and bad pixels; its sources, noise and mask."""
    size, rng = SPACING * ACROSS, np.random.default_rng(12)
    wcs, header = header_of(size)
    y, x = np.mgrid[:size, :size]
    sigma = np.where((x + y) // 7 % 2 == 0, 1.0, 3.0)
    data = 50.0 + rng.normal(0, 1, sigma.shape) * sigma
    px, py = (SPACING / 2 + SPACING * v + rng.uniform(-0.5, 0.5, v.shape)
              for v in np.meshgrid(np.arange(ACROSS), np.arange(ACROSS)))
    sky = wcs.pixel_to_world(px.ravel(), py.ravel())
    for x0, y0 in zip(px.ravel(), py.ravel()):
        cut = np.s_[int(y0) - 13 : int(y0) + 15, int(x0) - 13 : int(x0) + 15]
        data[cut] += 40 * np.exp(-4 * np.log(2) * ((x[cut] - x0) ** 2 + (y[cut] - y0) ** 2)
                                 / BEAM**2)
    bad = rng.random(sigma.shape) < 0.02
    data[bad] = 1e5
    return data.astype(np.float32), header, bad, sigma, sky


def measured(field, kind, weight, settings=None):
    data, header, bad, _, sky = field
    image = Image(data.copy(), header, bad, weight=weight.astype(np.float32), weight_kind=kind)
    there = ImageField(image, settings)
    mine = there.mine(sky.ra.deg, sky.dec.deg)
    assert len(mine) == len(sky)
    return measure_field(there, sky.ra.deg, sky.dec.deg, RADII, 1.0)


def test_fluxes_under_masks_and_uneven_noise_are_true_within_their_errors(field):
    found = measured(field, "rms", field[3])
    truth = 40 * np.pi * (0.1 * BEAM * ARCMIN) ** 2 / (4 * np.log(2))
    assert (found["flag"] & ~1 == 0).all() and found["unseen"].sum() > 100
    assert (found["flag"][found["unseen"] > 0] == 1).all()
    for kind in ("aper", "fit"):
        ratio = found[f"flux_{kind}"] / truth
        assert ratio.mean() == pytest.approx(1, abs=0.01)
        pulls = (found[f"flux_{kind}"] - truth) / found[f"fluxerr_{kind}"]
        assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls)) and 0.95 < pulls.std() < 1.05, kind
    assert np.mean(found["chi2_fit"] / found["dof_fit"]) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind, power", [("weight", -2), ("variance", 2)])
def test_weights_of_unknown_unit_are_scaled_to_the_scatter(field, kind, power):
    some = (*field[:4], field[4][:150])
    known = measured(some, "rms", some[3])
    found = measured(some, kind, 7 * some[3] ** power)
    assert np.array_equal(found["unseen"], known["unseen"])
    for name in ("sumerr_aper", "fluxerr_fit", "fwhm_fit_err"):
        ratio = found[name] / known[name]
        assert ratio.mean() == pytest.approx(1, abs=0.02) and ratio.std() < 0.1
    plain = measured(some, kind, some[3] ** power, Companions(rescale_weights=False))
    for name, values in known.items():
        assert plain[name] == pytest.approx(values, rel=1e-4, abs=1e-6, nan_ok=True), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    rng = np.random.default_rng(4)
    wcs, header = header_of(60)
    bad, weight = np.zeros((60, 60), np.uint8), np.ones((60, 60), np.float32)
    bad[28:30, 30] = 1
    weight[32, 28:31] = 0
    fits.writeto(folder / "a.fits", rng.normal(5, 1, (60, 60)).astype("f4"), fits.Header(header))
    fits.writeto(folder / "a.mask.fits", bad)
    fits.writeto(folder / "a.weight.fits", weight)
    fits.writeto(folder / "small.fits", bad[:50])
    sky = wcs.pixel_to_world(30.0, 30.0)
    Table({"ra": [sky.ra.deg], "dec": [sky.dec.deg]}).write(folder / "list.csv")
    return folder


def photometry(folder, *words, line="a.fits"):
    return module("jobs.photometry", "--quiet", "--sources", "list.csv", "--radius", "0.4",
                  "--annulus", "0.8,1.2", *words, "-", cwd=folder, stdin=line.encode())


def cells(run):
    names, row = (line.split("\t") for line in run.lines if not line.startswith("#"))
    return dict(zip(names, row))


def test_masks_and_weights_of_lines_and_rules_leave_pixels_out_and_are_counted(folder):
    runs = [photometry(folder), photometry(folder, line="a.fits\tmask=a.mask.fits"),
            photometry(folder, line="a.fits\tmask=a.mask.fits\tweight=a.weight.fits"),
            photometry(folder, "--mask-image", ".fits -> .mask.fits", "--weight-image",
                       ".fits -> .weight.fits")]
    plain, masked, both, ruled = map(cells, runs)
    whole = int(plain["pixels"])
    assert [(row["pixels"], row["unseen"]) for row in (plain, masked, both)] == [
        (str(whole), "0"), (str(whole - 2), "2"), (str(whole - 5), "5")]
    assert ruled == both and int(plain["flag"]) & 1 == 0 and int(both["flag"]) & 1
    assert int(both["pixels_aper"]) == int(plain["pixels_aper"]) - 5
    assert "mask_sha256=" in runs[3].out.decode() and "weight_sha256=" in runs[3].out.decode()
    assert "not-used" not in runs[3].out.decode()


def test_what_does_not_fit_or_means_nothing_is_refused_by_name(folder):
    run = photometry(folder, line="a.fits\tmask=small.fits")
    assert run.accounts() == {"a.fits": "companion-mismatch"}
    for words, name in ((("--flag-image", "x"), "--flag-image"), (("--weight-gain", "no"),
                        "--weight-gain"), (("--weight-type", "background"), "--weight-type")):
        refused = photometry(folder, *words)
        assert refused.status == 2 and name in refused.err and refused.err.count("\n") == 1
