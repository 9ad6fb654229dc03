"""The fit of a PSF gives true fluxes, honest errors, and tells stars from galaxies."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from stars import add_profile, elongated

from mr_extract import extract
from mr_extract.failures import ImageFailure
from mr_extract.images.psf_model import read_psf
from mr_extract.text.catalog import read_catalog
from mr_extract.unpacking import unpack

FWHM, NOISE, STEP = 3.4, 5.0, 0.7
COLUMNS = ("x", "y", "flag", "flux_auto", "psf")
KNOWN = {"back_type": "manual", "back_value": 100.0, "weight_type": "map_rms",
         "columns": COLUMNS}  # of the sky of `frame`


def moffat(dx, dy, fwhm=FWHM):
    core = fwhm / (2.0 * np.sqrt(2.0 ** (1 / 3.0) - 1.0))
    return 2.0 / (np.pi * core**2) * (1.0 + (dx * dx + dy * dy) / core**2) ** -3.0


def model(path, degree=0, growth=0.0, axes=("X_IMAGE", "Y_IMAGE")):
    """Write a model as PSFEx does; of degree 1 the FWHM grows along x by a share of it."""
    side = np.arange(61) - 30.0
    dx, dy = side * STEP, side[:, None] * STEP
    samples = [moffat(dx, dy)]
    if degree:
        wider, narrower = (moffat(dx, dy, FWHM * (1 + sign * growth)) for sign in (1, -1))
        samples = [(wider + narrower) / 2, (wider - narrower) / 2, np.zeros((61, 61))]
    data = np.array(samples, np.float32)
    unit = fits.BinTableHDU.from_columns([fits.Column(
        "PSF_MASK", f"{data.size}E", dim=f"(61,61,{len(data)})", array=data[None])],
        name="PSF_DATA")
    unit.header.update({"POLNAXIS": 2 if degree else 0, "PSF_SAMP": STEP, "PSF_FWHM": FWHM,
                        "PSFNAXIS": 3, "PSFAXIS1": 61, "PSFAXIS2": 61, "PSFAXIS3": len(data)})
    if degree:
        for k, name in enumerate(axes, 1):
            unit.header.update({f"POLNAME{k}": name, f"POLZERO{k}": 300.5, f"POLSCAL{k}": 300.0,
                                f"POLGRP{k}": 1})
        unit.header.update({"POLNGRP": 1, "POLDEG1": degree})
    unit.writeto(path)
    return str(path)


def frame(signal_to_noise, seed, side=600, profile=moffat, gain=0.0):
    """Return a frame of sources on a grid, of one brightness or several in turn, and these."""
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(30.0, side - 20, 34.0)]))
    x, y = (axis + rng.uniform(-0.5, 0.5, len(x)) for axis in (x, y))
    dx = np.arange(-15, 16)
    star = moffat(dx, dx[:, None])
    flux = np.multiply(signal_to_noise, NOISE / np.sqrt((star**2).sum()))
    light = np.zeros((side, side))
    for k, (one, its) in enumerate(zip(zip(x, y), np.resize(flux, len(x)))):
        add_profile(light, *one, its, profile[k % len(profile)] if isinstance(profile, tuple)
                    else profile, 15, fine=1)
    data = 100 + light + rng.normal(0, NOISE, light.shape)
    if gain:
        data += rng.normal(0, 1, light.shape) * np.sqrt(light / gain)
    return data.astype(np.float32), x, y, flux


def matched(table, x, y):
    """Return the rows of sources and which of the places these are."""
    apart = np.hypot(x[:, None] - table["x"], y[:, None] - table["y"])
    near = np.flatnonzero(apart.min(1) < 2.0)
    return table[apart.argmin(1)[near]], near


@pytest.fixture(scope="module")
def psf(tmp_path_factory):
    return model(tmp_path_factory.mktemp("psf") / "m.psf")


@pytest.mark.parametrize("signal_to_noise, gain", [(20.0, 0.0), (200.0, 0.0), (100.0, 1.0)])
def test_flux_and_place_are_true_and_errors_those_of_the_scatter(psf, signal_to_noise, gain):
    data, x, y, flux = frame(signal_to_noise, 1, gain=gain)
    table = extract(data, psf=psf, weight=np.full_like(data, NOISE), gain=gain, weight_gain=False,
                    **KNOWN)
    found, near = matched(table, x, y)
    assert len(found) > 0.95 * len(x) and np.isfinite(found["flux_psf"]).all()
    pulls = (found["flux_psf"] - flux) / found["fluxerr_psf"]
    spare = 4.0 * np.median(found["fluxerr_psf"]) / np.sqrt(len(found))
    assert abs(np.median(found["flux_psf"]) - flux) < 0.001 * flux + spare
    assert pulls.std() == pytest.approx(1.0, abs=0.12)
    off = np.hypot(found["x_psf"] - x[near], found["y_psf"] - y[near])
    assert np.median(off) < 1.5 * FWHM * np.median(found["fluxerr_psf"]) / flux
    assert found["chi2_psf"].mean() == pytest.approx(1.0, abs=0.05)
    assert np.allclose(found["mag_psf"], -2.5 * np.log10(found["flux_psf"]), atol=1e-4)


def test_spread_model_is_nothing_for_stars_and_its_error_their_scatter(psf):
    data, x, y, _ = frame(30.0, 2)
    found, _ = matched(extract(data, psf=psf, weight=np.full_like(data, NOISE), **KNOWN), x, y)
    pulls = found["spread_model"] / found["spreaderr_model"]
    assert abs(pulls.mean()) < 0.2 and pulls.std() == pytest.approx(1.0, abs=0.15)


def galaxy(dx, dy):
    """Return a round galaxy a fifth wider than a star."""
    return moffat(dx, dy, 1.2 * FWHM)


def test_stars_are_told_from_galaxies_at_a_signal_to_noise_of_twenty(psf):
    spreads = []
    for profile in (moffat, galaxy):
        data, x, y, _ = frame(20.0, 3, profile=profile)
        found, _ = matched(extract(data, psf=psf, weight=np.full_like(data, NOISE), **KNOWN), x, y)
        spreads.append(np.asarray(found["spread_model"], float))
    stars, galaxies = spreads
    assert np.median(galaxies) > 5 * abs(np.median(stars))
    limit = np.quantile(stars, 0.95)
    assert (galaxies > limit).mean() > 0.75


def test_a_psf_that_varies_is_that_of_each_place(tmp_path):
    path = model(tmp_path / "v.psf", degree=1, growth=0.1)
    data = np.random.default_rng(4).normal(100, NOISE, (600, 600))
    x = np.array([20.3, 300.2, 580.4])
    for one in x:
        wide = FWHM * 1.1 if one > 400 else FWHM / 1.1 if one < 200 else FWHM
        add_profile(data, one, 300.0, 30_000.0, lambda u, v, w=wide: moffat(u, v, w), 19, fine=1)
    varying, even = (extract(data.astype("f4"), psf=one, columns=COLUMNS, back_type="manual",
                             back_value=100.0)
                     for one in (path, model(tmp_path / "e.psf")))
    for table, most in ((varying, 0.02), (even, None)):
        found, near = matched(table, x, np.full(3, 300.0))
        off = np.abs(found["flux_psf"] / 30_000.0 - 1)[[0, 2]]
        assert (off < most).all() if most else (off > 0.04).all()


def test_neighbours_and_bad_pixels_do_not_count(psf):
    data = np.random.default_rng(5).normal(0, 1, (100, 100))
    add_profile(data, 40.2, 50.1, 4000.0, moffat, 15, fine=1)
    add_profile(data, 48.4, 50.3, 8000.0, moffat, 15, fine=1)
    mask = np.zeros(data.shape, bool)
    mask[52, 39:41], data[52, 39:41] = True, 1e4
    table = extract(data.astype("f4"), psf=psf, mask=mask, columns=COLUMNS, back_type="manual",
                    interp_maxlag=0)
    found, _ = matched(table, np.array([40.2, 48.4]), np.array([50.1, 50.3]))
    assert found["flux_psf"].tolist() == pytest.approx([4000, 8000], rel=0.04)
    mask[47:54, 36:45] = True
    table = extract(data.astype("f4"), psf=psf, mask=mask, columns=COLUMNS, back_type="manual")
    assert not len(table) or not np.isfinite(table["flux_psf"][table["x"] < 44]).any()


@pytest.mark.parametrize("content, said", [
    (b"no file", "no model of PSFEx"), ("axes", "varies with X_IMAGE, MAG_AUTO"),
])
def test_what_is_no_model_of_the_place_is_refused(tmp_path, content, said):
    if content == "axes":
        path = model(tmp_path / "a.psf", degree=1, axes=("X_IMAGE", "MAG_AUTO"))
        content = open(path, "rb").read()
    with pytest.raises(ImageFailure, match=said):
        read_psf(content)


# ---- beside the program, and in jobs

@pytest.mark.needs("sextractor")
def test_the_program_finds_the_same_with_the_same_model(psf, tmp_path):
    theirs, ours, kinds = [], [], []
    for k, (profile, side) in enumerate(((moffat, 360), (elongated(2.4, 1.6, 30), 220))):
        data, _, _, flux = frame(20.0, 6 + k, side=side, profile=profile)
        fits.writeto(tmp_path / "a.fits", data, overwrite=True)
        names = ["X_IMAGE", "Y_IMAGE", "XPSF_IMAGE", "YPSF_IMAGE", "FLUX_PSF", "FLUXERR_PSF",
                 "SPREAD_MODEL", "SPREADERR_MODEL"]
        (tmp_path / "a.param").write_text("\n".join(names))
        subprocess.run(["source-extractor", "a.fits", "-c", "/dev/null", "-PARAMETERS_NAME",
                        "a.param", "-FILTER", "N", "-PSF_NAME", psf, "-BACK_TYPE", "MANUAL",
                        "-BACK_VALUE", "100", "-DETECT_THRESH", "3", "-NTHREADS", "1",
                        "-CATALOG_TYPE", "FITS_1.0", "-CATALOG_NAME", "its.cat", "-VERBOSE_TYPE",
                        "QUIET"], cwd=tmp_path, check=True, capture_output=True)
        its = fits.getdata(tmp_path / "its.cat", 1)
        mine = extract(data, psf=psf, filter_kernel=(), columns=COLUMNS, thresh=3.0,
                       back_type="manual", back_value=100.0)
        apart = np.hypot(its["X_IMAGE"][:, None] - 1 - mine["x"],
                         its["Y_IMAGE"][:, None] - 1 - mine["y"])
        same = np.flatnonzero((apart.min(1) < 1e-3) & (its["FLUX_PSF"] > 10 * its["FLUXERR_PSF"]))
        theirs.append(its[same])
        ours.append(mine[apart.argmin(1)[same]])
        kinds.append(np.full(len(same), k))
    theirs, kinds = np.concatenate(theirs), np.concatenate(kinds)
    ours = {name: np.concatenate([one[name] for one in ours])
            for name in ("flux_psf", "x_psf", "y_psf", "spread_model", "fluxerr_psf")}
    stars = kinds == 0
    assert stars.sum() > 60
    ratio = ours["flux_psf"] / theirs["FLUX_PSF"]
    assert np.median(ratio[stars]) == pytest.approx(1.0, abs=0.02) and ratio[stars].std() < 0.03
    off = [abs(np.mean(one[stars]) / flux - 1) for one in (ours["flux_psf"], theirs["FLUX_PSF"])]
    assert off[0] < 0.01 and off[0] < off[1]
    assert np.median(np.hypot(ours["x_psf"] + 1 - theirs["XPSF_IMAGE"],
                              ours["y_psf"] + 1 - theirs["YPSF_IMAGE"])[stars]) < 0.09
    # The program fits a box that ends sooner where the threshold is higher.
    assert np.median(ours["fluxerr_psf"] / theirs["FLUXERR_PSF"]) == pytest.approx(1.0, abs=0.1)
    spreads = ours["spread_model"], theirs["SPREAD_MODEL"].astype(float)
    assert np.corrcoef(*spreads)[0, 1] > 0.98
    # How many galaxies are beyond nineteen stars of twenty.
    told = [(one[~stars] > np.quantile(one[stars], 0.95)).mean() for one in spreads]
    assert told[0] > told[1] - 0.03


@pytest.mark.needs("sextractor", "psfex", "shared-data")
def test_a_real_frame_with_a_model_of_psfex(shared_data, tmp_path):
    with fits.HDUList.fromstring(bytes(unpack(
            (shared_data / "a" / "obs_sdss" / "fpC-005754-r3-0280.fit.gz").read_bytes()))) as units:
        data = np.array(units[0].data, np.float32)
    data = np.ascontiguousarray(np.where(data < 0, data + 65536, data)[:1489, 200:1700])
    fits.writeto(tmp_path / "a.fits", data)
    (tmp_path / "l.param").write_text("X_IMAGE\nY_IMAGE\nVIGNET(31,31)\nFLUX_RADIUS\nSNR_WIN\n"
                                      "FLUX_APER(1)\nFLUXERR_APER(1)\nELONGATION\nFLAGS\n")
    (tmp_path / "p.param").write_text("X_IMAGE\nY_IMAGE\nFLAGS\nFLUX_PSF\nFLUXERR_PSF\n"
                                      "SPREAD_MODEL\n")
    common = ["-c", "/dev/null", "-FILTER", "N", "-DETECT_THRESH", "8", "-VERBOSE_TYPE", "QUIET"]
    for words in (
            ["source-extractor", "a.fits", *common, "-PARAMETERS_NAME", "l.param", "-CATALOG_TYPE",
             "FITS_LDAC", "-CATALOG_NAME", "l.cat", "-PHOT_APERTURES", "16"],
            ["psfex", "l.cat", "-c", "/dev/null", "-CHECKPLOT_TYPE", "NONE", "-CHECKIMAGE_TYPE",
             "NONE", "-WRITE_XML", "N", "-PSF_DIR", ".", "-VERBOSE_TYPE", "QUIET", "-NTHREADS", "1",
             "-PSFVAR_DEGREES", "1"],
            ["source-extractor", "a.fits", *common, "-PARAMETERS_NAME", "p.param", "-CATALOG_TYPE",
             "FITS_1.0", "-CATALOG_NAME", "p.cat", "-PSF_NAME", "l.psf", "-NTHREADS", "1"]):
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    its = fits.getdata(tmp_path / "p.cat", 1)
    mine = extract(data, psf=tmp_path / "l.psf", filter_kernel=(), thresh=8.0, columns=COLUMNS)
    apart = np.hypot(its["X_IMAGE"][:, None] - 1 - mine["x"],
                     its["Y_IMAGE"][:, None] - 1 - mine["y"])
    same = np.flatnonzero((apart.min(1) < 1e-2) & (its["FLAGS"] == 0)
                          & (its["FLUX_PSF"] > 20 * its["FLUXERR_PSF"]))
    its, mine = its[same], mine[apart.argmin(1)[same]]
    stars = (np.abs(its["SPREAD_MODEL"]) < 0.003) & np.isfinite(mine["flux_psf"])
    assert stars.sum() > 15
    ratio = (mine["flux_psf"] / its["FLUX_PSF"])[stars]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    assert np.abs(ratio - 1).max() < 0.05
    known = np.isfinite(mine["spread_model"])
    assert np.corrcoef(mine["spread_model"][known], its["SPREAD_MODEL"][known])[0, 1] > 0.98


def test_a_rule_a_line_and_a_configuration_name_the_model(psf, tmp_path):
    data, *_ = frame(50.0, 9, side=200)
    fits.writeto(tmp_path / "a.fits", data)
    (tmp_path / "a.psf").write_bytes(open(psf, "rb").read())
    (tmp_path / "a.sex").write_text("PARAMETERS_NAME a.param\nFILTER N\nPSF_NAME a.psf\n")
    (tmp_path / "a.param").write_text("NUMBER\nXPSF_IMAGE\nFLUX_PSF\nMAG_PSF\nSPREAD_MODEL\n")
    runs = [job("a.fits", "--filter-kernel", "none", "--columns", "number,x_psf,psf",
                "--psf-image", "{stem}.psf", "--catalog", "rule.tsv", cwd=tmp_path),
            job("-", "--filter-kernel", "none", "--columns", "number,x_psf,psf", "--catalog",
                "line.tsv", stdin=b"a.fits\tpsf=a.psf\n", cwd=tmp_path),
            job("a.fits", "--config", "a.sex", "--extensions", "first", "--catalog", "sex.tsv",
                cwd=tmp_path)]
    assert [run.status for run in runs] == [0, 0, 0], [run.err for run in runs]
    rule, line, sex = (read_catalog(tmp_path / f"{name}.tsv") for name in ("rule", "line", "sex"))
    assert (rule.columns["flux_psf"] == line.columns["flux_psf"]).all()
    assert np.allclose(sex.columns["XPSF_IMAGE"], rule.columns["x_psf"] + 1)
    assert len(rule.accounts["a.fits"].values["psf_sha256"]) == 64
    bare = job("a.fits", "--columns", "number,psf", "--catalog", "bare.tsv", cwd=tmp_path)
    assert bare.status == 0, bare.err
    bare = read_catalog(tmp_path / "bare.tsv")
    assert np.isnan(bare.columns["flux_psf"]).all()
    assert "companion-absent:psf" in bare.accounts["a.fits"].values["remarks"]
    unused = job("-", "--catalog", "unused.tsv", stdin=b"a.fits\tpsf=a.psf\n", cwd=tmp_path)
    assert unused.status == 0, unused.err
    accounts = read_catalog(tmp_path / "unused.tsv").accounts
    assert "not-used:psf, as no column" in accounts["a.fits"].values["remarks"]
