"""VOTables as lists, with what they say of the frame and epoch of their positions."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
from astropy.time import Time
from astropy.units import Unit

from mr_extract.lists.astropy_tables import plainly, table_of, with_sky
from mr_extract.lists.columns import ON_SKY, Table
from mr_extract.lists.motions import motions_of
from mr_extract.lists.table_files import say_further

if TYPE_CHECKING:
    from astropy.io.votable.tree import CooSys

_FRAMES = {"icrs": "icrs", "eq_fk5": "fk5", "fk5": "fk5", "eq_fk4": "fk4", "fk4": "fk4"}


def read_votable(buffer: bytes | bytearray | memoryview) -> Table:
    """Return the first table of a VOTable.

    Parameters
    ----------
    buffer : bytes-like

    Returns
    -------
    mr_extract.lists.columns.Table
        With ICRS positions, where a COOSYS says that they are in another frame.

    Raises
    ------
    ValueError
        When it is none.
    """
    from astropy.io import votable

    with plainly("VOTable"):
        document = votable.parse(io.BytesIO(bytes(buffer)))
        found = document.get_first_table()
        say_further(sum(1 for _ in document.iter_tables()) - 1)
        table = table_of(found.to_table(use_names_over_ids=True))
        pair = table.on_sky() if table.has_positions() else None
        if pair is None or pair == table.sky:
            return table
        systems = {one.ID: one for one in document.iter_coosys()}
        refs = {found.fields[k].ref for k in pair}
        named = [systems[ref] for ref in refs if ref in systems]
        if len(named) != 1:
            return table
        return _in_its_frame(table, pair, named[0])


def _in_its_frame(table: Table, pair: tuple[int, int], system: CooSys) -> Table:
    """Return a table whose positions have the frame and epoch of a COOSYS."""
    from astropy.coordinates import SkyCoord

    frame = _FRAMES.get((system.system or "").lower())
    if frame is None:
        raise ValueError(f"its positions are in the frame {system.system}; there are ICRS, FK5 "
                         "and FK4")
    table.epoch = _time_of(system.epoch, "J").jyear if system.epoch else np.nan
    if frame == "icrs":
        return table
    ra, dec = (table.numbers(k, unit) for k, unit in zip(pair, ON_SKY))
    there = np.isfinite(ra) & (np.abs(dec) <= 90)
    given = {"ra": np.where(there, ra, 0.0), "dec": np.where(there, dec, 0.0)}
    if system.equinox:
        given["equinox"] = _time_of(system.equinox, "B" if frame == "fk4" else "J")
    motions = motions_of(table, pair)
    if motions is not None:
        for name, values in (("pm_ra_cosdec", motions.pmra), ("pm_dec", motions.pmdec)):
            given[name] = np.where(motions.known, values, 0.0) * Unit("mas/yr")
        given["obstime"] = Time(np.where(motions.known, motions.epoch, 2000.0), format="jyear")
    turned = with_sky(table, system.ID, SkyCoord(frame=frame, unit="deg", **given))
    known = {k: there for k in turned.sky or ()}
    if motions is not None:
        known |= {k: motions.known for k in turned.motion or ()}
    for k, rows in known.items():
        turned.columns[k] = np.where(rows, turned.columns[k], np.nan)
    return turned


def _time_of(text, letter):
    """Return ``J2000.0``, ``B1950`` or ``2016.0``, in years of that letter, as a time."""
    found = re.fullmatch(r"\s*([JB]?)\s*(\d{4}(?:\.\d*)?)\s*", text)
    if found is None:
        raise ValueError(f"its COOSYS has the epoch {text!r}, which is no year")
    return Time(float(found[2]), format="byear" if (found[1] or letter) == "B" else "jyear")
