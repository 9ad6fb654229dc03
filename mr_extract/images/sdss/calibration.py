"""What the tsField file of SDSS says of a field: zero point, gain, saturation.

References
----------
.. [1] Photometric flux calibration, https://classic.sdss.org/dr7/algorithms/fluxcal.php
.. [2] https://classic.sdss.org/dr7/dm/flatFiles/tsField.php
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10
from typing import TYPE_CHECKING

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import usable
from mr_extract.images.cards import read_cards
from mr_extract.images.sdss.rows import table_rows, units_of

if TYPE_CHECKING:
    from mr_extract.images.image import Image

FILTERS = "ugriz"
EXPOSURE = 53.907456  # seconds that a star takes across a CCD
SOFT_BIAS = 1000.0  # added to the counts of an fpC, where no SOFTBIAS card says otherwise

_COLUMNS = ("aa", "kk", "airmass", "gain", "dark_variance", "saturation_level")


@dataclass(frozen=True)
class Calibration:
    """What turns the counts of a frame into magnitudes and noise.

    Parameters
    ----------
    zero_point : float
        Magnitude of one count in the frame, without the soft bias.
    gain : float
        Electrons a count.
    dark_variance : float
        Variance of a pixel without light, in counts squared.
    saturation : float
        Counts of a saturated pixel, without the soft bias.
    """

    zero_point: float
    gain: float
    dark_variance: float
    saturation: float


def calibrate(image: Image, buffer: bytes | memoryview) -> None:
    """Give an fpC image the calibration of its field.

    Parameters
    ----------
    image : mr_extract.images.Image
        Gets its `zero_point`, `gain` and `saturation`; the header has FILTER.
    buffer : bytes-like
        The tsField file, unpacked.

    Raises
    ------
    ImageFailure
        As `field_calibration`; ``companion-mismatch`` when the header has no filter of
        SDSS, or RUN and CAMCOL are not those of the field.
    """
    name = image.header.get("FILTER")
    if name not in tuple(FILTERS):
        raise ImageFailure("companion-mismatch", f"the FILTER of the image is {name!r}, "
                                                 "which SDSS has not")
    found = field_calibration(buffer, name)
    cards, _ = read_cards(buffer, 0)
    for keyword in ("RUN", "CAMCOL"):
        ours, theirs = image.header.get(keyword), cards.get(keyword)
        if ours is not None and theirs is not None and ours != theirs:
            raise ImageFailure("companion-mismatch",
                               f"it is of {keyword} {theirs!r}, the image of {ours!r}")
    bias, _ = usable(image.header, "SOFTBIAS")
    image.zero_point, image.gain = found.zero_point, found.gain
    image.saturation = found.saturation + (SOFT_BIAS if bias is None else bias)


def field_calibration(buffer: bytes | memoryview, filter: str) -> Calibration:
    """Read the calibration of a frame from its tsField file.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, unpacked.
    filter : str
        One of u, g, r, i, z: the card FILTER of the fpC.

    Returns
    -------
    Calibration
        Of the counts of the fpC, from which its soft bias (card SOFTBIAS, or `SOFT_BIAS`)
        has been taken off, as any background does.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` when the file is no tsField, or of other filters;
        ``not-fits``, ``truncated`` or ``corrupt`` when it cannot be read.

    Notes
    -----
    With the photometric zero point aa, extinction coefficient kk and the airmass of the
    field, ``f / f0 = counts / exposure * 10 ** (0.4 * (aa + kk * airmass))`` [1]_; the
    magnitude is -2.5 log10 of it. Asinh magnitudes differ from it for objects near the
    noise alone. One tsField is of one field.
    """
    units = units_of(buffer)
    if len(units) < 2 or units[1].is_image:
        raise ImageFailure("companion-mismatch", "it is no tsField: unit 1 is no table")
    rows = table_rows(buffer, units[1])
    missing = [name for name in _COLUMNS if name not in rows.names]
    if missing or len(rows) < 1:
        raise ImageFailure("companion-mismatch",
                           f"it is no tsField: no column {', '.join(missing) or 'has a row'}")
    cards, _ = read_cards(buffer, 0)
    filters = "".join(str(cards.get("FILTERS", FILTERS)).split())
    if filter not in tuple(filters):
        raise ImageFailure("companion-mismatch",
                           f"the field has no filter {filter!r}: {filters}")
    try:
        aa, kk, airmass, gain, dark, saturation = (
            float(rows[0][name][filters.index(filter)]) for name in _COLUMNS)
    except (TypeError, ValueError, IndexError) as error:
        raise ImageFailure("corrupt", f"the calibration of the field: {error}") from error
    zero_point = 2.5 * log10(EXPOSURE) - (aa + kk * airmass)
    if not (isfinite(zero_point) and gain > 0):
        raise ImageFailure("corrupt", f"the zero point is {zero_point}, the gain {gain}")
    return Calibration(zero_point, gain, dark, saturation)
