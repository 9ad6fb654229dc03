"""Headers that real files have and no standard allows: a table that grows by lines.

Each kind is what is added to a healthy header, a function from its cards (80 characters each)
to damaged ones, and what is said of the image: a remark, a failure, or nothing.
"""

import numpy as np
from astropy.io import fits

SIZE = 120
PLAIN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
         "CRPIX1": 60.0, "CRPIX2": 60.0, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0,
         "CD2_2": 1e-4, "FILTER": "r", "GAIN": 2.0}
SIP = {"A_ORDER": 2, "A_2_0": 1e-5, "B_ORDER": 2, "B_0_2": 1e-5}
TNX = {"CTYPE1": "RA---TNX", "CTYPE2": "DEC--TNX"}
ZPX = {"CTYPE1": "RA---ZPX", "CTYPE2": "DEC--ZPX"}
CAR = {"CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR"}


def _odd(code, where="FILTER"):
    def damage(cards):
        return [one.replace("'r" + " " * len(code), "'r" + code) if one.startswith(where) else one
                for one in cards] + [f"COMMENT seeing 1{code}2".ljust(80)]
    return damage


def _same(cards):
    return cards


def _text(keyword, text):
    def damage(cards):
        return [f"{keyword:8}= '{text}'".ljust(80) if one[:8].strip() == keyword else one
                for one in cards]
    return damage


def _more(*lines):
    return lambda cards: cards + [line.ljust(80) for line in lines]


def _iraf(projection, lost=None):
    """WAT cards, the first of which ends in a blank that the file has lost."""
    lines = []
    for axis, name, kind in ((1, "lng", "ra"), (2, "lat", "dec")):
        head = f"wtype={projection} axtype={kind} projp1=1. {name}cor = "
        head += '"3. 2. 2. 1. -1. 1. -1. 1.'
        text = f"{head.ljust(67, '0')} 1.5E-04 0. -2.5E-04 3.5E-03 "
        text += '"'
        assert text[67] == " "
        lines += [f"WAT{axis}_{k // 68 + 1:03d}= '{text[k : k + 68].rstrip()}'"
                  for k in range(0, len(text), 68)]
    return _more(*(line for line in lines if not lost or not line.startswith(lost)))


KINDS = {
    "degree sign": (CAR, _odd("\xb0"), ""),
    "umlaut": ({}, _odd("\xfc"), ""),
    "utf-8": (CAR, _odd("\xc3\xbc"), ""),
    "tab": (CAR, _odd("\t"), ""),
    "nul": (CAR, _odd("\0"), ""),
    "tab, plain": ({}, _odd("\t"), ""),
    "nul behind a name": ({}, _text("CTYPE1", "RA---TAN\0"), ""),
    "degree sign behind a name": ({}, _text("CTYPE1", "RA---TAN\xb0"), "broken-wcs"),
    "degree sign in a name": ({}, _text("CTYPE1", "R\xb0---TAN"), "broken-wcs"),
    "degree sign as unit": (CAR, _more("CUNIT1  = '\xb0'"), "broken-wcs"),
    "umlaut in a number": ({}, _text("CRVAL1", "15\xfc.0"), "broken-wcs"),
    "sip without -SIP": (SIP, _same, "unasked-distortion"),
    "sip and umlaut": (SIP, _odd("\xfc"), "unasked-distortion"),
    "tnx": (TNX, _iraf("tnx"), ""),
    "zpx and umlaut": (ZPX, lambda cards: _iraf("zpx")(_odd("\xfc")(cards)), ""),
    "tnx without its end": (TNX, _iraf("tnx", "WAT2_002"), "broken-wcs"),
    "gain as text": ({}, _text("GAIN", "2.0 e/ADU"), ""),
    "gain of no use": ({}, _text("GAIN", "unknown"), "unusable-card"),
    "gain twice": ({}, _more("GAIN    =                  7.0"), "repeated-card"),
    "crval as text": (CAR, _text("CRVAL1", "150.0"), ""),
    "crval twice": (CAR, _more("CRVAL1  =                 10.0"), "repeated-card"),
    "crval no number": ({}, _text("CRVAL1", "10:00:00"), "broken-wcs"),
    "scale as text": ({}, _more("BSCALE  = '1.0     '", "BZERO   = '0.0     '"), ""),
    "scale no number": ({}, _more("BSCALE  = 'unknown '"), "corrupt"),
}


def pixels(seed=1):
    """Return an image with a grid of 16 stars."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    data = rng.normal(100.0, 1.0, (SIZE, SIZE))
    for a in range(15, SIZE, 30):
        for b in range(15, SIZE, 30):
            data += 300 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8)
    return data.astype("f4")


def write(path, more=(), damage=_same, compressed=False):
    """Write the image with a damaged header, in a primary or in a tile-compressed unit."""
    header = fits.Header({**PLAIN, **dict(more)})
    if compressed:
        unit = fits.CompImageHDU(pixels(), header, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(path)
        start = 2880
    else:
        fits.PrimaryHDU(pixels(), header).writeto(path)
        start = 0
    content = path.read_bytes()
    end = content.index(b"END".ljust(80), start)
    stop = end + 80 + -(end + 80 - start) % 2880
    cards = [content[k : k + 80].decode("latin-1") for k in range(start, end, 80)]
    text = "".join(damage(cards)) + "END".ljust(80)
    assert len(text) % 80 == 0
    text = text.ljust(len(text) + -len(text) % 2880)
    path.write_bytes(content[:start] + text.encode("latin-1") + content[stop:])


GOOD = ("a_good.fits", "zz_good.fits")


def write_all(folder):
    """Write a good image, one of each kind, and a good one.

    Returns
    -------
    dict of str to str
        In the order of a catalog, what is said of each image.
    """
    said = {GOOD[0]: ""}
    write(folder / GOOD[0])
    for kind, (more, damage, word) in KINDS.items():
        for compressed in (False, True):
            name = f"{kind}{' tiled' if compressed else ''}".replace(" ", "_") + ".fits"
            write(folder / name, more, damage, compressed)
            said[name] = word
    said[GOOD[1]] = ""
    write(folder / GOOD[1])
    return said
