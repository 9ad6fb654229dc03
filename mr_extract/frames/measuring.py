"""One image to its sources: planes, detection, stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.astrometry import as_ctype_says, sky_positions
from mr_extract.columns.choice import (
    CUT_BY_TILE,
    FAILED,
    FORCED_FURTHER,
    SATURATED,
    TRUNCATED,
    choose_for,
)
from mr_extract.columns.table import Column
from mr_extract.detection.extraction import detect
from mr_extract.detection.ownership import cut, highest_pixels, own
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure
from mr_extract.frames.sources import Sources, sources_of, weight_scales
from mr_extract.images.image import Image
from mr_extract.planes.plane import Plane, ready
from mr_extract.planes.scaled import settings_of
from mr_extract.remarks import about, say
from mr_extract.settings.config import Config
from mr_extract.settings.detecting import Detection
from mr_extract.stages import Frame, stages_for

if TYPE_CHECKING:
    from mr_extract.lists.association import Known
    from mr_extract.lists.forced import Targets


class _Clock:
    def __init__(self):
        self.seconds, self._last = {}, perf_counter()

    def lap(self, stage):
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


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
        As for `measure_image`.
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
    columns : dict of str to mr_extract.columns.table.Column, optional
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
    clock = _Clock()
    chosen = columns or choose_for(config, config.output.columns)
    asked = {column.name for column in chosen.values()}
    if config.astrometry.require_wcs:
        asked |= {"ra", "dec"}
    _settle_distortion(image, config)
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


def _settle_distortion(image, config):
    if config.astrometry.distortion == "ctype":
        image.header = as_ctype_says(image.header)


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
        As for `measure_image`.
    targets : mr_extract.lists.forced.Targets
    columns, mjd
        As for `measure_image`.

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
    clock = _Clock()
    if image.flags is not None:
        say("not-used", "flags, as nothing is detected at given positions")
    if image.psf is not None:
        say("not-used", "psf, as it is fitted to detected sources alone")
    if config.measurement.psf_model == "own":
        say("not-used", "psf_model, as the PSF is fitted to detected sources alone")
    further = {column.group for column in chosen.values()} & set(FORCED_FURTHER)
    _settle_distortion(image, config)
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
