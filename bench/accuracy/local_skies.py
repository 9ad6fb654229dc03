"""What statistics of a ring take for the sky, by how crowded the field is."""

import argparse

import numpy as np

from bench.report import Section, give, takes_output

_SKY, _NOISE, _FWHM, _RING = 100.0, 5.0, 3.0, (10.0, 20.0)
_FAINTEST, _BRIGHTEST = 20.0, 30_000.0
_DENSITIES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04)


def crowded_field(density, side, seed):
    """Return a field of Gaussian stars whose numbers double as the flux halves.

    Parameters
    ----------
    density : float
        Stars a pixel, of 20 to 30,000 in flux, under a noise of 5 a pixel.
    side : int
    seed : int

    Returns
    -------
    data : ndarray of float32, shape (side, side)
    x, y, flux : ndarray of float64, shape (n,)
    """
    rng = np.random.default_rng(seed)
    n, sigma = int(density * side**2), _FWHM / 2.3548
    x, y = rng.uniform(-0.5, side - 0.5, (2, n))
    flux = _FAINTEST / (1 - rng.uniform(0, 1, n) * (1 - _FAINTEST / _BRIGHTEST))
    light, reach = np.zeros((side + 20, side + 20)), np.arange(-9, 10)
    for u, v, one in zip(x + 10, y + 10, flux):
        columns, rows = int(round(u)) + reach, int(round(v)) + reach
        star = np.outer(np.exp(-0.5 * ((rows - v) / sigma) ** 2),
                        np.exp(-0.5 * ((columns - u) / sigma) ** 2))
        light[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] += one * star / (
            2 * np.pi * sigma**2)
    data = light[10:-10, 10:-10] + _SKY + rng.normal(0, _NOISE, (side, side))
    return data.astype(np.float32), x, y, flux


def measured(density, side=600, seed=1):
    """Return how far skies at places drawn at random are from the true one, in its sigma.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        By statistic; ``sextractor`` is 2.5 medians less 1.5 means.
    """
    from mr_extract import Config
    from mr_extract.images import Image
    from mr_extract.measure.stamps import STATISTICS, local_background
    from mr_extract.planes.plane import ready

    data = crowded_field(density, side, seed)[0]
    plane = ready(Image(data), Config().updated(back_type="manual"))
    x, y = np.random.default_rng(seed + 1).uniform(25, side - 25, (2, 1500))
    found = {name: (local_background(plane, x, y, *_RING, name)[0] - _SKY) / _NOISE
             for name in STATISTICS}
    found["sextractor"] = 2.5 * found["median"] - 1.5 * found["mean"]
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench local-skies", description=__doc__)
    takes_output(parser)
    options = parser.parse_args(arguments)
    names = ("median", "mode", "sextractor", "mean")
    section = Section(
        "Local skies", "How far the sky of a ring of 10 to 20 pixels is over the true one, and its "
        "scatter, in the sky's sigma, at 1,500 places of simulated fields: Gaussian stars of FWHM "
        "3 with fluxes of 4 to 6,000 sigma, twice as many of half the flux.",
        ("stars on 1,000 pixels", "median", "mode (3, 2)", "2.5 medians less 1.5 means", "mean"))
    for density in _DENSITIES:
        found = measured(density)
        section.add(f"{1000 * density:g}", *(f"{found[name].mean():.3f} ({found[name].std():.3f})"
                                             for name in names))
    give([section], options.output)
    return 0
