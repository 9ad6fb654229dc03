"""Whatever FITS holds arrives as the same float32 pixels, or ends as a named failure."""

import bz2
import gzip
import io
import warnings

import fitsio
import numpy as np
import pytest
from astropy.io import fits

from mr_extract.failures import ImageFailure
from mr_extract.images import read_image
from mr_extract.images.exponents import BIG
from mr_extract.images.general import read_general
from mr_extract.images.plain import read_plain
from mr_extract.images.units import list_units, reader_of
from mr_extract.remarks import as_cell, hearing

RNG = np.random.default_rng(11)
SHAPE = (9, 13)
TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
UNSIGNED = {8: -128, 16: 1 << 15, 32: 1 << 31, 64: 1 << 63}


def unit(raw, primary=True, **cards):
    """Bytes of a header and data unit, written without the help of any library."""
    bitpix = next(code for code, name in TYPES.items() if np.dtype(name) == raw.dtype)
    first = {"SIMPLE": True} if primary else {"XTENSION": "IMAGE"}
    axes = {f"NAXIS{k}": n for k, n in enumerate(reversed(raw.shape), 1)}
    rest = {} if primary else {"PCOUNT": 0, "GCOUNT": 1}
    everything = {**first, "BITPIX": bitpix, "NAXIS": raw.ndim, **axes, **rest, **cards}
    text = "".join(f"{k:8}= {as_card(v)}".ljust(80) for k, v in everything.items()) + "END"
    data = raw.tobytes()
    return text.ljust(-(-len(text) // 2880) * 2880).encode() + data + bytes(-len(data) % 2880)


def as_card(value):
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    return f"'{value:8}'" if type(value) is str else f"{str(value):>20}"


class Verbatim(str):
    """What stands in a card as it is."""


def pixels(bitpix):
    dtype = np.dtype(TYPES[bitpix])
    if dtype.kind == "f":
        values = RNG.normal(0, 1, SHAPE) * 10.0 ** RNG.integers(-30, 30, SHAPE)
        values.flat[:4] = 0.0, -0.0, 1e-42, 3e38
        return values.astype(dtype)
    info = np.iinfo(dtype)
    values = RNG.integers(info.min, info.max, SHAPE, dtype.newbyteorder("="), endpoint=True)
    values.flat[:5] = info.min, info.max, 0, 1, info.max // 3
    return values.astype(dtype)


def assert_same(one, other):
    for image in (one, other):
        assert image.data.dtype == np.float32 and image.data.dtype.isnative
        assert image.data.flags.c_contiguous and image.data.flags.writeable
        assert (np.abs(image.data) < BIG).all(), "what is no value must be masked"
        assert image.mask is None or image.mask.any(), "a mask of nothing costs time"
    assert one.data.tobytes() == other.data.tobytes()
    assert (one.mask is None) == (other.mask is None)
    assert one.mask is None or (one.mask == other.mask).all()
    assert (one.hdu, one.images, one.exponent) == (other.hdu, other.images, other.exponent)


SCALINGS = {
    "as they are": {}, "scaled by one": {"BSCALE": 1.0, "BZERO": 0.0}, "halved": {"BSCALE": 0.5},
    "shifted": {"BZERO": 1000}, "shifted by a fraction": {"BZERO": 0.1}, "mirrored": {"BSCALE": -1},
    "odd": {"BSCALE": 2.92273835509, "BZERO": 7349.38}, "tiny": {"BSCALE": 1e-20, "BZERO": -1e-12},
    "with an exponent": {"BSCALE": Verbatim("1.5D-3")}, "beyond float32": {"BSCALE": 1e35},
}


@pytest.mark.filterwarnings("ignore:.*(overflow|BLANK|invalid value).*")
@pytest.mark.parametrize("blank", [False, True], ids=["", "blanks"])
@pytest.mark.parametrize("scaling", [*SCALINGS, "unsigned"])
@pytest.mark.parametrize("bitpix", TYPES)
def test_both_readers_give_the_same_pixels(bitpix, scaling, blank):
    raw = pixels(bitpix)
    cards = dict(SCALINGS.get(scaling, {"BZERO": UNSIGNED.get(bitpix, 7), "BSCALE": 1}))
    if blank:
        cards["BLANK"] = int(raw.flat[4]) if bitpix > 0 else 0
        raw.flat[20:24] = raw.flat[4]
    data = unit(raw, **cards)
    plain = read_plain(data)
    if not (blank and bitpix == 8 and scaling == "unsigned"):  # astropy raises for these
        assert_same(plain, read_general(data))

    # And both are what the standard says, computed in extended precision.
    scale, zero = (np.longdouble(str(cards.get(k, default)).replace("D", "E"))
                   for k, default in (("BSCALE", 1), ("BZERO", 0)))
    true = raw.astype(np.longdouble) * scale + zero
    known = np.abs(np.ldexp(true, -plain.exponent)).astype("f4") < BIG
    if blank and bitpix > 0:
        known &= raw != raw.flat[4]
    mask = np.zeros(SHAPE, bool) if plain.mask is None else plain.mask
    assert (mask == ~known).all()
    error = np.abs(np.ldexp(plain.data.astype(np.longdouble), plain.exponent) - true)[known]
    largest = np.maximum(np.abs(raw.astype(np.longdouble) * scale), np.abs(zero))[known]
    least = np.ldexp(1e-44, plain.exponent)
    assert (error <= 2e-7 * largest + least).all(), "more than the rounding of single precision"


@pytest.mark.parametrize("bitpix", [-32, -64])
def test_pixels_that_are_not_finite_are_masked_and_zero(bitpix):
    raw = pixels(bitpix)
    raw.flat[:5] = 1.0
    odd = [(0, 0, np.nan), (3, 4, np.inf), (8, 12, -np.inf)]
    odd += [(5, 5, 1e300)] if bitpix == -64 else []
    for y, x, value in odd:
        raw[y, x] = value
    image = read_plain(unit(raw))
    assert_same(image, read_general(unit(raw)))
    assert [(y, x) for y, x in np.argwhere(image.mask)] == sorted((y, x) for y, x, _ in odd)
    assert not image.data[image.mask].any()


def many_units():
    """An empty primary unit and four images, 0 to 3."""
    cards = (f"{k:8}= {as_card(v)}".ljust(80) for k, v in
             {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True}.items())
    primary = ("".join(cards) + "END").ljust(2880).encode()
    return primary + b"".join(
        unit(np.full((2, 3), k, ">i2"), False, EXTNAME=name)
        for k, name in enumerate(("SCI", "ERR", "sci", "DQ"))
    )


@pytest.mark.parametrize("reader", [read_plain, read_general, read_image])
@pytest.mark.parametrize(
    ("ext", "value"), [(None, 0), (1, 0), (3, 2), ("SCI", 0), ("err", 1), (" Dq ", 3), (4, 3)]
)
def test_a_unit_is_found_by_number_and_by_name(reader, ext, value):
    image = reader(many_units(), ext)
    assert (image.data == value).all()
    assert (image.hdu, image.images) == (value + 1, 4)


@pytest.mark.parametrize("reader", [read_plain, read_general, read_image])
@pytest.mark.parametrize(
    ("ext", "kind"),
    [(0, "no-image"), ("PRIMARY", "no-image"), (5, "no-extension"), (-1, "no-extension"),
     ("GONE", "no-extension"), ("", "no-extension")],
)
def test_a_unit_that_is_not_there_is_a_named_failure(reader, ext, kind):
    with pytest.raises(ImageFailure) as failure:
        reader(many_units(), ext)
    assert failure.value.kind == kind


@pytest.mark.parametrize("reader", [read_plain, read_general])
@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 2, 3), ""), ((1, 1, 2, 3), ""), ((1, 1), ""), ((4, 2, 3), "not-two-dimensional"),
     ((2, 1, 2, 3), "not-two-dimensional"), ((6,), "not-two-dimensional")],
)
def test_a_cube_with_one_plane_is_an_image(reader, shape, kind):
    raw = np.arange(np.prod(shape), dtype=">i4").reshape(shape)
    if kind:
        with pytest.raises(ImageFailure) as failure:
            reader(unit(raw))
        assert failure.value.kind == kind
    else:
        assert reader(unit(raw)).data.tolist() == raw.reshape(shape[-2:]).tolist()


def test_what_is_around_the_file_does_not_change_its_pixels():
    raw = pixels(16)
    plain = unit(raw, BZERO=32768)
    want = read_image(plain)
    packed = {
        "gzip": gzip.compress(plain), "bzip2": bz2.compress(plain),
        "two gzip members": gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]),
        "bytearray": bytearray(plain), "memoryview": memoryview(plain),
        "padding behind": plain + bytes(2880), "junk behind": plain + b"junk" * 900,
    }
    for name, data in packed.items():
        assert_same(read_image(data), want), name


def test_a_value_that_cannot_be_parsed_is_not_passed_over():
    # Passed over, the scale would silently be 1.
    data = unit(pixels(16), BSCALE=Verbatim("1 5 ; 0.5"))
    with pytest.raises(ImageFailure, match="corrupt: BSCALE is '1 5 ; 0.5'"):
        read_plain(data)


@pytest.mark.parametrize("tiled", [False, True], ids=["plain", "tiled"])
@pytest.mark.parametrize(
    ("card", "value"),
    [("PCOUNT", -5700), ("GCOUNT", -1), ("PCOUNT", -7080), ("NAXIS1", -70), ("NAXIS2", "- 60"),
     ("PCOUNT", "- 5700"), ("GCOUNT", -1.0)],
)
def test_a_unit_of_negative_size_does_not_send_a_reader_in_circles(card, value, tiled):
    first = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *[fits.CompImageHDU(FRAME)] * tiled]).writeto(first)
    bad = unit(np.zeros((60, 70), ">i2"), False)
    at = bad.index(f"{card:8}= ".encode())
    bad = bad[:at] + f"{card:8}= {value:>20}".encode() + bad[at + 30 :]
    with pytest.raises(ImageFailure) as failure:
        read_image(first.getvalue() + bad, 5)
    assert failure.value.kind == "corrupt"


@pytest.mark.parametrize(
    ("cut", "kind"), [(0, "empty-file"), (5, "not-fits"), (1000, "truncated"), (2880, "truncated"),
                      (3000, "truncated"), (2880 + 9 * 13 * 2 - 1, "truncated")],
)
def test_a_file_that_breaks_off_is_a_named_failure(cut, kind):
    with pytest.raises(ImageFailure) as failure:
        read_image(unit(pixels(16))[:cut])
    assert failure.value.kind == kind


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_that_breaks_off_or_is_damaged_is_a_named_failure(pack):
    packed = pack(unit(pixels(16)))
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    for data, kind in ((packed[: len(packed) // 2], "truncated"), (flipped, "corrupt")):
        with pytest.raises(ImageFailure) as failure:
            read_image(bytes(data))
        assert failure.value.kind == kind


@pytest.mark.parametrize("reader", [read_plain, read_general])
def test_of_a_card_that_is_repeated_the_first_counts_and_it_is_said(reader):
    # As with SExtractor; astropy and CFITSIO take the last.
    data = unit(np.zeros(SHAPE, ">i2"), BZERO=5, **{"BZERO ": 70})
    with hearing() as said:
        assert (reader(data).data == 5).all()
    assert as_cell(said) == "repeated-card:BZERO = 5, then 70"


def test_padding_that_is_missing_harms_nothing():
    data = unit(pixels(16))
    assert_same(read_image(data[: 2880 + 9 * 13 * 2]), read_image(data))


FRAME = (RNG.normal(1000, 20, (64, 80))).astype(np.float32)
FRAME[20:23, 30:33] += 5000
TILED = {
    "rice": (FRAME.astype(np.int16), {"compression_type": "RICE_1"}),
    "rice of 32 bits": (FRAME.astype(np.int32) * 1000, {"compression_type": "RICE_1"}),
    "unsigned": (FRAME.astype(np.uint16) + np.uint16(40000), {"compression_type": "RICE_1"}),
    "gzip": (FRAME.astype(np.int32), {"compression_type": "GZIP_1"}),
    "gzip 2": (FRAME.astype(np.int16), {"compression_type": "GZIP_2"}),
    "plio": (FRAME.astype(np.int16), {"compression_type": "PLIO_1"}),
    "hcompress": (FRAME.astype(np.int16), {"compression_type": "HCOMPRESS_1"}),
    "lossless floats": (FRAME, {"compression_type": "GZIP_2", "quantize_level": 0.0}),
    "quantised": (FRAME, {"compression_type": "RICE_1", "quantize_level": 16.0}),
    "dithered": (FRAME, {"compression_type": "RICE_1", "quantize_level": 16.0,
                         "quantize_method": 1, "dither_seed": 7}),
    "dithered, zeros kept": (FRAME, {"compression_type": "RICE_1", "quantize_level": 16.0,
                                     "quantize_method": 2, "dither_seed": 7}),
}


@pytest.mark.parametrize(("frame", "how"), TILED.values(), ids=TILED)
def test_tile_compressed_pixels_are_those_that_cfitsio_unpacks(frame, how, tmp_path):
    path = tmp_path / "frame.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(frame, **how)]).writeto(path)
    image = read_image(path.read_bytes())
    # fitsio stands on CFITSIO and shares nothing with astropy's tiles.
    want = fitsio.read(str(path), ext=1)
    assert (image.data == want.astype(np.float32)).all()
    assert (image.hdu, image.images) == (1, 1)
    if how.get("quantize_level"):
        assert np.abs(image.data - frame).max() < 20 / 16, "a step is a sixteenth of the noise"
        assert (image.data != frame).any()
    else:
        assert (image.data == frame.astype(np.float32)).all()


def test_nan_and_blank_survive_tile_compression():
    floats = FRAME.copy()
    floats[5, 6] = np.nan
    whole = FRAME.astype(np.int16)
    whole[5, 6] = -32768
    for frame, cards in ((floats, {}), (whole, {"BLANK": -32768})):
        file = io.BytesIO()
        hdu = fits.CompImageHDU(frame, fits.Header(cards), compression_type="RICE_1")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
        image = read_image(file.getvalue())
        assert np.argwhere(image.mask).tolist() == [[5, 6]]


@pytest.mark.parametrize("method", [1, 2], ids=["dithered", "dithered, zeros kept"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
def test_quantised_floats_with_holes_and_zeros_are_those_that_cfitsio_unpacks(
        kind, dtype, method, tmp_path):
    frame = FRAME.astype(dtype)
    frame[10:14, 20:60] = 0.0
    frame[40, 5:50:3] = np.nan
    path = tmp_path / "frame.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(
        frame, compression_type=kind, quantize_level=16.0, quantize_method=method, dither_seed=3,
    )]).writeto(path)
    image = read_image(path.read_bytes())
    want = fitsio.read(str(path), ext=1)
    hole = np.isnan(want)
    assert (hole == np.isnan(frame)).all()
    assert (image.mask == hole).all()
    assert (image.data[~hole] == want[~hole].astype(np.float32)).all()
    if method == 2:
        assert (image.data[10:14, 20:60] == 0).all(), "zeros stay zero"


def tiled_units(number=3):
    """Bytes of a file of compressed images, k + 1 times the first, and where they are."""
    file = io.BytesIO()
    frames = [fits.CompImageHDU((FRAME * (k + 1)).astype(np.int32), name=f"N{k}")
              for k in range(number)]
    fits.HDUList([fits.PrimaryHDU(), *frames]).writeto(file)
    return file.getvalue(), list_units(reader_of(file.getvalue()))


@pytest.mark.parametrize("ext", [2, "n1"])
def test_of_a_tiled_file_only_the_unit_that_is_asked_for_is_unpacked(ext):
    buffer, units = tiled_units()
    damaged = bytearray(buffer)
    for unit in (units[1], units[3]):
        damaged[unit.data : unit.end] = b"\xff" * (unit.end - unit.data)
    image = read_image(bytes(damaged), ext)
    assert (image.data == (FRAME * 2).astype(np.int32)).all()
    assert (image.hdu, image.images) == (2, 3)
    with pytest.raises(ImageFailure) as failure:
        read_image(bytes(damaged), 1)
    assert failure.value.kind in ("corrupt", "truncated")
    with pytest.raises(ImageFailure) as failure:
        read_image(buffer[: units[3].end - 2 * 2880], 3)
    assert failure.value.kind == "truncated"


def test_a_compressed_table_beside_an_image_is_no_image():
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))])
    table.header["ZTABLE"] = True
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table, fits.CompImageHDU(FRAME.astype("i2"))]).writeto(file)
    image = read_image(file.getvalue())
    assert (image.hdu, image.images) == (2, 1)
    with pytest.raises(ImageFailure) as failure:
        read_image(file.getvalue(), 1)
    assert failure.value.kind == "no-image"


def test_a_plain_unit_beside_tiles_is_read_without_astropy(monkeypatch):
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(FRAME.astype("i2")),
                  fits.ImageHDU(FRAME, name="SKY")]).writeto(file)
    monkeypatch.setattr("mr_extract.images.general.read_general", None)
    monkeypatch.setattr("mr_extract.images.read_compressed.read_tiled", None)
    image = read_image(file.getvalue(), "SKY")
    assert (image.data == FRAME).all() and (image.hdu, image.images) == (2, 2)


REAL_TILES = ("b/cfht/CFHTLS_03_g_sci.fits.fz", "h/astropy_fits/comp.fits",
              "h/astropy_fits/compressed_image.fits", "h/nomtam/m13real_rice.fits",
              "h/fitsio_py/test_gzip_compressed_image.fits.fz",
              "h/fitsio_py/test_rice_dither2_seed42.fits.fz",
              *(f"d/decam_case8_fz/c4d_130105_065255_oo{k}_r_a1-N15.fits.fz" for k in "idw"))


@pytest.mark.parametrize("path", REAL_TILES)
def test_tiles_of_real_files_are_those_that_cfitsio_unpacks(shared_data, path):
    image = read_image((shared_data / path).read_bytes())
    want = fitsio.read(str(shared_data / path), ext=1)
    hole = np.isnan(want) if want.dtype.kind == "f" else np.zeros(want.shape, bool)
    mask = hole if image.mask is None else image.mask
    assert (mask == hole).all()
    assert (image.data[~hole] == want[~hole].astype(np.float32)).all()
