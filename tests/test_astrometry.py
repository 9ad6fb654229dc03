"""Sky positions agree with astropy's, by whichever of the two ways they were had."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.coordinates import (
    FK4,
    FK5,
    ICRS,
    BarycentricMeanEcliptic,
    Galactic,
    SkyCoord,
    Supergalactic,
)
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from stars import star_field

from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images import read_image
from mr_extract.images.cards import cards_of
from mr_extract.remarks import as_cell, hearing

SHAPE = (1500, 2000)
RNG = np.random.default_rng(3)
X, Y = RNG.uniform(0, SHAPE[1] - 1, 60), RNG.uniform(0, SHAPE[0] - 1, 60)

# 0.4 microarcseconds: a thousandth of what the best catalogues claim, and a
# thousand times the rounding of angles in double precision.
TOLERANCE = 1e-10

PLAIN = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 20.0,
    "CRPIX1": 1000.5, "CRPIX2": 750.5,
}
CD = {"CD1_1": -1.1e-4, "CD1_2": 2e-6, "CD2_1": 2e-6, "CD2_2": 1.1e-4}


def header(*parts, **more):
    cards = fits.Header()
    for part in (*parts, more):
        for keyword, value in part.items():
            cards[keyword] = value
    return cards


def by_astropy(cards, frame, x=X, y=Y):
    """Positions of a header of two celestial axes, longitude first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = WCS(cards).all_pix2world(x, y, 0)
    return SkyCoord(first, second, unit="deg", frame=frame).transform_to(ICRS())


def separation(positions, expected):
    """Largest angle between positions in degrees, exact for the smallest too."""
    ra, dec = positions
    assert (ra >= 0).all() and (ra < 360).all()
    found = SkyCoord(ra, dec, unit="deg")
    between = found.cartesian.xyz.value - expected.cartesian.xyz.value
    return np.degrees(np.linalg.norm(between, axis=0)).max()


SCALES = {
    "cd": CD,
    "cd with gaps": {"CD1_1": -1e-4, "CD2_2": 1e-4},
    "cd wins over cdelt": {**CD, "CDELT1": 5.0, "CDELT2": 5.0, "CROTA2": 40.0},
    "cdelt": {"CDELT1": -1e-4, "CDELT2": 2e-4},
    "crota": {"CDELT1": -1e-4, "CDELT2": 2e-4, "CROTA2": 33.0},
    "crota of the wrong axis": {"CDELT1": -1e-4, "CDELT2": 2e-4, "CROTA1": 33.0},
    "pc": {"CDELT1": -1e-4, "CDELT2": 2e-4, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6,
           "PC2_2": 0.8},
    "pc with gaps": {"CDELT1": -1e-4, "CDELT2": 2e-4, "PC1_2": 0.1},
    "pc without cdelt": {"PC1_1": 1e-4, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1e-4,
                         "CDELT1": 1.0, "CDELT2": 1.0},
    "units": {**CD, "CUNIT1": "deg", "CUNIT2": "deg"},
}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize(
    ("system", "frame"),
    [({}, ICRS()), ({"RADESYS": "ICRS"}, ICRS()), ({"RADESYS": "FK5"}, FK5()),
     ({"EQUINOX": 2000.0}, FK5()), ({"EPOCH": 2000}, FK5()), ({"RADECSYS": "FK5"}, FK5()),
     ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, ICRS())],
    ids=lambda value: " ".join(map(str, value.values())) or "plain" if type(value) is dict else "",
)
def test_a_gnomonic_header_gives_astropys_positions(scale, system, frame):
    cards = header(PLAIN, scale, system)
    assert separation(sky_positions(cards, X, Y), by_astropy(cards, frame)) < TOLERANCE


@pytest.mark.parametrize("frame", [ICRS(), FK5()], ids=["icrs", "fk5"])
@pytest.mark.parametrize(
    ("ra", "dec"),
    [(0.0, 0.0), (359.999, 45.0), (0.001, -45.0), (-10.0, 30.0), (400.0, 30.0), (123.0, 89.999),
     (123.0, -89.999), (200.0, 89.9), (10.0, 90.0), (10.0, -90.0), (180.0, 60.0)],
)
def test_positions_hold_at_the_poles_and_across_the_origin_of_right_ascension(ra, dec, frame):
    cards = header(PLAIN, CD, RADESYS=frame.name.upper(), CRVAL1=ra, CRVAL2=dec)
    assert separation(sky_positions(cards, X, Y), by_astropy(cards, frame)) < TOLERANCE


@settings(max_examples=60, deadline=None)
@given(
    ra=st.floats(-360, 720), dec=st.floats(-90, 90), angle=st.floats(0, 360),
    scale=st.floats(1e-6, 1e-3), mirror=st.booleans(),
)
def test_no_orientation_tells_the_two_ways_apart(ra, dec, angle, scale, mirror):
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    sign = -1.0 if mirror else 1.0
    cards = header(PLAIN, CRVAL1=ra, CRVAL2=dec, CD1_1=sign * c, CD1_2=-s, CD2_1=sign * s, CD2_2=c)
    assert separation(sky_positions(cards, X, Y), by_astropy(cards, ICRS())) < TOLERANCE


SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2,
       "A_2_0": 1e-6, "A_1_1": -2e-6, "B_0_2": 3e-6, "B_2_0": 1e-6}
TPV = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_0": 1e-5, "PV1_1": 1.001, "PV1_4": 0.01,
       "PV2_0": -2e-5, "PV2_1": 0.999, "PV2_5": 0.02}
GENERAL = {
    "sip": (SIP, ICRS()),
    "sip in fk5": ({**SIP, "EQUINOX": 2000.0}, FK5()),
    "tpv": (TPV, ICRS()),
    "tan with pv": ({**TPV, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}, ICRS()),
    **{
        name: ({"CTYPE1": f"RA---{name}", "CTYPE2": f"DEC--{name}"}, ICRS())
        for name in ("SIN", "ARC", "STG", "ZEA", "CAR", "AIT")
    },
    "lonpole": ({"LONPOLE": 150.0}, ICRS()),
    "galactic": ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, Galactic()),
    "galactic plate carree": (
        {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL2": 0.0}, Galactic()),
    "ecliptic": ({"CTYPE1": "ELON-TAN", "CTYPE2": "ELAT-TAN"},
                 BarycentricMeanEcliptic(equinox="J2000")),
    "ecliptic of another equinox": (
        {"CTYPE1": "ELON-SIN", "CTYPE2": "ELAT-SIN", "RADESYS": "FK5", "EQUINOX": 1975.0},
        BarycentricMeanEcliptic(equinox="J1975")),
    "supergalactic": ({"CTYPE1": "SLON-TAN", "CTYPE2": "SLAT-TAN"}, Supergalactic()),
    "b1950": ({"RADESYS": "FK4", "EQUINOX": 1950.0}, FK4(equinox="B1950")),
    "b1950 by its equinox": ({"EQUINOX": 1950.0}, FK4(equinox="B1950")),
    "fk5 of another equinox": ({"RADESYS": "FK5", "EQUINOX": 1975.0}, FK5(equinox="J1975")),
    "arcseconds": ({"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CRVAL1": 54e4, "CRVAL2": 72e3,
                    "CD1_1": -0.4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.4}, ICRS()),
}


@pytest.mark.parametrize(("cards", "frame"), GENERAL.values(), ids=GENERAL)
def test_every_other_header_gives_astropys_positions(cards, frame):
    cards = header(PLAIN, CD, cards)
    positions = sky_positions(cards, X, Y)
    expected = by_astropy(cards, frame)
    assert separation(positions, expected) < TOLERANCE
    plain = by_astropy(header(PLAIN, CD), ICRS())
    assert separation(positions, plain) > 1e-7, "the case does not differ from a plain header"


FRAMES = {
    "icrs": ({}, ICRS()), "fk5": ({"RADESYS": "FK5"}, FK5()),
    "fk5 with sip": ({**SIP, "RADESYS": "FK5"}, FK5()), "icrs with sip": (SIP, ICRS()),
    **{name: GENERAL[name] for name in ("tpv", "galactic", "b1950", "fk5 of another equinox")},
}


@pytest.mark.parametrize(("cards", "system"), FRAMES.values(), ids=FRAMES)
def test_positions_can_be_had_in_fk5_and_in_the_headers_own_system(cards, system):
    cards = header(PLAIN, CD, cards)
    expected = by_astropy(cards, system)
    fk5 = expected.transform_to(FK5(equinox="J2000"))
    # From B1950 astropy's own two ways, directly and by the ICRS, differ by 0.02 mas.
    limit = 1e-8 if isinstance(system, FK4) else TOLERANCE
    assert separation(sky_positions(cards, X, Y, "fk5"), fk5) < limit
    turned = "GLON-TAN" in cards.values()  # as SExtractor does it
    own = fk5 if turned else SkyCoord(*WCS(cards).all_pix2world(X, Y, 0), unit="deg")
    assert separation(sky_positions(cards, X, Y, "native"), own) < TOLERANCE
    assert separation(sky_positions(cards, X, Y, "icrs"), expected) < TOLERANCE


def test_longitudes_on_the_sun_are_no_right_ascensions():
    cards = header(PLAIN, CD, CTYPE1="HLON-TAN", CTYPE2="HLAT-TAN")
    assert sky_positions(cards, X, Y) is None
    own = sky_positions(cards, X, Y, "native")
    assert np.allclose(own, sky_positions(header(PLAIN, CD), X, Y))


def test_a_frame_that_there_is_none_of_is_refused():
    with pytest.raises(ValueError, match="galactic"):
        sky_positions(header(PLAIN, CD), X, Y, "galactic")


# ---- distortions, each computed once more from its definition

def intermediate(x, y):
    u, v = x + 1 - PLAIN["CRPIX1"], y + 1 - PLAIN["CRPIX2"]
    return CD["CD1_1"] * u + CD["CD1_2"] * v, CD["CD2_1"] * u + CD["CD2_2"] * v


def gnomonic(xi, eta):
    """Sky positions of standard coordinates in degrees, by spherical trigonometry."""
    ra0, dec0 = np.radians([PLAIN["CRVAL1"], PLAIN["CRVAL2"]])
    xi, eta = np.radians(xi), np.radians(eta)
    along = np.cos(dec0) - eta * np.sin(dec0)
    ra = ra0 + np.arctan2(xi, along)
    dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, along))
    return SkyCoord(np.degrees(ra), np.degrees(dec), unit="deg")


def tpv(pv, axis, a, b):
    r = np.hypot(a, b)
    terms = (1, a, b, r, a * a, a * b, b * b, a**3, a * a * b, a * b * b, b**3, r**3)
    return sum(pv.get(f"PV{axis}_{k}", float(k == 1)) * term for k, term in enumerate(terms))


SCAMP = {
    "first degree": {"PV1_0": 1e-5, "PV1_1": 1.001, "PV1_2": 1e-3, "PV2_0": -2e-5, "PV2_1": 0.999},
    "third degree": {"PV1_0": 1e-5, "PV1_1": 1.001, "PV1_4": 0.01, "PV1_7": 0.5, "PV2_1": 0.999,
                     "PV2_5": 0.02, "PV2_10": 0.3},
    "with radii": {"PV1_1": 1.0, "PV1_3": 0.01, "PV2_1": 1.0, "PV2_11": 0.2},
}


@pytest.mark.parametrize("form", [lambda cards: cards, cards_of], ids=["astropy", "plain"])
@pytest.mark.parametrize("projection", ["TAN", "TPV"])
@pytest.mark.parametrize("pv", SCAMP.values(), ids=SCAMP)
def test_polynomials_of_scamp_are_applied_whatever_the_projection_is_called(pv, projection, form):
    cards = header(PLAIN, CD, pv, CTYPE1=f"RA---{projection}", CTYPE2=f"DEC--{projection}")
    xi, eta = intermediate(X, Y)
    expected = gnomonic(tpv(pv, 1, xi, eta), tpv(pv, 2, eta, xi))
    assert separation(sky_positions(form(cards), X, Y), expected) < TOLERANCE
    assert separation(sky_positions(cards, X, Y), gnomonic(xi, eta)) > 1e-6


@pytest.mark.parametrize("suffix", ["-SIP", ""])
def test_sip_is_applied_also_where_the_projection_does_not_say_so(suffix):
    cards = header(PLAIN, CD, SIP, CTYPE1=f"RA---TAN{suffix}", CTYPE2=f"DEC--TAN{suffix}")
    u, v = X + 1 - PLAIN["CRPIX1"], Y + 1 - PLAIN["CRPIX2"]
    x = X + SIP["A_2_0"] * u * u + SIP["A_1_1"] * u * v
    y = Y + SIP["B_0_2"] * v * v + SIP["B_2_0"] * u * u
    expected = gnomonic(*intermediate(x, y))
    assert separation(sky_positions(cards, X, Y), expected) < TOLERANCE


def iraf(projection, kind, terms, coefficients, more="", width=68):
    """The WAT cards of IRAF: text cut into pieces of 68 characters."""
    cards = {"CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}",
             "WAT0_001": "system=image"}
    for axis, name, values in ((1, "lng", coefficients[0]), (2, "lat", coefficients[1])):
        text = (f"wtype={projection.lower()} axtype={'ra' if axis == 1 else 'dec'} {more}{name}cor "
                f'= "{kind}. 4. 4. {terms}. -0.13 0.13 -0.1 0.1 '
                + " ".join(f"{v:.12E}" for v in values) + ' "')
        for k in range(0, len(text), width):
            cards[f"WAT{axis}_{k // width + 1:03d}"] = text[k : k + width]
    return cards


def surface(kind, terms, coefficients, x, y):
    """Polynomials of IRAF's mathematical surfaces: Chebyshev, Legendre, plain."""
    value = [None, np.polynomial.chebyshev.chebval, np.polynomial.legendre.legval,
             np.polynomial.polynomial.polyval][kind]
    if kind < 3:
        x, y = x / 0.13, y / 0.1
    powers = [(m, n) for n in range(4) for m in range(4)
              if terms == 1 or (terms == 2 and m + n < 4) or (terms == 0 and 0 in (m, n))]
    assert len(powers) == len(coefficients)
    unit = np.eye(4)
    return sum(c * value(x, unit[m]) * value(y, unit[n])
               for c, (m, n) in zip(coefficients, powers))


@pytest.mark.parametrize("kind", [1, 2, 3], ids=["chebyshev", "legendre", "plain"])
@pytest.mark.parametrize(("terms", "number"), [(0, 7), (1, 16), (2, 10)],
                         ids=["no cross terms", "full", "half"])
def test_the_tnx_of_iraf_is_applied(kind, terms, number):
    c = np.random.default_rng(8).normal(0, 1e-4, (2, number))
    cards = header(PLAIN, CD, iraf("TNX", kind, terms, c))
    xi, eta = intermediate(X, Y)
    expected = gnomonic(xi + surface(kind, terms, c[0], xi, eta),
                        eta + surface(kind, terms, c[1], xi, eta))
    assert separation(sky_positions(cards, X, Y), expected) < TOLERANCE
    assert separation(sky_positions(cards, X, Y), gnomonic(xi, eta)) > 1e-5


@pytest.mark.parametrize("width", [68, 67, 60])
@pytest.mark.parametrize("projection", ["TNX", "ZPX"])
def test_the_text_of_iraf_may_be_cut_anywhere(projection, width):
    c = np.random.default_rng(8).normal(0, 1e-4, (2, 10))
    more = "projp1=1.0 projp3=40.0 " if projection == "ZPX" else ""
    expected, lost = None, 0
    for shift in range(1, 69):  # a word moves each position of the text over the cut
        cards = header(PLAIN, CD, iraf(projection, 3, 2, c, f"{more}{'a' * shift}=1 ", width))
        cards = fits.Header.fromstring(cards.tostring())
        lost += any(len(value) < width for value in list(cards["WAT1_*"].values())[:-1])
        found = SkyCoord(*sky_positions(cards, X[:4], Y[:4]), unit="deg")
        expected = found if expected is None else expected
        assert separation(sky_positions(cards, X[:4], Y[:4]), expected) < TOLERANCE
    assert lost > 5  # cards that have lost a blank


@pytest.mark.parametrize("zero", [0, 3, 9])
def test_a_coefficient_of_iraf_may_be_zero(zero):
    c = np.random.default_rng(8).normal(0, 1e-4, (2, 10))
    c[:, zero] = 0.0
    xi, eta = intermediate(X, Y)
    expected = gnomonic(xi + surface(3, 2, c[0], xi, eta), eta + surface(3, 2, c[1], xi, eta))
    cards = header(PLAIN, CD, iraf("TNX", 3, 2, c))
    assert separation(sky_positions(cards, X, Y), expected) < TOLERANCE


def test_blanks_and_letters_in_the_text_of_iraf_are_free():
    c = np.random.default_rng(9).normal(0, 1e-4, (2, 10))
    cards = header(PLAIN, CD, iraf("ZPX", 3, 2, c, "projp1=1.0 projp3=40.0 "))
    odd = header(cards)
    for axis in (1, 2):
        text = "".join(cards[f"WAT{axis}_*"].values()).replace("E", "D").replace(" ", "  ")
        text = text.replace("=", " = ").replace("zpx", "ZPX")
        del odd[f"WAT{axis}_*"]
        for k in range(0, len(text), 68):
            odd[f"WAT{axis}_{k // 68 + 1:03d}"] = text[k : k + 68]
    expected = SkyCoord(*sky_positions(cards, X, Y), unit="deg")
    assert separation(sky_positions(odd, X, Y), expected) < TOLERANCE


@pytest.mark.parametrize("change", [
    lambda text: text.replace(' "', ' 1E-4 "'), lambda text: text[:-20] + '"',
    lambda text: text[:-3] + ',1 "', lambda text: text.replace('"3. 4.', '"3. 5.'),
    lambda text: text.replace("tnx", "tan"),
], ids=["one more", "some less", "no number", "another order", "another type"])
def test_what_is_not_what_the_text_of_iraf_says_it_holds_is_a_failure(change):
    c = np.random.default_rng(9).normal(0, 1e-4, (2, 10))
    cards = iraf("TNX", 3, 2, c)
    text = change("".join(v for k, v in cards.items() if k.startswith("WAT2")))
    cards = {k: v for k, v in cards.items() if not k.startswith("WAT2")}
    cards |= {f"WAT2_{k // 68 + 1:03d}": text[k : k + 68] for k in range(0, len(text), 68)}
    with pytest.raises(ImageFailure, match="WAT"):
        sky_positions(header(PLAIN, CD, cards), X, Y)


def test_the_zpx_of_iraf_is_applied():
    c = np.random.default_rng(9).normal(0, 1e-4, (2, 10))
    cards = header(PLAIN, CD, iraf("ZPX", 3, 2, c, "projp1=1.0 projp3=40.0 "))
    xi, eta = intermediate(X, Y)
    a, b = xi + surface(3, 2, c[0], xi, eta), eta + surface(3, 2, c[1], xi, eta)
    radius = np.radians(np.hypot(a, b))
    zenith = radius.copy()
    for _ in range(50):  # radius = zenith + 40 zenith ** 3
        zenith -= (zenith + 40 * zenith**3 - radius) / (1 + 120 * zenith**2)
    scale = np.tan(zenith) / radius
    assert separation(sky_positions(cards, X, Y), gnomonic(a * scale, b * scale)) < TOLERANCE


def test_of_several_systems_the_primary_one_is_used():
    other = {f"{k}A": v for k, v in {**PLAIN, **CD, "CRVAL1": 10.0}.items()}
    for more in ({}, SIP):
        cards = header(PLAIN, CD, more, other)
        expected = by_astropy(header(PLAIN, CD, more), ICRS())
        assert separation(sky_positions(cards, X, Y), expected) < TOLERANCE
    assert sky_positions(header(other), X, Y) is None


@pytest.mark.parametrize(("equinox", "frame"), [("J2000.0", FK5()), ("2000", FK5()),
                                                (" 2000.0", FK5())])
def test_an_equinox_that_is_written_as_text_counts(equinox, frame):
    cards = header(PLAIN, CD, EQUINOX=equinox)
    assert separation(sky_positions(cards, X, Y), by_astropy(
        header(PLAIN, CD, EQUINOX=2000.0), frame)) < TOLERANCE


def test_latitude_may_be_the_first_axis():
    swapped = header(PLAIN, CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CRVAL1=20.0, CRVAL2=150.0,
                     CD1_1=1e-4, CD1_2=2e-5, CD2_1=-3e-5, CD2_2=2e-4)
    straight = header(PLAIN, CRVAL1=150.0, CRVAL2=20.0,
                      CD1_1=-3e-5, CD1_2=2e-4, CD2_1=1e-4, CD2_2=2e-5)
    assert separation(sky_positions(swapped, X, Y), by_astropy(straight, ICRS())) < TOLERANCE


def test_a_plane_of_a_cube_has_the_positions_of_its_first_two_axes():
    cube = header(PLAIN, CD, WCSAXES=3, CTYPE3="FREQ", CRVAL3=1.4e9, CRPIX3=1.0, CD3_3=1e6)
    expected = by_astropy(header(PLAIN, CD), ICRS())
    assert separation(sky_positions(cube, X, Y), expected) < TOLERANCE


@pytest.mark.parametrize(
    "cards",
    [{}, {"CTYPE1": "", "CTYPE2": ""}, {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR", "CRVAL1": 3.0},
     {"CTYPE1": "WAVE", "CRVAL1": 5e-7, "CDELT1": 1e-10}, {"CRVAL1": 150.0, "CRVAL2": 20.0, **CD}],
    ids=["nothing", "empty", "linear", "spectrum", "no types"],
)
def test_a_header_without_celestial_axes_gives_none(cards):
    assert sky_positions(header(cards), X, Y) is None
    assert sky_positions(cards, X, Y) is None


def without(*names):
    return header({k: v for k, v in {**PLAIN, **CD}.items() if k not in names})


def damaged(keyword, text):
    """A header in which a value is something that is no FITS value."""
    image = header(PLAIN, CD).tostring()
    at = image.index(f"{keyword:8}=")
    return fits.Header.fromstring(image[:at] + f"{keyword:8}= {text}".ljust(80) + image[at + 80 :])


BROKEN = {
    "singular cd": header(PLAIN, CD1_1=1e-4, CD1_2=1e-4, CD2_1=1e-4, CD2_2=1e-4),
    "zero cdelt": header(PLAIN, CDELT1=0.0, CDELT2=1e-4),
    "singular cd with sip": header(PLAIN, SIP, CD1_1=1e-4, CD1_2=1e-4, CD2_1=1e-4, CD2_2=1e-4),
    "no crval": without("CRVAL1", "CRVAL2"),
    "one crval": without("CRVAL2"),
    "no scale": without(*CD),
    "unknown projection": header(PLAIN, CD, CTYPE1="RA---XYZ", CTYPE2="DEC--XYZ"),
    "two projections": header(PLAIN, CD, CTYPE2="DEC--SIN"),
    "a string for a number": header(PLAIN, CD, CRVAL1="10:00:00"),
    "a string in the matrix": header(PLAIN, CD, CD1_1="small"),
    "a value that is none": damaged("CRVAL1", "1 5 ; 150.0"),
    "not a number": damaged("CRVAL1", "NaN"),
    "one celestial axis": header(PLAIN, CD, CTYPE2="LINEAR"),
    "twice the same axis": header(PLAIN, CD, CTYPE2="RA---TAN"),
    "a slit": header(PLAIN, WCSAXES=3, CTYPE1="WAVE", CTYPE2="RA---TAN", CTYPE3="DEC--TAN",
                     CRVAL1=5e-7, CRVAL2=150.0, CRVAL3=20.0, CRPIX3=1.0, CDELT1=1e-10,
                     CDELT2=1e-4, CDELT3=1e-4),
    "beyond the pole": header(PLAIN, CD, CRVAL2=95.0),
    "an unknown system": header(PLAIN, CD, RADESYS="MARS"),
    "an unknown unit": header(PLAIN, CD, CUNIT1="furlong", CUNIT2="furlong"),
    "no coefficients of tnx": header(PLAIN, CD, CTYPE1="RA---TNX", CTYPE2="DEC--TNX"),
    "no coefficients of zpx": header(PLAIN, CD, CTYPE1="RA---ZPX", CTYPE2="DEC--ZPX"),
    "tnx that breaks off": header(PLAIN, CD, {
        k: v for k, v in iraf("TNX", 3, 2, np.zeros((2, 10))).items() if k != "WAT1_002"}),
    "a table that is not there": header(PLAIN, CD, CPDIS1="LOOKUP", CPDIS2="LOOKUP"),
}


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize("form", [lambda cards: cards, cards_of], ids=["astropy", "plain"])
@pytest.mark.parametrize("cards", BROKEN.values(), ids=BROKEN)
def test_a_header_that_cannot_be_used_is_a_named_failure(cards, form):
    with pytest.raises(ImageFailure) as failure:
        sky_positions(form(cards), X, Y)
    assert failure.value.kind == "broken-wcs"
    assert "\n" not in failure.value.message


def test_a_projection_that_is_unknown_is_named():
    with pytest.raises(ImageFailure, match="the projection XYZ is not supported"):
        sky_positions(BROKEN["unknown projection"], X, Y)


@pytest.mark.parametrize("projection", ["TAN", "ARC"])
def test_of_a_card_that_is_repeated_the_first_counts_and_it_is_said(projection):
    # As with SExtractor; wcslib takes the last.
    kind = {"CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}"}
    cards = header(PLAIN, CD, kind)
    expected = by_astropy(cards, ICRS())
    cards.append(("CRVAL1", 200.0), end=True)
    with hearing() as said:
        assert separation(sky_positions(cards, X, Y), expected) < TOLERANCE
    assert as_cell(said) == "repeated-card:CRVAL1 = 150.0, then 200.0"


def test_no_sources_have_no_positions():
    for cards in (header(PLAIN, CD), header(PLAIN, CD, SIP)):
        ra, dec = sky_positions(cards, np.empty(0), np.empty(0))
        assert len(ra) == len(dec) == 0


def test_a_plain_header_does_not_cost_the_import_of_astropy():
    # The reason why there are two ways.
    code = (
        "import sys, numpy as np\n"
        "from mr_extract.astrometry import sky_positions\n"
        f"ra, dec = sky_positions({ {**PLAIN, **CD} !r}, np.zeros(3), np.zeros(3))\n"
        "sys.exit('astropy' in sys.modules or not np.isfinite(ra).all())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr


REAL = {
    "sdss fpC": ("a/obs_sdss/fpC-005754-r3-0280.fit.gz", ICRS()),
    "sdss frame": ("a/obs_sdss/frame-g-000094-1-0131.fits.bz2", ICRS()),
    "2mass": ("b/2mass/aK_asky_990502s1420186.fits.gz", FK5()),
    "cfhtls": ("b/cfht/CFHTLS-test_g.fits", ICRS()),
    "cfhtls in tiles": ("b/cfht/CFHTLS_03_g_sci.fits.fz", ICRS()),
    "decam": ("d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz", ICRS()),
    "digitised plate": ("h/nomtam/m13real.fits", FK5()),
}


@pytest.mark.parametrize(("path", "frame"), REAL.values(), ids=REAL)
def test_headers_of_real_frames_give_astropys_positions(shared_data, path, frame):
    image = read_image((shared_data / path).read_bytes())
    height, width = image.data.shape
    x, y = X * width / SHAPE[1], Y * height / SHAPE[0]
    cards = fits.Header.fromstring(image.header.text)
    expected = by_astropy(cards, frame, x, y)
    assert separation(sky_positions(image.header, x, y), expected) < TOLERANCE


# ---- the program SExtractor

SEXTRACTOR = {
    "icrs": ({}, "native", "icrs"), "fk5": ({"RADESYS": "FK5", "EQUINOX": 2000.0}, "native", "fk5"),
    "tpv": ({**TPV}, "native", "icrs"),
    **{f"scamp, {name}": (pv, "native", "icrs") for name, pv in SCAMP.items()},
    "galactic": (GENERAL["galactic"][0], "native", "fk5"),  # its ALPHA_SKY is equatorial
    "ecliptic": (GENERAL["ecliptic"][0], "native", "fk5"),
    "b1950": ({"RADESYS": "FK4", "EQUINOX": 1950.0}, "native", None),
    "j1975": ({"RADESYS": "FK5", "EQUINOX": 1975.0}, "native", None),
    # Its Chebyshev polynomials of degree 2 and more in y, and its Legendre polynomials of
    # degree 2 and more, are not IRAF's.
    **{f"tnx, {name}": (
        iraf("TNX", kind, terms, np.random.default_rng(kind).normal(0, 1e-3, (2, count)) * used),
        "native", "icrs")
       for name, kind, terms, count, used in (
           ("plain", 3, 2, 10, 1.0), ("plain, full", 3, 1, 16, 1.0),
           ("chebyshev", 1, 1, 16, np.arange(16) < 8),
           ("legendre", 2, 1, 16, np.isin(np.arange(16), (0, 1, 4, 5))))},
}
PARAMETERS = ("X_IMAGE", "Y_IMAGE", "ALPHA_SKY", "DELTA_SKY", "ALPHA_J2000", "DELTA_J2000")


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize(("cards", "own", "j2000"), SEXTRACTOR.values(), ids=SEXTRACTOR)
def test_positions_are_those_of_sextractor(cards, own, j2000, tmp_path):
    cards = header(PLAIN, CD, cards, CRPIX1=250.0, CRPIX2=200.0)
    fits.PrimaryHDU(star_field(1, 2e4, shape=(400, 500)).data, cards).writeto(
        tmp_path / "stars.fits")
    (tmp_path / "columns").write_text("\n".join(PARAMETERS))
    (tmp_path / "kernel").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    subprocess.run(
        "source-extractor stars.fits -CATALOG_TYPE FITS_1.0 -CATALOG_NAME found.fits "
        "-PARAMETERS_NAME columns -FILTER_NAME kernel -VERBOSE_TYPE QUIET".split(),
        cwd=tmp_path, check=True, capture_output=True, timeout=240)
    found = fits.getdata(tmp_path / "found.fits")
    assert len(found) > 80
    x, y = (found[name].astype(float) - 1 for name in ("X_IMAGE", "Y_IMAGE"))
    for frame, name in ((own, "SKY"), (j2000, "J2000")):
        if frame:
            expected = SkyCoord(found[f"ALPHA_{name}"], found[f"DELTA_{name}"], unit="deg")
            # Its pixel positions are single precision: 0.01 mas at this scale; its matrix
            # from galactic coordinates has ten digits, its obliquity five.
            limit = {"GLON-TAN": 0.1, "ELON-TAN": 60.0}.get(cards["CTYPE1"], 0.02)
            assert separation(sky_positions(cards, x, y, frame), expected) * 3.6e6 < limit
