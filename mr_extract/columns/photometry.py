"""The columns of catalogued sources, measured in maps and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mr_extract.columns.column import Column

if TYPE_CHECKING:
    from mr_extract.settings.photometry import Around

# Bits of a row's flag.
PARTLY_UNSEEN, UNSEEN, NO_ANNULUS, NO_FIT, FIT_LEFT, NO_ELLIPSE = 1, 2, 4, 8, 16, 32
FLAGS = {
    PARTLY_UNSEEN: "a pixel within the radius or the aperture was not seen, is masked or beyond "
                   "the border",
    UNSEEN: "no pixel within the radius was seen: the statistics are nan",
    NO_ANNULUS: "the annulus holds fewer than 20 good pixels: aperture and fit are nan",
    NO_FIT: "no Gaussian could be fitted: its columns are nan",
    FIT_LEFT: "a Gaussian's centre left the pixels that were fitted, or its width their size",
    NO_ELLIPSE: "no elliptical Gaussian could be fitted: its columns are nan",
}
FAILED = UNSEEN | NO_ANNULUS | NO_FIT | NO_ELLIPSE

STATISTICS = ("mean", "median", "least", "greatest", "rms", "pixels", "unseen")


def _column(name, dtype, unit, ucd, description):
    return Column(name, dtype, unit, "photometry", "", ucd, description)


COLUMNS = {column.name: column for column in (
    Column("image", "str", "", "key", "", "meta.id;obs.image", "id of the patch, map or image"),
    Column("number", "i4", "", "key", "", "meta.number", "row of the source in the catalogue, "
           "from 1 on"),
    _column("source", "str", "", "meta.id;meta.main", "what the catalogue calls it"),
    _column("ra", "f8", "deg", "pos.eq.ra;meta.main", "catalogued right ascension (ICRS)"),
    _column("dec", "f8", "deg", "pos.eq.dec;meta.main", "catalogued declination (ICRS)"),
    _column("flag", "i4", "", "meta.code.qual", "what is wrong, as a sum of bits"),
    _column("mean", "f8", "adu", "stat.mean", "mean of the pixels whose centres are within the "
            "radius"),
    _column("median", "f8", "adu", "stat.median", "their median"),
    _column("least", "f8", "adu", "stat.min", "the least of them"),
    _column("greatest", "f8", "adu", "stat.max", "the greatest of them"),
    _column("rms", "f8", "adu", "stat.stdev", "their scatter about the mean"),
    _column("pixels", "i4", "", "meta.number", "their number"),
    _column("unseen", "i4", "", "meta.number", "pixels within the radius that hold no value"),
    _column("pixels_aper", "i4", "", "meta.number", "pixels in the aperture"),
    _column("background", "f8", "adu", "instr.background", "clipped mean of the annulus"),
    _column("background_rms", "f8", "adu", "instr.background;stat.stdev", "scatter of its pixels"),
    _column("sum_aper", "f8", "adu", "phot.flux", "sum of the aperture's pixels less background"),
    _column("sumerr_aper", "f8", "adu", "stat.error;phot.flux", "its error"),
    _column("flux_aper", "f8", "Jy", "phot.flux.density", "flux density in the aperture, of a "
            "point source where the beam is known"),
    _column("fluxerr_aper", "f8", "Jy", "stat.error;phot.flux.density", "its error"),
    _column("ra_fit", "f8", "deg", "pos.eq.ra", "right ascension of the fitted Gaussian (ICRS)"),
    _column("dec_fit", "f8", "deg", "pos.eq.dec", "its declination (ICRS)"),
    _column("offset", "f8", "arcmin", "pos.angDistance", "its distance from the catalogued place"),
    _column("offset_err", "f8", "arcmin", "stat.error;pos.angDistance", "its error"),
    _column("offset_lon", "f8", "arcmin", "pos", "offset along the longitude of the map, to the "
            "east"),
    _column("offset_lon_err", "f8", "arcmin", "stat.error", "its error"),
    _column("offset_lat", "f8", "arcmin", "pos", "offset along its latitude, to the north"),
    _column("offset_lat_err", "f8", "arcmin", "stat.error", "its error"),
    _column("fwhm_fit", "f8", "arcmin", "phys.angSize", "FWHM of the Gaussian"),
    _column("fwhm_fit_err", "f8", "arcmin", "stat.error", "its error"),
    _column("amplitude_fit", "f8", "adu", "phot.flux;stat.max", "height of the Gaussian"),
    _column("amplitude_fit_err", "f8", "adu", "stat.error", "its error"),
    _column("background_fit", "f8", "adu", "instr.background", "ground below it"),
    _column("background_fit_err", "f8", "adu", "stat.error", "its error"),
    _column("flux_fit", "f8", "Jy", "phot.flux.density", "integral of the Gaussian"),
    _column("fluxerr_fit", "f8", "Jy", "stat.error;phot.flux.density", "its error"),
    _column("chi2_fit", "f8", "", "stat.fit.chi2", "chi squared of the fit"),
    _column("dof_fit", "i4", "", "stat.fit.dof", "pixels less parameters"),
    _column("fwhm_major", "f8", "arcmin", "phys.angSize.smajAxis", "FWHM of the elliptical "
            "Gaussian along its major axis"),
    _column("fwhm_major_err", "f8", "arcmin", "stat.error;phys.angSize.smajAxis", "its error"),
    _column("fwhm_minor", "f8", "arcmin", "phys.angSize.sminAxis", "FWHM along its minor axis"),
    _column("fwhm_minor_err", "f8", "arcmin", "stat.error;phys.angSize.sminAxis", "its error"),
    _column("angle_ell", "f8", "deg", "pos.posAng", "angle of its major axis from the north of "
            "the map to the east, 0 to 180"),
    _column("angle_ell_err", "f8", "deg", "stat.error;pos.posAng", "its error"),
    _column("amplitude_ell", "f8", "adu", "phot.flux;stat.max", "its height"),
    _column("amplitude_ell_err", "f8", "adu", "stat.error", "its error"),
    _column("flux_ell", "f8", "Jy", "phot.flux.density", "its integral"),
    _column("fluxerr_ell", "f8", "Jy", "stat.error;phot.flux.density", "its error"),
    _column("chi2_ell", "f8", "", "stat.fit.chi2", "chi squared of its fit"),
    _column("dof_ell", "i4", "", "stat.fit.dof", "pixels less its parameters"),
    _column("function", "f8", "", "stat.value", "the statistic of --function"),
)}

ELLIPSE = {name for name in COLUMNS if "_ell" in name} | {
    f"fwhm_{axis}{end}" for axis in ("major", "minor") for end in ("", "_err")}

LONG = {column.name: column for column in (
    COLUMNS["image"],
    _column("key", "str", "", "meta.id", "source, and what was measured of it"),
    _column("value", "f8", "", "stat.value", "the number"),
)}


def columns_for(around: Around) -> dict[str, Column]:
    """Return the columns that a catalog gets.

    Parameters
    ----------
    around : mr_extract.settings.photometry.Around
    """
    if around.layout == "long":
        return LONG
    left = set() if around.function else {"function"}
    if around.gaussian != "elliptical":
        left |= ELLIPSE
    return {name: column for name, column in COLUMNS.items() if name not in left}
