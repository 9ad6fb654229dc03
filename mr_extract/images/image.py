"""An image in memory, as the kernels want it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cubes import plane_index
from mr_extract.images.exponents import BIG, exponent_of, times_power
from mr_extract.images.psf_model import PsfModel
from mr_extract.images.region import Region
from mr_extract.remarks import say


@dataclass
class Image:
    """One plane of pixels with its header.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        C-contiguous, native byte order; blank pixels are 0. Times 2**exponent they are in
        the units of the image.
    header : mapping
        Header cards: `get(keyword)` gives a Python value.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel is blank or not finite; None when there is none.
    hdu : int
        Number of the header and data unit in its file, the primary is 0.
    images : int
        Number of units in the file that hold an image of two axes or more.
    weight : ndarray of float32, shape (height, width), or None
        Weight map; a pixel with 0 is of no use.
    weight_kind : str
        What the map holds: ``weight`` (inverse variance), ``variance``, ``rms``, or
        nothing.
    flags : ndarray of int32, shape (height, width), or None
        Flag image, of which bits are reported.
    zero_point : float or None
        Magnitude of one image unit, where a calibration says it: it stands before header
        and settings, as do the next two.
    gain : float or None
        Electrons per image unit, the same in all pixels.
    saturation : float or None
        Image value at which a pixel is saturated.
    saturated : ndarray of bool, shape (height, width), or None
        True where a mask says that a source is saturated, whatever the pixels hold.
    full_shape : tuple of int or None
        Height and width of the image of which this is a region; None for all of it.
    origin : tuple of int
        x and y of the first pixel in that image, whose pixels the catalog counts.
    psf : mr_extract.images.psf_model.PsfModel or None
        Model of a star.
    core : mr_extract.images.region.Region or None
        The pixels of that image whose sources belong to this region; None for all.
    primary : mapping
        Cards of the primary header, if the image is an extension that has a share in
        them. They hold no coordinates of it, but may hold zero point or gain.
    exponent, weight_exponent : int
        Of the powers of two by which pixels and weights were divided
        (`mr_extract.images.exponents.exponent_of`); 0 for nearly all images.
    siblings : tuple of (int, str, int or None)
        Number, name in capitals and EXTVER of each image of its file, as
        `mr_extract.images.extensions.siblings_of` returns them; empty where they are not known.
    plane : tuple of int or None
        Which plane of a cube this is, if one was named (`mr_extract.images.cubes`).
    cube : tuple of int
        Lengths of the axes from the third on, in the order of FITS; empty where they are not
        known.
    """

    data: np.ndarray
    header: Mapping = field(default_factory=dict)
    mask: np.ndarray | None = None
    hdu: int = 0
    images: int = 1
    weight: np.ndarray | None = None
    weight_kind: str = ""
    flags: np.ndarray | None = None
    zero_point: float | None = None
    gain: float | None = None
    saturation: float | None = None
    saturated: np.ndarray | None = None
    full_shape: tuple | None = None
    origin: tuple[int, int] = (0, 0)
    core: Region | None = None
    primary: Mapping = field(default_factory=dict)
    siblings: tuple = ()
    exponent: int = 0
    weight_exponent: int = 0
    plane: tuple | None = None
    cube: tuple = ()
    psf: PsfModel | None = None

    def pixels(self) -> np.ndarray:
        """Return the pixels in the units of the image, where these leave float32 as float64."""
        if not self.exponent:
            return self.data
        return times_power(self.data.astype(np.float64), self.exponent)


def plane(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Return pixels of any numeric type as a float32 plane and the mask of what is no value.

    Whoever calculates with pixels does so with those in the units of the image, before:
    from here on they are a power of two of it.

    Parameters
    ----------
    values : ndarray, shape (height, width) or with further axes of length 1 before
        Any byte order; integers, float32 or float64. It is copied unless it is
        already a native C-contiguous float32 array.

    Returns
    -------
    data : ndarray of float32, shape (height, width)
        Divided by 2**exponent, with 0 where there is no value.
    mask : ndarray of bool or None
        True where the value was not finite, or, so divided, `BIG` and more, which is said;
        None when all were fine.
    exponent : int
        As from `mr_extract.images.exponents.exponent_of`.

    Raises
    ------
    ImageFailure
        ``unsupported-pixels`` for complex, boolean and other types,
        ``not-two-dimensional`` when there is no single plane.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        raise ImageFailure(
            "unsupported-pixels", f"pixels of type {values.dtype.name} cannot be measured"
        )
    values = values.reshape(plane_shape(values.shape))
    exponent = exponent_of(values)
    scaled = times_power(values, -exponent) if exponent else values
    with np.errstate(over="ignore"):
        data = np.ascontiguousarray(scaled, dtype=np.float32)
    if values.dtype.kind != "f":
        return data, None, exponent
    # Both extremes are nan if a pixel is: no temporary image for the usual case.
    with np.errstate(invalid="ignore"):
        if data.min() > -BIG and data.max() < BIG:
            return data, None, exponent
        mask = ~(np.abs(data) < BIG)
    huge = int(np.count_nonzero(np.isfinite(values[mask])))
    if huge:
        say("huge-pixels", f"{huge} of {np.ldexp(BIG, exponent):.3g} and more")
    if np.shares_memory(data, values):
        data = data.copy()
    data[mask] = 0.0
    return data, mask, exponent


def plane_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (height, width) of a shape whose further axes have length 1.

    Raises
    ------
    ImageFailure
        ``not-two-dimensional`` otherwise.
    """
    text = " x ".join(str(n) for n in reversed(shape))
    if len(shape) < 2:
        raise ImageFailure("not-two-dimensional", f"the image has {len(shape)} axis: {text}")
    plane_index(shape, None)
    if 0 in shape:
        raise ImageFailure("not-two-dimensional", f"the image has an axis of length 0: {text}")
    return shape[-2], shape[-1]
