"""docs/sky-maps.md is true: its commands run, and the ways that it shows agree."""

import numpy as np
from astropy.io import fits
from pages import commands_of, read_page, shell_in
from skies import catalogue, scattered, sky_with, write_sky


def test_every_command_of_the_page_runs(tmp_path):
    rng = np.random.default_rng(9)
    longitude, latitude = scattered(rng, 20, 10.0)
    longitude[0], latitude[0] = 25.5, 44.0
    flux = rng.uniform(5.0, 20.0, 20)
    write_sky(tmp_path / "map_030.fits", sky_with(longitude, latitude, flux, 128, 60.0))
    catalogue(longitude, latitude, flux).write(tmp_path / "sources.fits")
    _write_frame(tmp_path)
    shell = shell_in(tmp_path)
    commands = commands_of(read_page("docs/sky-maps.md"))
    assert len(commands) == 4
    for one in commands:
        run = shell(one)
        assert run.status == 0, run.err
    parts, whole = ([line.split("\t") for line in (tmp_path / name).read_text().splitlines()
                     if not line.startswith("#")] for name in ("fluxes.tsv", "whole.tsv"))
    assert len(whole) == 21
    assert sorted(row[1:] for row in parts) == sorted(row[1:] for row in whole)
    flux_aper = whole[0].index("flux_aper")
    found = np.array([float(row[flux_aper]) for row in whole[1:]])
    assert np.abs(found / flux - 1).max() < 0.2
    long = dict(line.split("\t") for line in (tmp_path / "long.tsv").read_text().splitlines())
    assert "PCCS1 030 G025.50+44.00_10arcminmean" in long
    stars = (tmp_path / "stars.tsv").read_text()
    assert "\tmask_sha256=" in stars and "\tweight_sha256=" in stars


def _write_frame(folder):
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 30.0,
                          "CRVAL2": 10.0, "CRPIX1": 40.5, "CRPIX2": 40.5, "CDELT1": -2e-4,
                          "CDELT2": 2e-4})
    pixels = np.random.default_rng(1).normal(10, 1, (80, 80)).astype(np.float32)
    fits.writeto(folder / "frame.fits", pixels, header)
    fits.writeto(folder / "frame.mask.fits", (pixels > 13).astype(np.uint8))
    fits.writeto(folder / "frame.weight.fits", np.ones_like(pixels))
    (folder / "stars.csv").write_text("ra,dec\n30.0,10.0\n30.001,10.001\n")
