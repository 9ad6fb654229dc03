"""What objects of astropy and masked arrays hold of an image: pixels, masks, headers, units."""

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images import Image
from mr_extract.images.card_numbers import value_of
from mr_extract.images.cards import CARD, Cards, cards_of
from mr_extract.images.companions import set_flags
from mr_extract.images.cubes import further_axes, plane_index
from mr_extract.images.scaling import check_scaled_by_astropy
from mr_extract.images.through_astropy import one_line, pixels_of
from mr_extract.remarks import say
from mr_extract.settings.measuring import Measurement

_COUNTS = ("", "adu", "DN", "dn", "ct", "count")
_PHOTONS = ("electron", "photon", "ph")
_TO_RMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "std": lambda v: v, "var": np.sqrt, "ivar": lambda v: 1.0 / np.sqrt(v)}
_OF_WCS = re.compile(
    r"((CTYPE|CRVAL|CRPIX|CDELT|CROTA|CUNIT|CNAME|CPDIS|CQDIS|DP|DQ|D2IMDIS|WCSAXES|WCSDIM)\d*"
    r"|(CD|PC|PV|PS|A|B|AP|BP|WAT)\d*_\d+|PC\d{6}|(A|B|AP|BP)_(ORDER|DMAX)"
    r"|LONPOLE|LATPOLE|RADE(CSY|SY)S|EQUINOX|EPOCH)$")


def image_in(
    source: Any,
    measurement: Measurement,
    weighted: bool = False,
    index: Callable[[tuple[int, ...]], tuple] | None = None,
) -> Image:
    """Return the image that an object is.

    Parameters
    ----------
    source : HDU, NDData, Quantity or array, masked or not
        Of an NDData, as CCDData is one, data, mask, header, WCS and flags are used; its
        unit as far as pixels in electrons have the gain 1. What else it has is said.
    measurement : mr_extract.settings.measuring.Measurement
    weighted : bool
        A weight map is given: the object's own uncertainty is not missed.
    index : callable, optional
        Takes the shape of the pixels, and returns the place of the plane that is meant among
        the axes before the last two; by default the only one.

    Returns
    -------
    mr_extract.images.Image

    Raises
    ------
    ImageFailure
        When it is no image.
    """
    if isinstance(source, list):
        raise ImageFailure("unsupported-pixels", "a list of HDUs or arrays: choose one of it")
    if hasattr(source, "columns"):
        raise ImageFailure("no-image", "the HDU holds a table")
    header: Mapping = {}
    held, mask = source, None
    if _is_nddata(source):
        held, mask, header = source.data, source.mask, header_of(source.meta)
        if source.wcs is not None:
            header = _with_wcs(header, source.wcs)
    elif hasattr(source, "header"):
        header = cards_of(source.header)  # before the data, which change it
        check_scaled_by_astropy(header)
        held = source.data
        if held is None:
            raise ImageFailure("no-image", "the HDU holds no data")
    values, masked = _bare(held)
    place = (index or (lambda shape: plane_index(shape, None)))(values.shape)
    shape, values = values.shape, values[place]
    data, blank, exponent = pixels_of(values, header)
    if np.shares_memory(data, values):
        data = data.copy()  # the kernels work in place
    bad = [_fitted(one, shape)[place] for one in (mask, masked)
           if one is not None and np.any(one)]
    bad += [] if blank is None else [blank]
    image = Image(data, header, np.logical_or.reduce(bad) if bad else None, exponent=exponent,
                  cube=further_axes(shape))
    _take_unit(image, getattr(source, "unit", None), measurement)
    if _is_nddata(source):
        _take_rest(image, source, weighted, place)
    return image


def header_of(given: Any) -> Mapping:
    """Return a header as kernels take it.

    Parameters
    ----------
    given : mapping, astropy.io.fits.Header or astropy.wcs.WCS
        Keywords of a mapping in any case, of several that differ in it alone the one in
        capitals, with a remark; a value may be a pair with its comment.

    Returns
    -------
    mapping

    Raises
    ------
    ValueError
        For another object, and a WCS that cards cannot say.
    """
    if isinstance(given, Cards):
        return given
    if hasattr(given, "tostring"):
        return cards_of(given)
    if hasattr(given, "low_level_wcs"):
        cards, reason = _wcs_cards(given)
        if reason:
            raise ValueError(f"header: {reason}")
        return cards
    if not (hasattr(given, "keys") and hasattr(given, "get")):
        raise ValueError("header takes a mapping, an astropy Header or WCS, not an object of type "
                         f"{type(given).__name__}")
    names = sorted((k for k in given if isinstance(k, str)), key=str.isupper, reverse=True)
    found: dict[str, Any] = {}
    for name in names:  # those in capitals first
        value = _plain(given[name])
        first = found.setdefault(name.upper(), value)
        if first is not value and first != value:
            say("repeated-card", f"{name.upper()} = {first!r}, then {name} = {value!r}")
    return found


def values_of(given: Any) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return what is given as a mask, weight map or flag image.

    Parameters
    ----------
    given : array, masked or not, HDU, NDData or uncertainty of one

    Returns
    -------
    values : ndarray
    missing : ndarray of bool, of the same shape, or None
        Where there is no value.
    kind : str
        ``rms`` of an uncertainty, which is absolute whatever its kind; else empty.
    """
    kind, mask = "", None
    if hasattr(given, "uncertainty_type"):
        if given.uncertainty_type not in _TO_RMS:
            raise ValueError("an uncertainty of unknown kind is no weight map")
        kind = "rms"
        with np.errstate(divide="ignore", invalid="ignore"):
            given = _TO_RMS[given.uncertainty_type](np.asarray(given.array, np.float64))
    elif _is_nddata(given):
        given, mask = given.data, given.mask
    elif hasattr(given, "header"):
        header = cards_of(given.header)
        check_scaled_by_astropy(header)
        given = given.data
        if given is not None and np.asarray(given).dtype.kind in "iuf":
            mask = pixels_of(np.asarray(given), header)[1]
    values, masked = _bare(given)
    missing = [_fitted(one, values.shape) for one in (mask, masked)
               if one is not None and np.any(one)]
    return values, np.logical_or.reduce(missing) if missing else None, kind


def _is_nddata(given):
    # The data last: asked for those of an HDU, astropy changes its header.
    return all(hasattr(given, name) for name in ("meta", "uncertainty", "wcs", "data"))


def _bare(values):
    """Return an array without unit and mask, and the mask or None."""
    mask = getattr(values, "mask", None)
    return np.asarray(np.ma.getdata(getattr(values, "unmasked", values))), mask


def _fitted(mask, shape):
    return np.broadcast_to(np.asarray(mask), shape).astype(bool)


def _plain(value):
    if isinstance(value, tuple) and value:
        value = value[0]
    return value.item() if isinstance(value, np.generic) else value


def _with_wcs(header, wcs):
    """Return a header with the coordinates of a WCS in place of its own."""
    cards, reason = _wcs_cards(wcs)
    if reason:
        say("not-used", reason)
    text = getattr(header, "text", "")
    lines = (text[k : k + CARD] for k in range(0, len(text), CARD))
    long = [line.partition("=")[0].rstrip() for line in lines if line.startswith("HIERARCH ")]
    # Not the text: of that PVi_j in TAN would be read as SCAMP has them.
    return ({name: value_of(header, name) for name in long}
            | {k: header[k] for k in header if not _OF_WCS.match(k)} | cards)


def _wcs_cards(wcs):
    """Return the cards of a WCS, or why there are none."""
    wcs = wcs.low_level_wcs
    if not hasattr(wcs, "to_header"):
        return {}, f"a WCS of type {type(wcs).__name__}, which is none of FITS"
    tables = ("cpdis1", "cpdis2", "det2im1", "det2im2")
    if any(getattr(wcs, name, None) is not None for name in tables):
        return {}, "a WCS with tables of distortion, which no card can say"
    if any(axis.endswith("-TAN") for axis in wcs.wcs.ctype) and any(
            i - 1 == wcs.wcs.lat for i, *_ in wcs.wcs.get_pv()):
        say("not-used", "PVi_j of a WCS in TAN, which astropy passes over: as header= they are")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(cards_of(wcs.to_header(relax=True))), ""
        except Exception as error:  # wcslib and astropy raise a class for each defect
            return {}, f"a WCS that cannot be written as cards: {one_line(error)}"


def _take_unit(image, unit, measurement):
    text = "" if unit is None else str(unit)
    if text in _COUNTS:
        return
    if text not in _PHOTONS:
        say("not-used", f"unit {text}: gain and zero point are as header and settings say")
        return
    image.gain = measurement.gain if measurement.gain > 0 else 1.0


def _take_rest(image, source, weighted, place):
    if source.uncertainty is not None and not weighted:
        say("not-used", "uncertainty: given as weight= it is")
    if getattr(source, "psf", None) is not None:
        say("not-used", "psf")
    flags = getattr(source, "flags", None)
    if flags is not None:
        try:
            flags = np.asarray(flags)
            set_flags(image, flags[place] if flags.ndim == 2 + len(place) else flags)
        except ImageFailure as failure:
            say("not-used", f"flags: {failure.message}")
