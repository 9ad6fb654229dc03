"""Steps that put positions, shapes and sizes on the sky."""

from collections.abc import Callable

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.measure.sky_shapes import on_the_sky, pixel_area
from mr_extract.remarks import say
from mr_extract.stages.state import Frame


def add_positions(
    x: str, y: str, ra: str, dec: str, system: str = "icrs"
) -> Callable[[Frame], None]:
    """Return the step that puts pixel positions on the sky: names of columns, and which system."""
    def run(frame):
        positions = sky_positions(
            frame.measured.header, frame.values[x], frame.values[y], system
        )
        if positions is None:
            if frame.config.astrometry.require_wcs:
                raise ImageFailure("no-wcs", "the header has no celestial coordinates")
            say("no-sky-positions")
            positions = (np.full(len(frame), np.nan),) * 2
        frame.values[ra], frame.values[dec] = positions
    return run


def add_ellipse(kind: str, tail: str) -> Callable[[Frame], None]:
    """Return the step that puts an ellipse on the sky, by prefix and suffix of its columns."""
    def run(frame):
        moments = [frame.values[f"{kind}{name}{tail}"] for name in ("x2", "y2", "xy")]
        frame.values |= on_the_sky(kind, tail, moments, frame.scale("native"), frame.scale("icrs"))
    return run


def add_sizes(frame: Frame) -> None:
    """Add the isophotal FWHM and areas in degrees."""
    values, setting = frame.values, frame.config.measurement.pixel_scale
    area = (setting / 3600.0) ** 2 if setting > 0 else pixel_area(frame.scale("native"))
    values["fwhm_world"] = values["fwhm_iso"] * np.sqrt(area)
    values["isoarea_world"] = values["tnpix"] * area
    values["isoareaf_world"] = frame.objects["npix"] * area
