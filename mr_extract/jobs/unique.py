"""Each source of overlapping images once: ``python -m mr_extract.jobs.unique CATALOG...``.

The main job does the same with ``--reduce unique``.
"""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mr_extract.jobs.sky.aggregation import (
    DECIDED,
    DECISION,
    KEPT,
    MEMBER,
    Aggregation,
    record_errors,
)
from mr_extract.jobs.sky.unique_catalog import NEW, write_unique
from mr_extract.settings.linking import UniqueSettings
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Footprints, Made, Piece, Survey
    from mr_extract.jobs.sky.catalogs import Detections


class Unique(Aggregation):
    """Keep the best measurement of each source."""

    name = "unique"
    settings = UniqueSettings
    dtype = np.dtype([("place", "<i8"), ("image", "<i4"), ("ra", "<f8"), ("dec", "<f8"),
                      ("error", "<f4"), ("unflagged", "<f4"), ("edge", "<f4"), ("snr", "<f4")])

    def needs(self, config: UniqueSettings) -> dict[str, str]:
        """Return the columns of the criteria."""
        flux = config.choosing.snr_of
        of = {"unflagged": ("flag",), "edge": ("x", "y"),
              "snr": (flux, flux.replace("flux", "fluxerr", 1))}
        needed = {name: f"--best {criterion}" for criterion in config.choosing.best
                  for name in of[criterion]}
        return needed | ({"erra_world": "--link-sigma"} if config.linking.link_sigma else {})

    def survey(self, detections: Detections, config: UniqueSettings, options: Namespace) -> Survey:
        """Take images in the order of ids, with their sizes."""
        if NEW[0] in detections.header.columns.split("\t"):
            raise UnfitCatalog("in these catalogs each source stands once already")
        facts: list[dict[str, Any] | None] = []
        for account in detections.accounts():
            width, height = (float(account.values.get(name, "nan")) for name in (
                "width", "height"))
            facts.append({"image": len(facts), "width": width, "height": height})
        return facts, {}

    def records(self, piece: Piece, config: UniqueSettings) -> np.ndarray:
        """Return the detections, with what makes one better than another."""
        columns, records = piece.columns, np.zeros(len(piece), self.dtype)
        records["place"] = piece.place + np.arange(len(piece))
        records["image"] = piece.facts["image"]
        records["ra"], records["dec"] = columns["ra"], columns["dec"]
        records["error"] = record_errors(columns, config, len(piece))
        if "unflagged" in config.choosing.best:
            records["unflagged"] = columns["flag"] == 0
        if "edge" in config.choosing.best:
            x, y = columns["x"], columns["y"]
            records["edge"] = np.minimum(np.minimum(x, piece.facts["width"] - 1 - x),
                                         np.minimum(y, piece.facts["height"] - 1 - y))
        if "snr" in config.choosing.best:
            flux = config.choosing.snr_of
            with np.errstate(divide="ignore", invalid="ignore"):
                records["snr"] = columns[flux] / columns[flux.replace("flux", "fluxerr", 1)]
        return records

    def settled(self, records: np.ndarray, founder: np.ndarray, ambiguous: np.ndarray,
                config: UniqueSettings, told: dict[str, Any],
                footprints: Footprints) -> dict[bytes, np.ndarray | list[bytes]]:
        """Return what is kept of some objects."""
        from mr_extract.objects.best import best_of

        best, members = best_of(founder, [records[name] for name in config.choosing.best],
                                records["place"])
        decisions = np.zeros(len(records), DECISION)
        decisions["place"], decisions["ambiguous"] = records["place"], ambiguous
        decisions["state"] = MEMBER
        decisions["state"][best], decisions["detections"][best] = KEPT, members
        return {DECIDED: decisions}

    def write(self, made: Made, catalog: BinaryIO) -> Counter:
        """Write the catalog."""
        return write_unique(made.detections, made.decisions, made.config, catalog)

    def as_text(self, totals: Counter) -> str:
        """Say what became of the detections."""
        return (f"{totals['images']} images measured, {totals['failed']} failed: "
                f"{totals['detections']} detections = {totals['sources']} sources + "
                f"{totals['elsewhere']} further detections of them + {totals['unplaced']} without "
                f"a position; {totals['ambiguous']} sources ambiguous")


WORK = Unique()

if __name__ == "__main__":
    from mr_extract.jobs.sky.sky_job import run

    run("unique")
