"""A simulated mosaic of any size: rendered block by block, written as it is made."""

from pathlib import Path

import numpy as np

from preprocess.simulation.detector import detect_light
from preprocess.simulation.exposure import GAIN, PIXEL_SCALE, READ_NOISE, SATURATION
from preprocess.simulation.render import MARGIN, render_sources
from preprocess.simulation.sky import sky_sources
from preprocess.simulation.truth import TRUTH

BLOCK = 2000  # pixels
PAD = 250  # in which sources outside of a block shine in: the largest stamp
SKY, FWHM, ZERO_POINT = 1000.0, 3.2, 28.5


def write_mosaic(path, size, seed=1, density=1.0):
    """Write a mosaic of stars and galaxies, with cosmic rays and an uneven sky.

    Parameters
    ----------
    path : path
        FITS file of 16 bits a pixel.
    size : int
        Pixels on a side.
    seed : int
    density : float
        Factor on the number of sources per area.
    """
    sources = _sources(size, seed, density)
    with open(path, "wb") as file:
        file.write(_header(size, seed))
        for top in range(0, size, BLOCK):
            rows = min(BLOCK, size - top)
            strip = np.empty((rows, size), ">i2")
            for left in range(0, size, BLOCK):
                columns = min(BLOCK, size - left)
                light = _light(sources, left, top, columns, rows, size)
                rng = np.random.default_rng([seed, left, top])
                data, _ = detect_light(rng, light, GAIN, READ_NOISE, SATURATION, (0, rows))
                strip[:, left : left + columns] = data.astype(np.int32) - 32768
            file.write(strip.tobytes())
        file.write(b"\0" * (-file.tell() % 2880))
    return Path(path)


def _sources(size, seed, density):
    """Return the sources of a piece of sky as those of a mosaic."""
    side = size * PIXEL_SCALE / 3600.0
    sky = sky_sources(seed, (0.0, side), (0.0, side), density)
    sources = np.zeros(len(sky), TRUTH)
    sources["x"], sources["y"] = (sky[name] * 3600.0 / PIXEL_SCALE for name in ("along", "across"))
    sources["flux"] = 10 ** (-0.4 * (sky["mag"] - ZERO_POINT))
    sources["half_light_radius"] = sky["half_light_radius"] / PIXEL_SCALE
    sources["ellipticity"], sources["theta"] = sky["ellipticity"], sky["angle"]
    sources["sersic_index"] = sky["sersic_index"]
    return sources


def _light(sources, left, top, columns, rows, size):
    """Return the light of a block."""
    near = np.abs(sources["x"] - left - columns / 2) < columns / 2 + PAD + MARGIN
    near &= np.abs(sources["y"] - top - rows / 2) < rows / 2 + PAD + MARGIN
    group = sources[near]
    group["x"] -= left - PAD
    group["y"] -= top - PAD
    noise = np.hypot(np.sqrt(SKY / GAIN), READ_NOISE / GAIN)
    light = render_sources((rows + 2 * PAD, columns + 2 * PAD), group, FWHM, 0.01 * noise)
    light = light[PAD : PAD + rows, PAD : PAD + columns]
    y, x = np.ogrid[top : top + rows, left : left + columns]
    return light + SKY * (1.0 + 0.02 * np.sin(x / 700.0) * np.cos(y / 900.0) + 0.05 * x / size)


def _header(size, seed):
    from astropy.io import fits

    middle, scale = size / 2 + 0.5, PIXEL_SCALE / 3600.0
    cards = [
        ("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", size), ("NAXIS2", size),
        ("BSCALE", 1), ("BZERO", 32768), ("OBJECT", "simulated"), ("SEED", seed),
        ("GAIN", GAIN), ("SATURATE", SATURATION), ("MAGZP", ZERO_POINT), ("RADESYS", "ICRS"),
        ("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"), ("CRPIX1", middle), ("CRPIX2", middle),
        ("CRVAL1", 150.0), ("CRVAL2", 2.0),
        ("CD1_1", -scale), ("CD1_2", 0.0), ("CD2_1", 0.0), ("CD2_2", scale),
    ]
    return fits.Header(cards).tostring().encode("ascii")
