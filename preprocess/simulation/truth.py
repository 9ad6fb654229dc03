"""Tables of what is truly on the frames, and their tab-separated text.

Pixels are 0-based: the centre of the first pixel is (0, 0).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from preprocess.simulation.detector import DEFECT


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, numpy type, format of its text, and meaning."""

    name: str
    dtype: str
    text: str
    meaning: str


#: The columns of ``truth.tsv`` after the first, ``image``, which is the id in the manifest.
TRUTH_COLUMNS = (
    Column("frame", "i8", "%d", "number of the frame, from 0"),
    Column("source", "i8", "%d", "number of the true source, the same in all frames"),
    Column("kind", "U6", "%s", "star or galaxy"),
    Column("x", "f8", "%.7f", "centre in pixels, 0-based, along a row"),
    Column("y", "f8", "%.7f", "centre in pixels, 0-based, along a column"),
    Column("ra", "f8", "%.11f", "ICRS right ascension in degrees"),
    Column("dec", "f8", "%.11f", "ICRS declination in degrees"),
    Column("mag", "f8", "%.6f", "magnitude: MAGZP - 2.5 log10(flux)"),
    Column("flux", "f8", "%.10g", "total flux in ADU, before noise"),
    Column("peak", "f8", "%.6g", "ADU above the sky in the nearest pixel, of this source alone"),
    Column("saturated", "i8", "%d", "1 if the nearest pixel is saturated, noise apart"),
    Column("fwhm", "f8", "%.6g", "of a star's PSF in pixels; nan for galaxies"),
    Column("half_light_radius", "f8", "%.6g", "semi-major axis in pixels; nan for stars"),
    Column("ellipticity", "f8", "%.6g", "1 - b/a before the PSF; 0 for stars"),
    Column("theta", "f8", "%.6g", "major axis in degrees, counter-clockwise from +x, -90 to 90"),
    Column("sersic_index", "f8", "%.6g", "of galaxies; nan for stars"),
)

#: numpy type of a row of the truth.
TRUTH = np.dtype([(column.name, column.dtype) for column in TRUTH_COLUMNS])

_TRUTH_ROW = "\t".join(["%s", *(column.text for column in TRUTH_COLUMNS)]) + "\n"
_DEFECT_ROW = "\t".join(["%s", "%s", *["%.6g"] * (len(DEFECT.names or ()) - 1)]) + "\n"


def header_line(names: Sequence[str]) -> str:
    """Write the header line of a table whose first column is ``image``."""
    return "\t".join(["image", *names]) + "\n"


def truth_lines(image: str, truth: np.ndarray) -> Iterator[str]:
    """Write one line for each true source of a frame."""
    columns = [truth[name].tolist() for name in TRUTH.names or ()]
    return (_TRUTH_ROW % (image, *row) for row in zip(*columns, strict=True))


def defect_lines(image: str, defects: np.ndarray) -> Iterator[str]:
    """Write one line for each defect of a frame."""
    return (_DEFECT_ROW % (image, *row) for row in defects.tolist())
