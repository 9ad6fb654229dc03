"""Many elliptical Gaussians drawn on an image, in batches of stamps of equal size."""

import numpy as np

#: Half-sizes in pixels of the square stamps that Gaussians are drawn on.
_HALF_SIZES = np.array([4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50, 64, 80, 100, 150, 250])

#: Pixels that are computed at once: a batch of stamps stays in the processor's cache.
_BATCH_PIXELS = 1 << 17


def peak_values(flux: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Give the central value of Gaussians.

    Parameters
    ----------
    flux : ndarray
        Totals.
    covariance : ndarray
        xx, xy, yy in square pixels: three arrays of the shape of `flux`.

    Returns
    -------
    peaks : ndarray
        Flux per pixel at the centre.
    """
    xx, xy, yy = covariance
    return flux / (2 * np.pi * np.sqrt(xx * yy - xy**2))


def add_gaussians(
    canvas: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    flux: np.ndarray,
    covariance: np.ndarray,
    faintest: float,
) -> None:
    """Add Gaussians to an image, each on a square stamp that ends where it is `faintest`.

    The sum over a stamp is made equal to the flux, so that no light is lost at its edge.

    Parameters
    ----------
    canvas : ndarray
        The image, changed in place.
    x, y : ndarray
        Centres in pixels of the image, 0-based. Parts of stamps off the image are cut away.
    flux : ndarray
        Totals.
    covariance : ndarray
        xx, xy, yy in square pixels, one row each.
    faintest : float
        Value per pixel below which a Gaussian may end.
    """
    reach = np.sqrt(2 * np.log(np.maximum(peak_values(flux, covariance) / faintest, 1.0)))
    widest = np.sqrt(np.maximum(covariance[0], covariance[2]))
    size_class = np.searchsorted(_HALF_SIZES, np.maximum(reach, 3.0) * widest)
    size_class = np.minimum(size_class, len(_HALF_SIZES) - 1)
    for number in np.unique(size_class):
        members = np.flatnonzero(size_class == number)
        half = int(_HALF_SIZES[number])
        step = max(1, _BATCH_PIXELS // (2 * half + 1) ** 2)
        for start in range(0, len(members), step):
            batch = members[start : start + step]
            columns, rows = np.rint(x[batch]).astype(int), np.rint(y[batch]).astype(int)
            stamps = _stamps(half, x[batch] - columns, y[batch] - rows, covariance[:, batch])
            stamps *= (flux[batch] / stamps.sum(axis=(1, 2)))[:, None, None]
            for stamp, row, column in zip(stamps, rows.tolist(), columns.tolist(), strict=True):
                _add_stamp(canvas, stamp, row - half, column - half)


def _stamps(half: int, x: np.ndarray, y: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Compute Gaussians of peak 1, centred x, y pixels from the middle of their stamps."""
    xx, xy, yy = covariance / (covariance[0] * covariance[2] - covariance[1] ** 2)
    grid = np.arange(-half, half + 1)
    dx = (grid - x[:, None]).astype(np.float32)
    dy = (grid - y[:, None]).astype(np.float32)
    cross = (xy[:, None] * dy).astype(np.float32)
    along_x = (-0.5 * yy[:, None] * dx**2).astype(np.float32)
    along_y = (-0.5 * xx[:, None] * dy**2).astype(np.float32)
    exponent = cross[:, :, None] * dx[:, None, :]
    exponent += along_x[:, None, :]
    exponent += along_y[:, :, None]
    return np.exp(exponent, out=exponent)


def _add_stamp(canvas: np.ndarray, stamp: np.ndarray, row: int, column: int) -> None:
    """Add a stamp with its first pixel at (row, column); what lies outside is cut off."""
    size = len(stamp)
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + size, canvas.shape[0]), min(column + size, canvas.shape[1])
    if bottom > top and right > left:
        canvas[top:bottom, left:right] += stamp[
            top - row : bottom - row, left - column : right - column
        ]
