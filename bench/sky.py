"""Simulated maps of the sky, as Planck's are: NESTED, I, Q and U in kelvins, and point sources."""

from dataclasses import dataclass

import numpy as np

NOISE = 3e-5  # K of a pixel
FIELDS = ("I_STOKES", "Q_STOKES", "U_STOKES")


@dataclass
class Catalogue:
    """Sources of known flux.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, shape (n,)
        Galactic, degrees.
    flux : ndarray of float64, shape (n,)
        Jy.
    band : str
        GHz, as ``030``.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    flux: np.ndarray
    band: str

    def write(self, path):
        """Write it as the catalogues of Planck are."""
        from astropy.table import Table

        names = [f"PCCS1 {self.band} G{lon:06.2f}{lat:+06.2f}"
                 for lon, lat in zip(self.longitude, self.latitude)]
        Table({"NAME": names, "GLON": self.longitude, "GLAT": self.latitude,
               "FLUX": self.flux}).write(path, format="fits")


def scattered(number, apart, band, seed):
    """Return sources no two of which are nearer than some degrees, of 1 to 100 Jy."""
    from mr_extract.astrometry.inverse import degrees

    rng = np.random.default_rng(seed)
    found = np.empty((3, number))
    count, closest = 0, np.cos(np.radians(apart))
    while count < number:
        new = rng.normal(size=3)
        new /= np.linalg.norm(new)
        if not count or (new @ found[:, :count]).max() < closest:
            found[:, count] = new
            count += 1
    longitude, latitude = degrees(found)
    return Catalogue(longitude, latitude, 10.0 ** rng.uniform(0, 2, number), band)


def write_map(path, nside, beam, catalogue=None):
    """Write a map.

    Parameters
    ----------
    path : Path
    nside : int
    beam : float
        FWHM in arcminutes.
    catalogue : Catalogue, optional
        Sources that are in it, whose frequency is the map's.
    """
    from astropy.io import fits

    from mr_extract.skymaps.pixels import nested_of

    rng = np.random.default_rng(nside)
    ring = rng.normal(0.0, NOISE, 12 * nside**2).astype(np.float32)
    if catalogue is not None:
        _add(ring, nside, beam, catalogue)
    rows = np.empty(len(ring), [(name, ">f4") for name in FIELDS])
    rows[FIELDS[0]][nested_of(np.arange(len(ring)), nside)] = ring
    for name in FIELDS[1:]:
        rows[name] = ring[::-1]
    unit = fits.BinTableHDU(rows, name="FREQ-MAP")
    for k in range(len(FIELDS)):
        unit.header[f"TUNIT{k + 1}"] = "K_CMB"
    unit.header.update(PIXTYPE="HEALPIX", ORDERING="NESTED", COORDSYS="GALACTIC", NSIDE=nside,
                       INDXSCHM="IMPLICIT")
    if catalogue is not None:
        unit.header.update(FREQ=catalogue.band, UNITFREQ="GHz")
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(path)


def _add(ring, nside, beam, catalogue):
    from mr_extract.around.brightness import jy_per_sr
    from mr_extract.around.samples import ARCMIN, samples_at
    from mr_extract.skymaps.pixels import unit_vectors
    from mr_extract.skymaps.rings import rings_of
    from mr_extract.skymaps.runs import expanded

    solid = np.pi * (beam * ARCMIN) ** 2 / (4 * np.log(2))
    peaks = catalogue.flux / jy_per_sr("K_CMB", float(catalogue.band))[0] / solid
    for place in zip(catalogue.longitude, catalogue.latitude, peaks):
        pixels = expanded(*rings_of(nside).disc(*place[:2], 3.0 * beam / 60.0))
        near, within = samples_at(unit_vectors(pixels, nside, False), *place[:2], 3.0 * beam)
        ring[pixels[within]] += place[2] * np.exp(-4 * np.log(2) * (near.distance / beam) ** 2)
