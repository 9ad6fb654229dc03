"""Sky positions of pixels from a FITS header.

A plain gnomonic header is done by a few lines of numpy: building astropy's
WCS costs more than all sky positions of a frame, and importing it more than
several frames. Every other header goes through `astropy.wcs`; the tests hold
the two together to 1e-10 degrees. Of several coordinate systems in a header the
primary one is used.
"""

import re
import warnings

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import number, say_repeated
from mr_extract.images.cards import cards_of
from mr_extract.images.scaling import with_numbers
from mr_extract.remarks import say

# Offsets of FK5 (J2000) from ICRS: USNO Circular 179, section 3.5.
_MAS = np.pi / 180 / 3600 / 1000
_ETA0, _XI0, _DA0 = -19.9 * _MAS, 9.1 * _MAS, -22.9 * _MAS

FRAMES = ("icrs", "fk5", "native")
_CYLINDERS, _FACETS = ("CYP", "CEA", "CAR", "MER"), ("TSC", "CSC", "QSC", "HPX")
_OF_THE_SKY = re.compile(r"(RA--|DEC-|[GSE](LON|LAT))")  # and not of the Sun or a planet
_TURNED = ("GLON", "SLON", "ELON")  # which SExtractor turns to the equator

# Cards of a WCS whose values must be numbers.
_NUMBER = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)\d+$|(CD|PC|PV)\d+_\d+$|(A|B)_(\d_\d|ORDER)$|"
                     r"(LON|LAT)POLE$")
_EQUINOX = re.compile(r"(EQUINOX|EPOCH)$")
_NAMES = re.compile(r"(CTYPE|CUNIT)\d+$|RADE(CSYS|SYS)$|WAT\d_\d+$")
_NUMBER_OR_NAME = re.compile("|".join(one.pattern for one in (_NUMBER, _EQUINOX, _NAMES)))


def sky_positions(header, x, y, frame="icrs"):
    """Return the positions of pixels on the sky.

    Parameters
    ----------
    header : mapping
        Header cards as from `mr_extract.images`; whatever is not plain needs
        their attribute `text`, or an astropy Header.
    x, y : ndarray of float64, shape (n,)
        0-based pixel positions, counted from the `origin` of the cards.
    frame : str
        ``icrs``, ``fk5`` (equinox J2000, which is what SExtractor calls ALPHA_J2000 for
        headers in FK5) or ``native``: longitude and latitude in the header's own system,
        of galactic, supergalactic and ecliptic ones in FK5 (ALPHA_SKY).

    Returns
    -------
    tuple of two ndarrays of float64, shape (n,), or None
        Right ascension (0 to 360) and declination in degrees, or another longitude
        and latitude; None when the header has no celestial coordinates, or
        those of the Sun or a planet, which only ``native`` has.

    Raises
    ------
    ImageFailure
        ``broken-wcs`` when it has celestial axes that cannot be used.
    ValueError
        For a frame that is none of the three.

    Notes
    -----
    SIP, TPV, TNX and ZPX distortions are applied. TAN with PVi_j on both axes is taken
    for TPV, as SCAMP writes and SExtractor reads it.
    """
    if frame not in FRAMES:
        raise ValueError(f"{frame!r} is none of {', '.join(FRAMES)}")
    header = cards_of(header)
    origin = getattr(header, "origin", (0, 0))
    axes = axes_of(header)
    if axes is None or (frame != "native" and not any(_OF_THE_SKY.match(a) for a in axes)):
        return None
    _say_odd(header)
    x, y = (np.asarray(v, float) + first for v, first in zip((x, y), origin))
    plain = _plain_gnomonic(header, axes, x, y)
    if plain is None:
        return _by_astropy(header, axes, x, y, frame)
    vector, system = plain
    if frame not in ("native", system):
        # Without BLAS, whose last digits depend on the processor.
        matrix = _fk5_to_icrs() if frame == "icrs" else _fk5_to_icrs().T
        vector = (matrix[:, :, None] * vector).sum(axis=1)
    longitude = np.degrees(np.arctan2(vector[1], vector[0])) % 360.0
    return longitude, np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))


def axes_of(header):
    """Return CTYPE of four axes in capitals; None where none of them is celestial."""
    axes = [str(header.get(f"CTYPE{k}", "")).strip().upper() for k in (1, 2, 3, 4)]
    celestial = r"(RA--|DEC-|[A-Z]LON|[A-Z]LAT|[A-Z]{2}LN|[A-Z]{2}LT)"
    return axes if any(re.match(celestial, a) for a in axes) else None


def celestial_wcs(header):
    """Return what `sky_positions` has of astropy for headers that are not plain.

    Parameters
    ----------
    header : mapping
        With celestial axes.

    Returns
    -------
    wcs : astropy.wcs.WCS
        Of whole images, whatever the `origin` of the cards is.
    frame : astropy.coordinates.BaseCoordinateFrame

    Raises
    ------
    ImageFailure
        ``broken-wcs``.
    """
    header = cards_of(header)
    return _by_astropy(header, axes_of(header), None, None, None)


def _broken(reason):
    return ImageFailure("broken-wcs", f"{reason}; choose columns without sky positions to go on")


def _say_odd(header):
    """Say which cards have no value, or a second one."""
    for keyword in sorted(getattr(header, "empty", ())):
        if _NUMBER.match(keyword):
            say("unusable-card", f"{keyword} has no value")
    for keyword in getattr(header, "repeated", ()):
        if _NUMBER_OR_NAME.match(keyword):
            say_repeated(header, keyword)


def _wcs_number(keyword, value):
    """Return the number of a card, None where it is none."""
    if _EQUINOX.match(keyword) and isinstance(value, str):
        value = value.strip().upper().lstrip("JB")
    return None if _NAMES.match(keyword) else number(value)


def _plain_gnomonic(header, axes, x, y):
    """Return vectors towards pixels, shape (3, n), and their frame; None for other headers."""
    if axes[:2] != ["RA---TAN", "DEC--TAN"] or axes[2] or axes[3]:
        return None
    if any(re.match(r"(PV\d|PS\d|A_|B_|AP_|BP_|CPDIS|D2IM|LONPOLE|LATPOLE|WCSDIM)", k)
           for k in header):
        return None
    units = {str(header.get(f"CUNIT{k}", "")).strip().lower() for k in (1, 2)}
    if not units <= {"", "deg", "degree", "degrees"}:
        return None
    system = _system(header)
    if system not in ("ICRS", "FK5"):
        return None
    numbers = [number(header.get(k)) for k in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    matrix = _matrix(header)
    if matrix is None or not np.isfinite(matrix).all() or any(v is None for v in numbers):
        return None  # what is wrong is named there
    numbers = [float(v) for v in numbers]
    if np.linalg.matrix_rank(matrix) < 2:
        raise _broken("the WCS matrix is singular")
    ra0, dec0, x0, y0 = numbers
    if not abs(dec0) < 90.0:  # at the very pole the default of LONPOLE changes
        return None
    u, v = x - (x0 - 1.0), y - (y0 - 1.0)
    # From the vector of the tangent point: Calabretta & Greisen 2002, section 5.1.3.
    xi = np.radians(matrix[0, 0] * u + matrix[0, 1] * v)
    eta = np.radians(matrix[1, 0] * u + matrix[1, 1] * v)
    ra0, dec0 = np.radians(ra0), np.radians(dec0)
    sin0, cos0 = np.sin(dec0), np.cos(dec0)
    along = cos0 - eta * sin0
    vector = np.stack([
        along * np.cos(ra0) - xi * np.sin(ra0),
        along * np.sin(ra0) + xi * np.cos(ra0),
        sin0 + eta * cos0,
    ])
    return vector, system.lower()


def _system(header):
    name = str(header.get("RADESYS", header.get("RADECSYS", ""))).strip().upper()
    equinox = header.get("EQUINOX", header.get("EPOCH"))
    if equinox is not None:
        equinox = _wcs_number("EQUINOX", equinox)
        if equinox is None:
            return None
    if not name:
        name = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    if name == "FK5" and equinox not in (None, 2000):
        return None
    return name


def _matrix(header):
    """Return the matrix from pixels to degrees; None where it is not given plainly."""
    def card(name, default):
        value = number(header.get(name, default))
        return np.nan if value is None else value

    names = [f"{i}_{j}" for i in (1, 2) for j in (1, 2)]
    if any(f"CD{n}" in header for n in names):
        if any(f"PC{n}" in header for n in names):
            return None
        return np.array([card(f"CD{n}", 0.0) for n in names]).reshape(2, 2)
    if "CDELT1" not in header or "CDELT2" not in header:
        return None
    scale = np.diag([card("CDELT1", 1.0), card("CDELT2", 1.0)])
    if any(f"PC{n}" in header for n in names):
        unit = (1.0, 0.0, 0.0, 1.0)
        turn = [card(f"PC{n}", one) for n, one in zip(names, unit)]
        return scale @ np.array(turn).reshape(2, 2)
    if any(k.startswith("PC0") for k in header):
        return None
    angle = np.radians(card("CROTA2", 0.0))
    # CROTA with CDELT: Calabretta & Greisen 2002, equation 189.
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ scale


def _fk5_to_icrs():
    def turn(first, second, angle):
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = np.cos(angle)
        matrix[first, second], matrix[second, first] = np.sin(angle), -np.sin(angle)
        return matrix

    to_fk5 = turn(1, 2, -_ETA0) @ turn(2, 0, _XI0) @ turn(0, 1, _DA0)
    return to_fk5.T


def _by_astropy(header, axes, x, y, wanted):
    from astropy.coordinates import FK5, ICRS, SkyCoord
    from astropy.io import fits
    from astropy.wcs import WCS

    if not all(f"CRVAL{k}" in header for k in (1, 2)):
        raise _broken("the WCS has celestial axes but no CRVAL")
    if not any(re.match(r"(CD\d_|CDELT)", k) for k in header):
        raise _broken("the WCS has celestial axes but no scale")
    for keyword in header:  # wcslib would take the default in place of such a value
        if _NUMBER.match(keyword):
            if number(header[keyword]) is None:
                raise _broken(f"the WCS has {keyword} = {header[keyword]!r}, which is no number")
        elif _EQUINOX.match(keyword) and _wcs_number(keyword, header[keyword]) is None:
            say("unusable-card", f"{keyword} = {header[keyword]!r}")
    projection = axes[0][5:8]
    if projection in ("TNX", "ZPX") and not _has_surfaces(header):
        # wcslib would go on without the distortion, or with a wrong one.
        raise _broken(f"the projection {projection} has lost some of its WAT cards")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if hasattr(header, "text"):
                scamp = axes[:2] == ["RA---TAN", "DEC--TAN"] and _is_scamp(header)
                header = fits.Header.fromstring(
                    with_numbers(header.text, _NUMBER_OR_NAME, header, _wcs_number))
                if scamp:
                    header["CTYPE1"], header["CTYPE2"] = "RA---TPV", "DEC--TPV"
            else:
                header = {key: _wcs_number(key, value) if _NUMBER.match(key) else value
                          for key, value in header.items()}
            wcs = WCS(header)
            wcs.wcs.set()
            if {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
                raise ValueError("the first two axes are not longitude and latitude")
            wcs = wcs.celestial
            if np.linalg.matrix_rank(wcs.pixel_scale_matrix) < 2:
                raise ValueError("the WCS matrix is singular")
            frame = _frame_of(wcs, wanted)
            if wanted is None:
                return wcs, frame
            world = _world(wcs, x, y)
            longitude, latitude = world[wcs.wcs.lng], world[wcs.wcs.lat]
            # An equinox that is not said would be taken from the header's frame.
            fk5 = FK5(equinox="J2000")
            native = fk5 if wcs.wcs.ctype[wcs.wcs.lng][:4] in _TURNED else frame
            target = {"icrs": ICRS(), "fk5": fk5, "native": native}[wanted]
            if frame is not None and not frame.is_equivalent_frame(target):
                position = SkyCoord(longitude, latitude, unit="deg", frame=frame)
                position = position.transform_to(target).spherical
                longitude, latitude = position.lon.deg, position.lat.deg
        except Exception as error:  # wcslib and astropy raise a class for each defect
            text = " ".join(str(error).split())[:200]
            if "projection code" in text:
                raise _broken(f"the projection {projection} is not supported") from error
            raise _broken(f"the WCS cannot be used ({type(error).__name__}: {text})") from error
    if len(longitude) and not np.isfinite(longitude).any():
        raise _broken("the WCS gives no finite position")
    return np.asarray(longitude) % 360.0, np.asarray(latitude)


def _world(wcs, x, y):
    """Return longitude and latitude of pixels; wcslib has none beyond a whole turn."""
    world = wcs.all_pix2world(x, y, 0)
    if wcs.wcs.ctype[wcs.wcs.lng][5:8] in _CYLINDERS:
        step, turns = turns_of(wcs, x, y)
        beyond = np.flatnonzero(~np.isfinite(world[0]) & (turns != 0) & np.isfinite(turns))
        if len(beyond):
            turns = turns[beyond]
            more = wcs.all_pix2world(x[beyond] - turns * step[0], y[beyond] - turns * step[1], 0)
            world[0][beyond], world[1][beyond] = more
    return world


def turns_of(wcs, x, y):
    """Return after how many pixels a map shows the sky again, and where pixels are.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
    x, y : ndarray of float64, shape (n,)
        0-based.

    Returns
    -------
    step : ndarray of float64, shape (2,), or None
        In x and y; None for projections that show it once.
    turns : ndarray of float64, shape (n,)
        Whole turns from the one around the reference pixel.
    """
    longitude = wcs.wcs.lng
    projection = wcs.wcs.ctype[longitude][5:8]
    if projection not in (*_CYLINDERS, *_FACETS):
        return None, np.zeros(len(x))
    span = 360.0
    if projection == "CYP":  # the radius of its cylinder: Calabretta & Greisen 2002, 5.2.1
        radius = [value for axis, number, value in wcs.wcs.get_pv()
                  if (axis, number) == (wcs.wcs.lat + 1, 2)]
        span *= radius[0] if radius else 1.0
    matrix, reference = wcs.pixel_scale_matrix, wcs.wcs.crpix - 1.0
    across = matrix[longitude, 0] * (x - reference[0]) + matrix[longitude, 1] * (y - reference[1])
    step = np.zeros(2)
    step[longitude] = span
    return np.linalg.solve(matrix, step), np.round(across / span)


def _frame_of(wcs, wanted):
    """Return the frame of a header, None for the native coordinates of what is no sky."""
    from astropy.coordinates import BarycentricMeanEcliptic, Supergalactic
    from astropy.time import Time
    from astropy.wcs.utils import wcs_to_celestial_frame

    kind, equinox = wcs.wcs.ctype[wcs.wcs.lng][:4], wcs.wcs.equinox
    if kind == "ELON":  # astropy goes by RADESYS, and takes them for right ascensions
        old = wcs.wcs.radesys.startswith("FK4")
        return BarycentricMeanEcliptic(equinox=Time(
            equinox if np.isfinite(equinox) else 2000.0, format="byear" if old else "jyear"))
    if kind == "SLON":
        return Supergalactic()
    if kind in ("RA--", "GLON"):
        return wcs_to_celestial_frame(wcs)
    if wanted == "native":
        return None
    raise ValueError(f"coordinates of the kind {kind} are not of the sky")


def _has_surfaces(header):
    """Tell whether IRAF's coefficients are there for both axes, from first to last card."""
    for axis in (1, 2):
        names = sorted(k for k in header if re.match(rf"WAT{axis}_\d{{3}}$", k))
        text = "".join(str(header[name]) for name in names)
        whole = names == [f"WAT{axis}_{k:03d}" for k in range(1, len(names) + 1)]
        if not whole or "cor" not in text or text.count('"') != 2:
            return False
    return True


def _is_scamp(header):
    """Tell whether PVi_j of a TAN header are coefficients of a polynomial."""
    # On the first axis alone they would be what the standard takes them for.
    return "A_ORDER" not in header and all(
        any(re.match(rf"PV{axis}_\d+$", k) for k in header) for axis in (1, 2))
