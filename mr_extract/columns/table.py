"""The table of columns: what a catalog can hold.

Pixel positions are 0-based: the centre of the first pixel is (0, 0), x runs
along the first FITS axis. Angles are counter-clockwise from the x axis unless
the description says otherwise.
"""

from dataclasses import dataclass, replace


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
        Group by which it can be chosen.
    sextractor : str
        SExtractor's name for the same quantity, empty where there is none.
    ucd : str
        Unified content descriptor (IVOA UCD1+).
    description : str
        What it is, in a line.
    vector : str
        Setting whose length is the number of elements, empty for a scalar.
    pixels : str
        Setting that says width and height of the cut-out of which a row holds the pixels; in
        text it is one cell (`mr_extract.text.cutouts`). Empty for all others.
    """

    name: str
    dtype: str
    unit: str
    group: str
    sextractor: str
    ucd: str
    description: str
    vector: str = ""
    pixels: str = ""


def _fluxes(group, flux, ucd, what, vector=""):
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


def _ours(columns):
    """Return columns for which SExtractor has no name."""
    return tuple(replace(column, sextractor="") for column in columns)


def _position(group, tail, sextractor, what):
    """Right ascension and declination (ICRS), longitude and latitude of the header's frame."""
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


def _ellipse(group, tail, sextractor, of, kind="", parts="moments coefficients axes"):
    """Second moments, coefficients and axes of an ellipse, in pixels or on the sky.

    `kind` is empty for the profile and ``err`` for the uncertainty of its centre.
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


def _position_angles(group, tail, sextractor, of, kind=""):
    their, stem = kind.upper(), tail.removesuffix("_world")
    return (
        Column(f"{kind}theta{stem}_sky", "f4", "deg", group, f"{their}THETA{sextractor}_SKY",
               "pos.posAng", f"position angle, east of north in the header's frame, {of}"),
        Column(f"{kind}theta{stem}_j2000", "f4", "deg", group, f"{their}THETA{sextractor}_J2000",
               "pos.posAng", f"position angle, east of north (ICRS), {of}"),
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
           "Kron aperture in units of a and b, 0 where the least circle was used or the "
           "flux is not positive"),
    *_fluxes("auto", "flux_auto", "", "in the Kron ellipse"),
    Column("flag", "i4", "", "flag", "", "meta.code.qual", "sum of the flag bits, 0 for none"),
    *_ellipse("moments", "", "_IMAGE", "of the profile", parts="moments coefficients"),
    *_ellipse("errors", "", "_IMAGE", "of the position", "err"),
    Column("elongation", "f4", "", "moments", "ELONGATION", "src.ellipticity", "a/b"),
    Column("polarisation", "f4", "", "moments", "POLAR_IMAGE", "src.ellipticity",
           "(a^2 - b^2) / (a^2 + b^2)"),
    Column("tnpix", "i4", "pix2", "extent", "ISOAREA_IMAGE", "phys.area",
           "pixels of the source over the threshold in the unfiltered image, without those "
           "that cleaning added"),
    Column("xmin", "i4", "pix", "extent", "XMIN_IMAGE", "pos.cartesian.x;stat.min",
           "least x of its pixels"),
    Column("xmax", "i4", "pix", "extent", "XMAX_IMAGE", "pos.cartesian.x;stat.max", "greatest x"),
    Column("ymin", "i4", "pix", "extent", "YMIN_IMAGE", "pos.cartesian.y;stat.min",
           "least y of its pixels"),
    Column("ymax", "i4", "pix", "extent", "YMAX_IMAGE", "pos.cartesian.y;stat.max", "greatest y"),
    Column("xpeak", "i4", "pix", "extent", "XPEAK_IMAGE", "pos.cartesian.x",
           "x of the highest pixel of the filtered image"),
    Column("ypeak", "i4", "pix", "extent", "YPEAK_IMAGE", "pos.cartesian.y",
           "y of the highest pixel of the filtered image"),
    Column("cpeak", "f4", "adu", "extent", "", "phot.count;stat.max",
           "highest pixel of the filtered image"),
    Column("cflux", "f4", "adu", "extent", "", "phot.flux", "isophotal flux, filtered image"),
    Column("background", "f4", "adu", "background", "BACKGROUND", "instr.background",
           "background at x, y"),
    Column("threshold", "f4", "adu", "background", "THRESHOLD", "instr.sensitivity",
           "detection threshold above the background"),
    Column("mu_threshold", "f4", "mag.arcsec-2", "background", "MU_THRESHOLD",
           "phot.mag.sb;instr.sensitivity", "detection threshold as surface brightness"),
    Column("mu_max", "f4", "mag.arcsec-2", "background", "MU_MAX", "phot.mag.sb;stat.max",
           "surface brightness of the highest pixel"),
    *_fluxes("isocor", "flux_isocor", ";phys.area",
             "in the isophote, corrected for the wings of a Gaussian"),
    *(Column(f"iso{k}", "i4", "pix2", "areas", f"ISO{k}", "phys.area",
             f"pixels of the source over level {k} of 8 between threshold and peak")
      for k in range(8)),
    Column("fwhm_iso", "f4", "pix", "areas", "FWHM_IMAGE", "phys.angSize",
           "FWHM of the Gaussian that fits the pixels over a fifth of the peak, nan where "
           "there are too few"),
    Column("petro_radius", "f4", "", "petro", "PETRO_RADIUS", "phys.angSize",
           "Petrosian aperture in units of a and b, 0 where the least circle was used or the "
           "flux is not positive"),
    *_fluxes("petro", "flux_petro", "", "in the Petrosian ellipse"),
    Column("flux_radius", "f4", "pix", "radius", "FLUX_RADIUS", "phys.angSize",
           "radius that holds the given fraction of flux_auto", "flux_fractions"),
    Column("x_win", "f8", "pix", "win", "XWIN_IMAGE", "pos.cartesian.x;instr.det",
           "Gaussian-windowed position, first pixel is 0, nan where flag_win is not 0"),
    Column("y_win", "f8", "pix", "win", "YWIN_IMAGE", "pos.cartesian.y;instr.det",
           "Gaussian-windowed position, first pixel is 0, nan where flag_win is not 0"),
    Column("ra_win", "f8", "deg", "win", "ALPHAWIN_J2000", "pos.eq.ra",
           "right ascension of x_win, y_win (ICRS)"),
    Column("dec_win", "f8", "deg", "win", "DELTAWIN_J2000", "pos.eq.dec",
           "declination of x_win, y_win (ICRS)"),
    *_ellipse("win_shape", "_win", "WIN_IMAGE", "of the windowed profile"),
    *_ellipse("win_shape", "_win", "WIN_IMAGE", "of the windowed position", "err"),
    Column("niter_win", "i4", "", "win_shape", "", "meta.number",
           "iterations of the windowed position, 17 where it did not come to rest"),
    Column("flag_win", "i4", "", "win_shape", "", "meta.code.qual",
           "why windowed values are nan: 1 moments of a line, 2 a negative variance, 4 no "
           "positive flux, 8 the window left the source"),
    *_fluxes("win_flux", "flux_win", "", "in the Gaussian window"),
    Column("snr_win", "f4", "", "win_flux", "SNR_WIN", "stat.snr",
           "signal to noise in the Gaussian window"),
    *_position("peak_sky", "_peak", "PEAK", "the highest pixel"),
    *_position("world", "", "", "x, y"),
    *_ellipse("world", "_world", "_WORLD", "of the profile"),
    *_position_angles("world", "_world", "", "of the profile"),
    *_ellipse("world", "_world", "_WORLD", "of the position", "err"),
    *_position_angles("world", "_world", "", "of the position", "err"),
    Column("fwhm_world", "f4", "deg", "world", "FWHM_WORLD", "phys.angSize",
           "fwhm_iso on the sky"),
    Column("isoarea_world", "f4", "deg2", "world", "ISOAREA_WORLD", "phys.area",
           "tnpix on the sky"),
    Column("isoareaf_world", "f4", "deg2", "world", "ISOAREAF_WORLD", "phys.area",
           "npix on the sky"),
    *(column for column in _position("win_world", "_win", "WIN", "x_win, y_win")
      if column.name.startswith("l")),
    *_ellipse("win_world", "_win_world", "WIN_WORLD", "of the windowed profile"),
    *_position_angles("win_world", "_win_world", "WIN", "of the windowed profile"),
    *_ellipse("win_world", "_win_world", "WIN_WORLD", "of the windowed position", "err"),
    *_position_angles("win_world", "_win_world", "WIN", "of the windowed position", "err"),
    Column("flag_weight", "i4", "", "flags", "FLAGS_WEIGHT", "meta.code.qual",
           "bad pixels: 1 in the isophote, 2 in reach of the filter from it"),
    Column("imaflags_iso", "i4", "", "flags", "IMAFLAGS_ISO", "meta.code.qual",
           "flag image combined over the isophote"),
    Column("nimaflags_iso", "i4", "", "flags", "NIMAFLAGS_ISO", "meta.number",
           "pixels of the isophote that entered imaflags_iso"),
    Column("target", "str", "", "forced", "", "meta.id", "id of the target in the given list"),
    Column("flux_limit_aper", "f4", "adu", "forced", "", "phot.flux;stat.max",
           "upper limit: max(flux_aper, 0) + limit_sigma fluxerr_aper, if no pixel of the "
           "circle is bad, saturated or beyond the border", "apertures"),
    Column("mag_limit_aper", "f4", "mag", "forced", "", "phot.mag;stat.min",
           "magnitude of flux_limit_aper: the target is fainter", "apertures"),
    Column("background_local", "f4", "adu", "forced", "", "instr.background",
           "what was taken off a pixel, the sky of the annulus; 0 without one"),
    *_ours(_fluxes("forced_gauss", "flux_gauss", "", "of a Gaussian star of the given FWHM")),
    *_ours(_fluxes("forced_ellipse", "flux_ellipse", "", "in the ellipse of the list")),
    Column("assoc_id", "str", "", "assoc", "", "meta.id.cross",
           "id of the entry of the list that was taken, or of several the nearest"),
    Column("assoc_number", "i4", "", "assoc", "NUMBER_ASSOC", "meta.number",
           "entries of the list within the radius"),
    Column("assoc_distance", "f8", "pix", "assoc", "", "pos.angDistance",
           "distance of the entry assoc_id, nan for none"),
    Column("assoc", "f8", "", "assoc", "VECTOR_ASSOC", "stat.value",
           "what the list holds, 0 for none", "data_columns"),
    Column("x_psf", "f8", "pix", "psf", "XPSF_IMAGE", "pos.cartesian.x;instr.det",
           "x of the PSF fit, first pixel is 0, nan where it is lost"),
    Column("y_psf", "f8", "pix", "psf", "YPSF_IMAGE", "pos.cartesian.y;instr.det",
           "y of the PSF fit, first pixel is 0, nan where it is lost"),
    *_fluxes("psf", "flux_psf", "", "of the PSF fit"),
    Column("chi2_psf", "f4", "", "psf", "CHI2_PSF", "stat.fit.chi2",
           "reduced chi square of the PSF fit"),
    Column("spread_model", "f4", "", "psf", "SPREAD_MODEL", "src.class.starGalaxy",
           "how much wider than the PSF a source is, 0 for a star"),
    Column("spreaderr_model", "f4", "", "psf", "SPREADERR_MODEL", "stat.error;src.class.starGalaxy",
           "error of spread_model"),
    Column("vignet", "str", "adu", "vignet", "VIGNET", "phot.count",
           "pixels around the source without background; -1e30 for those of neighbours, bad ones "
           "and beyond the border", pixels="vignet_size"),
    Column("size_excess", "f4", "", "class", "", "src.class.starGalaxy",
           "half-light radius above that of the frame's point sources, in units of its scatter"),
    Column("detections", "i4", "", "unique", "", "meta.number",
           "detections of which this is the best measurement"),
    Column("ambiguous", "i4", "", "unique", "", "meta.code",
           "1 where there was a choice which detections belong together, else 0"),
)
