"""Units of maps to Jy/sr."""

import math
import re
from collections.abc import Callable

import numpy as np

_PLANCK, _BOLTZMANN, _LIGHT = 6.62607015e-34, 1.380649e-23, 299792458.0  # SI, exact
_CMB = 2.72548  # K, Fixsen 2009, ApJ 707, 916
_JY = 1e-26
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "k": 1e3, "M": 1e6, "G": 1e9}
_UNIT = re.compile(r"([munkMG]?)(K_?CMB|K_?RJ|K|Jy/sr|Jy/beam|Jy/pix(?:el)?|Jy)", re.IGNORECASE)


def jy_per_sr(
    unit: str, frequency: float = 0.0, beam_area: float = 0.0
) -> tuple[float | Callable[[float], float], str]:
    """Return what turns a map's unit into Jy/sr, and why nothing does.

    Parameters
    ----------
    unit : str
        ``K_CMB``, ``K_RJ``, ``MJy/sr``, ``Jy/beam``, ``Jy/pixel`` and such, with prefixes from
        nano to giga; ``K`` alone is thermodynamic, as maps of the microwave sky have it.
    frequency : float
        GHz, for kelvins; 0 where it is not known.
    beam_area : float
        Steradians, for Jy/beam; 0 where it is not known.

    Returns
    -------
    factor : float or callable
        nan where there is none; of Jy/pixel a function of the pixel's solid angle.
    missing : str
        What is lacking, empty where nothing is.

    Notes
    -----
    A thermodynamic kelvin at frequency f is, with x = h f / (k T),
    2 k f^2 / c^2 times x^2 e^x / (e^x - 1)^2, and one of Rayleigh and Jeans the first factor
    alone. Both are for one frequency, without a correction for the band.
    """
    text = re.sub(r"[\s()]", "", unit).replace("μ", "u").replace("µ", "u")
    text = re.sub(r"(?i)jy\*?sr(\^|\*\*)?-1", "Jy/sr", text)
    match = _UNIT.fullmatch(text)
    if not match:
        return np.nan, f"the unit {unit!r} is none of kelvins or Jy" if unit else "there is no unit"
    prefix, kind = match.group(1), match.group(2).lower().replace("_", "")
    scale = _PREFIXES["M" if prefix == "M" else "G" if prefix == "G" else prefix.lower()]
    if kind == "jy/sr":
        return scale, ""
    if kind == "jy/beam":
        if not beam_area:
            return np.nan, "Jy/beam needs the beam"
        return scale / beam_area, ""
    if kind.startswith("jy"):
        return (lambda area: scale / area), ""
    if not frequency:
        return np.nan, "kelvins need the frequency"
    hertz = frequency * 1e9
    factor = 2.0 * _BOLTZMANN * hertz**2 / _LIGHT**2 / _JY
    if kind != "krj":
        x = _PLANCK * hertz / (_BOLTZMANN * _CMB)
        factor *= x**2 * math.exp(x) / math.expm1(x) ** 2
    return scale * factor, ""
