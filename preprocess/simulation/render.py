"""Light onto pixels: stars and galaxies as a detector sees them, without noise.

Each source is a few Gaussians, none narrower than `core_width`: those are smooth enough to be drawn
by their values at pixel centres. The whole frame is then convolved, in Fourier space, with what
turns the core into the Moffat PSF averaged over a pixel. So wings of stars have no edge, every
total is exact, and positions are unbiased at any sub-pixel phase. Pixel values are right to a
few parts in 10,000 of a source's brightest pixel for PSFs wider than 2.5 pixels (FWHM).

Pixels are 0-based: the centre of the first pixel is (0, 0).
"""

from collections.abc import Iterator

import numpy as np

from preprocess.simulation.mixtures import moffat_mixture, moffat_radius, sersic_mixture
from preprocess.simulation.stamps import add_gaussians, peak_values

#: Exponent of the Moffat PSF.
BETA = 3.0

#: Width in pixels of the border drawn around a frame, for light of sources beyond its edge.
MARGIN = 64


def core_width(fwhm: float) -> float:
    """Give the standard deviation of the Gaussian as which a point is drawn at first.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum of the PSF in pixels.

    Returns
    -------
    sigma : float
        In pixels. A narrower core would not be smooth enough for its values at pixel centres, a
        wider one would leave too much for the convolution to sharpen; between the two the
        errors cancel to a few parts in 10,000 (found by trial, FWHM 2.5 to 4 pixels).
    """
    return 0.5 + 0.15 * fwhm


def render_sources(
    shape: tuple[int, int], sources: np.ndarray, fwhm: float, faintest: float = 0.05
) -> np.ndarray:
    """Draw sources through the PSF.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the frame.
    sources : ndarray
        With fields ``x``, ``y`` (pixels), ``flux`` (total), ``half_light_radius`` (pixels,
        semi-major axis), ``ellipticity`` (1 - b/a), ``theta`` (degrees, from +x towards +y) and
        ``sersic_index`` (nan for a point). Those within `MARGIN` of the frame are drawn.
    fwhm : float
        Full width at half maximum of the PSF in pixels.
    faintest : float, optional
        Surface brightness per pixel that does not matter: light of a galaxy spread more thinly
        is drawn somewhat further in, so that the total stays exact.

    Returns
    -------
    image : ndarray of float64
        Flux in each pixel.
    """
    height, width = shape
    near = np.abs(sources["x"] - (width - 1) / 2) < width / 2 + MARGIN
    near &= np.abs(sources["y"] - (height - 1) / 2) < height / 2 + MARGIN
    canvas = np.zeros((_fast_length(height + 2 * MARGIN), _fast_length(width + 2 * MARGIN)))
    for places, weights, widths in _profiles(sources):
        places = places[near[places]]
        group = sources[places]
        covariance = _covariances(group, widths, core_width(fwhm) ** 2)
        flux = _gather_thin_light(group["flux"][:, None] * weights, covariance, faintest)
        drawn = np.flatnonzero(flux.ravel() > 0)
        owner = drawn // len(weights)
        add_gaussians(
            canvas,
            group["x"][owner] + MARGIN,
            group["y"][owner] + MARGIN,
            flux.ravel()[drawn],
            covariance.reshape(3, -1)[:, drawn],
            faintest,
        )
    spectrum = np.fft.rfft2(canvas)
    spectrum *= _core_to_psf(canvas.shape, fwhm)
    image = np.fft.irfft2(spectrum, canvas.shape)
    return image[MARGIN : MARGIN + height, MARGIN : MARGIN + width]


def central_brightness(sources: np.ndarray, fwhm: float) -> np.ndarray:
    """Give the flux of each source in the pixel nearest to its centre.

    Parameters
    ----------
    sources : ndarray
        As for `render_sources`.
    fwhm : float
        Full width at half maximum of the PSF in pixels.

    Returns
    -------
    brightness : ndarray
        Flux per pixel, of this source alone, to about a part in a thousand.
    """
    psf_weights, psf_variances = moffat_mixture(BETA)
    psf_variances = psf_variances * moffat_radius(fwhm, BETA) ** 2 + 1 / 12  # 1/12: the pixel
    brightness = np.zeros(len(sources))
    for places, weights, widths in _profiles(sources):
        group = sources[places]
        dx = (group["x"] - np.rint(group["x"]))[:, None]
        dy = (group["y"] - np.rint(group["y"]))[:, None]
        total = np.zeros(len(group))
        for psf_weight, psf_variance in zip(psf_weights, psf_variances, strict=True):
            xx, xy, yy = _covariances(group, widths, psf_variance)
            determinant = xx * yy - xy**2
            exponent = (yy * dx**2 - 2 * xy * dx * dy + xx * dy**2) / (-2 * determinant)
            total += psf_weight * (
                weights * np.exp(exponent) / (2 * np.pi * np.sqrt(determinant))
            ).sum(axis=1)
        brightness[places] = total * group["flux"]
    return brightness


def _profiles(sources: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give the places of the sources of each profile, with its Gaussians: weights and widths."""
    index = sources["sersic_index"]
    yield np.flatnonzero(np.isnan(index)), np.ones(1), np.zeros(1)
    for value in np.unique(index[~np.isnan(index)]):
        yield np.flatnonzero(index == value), *sersic_mixture(float(value))


def _covariances(sources: np.ndarray, widths: np.ndarray, extra: float) -> np.ndarray:
    """Give xx, xy, yy in square pixels of the Gaussians of each source, widened by `extra`.

    Parameters
    ----------
    sources : ndarray
        As for `render_sources`, all of one profile.
    widths : ndarray
        Standard deviations in half-light radii.
    extra : float
        Variance along each axis that is added.

    Returns
    -------
    covariance : ndarray
        Of shape (3, sources, widths).
    """
    radius = np.nan_to_num(sources["half_light_radius"])
    long, short = radius**2, (radius * (1 - sources["ellipticity"])) ** 2
    theta = np.radians(sources["theta"])
    cosine, sine = np.cos(theta), np.sin(theta)
    shape = [
        long * cosine**2 + short * sine**2,
        (long - short) * cosine * sine,
        long * sine**2 + short * cosine**2,
    ]
    covariance = np.stack(shape)[:, :, None] * widths**2
    covariance[::2] += extra
    return covariance


def _gather_thin_light(flux: np.ndarray, covariance: np.ndarray, faintest: float) -> np.ndarray:
    """Move the light of Gaussians that nowhere reach `faintest` to the next narrower ones."""
    flux = flux.copy()
    for wide in range(flux.shape[1] - 1, 0, -1):
        thin = peak_values(flux[:, wide], covariance[:, :, wide]) < faintest
        flux[thin, wide - 1] += flux[thin, wide]
        flux[thin, wide] = 0
    return flux


def _fast_length(length: int) -> int:
    """Give the next length with no prime factor above 5, for which Fourier transforms are fast."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def _core_to_psf(shape: tuple[int, int], fwhm: float) -> np.ndarray:
    """Give the factor on `rfft2` of an image that turns cores into PSFs averaged over a pixel."""
    rows, columns = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    weights, variances = moffat_mixture(BETA)
    variances = variances * moffat_radius(fwhm, BETA) ** 2 - core_width(fwhm) ** 2
    steps = 4096
    wave = np.linspace(0, 2 * np.pi * np.sqrt(0.5), steps + 1)
    table = np.exp(-0.5 * variances * wave[:, None] ** 2) @ weights
    half = rows[: shape[0] // 2 + 1]
    place = np.hypot(half[:, None], columns) * (steps / np.sqrt(0.5))
    below = np.minimum(place.astype(np.int32), steps - 1)
    place -= below
    response = table[below]
    response += place * (table[1:] - table[:-1])[below]
    response *= np.sinc(columns)
    response *= np.sinc(half)[:, None]
    return np.concatenate([response, response[1 : (shape[0] + 1) // 2][::-1]])
