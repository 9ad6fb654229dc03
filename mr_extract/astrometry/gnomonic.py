"""Plain gnomonic headers, by a few lines of numpy."""

import re
from collections.abc import Mapping

import numpy as np

from mr_extract.astrometry.headers import broken, mixed_card, named, wcs_number
from mr_extract.images.card_numbers import number
from mr_extract.portable.matrices import product

# Offsets of FK5 (J2000) from ICRS: USNO Circular 179, section 3.5.
_MAS = np.pi / 180 / 3600 / 1000
_ETA0, _XI0, _DA0 = -19.9 * _MAS, 9.1 * _MAS, -22.9 * _MAS


def plain_gnomonic(
    header: Mapping, axes: list[str], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, str] | None:
    """Return vectors towards pixels, shape (3, n), and their frame; None for other headers."""
    if axes[:2] != ["RA---TAN", "DEC--TAN"] or axes[2] or axes[3] or mixed_card(header):
        return None
    if any(re.match(r"(PV\d|PS\d|A_|B_|AP_|BP_|CPDIS|D2IM|LONPOLE|LATPOLE|WCSDIM)", k)
           for k in header):
        return None
    units = {named(header.get(f"CUNIT{k}", "")).lower() for k in (1, 2)}
    if not units <= {"", "deg", "degree", "degrees"}:
        return None
    system = _system(header)
    if system not in ("ICRS", "FK5"):
        return None
    found = (number(header.get(k)) for k in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"))
    numbers = [float(v) for v in found if v is not None]
    matrix = _matrix(header)
    if matrix is None or not np.isfinite(matrix).all() or len(numbers) < 4:
        return None  # what is wrong is named there
    if np.linalg.matrix_rank(matrix) < 2:
        raise broken("the WCS matrix is singular")
    ra0, dec0, x0, y0 = numbers
    if not abs(dec0) < 90.0:  # at the very pole the default of LONPOLE changes
        return None
    u, v = x - (x0 - 1.0), y - (y0 - 1.0)
    # From the vector of the tangent point: Calabretta & Greisen 2002, section 5.1.3.
    xi = np.radians(matrix[0, 0] * u + matrix[0, 1] * v)
    eta = np.radians(matrix[1, 0] * u + matrix[1, 1] * v)
    ra0, dec0 = np.radians(ra0), np.radians(dec0)
    sin0, cos0 = np.sin(dec0), np.cos(dec0)
    along = cos0 - eta * sin0
    vector = np.stack([
        along * np.cos(ra0) - xi * np.sin(ra0),
        along * np.sin(ra0) + xi * np.cos(ra0),
        sin0 + eta * cos0,
    ])
    return vector, system.lower()


def _system(header):
    name = named(header.get("RADESYS", header.get("RADECSYS", "")))
    equinox = header.get("EQUINOX", header.get("EPOCH"))
    if equinox is not None:
        equinox = wcs_number("EQUINOX", equinox)
        if equinox is None:
            return None
    if not name:
        name = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    if name == "FK5" and equinox not in (None, 2000):
        return None
    return name


def _matrix(header):
    """Return the matrix from pixels to degrees; None where it is not given plainly."""
    def card(name, default):
        value = number(header.get(name, default))
        return np.nan if value is None else value

    names = [f"{i}_{j}" for i in (1, 2) for j in (1, 2)]
    if any(f"CD{n}" in header for n in names):
        if any(f"PC{n}" in header for n in names):
            return None
        return np.array([card(f"CD{n}", 0.0) for n in names]).reshape(2, 2)
    if "CDELT1" not in header or "CDELT2" not in header:
        return None
    scale = np.diag([card("CDELT1", 1.0), card("CDELT2", 1.0)])
    if any(f"PC{n}" in header for n in names):
        unit = (1.0, 0.0, 0.0, 1.0)
        turn = [card(f"PC{n}", one) for n, one in zip(names, unit)]
        return product(scale, np.array(turn).reshape(2, 2))
    if any(k.startswith("PC0") for k in header):
        return None
    angle = np.radians(card("CROTA2", 0.0))
    # CROTA with CDELT: Calabretta & Greisen 2002, equation 189.
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return product(turn, scale)


def fk5_to_icrs() -> np.ndarray:
    """Return the matrix from FK5 (J2000) to ICRS, shape (3, 3)."""
    def turn(first, second, angle):
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = np.cos(angle)
        matrix[first, second], matrix[second, first] = np.sin(angle), -np.sin(angle)
        return matrix

    to_fk5 = product(product(turn(1, 2, -_ETA0), turn(2, 0, _XI0)), turn(0, 1, _DA0))
    return to_fk5.T
