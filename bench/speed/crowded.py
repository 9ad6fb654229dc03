"""How the time of a frame grows with its sources, up to a crowded field."""

from functools import partial
from time import process_time

import numpy as np

from bench import sextractor
from bench.processes import run
from bench.report import Section, middle

STARS = (6_000, 12_000, 25_000, 57_000)
SIZE, QUICK_SIZE = 4096, 1024
FWHM, SKY, NOISE = 3.0, 1000.0, 5.0
COLUMNS = {"`default`": ("default",), "`default,radius`": ("default", "radius")}


def measure(night, rounds):
    """Return the section on crowded fields."""
    import sep
    from astropy.io import fits

    from mr_extract.frames.measuring import measure_image
    from mr_extract.images import Image, read_image
    from mr_extract.planes.background import subtract_background
    from mr_extract.settings.config import Config

    quick = night.pixels < 10**6
    size, rounds = (QUICK_SIZE, 1) if quick else (SIZE, min(rounds, 3))
    section = Section(
        "Crowded fields",
        f"Simulated stars (FWHM {FWHM:g} pixels, magnitudes over six) on {size} x {size} pixels, "
        f"CPU seconds, medians of {rounds}. `sep` is its background and its detection, without "
        "and with its own cleaning. SExtractor is its program with its default `MASK_TYPE`, which "
        "reads a file and writes a text catalog; the ratio is that of our kernels, with the "
        "file's reading, to it.",
        ("sources", "sep, s", "sep that cleans, s", *(f"{title}, s" for title in COLUMNS),
         *(f"{what}, {title}" for title in COLUMNS for what in ("SExtractor, s", "ratio"))),
    )
    config = Config()
    kernel = np.array(config.detection.filter_kernel, np.float32)

    def by_sep(data, clean):
        mesh = subtract_background(data, config.background)
        sep.set_extract_pixstack(size * size // 4)
        return sep.extract(data, 1.5, err=mesh.globalrms, filter_kernel=kernel,
                           filter_type="conv", clean=clean)

    def by_us(data, columns):
        return measure_image(Image(data), config.updated(columns=columns))

    path = night.folder / "crowded.fits"
    programs = {}
    if sextractor.PROGRAM:
        programs = {title: sextractor.SExtractor(night.folder, config.updated(columns=columns))
                    for title, columns in COLUMNS.items()}

    def with_reading(title):
        start = process_time()
        by_us(read_image(path.read_bytes()).data, COLUMNS[title])
        return process_time() - start

    ways = {"sep": partial(by_sep, clean=False), "clean": partial(by_sep, clean=True)}
    ways |= {title: partial(by_us, columns=columns) for title, columns in COLUMNS.items()}
    measure_image(Image(field(QUICK_SIZE, 100)), config)  # imports, first pages
    for stars in STARS:
        image = field(size, int(stars * (size / SIZE) ** 2))
        times = {title: [] for title in ways}
        fits.PrimaryHDU(image).writeto(path, overwrite=True)
        theirs, ratios = ({title: [] for title in programs} for _ in range(2))
        for _ in range(rounds):
            for title, way in ways.items():
                data, start = image.copy(), process_time()
                sources = way(data)
                times[title].append(process_time() - start)
            for title, program in programs.items():
                theirs[title].append(run(program.command(path)).cpu)
                ratios[title].append(with_reading(title) / theirs[title][-1])
        seconds, n = {title: middle(values) for title, values in times.items()}, len(sources)
        section.add(f"{n:,}", *(f"{value:.2f}" for value in seconds.values()),
                    *(f"{middle(each[title]):.2f}" if programs else "" for title in COLUMNS
                      for each in (theirs, ratios)))
        for title in programs:
            section.note(f"{stars} stars, of SExtractor, {title}", middle(ratios[title]))
        section.note(f"{stars} stars, of sep that cleans", seconds["`default`"] / seconds["clean"])
    return section


def field(size, stars, seed=1):
    """Return an image of stars on a noisy sky.

    Parameters
    ----------
    size : int
        Pixels on a side.
    stars : int
        How many; their magnitudes are spread evenly over six.
    seed : int

    Returns
    -------
    ndarray of float32, shape (size, size)
    """
    rng = np.random.default_rng(seed)
    image = rng.normal(SKY, NOISE, (size, size)).astype(np.float32)
    x, y = rng.uniform(0, size, (2, stars))
    flux = 600.0 * 10 ** (0.4 * rng.uniform(0, 6, stars))
    sigma, reach = FWHM / 2.3548, 12
    step = np.arange(-reach, reach + 1)
    i, j = np.rint(x).astype(int), np.rint(y).astype(int)
    along_x = np.exp(-0.5 * ((i - x)[:, None] + step) ** 2 / sigma**2)
    along_y = np.exp(-0.5 * ((j - y)[:, None] + step) ** 2 / sigma**2)
    flux /= 2 * np.pi * sigma**2
    padded = np.pad(image, reach + 1)
    for k in range(stars):
        v, u = j[k] + 1, i[k] + 1
        padded[v:v + 2 * reach + 1, u:u + 2 * reach + 1] += (
            flux[k] * along_y[k][:, None] * along_x[k]
        ).astype(np.float32)
    return np.ascontiguousarray(padded[reach + 1:-reach - 1, reach + 1:-reach - 1])
