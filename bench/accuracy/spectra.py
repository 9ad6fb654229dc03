"""Spectra of SPRAT at the Liverpool Telescope, beside the reduction that ASPIRED has published."""

import argparse
from pathlib import Path

import numpy as np

from bench.accuracy.frames import data_folder
from bench.machine import where
from bench.report import Section, give, takes_output

SPRAT = Path("e", "sprat")
LAMP = "v_a_20180810_13_1_0_1.fits.gz"
STARS = tuple(f"v_e_20180810_12_{k}_0_0.fits.gz" for k in range(1, 6))
STANDARD = "v_s_20180810_27_1_0_0.fits.gz"
FIRST = 50  # column at which the published spectra begin
#: Where the standard and the stars have light enough, in columns of the published spectra.
BRIGHT = slice(200, 960)
NIGHT = (5577.34, 6300.30)
#: Of hydrogen, of sodium between the stars (two lines as one) and of helium in the standard.
ABSORBED = (4861.33, 5892.94, 6562.79, 6678.15)
EXPECTED = "example_01_a_{}.fits"


def reduced(folder, names):
    """Return the spectra of frames: a list of those of each, as `spectra_of` has them."""
    from mr_extract.frames.spectra import spectra_of
    from mr_extract.images import read_image
    from mr_extract.settings.spectra import SpectraSettings

    settings = SpectraSettings().updated(objects=2, lamps=("Xe",), wavelength_degree=4)
    lamp = read_image((folder / LAMP).read_bytes())
    return [spectra_of(read_image((folder / name).read_bytes()), settings, lamp, None, None)
            for name in names]


def published(folder, name):
    """Return the counts of a published spectrum, from column `FIRST` on."""
    from astropy.io import fits

    return fits.getdata(folder / "expected" / EXPECTED.format(name), 3).astype(float)


def by_sensitivity(folder, number):
    """Return the counts of a published flux: it is over its sensitivity."""
    table = np.loadtxt(folder / "expected" / f"example_01_a_full_reduction_flux_{number}.csv",
                       delimiter=",")
    return (table[:, 0] / table[:, 3])[FIRST:]


def shape_of(ours, theirs):
    """Return the ratio of two spectra over its median, in steps of 20 columns."""
    ratio = (ours[FIRST:] / theirs)[BRIGHT]
    steps = np.array([np.median(part) for part in np.array_split(ratio, len(ratio) // 20)])
    return steps / np.median(ratio)


def place_of(wavelength, light, line):
    """Return where a line of the night is, in Angstrom."""
    near = np.abs(wavelength - line) < 25
    part = light[near] - np.median(light[np.abs(wavelength - line) < 120])
    part = np.where(part > part.max() / 4, part, 0)
    return float((wavelength[near] * part).sum() / part.sum())


def place_of_absorbed(wavelength, light, line):
    """Return where a line of absorption is, in Angstrom."""
    near = np.abs(wavelength - line) < 60
    waves, part = wavelength[near], light[near]
    beside = np.abs(waves - line) > 25
    level = np.polyval(np.polyfit(waves[beside], part[beside], 1), waves)
    depth = np.where(np.abs(waves - line) < 18, 1 - part / level, 0.0)
    depth = np.where(depth > depth.max() / 3, depth, 0.0)
    return float((waves * depth).sum() / depth.sum())


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench spectra", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), metavar="DIR",
                        help="folder of real frames")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE")
    takes_output(parser)
    options = parser.parse_args(arguments)
    folder = options.data / SPRAT
    frames = reduced(folder, STARS)
    (standard,), = reduced(folder, [STANDARD])
    stars = [np.median([frame[k].extracted.flux for frame in frames], axis=0) for k in (0, 1)]
    pairs = {
        "Hiltner 102": (standard.extracted.flux,
                        {"2023": published(folder, "full_reduction_standard")}),
        "LHS 6328": (stars[0], {
            "2020": by_sensitivity(folder, 1),
            "2021": published(folder, "science_traces_trace+count_1"),
            "2023": published(folder, "full_reduction_science_1")}),
        "the fainter star": (stars[1], {
            "2021": published(folder, "science_traces_trace+count_0"),
            "2023": published(folder, "full_reduction_science_0")}),
    }
    give([_beside_specreduce(), _fluxes(pairs), _wavelengths(frames, standard)], options.output)
    _drawn(pairs, frames[0][0], options.picture)
    return 0


def _beside_specreduce():
    """Return the section on one simulated frame, extracted in several ways."""
    import astropy.units as u
    from astropy.nddata import NDData, VarianceUncertainty
    from specreduce import __version__
    from specreduce.extract import BoxcarExtract, HorneExtract
    from specreduce.tracing import ArrayTrace

    from mr_extract.frames.spectra import spectra_of
    from mr_extract.images import Image
    from mr_extract.settings.spectra import SpectraSettings
    from preprocess.simulation.dispersed import Instrument, Star, across, electrons, long_slit

    slit, star, settings = Instrument(trace=(0.0, 5e-4)), Star(), SpectraSettings()
    data = long_slit(slit, [star], 60.0, np.random.default_rng(10))
    x = np.arange(slit.shape[1])
    spectrum, = spectra_of(Image(data, {"GAIN": slit.gain}), settings, None, None, None)
    truth = electrons(star, slit.wavelength, len(x), slit.resolution) / slit.gain
    shares = across(len(data), star.row + slit.row(x), slit.seeing)
    variance = (spectrum.sky - slit.bias + shares * truth) / slit.gain + (
        slit.read_noise / slit.gain) ** 2
    light = data - spectrum.sky
    image = NDData(light, unit=u.adu, uncertainty=VarianceUncertainty(variance),
                   mask=np.zeros(light.shape, bool))
    trace = ArrayTrace(light, spectrum.trace.curve(x))
    weights = shares / variance
    ours = spectrum.extracted
    ways = {
        "ours, weighted": ours.flux,
        "ours, in the aperture": ours.aperture_flux,
        "specreduce, Horne, Gaussian": HorneExtract(image, trace).spectrum.flux.value,
        "specreduce, Horne, interpolated profile": HorneExtract(
            image, trace, spatial_profile="interpolated_profile").spectrum.flux.value,
        "specreduce, boxcar": BoxcarExtract(image, trace, width=spectrum.aperture
                                            ).spectrum.flux.value,
        "weighted by the true profile and noise": (weights * light).sum(axis=0) / (
            weights * shares).sum(axis=0),
    }
    section = Section(
        "Beside specreduce", f"A simulated star of S/N {spectrum.snr:.0f} a column, 1,000 columns, "
        f"trace and sky the same for all; specreduce {__version__} is given the true variance. "
        "Scatter of the flux about the true one in our error, and the mean of flux over truth.",
        ("flux", "scatter", "mean"))
    for name, flux in ways.items():
        section.add(name, f"{np.std((flux - truth) / ours.error):.2f}",
                    f"{np.mean(flux / truth):.4f}")
    return section


def _fluxes(pairs):
    section = Section(
        "Shape of the flux", "Counts of columns 250 to 1010 over the published ones of different "
        "years, in steps of 20 columns, over their median: the largest differences from 1, below "
        "and above, and the rms. The last rows are the published ones of 2021 over those of 2023.",
        ("spectrum", "published", "least", "greatest", "rms"))
    for name, (ours, theirs) in pairs.items():
        for year, counts in theirs.items():
            section.add(f"{name}, ours", year, *_range(shape_of(ours, counts)))
    for name, (_, theirs) in pairs.items():
        if "2021" in theirs:
            other = np.concatenate([np.zeros(FIRST), theirs["2021"]])
            section.add(f"{name}, of 2021", "2023", *_range(shape_of(other, theirs["2023"])))
    return section


def _range(shape):
    return (f"{100 * (shape.min() - 1):.1f} %", f"{100 * (shape.max() - 1):+.1f} %",
            f"{100 * np.sqrt(np.mean((shape - 1) ** 2)):.1f} %")


def _wavelengths(frames, standard):
    star = frames[0][0]
    section = Section(
        "Wavelengths of SPRAT", "Where our spectra have lines of the night (the sky beside LHS "
        "6328) and of absorption (Hiltner 102), less where they are in air, in Angstrom; a pixel "
        f"is 4.7. The lamp has {star.lines_used} lines, with an rms of {star.wave_rms:.2f}. A star "
        "that is not in the middle of the slit, and its velocity, shift its lines alike.",
        ("line", "away"))
    night = np.mean([frame[0].sky for frame in frames], axis=0)
    for line in NIGHT:
        section.add(f"night, {line}", f"{place_of(star.wavelength, night, line) - line:+.2f}")
    for line in ABSORBED:
        away = place_of_absorbed(standard.wavelength, standard.extracted.flux, line) - line
        section.add(f"star, {line}", f"{away:+.2f}")
    return section


def _drawn(pairs, star, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(11, 6), layout="constrained", sharex=True,
                                   height_ratios=(2, 1))
    waves = star.wavelength[FIRST:]
    for column, name in enumerate(("Hiltner 102", "LHS 6328")):
        ours, theirs = pairs[name]
        top, below = axes[:, column]
        for shade, (year, counts) in zip(("C0", "C1", "C2"), theirs.items()):
            factor = np.median((ours[FIRST:] / counts)[BRIGHT])
            top.plot(waves, factor * counts, color=shade, lw=0.8, label=f"ASPIRED, {year}")
            below.plot(waves[BRIGHT], (ours[FIRST:] / counts)[BRIGHT] / factor, color=shade, lw=0.6)
        top.plot(waves, ours[FIRST:], color="black", lw=0.6, label="ours")
        for line, what in ((6867, "O2"), (7594, "O2"), (6562.8, "H"), (4861.3, "H")):
            top.axvline(line, color="0.85", zorder=0)
            top.text(line, 1.0, what, transform=top.get_xaxis_transform(), size=7, ha="center")
        top.set(title=f"{name}\n", ylabel="counts")
        top.legend(fontsize=8)
        below.axhline(1.0, color="0.6", zorder=0)
        below.set(ylim=(0.8, 1.2), xlabel="wavelength (Angstrom)",
                  ylabel="ours over the published")
    figure.savefig(path, dpi=80, metadata={"Description": f"Made on: {where()}"})
