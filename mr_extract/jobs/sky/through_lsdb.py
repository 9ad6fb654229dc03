"""Matches of two catalogs in HATS by LSDB itself, which writes them in HATS."""

from __future__ import annotations

import os
import tempfile
from argparse import Namespace
from collections import Counter

from mr_extract.settings.matching import MatchSettings
from mr_extract.tables.hats import is_hats

DISTANCE = "_dist_arcsec"  # as LSDB calls it


def check_for_lsdb(options: Namespace, config: MatchSettings) -> None:
    """Raise ValueError where LSDB cannot do what is asked.

    Parameters
    ----------
    options : argparse.Namespace
        Its `args`, `reference` and `catalog`.
    config : mr_extract.settings.matching.MatchSettings
    """
    matching, taking = config.matching, config.taking
    if len(options.args) != 1:
        raise ValueError("--engine lsdb matches one catalog with another")
    for uri in (*options.args, options.reference):
        if not is_hats(uri):
            raise ValueError(f"--engine lsdb needs HATS on both sides, which {uri!r} is not")
    place = options.catalog or ""
    if not place.endswith(".hats") or "://" in place:
        raise ValueError("--engine lsdb writes HATS to this machine: --catalog NAME.hats")
    if os.path.exists(place):
        raise ValueError(f"{place!r} is there: HATS is written to a new folder")
    if matching.keep == "unmatched" or not matching.nearest:
        raise ValueError("LSDB has neither --keep unmatched nor --nearest 0")
    if taking.catalog_position != ("auto",) or taking.reference_position != ("auto",):
        raise ValueError("HATS says which columns are its positions")


def match_through_lsdb(options: Namespace, config: MatchSettings) -> Counter:
    """Match, and write the catalog.

    Parameters
    ----------
    options, config
        As for `check_for_lsdb`; ``--jobs`` are processes of dask.

    Returns
    -------
    Counter
        ``rows`` and ``reference`` of both sides, ``written`` rows, and ``pairs`` among them.

    Raises
    ------
    ValueError
        Where LSDB refuses, as for a reference without a margin as wide as the radius.
    ModuleNotFoundError
        When LSDB is not installed.
    """
    import lsdb
    from dask.distributed import Client

    matching, taking = config.matching, config.taking
    columns = None if taking.take == ("all",) else list(taking.take)
    jobs = options.jobs or len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch, Client(
            n_workers=jobs, threads_per_worker=1, processes=jobs > 1, dashboard_address=None,
            local_directory=scratch):
        one = lsdb.open_catalog(options.args[0].rstrip("/"))
        other = lsdb.open_catalog(options.reference.rstrip("/"), columns=columns)
        found = one.crossmatch(
            other, n_neighbors=matching.nearest, radius_arcsec=matching.match_radius,
            min_radius_arcsec=matching.min_radius, require_right_margin=True,
            how="left" if matching.keep == "left" else "inner", suffix_method="all_columns",
            suffixes=("", f"_{taking.prefix.rstrip('_')}"),
            log_changes=False)
        found.write_catalog(options.catalog, progress_bar=False)
        written = lsdb.open_catalog(options.catalog, columns=[DISTANCE])
        distances = written.compute()[DISTANCE]
        return Counter(rows=len(one), reference=len(other), written=len(written),
                       pairs=int(distances.notna().sum()))


def told_of(totals: Counter) -> str:
    """Say what became of the rows."""
    return (f"LSDB wrote {totals['written']} rows, {totals['pairs']} of them matches, of "
            f"{totals['rows']} rows and {totals['reference']} of the reference")
