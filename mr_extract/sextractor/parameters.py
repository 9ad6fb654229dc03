"""The table of SExtractor's catalogue parameters: what a ``.param`` file can ask for.

Names, types, formats and units are those of SExtractor 2.25 to 2.28. A parameter
that has a column here is made of it by `mr_extract.sextractor.convert`; the others
are in `mr_extract.sextractor.absent`.
"""

import re
from dataclasses import dataclass

from mr_extract.columns.table import COLUMNS


@dataclass(frozen=True)
class Parameter:
    """One parameter that a catalogue can have.

    Parameters
    ----------
    name : str
    dtype : str
        ``i2``, ``i4``, ``f4``, ``f8`` or ``str``: its type in a FITS catalogue.
    format : str
        Of its values in a text catalogue, as for ``%``.
    unit : str
        In SExtractor's spelling, empty for none.
    needs : tuple of str
        Our columns that it is made of.
    description : str
    vector : str
        Setting that says how many elements there are, empty for a scalar.
    close : str
        What differs from SExtractor's, empty where it is the same.
    pixels : str
        Setting that says width and height of the cut-out that a row holds, else empty.
    """

    name: str
    dtype: str
    format: str
    unit: str
    needs: tuple
    description: str
    vector: str = ""
    close: str = ""
    pixels: str = ""


CUTOUT = "VIGNET"
_MU = "mag * arcsec**(-2)"

# dtype, format, unit and the names of what has a column here, in SExtractor's order.
_PRESENT = (
    ("i4", "%10d", "", "NUMBER"),
    ("i2", "%3d", "", "EXT_NUMBER"),
    ("f4", "%12.7g", "count",
     "FLUX_ISO FLUXERR_ISO FLUX_ISOCOR FLUXERR_ISOCOR FLUX_APER FLUXERR_APER FLUX_AUTO "
     "FLUXERR_AUTO FLUX_PETRO FLUXERR_PETRO FLUX_BEST FLUXERR_BEST FLUX_WIN FLUXERR_WIN "
     "FLUX_PSF FLUXERR_PSF"),
    ("f4", "%8.4f", "mag",
     "MAG_ISO MAGERR_ISO MAG_ISOCOR MAGERR_ISOCOR MAG_APER MAGERR_APER MAG_AUTO MAGERR_AUTO "
     "MAG_PETRO MAGERR_PETRO MAG_BEST MAGERR_BEST MAG_WIN MAGERR_WIN MAG_PSF MAGERR_PSF"),
    ("f4", "%10.4g", "", "SNR_WIN"),
    ("f4", "%5.2f", "", "KRON_RADIUS PETRO_RADIUS"),
    ("f4", "%12.7g", "count", "BACKGROUND THRESHOLD FLUX_MAX"),
    ("i4", "%9d", "pixel**2", "ISOAREA_IMAGE ISOAREAF_IMAGE"),
    ("i4", "%10d", "pixel",
     "XMIN_IMAGE YMIN_IMAGE XMAX_IMAGE YMAX_IMAGE XPEAK_IMAGE YPEAK_IMAGE"),
    ("f8", "%18.10e", "deg", "XPEAK_WORLD YPEAK_WORLD"),
    ("f8", "%11.7f", "deg", "ALPHAPEAK_SKY ALPHAPEAK_J2000"),
    ("f8", "%+11.7f", "deg", "DELTAPEAK_SKY DELTAPEAK_J2000"),
    ("f4", "%11.4f", "pixel", "X_IMAGE Y_IMAGE"),
    ("f8", "%11.4f", "pixel", "X_IMAGE_DBL Y_IMAGE_DBL"),
    ("f8", "%18.10e", "deg", "X_WORLD Y_WORLD"),
    ("f8", "%11.7f", "deg", "ALPHA_SKY ALPHA_J2000"),
    ("f8", "%+11.7f", "deg", "DELTA_SKY DELTA_J2000"),
    ("f8", "%18.10e", "pixel**2", "X2_IMAGE Y2_IMAGE XY_IMAGE"),
    ("f8", "%18.10e", "deg**2", "X2_WORLD Y2_WORLD XY_WORLD"),
    ("f4", "%15.7e", "pixel**(-2)", "CXX_IMAGE CYY_IMAGE CXY_IMAGE"),
    ("f4", "%15.7e", "deg**(-2)", "CXX_WORLD CYY_WORLD CXY_WORLD"),
    ("f4", "%9.3f", "pixel", "A_IMAGE B_IMAGE"),
    ("f4", "%6.2f", "deg", "THETA_IMAGE"),
    ("f4", "%12.7g", "deg", "A_WORLD B_WORLD"),
    ("f4", "%6.2f", "deg", "THETA_WORLD"),
    ("f4", "%+6.2f", "deg", "THETA_SKY THETA_J2000"),
    ("f8", "%18.10e", "pixel**2", "ERRX2_IMAGE ERRY2_IMAGE ERRXY_IMAGE"),
    ("f8", "%18.10e", "deg**2", "ERRX2_WORLD ERRY2_WORLD ERRXY_WORLD"),
    ("f4", "%12.7g", "pixel**(-2)", "ERRCXX_IMAGE ERRCYY_IMAGE ERRCXY_IMAGE"),
    ("f4", "%12.7g", "deg**(-2)", "ERRCXX_WORLD ERRCYY_WORLD ERRCXY_WORLD"),
    ("f4", "%9.5f", "pixel", "ERRA_IMAGE ERRB_IMAGE"),
    ("f4", "%6.2f", "deg", "ERRTHETA_IMAGE"),
    ("f4", "%12.7g", "deg", "ERRA_WORLD ERRB_WORLD"),
    ("f4", "%6.2f", "deg", "ERRTHETA_WORLD ERRTHETA_SKY ERRTHETA_J2000"),
    ("f8", "%11.4f", "pixel", "XWIN_IMAGE YWIN_IMAGE"),
    ("f8", "%18.10e", "deg", "XWIN_WORLD YWIN_WORLD"),
    ("f8", "%11.7f", "deg", "ALPHAWIN_SKY ALPHAWIN_J2000"),
    ("f8", "%+11.7f", "deg", "DELTAWIN_SKY DELTAWIN_J2000"),
    ("f8", "%18.10e", "pixel**2", "X2WIN_IMAGE Y2WIN_IMAGE XYWIN_IMAGE"),
    ("f8", "%18.10e", "deg**2", "X2WIN_WORLD Y2WIN_WORLD XYWIN_WORLD"),
    ("f4", "%15.7e", "pixel**(-2)", "CXXWIN_IMAGE CYYWIN_IMAGE CXYWIN_IMAGE"),
    ("f4", "%15.7e", "deg**(-2)", "CXXWIN_WORLD CYYWIN_WORLD CXYWIN_WORLD"),
    ("f4", "%9.3f", "pixel", "AWIN_IMAGE BWIN_IMAGE"),
    ("f4", "%6.2f", "deg", "THETAWIN_IMAGE"),
    ("f4", "%12.7g", "deg", "AWIN_WORLD BWIN_WORLD"),
    ("f4", "%6.2f", "deg", "THETAWIN_WORLD"),
    ("f4", "%+6.2f", "deg", "THETAWIN_SKY THETAWIN_J2000"),
    ("f8", "%18.10e", "pixel**2", "ERRX2WIN_IMAGE ERRY2WIN_IMAGE ERRXYWIN_IMAGE"),
    ("f8", "%18.10e", "deg**2", "ERRX2WIN_WORLD ERRY2WIN_WORLD ERRXYWIN_WORLD"),
    ("f4", "%12.7g", "pixel**(-2)", "ERRCXXWIN_IMAGE ERRCYYWIN_IMAGE ERRCXYWIN_IMAGE"),
    ("f4", "%12.7g", "deg**(-2)", "ERRCXXWIN_WORLD ERRCYYWIN_WORLD ERRCXYWIN_WORLD"),
    ("f4", "%9.5f", "pixel", "ERRAWIN_IMAGE ERRBWIN_IMAGE"),
    ("f4", "%6.2f", "deg", "ERRTHETAWIN_IMAGE"),
    ("f4", "%12.7g", "deg", "ERRAWIN_WORLD ERRBWIN_WORLD"),
    ("f4", "%6.2f", "deg", "ERRTHETAWIN_WORLD ERRTHETAWIN_SKY ERRTHETAWIN_J2000"),
    ("i2", "%3d", "", "NITER_WIN"),
    ("f4", "%8.4f", _MU, "MU_THRESHOLD MU_MAX"),
    ("f4", "%12.7g", "deg**2", "ISOAREA_WORLD ISOAREAF_WORLD"),
    ("i4", "%8d", "pixel**2", "ISO0 ISO1 ISO2 ISO3 ISO4 ISO5 ISO6 ISO7"),
    ("i2", "%3d", "", "FLAGS"),
    ("i2", "%1d", "", "FLAGS_WEIGHT"),
    ("i2", "%3d", "", "FLAGS_WIN"),
    ("i4", "%9u", "", "IMAFLAGS_ISO"),
    ("i4", "%9d", "", "NIMAFLAGS_ISO"),
    ("f4", "%8.2f", "pixel", "FWHM_IMAGE"),
    ("f4", "%12.7g", "deg", "FWHM_WORLD"),
    ("f4", "%8.3f", "", "ELONGATION ELLIPTICITY"),
    ("f4", "%7.5f", "", "POLAR_IMAGE POLAR_WORLD POLARWIN_IMAGE POLARWIN_WORLD"),
    ("f8", "%12.7g", "", "VECTOR_ASSOC"),
    ("i4", "%10d", "", "NUMBER_ASSOC"),
    ("f4", "%10.3f", "pixel", "FLUX_RADIUS"),
    ("f4", "%12.7g", "count", "VIGNET"),
    ("f8", "%11.4f", "pixel", "XPSF_IMAGE YPSF_IMAGE"),
    ("f4", "%9.4g", "", "CHI2_PSF"),
    ("f4", "%8.5f", "", "SPREAD_MODEL SPREADERR_MODEL"),
)

# Parameters that are not one of our columns under another name.
_DERIVED = {
    "EXT_NUMBER": ((), "number of the unit in its file, at least 1"),
    "FLAGS": (("flag",), "sum of the flag bits"),
    "FLAGS_WIN": (("flag_win",), "why a window was lost"),
    "NITER_WIN": (("niter_win",), "iterations of the windowed position"),
    "X_IMAGE_DBL": (("x",), "isophotal barycentre along the first axis"),
    "Y_IMAGE_DBL": (("y",), "isophotal barycentre along the second axis"),
    "X_WORLD": (("lon",), "longitude of the barycentre"),
    "Y_WORLD": (("lat",), "latitude of the barycentre"),
    "XPEAK_WORLD": (("lon_peak",), "longitude of the highest pixel"),
    "YPEAK_WORLD": (("lat_peak",), "latitude of the highest pixel"),
    "XWIN_WORLD": (("lon_win",), "longitude of the windowed position"),
    "YWIN_WORLD": (("lat_win",), "latitude of the windowed position"),
    "POLAR_WORLD": (("a_world", "b_world"), "(a^2 - b^2) / (a^2 + b^2) on the sky"),
    "POLARWIN_IMAGE": (("a_win", "b_win"), "(a^2 - b^2) / (a^2 + b^2), windowed"),
    "POLARWIN_WORLD": (("a_win_world", "b_win_world"),
                       "(a^2 - b^2) / (a^2 + b^2) on the sky, windowed"),
    **{f"{kind.upper()}_BEST": (("flag", f"{kind}_isocor", f"{kind}_auto"),
                                f"{kind.upper()}_ISOCOR where FLAGS has bit 1, else _AUTO")
       for kind in ("flux", "fluxerr", "mag", "magerr")},
}

_CLOSE = {
    "NUMBER": "in the order of sep; SExtractor counts in the order in which sources are complete",
    "EXT_NUMBER": "the number of the unit; SExtractor counts the images of a file from 1",
    "FLAGS": "bits 32 and 128 are never set",
    "FLAGS_WIN": "where FLUX_AUTO is not positive the window is as wide as the isophote; "
                 "SExtractor makes up a half-light radius",
    "FLUXERR_APER": "with a weight map and a gain SExtractor counts the photons of a pixel that "
                    "the circle cuts in full",
    "BACKGROUND": "the spline that is subtracted; SExtractor interpolates linearly for this column",
    "IMAFLAGS_ISO": "of one flag image",
    "NIMAFLAGS_ISO": "of one flag image",
    **dict.fromkeys(("FLUX_PSF", "MAG_PSF"), "nan (99) where the fit is lost; SExtractor has 0 and "
                    "99; pixels are weighted by the noise of the sky, there by that of the "
                    "source, too"),
    **dict.fromkeys(("FLUXERR_PSF", "MAGERR_PSF"), "of the sky's weights, with photons"),
    "CHI2_PSF": "reduced; SExtractor divides by flux and noise squared once more",
    **dict.fromkeys(("SPREAD_MODEL", "SPREADERR_MODEL"), "of a disc of 1/16 FWHM; SExtractor "
                    "draws it on the samples of the model, which makes both larger by 6 % for "
                    "half a pixel and 16 % for a whole one"),
    "VIGNET": "in FITS_LDAC and FITS_1.0; bad pixels are -1e30 as those of neighbours are; "
              "SExtractor has what the image holds there, or bridges them with",
    **{name: "ICRS; SExtractor takes FK5 for the same (20 mas)"
       for name in ("ALPHA_J2000", "DELTA_J2000", "ALPHAWIN_J2000", "DELTAWIN_J2000",
                    "ALPHAPEAK_J2000", "DELTAPEAK_J2000")},
    **{f"ERR{name}_{frame}": "with a weight map by the noise of each pixel, in SExtractor by the "
       "global rms" for frame in ("IMAGE", "WORLD")
       for name in ("X2", "Y2", "XY", "A", "B", "THETA", "CXX", "CYY", "CXY")},
    **{f"ERRTHETA_{frame}": "with a weight map by the noise of each pixel, in SExtractor by the "
       "global rms" for frame in ("SKY", "J2000")},
    **{f"MAGERR_{tail}": "with 2.5 / ln 10; SExtractor has 1.086, 0.02 % more"
       for tail in ("ISO", "ISOCOR", "APER", "AUTO", "PETRO", "BEST", "WIN")},
    **{f"{kind}C{axes}{win}_WORLD": "SExtractor takes the ellipse for no smaller than a thousandth "
       "of a square degree, and gives coefficients that are too small by many powers of ten"
       for kind in ("", "ERR") for axes in ("XX", "YY", "XY") for win in ("", "WIN")},
}

_THEIRS = {column.name: column.sextractor for column in COLUMNS
           if column.sextractor and "_" in column.name}
_OURS = re.compile(rf"\b(?:{'|'.join(_THEIRS)})\b")
_NOT_THEIRS = re.compile(r",? first pixel is 0|,? nan (where|without) .*$")


def _described(column):
    """Return what a column holds, in SExtractor's terms."""
    return _OURS.sub(lambda found: _THEIRS[found[0]], _NOT_THEIRS.sub("", column.description))


def _table():
    columns = {column.sextractor: column for column in COLUMNS if column.sextractor}
    table = {}
    for dtype, form, unit, names in _PRESENT:
        for name in names.split():
            column, vector = columns.get(name), ""
            if column:
                needs, description, vector = (column.name,), _described(column), column.vector
            else:
                needs, description = _DERIVED[name]
            if "WIN_" in name:
                # Where the window is lost SExtractor gives the isophotal value.
                needs = (*needs, *table[name.replace("WIN_", "_")].needs)
            table[name] = Parameter(name, dtype, form, unit, needs, description, vector,
                                    _CLOSE.get(name, ""), column.pixels if column else "")
    return table


def _ours():
    """Columns that SExtractor does not have, under their own names in capitals."""
    formats = {"i4": "%10d", "f4": "%12.7g", "f8": "%18.10e", "str": "%s"}
    units = {"": "", "adu": "count", "pix": "pixel"}
    theirs = {one.needs[0] for one in PARAMETERS.values() if one.needs}
    own = (c for c in COLUMNS if c.name != "image" and c.name not in theirs)
    return {
        c.name.upper(): Parameter(c.name.upper(), c.dtype, formats[c.dtype],
                                  units.get(c.unit, c.unit), (c.name,), _described(c), c.vector)
        for c in own
    }


PARAMETERS = _table()
OWN = _ours()
