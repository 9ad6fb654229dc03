"""Simulated maps of the sky with sources of known flux, made with healpy."""

import healpy as hp
import numpy as np
from astropy.table import Table

from mr_extract.around.brightness import jy_per_sr

NOISE, FREQUENCY = 30e-6, 30.0  # K_CMB, GHz


def scattered(rng, number, apart):
    """Return places no two of which are nearer than some degrees."""
    vectors = np.empty((0, 3))
    while len(vectors) < number:
        new = rng.normal(size=3)
        new /= np.linalg.norm(new)
        if not len(vectors) or (vectors @ new).max() < np.cos(np.radians(apart)):
            vectors = np.vstack([vectors, new])
    return hp.vec2ang(vectors, lonlat=True)


def sky_with(longitude, latitude, flux, nside, fwhm, seed=3):
    """Return a map in K_CMB (RING) with noise and Gaussian sources; fwhm in arcminutes."""
    sky = np.random.default_rng(seed).normal(0.0, NOISE, 12 * nside**2)
    width = np.radians(fwhm / 60)
    height = flux / jy_per_sr("K_CMB", FREQUENCY)[0] / (np.pi * width**2 / (4 * np.log(2)))
    for l0, b0, peak in zip(longitude, latitude, height):
        centre = hp.ang2vec(l0, b0, lonlat=True)
        near = hp.query_disc(nside, centre, 3 * width)
        apart = hp.rotator.angdist(np.array(hp.pix2vec(nside, near)), centre)
        sky[near] += peak * np.exp(-4 * np.log(2) * (apart / width) ** 2)
    return sky


def write_sky(path, sky, nested=False, coord="G", unit="K_CMB", dtype=np.float32):
    """Write a map as healpy does."""
    sky = hp.reorder(sky, r2n=True) if nested else sky
    hp.write_map(path, sky, nest=nested, coord=coord, column_units=unit, dtype=dtype,
                 overwrite=True)


def catalogue(longitude, latitude, flux=None):
    """Return a catalogue with the names of Planck's."""
    names = [f"PCCS1 030 G{lon:06.2f}{lat:+06.2f}" for lon, lat in zip(longitude, latitude)]
    return Table({"NAME": names, "GLON": longitude, "GLAT": latitude,
                  "FLUX": np.ones(len(names)) if flux is None else flux})
