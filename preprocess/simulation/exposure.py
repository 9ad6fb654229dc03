"""One simulated frame, from the true sky to numbers, without writing anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from preprocess.simulation.detector import detect_light, sky_plane
from preprocess.simulation.night import (
    EXPOSURE_SECONDS,
    FILTER,
    GAIN,
    PIXEL_SCALE,
    READ_NOISE,
    SATURATION,
    SHAPE,
    Exposure,
    Night,
)
from preprocess.simulation.projection import sky_position
from preprocess.simulation.render import MARGIN, central_brightness, render_sources
from preprocess.simulation.sky import sky_sources
from preprocess.simulation.truth import TRUTH

if TYPE_CHECKING:
    from astropy.io.fits import Header


@dataclass(frozen=True)
class SimulatedFrame:
    """All there is to know about a simulated frame.

    Attributes
    ----------
    data : ndarray of uint16
        ADU, rows by columns.
    header : astropy.io.fits.Header
        Cards of the frame.
    truth : ndarray
        Of type `preprocess.simulation.truth.TRUTH`: the sources whose centres are on the frame.
    defects : ndarray
        Of type `preprocess.simulation.detector.DEFECT`: the bad column and the cosmic rays.
    light : ndarray of float64
        ADU expected in each pixel, sky included, without noise or defects.
    exposure : Exposure
        How the frame was taken.
    """

    data: np.ndarray
    header: "Header"
    truth: np.ndarray
    defects: np.ndarray
    light: np.ndarray
    exposure: Exposure


def simulate_frame(
    seed: int, frame: int, shape: tuple[int, int] = SHAPE, **options: Any
) -> tuple[np.ndarray, "Header", np.ndarray]:
    """Simulate one frame of a night.

    Parameters
    ----------
    seed : int
        Seed of the night.
    frame : int
        Number of the frame, from 0.
    shape : tuple of int, optional
        Rows and columns.
    **options
        The other parameters of `preprocess.simulation.night.Night`.

    Returns
    -------
    data, header, truth
        As in `SimulatedFrame`.
    """
    simulated = take_frame(Night(seed, shape, **options), frame)
    return simulated.data, simulated.header, simulated.truth


def take_frame(night: Night, frame: int) -> SimulatedFrame:
    """Simulate one frame of a night, and keep what it was made of.

    Parameters
    ----------
    night : Night
        What is asked of the night.
    frame : int
        Number of the frame, from 0.

    Returns
    -------
    simulated : SimulatedFrame
    """
    exposure = night.exposure(frame)
    sources = visible_sources(night, exposure)
    light = expected_light(night, exposure, sources)
    truth = frame_truth(night, exposure, sources, light)
    rng = np.random.default_rng([night.seed, frame])
    data, defects = detect_light(rng, light, GAIN, READ_NOISE, SATURATION, night.bad_column())
    header = frame_header(night, exposure)
    return SimulatedFrame(data, header, truth, defects, light, exposure)


def visible_sources(night: Night, exposure: Exposure) -> np.ndarray:
    """List the sources on a frame and in the margin around it that shines in.

    Returns
    -------
    sources : ndarray
        Of type `preprocess.simulation.truth.TRUTH`, in order of the source number; ``peak`` and
        ``saturated`` are not filled in yet.
    """
    height, width = night.shape
    corners = exposure.projection.vectors(
        np.array([-MARGIN, width + MARGIN, -MARGIN, width + MARGIN]),
        np.array([-MARGIN, -MARGIN, height + MARGIN, height + MARGIN]),
    )
    along, across = night.strip.coordinates(corners)
    sky = sky_sources(
        night.seed,
        (along.min(), along.max()),
        (across.min(), across.max()),
        night.density,
    )
    vectors = night.strip.vectors(sky["along"], sky["across"])
    x, y = exposure.projection.pixels(vectors)
    near = (x > -MARGIN) & (x < width + MARGIN) & (y > -MARGIN) & (y < height + MARGIN)
    sky, vectors = sky[near], vectors[near]
    sources = np.zeros(len(sky), TRUTH)
    sources["frame"] = exposure.frame
    sources["source"] = sky["source"]
    sources["kind"] = np.where(sky["star"], "star", "galaxy")
    sources["x"], sources["y"] = x[near], y[near]
    sources["ra"], sources["dec"] = sky_position(vectors)
    sources["mag"] = sky["mag"]
    sources["flux"] = 10 ** (-0.4 * (sky["mag"] - exposure.zero_point))
    sources["fwhm"] = np.where(sky["star"], exposure.fwhm, np.nan)
    sources["half_light_radius"] = sky["half_light_radius"] / PIXEL_SCALE
    sources["ellipticity"] = sky["ellipticity"]
    turned = (sky["angle"] - exposure.rotation + 90) % 180 - 90
    sources["theta"] = np.where(sky["star"], 0.0, turned)
    sources["sersic_index"] = sky["sersic_index"]
    return sources


def expected_light(night: Night, exposure: Exposure, sources: np.ndarray) -> np.ndarray:
    """Give the ADU expected in each pixel, sky included, without noise or defects."""
    sky_noise = np.hypot(np.sqrt(exposure.sky / GAIN), READ_NOISE / GAIN)
    light = render_sources(night.shape, sources, exposure.fwhm, faintest=0.01 * sky_noise)
    light += sky_plane(night.shape, exposure.sky, exposure.gradient)
    return light


def frame_truth(
    night: Night, exposure: Exposure, sources: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """Keep the sources whose centres are on the frame, and add what their pixels show."""
    height, width = night.shape
    columns, rows = np.rint(sources["x"]).astype(int), np.rint(sources["y"]).astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    truth = sources[inside]
    truth["peak"] = central_brightness(truth, exposure.fwhm)
    truth["saturated"] = light[rows[inside], columns[inside]] >= SATURATION
    return truth


def frame_header(night: Night, exposure: Exposure) -> "Header":
    """Write the cards of a frame.

    Returns
    -------
    header : astropy.io.fits.Header
        Without the cards of the data's size and scaling, which come with the data.
    """
    from astropy.io import fits  # kernels above do without: 0.4 s

    projection = exposure.projection
    start = datetime(1858, 11, 17) + timedelta(days=exposure.mjd)
    (cd11, cd12), (cd21, cd22) = projection.cd
    cards = [
        ("OBJECT", "simulated", "not the real sky"),
        ("SEED", night.seed, "seed of the night"),
        ("FRAME", exposure.frame, "number of the frame in the night"),
        ("RUN", exposure.run, "pass over the strip"),
        ("FIELD", exposure.field, "field along the strip"),
        ("FILTER", FILTER, "filter"),
        ("EXPTIME", EXPOSURE_SECONDS, "[s] exposure"),
        ("TIMESYS", "UTC", "time scale"),
        ("DATE-OBS", start.isoformat(timespec="milliseconds"), "start of the exposure"),
        ("MJD-OBS", exposure.mjd, "[d] start of the exposure"),
        ("BUNIT", "adu", "unit of the pixels"),
        ("GAIN", GAIN, "electrons per ADU"),
        ("RDNOISE", READ_NOISE, "electrons"),
        ("SATURATE", SATURATION, "[adu] pixels are clipped here"),
        ("MAGZP", exposure.zero_point, "magnitude of 1 ADU"),
        ("SKYLEVEL", exposure.sky, "[adu] mean sky of a pixel"),
        ("SKYGRADX", exposure.gradient[0], "[adu] change of the sky along x"),
        ("SKYGRADY", exposure.gradient[1], "[adu] change of the sky along y"),
        ("SEEING", exposure.seeing, "[arcsec] FWHM of the PSF"),
        ("PIXSCALE", PIXEL_SCALE, "[arcsec] per pixel"),
        ("RADESYS", "ICRS", "celestial reference system"),
        ("EQUINOX", 2000.0, "equinox"),
        ("CTYPE1", "RA---TAN", "gnomonic projection"),
        ("CTYPE2", "DEC--TAN", "gnomonic projection"),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", projection.x + 1, "reference pixel (first pixel is 1)"),
        ("CRPIX2", projection.y + 1, "reference pixel (first pixel is 1)"),
        ("CRVAL1", projection.ra, "[deg] right ascension there"),
        ("CRVAL2", projection.dec, "[deg] declination there"),
        ("CD1_1", cd11, "[deg] per pixel"),
        ("CD1_2", cd12, "[deg] per pixel"),
        ("CD2_1", cd21, "[deg] per pixel"),
        ("CD2_2", cd22, "[deg] per pixel"),
    ]
    return fits.Header(cards)
