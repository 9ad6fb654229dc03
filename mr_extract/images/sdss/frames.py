"""Calibrated, sky-subtracted frames of SDSS (data release 8 and later).

References
----------
.. [1] Data model of frame files, http://data.sdss3.org/datamodel/files/BOSS_PHOTOOBJ/
   frames/RERUN/RUN/CAMCOL/frame.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import read_cards
from mr_extract.images.sdss.calibration import FILTERS
from mr_extract.images.sdss.rows import table_rows, units_of

if TYPE_CHECKING:
    from mr_extract.images.image import Image

NANOMAGGY = 22.5  # magnitude of one

# Electrons a count, and variance of the dark frame in counts squared, by camera column.
# Where there are two the second holds for runs after the given one [1]_.
_GAIN = (
    (1.62, 3.32, 4.71, 5.165, 4.745), ((1.595, 1.825), 3.855, 4.6, 6.565, 5.155),
    (1.59, 3.845, 4.72, 4.86, 4.885), (1.6, 3.995, 4.76, 4.885, 4.775),
    (1.47, 4.05, 4.725, 4.64, 3.48), (2.17, 4.035, 4.895, 4.76, 4.69),
)
_DARK_VARIANCE = (
    (9.61, 15.6025, 1.8225, 7.84, 0.81), (12.6025, 1.44, 1.0, (5.76, 6.25), 1.0),
    (8.7025, 1.3225, 1.3225, 4.6225, 1.0), (12.6025, 1.96, 1.3225, (6.25, 7.5625), (9.61, 12.6025)),
    (9.3025, 1.1025, 0.81, 7.84, (1.8225, 2.1025)), (7.0225, 1.8225, 0.9025, 5.0625, 1.21),
)
_GAIN_RUN, _DARK_RUN = 1100, 1500


def calibrate_frame(image: Image, buffer: bytes | memoryview) -> None:
    """Give a frame in nanomaggies its zero point, its gain and the noise of its pixels.

    Parameters
    ----------
    image : mr_extract.images.Image
        The frame, or a region of it. Its pixels stay as they are; it gets `zero_point`,
        `gain`, and as `weight` an rms map of the whole frame.
    buffer : bytes-like
        The whole file, unpacked.

    Raises
    ------
    ImageFailure
        As `frame_noise`.
    """
    shape = image.full_shape or image.data.shape
    image.weight, image.gain = frame_noise(buffer, image.header, shape)
    image.weight_kind, image.zero_point = "rms", NANOMAGGY


def frame_noise(
    buffer: bytes | memoryview, cards: Mapping, shape: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """Return what the noise of a frame was before its sky was taken off.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, unpacked.
    cards : mapping
        Header of the frame, with RUN, CAMCOL and FILTER.
    shape : tuple of int
        Height and width of the frame in pixels.

    Returns
    -------
    rms : ndarray of float32, shape (height, width)
        Standard deviation of the sky and the dark frame by pixel, in nanomaggies.
    gain : float
        Electrons a nanomaggy: the light of sources adds to the variance flux / gain.

    Raises
    ------
    ImageFailure
        ``no-extension`` when the calibration of its columns or its sky is missing,
        ``truncated`` or ``corrupt`` when they cannot be read.

    Notes
    -----
    With the nanomaggies a count of the column c, the sky s and dark variance d in counts,
    and the gain g in electrons a count, an image value f has the variance
    ``c^2 ((f / c + s) / g + d)``: that of the data model [1]_ in nanomaggies. Here it is
    in two parts: ``c^2 (s / g + d)``, against which sources are detected, and ``f c / g``,
    in which c is the median of the columns. Within a frame they differ by about a percent.
    The sky is interpolated linearly from a coarse grid.
    """
    units, width = units_of(buffer), shape[1]
    if len(units) < 3 or units[1].shape != (width,) or units[2].is_image:
        raise ImageFailure("no-extension", "it is no frame of SDSS: units 1 and 2 are not the "
                                           "calibration of its columns and its sky")
    if units[1].cut:
        raise ImageFailure("truncated", "the file ends inside unit 1")
    scale = np.zeros(width, np.float32)
    if read_cards(buffer, units[1].start)[0].get("BITPIX") == -32:
        scale[:] = np.frombuffer(buffer, ">f4", width, units[1].data)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ImageFailure("corrupt", "the calibration of a column is no positive float")
    gain, dark_variance = detector(cards)
    variance = _sky(table_rows(buffer, units[2]), shape) / np.float32(gain)
    variance += np.float32(dark_variance)
    rms = np.ascontiguousarray(np.sqrt(variance) * scale)
    return rms, gain / float(np.median(scale))


def _sky(rows, shape):
    """Return the sky in counts by pixel."""
    if not {"ALLSKY", "XINTERP", "YINTERP"} <= set(rows.names) or len(rows) < 1:
        raise ImageFailure("no-extension", "it is no frame of SDSS: unit 2 is not its sky")
    grid, x, y = (np.atleast_1d(np.asarray(rows[name][0], np.float32))
                  for name in ("ALLSKY", "XINTERP", "YINTERP"))
    if grid.ndim != 2 or (len(y), len(x)) != shape:
        raise ImageFailure("corrupt", "the sky is of a frame of another size")
    if not ((grid > 0).all() and np.isfinite(x).all() and np.isfinite(y).all()):
        raise ImageFailure("corrupt", "the sky is not positive, or its places are no numbers")
    return _between(_between(grid, y).T, x).T


def detector(cards: Mapping) -> tuple[float, float]:
    """Return gain and dark variance of the CCD that took a frame.

    Parameters
    ----------
    cards : mapping
        Header with RUN, CAMCOL and FILTER.

    Returns
    -------
    gain : float
        Electrons a count.
    dark_variance : float
        Counts squared.

    Raises
    ------
    ImageFailure
        ``corrupt`` when a card is missing.
    """
    run, column, name = (cards.get(keyword) for keyword in ("RUN", "CAMCOL", "FILTER"))
    if (type(run) is not int or type(column) is not int or not 1 <= column <= 6
            or name not in tuple(FILTERS)):
        raise ImageFailure("corrupt", f"no CCD: RUN {run!r}, CAMCOL {column!r}, FILTER {name!r}")
    found = []
    for table, last in ((_GAIN, _GAIN_RUN), (_DARK_VARIANCE, _DARK_RUN)):
        value = table[column - 1][FILTERS.index(name)]
        found.append(value[run > last] if isinstance(value, tuple) else value)
    return found[0], found[1]


def _between(grid, places):
    """Interpolate rows linearly; beyond the first and last they are repeated."""
    places = np.clip(places, 0, len(grid) - 1)
    below = np.minimum(places.astype(np.int64), max(len(grid) - 2, 0))
    above = np.minimum(below + 1, len(grid) - 1)
    part = (places - below)[:, None]
    return grid[below] * (1 - part) + grid[above] * part
