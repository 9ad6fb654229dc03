"""The table of SExtractor's configuration keywords, and what becomes of each here.

Defaults are those that SExtractor takes for a keyword that a file does not have,
which its ``default.sex`` may contradict (DETECT_MINAREA is 3 there and 5 here).
"""

from dataclasses import dataclass

from mr_extract.sextractor import meanings as m
from mr_extract.sextractor.values import FLAG, NAME, NUMBER, WHOLE, words


@dataclass(frozen=True)
class Keyword:
    """One keyword.

    Parameters
    ----------
    name : str
    kind : mr_extract.sextractor.values.Kind
        What each of its values is.
    count : (int, int)
        Least and greatest number of values.
    default : str
        What SExtractor takes where the keyword is not set.
    why : str
        How it is taken here, why it does not matter, or why it is refused.
    to : callable, optional
        Takes `Values`, and returns settings; without it the keyword sets nothing.
    refuse : callable, optional
        Takes `Values`, and returns the reason for which its value is refused, or "".
    """

    name: str
    kind: object
    count: tuple
    default: str
    why: str
    to: object = None
    refuse: object = None

    @property
    def fate(self) -> str:
        """``mapped``, ``refused`` (for values of consequence) or ``irrelevant``."""
        return "mapped" if self.to else "refused" if self.refuse else "irrelevant"


K = Keyword
ONE, PAIR, TWO, MANY, ANY = (1, 1), (1, 2), (2, 2), (1, 32), (0, 32)
_NO_CLASS = "only CLASS_STAR needs it, which is not here"
_NO_PSF = "only PSF and model parameters need it, which are refused by name"
_MEMORY = "memory is taken as an image needs it"
_NO_XML = "the #config and #image lines of the catalog say how it was made"

KEYWORDS = {k.name: k for k in (
    K("ANALYSIS_THRESH", NUMBER, PAIR, "1.5", "analysis_thresh, where a parameter depends on it; "
      "a surface brightness as in DETECT_THRESH", m.analysis_threshold, m.no_analysis_threshold),
    K("ASSOC_DATA", WHOLE, MANY, "2 3 4", "assoc_data; 0 is refused", m.assoc_data, m.all_data),
    K("ASSOC_NAME", NAME, ONE, "sky.list", "assoc, where VECTOR_ASSOC or NUMBER_ASSOC is asked "
      "for", m.assoc_name),
    K("ASSOC_PARAMS", WHOLE, (2, 3), "2 3 4", "assoc_params", m.assoc_params),
    K("ASSOC_RADIUS", NUMBER, ONE, "2.0", "assoc_radius", m.if_assoc("assoc_radius")),
    K("ASSOC_TYPE", words("FIRST NEAREST MEAN MAG_MEAN SUM MAG_SUM MIN MAX"), ONE, "NEAREST",
      "assoc_type", m.if_assoc("assoc_type", str.lower)),
    K("ASSOCCOORD_TYPE", words("PIXEL WORLD"), ONE, "PIXEL", "assoc_coord; WORLD is sky",
      m.if_assoc("assoc_coord", {"PIXEL": "pixel", "WORLD": "sky"}.get)),
    K("ASSOCSELEC_TYPE", words("ALL MATCHED -MATCHED"), ONE, "MATCHED",
      "assoc_selection; -MATCHED is unmatched",
      m.if_assoc("assoc_selection",
                 {"ALL": "all", "MATCHED": "matched", "-MATCHED": "unmatched"}.get)),
    K("BACK_FILTERSIZE", WHOLE, PAIR, "3", "fw, fh", m.pair("fw", "fh")),
    K("BACK_FILTTHRESH", NUMBER, ONE, "0.0", "fthresh", m.one("fthresh")),
    K("BACK_PEARSON", NUMBER, ONE, "2.5", "new in 2.28; another factor than 2.5 is refused: "
      "sep has that one",
      refuse=m.other_than("2.5", "sep takes the mode for 2.5 median - 1.5 mean")),
    K("BACKPHOTO_THICK", WHOLE, ONE, "24", "only BACKPHOTO_TYPE LOCAL needs it"),
    K("BACKPHOTO_TYPE", words("GLOBAL LOCAL"), ONE, "GLOBAL", "LOCAL is refused",
      refuse=m.other_than("GLOBAL", "a background around each source is not measured")),
    K("BACK_SIZE", WHOLE, PAIR, "64", "bw, bh", m.pair("bw", "bh")),
    K("BACK_TYPE", words("AUTO MANUAL"), PAIR, "AUTO", "back_type; two different ones are refused",
      m.one("back_type", str.lower), m.two_different),
    K("BACK_VALUE", NUMBER, PAIR, "0.0", "back_value; two different ones are refused where "
      "BACK_TYPE is MANUAL", m.one("back_value"), m.two_values),
    K("CATALOG_NAME", NAME, ONE, "test.cat", "--catalog names the one catalog of all images"),
    K("CATALOG_TYPE", words("NONE ASCII ASCII_HEAD ASCII_SKYCAT ASCII_VOTABLE FITS_LDAC FITS_TPX "
                            "FITS_1.0"), ONE, "ASCII_HEAD",
      "--catalog-type chooses the format, and so does python -m mr_extract.sextractor afterwards"),
    K("CHECKIMAGE_NAME", NAME, ANY, "check.fits", "--checkimage-dir says where check images go, "
      "which are named after the images"),
    K("CHECKIMAGE_TYPE", NAME, ANY, "NONE", "--checkimage, which stands above it: none for none; "
      "kinds that are not made here are refused", m.elsewhere, m.check_images),
    K("CLEAN", FLAG, ONE, "Y", "clean", m.one("clean")),
    K("CLEAN_PARAM", NUMBER, ONE, "1.0", "clean_param", m.one("clean_param")),
    K("DEBLEND_MINCONT", NUMBER, ONE, "0.005", "deblend_cont", m.one("deblend_cont")),
    K("DEBLEND_NTHRESH", WHOLE, ONE, "32", "deblend_nthresh", m.one("deblend_nthresh")),
    K("DETECT_MAXAREA", WHOLE, ONE, "0", "maxarea", m.one("maxarea")),
    K("DETECT_MINAREA", WHOLE, ONE, "5", "minarea", m.one("minarea")),
    K("DETECT_THRESH", NUMBER, PAIR, "1.5", "thresh; a surface brightness and a zero point become "
      "an absolute threshold with PIXEL_SCALE, and are refused where that is 0",
      m.threshold, m.unknown_scale),
    K("DETECT_TYPE", words("CCD PHOTO"), ONE, "CCD", "PHOTO is refused",
      refuse=m.other_than("CCD", "photographic plates are not linear, and taken for linear here")),
    K("DGEO_IMAGE", NAME, ONE, "dgeo.fits", "see DGEO_TYPE"),
    K("DGEO_TYPE", words("NONE PIXEL"), ONE, "NONE", "PIXEL is refused",
      refuse=m.other_than("NONE", "differential geometry maps are not applied")),
    K("FILTER", FLAG, ONE, "Y", "filter_kernel none for N", m.no_filter),
    K("FILTER_NAME", NAME, ONE, "default.conv", "filter_kernel, by its contents; neural filters "
      "and CONV NONORM with another sum than 1 are refused", m.elsewhere),
    K("FILTER_THRESH", NUMBER, (0, 2), "", "refused", refuse=m.any_value(
        "thresholds for neural filters are not known here")),
    K("FITS_UNSIGNED", FLAG, ONE, "N", "Y is refused",
      refuse=m.other_than("N", "integers are read as the FITS standard has them")),
    K("FLAG_IMAGE", NAME, ANY, "flag.fits", "flag_image, where IMAFLAGS_ISO or NIMAFLAGS_ISO is "
      "asked for; several are refused", m.flag_image, m.several_flags),
    K("FLAG_TYPE", words("OR AND MIN MAX MOST"), ANY, "OR", "flag_type; several are refused",
      m.one("flag_type", str.lower), m.two_different),
    K("GAIN", NUMBER, ONE, "0.0", "gain", m.one("gain")),
    K("GAIN_KEY", NAME, ONE, "GAIN", "gain_key", m.one("gain_key")),
    K("HEADER_SUFFIX", NAME, ONE, ".head", "external headers are not read; another suffix than "
      ".head is refused, as somebody chose it",
      refuse=m.other_than(".head", "external headers are not read")),
    K("INTERP_MAXXLAG", WHOLE, PAIR, "16", "interp_maxlag, 0 where INTERP_TYPE is NONE", m.lag,
      m.two_different),
    K("INTERP_MAXYLAG", WHOLE, PAIR, "16", "INTERP_MAXXLAG serves both axes"),
    K("INTERP_TYPE", words("NONE VAR_ONLY ALL"), PAIR, "ALL", "see INTERP_MAXXLAG; VAR_ONLY is "
      "refused with a weight map", m.elsewhere, m.interpolation),
    K("MAG_GAMMA", NUMBER, ONE, "4.0", "only DETECT_TYPE PHOTO needs it"),
    K("MAG_ZEROPOINT", NUMBER, ONE, "0.0", "zero_point", m.one("zero_point")),
    K("MASK_TYPE", words("NONE BLANK CORRECT"), ONE, "CORRECT", "neighbours",
      m.one("neighbours", str.lower)),
    K("MEMORY_BUFSIZE", WHOLE, ONE, "1024", _MEMORY),
    K("MEMORY_OBJSTACK", WHOLE, ONE, "3000", _MEMORY),
    K("MEMORY_PIXSTACK", WHOLE, ONE, "300000", _MEMORY),
    K("NTHREADS", WHOLE, ONE, "0", "--jobs says how many processes work"),
    K("PARAMETERS_NAME", NAME, ONE, "default.param", "columns, by its contents", m.elsewhere),
    K("PATTERN_TYPE", NAME, ONE, "RINGS-HARMONIC", _NO_PSF),
    K("PHOT_APERTURES", NUMBER, MANY, "5", "apertures", m.many("apertures")),
    K("PHOT_AUTOAPERS", NUMBER, TWO, "0.0 0.0", "kron_search_diameter, kron_min_diameter",
      m.pair("kron_search_diameter", "kron_min_diameter")),
    K("PHOT_AUTOPARAMS", NUMBER, TWO, "2.5 3.5", "kron_factor, kron_min_radius",
      m.pair("kron_factor", "kron_min_radius")),
    K("PHOT_FLUXFRAC", NUMBER, MANY, "0.5", "flux_fractions", m.many("flux_fractions")),
    K("PHOT_PETROPARAMS", NUMBER, TWO, "2.0 3.5", "petro_factor, petro_min_radius",
      m.pair("petro_factor", "petro_min_radius")),
    K("PIXEL_SCALE", NUMBER, ONE, "1.0", "pixel_scale", m.one("pixel_scale")),
    K("PSF_NAME", NAME, PAIR, "default.psf", "psf_image, where a parameter of its fit is asked "
      "for; two different ones are refused", m.psf_image, m.several_psfs),
    K("PSF_NMAX", WHOLE, ONE, "1", "one star is fitted to a source; more are refused where "
      "parameters of the fit are asked for", refuse=m.several_stars),
    K("RESCALE_WEIGHTS", FLAG, PAIR, "Y", "rescale_weights; two different ones are refused",
      m.one("rescale_weights"), m.two_different),
    K("SATUR_KEY", NAME, ONE, "SATURATE", "satur_key", m.one("satur_key")),
    K("SATUR_LEVEL", NUMBER, ONE, "50000.0", "satur_level", m.one("satur_level")),
    K("SEEING_FWHM", NUMBER, ONE, "1.2", _NO_CLASS),
    K("SOM_NAME", NAME, ONE, "default.som", "only SOMFIT parameters need it, which are refused"),
    K("STARNNW_NAME", NAME, ONE, "default.nnw", _NO_CLASS),
    K("THRESH_TYPE", words("RELATIVE ABSOLUTE"), PAIR, "RELATIVE", "thresh_type",
      m.threshold_type),
    K("VERBOSE_TYPE", words("QUIET NORMAL EXTRA_WARNINGS FULL"), ONE, "NORMAL",
      "--quiet and --verbose say how much is said"),
    K("WEIGHT_GAIN", FLAG, ONE, "Y", "weight_gain", m.one("weight_gain")),
    K("WEIGHT_IMAGE", NAME, ANY, "weight.fits", "weight_image, where WEIGHT_TYPE needs one: a "
      "file for all images, or a rule of naming; two are fields of a line", m.weight_image,
      m.several_weights),
    K("WEIGHT_THRESH", NUMBER, (0, 2), "", "weight_thresh; two different ones are refused",
      m.weight_threshold, m.two_different),
    K("WEIGHT_TYPE", words("NONE BACKGROUND MAP_RMS MAP_VAR MAP_WEIGHT"), ANY, "NONE",
      "weight_type; two different ones are fields of a line", m.weight_type, m.several_types),
    K("WRITE_XML", FLAG, ONE, "N", _NO_XML),
    K("XML_NAME", NAME, ONE, "sex.xml", _NO_XML),
    K("XSL_URL", NAME, ONE, "sextractor.xsl", _NO_XML),
)}
