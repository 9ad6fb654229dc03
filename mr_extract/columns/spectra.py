"""The columns of spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mr_extract.columns.column import Column

if TYPE_CHECKING:
    from mr_extract.settings.spectra import SpectraSettings

# Bits of a row's flag.
UNREFINED, NO_LAMP, ONE_SIDED, SATURATED, GAPS, CUT, BEYOND_LINES, NO_GAIN = (
    1, 2, 4, 8, 16, 32, 64, 128)
FLAGS = {
    UNREFINED: "no line told the distance of the grating: wavelengths are those of the one given",
    NO_LAMP: "no lamp told the wavelengths: they are those of the guess, or nan",
    ONE_SIDED: "where the sky is measured has too few pixels on one side, in a tenth of the "
               "columns or more: there it is level",
    SATURATED: "a pixel in the aperture is saturated",
    GAPS: "in some columns the flux is nan: too little of the light falls on good pixels, or "
          "there is no sky",
    CUT: "the aperture reaches over the border of the image",
    BEYOND_LINES: "more than a fifth of the columns lie beyond the outermost lines of the lamp",
    NO_GAIN: "no gain is known: errors are without the photon noise of the object",
}


def _column(name, dtype, unit, ucd, description):
    return Column(name, dtype, unit, "spectra", "", ucd, description)


_BEGIN = (
    Column("image", "str", "", "key", "", "meta.id;obs.image", "id of the image"),
    Column("number", "i4", "", "key", "", "meta.number", "number of the spectrum in the image, "
           "the brightest object or the first order being 1"),
    _column("order", "i4", "", "instr.order", "order of the grating, 1 of a slit"),
    _column("flag", "i4", "", "meta.code.qual", "what is wrong, as a sum of bits"),
    _column("x", "f8", "pix", "pos.cartesian.x", "middle of the spectrum"),
    _column("y", "f8", "pix", "pos.cartesian.y", "middle of the spectrum"),
    _column("x_zero", "f8", "pix", "pos.cartesian.x", "zero order, nan of a slit"),
    _column("y_zero", "f8", "pix", "pos.cartesian.y", "zero order, nan of a slit"),
    _column("first", "i4", "pix", "pos.cartesian;stat.min", "first pixel along the dispersion"),
    _column("last", "i4", "pix", "pos.cartesian;stat.max", "last pixel along it"),
)
_END = (
    _column("trace_rms", "f8", "pix", "stat.stdev", "scatter of the measured places about the "
            "trace"),
    _column("trace_points", "i4", "", "meta.number", "measured places on it"),
    _column("seeing", "f8", "pix", "instr.obsty.seeing", "FWHM of the light across"),
    _column("seeing_sky", "f8", "arcsec", "instr.obsty.seeing", "the same on the sky"),
    _column("aperture", "f8", "pix", "instr.param", "width of the aperture"),
    _column("wave_min", "f8", "Angstrom", "em.wl;stat.min", "least wavelength, in air"),
    _column("wave_max", "f8", "Angstrom", "em.wl;stat.max", "greatest wavelength"),
    _column("dispersion", "f8", "Angstrom/pix", "spect.dispersion", "in the middle"),
    _column("wave_rms", "f8", "Angstrom", "stat.stdev;em.wl", "scatter of known lines about the "
            "wavelengths"),
    _column("wave_rms_pix", "f8", "pix", "stat.stdev", "the same in pixels"),
    _column("lines_found", "i4", "", "meta.number", "lines that stand out in the lamp, or the "
            "spectrum of a slitless image"),
    _column("lines_used", "i4", "", "meta.number", "known lines that tell the wavelengths"),
    _column("resolution", "f8", "Angstrom", "spect.resolution", "FWHM of a line of the lamp"),
    _column("grating_distance", "f8", "mm", "instr.param", "from the sensor, as lines tell it"),
    _column("snr", "f8", "", "stat.snr", "median of flux over error"),
    _column("flux", "f8", "adu", "phot.flux;stat.median", "median flux a pixel along the "
            "dispersion"),
    _column("sky", "f8", "adu", "instr.background;stat.median", "median sky a pixel"),
    _column("sky_rms", "f8", "adu", "instr.background;stat.stdev", "its scatter from pixel to "
            "pixel"),
    _column("rays", "i4", "", "meta.number", "pixels that were left out as cosmic rays"),
    _column("bad", "i4", "", "meta.number", "pixels along the dispersion without flux"),
    _column("exptime", "f8", "s", "time.duration;obs.exposure", "exposure, as the header has it"),
    _column("airmass", "f8", "", "obs.airMass", "airmass, as the header has it"),
    _column("gain", "f8", "electron/adu", "instr.param", "gain that was used, 0 for none"),
    _column("file", "str", "", "meta.id;meta.file", "file of the spectrum; - for none"),
)


def columns_for(config: SpectraSettings) -> dict[str, Column]:
    """Return the columns that a catalog gets: the trace has as many as its degree says.

    Parameters
    ----------
    config : mr_extract.settings.spectra.SpectraSettings
    """
    trace = [_column(f"trace_{k}", "f8", "pix", "pos.cartesian",
                     "place across the dispersion: coefficient of t, from -1 at the first to 1 at "
                     f"the last pixel, to the power of {k}")
             for k in range(config.geometry.trace_degree + 1)]
    return {column.name: column for column in (*_BEGIN, *trace, *_END)}
