"""Files made smaller without loss: they come back byte for byte, and others can read them."""

import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mr_extract.failures import ImageFailure
from mr_extract.images.read import read_image
from mr_extract.packed.restorable import restored, smaller

RNG = np.random.default_rng(4)
NOISE = RNG.normal(1000, 20, (90, 700))


def file_of(*units, **options):
    file = io.BytesIO()
    fits.HDUList([*units]).writeto(file, **options)
    return file.getvalue()


def raw_kind(name):
    """An image of noise as its file; integers unsigned, scaled or with blanks, as named."""
    primary = fits.PrimaryHDU(NOISE.astype({
        "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "int64": "i8",
        "float32": "f4", "float64": "f8"}.get(name, "i2")))
    if name == "blanks":
        primary.data[3:9, 5] = -32768
        primary.header["BLANK"] = -32768
    if name == "scaled":
        return with_cards(file_of(primary), "BSCALE  =                 0.25",
                          "BZERO   =                 -7.5")
    return file_of(primary)


def with_cards(data, *cards):
    """A file with further cards in its first header, which has room for them."""
    text = data[:2880].decode().rstrip().removesuffix("END")
    more = "".join(card.ljust(80) for card in (*cards, "END"))
    return (text + more).ljust(2880).encode() + data[2880:]


KINDS = ["uint8", "int16", "uint16", "int32", "int64", "float32", "float64", "blanks", "scaled"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_pixels_gets_smaller_and_comes_back(kind):
    data = raw_kind(kind)
    packed = smaller(data)
    assert len(packed) < len(data)
    assert restored(packed) == data
    assert smaller(data) == packed


@pytest.mark.parametrize("kind", KINDS)
def test_the_smaller_file_is_a_file_that_others_read(kind):
    data = raw_kind(kind)
    packed = smaller(data)
    with fits.open(io.BytesIO(data)) as before, fits.open(io.BytesIO(packed)) as after:
        assert np.array_equal(before[0].data, after[1].data, equal_nan=True)
    ours, theirs = read_image(packed), read_image(data)
    assert np.array_equal(ours.data, theirs.data)
    assert (ours.mask is None) == (theirs.mask is None)
    if ours.mask is not None:
        assert np.array_equal(ours.mask, theirs.mask)


@pytest.mark.parametrize("kind", ["int16", "uint16", "int32", "float32", "float64"])
def test_cfitsio_reads_it(kind, tmp_path):
    fitsio = pytest.importorskip("fitsio")
    (tmp_path / "a.fits").write_bytes(raw_kind(kind))
    (tmp_path / "a.fits.fz").write_bytes(smaller(raw_kind(kind)))
    before, after = fitsio.read(tmp_path / "a.fits"), fitsio.read(tmp_path / "a.fits.fz", ext=1)
    assert np.array_equal(before, after)


def test_floats_keep_every_bit_also_of_what_is_no_number():
    values = NOISE.astype("f4")
    bits = values.view("u4")
    bits[0, :6] = [0x7FC00001, 0xFFC12345, 0x7F800001, 0x7F800000, 0xFF800000, 0x80000000]
    data = file_of(fits.PrimaryHDU(values))
    assert restored(smaller(data)) == data


def test_cards_stay_as_they_were_and_keep_their_order():
    header = fits.Header()
    header["CRVAL1"] = (12.5, "a comment")
    header["EXTNAME"] = "SCI"
    header["HIERARCH ESO DET WIN NX"] = 7
    header["COMMENT"] = "of whoever took it"
    header["HISTORY"] = "flattened"
    header["LONG"] = "x" * 150
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = file_of(fits.PrimaryHDU(NOISE.astype("i2"), header), checksum=True)
    packed = smaller(data)
    assert restored(packed) == data
    with fits.open(io.BytesIO(packed)) as units:
        cards = units[1].header
        assert cards["CRVAL1"] == 12.5 and cards.comments["CRVAL1"] == "a comment"
        assert units[1].name == "SCI" and cards["LONG"] == "x" * 150


def mosaic():
    cube = np.stack([NOISE, NOISE + 7]).astype("i2")
    column = fits.Column("a", "J", array=np.arange(9))
    return file_of(
        fits.PrimaryHDU(), fits.ImageHDU(NOISE.astype("i2"), name="CCD1"),
        fits.BinTableHDU.from_columns([column]), fits.ImageHDU(np.arange(5.0)),
        fits.ImageHDU(cube, name="CUBE"), fits.ImageHDU(NOISE.astype("f4"), name="CCD2"))


def test_of_several_units_the_images_get_smaller_and_all_come_back():
    data = mosaic()
    packed = smaller(data)
    assert restored(packed) == data
    with fits.open(io.BytesIO(packed)) as units:
        kinds = [type(unit).__name__ for unit in units]
        assert kinds == ["PrimaryHDU", "CompImageHDU", "BinTableHDU", "ImageHDU", "CompImageHDU",
                         "CompImageHDU"]
        assert [unit.name for unit in units][1::3] == ["CCD1", "CUBE"]


def test_a_primary_with_pixels_before_extensions_comes_back():
    data = file_of(fits.PrimaryHDU(NOISE.astype("i4")), fits.ImageHDU(NOISE.astype("i2")))
    packed = smaller(data)
    assert restored(packed) == data
    with fits.open(io.BytesIO(packed)) as units:
        assert len(units) == 3


plain = raw_kind("int16")
ODD = {
    "text": b"this is no FITS file",
    "nothing": b"",
    "gzip": gzip.compress(plain),
    "cut": plain[:-4000],
    "junk behind": plain + b"JUNK" * 720,
    "padding that is not zero": plain[:-1] + b"\1",
    "compressed already": smaller(plain),
    "no pixels": file_of(fits.PrimaryHDU()),
    "a vector": file_of(fits.PrimaryHDU(np.arange(3000.0))),
    "without structure": file_of(fits.PrimaryHDU(RNG.integers(-2**31, 2**31, (60, 60), "i8")
                                                 .astype("i4"))),
    "cards of a table": with_cards(plain, "TFIELDS =                    3"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_would_not_come_back_or_not_get_smaller_is_left_alone(name):
    assert smaller(ODD[name]) is None


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(st.sampled_from(["u1", ">i2", ">i4", ">i8", ">f4", ">f8"]),
                  hnp.array_shapes(min_dims=2, max_dims=4, max_side=40)))
def test_any_array_comes_back_or_is_left_alone(values):
    data = file_of(fits.PrimaryHDU(values))
    packed = smaller(data)
    assert packed is None or restored(packed) == data


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_a_named_failure_or_gives_another_file(data):
    packed = bytearray(PACKED)
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = restored(bytes(packed))
    except ImageFailure as failure:
        assert failure.kind in ("corrupt", "truncated", "not-fits")
        return
    assert isinstance(found, bytes)  # of which the checksum tells


PACKED = smaller(mosaic())


@given(st.integers(0, len(PACKED) - 1))
@settings(max_examples=40, deadline=None)
def test_a_cut_file_is_a_named_failure_or_another_file(cut):
    try:
        assert restored(PACKED[:cut]) != mosaic() or not PACKED[cut:].strip(b"\0")  # padding
    except ImageFailure as failure:
        assert failure.kind in ("corrupt", "truncated", "not-fits")


def test_real_frames_come_back(shared_data):
    found = 0
    for path in sorted(shared_data.rglob("*.fit*")):
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b" and len(data) < 5 << 20:
            data = gzip.decompress(data)
        if len(data) > 20 << 20:
            continue
        packed = smaller(data)
        if packed is not None:
            found += 1
            assert restored(packed) == data, path
    assert found >= 15
