"""One image on its way through the stages."""

from dataclasses import dataclass, field

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.detection.segments import Segments
from mr_extract.measure.sky_shapes import local_scale, pixel_area
from mr_extract.measure.surroundings import Surroundings
from mr_extract.planes.plane import Plane
from mr_extract.settings.config import Config


@dataclass
class Frame:
    """One image on its way through the stages.

    Parameters
    ----------
    config : mr_extract.settings.config.Config
    detected, measured : mr_extract.planes.plane.Plane
        Where the objects were found and where they are measured; one and the
        same but in two-image mode.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    segments : mr_extract.detection.segments.Segments
    values : dict of str to ndarray, shape (n,)
        Columns so far; ``name_1`` and so on for vectors.
    flag : ndarray of int64, shape (n,)
    failed : ndarray of bool, shape (n,)
        Sources for which a measurement failed.
    facts : dict of str to float
        What of the image was found on the way.
    """

    config: Config
    detected: Plane
    measured: Plane
    objects: np.ndarray
    segments: Segments
    around: Surroundings = field(init=False)
    values: dict = field(default_factory=dict)
    flag: np.ndarray = field(init=False)
    failed: np.ndarray = field(init=False)
    facts: dict[str, float] = field(default_factory=dict)
    _scales: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.around = Surroundings(
            self.measured, self.segments, self.objects["x"], self.objects["y"],
            self.config.measurement.neighbours,
        )
        self.flag = self.objects["flag"].astype(np.int64)
        self.failed = np.zeros(len(self.objects), bool)

    def __len__(self) -> int:
        return len(self.objects)

    def scale(self, system: str) -> tuple[np.ndarray, ...]:
        """Return the local scale of the WCS at the objects, nan without one."""
        if system not in self._scales:
            scale = local_scale(self._on_sky(system), self.objects["x"], self.objects["y"])
            self._scales[system] = scale or (np.full(len(self), np.nan),) * 4
        return self._scales[system]

    def pixel_scale(self) -> float:
        """Return arcseconds a pixel: the setting, or that of the WCS in the middle, or nan."""
        if self.config.measurement.pixel_scale > 0:
            return self.config.measurement.pixel_scale
        height, width = self.measured.data.shape
        middle = np.array([(width - 1) / 2.0]), np.array([(height - 1) / 2.0])
        scale = local_scale(self._on_sky("native"), *middle)
        return 3600.0 * float(np.sqrt(pixel_area(scale)[0])) if scale else np.nan

    def _on_sky(self, system):
        return lambda x, y: sky_positions(self.measured.header, x, y, system)

    def keep(self, selected: np.ndarray) -> None:
        """Go on with some of the sources, numbered anew, whose neighbours the others were."""
        if selected.all():
            return
        self.objects, self.segments = self.objects[selected], self.segments.keep(selected)
        self.flag, self.failed = self.flag[selected], self.failed[selected]
        self.values.update({name: values[selected] for name, values in self.values.items()})
        self.values["number"] = np.arange(1, len(self.objects) + 1)
        self.around.x, self.around.y = self.around.x[selected], self.around.y[selected]
