"""Catalogued sources in a patch, a map or an image: which are its own, and what they come to."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.around.brightness import jy_per_sr
from mr_extract.around.measuring import Radii, measure_field
from mr_extract.around.samples import ARCMIN
from mr_extract.astrometry.frames import converted
from mr_extract.columns.photometry import FAILED, STATISTICS, columns_for
from mr_extract.failures import ImageFailure
from mr_extract.lists.sources import Sources
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.around.image_field import ImageField
    from mr_extract.settings.photometry import Around
    from mr_extract.skymaps.sky_map import SkyMap

_GHZ = re.compile(r"\s*0*(\d+(?:\.\d+)?)\s*(?:GHz)?\s*", re.IGNORECASE)


def radii_of(around: Around, beam: float) -> Radii:
    """Return the radii that settings mean, for a beam that is known (arcminutes) or 0."""
    aperture = around.aperture or beam or around.radius
    inner, outer = around.annulus if around.annulus[1] else (1.25 * aperture, 1.75 * aperture)
    return Radii(around.radius, aperture, inner, outer, around.fit_radius or 1.25 * aperture, beam)


def beam_of(header: Mapping, told: float) -> float:
    """Return the FWHM of a point source in arcminutes: as told, else as BMAJ and BMIN say."""
    if told:
        return told
    major, minor = header.get("BMAJ", 0), header.get("BMIN", 0)
    if all(type(v) in (int, float) and v > 0 for v in (major, minor)):
        return 60.0 * float(np.sqrt(major * minor))
    return 0.0


def frequency_of(header: Mapping, told: float, band: str) -> float:
    """Return a frequency in GHz: as told, else of a band's name as 030GHz, else of FREQ; or 0."""
    if told:
        return told
    if band.lower().endswith("ghz") and (match := _GHZ.fullmatch(band)):
        return float(match.group(1))
    unit = str(header.get("UNITFREQ", header.get("FREQUNIT", "GHz"))).strip().lower()
    match = _GHZ.fullmatch(str(header.get("FREQ", "")))
    return float(match.group(1)) if match and unit == "ghz" else 0.0


def measure_sources(
    field: SkyMap | ImageField,
    sources: Sources,
    around: Around,
    beam: float,
    frequency: float,
    unit: str,
    function: Callable | None = None,
) -> tuple[dict[str, np.ndarray], int]:
    """Measure the sources of a catalogue that are a field's own.

    Parameters
    ----------
    field : mr_extract.skymaps.sky_map.SkyMap or mr_extract.around.image_field.ImageField
    sources : mr_extract.lists.sources.Sources
    around : mr_extract.settings.photometry.Around
    beam, frequency : float
        Arcminutes and GHz; 0 where they are not known.
    unit : str
        Of the pixels.
    function : callable, optional
        The statistic of --function.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        Of `mr_extract.columns.photometry.columns_for` but ``image``, in the order of the
        catalogue.
    failed : int
        Sources of which a measurement failed.

    Raises
    ------
    ImageFailure
        ``narrow-margin`` where pixels around a source may not be in the patch;
        ``function-failed``.
    """
    radii = radii_of(around, beam)
    margin = getattr(field, "margin", np.inf)
    if radii.reach > 60.0 * margin + 1e-9:
        raise ImageFailure("narrow-margin", f"{radii.reach:g} arcmin are needed around a source, "
                           f"and the margin is {60 * margin:g}; cut the map again with --margin "
                           f"{radii.reach / 60:.3g}, or choose smaller radii")
    if radii.reach > 5400.0:
        raise ImageFailure("narrow-margin", f"{radii.reach:g} arcmin are more than a quarter turn")
    factor, missing = jy_per_sr(unit, frequency, np.pi * (beam * ARCMIN) ** 2 / (4 * math.log(2)))
    if missing:
        say("no-flux-unit", missing)
    longitude, latitude = sources.places(field.frame)
    mine = field.mine(longitude, latitude)
    guarded = None if function is None else lambda *arrays: _number(function, arrays)
    found = measure_field(field, longitude[mine], latitude[mine], radii, factor, guarded,
                          around.gaussian == "elliptical")
    wanted = columns_for(replace(around, layout="wide"))
    if not len(mine):
        columns = {name: np.empty(0, _dtype(one)) for name, one in wanted.items()}
    else:
        ra, dec = sources.quietly("icrs")
        found |= {"number": sources.numbers[mine], "ra": ra[mine], "dec": dec[mine],
                  "source": np.array([sources.names[k] for k in mine.tolist()], dtype=str)}
        found["ra_fit"], found["dec_fit"] = converted(found["lon_fit"], found["lat_fit"],
                                                      field.frame, "icrs")
        columns = {name: np.ascontiguousarray(found[name], _dtype(one))
                   for name, one in wanted.items() if name != "image"}
    failed = int(np.count_nonzero(columns["flag"] & FAILED))
    columns.pop("image", None)
    return (_long(columns, around) if around.layout == "long" else columns), failed


def _dtype(column):
    return str if column.dtype == "str" else column.dtype


def _long(columns, around):
    """Return a row a number, source after source: what it is of, and the number."""
    plain = [name for name in columns if name not in ("source", "number", "ra", "dec")]
    head = f"{around.radius:g}arcmin"
    tails = [head + name if name in STATISTICS else name for name in plain]
    keys = [f"{source}_{tail}" for source in columns["source"].tolist() for tail in tails]
    values = np.stack([columns[name].astype(np.float64) for name in plain], axis=1)
    return {"key": np.array(keys, dtype=str), "value": np.ascontiguousarray(values.ravel())}


def _number(function, arrays):
    try:
        return float(function(*arrays))
    except Exception as error:  # of whoever wrote it
        raise ImageFailure("function-failed", f"{type(error).__name__}: {error}") from error
