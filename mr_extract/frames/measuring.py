"""One image to its sources: planes, detection, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns.choice import (
    FAILED,
    SATURATED,
    choose_for,
)
from mr_extract.columns.column import Column
from mr_extract.failures import ImageFailure
from mr_extract.frames.clock import Clock
from mr_extract.frames.distortion import settle_distortion
from mr_extract.frames.finding import Detected, find_sources
from mr_extract.frames.sources import Sources, sources_of, weight_scales
from mr_extract.images.image import Image
from mr_extract.planes.plane import ready
from mr_extract.planes.scaled import settings_of
from mr_extract.remarks import about, say
from mr_extract.settings.config import Config
from mr_extract.stages import Frame, stages_for

if TYPE_CHECKING:
    from mr_extract.lists.association import Known


def measure_image(
    image: Image,
    config: Config,
    zero_point: float | None = None,
    detection: Image | Detected | None = None,
    known: Known | None = None,
    checks: Sequence[str] = (),
    columns: Mapping[str, Column] | None = None,
    mjd: float | None = None,
) -> Sources:
    """Detect and measure the sources of an image.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten by the background-subtracted image.
    config : mr_extract.settings.config.Config
        What to do.
    zero_point : float, optional
        Magnitude of one image unit, in place of the header's and the configuration's.
    detection : mr_extract.images.Image or Detected, optional
        Another image of the same pixels, on which the sources are found: it gives
        positions, shapes, isophotes and the radii of Kron and Petrosian ellipses;
        the image itself the rest.
    known : mr_extract.lists.association.Known, optional
        A list to match the sources with.
    checks : sequence of str
        Check images to make, of `mr_extract.columns.choice.CHECK_IMAGES`.
    columns : dict of str to mr_extract.columns.column.Column, optional
        What to measure; by default what the configuration names, as ours.
    mjd : float, optional
        Date of the image, to which lists with proper motions are brought; by default the
        header's.

    Returns
    -------
    mr_extract.frames.sources.Sources
        Rows in the order of sep's detections, numbered from 1.

    Raises
    ------
    ImageFailure
        As the kernels name it; ``companion-mismatch`` when the detection image has
        another shape, ``no-wcs`` or ``broken-wcs`` where sky positions are asked and
        cannot be had.
    """
    clock = Clock()
    chosen = columns or choose_for(config, config.output.columns)
    asked = {column.name for column in chosen.values()}
    if config.astrometry.require_wcs:
        asked |= {"ra", "dec"}
    settle_distortion(image, config)
    if detection is None:
        detection = find_sources(image, config, zero_point, clock.lap)
        plane = detection.plane
    else:
        if not isinstance(detection, Detected):
            _check_shapes(image.data.shape, detection.data.shape)
            with about("detection image"):
                detection = find_sources(detection, config, 0.0, clock.lap)  # no magnitudes
        _check_shapes(image.data.shape, detection.plane.data.shape)
        plane = ready(image, config, zero_point)
        clock.lap("background")

    measured = plane.with_local_gain() if config.companions.weight_gain else plane
    objects, segments = detection.objects, detection.segments
    own = settings_of(config, plane.exponent)
    if detection.settings is not None:
        own = replace(own, detection=detection.settings)
    frame = Frame(own, detection.plane, measured, objects, segments)
    values = frame.values
    values["number"] = np.arange(1, len(frame) + 1)
    values |= {name: objects[name] for name in objects.dtype.names or ()}
    values["threshold"] = objects["thresh"]
    _say_of_flags(plane, asked)
    asked |= _of_psf(plane, config, chosen)
    for stage in stages_for(asked):
        stage.run(frame)
        clock.lap(stage.name)
    if plane.saturated is not None:
        touched = segments.sums(plane.saturated.ravel()[segments.pixels]) > 0
        frame.flag[touched] |= SATURATED
    frame.flag[frame.failed] |= FAILED
    values["flag"] = frame.flag

    facts = weight_scales(plane, detection.plane) | detection.facts | frame.facts
    if detection.owned is not None:
        frame.keep(detection.owned)
        facts["of_other_tiles"] = int(np.count_nonzero(~detection.owned))
    if known is not None:
        from mr_extract.images.observation import epoch_of
        from mr_extract.lists.association import associate

        if mjd is None and known.motions is not None:
            mjd = epoch_of({**image.primary, **image.header})
        matches, selected = associate(
            known, plane.header, plane.data.shape, frame.objects["x"], frame.objects["y"],
            config.association, plane.origin, mjd,
        )
        values |= matches
        facts["matched"] = int(np.count_nonzero(matches["assoc_number"]))
        frame.keep(selected)
        clock.lap("association")
    pictures = {}
    if checks:
        from mr_extract.frames.checkimages import check_images

        pictures = check_images(checks, frame)
    return sources_of(values, chosen, plane, detection.plane, failed=frame.failed,
                      seconds=clock.seconds, facts=facts, checks=pictures)


def _check_shapes(shape, other):
    if shape != other:
        raise ImageFailure(
            "companion-mismatch", f"the detection image has {other[1]} x {other[0]} pixels, "
            f"the image {shape[1]} x {shape[0]}"
        )


def _say_of_flags(plane, asked):
    wanted = bool(asked & {"imaflags_iso", "nimaflags_iso"})
    if wanted and plane.flags is None:
        say("companion-absent", "flags: there is no flag image, and imaflags_iso is 0")
    elif plane.flags is not None and not wanted:
        say("not-used", "flags, as neither imaflags_iso nor nimaflags_iso is chosen")


def _of_psf(plane, config, chosen):
    """Return the columns that a PSF of the image's own stars takes, if one is to be made."""
    fitted = any(column.group == "psf" for column in chosen.values())
    own = config.measurement.psf_model == "own"
    if plane.psf is not None and not fitted:
        say("not-used", "psf, as no column of its fit is chosen")
    elif own and not fitted:
        say("not-used", "psf_model, as no column of its fit is chosen")
    return {"half_light_radius", "flux_auto"} if own and fitted and plane.psf is None else set()
