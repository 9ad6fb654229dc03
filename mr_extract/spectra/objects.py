"""Objects along a slit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.spectra.centroids import width_of
from mr_extract.spectra.medians import median_of, running_median

_BLOCKS = 32  # of columns, of which the median is taken
_GROUND = 61  # rows of the running median


@dataclass(frozen=True)
class Found:
    """An object along the slit.

    Parameters
    ----------
    row : int
        The brightest of its rows.
    height : float
        Its light there, less its surroundings, a column.
    significance : float
        The same in the scatter of rows without object.
    fwhm : float
        In pixels.
    """

    row: int
    height: float
    significance: float
    fwhm: float


def along_the_slit(data: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return the light of each row, of which single pixels know nothing.

    Parameters
    ----------
    data : ndarray of float64, shape (rows, columns)
    good : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ndarray of float64, shape (rows,)
        Mean over blocks of columns of the median in each, less the column's own median over
        rows; nan for a row without good pixels.
    """
    values = np.where(good, data, np.nan)
    with np.errstate(all="ignore"):
        values = values - median_of(values, 0)[None, :]
        edges = np.linspace(0, values.shape[1], min(_BLOCKS, values.shape[1]) + 1).astype(int)
        blocks = np.array([median_of(values[:, a:b], 1) for a, b in zip(edges[:-1], edges[1:])])
        there = np.isfinite(blocks)
        total = np.where(there, blocks, 0.0).sum(axis=0)
        return total / there.sum(axis=0)


def found_objects(
    profile: np.ndarray, most: int, threshold: float, apart: float
) -> list[Found]:
    """Find the objects in the light along a slit, the brightest first.

    Parameters
    ----------
    profile : ndarray of float64, shape (rows,)
    most : int
        How many at most.
    threshold : float
        Significance that one needs.
    apart : float
        Rows within which there is one object.

    Returns
    -------
    list of Found
        None of them in the outermost two rows.
    """
    ground = running_median(profile, _GROUND)
    light = np.where(np.isfinite(profile), profile - ground, 0.0)
    smooth = light.copy()
    smooth[1:-1] = (light[:-2] + 2.0 * light[1:-1] + light[2:]) / 4.0
    scatter = 1.4826 * float(np.median(np.abs(light[np.isfinite(profile)])))
    scatter = max(scatter, 1e-38)  # of rows without noise
    found: list[Found] = []
    for row in np.argsort(-smooth, kind="stable"):
        height = float(smooth[row])
        if len(found) == most or height < threshold * scatter:
            break
        if not 2 <= row < len(profile) - 2 or height < smooth[row - 1 : row + 2].max():
            continue
        if any(abs(row - one.row) <= apart for one in found):
            continue
        width = width_of(light, int(row - 1 + np.argmax(light[row - 1 : row + 2])))
        found.append(Found(int(row), height, height / scatter, width))
    return found
