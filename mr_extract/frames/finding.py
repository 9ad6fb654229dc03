"""The sources of an image, found: its plane, detection, what is its own of a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mr_extract.columns.choice import CUT_BY_TILE, TRUNCATED
from mr_extract.detection.extraction import detect
from mr_extract.detection.ownership import cut, highest_pixels, own
from mr_extract.detection.segments import Segments
from mr_extract.images.image import Image
from mr_extract.planes.plane import Plane, ready
from mr_extract.planes.scaled import settings_of
from mr_extract.settings.config import Config
from mr_extract.settings.detecting import Detection


@dataclass(frozen=True)
class Detected:
    """An image and what was found on it, to be measured on others.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    segments : mr_extract.detection.segments.Segments
    owned : ndarray of bool, shape (n,), or None
        Which are the image's own, where it is a tile; None for all.
    settings : mr_extract.settings.detecting.Detection, optional
        By which they were found, where filter or threshold go by the frame.
    facts : dict of str to float
        What of the frame they went by.
    """

    plane: Plane
    objects: np.ndarray
    segments: Segments
    owned: np.ndarray | None = None
    settings: Detection | None = None
    facts: dict[str, float] = field(default_factory=dict)


def find_sources(
    image: Image,
    config: Config,
    zero_point: float | None = None,
    lap: Callable[[str], object] = lambda stage: None,
) -> Detected:
    """Detect the sources of an image.

    Parameters
    ----------
    image, config, zero_point
        As for `mr_extract.frames.measuring.measure_image`.
    lap : callable
        Called with the name of each stage when it is done.

    Returns
    -------
    Detected
    """
    raw = None if image.core is None else image.data.copy()
    plane = ready(image, config, zero_point)
    lap("background")
    facts: dict[str, float] = {}
    in_units = settings_of(config, plane.exponent)
    settings = in_units.detection
    if settings.adapts:
        from mr_extract.frames.adapted import adapted

        settings, facts = adapted(plane, in_units)
        lap("seeing and noise")
    objects, segments = detect(
        plane.data, settings, plane.rms, plane.hidden, plane.gain,
        plane.threshold_noise(settings),
    )
    owned = None
    if raw is not None and image.core is not None:
        column, row = highest_pixels(raw, plane.mask, segments)
        owned = own(column, row, image.core, image.origin)
        by_tile, by_image = cut(objects, plane.data.shape, image.core, image.origin)
        objects["flag"][by_tile & ~by_image] &= ~TRUNCATED
        objects["flag"][by_tile] |= CUT_BY_TILE
    lap("detection")
    return Detected(plane, objects, segments, owned,
                    settings if config.detection.adapts else None, facts)
