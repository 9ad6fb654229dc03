"""Real files of many origins, and damaged ones: pixels or a named failure, nothing else."""

import bz2
import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mr_extract.astrometry import sky_positions
from mr_extract.failures import KINDS, ImageFailure
from mr_extract.frames.measuring import measure_image
from mr_extract.images import read_image
from mr_extract.unpacking import unpack

# What does not hold an image, and why; every other FITS file of the collection is read.
NO_IMAGE = {
    "a/obs_sdss/fpM-*": "no-image", "a/obs_sdss/psField-*": "no-image",
    "a/obs_sdss/tsField-*": "no-image", "d/*/chunk-*": "no-image", "f/wmap/*": "no-image",
    "e/sprat/expected/*.fits": "not-two-dimensional", "g/ztf_dr5/*.gz": "not-two-dimensional",
    "h/astropy_fits/arange.fits": "not-two-dimensional",
    "h/astropy_fits/compressed_float_bzero.fits": "not-two-dimensional",
    "h/astropy_fits/zerowidth.fits": "not-two-dimensional",
    **{f"h/astropy_fits/{name}.fits": "no-image" for name in (
        "ascii", "ascii_i4-i20", "btable", "chandra_time", "group", "history_header",
        "invalid/group_invalid", "logical_null", "memtest", "random_groups", "stddata", "table",
        "tb", "tdim", "theap-gap", "variable_length_table", "verify", "vla_logical_all_zero",
        "vla_logical_null", "vla_logical_pre_fix",
    )},
    "h/nomtam/test_i10.fits": "no-image",
}
FITS_NAMES = (".fits", ".fit", ".gz", ".bz2", ".fz", ".Z")
NOT_COMPARED = "2004B.mask.0.36.01.fits.gz"  # 36 chips, 340 MB: costs more than it tells


def by_astropy(packed):
    """The first image as astropy reads it."""
    with warnings.catch_warnings(), fits.open(io.BytesIO(packed), memmap=False) as units:
        warnings.simplefilter("ignore")
        unit = next(u for u in units if u.is_image and len(u.shape) > 0)
        return np.asarray(unit.data)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.parametrize("folder", "abcdefgh")
def test_every_real_file_is_read_as_astropy_reads_it_or_named(shared_data, folder):
    expected = {path: kind for pattern, kind in NO_IMAGE.items()
                for path in shared_data.glob(pattern)}
    compared = 0
    for path in sorted((shared_data / folder).rglob("*")):
        if not path.is_file() or path.name == NOT_COMPARED:
            continue
        packed = path.read_bytes()
        kind = expected.get(path, "" if path.name.endswith(FITS_NAMES) else "not-fits")
        if kind:
            with pytest.raises(ImageFailure) as failure:
                read_image(packed)
            assert (failure.value.kind, path) == (kind, path)
            continue
        image = read_image(packed)
        want = by_astropy(unpack(packed))
        with np.errstate(over="ignore"):
            want = want.reshape(want.shape[-2:]).astype(np.float32)
        mask = np.zeros(want.shape, bool) if image.mask is None else image.mask
        assert (mask == ~np.isfinite(want)).all(), path
        assert (image.data == np.where(mask, 0, want)).all(), path
        assert image.data.shape == want.shape, path
        compared += 1
    # f and g hold tables, spectra and catalogues alone.
    assert (compared > 0) == (folder not in "fg")


RNG = np.random.default_rng(5)
FRAME = RNG.normal(1000, 20, (24, 30))
FRAME[10:13, 12:15] += 2000
WCS_CARDS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 20.0,
    "CRPIX1": 12.0, "CRPIX2": 15.0, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-4,
    "GAIN": 2.0, "SATURATE": 60000.0, "EQUINOX": 2000.0,
}


def written(*units):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


CARDS = fits.Header(WCS_CARDS)
MANY = written(
    fits.PrimaryHDU(FRAME.astype(np.uint16), CARDS),
    fits.ImageHDU(FRAME.astype(np.float32), CARDS, name="SCI"),
    fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))]),
)
TILED = written(
    fits.PrimaryHDU(),
    fits.CompImageHDU(FRAME.astype(np.int16), CARDS, name="SCI", compression_type="GZIP_1"),
    fits.CompImageHDU(FRAME.astype(np.float32), CARDS, compression_type="RICE_1"),
)

# Mostly what headers are made of, so that damage is understood and not only seen.
BYTES = st.one_of(st.sampled_from(b" 0123456789-+.=/'TFEDABC\0\n"), st.integers(0, 255))
DAMAGE = st.lists(st.tuples(st.floats(0, 1), BYTES), max_size=12)
EXTENSIONS = st.sampled_from([None, 0, 1, 2, "SCI", "GONE"])


def damaged(data, edits, keep, header=1.0):
    data = bytearray(data)
    for place, byte in edits:
        data[min(int(place * header * len(data)), len(data) - 1)] = byte
    return bytes(data[: round(keep * len(data))])


def read_or_named(data, ext):
    """Read, and place a pixel on the sky; what is raised must have a name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = read_image(data, ext)
            assert image.data.dtype == np.float32 and image.data.ndim == 2
            sky_positions(image.header, np.zeros(1), np.zeros(1))
        except ImageFailure as failure:
            assert failure.kind in KINDS and failure.kind != "internal"
            assert "\n" not in failure.message


FUZZ = settings(max_examples=250, deadline=None)


@FUZZ
@given(edits=DAMAGE, keep=st.just(1.0) | st.floats(0, 1), ext=EXTENSIONS)
def test_damage_to_a_plain_file_is_survived_or_named(edits, keep, ext):
    read_or_named(damaged(MANY, edits, keep), ext)


@FUZZ
@given(edits=DAMAGE, ext=EXTENSIONS)
def test_damage_to_the_first_header_is_survived_or_named(edits, ext):
    read_or_named(damaged(MANY, edits, 1.0, header=1600 / len(MANY)), ext)


@settings(max_examples=100, deadline=None)
@given(edits=DAMAGE, keep=st.just(1.0) | st.floats(0, 1), ext=EXTENSIONS)
def test_damage_to_tiles_is_survived_or_named(edits, keep, ext):
    read_or_named(damaged(TILED, edits, keep), ext)


@FUZZ
@given(
    pack=st.sampled_from([gzip.compress(MANY, mtime=0), bz2.compress(MANY)]),
    edits=DAMAGE, keep=st.just(1.0) | st.floats(0, 1), ext=EXTENSIONS,
)
def test_damage_to_a_packed_file_is_survived_or_named(pack, edits, keep, ext):
    read_or_named(damaged(pack, edits, keep), ext)


@FUZZ
@given(st.binary(max_size=200))
@example(b"\x1f\x8b")
@example(b"BZh")
@example(b"BZh9")
@example(b"SIMPLE  =                    T")
@example(b"SIMPLE".ljust(2880))
def test_bytes_that_are_no_fits_are_named(data):
    for start in (b"", b"SIMPLE  =", b"\x1f\x8b\x08", b"BZh9"):
        with pytest.raises(ImageFailure):
            read_image(start + data)


@settings(max_examples=60, deadline=None)
@given(edits=DAMAGE)
def test_a_damaged_header_does_not_stop_the_measuring_of_good_pixels(edits):
    from mr_extract import Config

    data = damaged(MANY, edits, 1.0, header=1600 / len(MANY))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sources = measure_image(read_image(data), Config())
        except ImageFailure as failure:
            assert failure.kind in KINDS and failure.kind != "internal"
        else:
            assert len(sources) >= 0
