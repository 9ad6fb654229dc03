"""Settings of what is measured around catalogued sources, in maps and images."""

from dataclasses import dataclass

from mr_extract.settings.beside import Companions
from mr_extract.settings.declaring import (
    Section,
    annulus,
    not_negative,
    place,
    positive,
    setting,
    two_or_three,
)
from mr_extract.settings.measuring import Lists
from mr_extract.settings.tree import Settings

_WITHOUT_USE = ("weight_gain", "interp_maxlag", "flag_image", "flag_type", "calibration_file",
                "psf_image")


@dataclass(frozen=True)
class Catalogue(Section):
    """Which sources are measured."""

    sources: str = place(
        "table of sources: FITS, VOTable, ECSV, Parquet, CSV or TSV, with columns ra and dec "
        "(ICRS) or GLON and GLAT; a line's positions= wins"
    )
    source_columns: tuple = setting(
        ("auto",), "its columns of longitude and latitude and, perhaps, the source's name, where "
        "auto does not find them", two_or_three,
    )
    source_coord: str = setting(
        "auto", "coordinates of the sources; auto is what the names of the columns say",
        choices=("auto", "icrs", "galactic", "ecliptic"),
    )


@dataclass(frozen=True)
class Around(Section):
    """What is measured around a source (radii in arcminutes)."""

    radius: float = setting(10.0, "radius of the statistics", positive)
    aperture: float = setting(
        0.0, "radius of the aperture; 0 is the beam's FWHM, or the radius of the statistics where "
        "no beam is known", not_negative,
    )
    annulus: tuple = setting(
        (0.0, 0.0), "inner and outer radius of the ring of the background; 0,0 is 1.25 and 1.75 "
        "times the aperture", annulus,
    )
    fit_radius: float = setting(
        0.0, "radius of the pixels to which the Gaussian is fitted; 0 is 1.25 times the aperture",
        not_negative,
    )
    gaussian: str = setting(
        "round", "the Gaussian that is fitted; elliptical: beside the round one, in further "
        "columns", choices=("round", "elliptical"),
    )
    function: str = setting(
        "", "a statistic of your own, as module:function: it takes values, x and y (arcminutes) "
        "within the radius and returns a number; its module travels to nodes",
    )
    layout: str = setting(
        "wide", "a row a source, or, long, a row a number: key (the source and what it is) and "
        "value", choices=("wide", "long"),
    )


@dataclass(frozen=True)
class SkyMaps(Section):
    """What is known of maps."""

    field: str = setting("", "column of the map that is measured, by name or number; empty: first")
    beam: float = setting(
        0.0, "FWHM of a point source in arcminutes, which makes fluxes those of point sources; a "
        "line's beam= wins; 0 is not known, or what BMAJ and BMIN say", not_negative,
    )
    frequency: float = setting(
        0.0, "GHz, for maps in kelvins; a line's frequency= wins; 0 is what a line's filter=, such "
        "as 030GHz, or the header's FREQ says", not_negative,
    )
    unit: str = setting("", "unit of the pixels, in the place of the header's")
    ordering: str = setting("", "of maps without ORDERING", choices=("", "ring", "nested"))
    coordsys: str = setting("", "of maps without COORDSYS: galactic, equatorial (ICRS), ecliptic",
                            choices=("", "G", "C", "E"))


@dataclass(frozen=True)
class PhotometrySettings(Settings):
    """What the photometry of catalogued sources depends on.

    Raises
    ------
    ValueError
        Where a setting has no meaning for catalogued sources; the message names it.
    """

    catalogue: Catalogue = Catalogue()
    lists: Lists = Lists()
    around: Around = Around()
    maps: SkyMaps = SkyMaps()
    companions: Companions = Companions()

    def __post_init__(self) -> None:
        for name in _WITHOUT_USE:
            if getattr(self.companions, name) != getattr(Companions, name):
                raise ValueError(f"{name} is for sources that are detected, not catalogued")
        if self.companions.weight_type == "background":
            raise ValueError("weight_type background is for sources that are detected, not "
                             "catalogued: there is no mesh")
