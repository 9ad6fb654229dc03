"""Columns that come together: fluxes with errors and magnitudes, positions, ellipses."""

from collections.abc import Iterable
from dataclasses import replace

from mr_extract.columns.column import Column


def fluxes(group: str, flux: str, ucd: str, what: str, vector: str = "") -> tuple[Column, ...]:
    """Return a flux, its error, and both as magnitudes.

    Parameters
    ----------
    group, vector : str
        As of `mr_extract.columns.column.Column`.
    flux : str
        Its name, which begins with ``flux``.
    ucd : str
        What follows ``phot.flux`` in its UCD.
    what : str
        What follows the word flux in its description.
    """
    suffix = flux.removeprefix("flux")
    name = flux.upper()
    tail = name.removeprefix("FLUX")
    return (
        Column(flux, "f4", "adu", group, name, f"phot.flux{ucd}", f"flux {what}", vector),
        Column(f"fluxerr{suffix}", "f4", "adu", group, f"FLUXERR{tail}",
               f"stat.error;phot.flux{ucd}", f"error of {flux} from noise and gain", vector),
        Column(f"mag{suffix}", "f4", "mag", group, f"MAG{tail}", f"phot.mag{ucd}",
               f"magnitude of {flux} with the zero point, nan where it is not positive", vector),
        Column(f"magerr{suffix}", "f4", "mag", group, f"MAGERR{tail}",
               f"stat.error;phot.mag{ucd}", f"error of mag{suffix}", vector),
    )


def unnamed_there(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return columns for which SExtractor has no name."""
    return tuple(replace(column, sextractor="") for column in columns)


def position(group: str, tail: str, sextractor: str, what: str) -> tuple[Column, ...]:
    """Return right ascension and declination (ICRS), longitude and latitude of the header's frame.

    Parameters
    ----------
    group : str
    tail, sextractor : str
        What their names end in, here and in SExtractor's names before the frame.
    what : str
        Of what.
    """
    return tuple(
        Column(f"{name}{tail}", "f8", "deg", group, f"{theirs}{sextractor}_{system}", ucd,
               f"{word} of {what}{frame}")
        for system, frame, pairs in (
            ("J2000", " (ICRS), nan without a WCS",
             (("ra", "ALPHA", "pos.eq.ra", "right ascension"),
              ("dec", "DELTA", "pos.eq.dec", "declination"))),
            ("SKY", " in the frame of the header, if that is equatorial, else FK5",
             (("lon", "ALPHA", "pos", "longitude"), ("lat", "DELTA", "pos", "latitude"))),
        )
        for name, theirs, ucd, word in pairs
        if not (tail == "" and system == "J2000")  # ra and dec stand in the group sky
    )


def ellipse(group: str, tail: str, sextractor: str, of: str, kind: str = "",
            parts: str = "moments coefficients axes") -> tuple[Column, ...]:
    """Return second moments, coefficients and axes of an ellipse, in pixels or on the sky.

    Parameters
    ----------
    group : str
    tail, sextractor : str
        What their names end in, here (``_world`` on the sky) and in SExtractor's names.
    of : str
        Of what.
    kind : str
        Empty for the profile, and ``err`` for the uncertainty of its centre.
    parts : str
        Which of them.
    """
    world = tail.endswith("_world")
    length = "deg" if world else "pix"
    square = f"{length}2"
    inverse = f"{length}-2"
    their = kind.upper()
    stat = "stat.variance" if kind else "src.impactParam"
    axes = "alpha cos(delta), delta" if world else "x, y"
    columns = []
    if "moments" in parts:
        for name, word in (("x2", "variance along the first of"),
                           ("y2", "variance along the second of"), ("xy", "covariance of")):
            columns.append(Column(f"{kind}{name}{tail}", "f8", square, group,
                                  f"{their}{name.upper()}{sextractor}", stat,
                                  f"{word} {axes}, {of}"))
    if "coefficients" in parts:
        for name in ("cxx", "cyy", "cxy"):
            columns.append(Column(f"{kind}{name}{tail}", "f4", inverse, group,
                                  f"{their}{name.upper()}{sextractor}", "src.impactParam",
                                  f"ellipse coefficient, {of}"))
    if "axes" in parts:
        size = "stat.error;pos" if kind else "phys.angSize"
        for name, word in (("a", "major"), ("b", "minor")):
            columns.append(Column(f"{kind}{name}{tail}", "f4", length, group,
                                  f"{their}{name.upper()}{sextractor}", size,
                                  f"rms along the {word} axis, {of}"))
        angle = "from the direction of alpha towards delta" if world else "-90 to 90"
        columns.append(Column(f"{kind}theta{tail}", "f4", "deg", group,
                              f"{their}THETA{sextractor}", "pos.posAng",
                              f"angle of the major axis {angle}, {of}"))
    return tuple(columns)


def position_angles(group: str, tail: str, sextractor: str, of: str,
                    kind: str = "") -> tuple[Column, ...]:
    """Return the angles of an ellipse on the sky, east of north; parameters as of `ellipse`."""
    their, stem = kind.upper(), tail.removesuffix("_world")
    return (
        Column(f"{kind}theta{stem}_sky", "f4", "deg", group, f"{their}THETA{sextractor}_SKY",
               "pos.posAng", f"position angle, east of north in the header's frame, {of}"),
        Column(f"{kind}theta{stem}_j2000", "f4", "deg", group, f"{their}THETA{sextractor}_J2000",
               "pos.posAng", f"position angle, east of north (ICRS), {of}"),
    )
