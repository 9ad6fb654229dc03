"""What the main job measures and how: one frozen tree of settings."""

from dataclasses import dataclass

from mr_extract.settings.beside import Companions, Pairing
from mr_extract.settings.declaring import (
    Section,
    not_empty,
    setting,
)
from mr_extract.settings.detecting import Background, Detection
from mr_extract.settings.measuring import Association, Lists, Measurement, Targets
from mr_extract.settings.tree import Settings


@dataclass(frozen=True)
class Astrometry(Section):
    """Sky positions."""

    require_wcs: bool = setting(
        False, "an image without a usable celestial WCS is a failure (otherwise ra, dec are nan)"
    )
    distortion: str = setting(
        "given", "SIP coefficients are applied wherever they are given, or only where CTYPE "
        "asks for them with -SIP", choices=("given", "ctype"),
    )


@dataclass(frozen=True)
class Output(Section):
    """What is written of what was measured."""

    columns: tuple = setting(
        ("default",), "names and groups of columns, or a .param file; --print-schema lists them "
        "(PARAMETERS_NAME)", not_empty,
    )
    names: str = setting(
        "ours", "names, first pixel, flags and missing magnitudes of the catalog: ours or "
        "SExtractor's, whose columns come in the order of the list",
        choices=("ours", "sextractor"),
    )
    observation: bool = setting(
        False, "the line of an image says when, in which filter and where it was taken: mjd=, "
        "filter= and footprint=, of the header where the manifest has no such field"
    )


@dataclass(frozen=True)
class Config(Settings):
    """All settings of an extraction.

    Raises
    ------
    ValueError
        When a value is out of its range; the message names the setting.

    Examples
    --------
    >>> config = Config().updated(thresh=2.0, apertures=(5.0, 10.0))
    >>> config.detection.thresh
    2.0
    """

    background: Background = Background()
    detection: Detection = Detection()
    measurement: Measurement = Measurement()
    companions: Companions = Companions()
    pairing: Pairing = Pairing()
    targets: Targets = Targets()
    association: Association = Association()
    lists: Lists = Lists()
    astrometry: Astrometry = Astrometry()
    output: Output = Output()

    def __post_init__(self) -> None:
        from mr_extract.sextractor.configured import columns_of, with_cutouts

        for name, section in with_cutouts(self.measurement, self.output).items():
            object.__setattr__(self, name, section)
        if self.targets.forced and self.association.assoc:
            raise ValueError("assoc is for detected sources: forced has its own list")
        if self.targets.forced and self.pairing.detect_image:
            raise ValueError("detect_image is for detected sources: forced detects nothing")
        chosen = columns_of(self).values()
        if not self.targets.forced_fwhm and any(c.group == "forced_gauss" for c in chosen):
            raise ValueError("forced_fwhm must be given for the columns forced_gauss")
        if not self.measurement.vignet_size[0] and any(c.pixels for c in chosen):
            raise ValueError("vignet_size must be given for the column vignet")
