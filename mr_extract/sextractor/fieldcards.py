"""What SExtractor says of an image in the header of its catalogue, as far as it is known here."""

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import ne
from typing import Any

import numpy as np

from mr_extract import __version__, storage
from mr_extract.astrometry import as_ctype_says, sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import card_number
from mr_extract.images.cards import CARD, Cards, parse_cards, printable
from mr_extract.images.general import header_of_unit
from mr_extract.measure.sky_shapes import local_scale, pixel_area
from mr_extract.planes.levels import SETTINGS
from mr_extract.remarks import hearing
from mr_extract.sextractor.fits_format import card
from mr_extract.sextractor.names import Output
from mr_extract.text.accounting import Account
from mr_extract.unpacking import unpack

_OWN = ("FITSFILE", "FITSEXT", "FITSNEXT")
_LEVELS = (
    ("SEXGAIN", "gain", "gain (e-/ADU)"),
    ("SEXSATLV", "saturation", "saturation level (ADU)"),
    ("SEXMGZPT", "zero_point", "magnitude zero point"),
)


@dataclass(frozen=True)
class ImageHeader:
    """What an image's file says of it.

    Parameters
    ----------
    cards : list of str
        80 characters each, without END, in printable ASCII; MRXODD counts what was none.
    primary : mapping
        Cards of the primary header, where the image has a share in them.
    """

    cards: list[str]
    primary: Mapping

    def parsed(self) -> Cards:
        """Return the cards by keyword."""
        return parse_cards("".join(self.cards) + "END".ljust(80))


def header_of(uri: str | None, account: Account) -> ImageHeader | None:
    """Return the header of an image from its file.

    Parameters
    ----------
    uri : str or None
        Where the image is, or was.
    account : mr_extract.text.accounting.Account

    Returns
    -------
    ImageHeader or None
        None when the file is not there any more, or has changed.
    """
    found = _read(uri, account) if uri else None
    if found is None:
        return None
    text, primary = found
    shown = printable(text)
    cards = [shown[k : k + CARD] for k in range(0, len(shown), CARD)]
    cards = cards[: next((k for k, one in enumerate(cards) if one[:8] == "END     "), len(cards))]
    while cards and not cards[-1].strip():
        cards.pop()
    odd = sum(map(ne, "".join(cards), text))
    cards = [one for one in cards if one[:8].strip() not in _OWN and not one.startswith("SEX")]
    if odd:
        cards.append(card("MRXODD", odd, "characters above that were no printable ASCII"))
    return ImageHeader(cards, primary)


def size_cards(account: Account) -> list[str]:
    """Return cards of what the catalog knows of an image without its file: its size."""
    facts = account.values
    return [card("SIMPLE", True, ""), card("BITPIX", -32, ""), card("NAXIS", 2, ""),
            card("NAXIS1", int(facts["width"]), ""), card("NAXIS2", int(facts["height"]), "")]


def _read(uri, account):
    """Return the text of an image's header, and the cards of the primary one."""
    try:
        buffer = storage.read(uri)
    except ImageFailure:
        return None
    if hashlib.sha256(buffer).hexdigest() != account.values.get("sha256"):
        return None
    buffer, hdu = unpack(buffer), int(account.values["hdu"])
    text = header_of_unit(buffer, hdu)
    inherits = hdu and parse_cards(text, ("INHERIT",)).get("INHERIT") is not False
    return text, parse_cards(header_of_unit(buffer, 0)) if inherits else {}


def field_cards(
    account: Account,
    config: Mapping[str, Any],
    known: ImageHeader | None,
    outputs: Sequence[Output],
    images: tuple[int, int],
) -> list[tuple[str, object, str]]:
    """Return the cards that SExtractor adds to an image's header.

    Parameters
    ----------
    account : mr_extract.text.accounting.Account
    config : dict
        The configuration of the catalog, as nested dictionaries.
    known : ImageHeader or None
        None where the file is gone: then gain, saturation level and zero point are left out
        that its header might have given.
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
    relative = detection["thresh_type"] != "absolute"
    thresh = analysis = detection["thresh"] * (rms if relative else 1.0) * float(
        facts.get("filter_sigma", 1.0))
    if detection.get("analysis_thresh"):
        relative = detection["analysis_thresh_type"] == "relative"
        analysis = detection["analysis_thresh"] * (rms if relative else 1.0)
    header: Mapping = {} if known is None else known.parsed()
    if config.get("astrometry", {}).get("distortion") == "ctype":
        with hearing():
            header = as_ctype_says(header)
    levels = _levels(facts, measurement, known)
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
        *levels[:1],
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
        *levels[1:],
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


def _levels(facts, measurement, known):
    """Return the cards of gain, saturation level and zero point that were used."""
    cards = []
    for keyword, name, words in _LEVELS:
        key, default = SETTINGS[name]
        key, found = measurement[key].strip(), facts.get(f"used_{name}")
        if found is None and key and known is None:
            continue
        if found is None:
            with hearing():  # the image's line says what is of no use
                headers = () if known is None else (known.parsed(), known.primary)
                found, _ = card_number(headers, key, name != "zero_point")
        cards.append((keyword, float(measurement[default] if found is None else found), words))
    return cards
