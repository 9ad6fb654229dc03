"""Sub-command ``simulate-spectra``: dispersed images whose every spectrum is known."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from preprocess.errors import CommandError

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = """\
example:
  python -m preprocess simulate-spectra bench-night --frames 3 --seed 1

DIR then holds long-slit images of two stars (slit-1.fits ...), one of a standard star
(standard.fits) with the table of its flux (standard.txt), the lamp (arc.fits: Ne and Ar), images
without slit (slitless-1.fits ...), the manifests slit.txt and slitless.txt, and truth.tsv: the
electrons of each star in each column, and their wavelengths.
"""

LAMPS = ("Ne", "Ar")
SECONDS = 60.0
_SKY, _LEVELS = 60.0, (6000.0, 1500.0)  # electrons
_ROWS = (62.3, 31.6)
_COLUMNS = ("image", "number", "column", "wavelength", "electrons")


def standard_flux(wavelengths: np.ndarray) -> np.ndarray:
    """Return the flux of the standard star, in erg/s/cm2/Angstrom."""
    return 2e-14 * 6000.0 / wavelengths


def simulate(directory: str, frames: int, seed: int) -> list[str]:
    """Write the images, manifests and tables; return the paths of the images.

    Parameters
    ----------
    directory : str
        It is made; files of the same names are replaced.
    frames : int
        Of each kind.
    seed : int
    """
    import numpy as np

    from preprocess.simulation import dispersed as made
    from preprocess.simulation.slitless import Slitless, slitless

    os.makedirs(directory, exist_ok=True)
    slit, camera = made.Instrument(), Slitless()
    broad = tuple((middle, depth, max(fwhm, 30.0)) for middle, depth, fwhm in made.STELLAR)
    paths: list[str] = []
    truth: list[tuple] = []

    def written(name, data, **cards):
        path = os.path.join(directory, name)
        _write(path, data, cards)
        paths.append(path)
        return path

    lamp = _lamp(slit, np.random.default_rng([seed, 0]))
    arc = written("arc.fits", lamp, OBJECT="lamp", GAIN=slit.gain, EXPTIME=5.0)
    known = {"WAVCENT": 5750.0, "WAVDISP": 4.05, "GAIN": slit.gain, "EXPTIME": SECONDS,
             "AIRMASS": 1.2}
    stars = [made.Star(row, level) for row, level in zip(_ROWS, _LEVELS)]
    lines = []
    for number in range(1, frames + 1):
        rng = np.random.default_rng([seed, number])
        shift = rng.normal(0, 0.5)
        seen = [replace(star, row=star.row + shift) for star in stars]
        path = written(f"slit-{number}.fits", made.long_slit(slit, seen, _SKY, rng, rays=5),
                       OBJECT="two stars", **known)
        lines.append(f"{path}\tarc={arc}\n")
        truth += [(path, k, star, slit) for k, star in enumerate(seen, 1)]
    _manifest(directory, "slit.txt", lines)
    star = made.Star(58.8, 30000.0)
    data = made.long_slit(slit, [star], _SKY, np.random.default_rng([seed, 0, 1]), rays=5)
    path = written("standard.fits", data, OBJECT="standard", **known)
    _manifest(directory, "standard-star.txt", [f"{path}\tarc={arc}\n"])
    truth.append((path, 1, star, slit))
    with open(os.path.join(directory, "standard.txt"), "w", encoding="utf-8") as table:
        wavelengths = np.arange(3000.0, 10001.0, 50.0)
        for wavelength, flux in zip(wavelengths, standard_flux(wavelengths)):
            table.write(f"{wavelength:.1f} {flux:.6e}\n")
    lines = []
    for number in range(1, frames + 1):
        rng = np.random.default_rng([seed, number, 2])
        one = replace(camera, zero=(camera.zero[0] + rng.uniform(-20, 20),
                                    camera.zero[1] + rng.uniform(-20, 20)))
        star = made.Star(0.0, 5000.0, broad)
        lines.append(written(f"slitless-{number}.fits", slitless(
            one, star, _SKY, rng, [(700, 60, 1e5), (900, 260, 3e5)], rays=5),
            OBJECT="star", GAIN=one.gain, EXPTIME=SECONDS) + "\n")
        truth.append((paths[-1], 1, star, one))
    _manifest(directory, "slitless.txt", lines)
    with open(os.path.join(directory, "truth.tsv"), "w", encoding="utf-8") as table:
        table.write("\t".join(_COLUMNS) + "\n")
        for path, number, star, instrument in truth:
            for row in _true_columns(star, instrument):
                table.write("\t".join(map(str, (path, number, *row))) + "\n")
    return paths


def _lamp(slit, rng):
    from mr_extract.spectra.line_lists import lamp_lines
    from preprocess.simulation.dispersed import arc

    wavelengths, strengths = lamp_lines(LAMPS)
    return arc(slit, zip(wavelengths, strengths * 30.0), rng)


def _true_columns(star, instrument):
    """Yield column, wavelength and electrons of a star, where there are any."""
    import numpy as np

    from preprocess.simulation import dispersed as made
    from preprocess.simulation.slitless import Slitless, order_electrons

    columns = instrument.shape[1]
    light = made.electrons(star, instrument.wavelength, columns, instrument.resolution)
    if isinstance(instrument, Slitless):
        light = light + instrument.second * order_electrons(instrument, star, 2)
    x = np.arange(columns)
    waves = instrument.wavelength(x)
    for column in x[light > 0]:
        yield int(column), round(float(waves[column]), 4), round(float(light[column]), 3)


def _write(path, data, cards):
    from astropy.io import fits

    from mr_extract.storage.output import written_whole

    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword] = value
    with written_whole(path) as unfinished:
        fits.PrimaryHDU(data, header).writeto(unfinished, overwrite=True)


def _manifest(directory, name, lines):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as manifest:
        manifest.writelines(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``simulate-spectra``."""
    parser.epilog = EXAMPLE
    parser.add_argument("directory", metavar="DIR", help="where to write")
    parser.add_argument("--frames", type=int, default=2, metavar="N",
                        help="images with a slit, and as many without (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1,
                        help="seed of everything random (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the images and say on stderr how many."""
    if args.frames < 1 or args.seed < 0:
        raise CommandError("needs at least one frame, and a seed of 0 or more")
    try:
        paths = simulate(args.directory, args.frames, args.seed)
    except OSError as error:
        raise CommandError(f"cannot write in {args.directory!r}: {error.strerror or error}"
                           ) from error
    print(f"{len(paths)} images -> {args.directory}", file=sys.stderr)
    return 0
