"""Headers that real files have and no standard allows: a table that grows by lines.

Each kind is a function from the cards of a healthy header (lists of 80 characters) to
those of a damaged one; `at` of `write` says in which kind of unit they stand.
"""

import numpy as np
from astropy.io import fits

SIZE = 120
PLAIN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
         "CRPIX1": 60.0, "CRPIX2": 60.0, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0,
         "CD2_2": 1e-4, "FILTER": "r", "GAIN": 2.0}
SIP = {"A_ORDER": 2, "A_2_0": 1e-5, "B_ORDER": 2, "B_0_2": 1e-5}
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


def _twice(keyword, value):
    return lambda cards: cards + [f"{keyword:8}= {value:>20}".ljust(80)]


# Kind: what is added to the healthy header, and what is done to its cards.
KINDS = {
    "degree sign": (CAR, _odd("\xb0")),
    "umlaut": ({}, _odd("\xfc")),
    "utf-8": (CAR, _odd("\xc3\xbc")),
    "tab": (CAR, _odd("\t")),
    "nul": (CAR, _odd("\0")),
    "tab, plain": ({}, _odd("\t")),
    "sip without -SIP": (SIP, _same),
    "sip and umlaut": (SIP, _odd("\xfc")),
    "gain as text": ({}, _text("GAIN", "2.0 e/ADU")),
    "crval as text": (CAR, _text("CRVAL1", "150.0")),
    "gain twice": ({}, _twice("GAIN", "7.0")),
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


def write_all(folder):
    """Write two good images and one of each kind between them; return the good names first."""
    names = ["a_good.fits", "z_good.fits"]
    for name in names:
        write(folder / name)
    for kind, (more, damage) in KINDS.items():
        for compressed in (False, True):
            name = f"{kind}{' tiled' if compressed else ''}".replace(" ", "_") + ".fits"
            write(folder / name, more, damage, compressed)
            names.append(name)
    return names
