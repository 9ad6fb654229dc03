"""How a catalog compares with the truth it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MATCH_RADIUS = 2.0  # pixels: well over the position error of the faintest detection


@dataclass
class Comparison:
    """One magnitude bin.

    Parameters
    ----------
    faint, bright : float
        Limits in magnitudes.
    true, found : int
        True sources in the bin, and those of them that were detected.
    detected, real : int
        Detections in the bin, and those of them that have a true source.
    position : float
        Median distance of the found ones in pixels, nan without any.
    bias, scatter : float
        Median of (measured - true) / true flux of the found ones, and half of
        the width that holds 68 % of them.
    """

    bright: float
    faint: float
    true: int
    found: int
    detected: int
    real: int
    position: float
    bias: float
    scatter: float


def match(
    x: np.ndarray,
    y: np.ndarray,
    true_x: np.ndarray,
    true_y: np.ndarray,
    true_flux: np.ndarray,
    radius: float = MATCH_RADIUS,
) -> np.ndarray:
    """Pair detections with true sources, the brightest true source first.

    Parameters
    ----------
    x, y : ndarray of float, shape (n,)
        Detections in pixels.
    true_x, true_y, true_flux : ndarray of float, shape (m,)
        True sources.
    radius : float
        In pixels.

    Returns
    -------
    ndarray of int, shape (m,)
        Index of the detection of each true source, -1 for none. A detection
        is given to one true source.
    """
    pairs = np.full(len(true_x), -1)
    free = np.ones(len(x), bool)
    for k in np.argsort(-np.asarray(true_flux)):
        distance = np.hypot(x - true_x[k], y - true_y[k])
        near = np.flatnonzero(free & (distance < radius))
        if len(near):
            pairs[k] = near[np.argmin(distance[near])]
            free[pairs[k]] = False
    return pairs


def compare(
    catalog: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    edges: Sequence[float],
    flux: str = "flux_auto",
    magnitude: str = "mag_auto",
) -> list[Comparison]:
    """Compare a catalog with the truth in bins of magnitude.

    Parameters
    ----------
    catalog : dict of str to ndarray, shape (n,)
        Columns with `image`, `x`, `y`, and the named flux and magnitude.
    truth : dict of str to ndarray, shape (m,)
        Columns with `image`, `x`, `y`, `flux`, `mag`, and `saturated`: such
        sources are matched and then left out on both sides.
    edges : sequence of float
        Limits of the bins, increasing magnitudes.
    flux, magnitude : str
        Columns of the catalog to compare with.

    Returns
    -------
    list of Comparison
    """
    distance = np.full(len(truth["x"]), np.nan)
    residual = np.full(len(truth["x"]), np.nan)
    real = np.zeros(len(catalog["x"]), bool)
    counts = np.ones(len(catalog["x"]), bool)
    for image in np.unique(truth["image"]):
        ours = np.flatnonzero(catalog["image"] == image)
        true = np.flatnonzero(truth["image"] == image)
        pairs = match(catalog["x"][ours], catalog["y"][ours],
                      truth["x"][true], truth["y"][true], truth["flux"][true])
        found, theirs = true[pairs >= 0], ours[pairs[pairs >= 0]]
        real[theirs] = True
        counts[theirs] = truth["saturated"][found] == 0
        distance[found] = np.hypot(catalog["x"][theirs] - truth["x"][found],
                                   catalog["y"][theirs] - truth["y"][found])
        residual[found] = catalog[flux][theirs] / truth["flux"][found] - 1.0
    bins = []
    for bright, faint in zip(edges, edges[1:]):
        true = (truth["mag"] >= bright) & (truth["mag"] < faint) & (truth["saturated"] == 0)
        found = true & np.isfinite(distance)
        detected = counts & (catalog[magnitude] >= bright) & (catalog[magnitude] < faint)
        some = found.any()
        low, middle, high = (
            np.percentile(residual[found], [16, 50, 84]) if some else (np.nan,) * 3
        )
        bins.append(Comparison(
            bright, faint, int(true.sum()), int(found.sum()), int(detected.sum()),
            int((detected & real).sum()), float(np.median(distance[found])) if some else np.nan,
            float(middle), float((high - low) / 2),
        ))
    return bins


def as_text(bins: Sequence[Comparison]) -> str:
    """Return the comparison as a table for a person."""
    lines = ["    mag     true  complete   detected    pure   position   flux bias  scatter"]
    for b in bins:
        complete = f"{100 * b.found / b.true:6.1f} %" if b.true else "       -"
        pure = f"{100 * b.real / b.detected:6.1f} %" if b.detected else "       -"
        rest = (f"{b.position:6.3f} px  {100 * b.bias:+7.2f} %  {100 * b.scatter:6.2f} %"
                if b.found else "        -          -         -")
        lines.append(f"{b.bright:5.1f}-{b.faint:4.1f} {b.true:6d}  {complete}   {b.detected:6d}"
                     f"  {pure}  {rest}")
    return "\n".join(lines)
