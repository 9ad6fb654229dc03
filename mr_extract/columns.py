"""The columns of a catalog: the one table from which all else is derived.

Pixel positions are 0-based: the centre of the first pixel is (0, 0), x runs
along the first FITS axis. Angles are counter-clockwise from the x axis.
"""

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it holds and how it is measured.

    Parameters
    ----------
    name : str
        Name in the catalog; a vector's elements are ``name_1``, ``name_2`` ...
    dtype : str
        ``str``, ``i4``, ``f4`` or ``f8``: the type in which it is measured,
        which the text gives back exactly.
    unit : str
        Unit in astropy's spelling, empty for a pure number.
    group : str
        Group by which it can be chosen; also the measurement that makes it.
    sextractor : str
        SExtractor's name for the same quantity, empty where there is none.
    ucd : str
        Unified content descriptor (IVOA UCD1+).
    description : str
        What it is, in a line.
    vector : str
        Setting whose length is the number of elements, empty for a scalar.
    """

    name: str
    dtype: str
    unit: str
    group: str
    sextractor: str
    ucd: str
    description: str
    vector: str = ""


def _fluxes(group, flux, ucd, what, vector=""):
    suffix = flux.removeprefix("flux")
    name = flux.upper()
    tail = name.removeprefix("FLUX")
    return (
        Column(flux, "f4", "adu", group, name, f"phot.flux{ucd}", f"flux {what}", vector),
        Column(f"fluxerr{suffix}", "f4", "adu", group, f"FLUXERR{tail}",
               f"stat.error;phot.flux{ucd}", f"error of {flux} from rms and gain", vector),
        Column(f"mag{suffix}", "f4", "mag", group, f"MAG{tail}", f"phot.mag{ucd}",
               f"magnitude of {flux} with the zero point, nan where it is not positive", vector),
        Column(f"magerr{suffix}", "f4", "mag", group, f"MAGERR{tail}",
               f"stat.error;phot.mag{ucd}", f"error of mag{suffix}", vector),
    )


COLUMNS = (
    Column("image", "str", "", "key", "", "meta.id;meta.file", "id of the image in the manifest"),
    Column("number", "i4", "", "key", "NUMBER", "meta.id", "number of the source in the image"),
    Column("x", "f8", "pix", "position", "X_IMAGE", "pos.cartesian.x;instr.det",
           "isophotal barycentre along the first axis, first pixel is 0"),
    Column("y", "f8", "pix", "position", "Y_IMAGE", "pos.cartesian.y;instr.det",
           "isophotal barycentre along the second axis, first pixel is 0"),
    Column("ra", "f8", "deg", "sky", "ALPHA_J2000", "pos.eq.ra;meta.main",
           "right ascension of x, y (ICRS), nan without a WCS"),
    Column("dec", "f8", "deg", "sky", "DELTA_J2000", "pos.eq.dec;meta.main",
           "declination of x, y (ICRS), nan without a WCS"),
    Column("a", "f4", "pix", "shape", "A_IMAGE", "phys.angSize.smajAxis",
           "rms of the profile along the major axis"),
    Column("b", "f4", "pix", "shape", "B_IMAGE", "phys.angSize.sminAxis",
           "rms of the profile along the minor axis"),
    Column("theta", "f4", "deg", "shape", "THETA_IMAGE", "pos.posAng",
           "angle of the major axis, -90 to 90"),
    Column("ellipticity", "f4", "", "shape", "ELLIPTICITY", "src.ellipticity", "1 - b/a"),
    Column("fwhm", "f4", "pix", "shape", "", "phys.angSize",
           "FWHM of a Gaussian with the same a and b, 2 sqrt(ln 2 (a^2 + b^2))"),
    Column("npix", "i4", "pix2", "iso", "ISOAREAF_IMAGE", "phys.area",
           "pixels of the source over the threshold in the filtered image"),
    Column("peak", "f4", "adu", "iso", "FLUX_MAX", "phot.count;stat.max",
           "highest pixel above the background"),
    *_fluxes("iso", "flux_iso", ";phys.area", "in the isophote"),
    *_fluxes("aper", "flux_aper", ";phys.angSize", "in a circle of the given diameter",
             "apertures"),
    Column("kron_radius", "f4", "", "auto", "KRON_RADIUS", "phys.angSize",
           "Kron aperture in units of a and b, 0 where the least circle was used"),
    *_fluxes("auto", "flux_auto", "", "in the Kron ellipse"),
    Column("flag", "i4", "", "flag", "", "meta.code.qual", "sum of the flag bits, 0 for none"),
    Column("x2", "f8", "pix2", "moments", "X2_IMAGE", "src.impactParam", "variance along x"),
    Column("y2", "f8", "pix2", "moments", "Y2_IMAGE", "src.impactParam", "variance along y"),
    Column("xy", "f8", "pix2", "moments", "XY_IMAGE", "src.impactParam", "covariance of x, y"),
    Column("errx2", "f8", "pix2", "moments", "ERRX2_IMAGE", "stat.variance;pos.cartesian.x",
           "variance of the position x"),
    Column("erry2", "f8", "pix2", "moments", "ERRY2_IMAGE", "stat.variance;pos.cartesian.y",
           "variance of the position y"),
    Column("errxy", "f8", "pix2", "moments", "ERRXY_IMAGE", "stat.covariance",
           "covariance of the position"),
    Column("cxx", "f4", "pix-2", "moments", "CXX_IMAGE", "src.impactParam", "ellipse coefficient"),
    Column("cyy", "f4", "pix-2", "moments", "CYY_IMAGE", "src.impactParam", "ellipse coefficient"),
    Column("cxy", "f4", "pix-2", "moments", "CXY_IMAGE", "src.impactParam", "ellipse coefficient"),
    Column("tnpix", "i4", "pix2", "extent", "ISOAREA_IMAGE", "phys.area",
           "pixels of the source over the threshold in the unfiltered image"),
    Column("xmin", "i4", "pix", "extent", "", "pos.cartesian.x;stat.min", "least x of its pixels"),
    Column("xmax", "i4", "pix", "extent", "", "pos.cartesian.x;stat.max", "greatest x"),
    Column("ymin", "i4", "pix", "extent", "", "pos.cartesian.y;stat.min", "least y"),
    Column("ymax", "i4", "pix", "extent", "", "pos.cartesian.y;stat.max", "greatest y"),
    Column("xpeak", "i4", "pix", "extent", "", "pos.cartesian.x", "x of the highest pixel"),
    Column("ypeak", "i4", "pix", "extent", "", "pos.cartesian.y", "y of the highest pixel"),
    Column("cpeak", "f4", "adu", "extent", "", "phot.count;stat.max",
           "highest pixel of the filtered image"),
    Column("cflux", "f4", "adu", "extent", "", "phot.flux", "isophotal flux, filtered image"),
    Column("background", "f4", "adu", "background", "BACKGROUND", "instr.background",
           "background at x, y"),
    Column("threshold", "f4", "adu", "background", "THRESHOLD", "instr.sensitivity",
           "detection threshold above the background"),
    Column("flux_radius", "f4", "pix", "radius", "FLUX_RADIUS", "phys.angSize",
           "radius that holds the given fraction of flux_auto", "flux_fractions"),
    Column("x_win", "f8", "pix", "win", "XWIN_IMAGE", "pos.cartesian.x;instr.det",
           "Gaussian-windowed position, first pixel is 0, nan where it does not converge"),
    Column("y_win", "f8", "pix", "win", "YWIN_IMAGE", "pos.cartesian.y;instr.det",
           "Gaussian-windowed position, first pixel is 0, nan where it does not converge"),
    Column("ra_win", "f8", "deg", "win", "ALPHAWIN_J2000", "pos.eq.ra",
           "right ascension of x_win, y_win (ICRS)"),
    Column("dec_win", "f8", "deg", "win", "DELTAWIN_J2000", "pos.eq.dec",
           "declination of x_win, y_win (ICRS)"),
)

DEFAULT_GROUPS = ("position", "sky", "shape", "iso", "aper", "auto", "flag")

GROUPS = tuple(dict.fromkeys(column.group for column in COLUMNS if column.group != "key"))

FLAGS = {
    0x0001: "the source was deblended from another",
    0x0002: "the source touches the border of the image",
    0x0004: "deblending overflowed",
    0x0008: "the position is a rounding: the pixels are in a line",
    0x0010: "an aperture reaches over the border",
    0x0020: "an aperture holds masked pixels",
    0x0040: "an aperture holds only masked pixels",
    0x0080: "the Kron radius could not be measured (flux not positive)",
    0x0100: "a pixel is saturated",
    0x0200: "a measurement failed for this source; its values are nan",
}
SATURATED, FAILED = 0x0100, 0x0200


def choose(names, measurement):
    """Return the columns that were asked for, in the order of the table.

    Parameters
    ----------
    names : sequence of str
        Names of columns (a vector's by its stem) and of groups, among them
        ``default`` and ``all``.
    measurement : mr_extract.config.Measurement
        Its settings say how long the vectors are.

    Returns
    -------
    dict of str to Column
        Name in the catalog to its column; ``image`` and ``number`` are first.

    Raises
    ------
    ValueError
        For a name that is neither column nor group.
    """
    wanted = {"image", "number"}
    for name in names:
        if name == "all":
            wanted.update(column.name for column in COLUMNS)
        elif name == "default":
            wanted.update(c.name for c in COLUMNS if c.group in DEFAULT_GROUPS)
        elif name in GROUPS:
            wanted.update(c.name for c in COLUMNS if c.group == name)
        elif any(column.name == name for column in COLUMNS):
            wanted.add(name)
        else:
            raise ValueError(f"columns: {name!r} is neither a column nor a group; {_hint(name)}")
    chosen = {}
    for column in COLUMNS:
        if column.name not in wanted:
            continue
        if column.vector:
            for k in range(len(getattr(measurement, column.vector))):
                chosen[f"{column.name}_{k + 1}"] = column
        else:
            chosen[column.name] = column
    return chosen


def _hint(name):
    ours = [column.name for column in COLUMNS if column.sextractor == name.upper()]
    if ours:
        return f"SExtractor's {name.upper()} is {ours[0]} here"
    near = get_close_matches(name, [*GROUPS, "default", *(c.name for c in COLUMNS)], 1)
    if near:
        return f"is {near[0]} meant?"
    return f"the groups are default, all, {', '.join(GROUPS)}"


def describe(names, measurement):
    """Return the text of ``--print-schema`` for the chosen columns."""
    rows = [("name", "dtype", "unit", "group", "SExtractor", "what it is")]
    for name, column in choose(names, measurement).items():
        rows.append((name, column.dtype, column.unit or "-", column.group,
                     column.sextractor or "-", column.description))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[5]])
        for row in rows
    ]
    lines += ["", "bits of flag:"]
    lines += [f"{bit:6d}  {meaning}" for bit, meaning in FLAGS.items()]
    return "\n".join(lines) + "\n"
