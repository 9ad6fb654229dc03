"""Positions, motions and magnitudes of objects, of those of their detections.

An object is a number from 0 on, given for each detection.
"""

import numpy as np

from mr_extract.objects.sphere import ARCSEC, positions, tangents

YEAR = 365.25  # days


def mean_positions(
    number: np.ndarray, count: int, xyz: np.ndarray, error: np.ndarray, mjd: np.ndarray,
    motion: bool = False,
) -> dict[str, np.ndarray]:
    """Return where objects are, and how they move.

    Parameters
    ----------
    number : ndarray of int, shape (n,)
        Object of each detection.
    count : int
        Objects; each has a detection.
    xyz : ndarray of float64, shape (n, 3)
        Unit vectors.
    error : ndarray of float64, shape (n,)
        Of the positions, an axis, in arcseconds. An object of which one is not positive has
        equal weights.
    mjd : ndarray of float64, shape (n,)
        Days.
    motion : bool
        Fit a motion along a straight line to what has three epochs or more.

    Returns
    -------
    dict of str to ndarray of float64, shape (count,)
        ``ra``, ``dec`` in degrees, the weighted mean, which holds at ``mean_mjd``;
        ``pos_err``, its error, an axis, in arcseconds, from the errors of the detections, or
        from their scatter where weights are equal; ``pos_scatter``, rms about the mean (or the
        line), an axis, nan for one detection; with `motion` ``pmra`` (times cos dec), ``pmdec``
        and their error ``pm_err`` in mas/yr.
    """
    known = np.isfinite(error) & (error > 0)
    weighted = np.bincount(number, ~known, count) == 0
    weight = np.where(weighted[number], 1.0 / np.where(known, error, 1.0) ** 2, 1.0)
    total = np.bincount(number, weight, count)
    times = np.bincount(number, weight * mjd, count) / total
    # Means of differences from one of them: of vectors the last digits would be lost.
    first = np.full(count, len(number))
    np.minimum.at(first, number, np.arange(len(number)))
    origin = xyz[first]
    apart = xyz - origin[number]
    mean = np.stack([np.bincount(number, weight * apart[:, k], count) / total
                     for k in range(3)], axis=-1)
    centre = origin + mean
    ra, dec = positions(centre)
    east, north = tangents(centre / np.linalg.norm(centre, axis=1)[:, None])
    left = (apart - mean[number]) / ARCSEC
    sides = [(left * side[number]).sum(axis=1) for side in (east, north)]
    members = np.bincount(number, minlength=count)
    found = {"ra": ra, "dec": dec, "mean_mjd": times}
    freedom = members - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        if motion:
            lag = mjd - times[number]
            spread = np.bincount(number, weight * lag**2, count)
            fitted = (members >= 3) & (spread > 0)
            slopes = [np.where(fitted, np.bincount(number, weight * lag * side, count) / spread,
                               np.nan) for side in sides]
            sides = [side - np.where(fitted[number], slope[number] * lag, 0.0)
                     for side, slope in zip(sides, slopes)]
            freedom = freedom - fitted
        squares = np.bincount(number, sides[0] ** 2 + sides[1] ** 2, count)
        scatter = np.sqrt(squares / (2 * np.where(freedom > 0, freedom, np.nan)))
        unit = np.where(weighted, 1.0, scatter)  # error of a detection of weight 1
        found["pos_err"], found["pos_scatter"] = unit / np.sqrt(total), scatter
        if motion:
            scale = 1000 * YEAR
            found |= {"pmra": slopes[0] * scale, "pmdec": slopes[1] * scale,
                      "pm_err": np.where(fitted, unit / np.sqrt(spread), np.nan) * scale}
    return found


def magnitudes(
    group: np.ndarray, count: int, mag: np.ndarray, error: np.ndarray, mjd: np.ndarray
) -> dict[str, np.ndarray]:
    """Return statistics of magnitudes by group, as an object in a filter.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
    count : int
        Groups, of which some may have no member.
    mag, error, mjd : ndarray of float64, shape (n,)
        Finite, errors positive.

    Returns
    -------
    dict of str to ndarray of float64, shape (count,)
        ``mag``, the mean weighted by 1 / error^2, and its error ``magerr``; ``scatter``, the
        standard deviation (n - 1) about the plain mean; ``chi2``, about ``mag``, of n - 1
        degrees of freedom; ``von_neumann``, mean square of the differences from one to the next
        in time, over the variance, 2 for noise (von Neumann 1941); ``amplitude``, the faintest
        less the brightest. What n members do not tell is nan.
    """
    order = np.lexsort((mjd, group))
    group, mag, error = group[order], mag[order], error[order]
    n = np.bincount(group, minlength=count).astype(float)
    weight = 1.0 / error**2
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.bincount(group, weight, count)
        # About a first value, as squares of small differences are lost in large numbers.
        start = np.zeros(count)
        start[group[::-1]] = mag[::-1]
        apart = mag - start[group]
        mean = np.bincount(group, weight * apart, count) / total
        plain = np.bincount(group, apart, count) / n
        squares = np.bincount(group, (apart - plain[group]) ** 2, count)
        follows = np.flatnonzero(group[1:] == group[:-1])
        steps = np.bincount(group[follows], (mag[follows + 1] - mag[follows]) ** 2, count)
        several = np.where(n > 1, n - 1, np.nan)
        highest, lowest = np.full(count, -np.inf), np.full(count, np.inf)
        np.maximum.at(highest, group, apart)
        np.minimum.at(lowest, group, apart)
        return {
            "mag": np.where(n > 0, start + mean, np.nan),
            "magerr": np.where(n > 0, 1 / np.sqrt(total), np.nan),
            "scatter": np.sqrt(squares / several),
            "chi2": np.where(n > 1, np.bincount(
                group, weight * (apart - mean[group]) ** 2, count), np.nan),
            "von_neumann": steps / several / (squares / several),
            "amplitude": np.where(n > 0, highest - lowest, np.nan),
        }


def stetson_j(
    number: np.ndarray, count: int, group: np.ndarray, groups: int, mag: np.ndarray,
    error: np.ndarray, mjd: np.ndarray, pair_days: float,
) -> np.ndarray:
    """Return Stetson's J of objects (Stetson 1996, PASP 108, 851), all weights being 1.

    Measurements that follow each other within `pair_days`, in whatever filter, are pairs, from
    the first on; others stand alone.

    Parameters
    ----------
    number : ndarray of int, shape (n,)
        Object of each measurement.
    count : int
    group : ndarray of int, shape (n,)
        Object and filter of each measurement.
    groups : int
        How many there are.
    mag, error, mjd : ndarray of float64, shape (n,)
    pair_days : float

    Returns
    -------
    ndarray of float64, shape (count,)
        nan where no filter has two measurements.
    """
    n = np.bincount(group, minlength=groups).astype(float)
    mean = magnitudes(group, groups, mag, error, mjd)["mag"]
    keep = n[group] > 1
    number, group, mag, error, mjd = (a[keep] for a in (number, group, mag, error, mjd))
    residual = np.sqrt(n[group] / (n[group] - 1)) * (mag - mean[group]) / error
    order = np.lexsort((group, mjd, number))
    number, residual, mjd = number[order], residual[order], mjd[order]
    close = np.zeros(len(number), bool)  # with the one before
    close[1:] = (number[1:] == number[:-1]) & (np.diff(mjd) <= pair_days)
    place = np.arange(len(number))
    begins = np.maximum.accumulate(np.where(close, 0, place)) if len(place) else place
    second = (place - begins) % 2 == 1
    first = np.zeros(len(number), bool)
    first[:-1] = second[1:]
    product = residual**2 - 1
    product[first] = residual[first] * residual[second]
    single = ~second
    value = np.sign(product) * np.sqrt(np.abs(product))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.bincount(number[single], value[single], count)
                / np.bincount(number[single], minlength=count))
