"""One image to its sources: the chain of the kernels.

Nothing is computed that no chosen column needs: radii and windowed positions
cost as much as detection itself.
"""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from mr_extract import measure
from mr_extract.astrometry import sky_positions
from mr_extract.background import background_at, global_rms, subtract_background
from mr_extract.columns import FAILED, SATURATED, choose
from mr_extract.detection import detect
from mr_extract.failures import ImageFailure


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
    """

    columns: dict
    background: float
    rms: float
    shape: tuple
    valid: int
    failed: int = 0
    seconds: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.columns["number"])


class _Clock:
    def __init__(self):
        self.seconds, self._last = {}, perf_counter()

    def lap(self, stage):
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def measure_image(image, config, zero_point=None):
    """Detect and measure the sources of an image.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten by the background-subtracted image.
    config : mr_extract.config.Config
        What to do.
    zero_point : float, optional
        Magnitude of one image unit, in place of the header's and the configuration's.

    Returns
    -------
    Sources
        Rows in the order of sep's detections, numbered from 1.

    Raises
    ------
    ImageFailure
        As the kernels name it, and ``no-wcs`` or ``broken-wcs`` where sky
        positions are asked and cannot be had.
    """
    clock = _Clock()
    settings = config.measurement
    chosen = choose(config.output.columns, settings)
    asked = {column.name for column in chosen.values()}
    groups = {column.group for column in chosen.values()}
    data, mask, header = image.data, image.mask, image.header
    gain = _card(header, settings.gain_key, settings.gain)
    saturation = _card(header, settings.satur_key, settings.satur_level)

    # Before the background goes off; few images have a saturated pixel.
    saturated = data >= saturation if data.max() >= saturation else None
    mesh = subtract_background(data, config.background, mask)
    background, rms = float(mesh.globalback), global_rms(mesh)
    clock.lap("background")
    objects = detect(data, config.detection, rms, mask, gain)
    clock.lap("detection")

    values = {"number": np.arange(1, len(objects) + 1)}
    values |= {name: objects[name] for name in objects.dtype.names}
    values |= measure.shapes(objects) | measure.isophotal(objects, rms, gain)
    flag = objects["flag"].astype(np.int64)
    failed = np.zeros(len(objects), bool)
    if "aper" in groups:
        columns, bits, bad = measure.circular(
            data, objects, settings.apertures, rms, gain, mask
        )
        values |= columns
        flag, failed = flag | bits, failed | bad
        clock.lap("apertures")
    if groups & {"auto", "radius", "win"}:
        columns, bits, bad = measure.kron(data, objects, settings, rms, gain, mask)
        values |= columns
        flag, failed = flag | bits, failed | bad
        clock.lap("kron")
    if groups & {"radius", "win"}:
        fractions = (*settings.flux_fractions, 0.5)
        radii, bad = measure.light_radii(data, objects, fractions, values["flux_auto"], mask)
        values |= {f"flux_radius_{k + 1}": radii[:, k] for k in range(len(fractions) - 1)}
        failed |= bad
        clock.lap("radii")
    if "win" in groups:
        columns, bad = measure.windowed(data, objects, radii[:, -1], mask)
        values |= columns
        failed |= bad
        clock.lap("windows")
    if zero_point is None:
        zero_point = _card(header, settings.zero_point_key, settings.zero_point)
    for name in [name for name in values if name.startswith("flux_") and "radius" not in name]:
        suffix = name.removeprefix("flux")
        values[f"mag{suffix}"], values[f"magerr{suffix}"] = measure.magnitudes(
            values[name], values[f"fluxerr{suffix}"], zero_point
        )
    if "background" in asked:
        values["background"] = background_at(mesh, values["x"], values["y"])
    values["threshold"] = objects["thresh"]
    if saturated is not None:
        flag[saturated[objects["ypeak"], objects["xpeak"]]] |= SATURATED
    flag[failed] |= FAILED
    values["flag"] = flag
    clock.lap("photometry")
    if config.astrometry.require_wcs or asked & {"ra", "dec", "ra_win", "dec_win"}:
        values |= _sky(header, values, config.astrometry.require_wcs, "win" in groups)
        clock.lap("astrometry")

    columns = {
        name: np.ascontiguousarray(values[name], column.dtype)
        for name, column in chosen.items()
        if name != "image"
    }
    valid = data.size if mask is None else int(data.size - np.count_nonzero(mask))
    return Sources(
        columns, background, rms, data.shape, valid, int(np.count_nonzero(failed)), clock.seconds
    )


def _card(header, keyword, default):
    value = header.get(keyword) if keyword else None
    return float(value) if type(value) in (int, float) and value > 0 else default


def _sky(header, values, required, windowed):
    sky = {}
    pairs = [("x", "y", "ra", "dec")]
    if windowed:
        pairs.append(("x_win", "y_win", "ra_win", "dec_win"))
    for x, y, ra, dec in pairs:
        positions = sky_positions(header, values[x], values[y])
        if positions is None:
            if required:
                raise ImageFailure("no-wcs", "the header has no celestial coordinates")
            positions = (np.full(len(values[x]), np.nan),) * 2
        sky[ra], sky[dec] = positions
    return sky
