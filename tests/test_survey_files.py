"""Frames of surveys give sources where the sky has them; SDSS files say what SDSS says."""

import io

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from mr_extract import extract
from mr_extract.config import Config
from mr_extract.failures import ImageFailure
from mr_extract.images import read_image, sdss
from mr_extract.jobs.expansion import expanded, image_units
from mr_extract.jobs.one_image import process
from mr_extract.manifest import parse_line
from mr_extract.unpacking import unpack

# The unit that is measured, least and most sources, and a place in the field with the
# radius around it that holds all of the frame. M 13, M 17 and Fornax A are where catalogues
# have them; the other places are those of the headers, and tell no more than a gross error.
M13, M17, FORNAX_A = (250.4235, 36.4613, 0.15), (275.196, -16.171, 0.6), (50.6738, -37.2082, 0.5)
STRIPE_82 = (343.6, -0.3, 0.2)
FRAMES = {
    "a/obs_sdss/fpC-005754-r3-0280.fit.gz": (0, 200, 500, STRIPE_82),
    "a/obs_sdss/frame-g-000094-1-0131.fits.bz2": (0, 150, 500, (354.47, -0.93, 0.2)),
    "b/2mass/aK_asky_990502s1420186.fits.gz": (0, 1500, 3000, M17),
    "b/cfht/CFHTLS-test_g.fits": (0, 50, 200, (215.54, 52.78, 0.03)),
    "b/cfht/CFHTLS-test_i.fits": (0, 40, 200, (215.54, 52.78, 0.03)),
    "b/cfht/CFHTLS_03_g_sci.fits.fz": (1, 60, 200, (31.22, -10.40, 0.03)),
    "c/sep/image.fits": (0, 50, 90, None),
    "d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz": (1, 5, 30, (121.02, 5.11, 0.03)),
    "d/gmos/gmos.fits": (1, 20, 60, None),
    "e/arc/a8280271.fits": (0, 15, 50, None),
    "e/sprat/v_e_20180810_12_1_0_0.fits.gz": (0, 60, 200, None),
    "h/nomtam/m13real.fits": (0, 200, 400, M13),
    "h/nomtam/m13real_rice.fits": (1, 200, 400, M13),
    "h/nomtam/checksum.fits": (0, 150, 350, FORNAX_A),
    "h/astropy_fits/comp.fits": (1, 150, 350, FORNAX_A),
}
CHIPS = "b/cfht/2004B.mask.0.36.01.fits.gz"
# What every other file comes to, each of its images by itself.
OTHERS = {
    "a/obs_sdss/fpM-*": "no-image", "a/obs_sdss/psField-*": "no-image",
    "a/obs_sdss/tsField-*": "no-image", "d/decam_case8_fz/chunk-*": "no-image",
    "e/sprat/expected/*.fits": "not-two-dimensional", "e/arc/flat-mef.fits": "constant-image",
    "d/decam_case8_fz/*_ood_*": "constant-image", "h/*/*.Z": "not-fits",
    "h/astropy_fits/blank.fits": "no-valid-pixels",
    "h/astropy_fits/double_ext.fits": "constant-image",
    "h/astropy_fits/fixed-1890.fits": "constant-image",
    "h/fitsio_py/test_gzip_compressed_image.fits.fz": "constant-image",
    **{f"h/astropy_fits/{name}.fits": "not-two-dimensional"
       for name in ("arange", "compressed_float_bzero", "zerowidth")},
    **{f"h/astropy_fits/{name}.fits": "no-image" for name in (
        "ascii", "ascii_i4-i20", "btable", "chandra_time", "group", "history_header",
        "invalid/group_invalid", "logical_null", "memtest", "random_groups", "stddata", "table",
        "tb", "tdim", "theap-gap", "variable_length_table", "verify", "vla_logical_all_zero",
        "vla_logical_null", "vla_logical_pre_fix",
    )},
    "h/nomtam/test_i10.fits": "no-image",
}
SUFFIXES = (".fits", ".fit", ".gz", ".bz2", ".fz", ".Z")


@pytest.mark.parametrize("path", FRAMES)
def test_the_sources_of_a_frame_are_where_its_light_is(shared_data, path):
    ext, least, most, field = FRAMES[path]
    image = read_image((shared_data / path).read_bytes())
    assert image.hdu == ext
    data = image.data if image.mask is None else np.where(image.mask, -np.inf, image.data)
    y, x = np.unravel_index(data.argmax(), data.shape)
    table = extract(shared_data / path, columns=("default", "a"))
    assert least <= len(table) <= most
    distance = np.hypot(table["x"] - x, table["y"] - y)
    nearest = distance.argmin()
    assert distance[nearest] <= max(2.0, 2.0 * table["a"][nearest]), "the brightest pixel"
    height, width = data.shape
    assert (table["x"] > -0.5).all() and (table["x"] < width - 0.5).all()
    assert (table["y"] > -0.5).all() and (table["y"] < height - 0.5).all()
    if field is None:
        assert np.isnan(table["ra"]).all()
    else:
        sky = SkyCoord(table["ra"], table["dec"], unit="deg")
        assert sky.separation(SkyCoord(*field[:2], unit="deg")).deg.max() < field[2]


@pytest.mark.parametrize("path", ["h/nomtam/checksum.fits", "h/astropy_fits/comp.fits"])
def test_the_largest_source_of_the_frame_of_fornax_a_is_fornax_a(shared_data, path):
    table = extract(shared_data / path, columns=("default", "npix"))
    largest = table[np.argmax(table["npix"])]
    place = SkyCoord(largest["ra"], largest["dec"], unit="deg")
    assert place.separation(SkyCoord(*FORNAX_A[:2], unit="deg")).arcsec < 20


@pytest.mark.parametrize("folder", "abcdeh")
def test_every_image_of_every_file_is_measured_or_named(shared_data, folder):
    expected = {path: kind for pattern, kind in OTHERS.items()
                for path in shared_data.glob(pattern)}
    seen = 0
    for path in sorted((shared_data / folder).rglob("*")):
        if not path.name.endswith(SUFFIXES) or path == shared_data / CHIPS:
            continue
        outcomes = {e.id: process(e, Config()) for e in expanded(
            [parse_line(str(path).encode())], "all")}
        for image_id, outcome in outcomes.items():
            kind = expected.get(path, "")
            if image_id.endswith("frame-g-000094-1-0131.fits.bz2[1]"):
                kind = "not-two-dimensional"  # its calibration of the columns
            assert (image_id, outcome.kind) == (image_id, kind)
            assert outcome.block.startswith(b"#error" if kind else b"#image")
            seen += 1
    assert seen >= 3


def test_the_chips_of_a_mosaic_are_listed_without_unpacking_it_into_memory(shared_data):
    units = image_units(str(shared_data / CHIPS))
    assert [unit.name for unit in units] == [f"ccd{k:02d}" for k in range(36)]
    assert {unit.shape for unit in units} == {(4644, 2112)}


def test_a_frame_before_and_after_compression_has_the_same_stars(shared_data):
    one, other = (extract(shared_data / "h/nomtam" / name)
                  for name in ("m13real.fits", "m13real_rice.fits"))
    # By their places on the sky, in a plane around the cluster.
    turn = np.cos(np.radians(M13[1]))
    away = [[np.asarray(t["ra"]) * turn, np.asarray(t["dec"])] for t in (one, other)]
    distance = 3600 * np.hypot(*(a[:, None] - b[None, :] for a, b in zip(*away)))
    nearest, same = distance.argmin(1), distance.min(1) < 0.5
    assert same.mean() > 0.9
    bright = same & (one["flux_auto"] > np.median(one["flux_auto"]))
    ratio = np.asarray(other["flux_auto"])[nearest][bright] / one["flux_auto"][bright]
    assert abs(np.median(ratio) - 1) < 0.01


# ---- SDSS: simulated files

SHAPE = (30, 40)
SPANS = {"SATUR": [[(3, 5, 9), (4, 5, 5)]], "CR": [[(29, 39, 39)], [(0, 0, 0), (4, 4, 6)]],
         "INTERP": [[(y, 7, 8) for y in range(30)]]}


def object_mask():
    """Bytes of an fpM: a table a plane, a row an object, its spans in the heap."""
    units = [fits.PrimaryHDU(header=fits.Header(
        {"MASKROWS": SHAPE[0], "MASKCOLS": SHAPE[1], "NPLANE": 10}))]
    for name in sdss.PLANES[:10]:
        heaps = [np.array(spans, ">u2").tobytes() for spans in SPANS.get(name, [])]
        rows, heap = b"", b"".join(heaps)
        at = 0
        for piece in heaps:
            rows += np.array([1, len(piece) // 6, 0, 0, 0, 0, 0, 0, 0, len(piece), at],
                             ">i4").tobytes()
            at += len(piece)
        header = fits.Header({"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 44,
                              "NAXIS2": len(heaps), "PCOUNT": len(heap), "GCOUNT": 1,
                              "TFIELDS": 10, "THEAP": 44 * len(heaps)})
        names = "refcntr nspan row0 col0 rmin rmax cmin cmax npix s".split()
        for k, column in enumerate(names, 1):
            header[f"TFORM{k}"], header[f"TTYPE{k}"] = "1PB(0)" if column == "s" else "1J", column
        data = rows + heap
        units.append(header.tostring().encode() + data + bytes(-len(data) % 2880))
    first = io.BytesIO()
    units[0].writeto(first)
    return first.getvalue() + b"".join(units[1:])


def test_an_object_mask_has_the_bits_of_its_planes_where_the_spans_are():
    buffer = object_mask()
    assert sdss.is_object_mask(buffer)
    mask = sdss.read_object_mask(buffer, SHAPE)
    assert mask.shape == SHAPE and mask.dtype == np.int32
    for name, bit in sdss.BITS.items():
        want = np.zeros(SHAPE, bool)
        for spans in SPANS.get(name, []):
            for y, first, last in spans:
                want[y, first : last + 1] = True
        assert ((mask & bit != 0) == want).all(), name
    assert mask[4, 5] == sdss.BITS["SATUR"] | sdss.BITS["CR"]
    assert (sdss.bad_pixels(mask) == (mask & (sdss.BITS["SATUR"] | sdss.BITS["CR"]) != 0)).all()
    assert (sdss.bad_pixels(mask, ["INTERP"]) == (mask & 1 != 0)).all()


def test_an_object_mask_that_does_not_fit_or_is_damaged_is_a_named_failure():
    buffer = object_mask()
    cases = {
        "companion-mismatch": (buffer, (30, 41)), "truncated": (buffer[: len(buffer) // 2], SHAPE),
        "corrupt": (buffer.replace(np.array([4, 5, 5], ">u2").tobytes(),
                                   np.array([4, 5, 40], ">u2").tobytes()), SHAPE),
    }
    for kind, (data, shape) in cases.items():
        with pytest.raises(ImageFailure) as failure:
            sdss.read_object_mask(data, shape)
        assert failure.value.kind == kind
    assert not sdss.is_object_mask(b"") and not sdss.is_object_mask(buffer[2880:])


def test_the_zero_point_of_a_field_is_that_of_its_exposure_and_extinction():
    values = {"aa": -24.0, "kk": 0.1, "airmass": 1.2, "gain": 4.7, "dark_variance": 1.3}
    table = fits.BinTableHDU.from_columns([
        fits.Column(name, "5D", array=[[0, 0, value, 0, 0]]) for name, value in values.items()])
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(header=fits.Header({"FILTERS": "u g r i z"})), table]).writeto(
        file)
    found = sdss.field_calibration(file.getvalue(), "r")
    # A star of magnitude 20 gives 10 ** (-0.4 * (20 + aa + kk * airmass)) counts a second.
    counts = 53.907456 * 10 ** (-0.4 * (20 - 24.0 + 0.1 * 1.2))
    assert found.zero_point - 2.5 * np.log10(counts) == pytest.approx(20, abs=1e-9)
    assert (found.gain, found.dark_variance) == (4.7, 1.3)
    with pytest.raises(ImageFailure):
        sdss.field_calibration(file.getvalue(), "y")


def calibrated_frame(counts, sky, scale, x, y):
    """Bytes of a frame in nanomaggies, with what was done to it."""
    light = (counts - bilinear(sky, x, y)) * scale
    header = fits.Header({"RUN": 2000, "CAMCOL": 4, "FILTER": "i"})
    table = fits.BinTableHDU.from_columns([
        fits.Column("ALLSKY", f"{sky.size}E", dim=str(sky.shape[::-1]), array=[sky]),
        fits.Column("XINTERP", f"{len(x)}E", array=[x]),
        fits.Column("YINTERP", f"{len(y)}E", array=[y])])
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(light.astype("f4"), header),
                  fits.ImageHDU(scale.astype("f4")), table]).writeto(file)
    return file.getvalue()


def bilinear(grid, x, y):
    """Linear in each direction, and beyond the border as at the border."""
    rows = np.array([np.interp(x, np.arange(grid.shape[1]), row) for row in grid])
    return np.array([np.interp(y, np.arange(grid.shape[0]), column) for column in rows.T]).T


def test_a_calibrated_frame_is_taken_back_to_its_counts():
    rng = np.random.default_rng(4)
    counts, sky = rng.uniform(90, 5000, SHAPE), rng.uniform(80, 120, (5, 7))
    scale = rng.uniform(0.003, 0.0033, SHAPE[1])
    x, y = np.linspace(-0.4, 6.4, SHAPE[1]), np.linspace(-0.4, 4.4, SHAPE[0])
    found, variance, factor = sdss.restore_frame(calibrated_frame(counts, sky, scale, x, y))
    assert found == pytest.approx(counts, rel=2e-6)
    # Camera column 4 in i, of a run after 1500.
    assert variance == pytest.approx(counts / 4.885 + 7.5625, rel=2e-6)
    assert factor == pytest.approx(scale, rel=1e-6)
    plain = io.BytesIO()
    fits.PrimaryHDU(counts).writeto(plain)
    with pytest.raises(ImageFailure) as failure:
        sdss.restore_frame(plain.getvalue())
    assert failure.value.kind == "no-extension"


# ---- SDSS: files of the survey

@pytest.fixture(scope="module")
def field(request):
    """An SDSS field in r: pixels, mask, calibration."""
    folder = request.getfixturevalue("shared_data") / "a" / "obs_sdss"
    image = read_image((folder / "fpC-005754-r3-0280.fit.gz").read_bytes())
    mask = sdss.read_object_mask((folder / "fpM-005754-r3-0280.fit").read_bytes(), image.data.shape)
    calibration = sdss.field_calibration(
        (folder / "tsField-005754-3-40-0280.fit").read_bytes(), image.header["FILTER"])
    return image, mask, calibration


def test_the_sky_and_noise_of_a_field_are_those_that_sdss_gives(shared_data, field):
    image, _, calibration = field
    sky = np.median(image.data) - image.header["SOFTBIAS"]
    # The tsField gives the sky in maggies a square arcsecond, a pixel being 0.396 arcsec.
    given = fits.getdata(shared_data / "a/obs_sdss/tsField-005754-3-40-0280.fit")["sky"][0][2]
    flux = sky / 0.396**2 * 10 ** (-0.4 * calibration.zero_point)
    assert flux == pytest.approx(given, rel=0.01)
    noise = np.std(image.data[np.abs(image.data - np.median(image.data)) < 25])
    assert noise == pytest.approx(
        np.sqrt(sky / calibration.gain + calibration.dark_variance), rel=0.05)


def test_stars_of_a_field_are_as_many_and_as_bright_as_the_sky_has(shared_data, field):
    # A field of 13.5 by 9.8 arcminutes far from the galactic plane has some tens of objects
    # between 15 and 20 in r. The limits tell a wrong sign or factor of ten, no more: the
    # zero point itself is held to a percent by the sky, above.
    image, _, calibration = field
    table = extract(image.data, header=image.header, zero_point=calibration.zero_point)
    magnitude = np.asarray(table["mag_auto"])
    assert 30 < ((magnitude > 15) & (magnitude < 20)).sum() < 200
    assert np.nanmin(magnitude) > 11
    assert 20.5 < np.nanpercentile(magnitude, 75) < 23, "faint ones near the survey's limit"


def test_the_saturated_plane_holds_what_was_saturated(field):
    image, mask, _ = field
    saturated = sdss.bad_pixels(mask, ["SATUR"])
    assert 1000 < saturated.sum() < 1200
    # photo has put values into them: all are interpolated, in one star and its bleeding.
    assert sdss.bad_pixels(mask, ["INTERP"])[saturated].all()
    y, x = np.nonzero(saturated)
    assert np.ptp(x) < 20 and np.ptp(y) > 100
    # What is beyond the level at which the CCD saturates can be there alone.
    assert (image.data[~saturated] < 47306 + image.header["SOFTBIAS"]).all()
    objects = sdss.bad_pixels(mask, ["OBJECT", "BRIGHTOBJECT"])
    bright = image.data > np.median(image.data) + 200
    assert objects[bright].mean() > 0.95, "light is in objects"
    assert np.median(image.data[objects]) > np.median(image.data[~objects])


def test_a_frame_in_nanomaggies_goes_back_to_counts_with_their_noise(shared_data):
    buffer = unpack((shared_data / "a/obs_sdss/frame-g-000094-1-0131.fits.bz2").read_bytes())
    counts, variance, scale = sdss.restore_frame(buffer)
    image = read_image(buffer)
    assert counts.shape == variance.shape == image.data.shape
    assert counts.min() > 0
    assert scale.mean() == pytest.approx(image.header["NMGY"], rel=0.01)
    # Differences of neighbours are free of the sky's slope.
    steps = np.diff(counts, axis=1) / np.sqrt(2)
    noise = 1.4826 * np.median(np.abs(steps))
    assert noise == pytest.approx(np.sqrt(np.median(variance)), rel=0.1)
