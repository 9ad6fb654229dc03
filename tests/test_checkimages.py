"""Check images: what was measured, to the last digit, as SExtractor would write it."""

import hashlib
import os
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import job

from mr_extract import Config
from mr_extract.columns.choice import CHECK_IMAGES
from mr_extract.frames.measuring import measure_image
from mr_extract.images import read_image
from mr_extract.jobs.beside.checkimage_files import file_name

THEIRS = {"background": "BACKGROUND", "rms": "BACKGROUND_RMS", "segmentation": "SEGMENTATION",
          "-background": "-BACKGROUND", "objects": "OBJECTS", "-objects": "-OBJECTS"}
FRAMES = {"cfht": "b/cfht/CFHTLS-test_i.fits", "sdss": "a/obs_sdss/fpC-005754-r3-0280.fit.gz"}


@pytest.fixture(scope="module", params=FRAMES)
def both(request, shared_data, tmp_path_factory):
    """Check images of a real frame: the program's and ours, and the noise."""
    folder = tmp_path_factory.mktemp("check")
    packed = (shared_data / FRAMES[request.param]).read_bytes()
    image = read_image(packed)
    fits.writeto(folder / "frame.fits", image.data)
    (folder / "c.param").write_text("NUMBER\nX_IMAGE\n")
    (folder / "c.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    subprocess.run(
        ["source-extractor", "frame.fits", "-c", "/dev/null", "-PARAMETERS_NAME", "c.param",
         "-FILTER_NAME", "c.conv", "-CHECKIMAGE_TYPE", ",".join(THEIRS.values()),
         "-CHECKIMAGE_NAME", ",".join(f"{name}.fits" for name in THEIRS), "-CATALOG_NAME",
         "c.cat", "-VERBOSE_TYPE", "QUIET", "-MEMORY_PIXSTACK", "1000000"],
        cwd=folder, check=True, capture_output=True,
    )
    theirs = {name: fits.getdata(folder / f"{name}.fits") for name in THEIRS}
    sources = measure_image(image, Config(), checks=CHECK_IMAGES)
    return theirs, sources


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("kind", ["background", "rms", "-background"])
def test_maps_are_the_programs(both, kind):
    theirs, sources = both
    apart = np.abs(theirs[kind].astype(float) - sources.checks[kind])
    assert apart.max() < 0.005 * sources.rms


@pytest.mark.needs("sextractor")
def test_the_same_pixels_are_of_sources(both):
    theirs, sources = both
    a, b = theirs["segmentation"], sources.checks["segmentation"]
    assert b.dtype == np.int32 and b.max() == len(sources)
    assert np.mean((a > 0) != (b > 0)) < 1e-4
    # The numbers are in another order: each of theirs is the one of ours it shares most with.
    partner = np.zeros(a.max() + 1, int)
    for pixels, number in ((b[a == k], k) for k in range(1, a.max() + 1)):
        partner[number] = np.bincount(pixels).argmax()
    assert np.mean((partner[a] != b)[b > 0]) < 0.03  # blends are cut a little otherwise
    for kind, share in (("objects", 1e-3), ("-objects", 3e-3)):
        apart = np.abs(theirs[kind].astype(float) - sources.checks[kind])
        assert np.mean(apart > 0.005 * sources.rms) < share, kind


@pytest.mark.needs("sextractor")
def test_parts_make_the_whole(both):
    checks = both[1].checks
    inside = checks["segmentation"] > 0
    assert np.array_equal(checks["objects"][inside], checks["-background"][inside])
    assert not checks["objects"][~inside].any()
    outside = checks["-objects"] != 0
    assert np.array_equal(checks["-objects"][outside], checks["-background"][outside])


@pytest.mark.needs("sextractor")
def test_outlines_are_where_the_apertures_are(both):
    sources = both[1]
    drawn = sources.checks["apertures"] != sources.checks["-background"]
    columns = sources.columns
    y, x = np.nonzero(drawn)
    height, width = drawn.shape
    inner = np.zeros(len(x), bool)
    for k in range(len(sources)):
        dx, dy = x - columns["x"][k], y - columns["y"][k]
        circle = np.abs(np.hypot(dx, dy) - 2.5) < 0.75
        cos, sin = (f(np.radians(columns["theta"][k])) for f in (np.cos, np.sin))
        a, b = (columns[name][k] * columns["kron_radius"][k] for name in "ab")
        u, v = dx * cos + dy * sin, dy * cos - dx * sin
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.hypot(u / a, v / b)
            slope = np.hypot(u / a**2, v / b**2) / radius
            kron = np.abs(radius - 1.0) / slope < 0.9
        inner |= circle | kron
    assert inner.mean() > 0.999


# ---- files

@pytest.fixture(scope="module")
def written(night, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    manifest = folder / "list.txt"
    lines = (night / "manifest.txt").read_text().splitlines()
    manifest.write_text("\n".join(line for line in lines if not line.startswith("#")) + "\n")
    run = job("-r", "local", manifest, "--catalog", folder / "catalog.tsv", "--checkimage",
              ",".join(CHECK_IMAGES), cwd=night.parent)
    if run.status:
        run = job("-r", "local", manifest, "--catalog", folder / "catalog.tsv", "--checkimage",
                  ",".join(CHECK_IMAGES), cwd=night)
    assert run.status == 0, run.err
    return folder, manifest, run


def test_every_image_has_its_files_beside_the_catalog(written):
    folder, _, _ = written
    catalog = (folder / "catalog.tsv").read_text().splitlines()
    ids = [line.split("\t")[1] for line in catalog if line.startswith("#image")]
    expected = {file_name(one, kind) for one in ids for kind in CHECK_IMAGES}
    assert len(expected) == len(ids) * len(CHECK_IMAGES) == 6 * 7
    assert {name for name in os.listdir(folder) if name.endswith(".fz")} == expected


def test_a_file_holds_all_digits_and_the_coordinates(written, night):
    folder, _, _ = written
    line = next(line for line in (folder / "catalog.tsv").read_text().splitlines()
                if line.startswith("#image"))
    image_id = line.split("\t")[1]
    path = next(p for p in (night / image_id, night.parent / image_id) if p.exists())
    image = read_image(path.read_bytes())
    header = image.header
    checks = measure_image(image, Config(), checks=CHECK_IMAGES).checks
    original = WCS(fits.Header.fromstring(header.text))
    for kind, values in checks.items():
        with fits.open(folder / file_name(image_id, kind)) as units:
            assert np.array_equal(units[1].data, values), kind
            assert units[1].data.dtype == values.dtype
            wcs = WCS(units[1].header)
            assert np.allclose(wcs.all_pix2world(10, 20, 0), original.all_pix2world(10, 20, 0),
                               atol=1e-12)


def test_files_are_the_same_whoever_writes_them(written, tmp_path, night):
    folder, manifest, _ = written
    for cwd in (night.parent, night):
        run = job("-r", "inline", manifest, "--checkimage", ",".join(CHECK_IMAGES),
                  "--checkimage-dir", tmp_path / "again", "-q", cwd=cwd)
        if run.status == 0:
            break

    def digests(place):
        return {name: hashlib.sha256((place / name).read_bytes()).hexdigest()
                for name in os.listdir(place) if name.endswith(".fz")}
    assert digests(folder) == digests(tmp_path / "again") != {}
    # Nor does it change the catalog that there are any.
    assert run.out == (folder / "catalog.tsv").read_bytes()


def test_names_are_safe_and_apart():
    names = [file_name(i, "rms") for i in ("a/b.fits", "a_b.fits", "b.fits[2]", "../ü/c d.fit.gz",
                                           "b.fits[3]", "s3://x/" + "long" * 100)]
    assert len(set(names)) == len(names)
    for name in names:
        assert "/" not in name and name.isascii() and len(name) < 160 and name[0] != "."


def test_a_file_that_cannot_be_written_is_a_failure_of_the_image(written, tmp_path, night):
    _, manifest, _ = written
    (tmp_path / "file").write_text("")
    for cwd in (night.parent, night):
        run = job("-r", "local", manifest, "--checkimage", "rms", "--checkimage-dir",
                  tmp_path / "file" / "below", cwd=cwd)
        if "not-written" in run.accounts().values():
            break
    assert run.status == 1
    assert set(run.accounts().values()) == {"not-written"}


@pytest.mark.parametrize("options, said", [
    (["--checkimage", "colour"], "is none of"), (["--checkimage", "rms"], "--checkimage-dir"),
    (["--checkimage-dir", "."], "needs --checkimage"),
    (["--checkimage", "rms", "--checkimage-dir", ".", "--forced", "lines"], "--forced"),
])
def test_a_wrong_option_is_one_line_and_status_2(written, options, said):
    run = job(written[1], *options)
    assert run.status == 2 and run.err.count("\n") == 1 and said in run.err
