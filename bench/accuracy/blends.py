"""Where the two programs deal out the pixels of blends differently, as a picture."""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench.accuracy.comparison import LARGE, SETTINGS
from bench.accuracy.frames import data_folder, frames
from bench.machine import where
from bench.sextractor import SExtractor

SHOWN = ("GMOS", "2MASS")


def maps(data, header, folder):
    """Return the segmentation maps of both programs.

    Parameters
    ----------
    data : ndarray, shape (height, width)
    header : astropy.io.fits.Header
    folder : Path

    Returns
    -------
    ours, theirs : ndarray of int, shape (height, width)
    """
    from astropy.io import fits

    from mr_extract.detection.extraction import detect
    from mr_extract.images import Image
    from mr_extract.images.image import plane
    from mr_extract.planes.plane import ready

    fits.writeto(folder / "frame.fits", data, header, overwrite=True, output_verify="silentfix")
    program = SExtractor(folder, SETTINGS, **LARGE, CHECKIMAGE_TYPE="SEGMENTATION",
                         CHECKIMAGE_NAME=folder / "map.fits")
    subprocess.run(program.command(folder / "frame.fits"), cwd=folder, check=True, timeout=600)
    pixels, mask, _ = plane(data)
    one = ready(Image(np.array(pixels), {}, mask), SETTINGS)
    _, segments = detect(one.data, SETTINGS.detection, one.rms, one.mask)
    ours = segments.labels.copy()
    ours.ravel()[segments.absorbed] = segments.absorbed_by + 1
    return ours, fits.getdata(folder / "map.fits").astype(np.int64)


def elsewhere(ours, theirs):
    """Return which pixels belong to sources that are not each other's largest share."""
    both = (ours > 0) & (theirs > 0)
    pair = np.stack([ours[both], theirs[both]], 1)
    kinds, counts = np.unique(pair, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    partner = {}
    for k in order:
        partner.setdefault(int(kinds[k, 0]), int(kinds[k, 1]))
    expected = np.zeros(ours.max() + 1, np.int64)
    for mine, its in partner.items():
        expected[mine] = its
    return both & (expected[ours] != theirs)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench blends", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(SHOWN), figsize=(10, 5), layout="constrained")
    chosen = [shot for shot in frames(options.data) if shot.name in SHOWN]
    chosen.sort(key=lambda shot: SHOWN.index(shot.name))
    for axis, shot in zip(axes, chosen):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = maps(shot.data, shot.header, Path(folder))
        apart = elsewhere(ours, theirs)
        rows, columns = _busiest(apart)
        picture = np.full((*ours.shape, 3), 255, np.uint8)
        picture[ours > 0] = (190, 205, 220)
        picture[(ours > 0) != (theirs > 0)] = (245, 190, 60)
        picture[apart] = (200, 40, 40)
        axis.imshow(picture[rows, columns], origin="lower", interpolation="nearest",
                    extent=(columns.start, columns.stop, rows.start, rows.stop))
        axis.set_title(f"{shot.name}: {100 * apart.sum() / (ours > 0).sum():.1f} % of the pixels "
                       f"of sources\nbelong to another one, "
                       f"{100 * ((ours > 0) != (theirs > 0)).mean():.2f} % of all to none", size=9)
    figure.savefig(options.output, dpi=80, metadata={"Description": f"Made on: {where()}"})


def _busiest(apart, size=400):
    """Return the window of the picture with most differences."""
    best = max(((j, i) for j in range(0, max(apart.shape[0] - size, 0) + 1, size // 4)
                for i in range(0, max(apart.shape[1] - size, 0) + 1, size // 4)),
               key=lambda at: apart[at[0]:at[0] + size, at[1]:at[1] + size].sum())
    return tuple(slice(start, min(start + size, n)) for start, n in zip(best, apart.shape))
