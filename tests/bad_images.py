"""Files that are no good, each with the kind of failure it must end as."""

import bz2
import gzip
import os

import numpy as np
from astropy.io import fits


def good_pixels(shape=(120, 150), seed=3):
    """Return sky noise with a dozen stars."""
    generator = np.random.default_rng(seed)
    data = generator.normal(100.0, 5.0, shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for _ in range(12):
        x0, y0 = generator.uniform(15, shape[1] - 15), generator.uniform(15, shape[0] - 15)
        data += generator.uniform(100, 900) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 6.0)
    return data.astype(np.float32)


def fits_bytes(data, **cards):
    """Return the bytes of a FITS file with the array as primary image."""
    import io

    unit = fits.PrimaryHDU(data)
    for name, value in cards.items():
        unit.header[name] = value
    file = io.BytesIO()
    unit.writeto(file, output_verify="ignore")
    return file.getvalue()


def _edited(data, old, new):
    assert old in data
    return data.replace(old, new.ljust(len(old))[: len(old)])


def write_bad_images(folder):
    """Write one file of each sort and return {manifest line (bytes): kind}.

    A kind of '' means that the image is good after all.
    """
    data = good_pixels()
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 5.0,
           "CRPIX1": 1.0, "CRPIX2": 1.0, "CD1_1": 1e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-4}
    whole = fits_bytes(data, **wcs)
    elsewhere = {**wcs, "CRVAL1": 20.0}
    table = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(
        [fits.Column("a", "J", array=np.arange(5))])])
    table.writeto(folder / "table-only.fits")
    files = {
        "good.fits": (whole, ""),
        "good.fits.gz": (gzip.compress(whole, mtime=0), ""),
        "good.fits.bz2": (bz2.compress(whole), ""),
        "misnamed-good.txt": (whole, ""),
        "no-sources.fits": (fits_bytes(np.random.default_rng(0).normal(0, 1, (64, 64))
                                       .clip(-1, 1).astype(np.float32), **elsewhere), ""),
        "with-nans.fits": (fits_bytes(np.where(np.arange(150) < 20, np.nan, data)
                                      .astype(np.float32)), ""),
        "empty.fits": (b"", "empty-file"),
        "truncated.fits": (whole[: len(whole) // 2], "truncated"),
        "cut-in-header.fits": (whole[:1000], "truncated"),
        "truncated.fits.gz": (gzip.compress(whole, mtime=0)[:-5000], "truncated"),
        "truncated.fits.bz2": (bz2.compress(whole)[:-5000], "truncated"),
        "damaged.fits.gz": (_damaged(gzip.compress(whole, mtime=0)), "corrupt"),
        "text.fits": (b"not a FITS file at all\n" * 200, "not-fits"),
        "jpeg.fits": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(4000), "not-fits"),
        "text.fits.gz": (gzip.compress(b"hello" * 1000, mtime=0), "not-fits"),
        "header-only.fits": (fits_bytes(None), "no-image"),
        "spectrum.fits": (fits_bytes(np.ones(500, np.float32)), "not-two-dimensional"),
        "cube.fits": (fits_bytes(np.ones((4, 30, 30), np.float32)), "not-two-dimensional"),
        "all-nan.fits": (fits_bytes(np.full((50, 50), np.nan, np.float32)), "no-valid-pixels"),
        "constant.fits": (fits_bytes(np.full((50, 50), 7, np.int16)), "constant-image"),
        "complex.fits": (_edited(whole, b"BITPIX  =                  -32",
                                 b"BITPIX  =                 -128"), "unsupported-pixels"),
        "boolean.fits": (_edited(whole, b"BITPIX  =                  -32",
                                 b"BITPIX  =                    1"), "unsupported-pixels"),
        "singular-wcs.fits": (fits_bytes(data, **{**wcs, "CD1_1": 0.0}), "broken-wcs"),
        "unknown-projection.fits": (
            fits_bytes(data, **{**wcs, "CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"}),
            "broken-wcs"),
        "half-a-wcs.fits": (fits_bytes(data, **{**wcs, "CTYPE2": "LINEAR"}), "broken-wcs"),
    }
    expected = {}
    for name, (content, kind) in files.items():
        (folder / name).write_bytes(content)
        expected[os.fsencode(folder / name)] = kind
    expected[os.fsencode(folder / "table-only.fits")] = "no-image"
    expected[os.fsencode(folder / "missing.fits")] = "fetch-not-found"
    (folder / "directory.fits").mkdir()
    expected[os.fsencode(folder / "directory.fits")] = "fetch-not-a-file"
    os.mkfifo(folder / "pipe.fits")
    expected[os.fsencode(folder / "pipe.fits")] = "fetch-not-a-file"
    good = os.fsencode(folder / "good.fits")
    expected[good + b"\text=3"] = "no-extension"
    expected[good + b"\text=SCI"] = "no-extension"
    expected[good + b"\tid=carried\tfilter=r"] = ""
    expected[good + b"\tid=masked\tmask=m.fits"] = "fetch-not-found"
    expected[good + b"\tnonsense"] = "malformed-line"
    expected[good + b"\tid=b\tbytes=many"] = "malformed-line"
    expected[b"stray\0nul.fits"] = "malformed-line"
    expected[b"caf\xe9.fits"] = "malformed-line"
    expected[b"ftp://archive.example/a.fits"] = "unsupported-scheme"
    return expected


def _damaged(data):
    middle = len(data) // 2
    return data[:middle] + bytes(64) + data[middle + 64 :]
