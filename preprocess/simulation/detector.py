"""What a detector makes of light: noise, defects, and 16-bit numbers.

Pixels are 0-based: the centre of the first pixel is (0, 0).
"""

import numpy as np

#: Cosmic rays in a frame of SDSS size (1489 x 2048 pixels), on average.
COSMIC_RAYS = 15

#: Share of the light that a pixel of the bad column collects.
BAD_COLUMN_RESPONSE = 0.3

#: One defect: where it begins, its length in pixels, direction (degrees, from +x towards +y)
#: and, for a cosmic ray, its total in ADU.
DEFECT = np.dtype(
    [
        ("kind", "U10"),
        ("x", "f8"),
        ("y", "f8"),
        ("length", "f8"),
        ("angle", "f8"),
        ("flux", "f8"),
    ]
)


def sky_plane(shape: tuple[int, int], level: float, gradient: tuple[float, float]) -> np.ndarray:
    """Make a sky with a gentle gradient.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    level : float
        Mean in ADU per pixel.
    gradient : tuple of float
        Change in ADU from the first column to the last, and from the first row to the last.

    Returns
    -------
    sky : ndarray
    """
    across = np.linspace(-0.5, 0.5, shape[1]) * gradient[0]
    along = np.linspace(-0.5, 0.5, shape[0]) * gradient[1]
    return level + across + along[:, None]


def cosmic_rays(
    rng: np.random.Generator, shape: tuple[int, int], gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw straight tracks of charged particles.

    Parameters
    ----------
    rng : numpy.random.Generator
        The frame's own.
    shape : tuple of int
        Rows and columns.
    gain : float
        Electrons per ADU.

    Returns
    -------
    charge : ndarray
        Electrons in each pixel.
    tracks : ndarray
        Of type `DEFECT`; tracks that leave the frame are cut at its edge.
    """
    height, width = shape
    charge = np.zeros(shape)
    count = rng.poisson(COSMIC_RAYS * height * width / (1489 * 2048))
    tracks = np.zeros(count, DEFECT)
    for number in range(count):
        length = 1 + min(rng.exponential(5.0), 60.0)
        angle = rng.uniform(0, 360)
        x, y = rng.uniform(-0.5, width - 0.5), rng.uniform(-0.5, height - 0.5)
        electrons = rng.lognormal(np.log(1500.0), 0.6)  # each pixel of its length
        steps = max(2, int(np.ceil(4 * length)))
        far = (np.arange(steps) + 0.5) / steps * length
        columns = np.rint(x + far * np.cos(np.radians(angle))).astype(int)
        rows = np.rint(y + far * np.sin(np.radians(angle))).astype(int)
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        np.add.at(charge, (rows[inside], columns[inside]), electrons * length / steps)
        flux = electrons * length * inside.mean() / gain
        tracks[number] = ("cosmic_ray", x, y, length, angle, flux)
    return charge, tracks


def detect_light(
    rng: np.random.Generator,
    light: np.ndarray,
    gain: float,
    read_noise: float,
    saturation: int,
    bad_column: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Turn light into the numbers that a detector gives.

    Parameters
    ----------
    rng : numpy.random.Generator
        The frame's own.
    light : ndarray
        Expected ADU in each pixel, sky included.
    gain : float
        Electrons per ADU.
    read_noise : float
        Standard deviation in electrons.
    saturation : int
        Level in ADU at which pixels are clipped.
    bad_column : tuple of int
        Its x, and the row from which on it is bad.

    Returns
    -------
    data : ndarray of uint16
        ADU, between 0 and `saturation`.
    defects : ndarray
        Of type `DEFECT`: the bad column, then the cosmic rays.
    """
    expected = np.maximum(light, 0)
    expected *= gain
    column, row = bad_column
    expected[row:, column] *= BAD_COLUMN_RESPONSE
    adu = rng.poisson(expected).astype(np.float64)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    noise *= read_noise
    adu += noise
    charge, tracks = cosmic_rays(rng, light.shape, gain)
    adu += charge
    adu /= gain
    np.rint(adu, out=adu)
    np.clip(adu, 0, saturation, out=adu)
    defects = np.zeros(1, DEFECT)
    defects[0] = ("bad_column", column, row, light.shape[0] - row, 90, np.nan)
    return adu.astype(np.uint16), np.concatenate([defects, tracks])
