"""What SExtractor says of an image in the header of its catalogue, as far as it is known here."""

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mr_extract import __version__, storage
from mr_extract.astrometry import as_ctype_says, sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import card_number
from mr_extract.images.cards import cards_of, printable
from mr_extract.images.general import header_of_unit
from mr_extract.measure.sky_shapes import local_scale, pixel_area
from mr_extract.remarks import hearing
from mr_extract.sextractor.fits_format import card
from mr_extract.sextractor.names import Output
from mr_extract.text.accounting import Account
from mr_extract.unpacking import unpack

_OWN = ("FITSFILE", "FITSEXT", "FITSNEXT")


def header_of(uri: str | None, account: Account) -> list[str]:
    """Return the cards of an image's header, 80 characters each, without END.

    Parameters
    ----------
    uri : str or None
        Where the image is, or was.
    account : mr_extract.text.accounting.Account

    Returns
    -------
    list of str
        When the file is not there any more, or has changed, only what the catalog
        knows of the image: its size.
    """
    text = _read(uri, account) if uri else None
    if text is None:
        facts = account.values
        return [card("SIMPLE", True, ""), card("BITPIX", -32, ""), card("NAXIS", 2, ""),
                card("NAXIS1", int(facts["width"]), ""), card("NAXIS2", int(facts["height"]), "")]
    cards = [text[k : k + 80] for k in range(0, len(text), 80)]
    cards = cards[: next((k for k, one in enumerate(cards) if one[:8] == "END     "), len(cards))]
    while cards and not cards[-1].strip():
        cards.pop()
    return [one for one in cards if one[:8].strip() not in _OWN and not one.startswith("SEX")]


def _read(uri, account):
    try:
        buffer = storage.read(uri)
    except ImageFailure:
        return None
    if hashlib.sha256(buffer).hexdigest() != account.values.get("sha256"):
        return None
    return printable(header_of_unit(unpack(buffer), int(account.values["hdu"])))


def field_cards(
    account: Account,
    config: Mapping[str, Any],
    header: Mapping,
    outputs: Sequence[Output],
    images: tuple[int, int],
) -> list[tuple[str, object, str]]:
    """Return the cards that SExtractor adds to an image's header.

    Parameters
    ----------
    account : mr_extract.text.accounting.Account
    config : dict
        The configuration of the catalog, as nested dictionaries.
    header : mapping
        Cards of the image's header.
    outputs : sequence of mr_extract.sextractor.names.Output
    images : (int, int)
        Number of this image among those of its file in the catalog, and how many
        they are.

    Returns
    -------
    list of (str, object, str)
    """
    facts, rms = account.values, float(account.values["rms"])
    background, detection, measurement = (
        config[section] for section in ("background", "detection", "measurement")
    )
    relative = detection["thresh_type"] == "relative"
    thresh = analysis = detection["thresh"] * (rms if relative else 1.0)
    if detection.get("analysis_thresh"):
        relative = detection["analysis_thresh_type"] == "relative"
        analysis = detection["analysis_thresh"] * (rms if relative else 1.0)
    header = cards_of(header)
    if config.get("astrometry", {}).get("distortion") == "ctype":
        with hearing():
            header = as_ctype_says(header)
    level = _overridden(header, measurement["satur_key"], measurement["satur_level"])
    apertures = [*measurement["apertures"], 0.0, 0.0, 0.0, 0.0][:4]
    name = os.path.basename(account.id.partition("[")[0])
    return [
        ("FITSFILE", name, "file name of the image"),
        ("FITSEXT", images[0], "number of the image among those of its file"),
        ("FITSNEXT", images[1], "images of the file"),
        ("SEXVERS", f"mr_extract {facts.get('version', __version__)}", "what extracted it"),
        ("SEXBKGND", float(facts["background"]), "background level (ADU)"),
        ("SEXBKDEV", rms, "background rms (ADU)"),
        ("SEXTHLD", _single(thresh), "detection threshold (ADU)"),
        ("SEXATHLD", _single(analysis), "analysis threshold (ADU)"),
        ("SEXNFIN", int(facts["sources"]), "sources in the catalogue"),
        ("SEXNPARA", len(outputs), "parameters of each source"),
        ("SEXPXSCL", float(measurement["pixel_scale"]) or _scale(header, facts),
         "pixel scale (arcsec)"),
        ("SEXGAIN", _overridden(header, measurement["gain_key"], measurement["gain"]),
         "gain (e-/ADU)"),
        ("SEXFLTR", bool(detection["filter_kernel"]), "detection on a filtered image"),
        ("SEXMINAR", detection["minarea"], "least area of a detection (pixels)"),
        ("SEXDBLDN", detection["deblend_nthresh"], "deblending levels"),
        ("SEXDBLDC", detection["deblend_cont"], "deblending contrast"),
        ("SEXCLN", detection["clean"], "cleaning"),
        ("SEXCLNPA", detection["clean_param"], "cleaning parameter"),
        *((f"SEXAPED{k}", diameter, f"diameter of aperture {k} (pixels)")
          for k, diameter in enumerate(apertures, 1)),
        ("SEXAUTP1", measurement["kron_factor"], "Kron factor"),
        ("SEXAUTP2", measurement["kron_min_radius"], "least Kron radius"),
        ("SEXPETP1", measurement["petro_factor"], "Petrosian factor"),
        ("SEXPETP2", measurement["petro_min_radius"], "least Petrosian radius"),
        ("SEXSATLV", level, "saturation level (ADU)"),
        ("SEXMGZPT", _overridden(header, measurement["zero_point_key"],
                                 measurement["zero_point"], positive=False),
         "magnitude zero point"),
        ("SEXBKGSX", background["bw"], "width of a background cell (pixels)"),
        ("SEXBKGSY", background["bh"], "height of a background cell (pixels)"),
        ("SEXBKGFX", background["fw"], "width of the background filter (cells)"),
        ("SEXBKGFY", background["fh"], "height of the background filter (cells)"),
        *_weight_scales(facts),
        ("MRXID", account.id, "id of the image in the catalogue"),
        ("MRXSHA", facts.get("sha256", ""), ""),
        ("MRXCONF", facts.get("config", ""), "hash of the settings"),
    ]


def _single(value):
    """Return a number with the digits of a float32."""
    return float(f"{value:.9g}") if 0 < abs(value) < 1e-37 or abs(value) > 3e38 else \
        float(np.float32(value))


def _scale(header, facts):
    """Return the arcseconds of a pixel in the image's middle, 1 without a WCS, as SExtractor."""
    middle = (np.array([(float(facts[side]) - 1) / 2]) for side in ("width", "height"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy's, about odd cards
            scale = local_scale(lambda x, y: sky_positions(header, x, y, "native"), *middle)
    except ImageFailure:
        return 1.0  # sky positions are nan, too
    return 3600 * float(pixel_area(scale)[0]) ** 0.5 if scale else 1.0


def _weight_scales(facts):
    """Return the cards of what the weight maps were multiplied by."""
    whole, detected = (facts.get(name) for name in ("weight_scale", "detect_weight_scale"))
    detected = detected if "detect_sha256" in facts else whole
    return [(keyword, float(scale), f"factor of the {what} weights")
            for keyword, scale, what in (("SEXMWSCL", whole, "measurement"),
                                         ("SEXDWSCL", detected, "detection")) if scale]


def _overridden(header, keyword, value, positive=True):
    """Return the value of a card, where there is a usable one."""
    with hearing():  # the image's line says what is not
        found, _ = card_number((header,), keyword, positive)
    return float(value) if found is None else found
