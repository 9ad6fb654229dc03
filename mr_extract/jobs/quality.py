"""The quality log of a night: a row an image, ``python -m mr_extract.jobs.quality MANIFEST``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mr_extract.columns.column import Column
from mr_extract.jobs.skeleton.work import Rows, Work
from mr_extract.remarks import say
from mr_extract.settings.beside import Companions
from mr_extract.settings.detecting import Background, Detection
from mr_extract.settings.measuring import Measurement
from mr_extract.settings.tree import Settings

if TYPE_CHECKING:
    from mr_extract.jobs.task.line import Line


@dataclass(frozen=True)
class QualitySettings(Settings):
    """What the quality of an image depends on."""

    background: Background = Background()
    detection: Detection = Detection()
    measurement: Measurement = Measurement()
    companions: Companions = Companions()


def _column(name, dtype, unit, ucd, description):
    return Column(name, dtype, unit, "quality", "", ucd, description)


COLUMNS = (
    Column("image", "str", "", "key", "", "meta.id;obs.image", "id of the image"),
    _column("width", "i4", "pix", "pos.cartesian.x;arith.diff", "pixels along x"),
    _column("height", "i4", "pix", "pos.cartesian.y;arith.diff", "pixels along y"),
    _column("background", "f8", "adu", "instr.background", "global background"),
    _column("rms", "f8", "adu", "instr.background;stat.stdev", "its rms from pixel to pixel"),
    _column("sources", "i4", "", "meta.number;src", "detections"),
    _column("stars", "i4", "", "meta.number;src.class.starGalaxy",
            "clean point sources of S/N over 20, of which the seeing is"),
    _column("seeing", "f4", "pix", "instr.obsty.seeing", "their median fwhm_iso"),
    _column("seeing_sky", "f4", "arcsec", "instr.obsty.seeing", "the same on the sky"),
    _column("star_ellipticity", "f4", "", "src.ellipticity;stat.median", "their median 1 - b/a"),
    _column("bad", "f8", "", "meta.code.qual;stat.value",
            "fraction of pixels that are masked, blank or without weight"),
    _column("saturation", "f8", "adu", "instr.saturation", "level that was used"),
    _column("saturated", "f8", "", "instr.saturation;stat.value", "fraction of pixels reaching it"),
    _column("zero_point", "f8", "mag", "phot.mag;arith.zp", "zero point that was used"),
    _column("gain", "f8", "electron/adu", "instr.param", "gain that was used, 0 for none"),
    _column("ra", "f8", "deg", "pos.eq.ra;meta.main", "right ascension of the middle (ICRS)"),
    _column("dec", "f8", "deg", "pos.eq.dec;meta.main", "declination of the middle (ICRS)"),
    _column("pixel_scale", "f8", "arcsec/pix", "instr.scale", "scale in the middle"),
    *(_column(f"{name}_{k}", "f8", "deg", f"pos.eq.{name};pos.outline",
              f"outer corner {k}, counted from the lower left against the clock")
      for k in (1, 2, 3, 4) for name in ("ra", "dec")),
)


class Quality(Work):
    """Say of each image how good it is."""

    name = "mr_extract.jobs.quality"
    settings = QualitySettings
    rows = "rows"

    def columns(self, config: QualitySettings) -> dict[str, Column]:
        """Return the same columns whatever the settings."""
        return {column.name: column for column in COLUMNS}

    def measure(self, line: Line) -> Rows:
        """Return one row."""
        import numpy as np

        from mr_extract.frames.quality import quality
        from mr_extract.jobs.beside.detection_images import say_unused

        say_unused(line.entry, "quality is that of the image itself")
        if line.entry.get("positions"):
            say("not-used", "the field positions, as quality is that of the image itself")
        image = line.image()
        found = quality(image, line.config, line.zero_point)
        line.lap("quality")
        return Rows({column.name: np.array([found[column.name]], column.dtype)
                     for column in COLUMNS[1:]}, {"hdu": image.hdu})


WORK = Quality()

if __name__ == "__main__":
    from mr_extract.jobs.skeleton.image_job import run

    run(WORK.name)
