"""Whether errors are right: the scatter of equal stars over the errors that are given."""

import numpy as np

from bench.accuracy.matching import matched
from bench.report import Section

# What an error is of: the value, its error or variance by our names.
PULLS = {
    "FLUX_APER, 5 pixels": ("flux_aper_1", "fluxerr_aper_1"),
    "FLUX_APER, 12 pixels": ("flux_aper_2", "fluxerr_aper_2"),
    "FLUX_AUTO": ("flux_auto", "fluxerr_auto"),
    "FLUX_PETRO": ("flux_petro", "fluxerr_petro"),
    "FLUX_ISOCOR": ("flux_isocor", "fluxerr_isocor"),
    "FLUX_ISO": ("flux_iso", "fluxerr_iso"),
    "FLUX_WIN": ("flux_win", "fluxerr_win"),
    "XWIN_IMAGE": ("x_win", "errx2_win"),
    "X_IMAGE": ("x", "errx2"),
}
RATIOS = (20.0, 200.0)
FIELD, SPACING, FWHM, SKY, NOISE, GAIN = 800, 40, 3.5, 200.0, 5.0, 2.0


def equal_stars(ratio, seed=1):
    """Simulate equal stars far from each other.

    Parameters
    ----------
    ratio : float
        Signal to noise of the best photometry.
    seed : int

    Returns
    -------
    data : ndarray of float32, shape (height, width)
    header : astropy.io.fits.Header
        With the gain.
    truth : structured ndarray
        x, y; the first pixel is 0.
    """
    from astropy.io import fits

    rng = np.random.default_rng(seed)
    places = np.arange(SPACING, FIELD - SPACING + 1, SPACING, dtype=float)
    x, y = (values.ravel() + rng.uniform(-0.5, 0.5, len(places) ** 2)
            for values in np.meshgrid(places, places))
    sigma = FWHM / 2.3548
    # A Gaussian's best photometry under noise of the sky and photons, nearly.
    flux = ratio**2 / GAIN / 2 + np.hypot(ratio**2 / GAIN / 2,
                                          ratio * NOISE * np.sqrt(4 * np.pi) * sigma)
    light, v, u = np.zeros((FIELD, FIELD)), *np.indices((FIELD, FIELD), sparse=True)
    for a, b in zip(x, y):
        rows, columns = (slice(round(c) - 15, round(c) + 16) for c in (b, a))
        light[rows, columns] += flux / (2 * np.pi * sigma**2) * np.exp(
            -0.5 * ((u[:, columns] - a) ** 2 + (v[rows] - b) ** 2) / sigma**2)
    data = SKY + light + rng.normal(0.0, 1.0, light.shape) * np.sqrt(NOISE**2 + light / GAIN)
    truth = np.rec.fromarrays([x, y], names="x,y")
    return data.astype(np.float32), fits.Header({"GAIN": GAIN}), truth


def pull_widths(both):
    """Return standard deviations of pulls by quantity, of ours and of SExtractor's.

    Parameters
    ----------
    both : bench.accuracy.comparison.Both
        Of `equal_stars`.

    Returns
    -------
    dict of str to (float, float)
    """
    widths = {}
    for title, (value, error) in PULLS.items():
        pair = []
        for table in (both.ours, both.theirs):
            rows, true = matched(table["x"], table["y"], both.truth["x"], both.truth["y"], 1.5)
            values, errors = np.asarray(table[value])[rows], np.asarray(table[error])[rows]
            if value.startswith("x"):
                values, errors = values - both.truth["x"][true], np.sqrt(errors)
            pair.append(float(np.nanstd((values - np.nanmean(values)) / errors)))
        widths[title] = tuple(pair)
    return widths


def pulls_table(widths):
    """Return the section on whether errors are right.

    Parameters
    ----------
    widths : dict of float to dict
        `pull_widths` by signal to noise.
    """
    section = Section(
        "Errors", f"Width of the pulls, the scatter of equal stars (FWHM {FWHM:g} pixels, gain "
        f"{GAIN:g}) over the error that is given: 1 where errors are right. By signal to noise.",
        ("value", *(f"{ratio:g}, {who}" for ratio in widths for who in ("ours", "SExtractor"))),
    )
    for title in PULLS:
        section.add(title, *(f"{width:.2f}" for one in widths.values() for width in one[title]))
    return section
