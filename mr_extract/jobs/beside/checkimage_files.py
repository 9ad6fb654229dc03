"""Check images as tile-compressed FITS files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import CARD
from mr_extract.jobs.beside.file_names import stem_of
from mr_extract.storage.output import written_whole

if TYPE_CHECKING:
    import numpy as np

_WCS = re.compile(r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12] *$|(CD|PC)[12]_[12] *$"
                  r"|(PV|PS)[12]_\d+ *$|WAT[012]_\d{3}$|WCSDIM *$|[AB]P?_(ORDER|DMAX|\d_\d) *$"
                  r"|(LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|EPOCH) *$")
_TOLD = "checkimage"


@dataclass(frozen=True)
class Checks:
    """Which check images are written, and where.

    Parameters
    ----------
    kinds : tuple of str
        Of `mr_extract.columns.choice.CHECK_IMAGES`.
    folder : str
        Absolute, as tasks have working directories of their own.
    """

    kinds: tuple
    folder: str

    def as_told(self) -> dict[str, Any]:
        """Return them as a driver tells its tasks."""
        return {_TOLD: [self.kinds, self.folder]}

    @classmethod
    def told(cls, more: Mapping[str, Any]) -> Self | None:
        """Return what was told as `as_told` does, or None."""
        return cls(tuple(more[_TOLD][0]), more[_TOLD][1]) if _TOLD in more else None


def file_name(image_id: str, kind: str) -> str:
    """Return the name of a check image.

    Parameters
    ----------
    image_id, kind : str
    """
    kind = f"minus_{kind[1:]}" if kind.startswith("-") else kind
    return f"{stem_of(image_id)}.{kind}.fits.fz"


def write_checks(checks: Mapping[str, np.ndarray], folder: str, image_id: str,
                 header: Mapping) -> None:
    """Write the check images of an image, each whole or not at all.

    Parameters
    ----------
    checks : dict of str to ndarray, shape (height, width)
    folder : str
    image_id : str
    header : mapping
        Of the image, for its coordinates.

    Raises
    ------
    ImageFailure
        ``not-written``: who asks for check images wants to know of those that lack.

    Notes
    -----
    The compression is without loss: a check image serves to see, to the last digit, what
    was measured. A task that is run again writes the same bytes.
    """
    from mr_extract.images.tiled import tiled_file

    for kind, values in checks.items():
        path = os.path.join(folder, file_name(image_id, kind))
        try:
            os.makedirs(folder, exist_ok=True)
            with written_whole(path) as unfinished, open(unfinished, "wb") as file:
                file.write(tiled_file(values, kind.upper(), wcs_cards(header)))
        except OSError as error:
            raise ImageFailure(
                "not-written", f"{os.path.basename(path)}: {error.strerror or error}"
            ) from error


def wcs_cards(header: Mapping) -> list[str]:
    """Return the cards of an image's coordinates, from the first pixel that is there."""
    from mr_extract.images.cutouts import shifted

    text = getattr(header, "text", "")
    every = (text[k : k + CARD] for k in range(0, len(text), CARD))
    cards = [card.ljust(CARD).encode("ascii", "replace").decode()  # of a comment, as a rule
             for card in every if _WCS.match(card[:8])]
    return shifted(cards, getattr(header, "origin", (0, 0)))
