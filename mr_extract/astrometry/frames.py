"""Places in one frame of the sky to another: ICRS, galactic, ecliptic."""

import numpy as np

from mr_extract.astrometry.inverse import degrees, unit_vectors

# Axes of a frame, a row each, in ICRS. Galactic: the pole at 192.8594812065348, 27.12825118085622
# and the zero at 122.9319185680026 of FK5 (the definition of 1958, from B1950), with the bias of
# FK5 (IERS Conventions 2003). Ecliptic: mean ecliptic and equinox of J2000 (IAU 2006).
_AXES = {
    "icrs": np.eye(3),
    "galactic": np.array([
        [-0.05487565771259163, -0.8734370519556159, -0.48383507361671546],
        [0.4941094371927268, -0.44482972122329517, 0.7469821839866676],
        [-0.8676661375596576, -0.19807633727300059, 0.45598381368730156]]),
    "ecliptic": np.array([
        [0.9999999999999941, -7.078368954848322e-08, 8.05621398373642e-08],
        [3.2897004077419646e-08, 0.9174821299149584, 0.39777699944404793],
        [-1.0207044725484355e-07, -0.39777699944404304, 0.9174821299149556]]),
}


def converted(
    longitude: np.ndarray, latitude: np.ndarray, frame: str, to: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return places of one frame in another.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, shape (n,)
        Degrees.
    frame, to : str
        ``icrs``, ``galactic`` or ``ecliptic``.
    """
    if frame == to:
        return longitude, latitude
    turn = (_AXES[to][:, None, :] * _AXES[frame][None, :, :]).sum(axis=2)
    # Without BLAS, whose last digits depend on the processor.
    vectors = unit_vectors(longitude, latitude)
    return degrees((turn[:, :, None] * vectors[None, :, :]).sum(axis=1))
