"""Wavelengths behind a grating without slit, by its relation and by lines in the spectrum.

    m N wavelength = sin(t + a) - sin(t),   tan(a) = distance from the zero order / D

with the order m, N lines a length, the angle t of incidence, and the distance D of the grating
from the sensor. It is written without an angle: sines and tangents differ in their last digit
from machine to machine, roots do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mr_extract.spectra.centroids import centroid
from mr_extract.spectra.linear import fitted
from mr_extract.spectra.medians import median_of, running_median

_ANGSTROM = 1e-7  # in mm
_SIGNIFICANCE = 5.0
_CLIP = 3.0
_MOST_SCALE, _MOST_SHIFT = 0.06, 5.0
_LINE, _ZERO = 0.3, 1.0  # pixels: errors of a line and of the zero order
_ROUNDS = 20
_SCALES = np.linspace(0.95, 1.05, 201)  # of the distance that is given
_GROUND, _BOX, _DEEPEST = 41, 5, 20.0  # columns, columns, and noise of a column
_NARROWEST = 6.0  # columns on either side in which a line is looked for


@dataclass(frozen=True)
class Grating:
    """A grating in front of a sensor.

    Parameters
    ----------
    lines : float
        Lines a mm.
    distance : float
        From the sensor in mm.
    pixel : float
        Size of a pixel in mm.
    order : int
        Not 0; the positive ones lie on the side of greater columns.
    incidence : float
        Degrees between the light that comes and the normal of the grating.
    shift : float
        Pixels to be added to the distance from the zero order.
    """

    lines: float
    distance: float
    pixel: float
    order: int = 1
    incidence: float = 0.0
    shift: float = 0.0

    def wavelength(self, distance: np.ndarray) -> np.ndarray:
        """Return the wavelengths in Angstrom at distances in pixels from the zero order."""
        tangent = (np.asarray(distance, np.float64) + self.shift) * self.pixel / self.distance
        cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
        sine_t, cosine_t = self._incidence()
        path = sine_t * (cosine - 1.0) + cosine_t * tangent * cosine
        return path / (self.order * self.lines * _ANGSTROM)

    def distance_of(self, wavelength: np.ndarray) -> np.ndarray:
        """Return the distances in pixels of wavelengths, nan for those that are not bent so far."""
        sine_t, cosine_t = self._incidence()
        sine = (self.order * self.lines * _ANGSTROM * np.asarray(wavelength, np.float64) + sine_t)
        with np.errstate(invalid="ignore"):
            cosine = np.sqrt(1.0 - sine * sine)
            tangent = (sine * cosine_t - cosine * sine_t) / (cosine * cosine_t + sine * sine_t)
        return tangent * self.distance / self.pixel - self.shift

    def _incidence(self):
        angle = self.incidence * (np.pi / 180.0)
        sine, term = 0.0, angle
        for k in range(1, 25, 2):
            sine += term
            term *= -angle * angle / ((k + 1) * (k + 2))
        return sine, float(np.sqrt(1.0 - sine * sine))


@dataclass(frozen=True)
class Refined:
    """A grating whose distance was told by lines in the spectrum.

    Parameters
    ----------
    grating : Grating
    places, wavelengths : ndarray of float64, shape (k,)
        Distances in pixels of the lines that were used; there may be none.
    rms : float
        Of them in Angstrom, nan for fewer than two.
    """

    grating: Grating
    places: np.ndarray
    wavelengths: np.ndarray
    rms: float


def feature_at(
    flux: np.ndarray, error: np.ndarray, wavelengths: np.ndarray, middle: float, half: float
) -> float:
    """Return the column of an absorption or emission line, nan where none stands out.

    Parameters
    ----------
    flux, error, wavelengths : ndarray of float64, shape (n,)
    middle : float
        Its wavelength.
    half : float
        Angstrom on either side in which it may lie; the continuum is from there to twice as far.
    """
    away = wavelengths - middle
    good = np.isfinite(flux) & np.isfinite(error)
    near = np.flatnonzero(np.abs(away) <= 2.0 * half)
    if len(near) < 9 or not good[near].all():
        return np.nan
    left = near[(away[near] < -half)]
    right = near[(away[near] > half)]
    if min(len(left), len(right)) < 3:
        return np.nan
    ends = [(float(median_of(away[None, side], 1)[0]), float(median_of(flux[None, side], 1)[0]))
            for side in (left, right)]
    slope = (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0])
    ground = ends[0][1] + slope * (away[near] - ends[0][0])
    depth = ground - flux[near]
    inner = np.abs(away[near]) <= half
    total = float(depth[inner].sum())
    noise = float(np.sqrt((error[near][inner] ** 2).sum()))
    if abs(total) < _SIGNIFICANCE * noise:
        return np.nan
    depth = depth if total > 0 else -depth
    width = max(float(inner.sum()) * 0.5, 3.0)
    inside = np.flatnonzero(inner)
    start = inside[int(np.argmax(depth[inside]))]
    place = centroid(depth, float(start), width)
    return float(near[0] + place) if abs(place - start) <= width else np.nan


def refined(
    grating: Grating, distance: np.ndarray, flux: np.ndarray, error: np.ndarray,
    features: list[tuple[float, float]],
) -> Refined:
    """Fit the distance of a grating and, to within a pixel, the place of the zero order.

    Parameters
    ----------
    grating : Grating
        As it is thought to be.
    distance : ndarray of float64, shape (n,)
        Of the columns from the zero order, in pixels.
    flux, error : ndarray of float64, shape (n,)
    features : list of (float, float)
        Wavelength of a line, and half the width in which it may be.

    Returns
    -------
    Refined
        With the grating as it was where no line stands out.
    """
    found = _scanned(grating, distance, flux, error, [middle for middle, _ in features])
    for _ in range(2):
        places, known = _places(found, distance, flux, error, features)
        if not len(places):
            return Refined(grating, places, known, np.nan)
        found, used = _solved(grating, places, known)
        if found is None:
            return Refined(grating, np.empty(0), np.empty(0), np.nan)
    places, known = places[used], known[used]
    rest = found.wavelength(places) - known
    rms = float(np.sqrt((rest**2).mean())) if len(rest) > 1 else np.nan
    return Refined(found, places, known, rms)


def _scanned(grating, distance, flux, error, middles):
    """Return the grating at the distance, of many about it, at which lines are deepest."""
    good = np.isfinite(flux) & (error > 0)
    if good.sum() < _GROUND:
        return grating
    columns = np.arange(len(flux))
    filled = np.interp(columns, columns[good], flux[good])
    noise = np.interp(columns, columns[good], error[good])
    depth = (running_median(filled, _GROUND) - filled) / noise
    padded = np.pad(depth, _BOX // 2)
    smooth = sum(padded[k : k + len(depth)] for k in range(_BOX)) / np.sqrt(_BOX)
    smooth = np.minimum(np.abs(smooth), _DEEPEST)
    order = np.argsort(distance)
    scores = []
    for scale in _SCALES:
        places = replace(grating, distance=grating.distance * scale).distance_of(np.array(middles))
        inside = (places > distance.min()) & (places < distance.max())
        scores.append(np.interp(places[inside], distance[order], smooth[order]).sum())
    best = int(np.argmax(scores))
    return replace(grating, distance=grating.distance * float(_SCALES[best]))


def _places(grating, distance, flux, error, features):
    waves = grating.wavelength(distance)
    rows = []
    for middle, half in features:
        at = int(np.argmin(np.abs(waves - middle)))
        step = float(np.abs(np.diff(waves[max(at - 1, 0) : at + 2])).mean())
        column = feature_at(flux, error, waves, middle, max(half, _NARROWEST * step))
        if np.isfinite(column):
            rows.append((np.interp(column, np.arange(len(distance)), distance), middle))
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def _solved(grating, places, known):
    """Return the grating by which lines are where they are, and which of them count."""
    used = np.ones(len(places), bool)
    while used.any():
        found = _stepped(grating, places[used], known[used])
        if found is None:
            return None, used
        slopes = np.abs(found.wavelength(places + 0.5) - found.wavelength(places - 0.5))
        away = np.abs(found.wavelength(places) - known) / slopes
        scatter = max(1.4826 * float(np.median(away[used])), 0.5)
        worst = int(np.argmax(np.where(used, away, 0.0)))
        if used.sum() < 3 or away[worst] <= _CLIP * scatter:
            return found, used
        used[worst] = False
    return None, used


def _stepped(grating, places, known):
    """Fit distance and shift by steps of Gauss and Newton; the shift is 0 to within a pixel."""
    found = grating
    for _ in range(_ROUNDS):
        waves = found.wavelength(places)
        longer = replace(found, distance=found.distance * 1.0001).wavelength(places) - waves
        shifted = replace(found, shift=found.shift + 0.01).wavelength(places) - waves
        basis = np.array([longer / 1e-4, shifted / 0.01])
        pixel = np.abs(basis[1])  # Angstrom
        basis = np.concatenate([basis, [[0.0], [1.0]]], axis=1)
        rest = np.append(known - waves, grating.shift - found.shift)
        step = fitted(basis, rest, np.append(1.0 / (_LINE * pixel) ** 2, 1.0 / _ZERO**2))
        if step is None:
            return None
        found = replace(found, distance=found.distance * (1.0 + step[0]),
                        shift=found.shift + step[1])
        if not abs(found.distance / grating.distance - 1.0) <= _MOST_SCALE:
            return None
        if not abs(found.shift - grating.shift) <= _MOST_SHIFT:
            return None
        if abs(step[0]) < 1e-10:
            break
    return found
