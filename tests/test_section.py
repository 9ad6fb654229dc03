"""A region of an image, read without the rest, holds the pixels that the whole has."""

import bz2
import gzip
import hashlib
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits

from mr_extract.failures import ImageFailure
from mr_extract.images import Image, read_image
from mr_extract.images.companion_values import read_values
from mr_extract.images.region import Region, parse_region
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of
from mr_extract.unpacking import unpacking_reader

REGIONS = [Region(0, 7, 0, 5), Region(13, 78, 21, 90), Region(100, 130, 64, 110),
           Region(0, 130, 0, 110), Region(129, 130, 109, 110), Region(0, 130, 33, 34)]
SHAPE = 110, 130


def pixels(dtype, seed=3):
    rng = np.random.default_rng(seed)
    values = rng.normal(1000.0, 40.0, SHAPE)
    values[20:30, 20:30] += 5000.0
    return values.astype(dtype)


def as_file(*units):
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


def plain_files():
    for dtype in ("u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4"):
        yield f"plain {dtype}", as_file(fits.PrimaryHDU(pixels(dtype))), None
    holes = pixels("f4")
    holes[40:50, 60] = np.nan
    holes[0, 0] = np.inf
    yield "nan", as_file(fits.PrimaryHDU(holes)), None
    blank = fits.PrimaryHDU(pixels("i2"))
    blank.header["BLANK"] = int(blank.data[25, 25])
    yield "blank", as_file(blank), None
    scaled = fits.ImageHDU(pixels("f4"), name="SCI")
    scaled.scale("int16", bscale=0.25, bzero=900.0)
    yield "scaled, in an extension", as_file(fits.PrimaryHDU(), scaled,
                                             fits.ImageHDU(pixels("f4", 4))), "SCI"
    yield "cube of one plane", as_file(fits.PrimaryHDU(pixels("f4")[None])), None


def tiled_files():
    def unit(values, kind, shape, name, **how):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return name, as_file(fits.PrimaryHDU(), fits.CompImageHDU(
                values, compression_type=kind, tile_shape=shape, **how)), None

    integers, reals = pixels("i2"), pixels("f4")
    holes = reals.copy()
    holes[60:64, 30:90] = np.nan
    rows, squares = (1, 130), (32, 40)
    for shape, word in ((rows, "rows"), (squares, "squares")):
        for kind in ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1"):
            yield unit(integers, kind, shape, f"{kind}, {word}")
        for method in (-1, 1, 2):
            for values, what in ((reals, "real"), (holes, "real with holes")):
                yield unit(values, "RICE_1", shape, f"dither {method}, {word}, {what}",
                           quantize_method=method, dither_seed=77)
        yield unit(reals, "GZIP_2", shape, f"lossless, {word}", quantize_level=0.0)
        yield unit(pixels("u2"), "RICE_1", shape, f"unsigned, {word}")
    yield unit(integers, "HCOMPRESS_1", (32, 40), "HCOMPRESS, squares")
    yield unit(reals, "HCOMPRESS_1", (32, 40), "HCOMPRESS, dither 2", quantize_method=2,
               dither_seed=5)
    steps = reals.copy()
    steps[64:96, 40:80] = 7.0  # cannot be quantised: this tile is stored without loss
    yield unit(steps, "RICE_1", squares, "a tile without loss", quantize_method=1, dither_seed=9)


FILES = [*plain_files(), *tiled_files()]


@pytest.mark.parametrize("buffer, ext", [pytest.param(*one[1:], id=one[0]) for one in FILES])
def test_the_pixels_are_those_of_the_whole_to_the_bit(buffer, ext):
    whole = read_image(buffer, ext)
    for region in REGIONS:
        part = Section(reader_of(buffer), region).image(ext)
        assert part.data.dtype == np.float32 and part.data.flags.c_contiguous
        assert np.array_equal(part.data, whole.data[region.slices])
        mask = np.zeros(SHAPE, bool) if whole.mask is None else whole.mask
        found = np.zeros(region.shape, bool) if part.mask is None else part.mask
        assert np.array_equal(found, mask[region.slices])
        assert dict(part.header) == dict(whole.header)
        assert (part.hdu, part.images) == (whole.hdu, whole.images)
        assert dict(part.primary) == dict(whole.primary)
        assert part.origin == part.header.origin == (region.x0, region.y0)
        assert part.full_shape == SHAPE


@pytest.mark.parametrize("buffer, ext", [pytest.param(*one[1:], id=one[0]) for one in FILES])
def test_the_values_of_a_companion_are_those_of_the_whole(buffer, ext):
    whole, invalid = read_values(buffer, Image(np.zeros(SHAPE, np.float32)), ext)
    for region in REGIONS[:3]:
        image = Image(np.zeros(region.shape, np.float32), full_shape=SHAPE)
        values, bad = read_values(Section(reader_of(buffer), region), image, ext)
        assert values.dtype == whole.dtype
        assert np.array_equal(values, whole[region.slices])
        if invalid is not None and invalid[region.slices].any():
            assert np.array_equal(bad, invalid[region.slices])


class Counting:
    """A reader that remembers what it was asked for."""

    def __init__(self, buffer):
        self.read_, self.asked = reader_of(buffer), []

    def read(self, offset, size):
        self.asked.append((offset, size))
        return self.read_(offset, size)


def asked_for_pixels(buffer, region, gap):
    reader = Counting(buffer)
    section = Section(reader.read, region, gap)
    section.units()
    reader.asked.clear()
    section.image()
    asked = [size for _, size in reader.asked if size != 2880]  # headers apart
    assert section.size == sum(asked)
    return asked


@pytest.mark.parametrize("name", ["plain f4", "RICE_1, rows", "RICE_1, squares"])
def test_no_more_is_read_than_the_region_needs(name):
    buffer = next(one[1] for one in FILES if one[0] == name)
    region = Region(3, 60, 40, 60)
    close, far = (asked_for_pixels(buffer, region, gap) for gap in (0, 1 << 20))
    if name == "plain f4":
        assert close == [57 * 4] * 20
        assert far == [(19 * 130 + 57) * 4], "what is near is fetched together where that is cheap"
    else:
        with fits.open(io.BytesIO(buffer), disable_image_compression=True) as units:
            table, sizes = units[1].header["NAXIS1"] * units[1].header["NAXIS2"], [
                len(cell) for cell in units[1].data["COMPRESSED_DATA"]]
        touched = range(40, 60) if "rows" in name else (4, 5)  # of 4 x 4 squares: second row
        assert close[0] == far[0] == table
        assert sum(close[1:]) == sum(far[1:]) == sum(sizes[k] for k in touched)
        assert len(far) == 2


def test_the_checksum_is_of_the_region_wherever_the_file_is():
    buffer = next(one[1] for one in FILES if one[0] == "plain i2")
    region = Region(13, 78, 21, 90)
    checksums = set()
    for gap in (0, 1 << 20):
        for packed in (buffer, gzip.compress(buffer), bz2.compress(buffer)):
            read = unpacking_reader(io.BytesIO(packed))
            section = Section(read, region, gap)
            assert np.array_equal(section.image().data, read_image(buffer).data[region.slices])
            checksums.add(section.checksum)
    stored = fits.getdata(io.BytesIO(buffer)).astype(">i2")[region.slices]
    assert checksums == {hashlib.sha256(buffer[:2880] + stored.tobytes()).hexdigest()}
    other = Section(reader_of(buffer), Region(13, 78, 21, 91))
    other.image()
    assert other.checksum not in checksums


def test_what_is_wrong_has_a_name():
    buffer = as_file(fits.PrimaryHDU(pixels("f4")))
    for region in (Region(0, 131, 0, 5), Region(0, 5, 105, 111)):
        with pytest.raises(ImageFailure, match="bad-region"):
            Section(reader_of(buffer), region).image()
    with pytest.raises(ImageFailure, match="truncated"):
        Section(reader_of(buffer[: len(buffer) // 2]), Region(0, 5, 0, 5)).image()
    with pytest.raises(ImageFailure, match="no-extension"):
        Section(reader_of(buffer), Region(0, 5, 0, 5)).image(3)
    tiled = next(one[1] for one in FILES if one[0] == "RICE_1, squares")
    with pytest.raises(ImageFailure, match="truncated"):
        Section(reader_of(tiled[: -5 * 2880]), Region(90, 130, 90, 110)).image()
    start = tiled.index(b"XTENSION")
    data = start + tiled[start:].index(b"END" + b" " * 77) // 2880 * 2880 + 2880
    wild = bytearray(tiled)
    wild[data + 4 : data + 8] = (1 << 30).to_bytes(4, "big")
    with pytest.raises(ImageFailure, match="corrupt"):
        Section(reader_of(bytes(wild)), Region(0, 5, 0, 5)).image()
    other = Image(np.zeros((5, 5), np.float32), full_shape=(110, 131))
    with pytest.raises(ImageFailure, match="companion-mismatch"):
        read_values(Section(reader_of(buffer), Region(0, 5, 0, 5)), other)


@pytest.mark.parametrize("card", ["EXTEND", "NAXIS", "SIMPLE"])
@pytest.mark.parametrize("keyword, value", [("PCOUNT", "0.0"), ("BSCALE", "1 5 ; 0.5"),
                                            ("NAXIS", "2.0"), ("SIMPLE", "F")])
def test_an_odd_header_comes_to_the_same_as_in_the_whole(card, keyword, value):
    buffer = as_file(fits.PrimaryHDU(pixels("f4")))
    old = {"EXTEND": "T", "NAXIS": "2", "SIMPLE": "T"}[card]
    old, new = (f"{k:8}= {v:>20}".encode() for k, v in ((card, old), (keyword, value)))
    assert buffer.count(old) == 1
    buffer = buffer.replace(old, new)
    try:
        whole, kind = read_image(buffer).data, ""
    except ImageFailure as failure:
        whole, kind = None, failure.kind
    region = Region(13, 78, 21, 90)
    try:
        part = Section(reader_of(buffer), region).image()
    except ImageFailure as failure:
        assert failure.kind == kind
    else:
        assert not kind and np.array_equal(part.data, whole[region.slices])


def test_a_region_is_read_as_it_is_written():
    region = parse_region("0:7,3:5")
    assert region == Region(0, 7, 3, 5) and str(region) == "0:7,3:5" and region.shape == (2, 7)
    for text in ("5:5,0:1", "7:5,0:1", "0:1", "a:b,c:d", "0:1,0:1,0:1", "-1:5,0:5", ""):
        with pytest.raises(ValueError):
            parse_region(text)
