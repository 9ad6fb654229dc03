"""The noise of each pixel, from the background mesh and a weight map.

Weights are taken as SExtractor takes them (Bertin & Arnouts 1996, A&AS 117,
393, and its manual): a weight is an inverse variance and a variance a variance
of unknown units, which the noise that is measured on the mesh gives; an rms is
absolute.
"""

from collections.abc import Sequence

import numpy as np

from mr_extract.images.image import Image
from mr_extract.planes.background import cell_values, global_rms
from mr_extract.planes.mesh import AnyMesh, mesh_of
from mr_extract.planes.scaled import times
from mr_extract.remarks import say
from mr_extract.settings.beside import Companions
from mr_extract.settings.detecting import Background


def without_weight(image: Image, settings: Companions) -> np.ndarray | None:
    """Return where the weight map says that a pixel is of no use.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its `weight` and `weight_kind`.
    settings : mr_extract.settings.beside.Companions
        `weight_thresh`, in the units of the map.

    Returns
    -------
    ndarray of bool, shape (height, width), or None
        True for a weight of 0 or less, or at most the threshold; for a variance
        or rms of 0 or less, or at least the threshold; for what is not finite.
        None where there is no map, or nothing to refuse.
    """
    with np.errstate(over="ignore"):
        thresh = np.float32(times(settings.weight_thresh, -image.weight_exponent))
    values = image.weight
    if values is None:
        return None
    if image.weight_kind == "weight":
        good = values > thresh
    else:
        good = values > 0
        if thresh > 0:
            good &= values < thresh
    good &= np.isfinite(values)
    return None if good.all() else ~good


def noise_map(
    image: Image, mesh: AnyMesh, settings: Companions, background: Background
) -> tuple[np.ndarray | None, np.ndarray | None, float | None, float]:
    """Return the standard deviation of the background by pixel.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its `weight` and `weight_kind`.
    mesh : sep.Background or mr_extract.planes.mesh.Mesh
        Of the image, made without masked pixels and those of `without_weight`.
    settings : mr_extract.settings.beside.Companions
        `weight_type`, `weight_thresh`, `rescale_weights`.
    background : mr_extract.settings.detecting.Background
        The cells of the mesh; `fthresh` in the units of the map.

    Returns
    -------
    sigma : ndarray of float32, shape (height, width), or None
        In image units; None where the noise is the same everywhere. In bad
        pixels it is the median of the others.
    bad : ndarray of bool, shape (height, width), or None
        As from `without_weight`.
    scale : float or None
        By what the root of the map's variances is multiplied (SExtractor's SEXMWSCL), in
        the units of image and map; None where the map is taken as it is.
    typical : float
        Noise of the pixels that have the gain of the image: the global rms of the mesh,
        or that in the units of a map of variances or weights that is taken as it is.

    Notes
    -----
    With s the rms of a cell of the mesh and v the variance of the map there, the
    map is scaled by the square of the median over the cells of s / sqrt(v)
    (SExtractor's manual on RESCALE_WEIGHTS). The map's v is found as the
    background is: the clipped mode of the cell, median filtered.
    """
    typical = global_rms(mesh)
    if settings.weight_type == "background":
        return mesh.rms(dtype=np.float32), None, None, typical
    if image.weight is None:
        return None, None, None, typical
    bad = without_weight(image, settings)
    if bad is not None and bad.all():
        return None, bad, None, typical
    values, rescaled = image.weight, None
    unit = float(np.mean(values, dtype=float, where=True if bad is None else ~bad))
    sigma = values / np.float32(unit)
    if bad is not None:
        sigma[bad] = 1.0
    exponent = image.weight_exponent
    if image.weight_kind != "rms":
        if image.weight_kind == "weight":
            np.reciprocal(sigma, out=sigma)
            unit, exponent = 1.0 / unit, -exponent
        measured = _ratio(sigma, bad, mesh, background, times(unit, exponent))
        scale = times(np.sqrt(unit), exponent // 2 - image.exponent)
        if settings.rescale_weights:
            rescaled = float(measured / scale)
            scale = measured
        elif measured > 0:
            typical *= float(scale / measured)
        np.sqrt(sigma, out=sigma)
    else:
        scale = times(unit, exponent - image.exponent)
    sigma *= np.float32(scale)
    if bad is not None:
        sigma[bad] = np.median(sigma[~bad])
    return sigma, bad, rescaled, typical


def _ratio(variance, bad, mesh, background, unit):
    """Return the median over the cells of measured rms over the root of a map in these units."""
    height, width = variance.shape
    bw, bh = min(background.bw, width), min(background.bh, height)
    cells = mesh_of(variance, bad, bw, bh, background.fw, background.fh, background.fthresh / unit)
    measured = cell_values(mesh.rms(dtype=np.float32), bw, bh)
    expected = cell_values(cells.back(dtype=np.float32), bw, bh)
    good = (expected > 0) & (measured > 0)
    if not good.any():
        say("not-used", "cells of the weight map: none has noise and a weight, and the whole was "
                        "scaled by its medians")
        return global_rms(mesh) / np.sqrt(max(cells.globalback, 1e-30))
    return np.median(measured[good] / np.sqrt(expected[good]))


def with_photons(data: np.ndarray, sigma: np.ndarray, gain: float, rms: float) -> np.ndarray:
    """Return the noise of each pixel with that of the light of sources.

    Where the noise of the background differs from pixel to pixel the exposure
    does, and with it the number of electrons in an image unit: the gain is that
    of a pixel of typical noise (SExtractor's WEIGHT_GAIN).

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    sigma : ndarray of float32, shape (height, width)
        Noise of the background in image units.
    gain : float
        Electrons per image unit where the noise is `rms`.
    rms : float
        Typical noise of the background in image units.

    Returns
    -------
    ndarray of float32, shape (height, width)
        sigma sqrt(1 + max(data, 0) / (gain rms^2)). The sum of its squares over an
        aperture is the variance of the flux.
    """
    result = np.maximum(data, np.float32(0.0))
    result *= np.float32(1.0 / (gain * rms * rms))
    result += np.float32(1.0)
    np.sqrt(result, out=result)
    result *= sigma
    return result


def filtered(
    sigma: np.ndarray, mask: np.ndarray | None, kernel: Sequence[Sequence[float]]
) -> np.ndarray:
    """Return the noise against which a filtered image is thresholded.

    Parameters
    ----------
    sigma : ndarray of float32, shape (height, width)
        Noise of the background in image units.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count; its neighbours go by the others.
    kernel : sequence of rows of float
        The detection filter; empty for none.

    Returns
    -------
    ndarray of float32, shape (height, width)
        The root of the variance averaged with the kernel as weights, as SExtractor
        does; beyond the border there is neither signal nor variance. Of negative
        weights the absolute values count.
    """
    if not kernel:
        return sigma
    variance = sigma * sigma
    if mask is None:
        return np.sqrt(_convolved(variance, kernel))
    variance[mask] = 0.0
    lost = _convolved(mask.astype(np.float32), kernel)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.sqrt(_convolved(variance, kernel) / (1.0 - lost))
    return np.where(lost < 0.999, result, sigma)


def _convolved(values, kernel):
    """Return the average with a kernel as weights, which need not have the sum 1."""
    kernel = np.abs(np.array(kernel, np.float32))
    kernel /= kernel.sum()
    height, width = values.shape
    rows, columns = kernel.shape
    padded = np.pad(values, ((rows // 2, rows - 1 - rows // 2),
                             (columns // 2, columns - 1 - columns // 2)))
    result = np.zeros_like(values)
    for (j, i), weight in np.ndenumerate(kernel):
        result += weight * padded[j : j + height, i : i + width]
    return result
