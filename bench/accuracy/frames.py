"""Frames to compare: a simulated one and real ones, some with a companion."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.processes import ROOT
from mr_extract.images import read_image

REAL = {
    "SDSS": ("a/obs_sdss/fpC-005754-r3-0280.fit.gz", None),
    "CFHT": ("b/cfht/CFHTLS-test_g.fits", None),
    "2MASS": ("b/2mass/aK_asky_990502s1420186.fits.gz", None),
    "DECam": ("d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz", None),
    "GMOS": ("d/gmos/gmos.fits", 1),
}
# Frames with a companion: which frame of the above, what of `compare`, and its file.
WITH = {
    "DECam, weights": (
        "DECam", "weight", "d/decam_case8_fz/c4d_130105_065255_oow_r_a1-N15.fits.fz"),
    "CFHT, g on i": ("CFHT", "detect", "b/cfht/CFHTLS-test_i.fits"),
}
# SExtractor takes the card GAINA for GAIN, as one begins with the other: ask both for it.
KEYS = {"DECam": {"gain_key": "GAINA"}, "DECam, weights": {"gain_key": "GAINA"}}


@dataclass
class Shot:
    """A frame to compare.

    Parameters
    ----------
    name : str
    data : ndarray, shape (height, width)
    header : astropy.io.fits.Header
    truth : structured ndarray or None
        What was simulated.
    companions : dict of str to (ndarray, astropy.io.fits.Header)
        `weight` or `detect`, as `compare` takes them.
    """

    name: str
    data: np.ndarray
    header: object
    truth: object = None
    companions: dict = field(default_factory=dict)

    def config(self, base):
        """Return a configuration with what the cards of the frame ask for."""
        return base.updated(**KEYS.get(self.name, {}))


def data_folder():
    """Return the folder of real frames, as the tests find it."""
    return Path(os.environ.get("MR_EXTRACT_DATA", ROOT.parent / "shared" / "data"))


def frames(shared):
    """Yield the frames to compare, those of a folder only if there is one."""
    from preprocess.simulation.exposure import simulate_frame

    yield Shot("simulated", *simulate_frame(17, 0))
    if not shared:
        return
    for name, (path, ext) in REAL.items():
        yield Shot(name, *_planes(shared, path, ext))
    for name, (frame, what, path) in WITH.items():
        companions = {what: _planes(shared, path)}
        yield Shot(name, *_planes(shared, *REAL[frame]), companions=companions)


def _planes(shared, path, ext=None):
    image = read_image((Path(shared) / path).read_bytes(), ext)
    data = np.where(image.mask, np.nan, image.data) if image.mask is not None else image.data
    return data, _header(image)


def _header(image):
    from astropy.io import fits

    header = fits.Header.fromstring(image.header.text)
    drop = ("BITPIX", "NAXIS*", "BSCALE", "BZERO", "BLANK", "Z*", "XTENSION", "EXTNAME",
            "PCOUNT", "GCOUNT", "TFIELDS", "TTYPE*", "TFORM*", "CHECKSUM", "DATASUM")
    for pattern in drop:
        for keyword in list(header[pattern] if "*" in pattern else [pattern]):
            header.remove(keyword, ignore_missing=True)
    return header
