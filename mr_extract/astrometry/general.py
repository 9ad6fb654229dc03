"""All other headers, by wcslib through `astropy.wcs`."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mr_extract.astrometry.headers import (
    EQUINOX,
    NUMBER,
    broken,
    fit_for_wcslib,
    further_cards,
    is_scamp,
    is_unasked,
    mixed_card,
    refuse_odd_bytes,
    surface,
    wcs_number,
)
from mr_extract.images.card_numbers import number
from mr_extract.images.cards import printable
from mr_extract.portable.matrices import solved
from mr_extract.remarks import say

if TYPE_CHECKING:
    from astropy.wcs import WCS

_CYLINDERS, _FACETS = ("CYP", "CEA", "CAR", "MER"), ("TSC", "CSC", "QSC", "HPX")
_CELESTIAL = re.compile("RA--|DEC-|[A-Z]LON|[A-Z]LAT|[A-Z]{2}L[NT]")
_NAMES = ("CUNIT1", "CUNIT2", "RADESYS", "RADECSYS")
_TURNED = ("GLON", "SLON", "ELON")  # which SExtractor turns to the equator


def by_wcslib(
    header: Any, axes: list[str], x: np.ndarray | None, y: np.ndarray | None, wanted: str | None
) -> Any:
    """Return longitudes and latitudes, as `mr_extract.astrometry.sky_positions`.

    Without `wanted` the WCS and its frame, as `mr_extract.astrometry.celestial_wcs`.
    """
    from astropy.coordinates import FK5, ICRS, SkyCoord
    from astropy.wcs import WCS

    refuse_odd_bytes(header, _NAMES)
    if not all(f"CRVAL{k}" in header for k in (1, 2)):
        raise broken("the WCS has celestial axes but no CRVAL")
    if not any(re.match(r"(CD\d_|CDELT)", k) for k in header):
        raise broken("the WCS has celestial axes but no scale")
    for keyword in header:  # wcslib would take the default in place of such a value
        if NUMBER.match(keyword):
            if number(header[keyword]) is None:
                raise broken(f"the WCS has {keyword} = {header[keyword]!r}, which is no number")
        elif EQUINOX.match(keyword) and wcs_number(keyword, header[keyword]) is None:
            say("unusable-card", f"{keyword} = {header[keyword]!r}")
    projection = axes[0][5:8]
    if projection in ("TNX", "ZPX"):
        refuse_odd_bytes(header, [key for key in header if key.startswith("WAT")])
        if any(surface(header, axis) is None for axis in (1, 2)):
            # wcslib would go on without the distortion, or with a wrong one.
            raise broken(f"the projection {projection} has lost some of its WAT cards")
    if mixed := mixed_card(header):
        raise broken(f"the positions depend on a further axis ({mixed} is not 0)")
    # Of celestial axes that are not the first two it is said below what they are.
    further = further_cards(header) if all(_CELESTIAL.match(axis) for axis in axes[:2]) else []
    count = {key: 2 for key in ("NAXIS", "WCSAXES") if further and key in header}
    units = header.units() if getattr(header, "units", None) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if hasattr(header, "text"):
                scamp = axes[:2] == ["RA---TAN", "DEC--TAN"] and is_scamp(header)
                types: dict[str, str | int] = (
                    {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"} if scamp else {})
                if is_unasked(header):  # which is said; astropy would print 14 lines
                    types = {f"CTYPE{k}": f"{axis:8}-SIP" for k, axis in enumerate(axes[:2], 1)}
                header = fit_for_wcslib(header, {**types, **count}, further)
            else:
                header = {key: wcs_number(key, value) if NUMBER.match(key)
                          else printable(value) if isinstance(value, str) else value
                          for key, value in header.items() if key not in further} | count
            wcs = WCS(header, units)
            wcs.wcs.set()
            if {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
                raise ValueError("the first two axes are not longitude and latitude")
            wcs = wcs.celestial
            if np.linalg.matrix_rank(wcs.pixel_scale_matrix) < 2:
                raise ValueError("the WCS matrix is singular")
            frame = _frame_of(wcs, wanted)
            if wanted is None:
                return wcs, frame
            world = _world(wcs, x, y)
            longitude, latitude = world[wcs.wcs.lng], world[wcs.wcs.lat]
            # An equinox that is not said would be taken from the header's frame.
            fk5 = FK5(equinox="J2000")
            native = fk5 if wcs.wcs.ctype[wcs.wcs.lng][:4] in _TURNED else frame
            target = {"icrs": ICRS(), "fk5": fk5, "native": native}[wanted]
            if frame is not None and not frame.is_equivalent_frame(target):
                position = SkyCoord(longitude, latitude, unit="deg", frame=frame)
                position = position.transform_to(target).spherical
                longitude, latitude = position.lon.deg, position.lat.deg
        except Exception as error:  # wcslib and astropy raise a class for each defect
            text = " ".join(str(error).split())[:200]
            if "projection code" in text:
                raise broken(f"the projection {projection} is not supported") from error
            raise broken(f"the WCS cannot be used ({type(error).__name__}: {text})") from error
    if len(longitude) and not np.isfinite(longitude).any():
        raise broken("the WCS gives no finite position")
    return np.asarray(longitude) % 360.0, np.asarray(latitude)


def _world(wcs, x, y):
    """Return longitude and latitude of pixels; wcslib has none beyond a whole turn."""
    world = wcs.all_pix2world(x, y, 0)
    if wcs.wcs.ctype[wcs.wcs.lng][5:8] in _CYLINDERS:
        step, turns = turns_of(wcs, x, y)
        beyond = np.flatnonzero(~np.isfinite(world[0]) & (turns != 0) & np.isfinite(turns))
        if len(beyond):
            turns = turns[beyond]
            more = wcs.all_pix2world(x[beyond] - turns * step[0], y[beyond] - turns * step[1], 0)
            world[0][beyond], world[1][beyond] = more
    return world


def turns_of(wcs: WCS, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Return after how many pixels a map shows the sky again, and where pixels are.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
    x, y : ndarray of float64, shape (n,)
        0-based.

    Returns
    -------
    step : ndarray of float64, shape (2,), or None
        In x and y; None for projections that show it once.
    turns : ndarray of float64, shape (n,)
        Whole turns from the one around the reference pixel.
    """
    longitude = wcs.wcs.lng
    projection = wcs.wcs.ctype[longitude][5:8]
    if projection not in (*_CYLINDERS, *_FACETS):
        return None, np.zeros(len(x))
    span = 360.0
    if projection == "CYP":  # the radius of its cylinder: Calabretta & Greisen 2002, 5.2.1
        radius = [value for axis, number, value in wcs.wcs.get_pv()
                  if (axis, number) == (wcs.wcs.lat + 1, 2)]
        span *= radius[0] if radius else 1.0
    matrix, reference = wcs.pixel_scale_matrix, wcs.wcs.crpix - 1.0
    across = matrix[longitude, 0] * (x - reference[0]) + matrix[longitude, 1] * (y - reference[1])
    step = np.zeros(2)
    step[longitude] = span
    return solved(matrix, step), np.round(across / span)


def _frame_of(wcs, wanted):
    """Return the frame of a header, None for the native coordinates of what is no sky."""
    from astropy.coordinates import BarycentricMeanEcliptic, Supergalactic
    from astropy.time import Time
    from astropy.wcs.utils import wcs_to_celestial_frame

    kind, equinox = wcs.wcs.ctype[wcs.wcs.lng][:4], wcs.wcs.equinox
    if kind == "ELON":  # astropy goes by RADESYS, and takes them for right ascensions
        old = wcs.wcs.radesys.startswith("FK4")
        return BarycentricMeanEcliptic(equinox=Time(
            equinox if np.isfinite(equinox) else 2000.0, format="byear" if old else "jyear"))
    if kind == "SLON":
        return Supergalactic()
    if kind in ("RA--", "GLON"):
        return wcs_to_celestial_frame(wcs)
    if wanted == "native":
        return None
    raise ValueError(f"coordinates of the kind {kind} are not of the sky")
