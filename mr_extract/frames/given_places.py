"""One image measured at given positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.columns.choice import FORCED_FURTHER, choose_for
from mr_extract.columns.column import Column
from mr_extract.failures import ImageFailure
from mr_extract.frames.clock import Clock
from mr_extract.frames.distortion import settle_distortion
from mr_extract.frames.sources import Sources, sources_of
from mr_extract.images.image import Image
from mr_extract.remarks import say
from mr_extract.settings.config import Config

if TYPE_CHECKING:
    from mr_extract.lists.targets import Targets


def measure_targets(
    image: Image,
    config: Config,
    zero_point: float | None = None,
    *,
    targets: Targets,
    columns: Mapping[str, Column] | None = None,
    mjd: float | None = None,
) -> Sources:
    """Measure an image at given positions.

    Parameters
    ----------
    image, config, zero_point
        As for `mr_extract.frames.measuring.measure_image`.
    targets : mr_extract.lists.targets.Targets
    columns, mjd
        As for `mr_extract.frames.measuring.measure_image`.

    Returns
    -------
    mr_extract.frames.sources.Sources
        A row a target on the image, in the order of the list, numbered from 1.

    Raises
    ------
    ImageFailure
        As `mr_extract.lists.forced.measure_at`.
    """
    from mr_extract.lists.forced import measure_at

    chosen = columns or choose_for(config, config.output.columns)
    clock = Clock()
    if image.flags is not None:
        say("not-used", "flags, as nothing is detected at given positions")
    if image.psf is not None:
        say("not-used", "psf, as it is fitted to detected sources alone")
    if config.measurement.psf_model == "own":
        say("not-used", "psf_model, as the PSF is fitted to detected sources alone")
    further = {column.group for column in chosen.values()} & set(FORCED_FURTHER)
    settle_distortion(image, config)
    forced = measure_at(image, config, targets, zero_point, further, mjd)
    clock.seconds |= forced.seconds
    values, plane = forced.values, forced.plane
    if "ra" not in values and (config.astrometry.require_wcs or {"ra", "dec"} & set(chosen)):
        sky = sky_positions(plane.header, values["x"], values["y"])
        if sky is None and config.astrometry.require_wcs:
            raise ImageFailure("no-wcs", "the header has no celestial coordinates")
        if sky is None:
            say("no-sky-positions")
        values["ra"], values["dec"] = sky or (np.full(len(forced), np.nan),) * 2
    facts: dict[str, float] = {"targets": len(targets), "outside": forced.outside}
    if missing := int(np.count_nonzero(~targets.places.there)):
        facts["without_position"] = missing
    return sources_of(values, chosen, plane, plane, failed=forced.failed, seconds=clock.seconds,
                      facts=facts)
