"""Ellipses, lengths and areas on the sky, through the local scale of the WCS."""

from collections.abc import Callable

import numpy as np

from mr_extract.measure.ellipses import axes, columns, transformed

_STEP = 0.5  # pixels to either side


def local_scale(
    position: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...] | None], x: np.ndarray,
    y: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the derivative of the position on the sky after that in the image.

    Parameters
    ----------
    position : callable
        ``position(x, y)`` gives longitude and latitude in degrees of 0-based
        pixels, or None.
    x, y : ndarray of float64, shape (n,)
        0-based pixels.

    Returns
    -------
    tuple of four ndarrays of float64, shape (n,), or None
        In degrees a pixel: of the arc to the east (longitude times the cosine of
        the latitude) after x and y, of that to the north after x and y. Central
        differences over one pixel, as unit vectors: they hold at the poles and
        where longitudes begin anew. None where `position` is.
    """
    n = len(x)
    places = position(
        np.concatenate([x, x + _STEP, x - _STEP, x, x]),
        np.concatenate([y, y, y, y + _STEP, y - _STEP]),
    )
    if places is None:
        return None
    lon, lat = (np.radians(v) for v in places)
    vector = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    lon, lat = lon[:n], lat[:n]
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros(n)])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    right, left, up, down = (vector[:, k * n:(k + 1) * n] for k in range(1, 5))
    scale = 1.0 / (2.0 * _STEP)
    along_x, along_y = np.degrees(right - left) * scale, np.degrees(up - down) * scale
    return ((along_x * east).sum(0), (along_y * east).sum(0),
            (along_x * north).sum(0), (along_y * north).sum(0))


def pixel_area(scale: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the area of pixels.

    Parameters
    ----------
    scale : tuple of four ndarrays of float64, shape (n,)
        From `local_scale`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Square degrees.
    """
    return np.abs(scale[0] * scale[3] - scale[1] * scale[2])


def on_the_sky(
    kind: str, tail: str, moments: tuple[np.ndarray, ...], native: tuple[np.ndarray, ...],
    icrs: tuple[np.ndarray, ...],
) -> dict[str, np.ndarray]:
    """Return ellipses on the sky.

    Parameters
    ----------
    kind : str
        Empty for the profile, ``err`` for the uncertainty of its centre.
    tail : str
        Empty, or ``_win``.
    moments : tuple of three ndarrays of float64, shape (n,)
        x2, y2, xy in pix^2.
    native, icrs : tuple of four ndarrays of float64, shape (n,)
        From `local_scale`, in the system of the header and in ICRS.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        Moments (deg^2), coefficients (deg^-2), axes (deg) and the angle of the
        major axis from east towards north in the header's system, its position
        angle from north through east there, `theta_sky`, and in ICRS,
        `theta_j2000`, in degrees from -90 to 90.

    Notes
    -----
    The covariance counts twice in the variance of a sum. SExtractor (2.28 and
    before) counts it once, which distorts ellipses where the axes of the image are
    not along those of the sky, and its coefficients are those of an ellipse with a
    determinant of at least 1e-6 deg^4, which is all of them. These are right.
    """
    world = transformed(native, *moments)
    result = columns(kind, f"{tail}_world", *world)
    theta = result[f"{kind}theta{tail}_world"]
    result[f"{kind}theta{tail}_sky"] = position_angle(theta)
    result[f"{kind}theta{tail}_j2000"] = position_angle(axes(*transformed(icrs, *moments))[2])
    return result


def position_angle(theta: np.ndarray) -> np.ndarray:
    """Return angles from north through east for angles from east towards north.

    Parameters
    ----------
    theta : ndarray of float64, shape (n,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (n,)
        Degrees, -90 to 90.
    """
    return (180.0 - theta) % 180.0 - 90.0
