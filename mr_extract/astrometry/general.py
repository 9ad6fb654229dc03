"""All other headers, by wcslib through `astropy.wcs`."""

import re
import warnings

import numpy as np

from mr_extract.astrometry.headers import (
    EQUINOX,
    NUMBER,
    broken,
    fit_for_wcslib,
    has_surfaces,
    is_scamp,
    wcs_number,
)
from mr_extract.images.card_numbers import number
from mr_extract.images.cards import printable
from mr_extract.remarks import say


def by_wcslib(header, axes, x, y, wanted):
    """Return longitudes and latitudes, as `mr_extract.astrometry.sky_positions`."""
    from astropy.coordinates import FK5, ICRS, SkyCoord
    from astropy.wcs import WCS
    from astropy.wcs.utils import wcs_to_celestial_frame

    if not all(f"CRVAL{k}" in header for k in (1, 2)):
        raise broken("the WCS has celestial axes but no CRVAL")
    if not any(re.match(r"(CD\d_|CDELT)", k) for k in header):
        raise broken("the WCS has celestial axes but no scale")
    for keyword in header:  # wcslib would take the default in place of such a value
        if NUMBER.match(keyword):
            if number(header[keyword]) is None:
                raise broken(f"the WCS has {keyword} = {header[keyword]!r}, which is no number")
        elif EQUINOX.match(keyword) and wcs_number(keyword, header[keyword]) is None:
            say("unusable-card", f"{keyword} = {header[keyword]!r}")
    projection = axes[0][5:8]
    if projection in ("TNX", "ZPX") and not has_surfaces(header):
        # wcslib would go on without the distortion, or with a wrong one.
        raise broken(f"the projection {projection} has lost some of its WAT cards")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if hasattr(header, "text"):
                scamp = axes[:2] == ["RA---TAN", "DEC--TAN"] and is_scamp(header)
                types = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"} if scamp else {}
                header = fit_for_wcslib(header, types)
            else:
                header = {key: wcs_number(key, value) if NUMBER.match(key)
                          else printable(value) if isinstance(value, str) else value
                          for key, value in header.items()}
            wcs = WCS(header)
            wcs.wcs.set()
            if {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
                raise ValueError("the first two axes are not longitude and latitude")
            wcs = wcs.celestial
            if np.linalg.matrix_rank(wcs.pixel_scale_matrix) < 2:
                raise ValueError("the WCS matrix is singular")
            frame = wcs_to_celestial_frame(wcs)
            world = wcs.all_pix2world(x, y, 0)
            longitude, latitude = world[wcs.wcs.lng], world[wcs.wcs.lat]
            # An equinox that is not said would be taken from the header's frame.
            target = {"icrs": ICRS(), "fk5": FK5(equinox="J2000"), "native": frame}[wanted]
            if not frame.is_equivalent_frame(target):
                position = SkyCoord(longitude, latitude, unit="deg", frame=frame)
                position = position.transform_to(target).spherical
                longitude, latitude = position.lon.deg, position.lat.deg
        except Exception as error:  # wcslib and astropy raise a class for each defect
            text = " ".join(str(error).split())[:200]
            if "projection code" in text:
                raise broken(f"the projection {projection} is not supported") from error
            raise broken(f"the WCS cannot be used ({type(error).__name__}: {text})") from error
    if len(longitude) and not np.isfinite(longitude).any():
        raise broken("the WCS gives no finite position")
    return np.asarray(longitude) % 360.0, np.asarray(latitude)
