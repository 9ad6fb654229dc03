"""Numbers of HEALPix pixels to places and back, and between RING and NESTED."""

import numpy as np


def unit_vectors(pixels: np.ndarray, nside: int, nested: bool) -> np.ndarray:
    """Return the centres of pixels as unit vectors, float64, shape (3, n)."""
    from astropy_healpix.core import healpix_to_xyz

    return np.stack(healpix_to_xyz(pixels, nside, order="nested" if nested else "ring"))


def pixels_at(
    longitude: np.ndarray, latitude: np.ndarray, nside: int, nested: bool
) -> np.ndarray:
    """Return the pixels in which places (degrees) lie, int64, shape (n,)."""
    from astropy import units
    from astropy_healpix.core import lonlat_to_healpix

    return lonlat_to_healpix(longitude * units.deg, latitude * units.deg, nside,
                             order="nested" if nested else "ring")


def in_order(
    starts: np.ndarray, stops: np.ndarray, nside: int, nested: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return RING runs as runs of the order in which a map has its pixels."""
    if not nested:
        return starts, stops
    from mr_extract.skymaps.runs import expanded, runs_of

    return runs_of(np.sort(nested_of(expanded(starts, stops), nside)))


def nested_of(pixels: np.ndarray, nside: int) -> np.ndarray:
    """Return the NESTED numbers of RING ones."""
    from astropy_healpix.core import ring_to_nested

    return ring_to_nested(pixels, nside)


def ring_of(pixels: np.ndarray, nside: int) -> np.ndarray:
    """Return the RING numbers of NESTED ones."""
    from astropy_healpix.core import nested_to_ring

    return nested_to_ring(pixels, nside)


def borders(pixel: int, nside: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points on the border of a NESTED pixel: longitudes and latitudes in degrees.

    Parameters
    ----------
    step : int
        Points on each of its four sides.
    """
    from astropy_healpix.core import boundaries_lonlat

    longitude, latitude = boundaries_lonlat([pixel], step, nside, order="nested")
    return longitude.to_value("deg")[0], latitude.to_value("deg")[0]
