"""Coordinates that need other units of their file are those of astropy, to 1e-9 degrees."""

import gzip
import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable
from conftest import job
from stars import star_field

from mr_extract import extract
from mr_extract.astrometry import sky_positions
from mr_extract.images import read_image
from mr_extract.images.region import parse_region
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of

SHAPE = (120, 160)


def distorted(number, kind):
    """Return the header of a chip and its tables, numbered from `number` on."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0 + number, 2.0], [80.0, 60.0]
    wcs.wcs.cd = np.array([[-1e-5, 2e-7], [1e-7, 1e-5]])
    wcs.wcs.set()
    rows, columns = np.mgrid[0:13, 0:17]
    for axis in (1, 2):
        table = (0.3 * np.sin(columns / 5 + axis + number) * np.cos(rows / 4)).astype(np.float32)
        lookup = DistortionLookupTable(table, (1.0, 1.0), (1.0, 1.0), (10.0, 10.0))
        setattr(wcs, f"cpdis{axis}" if kind == "CPDIS" else f"det2im{axis}", lookup)
    made = wcs.to_fits(relax=True)
    header, tables = made[0].header, made[1:]
    for k, table in enumerate(tables):
        old, new = table.header["EXTVER"], 2 * number + k + 1
        table.header["EXTVER"] = new
        for card in header.cards:
            if card.keyword.endswith(".EXTVER") and card.value == old:
                header[card.keyword] = float(new) + 1000
        table.ver = new
    for card in header.cards:
        if card.keyword.endswith(".EXTVER"):
            header[card.keyword] = float(card.value) - 1000
    return header, tables


@pytest.fixture(scope="module", params=["CPDIS", "D2IM"])
def exposure(request, tmp_path_factory):
    """Two chips with tables of distortion, as HST's cameras have them."""
    chips, tables = [], []
    for number in range(2):
        header, more = distorted(number, request.param)
        chips.append(fits.ImageHDU(star_field(number, 2000.0, SHAPE).data, header, name="SCI",
                                   ver=number + 1))
        tables += more
    path = tmp_path_factory.mktemp("hst") / "flc.fits"
    fits.HDUList([fits.PrimaryHDU(), *chips, *tables]).writeto(path)
    return path


def astropys(path, ext, x, y):
    with fits.open(path) as units:
        return WCS(units[ext].header, units).all_pix2world(x, y, 0)


@pytest.mark.parametrize("ext", [1, 2])
def test_tables_of_distortion_are_applied_to_each_chip(exposure, ext):
    x, y = (v.ravel().astype(float) for v in np.meshgrid(range(0, 160, 7), range(0, 120, 7)))
    expected = astropys(exposure, ext, x, y)
    image = read_image(exposure.read_bytes(), ext)
    ours = sky_positions(image.header, x, y)
    assert max(np.abs(a - b).max() for a, b in zip(ours, expected)) < 1e-9
    with fits.open(exposure) as units:
        bare = units[ext].header.copy()
    for card in list(bare.cards):
        if card.keyword.startswith(("CPDIS", "D2IMDIS", "DP", "D2IM")):
            bare.remove(card.keyword, ignore_missing=True, remove_all=True)
    plain = WCS(bare).all_pix2world(x, y, 0)
    assert np.abs(plain[1] - expected[1]).max() > 1e-7, "the tables do nothing"
    section = Section(reader_of(exposure.read_bytes()), parse_region("40:140,30:110")).image(ext)
    ours = sky_positions(section.header, x - 40, y - 30)
    assert max(np.abs(a - b).max() for a, b in zip(ours, expected)) < 1e-9


def test_the_catalog_has_them_in_every_packing_and_from_every_runner(exposure, tmp_path):
    packed = tmp_path / "flc.fits.gz"
    packed.write_bytes(gzip.compress(exposure.read_bytes()))
    (tmp_path / "list.txt").write_text(
        f"{exposure}[2]\tid=plain\n{packed}[2]\tid=packed\n")
    runs = [job("-r", runner, "list.txt", "--columns", "position,sky", cwd=tmp_path)
            for runner in ("inline", "local")]
    assert runs[0].status == 0 and runs[0].out == runs[1].out, runs[0].err
    rows = [line.split("\t") for line in runs[0].lines if not line.startswith("#")][1:]
    values = np.array([row[1:] for row in rows], float)
    half = len(rows) // 2
    assert half > 5 and np.array_equal(values[:half], values[half:])
    expected = astropys(exposure, 2, *values[:, 1:3].T)
    assert np.abs(values[:, 3:5].T - expected).max() < 1e-9


def test_a_table_that_is_not_there_is_a_named_failure(exposure):
    with fits.open(exposure) as units:
        alone = io.BytesIO()
        fits.HDUList(units[:2]).writeto(alone)
    with pytest.raises(Exception, match="broken-wcs"):
        image = read_image(alone.getvalue(), 1)
        sky_positions(image.header, np.zeros(1), np.zeros(1))
    table = extract(f"{exposure}[1]")
    assert np.isfinite(table["ra"]).all()


def test_axes_whose_positions_are_in_a_table(tmp_path):
    height, width = SHAPE
    y, x = np.mgrid[0:height, 0:width].astype(float)
    sky = np.stack([150.0 - 1e-4 * x - 1e-6 * y**1.5, 2.0 + 1e-4 * y + 1e-7 * x**1.2], -1)
    column = fits.Column("COORDS", f"{sky.size}D", dim=f"(2,{width},{height})", array=sky[None])
    cards = {}
    for k, name in ((1, "RA---TAB"), (2, "DEC--TAB")):
        cards |= {f"CTYPE{k}": name, f"CUNIT{k}": "deg", f"PS{k}_0": "WCS-TAB",
                  f"PS{k}_1": "COORDS", f"PV{k}_1": 1, f"PV{k}_2": 1, f"PV{k}_3": k,
                  **{f"{card}{k}": 1.0 for card in ("CRPIX", "CRVAL", "CDELT")}}
    path = tmp_path / "tab.fits"
    fits.HDUList([
        fits.PrimaryHDU(), fits.ImageHDU(star_field(3, 2000.0, SHAPE).data, fits.Header(cards)),
        fits.BinTableHDU.from_columns([column], name="WCS-TAB", ver=1)]).writeto(path)
    table = extract(f"{path}[1]")
    expected = astropys(path, 1, table["x"], table["y"])
    assert len(table) > 5 and np.abs(expected[0] - 150.0).max() > 1e-3
    assert max(np.abs(table["ra"] - expected[0]).max(),
               np.abs(table["dec"] - expected[1]).max()) < 1e-9
