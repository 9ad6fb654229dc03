"""An image made ready to be measured: without its background, with its noise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from mr_extract.images.image import Image
from mr_extract.images.psf_model import PsfModel
from mr_extract.images.region import Region
from mr_extract.planes.background import global_rms, subtract_background
from mr_extract.planes.filling import fill
from mr_extract.planes.levels import known_levels
from mr_extract.planes.mesh import AnyMesh
from mr_extract.planes.noise import filtered, noise_map, with_photons, without_weight
from mr_extract.planes.scaled import levels_of, settings_of
from mr_extract.settings.config import Config
from mr_extract.settings.detecting import Detection


@dataclass
class Plane:
    """One image as the kernels take it.

    What is said to be in image units is in those divided by 2**exponent.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Without background; bad pixels are filled from their neighbours, or 0.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count.
    noise : float or ndarray of float32, shape (height, width)
        Standard deviation of the background in image units.
    mesh : sep.Background or mr_extract.planes.mesh.Mesh
        The background; `mr_extract.planes.background.background_at` evaluates it.
    background, rms : float
        Global background and its rms in image units.
    gain : float
        Electrons per image unit, 0 for no photon noise.
    zero_point : float
        Magnitude of one image unit.
    saturated : ndarray of bool, shape (height, width), or None
        True where the image as it came reached the saturation level, or a mask says so.
    flags : ndarray of int32, shape (height, width), or None
        The flag image.
    header : mapping
        Header cards.
    hidden : ndarray of bool, shape (height, width), or None
        True where nothing is detected: the masked pixels that could not be filled.
    sky_noise : float or ndarray of float32, shape (height, width), optional
        `noise` without the photons of sources, where it has them.
    even_gain : bool
        The gain is that of every pixel, whatever the noise.
    weight_scale : float or None
        As from `mr_extract.planes.noise.noise_map`.
    typical_noise : float, optional
        Noise of the pixels that have the gain; `rms` by default.
    origin, core, exponent
        As of `mr_extract.images.Image`.
    saturation : float
        Image value at which a pixel counts as saturated.
    psf : mr_extract.images.psf_model.PsfModel or None
        Model of a star.
    elsewhere : dict of str to float
        Those of `gain`, `saturation` and `zero_point` that neither a header nor the settings
        said, in the units of the image.
    """

    data: np.ndarray
    mask: np.ndarray | None
    noise: float | np.ndarray
    mesh: AnyMesh
    background: float
    rms: float
    gain: float
    zero_point: float
    saturated: np.ndarray | None
    flags: np.ndarray | None
    header: Mapping
    hidden: np.ndarray | None = None
    sky_noise: float | np.ndarray | None = None
    even_gain: bool = False
    weight_scale: float | None = None
    typical_noise: float | None = None
    origin: tuple[int, int] = (0, 0)
    core: Region | None = None
    saturation: float = np.inf
    exponent: int = 0
    elsewhere: dict[str, float] = field(default_factory=dict)
    psf: PsfModel | None = None

    def __post_init__(self) -> None:
        if self.sky_noise is None:
            self.sky_noise = self.noise
        if self.typical_noise is None:
            self.typical_noise = self.rms

    @property
    def valid(self) -> int:
        """Number of pixels that count."""
        if self.mask is None:
            return self.data.size
        return int(self.data.size - np.count_nonzero(self.mask))

    def used(self) -> dict[str, float]:
        """Return what was used of header and settings, and how many pixels are saturated.

        Returns
        -------
        dict of str to number
            ``zero_point``, ``gain`` and ``saturation`` in the units of the image, and
            ``saturated``.
        """
        gain, saturation, zero_point = levels_of(
            self.gain, self.saturation, self.zero_point, -self.exponent)
        saturated = 0 if self.saturated is None else int(np.count_nonzero(self.saturated))
        return {"zero_point": zero_point, "gain": gain, "saturation": saturation,
                "saturated": saturated}

    def threshold_noise(self, settings: Detection) -> np.ndarray | None:
        """Return the noise map for detection, None where the noise is one number.

        Parameters
        ----------
        settings : mr_extract.settings.detecting.Detection
            A matched filter sees to the noise itself.
        """
        if not isinstance(self.noise, np.ndarray):
            return None
        if settings.filter_type == "matched":
            return self.noise
        return filtered(self.noise, self.hidden, settings.filter_kernel)

    def with_local_gain(self) -> Self:
        """Return the plane with the photons of sources in its noise, in place of the gain.

        Where the noise differs from pixel to pixel, so does the gain, as the exposure
        does, unless a calibration says what it is; elsewhere the plane is returned as
        it is.
        """
        if not isinstance(self.noise, np.ndarray) or self.even_gain:
            return self
        typical = self.typical_noise or 0.0
        if not self.gain > 0 or not typical > 0:
            return self
        noise = with_photons(self.data, self.noise, self.gain, typical)
        return replace(self, noise=noise, gain=0.0)


def ready(image: Image, config: Config, zero_point: float | None = None) -> Plane:
    """Take the background off an image and find its noise.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten.
    config : mr_extract.settings.config.Config
    zero_point : float, optional
        In place of the calibration's, the header's and the configuration's.

    Returns
    -------
    Plane

    Raises
    ------
    ImageFailure
        ``no-valid-pixels`` or ``no-background``.
    """
    header, data = image.header, image.data
    known = known_levels(image, config.measurement, zero_point)
    gain, saturation, zero_point = levels_of(
        known.gain, known.saturation, known.zero_point, image.exponent)
    own = settings_of(config, image.exponent).background
    # Before the background goes off; few images have a saturated pixel.
    saturated = data >= saturation if data.max() >= saturation else None
    if image.saturated is not None:
        saturated = image.saturated if saturated is None else saturated | image.saturated
    mask, unweighted = image.mask, without_weight(image, config.companions)
    if unweighted is not None:
        mask = unweighted if mask is None else mask | unweighted
    mesh = subtract_background(data, own, mask)
    rms = global_rms(mesh)
    noise, _, weight_scale, typical = noise_map(image, mesh, config.companions, config.background)
    hidden = mask
    if mask is not None:
        data[mask] = 0.0  # sep looks at masked pixels of the first rows
        hidden = fill([data] if noise is None else [data, noise], mask,
                      config.companions.interp_maxlag)
    background = own.back_value if own.back_type == "manual" else float(mesh.globalback)
    return Plane(
        data, mask, rms if noise is None else noise, mesh, background, rms, gain, zero_point,
        saturated, image.flags, header, hidden, even_gain=image.gain is not None,
        weight_scale=weight_scale, typical_noise=typical, origin=image.origin, core=image.core,
        saturation=saturation, exponent=image.exponent,
        elsewhere={name: getattr(known, name) for name in sorted(known.elsewhere)}, psf=image.psf,
    )
