"""Frames of surveys give sources where the sky has them."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from mr_extract import extract
from mr_extract.images import read_image
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.skeleton.expansion import expanded, image_units
from mr_extract.jobs.task.one_line import process
from mr_extract.settings.config import Config
from mr_extract.text.manifest import parse_line

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
    "d/decam_case8_fz/*_ood_*": "constant-image",
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
        outcomes = {e.id: process(e, WORK, Config()) for e in expanded(
            [parse_line(str(path).encode())], "all")}
        for image_id, outcome in outcomes.items():
            kind = expected.get(path, "")
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
