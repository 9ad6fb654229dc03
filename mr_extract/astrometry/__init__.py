"""Sky positions of pixels from a FITS header.

A plain gnomonic header is done by a few lines of numpy: building astropy's
WCS costs more than all sky positions of a frame, and importing it more than
several frames. Every other header goes through `astropy.wcs`; the tests hold
the two together to 1e-10 degrees. Of several coordinate systems in a header the
primary one is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.astrometry.general import by_wcslib, turns_of
from mr_extract.astrometry.gnomonic import fk5_to_icrs, plain_gnomonic
from mr_extract.astrometry.headers import as_ctype_says, named, refuse_odd_bytes, say_odd
from mr_extract.images.cards import cards_of
from mr_extract.portable.angles import arctan2

if TYPE_CHECKING:
    from astropy.coordinates import BaseCoordinateFrame
    from astropy.wcs import WCS

FRAMES = ("icrs", "fk5", "native")
_OF_THE_SKY = re.compile(r"(RA--|DEC-|[GSE](LON|LAT))")  # and not of the Sun or a planet

__all__ = ["FRAMES", "as_ctype_says", "axes_of", "celestial_wcs", "sky_positions", "turns_of"]


def sky_positions(
    header: Mapping, x: np.ndarray, y: np.ndarray, frame: str = "icrs"
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the positions of pixels on the sky.

    Parameters
    ----------
    header : mapping
        Header cards as from `mr_extract.images`; whatever is not plain needs
        their attribute `text`, or an astropy Header.
    x, y : ndarray of float64, shape (n,)
        0-based pixel positions, counted from the `origin` of the cards.
    frame : str
        ``icrs``, ``fk5`` (equinox J2000, which is what SExtractor calls ALPHA_J2000 for
        headers in FK5) or ``native``: longitude and latitude in the header's own system,
        of galactic, supergalactic and ecliptic ones in FK5 (ALPHA_SKY).

    Returns
    -------
    tuple of two ndarrays of float64, shape (n,), or None
        Right ascension (0 to 360) and declination in degrees, or another longitude
        and latitude; None when the header has no celestial coordinates, or
        those of the Sun or a planet, which only ``native`` has.

    Raises
    ------
    ImageFailure
        ``broken-wcs`` when it has celestial axes that cannot be used.
    ValueError
        For a frame that is none of the three.

    Notes
    -----
    SIP, TPV, TNX and ZPX distortions are applied; SIP also where CTYPE lacks ``-SIP``, which
    is said, unless the header went through `as_ctype_says`. TAN with PVi_j on both axes is
    taken for TPV, as SCAMP writes and SExtractor reads it.
    """
    if frame not in FRAMES:
        raise ValueError(f"{frame!r} is none of {', '.join(FRAMES)}")
    header = cards_of(header)
    origin = getattr(header, "origin", (0, 0))
    axes = axes_of(header)
    if axes is None or (frame != "native" and not any(_OF_THE_SKY.match(a) for a in axes)):
        return None
    say_odd(header)
    x, y = (np.asarray(v, float) + first for v, first in zip((x, y), origin))
    plain = plain_gnomonic(header, axes, x, y)
    if plain is None:
        return by_wcslib(header, axes, x, y, frame)
    vector, system = plain
    if frame not in ("native", system):
        # Without BLAS, whose last digits depend on the processor.
        matrix = fk5_to_icrs() if frame == "icrs" else fk5_to_icrs().T
        vector = (matrix[:, :, None] * vector).sum(axis=1)
    longitude = np.degrees(arctan2(vector[1], vector[0])) % 360.0
    return longitude, np.degrees(arctan2(vector[2], np.hypot(vector[0], vector[1])))


def axes_of(header: Mapping) -> list[str] | None:
    """Return CTYPE of four axes in capitals; None where none of them is celestial.

    Raises
    ------
    ImageFailure
        ``broken-wcs`` where one of them is damaged.
    """
    refuse_odd_bytes(header, ("CTYPE1", "CTYPE2", "CTYPE3", "CTYPE4"))
    axes = [named(header.get(f"CTYPE{k}", "")) for k in (1, 2, 3, 4)]
    celestial = r"(RA--|DEC-|[A-Z]LON|[A-Z]LAT|[A-Z]{2}LN|[A-Z]{2}LT)"
    return axes if any(re.match(celestial, a) for a in axes) else None


def celestial_wcs(header: Mapping) -> tuple[WCS, BaseCoordinateFrame]:
    """Return what `sky_positions` has of astropy for headers that are not plain.

    Parameters
    ----------
    header : mapping
        With celestial axes.

    Returns
    -------
    wcs : astropy.wcs.WCS
        Of whole images, whatever the `origin` of the cards is.
    frame : astropy.coordinates.BaseCoordinateFrame

    Raises
    ------
    ImageFailure
        ``broken-wcs``.
    """
    header = cards_of(header)
    return by_wcslib(header, cast(list[str], axes_of(header)), None, None, None)
