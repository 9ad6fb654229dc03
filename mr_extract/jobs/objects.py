"""Detections of many images to objects: ``python -m mr_extract.jobs.objects CATALOG...``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mr_extract.jobs.beside.user_functions import folder_of, function_in
from mr_extract.jobs.extract_options import add_light_curves
from mr_extract.jobs.sky.aggregation import (
    DECIDED,
    DECISION,
    NO_EPOCH,
    Aggregation,
    record_errors,
)
from mr_extract.jobs.sky.object_catalog import write_objects
from mr_extract.jobs.sky.object_records import POINT, object_dtype, objects_of, prefixes_of
from mr_extract.objects.holes import CELL
from mr_extract.settings.objects import ObjectSettings
from mr_extract.text.bitmaps import bitmap_of
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Footprints, Made, Piece, Survey
    from mr_extract.jobs.sky.catalogs import Detections
    from mr_extract.jobs.sky.object_catalog import ObjectTotals
    from mr_extract.text.accounting import Account

OBJECT, LIGHT, CURVE = b"b", b"l", b"f"
_NO_FILTER = "none"


class Objects(Aggregation):
    """Make objects of detections."""

    name = "objects"
    settings = ObjectSettings
    dtype = np.dtype([("place", "<i8"), ("image", "<i4"), ("ra", "<f8"), ("dec", "<f8"),
                      ("error", "<f4"), ("mjd", "<f8"), ("filter", "<i2"), ("mag", "<f4"),
                      ("magerr", "<f4"), ("flag", "<i4")])

    def config_from(self, options: Namespace) -> ObjectSettings:
        """Return the settings; the user's function must be there."""
        config = super().config_from(options)
        if getattr(options, "told", "{}") == "{}":  # where the job is started
            self._check_function(config)
        return config

    def _check_function(self, config):
        for name in self.functions(config):
            try:
                function_in(folder_of(name), name)
            except ValueError as error:
                raise ValueError(f"--light-curve-function: {error}") from None

    def functions(self, config: ObjectSettings) -> list[str]:
        """Return the function of light curves, where there is one."""
        return [name for name in [config.light_curves.light_curve_function] if name]

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare where light curves go."""
        add_light_curves(add_argument)

    def needs(self, config: ObjectSettings) -> dict[str, str]:
        """Return the columns of magnitudes and flags."""
        mag = config.photometry.mag
        needed = {mag: "--mag", mag.replace("mag", "magerr", 1): "--mag", "flag": "this job"}
        return needed | ({"erra_world": "--link-sigma"} if config.linking.link_sigma else {})

    def takes(self, config: ObjectSettings) -> tuple[str, ...]:
        """Return the errors of positions, which are weights where they are there."""
        return ("erra_world",)

    def survey(self, detections: Detections, config: ObjectSettings, options: Namespace) -> Survey:
        """Order the images by epoch, those of one epoch by id."""
        known: list[tuple[float | None, int, str, list | None]] = []
        names: set[str] = set()
        for account in detections.accounts():
            epoch, name = _epoch(account), account.values.get("filter", _NO_FILTER)
            known.append((epoch, len(known), name, _footprint(account)))
            names |= {name} if epoch is not None else set()
        if not names and detections.count:
            raise UnfitCatalog("no image has an epoch: measure them with --observation yes, or "
                               "say mjd= in the manifest")
        filters = sorted(names)
        try:
            prefixes_of(filters)
        except ValueError as error:
            raise UnfitCatalog(str(error)) from None
        ranks = {k: rank for rank, (_, k, _, _) in enumerate(
            sorted(one for one in known if one[0] is not None))}
        facts = [None if epoch is None else {
            "image": ranks[k], "mjd": epoch, "filter": filters.index(name),
            **({"footprint": place} if place else {})} for epoch, k, name, place in known]
        folder = next(map(folder_of, self.functions(config)), "")
        return facts, {"filters": filters, "points": options.light_curves is not None,
                       "folder": folder}

    def left_out(self, account: Account) -> int | None:
        """Return `NO_EPOCH` for an image without one."""
        return NO_EPOCH if _epoch(account) is None else None

    def records(self, piece: Piece, config: ObjectSettings) -> np.ndarray:
        """Return the detections, with epoch, filter and magnitude."""
        columns, records = piece.columns, np.zeros(len(piece), self.dtype)
        mag = config.photometry.mag
        records["place"] = piece.place + np.arange(len(piece))
        for name in ("image", "mjd", "filter"):
            records[name] = piece.facts[name]
        records["error"] = record_errors(columns, config, len(piece))
        for name, column in (("ra", "ra"), ("dec", "dec"), ("mag", mag), ("flag", "flag"),
                             ("magerr", mag.replace("mag", "magerr", 1))):
            records[name] = columns[column]
        return records

    def output(self, config: ObjectSettings, told: dict[str, Any]) -> dict[bytes, np.dtype | None]:
        """Return the types of what reducers write."""
        return {DECIDED: DECISION, OBJECT: object_dtype(told["filters"], config), LIGHT: POINT,
                CURVE: None}

    def settled(self, records: np.ndarray, founder: np.ndarray, ambiguous: np.ndarray,
                config: ObjectSettings, told: dict[str, Any],
                footprints: Footprints) -> dict[bytes, np.ndarray | list[bytes]]:
        """Return decisions, objects and points of some objects."""
        decisions, objects, points, curves = objects_of(records, founder, ambiguous, config, told,
                                                        footprints)
        return {DECIDED: decisions, OBJECT: objects, **({} if points is None else {LIGHT: points}),
                **({CURVE: curves} if curves else {})}

    def write(self, made: Made, catalog: BinaryIO) -> ObjectTotals:
        """Write the catalog of objects, and the light curves."""
        return write_objects(made, catalog, made.sorted[OBJECT], made.sorted[LIGHT],
                             made.sorted[CURVE])

    def as_text(self, totals: ObjectTotals) -> str:
        """Say what became of the detections."""
        without = (f"\n{totals['no_filter']} images without a filter: theirs is called "
                   f"{_NO_FILTER}" if totals["no_filter"] else "")
        return (f"{totals['detections']} detections = {totals['members']} of {totals['objects']} "
                f"objects + {totals['unplaced']} without a position + {totals['no_epoch']} of "
                f"images without an epoch; {totals['ambiguous']} objects ambiguous{without}"
                + (f"\n{totals['lc_failed']} objects of which the function of light curves made "
                   f"nothing, the first {totals.first_failure}" if totals["lc_failed"] else ""))


def _epoch(account):
    try:
        value = float(account.values.get("mjd", "nan"))
    except ValueError:
        return None
    return value if isfinite(value) else None


def _footprint(account):
    """Return the corners of an image and its holes, as `Footprint` has them, if there are any."""
    values = account.values
    try:
        corners = [float(cell) for cell in values.get("footprint", "").split(",")]
    except ValueError:
        return None
    if len(corners) != 8 or not all(map(isfinite, corners)):
        return None
    try:
        word = values["holes"]
        holes = bitmap_of(word)
        height, width = int(values["height"]), int(values["width"])
    except KeyError:
        return [corners, None]
    except ValueError as error:
        raise UnfitCatalog(f"the holes of {account.id}: {error}") from None
    if holes.shape != (-(-height // CELL), -(-width // CELL)):
        raise UnfitCatalog(f"the holes of {account.id} are not those of {width} x {height} pixels")
    return [corners, [height, width, word]]


WORK = Objects()

if __name__ == "__main__":
    from mr_extract.jobs.sky.sky_job import run

    run("objects")
