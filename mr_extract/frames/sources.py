"""What was measured in one image, in its own units and the types of the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mr_extract.columns.column import Column
from mr_extract.planes.plane import Plane
from mr_extract.planes.scaled import columns_of, times


@dataclass
class Sources:
    """What was measured in one image.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        The chosen columns, without ``image``, in the types of the schema.
    background, rms : float
        Global background and its rms in image units.
    shape : tuple of int
        Height and width of the image in pixels.
    valid : int
        Number of pixels that are neither blank nor masked.
    failed : int
        Number of sources for which a measurement failed (flag 0x200).
    seconds : dict of str to float
        Wall time by stage.
    facts : dict of str to number
        What else the accounting line says.
    checks : dict of str to ndarray, shape (height, width)
        The check images that were asked for.
    used : dict of str to number
        ``zero_point``, ``gain`` and ``saturation`` as they were used, and how many pixels
        are ``saturated``.
    mask : ndarray of bool, shape (height, width), or None
        True where no source could be found.
    """

    columns: dict
    background: float
    rms: float
    shape: tuple
    valid: int
    failed: int = 0
    seconds: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)
    used: dict = field(default_factory=dict)
    mask: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.columns["number"])


def sources_of(
    values: Mapping[str, np.ndarray],
    chosen: Mapping[str, Column],
    plane: Plane,
    detected: Plane,
    failed: np.ndarray,
    seconds: dict[str, float],
    facts: dict[str, float],
    checks: dict[str, np.ndarray] | None = None,
) -> Sources:
    """Return what was measured of a plane.

    Parameters
    ----------
    values : dict of str to ndarray, shape (n,)
        All columns, in the units of the planes and their pixels.
    chosen : dict of str to mr_extract.columns.column.Column
    plane, detected : mr_extract.planes.plane.Plane
        The one that was measured, and the one in which sources were found.
    failed : ndarray of bool, shape (n,)
    seconds, facts, checks
        As of `Sources`.

    Returns
    -------
    Sources
        Pixels are counted from the first one of the image that the plane is a region of.
    """
    found = {}
    for name, column in chosen.items():
        if name == "image":
            continue
        found[name] = values[name]
        for axis, first in zip("xy", plane.origin):
            if first and column.ucd.split(";")[0] == f"pos.cartesian.{axis}":
                found[name] = found[name] + first
    columns = columns_of(found, chosen, plane.exponent, detected.exponent)
    facts = {**facts, **{f"used_{name}": value for name, value in plane.elsewhere.items()}}
    return Sources(
        columns, times(plane.background, plane.exponent), times(plane.rms, plane.exponent),
        plane.data.shape, plane.valid, int(np.count_nonzero(failed)), seconds, facts,
        checks or {}, plane.used(), detected.mask,
    )


def weight_scales(plane: Plane, detected: Plane) -> dict[str, float]:
    """Return what the weight maps were multiplied by, where they were."""
    scales = {"weight_scale": plane.weight_scale}
    if detected is not plane:
        scales["detect_weight_scale"] = detected.weight_scale
    return {name: float(f"{scale:.8g}") for name, scale in scales.items() if scale is not None}
