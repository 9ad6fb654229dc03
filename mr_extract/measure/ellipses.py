"""Ellipses from second moments."""

import numpy as np

from mr_extract.portable.angles import arctan2


def axes(
    x2: np.ndarray, y2: np.ndarray, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the axes of ellipses and their direction.

    Parameters
    ----------
    x2, y2, xy : ndarray of float64, shape (n,)
        Variances along the first and second axis and covariance, in any unit.

    Returns
    -------
    a, b : ndarray of float64, shape (n,)
        rms along the major and the minor axis, in the root of that unit.
    theta : ndarray of float64, shape (n,)
        Direction of the major axis in degrees, from the first axis towards the
        second, -90 to 90; 45 for a circle, as SExtractor has it.
    """
    mean, difference = (x2 + y2) / 2.0, x2 - y2
    spread = np.hypot(difference / 2.0, xy)
    # Of a line the lesser one is 0, but for rounding.
    minor = np.where(np.isnan(mean), np.nan, np.maximum(mean - spread, 0.0))
    theta = np.where(difference == 0.0, 45.0, np.degrees(arctan2(2.0 * xy, difference)) / 2.0)
    return np.sqrt(mean + spread), np.sqrt(minor), np.where(np.isnan(mean), np.nan, theta)


def inverse(
    x2: np.ndarray, y2: np.ndarray, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cxx, cyy and cxy of the ellipse cxx dx^2 + cyy dy^2 + cxy dx dy = 1.

    Parameters
    ----------
    x2, y2, xy : ndarray of float64, shape (n,)
        Variances and covariance.

    Returns
    -------
    tuple of three ndarrays of float64, shape (n,)
        nan where the ellipse is a line.
    """
    determinant = x2 * y2 - xy * xy
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(determinant > 0.0, 1.0 / determinant, np.nan)
        return y2 * scale, x2 * scale, -2.0 * xy * scale


def transformed(
    matrix: tuple[np.ndarray, ...], x2: np.ndarray, y2: np.ndarray, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return second moments in other coordinates.

    Parameters
    ----------
    matrix : tuple of four ndarrays of float64, shape (n,)
        (j00, j01, j10, j11): u = j00 x + j01 y and v = j10 x + j11 y.
    x2, y2, xy : ndarray of float64, shape (n,)

    Returns
    -------
    u2, v2, uv : ndarray of float64, shape (n,)
    """
    j00, j01, j10, j11 = matrix
    return (
        j00 * j00 * x2 + j01 * j01 * y2 + 2.0 * j00 * j01 * xy,
        j10 * j10 * x2 + j11 * j11 * y2 + 2.0 * j10 * j11 * xy,
        j00 * j10 * x2 + j01 * j11 * y2 + (j00 * j11 + j01 * j10) * xy,
    )


def columns(
    kind: str, tail: str, x2: np.ndarray, y2: np.ndarray, xy: np.ndarray
) -> dict[str, np.ndarray]:
    """Return moments, coefficients and axes under their names in the table.

    Parameters
    ----------
    kind : str
        Empty for the profile, ``err`` for the uncertainty of its centre.
    tail : str
        As ``_win``.
    x2, y2, xy : ndarray of float64, shape (n,)

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
    """
    values = (x2, y2, xy, *inverse(x2, y2, xy), *axes(x2, y2, xy))
    names = ("x2", "y2", "xy", "cxx", "cyy", "cxy", "a", "b", "theta")
    return {f"{kind}{name}{tail}": value for name, value in zip(names, values)}


def extents(
    cxx: np.ndarray, cyy: np.ndarray, cxy: np.ndarray, r: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far ellipses reach along x and y.

    Parameters
    ----------
    cxx, cyy, cxy, r : ndarray of float64, shape (n,)
        cxx dx^2 + cyy dy^2 + cxy dx dy = r^2.

    Returns
    -------
    tuple of two ndarrays of float64, shape (n,)
        In pixels; 0 where the ellipse is none.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        along_x = cxx - cxy * cxy / (4.0 * cyy)
        along_y = cyy - cxy * cxy / (4.0 * cxx)
        return (np.where(along_x > 0, r / np.sqrt(along_x), 0.0),
                np.where(along_y > 0, r / np.sqrt(along_y), 0.0))
