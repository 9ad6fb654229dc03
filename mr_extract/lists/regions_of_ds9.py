"""Regions of DS9 as lists: points and circles, read by astropy's regions."""

from __future__ import annotations

import numpy as np

from mr_extract.lists.columns import Table
from mr_extract.remarks import say


def read_regions(text: str) -> Table:
    """Return the positions of points and circles.

    Parameters
    ----------
    text : str
        A region file of DS9, on the sky in any of its frames, or in pixels of the image.

    Returns
    -------
    mr_extract.lists.columns.Table
        Columns ``id`` (the text of a region, or its number), and ``ra``, ``dec`` or ``x``, ``y``.

    Raises
    ------
    ValueError
        For other shapes, of which the first is named; for sky and pixels in one file; where what
        reads it is not installed.
    """
    try:
        from regions import Regions
    except ImportError:
        raise ValueError("regions of DS9 need astropy's regions: pip install "
                         "'mr_extract[regions]'") from None
    from mr_extract.lists.astropy_tables import plainly

    with plainly("regions of DS9"):
        found = list(Regions.parse(text, format="ds9"))
    centres, ids, radii = [], [], 0
    for number, region in enumerate(found, 1):
        shape = type(region).__name__
        if shape.removesuffix("SkyRegion").removesuffix("PixelRegion") not in ("Point", "Circle"):
            raise ValueError(f"its region {number} is a {shape}: points and circles are positions")
        centres.append(region.center)
        ids.append(str(region.meta.get("text") or number))
        radii += hasattr(region, "radius")
    if radii:
        say("not-used", f"radii of circles: {radii}, as apertures are settings")
    on_sky = [hasattr(centre, "icrs") for centre in centres]
    if any(on_sky) and not all(on_sky):
        raise ValueError("it has regions on the sky and in pixels")
    if not any(on_sky):
        pairs = [(centre.x, centre.y) for centre in centres]
        names = ["id", "x", "y"]
    else:
        pairs = [(centre.icrs.ra.deg, centre.icrs.dec.deg) for centre in centres]
        names = ["id", "ra", "dec"]
    return Table(names, [ids, *np.array(pairs, dtype=float).reshape(-1, 2).T])
