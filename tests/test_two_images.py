"""Found on one image, measured on another: SExtractor's two-image mode."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import job
from stars import FWHM_PER_SIGMA, add_gaussian, star_field

from mr_extract import Config, extract
from mr_extract.failures import ImageFailure
from mr_extract.frames.finding import Detected, find_sources
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image, read_image

KERNEL = "CONV NORM\n1 2 1\n2 4 2\n1 2 1\n"
# Columns of both; the scale of a difference is the value, or the error of the flux.
NAMES = {
    "A_IMAGE": "a", "B_IMAGE": "b", "ISOAREAF_IMAGE": "npix", "FLUX_ISO": "flux_iso",
    "FLUXERR_ISO": "fluxerr_iso", "FLUX_MAX": "peak", "FLUX_APER": "flux_aper_1",
    "FLUXERR_APER": "fluxerr_aper_1", "KRON_RADIUS": "kron_radius", "FLUX_AUTO": "flux_auto",
    "FLUXERR_AUTO": "fluxerr_auto", "FLUX_RADIUS": "flux_radius_1", "MAG_AUTO": "mag_auto",
}
COLUMNS = ("default", "flux_radius", "x_win", "y_win")


@pytest.fixture(scope="module")
def pair():
    """A deep image and a shallow one of other gain, zero point and sky, with the same stars."""
    deep = star_field(11, 4000.0)
    rng = np.random.default_rng(12)
    shallow = 50.0 + rng.normal(0.0, 8.0, deep.data.shape)
    for x, y in zip(deep.x, deep.y):
        add_gaussian(shallow, x, y, 600.0, 4.5 / FWHM_PER_SIGMA)
    return deep, shallow.astype(np.float32)


def test_what_is_of_which_image(pair):
    deep, shallow = pair
    settings = {"columns": COLUMNS, "gain": 2.0}
    alone = extract(deep.data, **settings)
    both = extract(shallow, detect=deep.data, zero_point=25.0, **settings)
    assert len(both) == len(alone)
    for name in ("x", "y", "a", "b", "theta", "npix"):
        assert np.array_equal(both[name], alone[name]), name
    # The Kron radius is that of the detection image; only where no radius could be had
    # the flag differs.
    assert np.array_equal(both["kron_radius"], alone["kron_radius"])
    assert abs(both.meta["background"] - 50.0) < 1.0
    assert abs(both.meta["rms"] - 8.0) < 0.3
    real = np.hypot(both["x"][:, None] - deep.x, both["y"][:, None] - deep.y).min(1) < 1.0
    assert real.sum() == len(deep.x)
    pulls = (both["flux_auto"][real] - 600.0) / both["fluxerr_auto"][real]
    # A Kron ellipse of the sharper image holds less than all of the broader star.
    assert -1.0 < np.median(pulls) < 0.2
    assert np.median(both["flux_radius_1"][real]) > np.median(alone["flux_radius_1"][real])
    bright = both["flux_auto"] > 0
    assert np.allclose(both["mag_auto"][bright],
                       25.0 - 2.5 * np.log10(both["flux_auto"][bright]), atol=1e-5)


def test_an_image_is_its_own_detection_image(pair):
    deep, _ = pair
    alone = extract(deep.data, columns=COLUMNS)
    twice = extract(deep.data, columns=COLUMNS, detect=deep.data)
    for name in alone.colnames:
        assert np.array_equal(alone[name], twice[name], equal_nan=alone[name].dtype.kind == "f")


def test_saturation_is_that_of_the_measured_image(pair):
    deep, shallow = pair
    shallow = shallow.copy()
    table = extract(shallow, detect=deep.data)
    x, y = round(float(table["x"][5])) + 1, round(float(table["y"][5]))
    shallow[y, x] = 60000.0  # beside the peak
    flagged = extract(shallow, detect=deep.data)["flag"] & 0x100 != 0
    assert np.flatnonzero(flagged).tolist() == [5]
    bright = deep.data.copy()
    bright[y, x] = 60000.0
    assert not (extract(pair[1], detect=bright)["flag"] & 0x100).any()


def test_each_image_has_its_own_mask(pair):
    deep, shallow = pair
    hidden = np.zeros(deep.data.shape, bool)
    hidden[:, :300] = True
    image = Image(shallow.copy(), mask=hidden)
    seen = measure_image(image, Config(), detection=Image(deep.data.copy()))
    assert len(seen) == len(extract(deep.data)), "what the measured image lacks is found"
    assert seen.valid == np.count_nonzero(~hidden)
    lost = seen.columns["x"] < 290
    assert (seen.columns["flag"][lost] & 0x20 != 0).all()
    image = Image(deep.data.copy(), mask=hidden)
    assert (extract(shallow, detect=image)["x"] > 295).all()


def test_bad_pixels_of_either_image_are_flagged(pair):
    deep, shallow = pair
    x, y = np.rint(deep.x).astype(int), np.rint(deep.y).astype(int)
    bad = np.zeros(deep.data.shape, bool)
    bad[y[::3], x[::3]] = True
    columns = ("x", "y", "flux_iso", "flag_weight")
    plain = extract(shallow, detect=deep.data, columns=columns)
    hit = np.hypot(plain["x"][:, None] - x[::3], plain["y"][:, None] - y[::3]).min(1) < 2.0
    assert 0 < hit.sum() < len(plain) and not plain["flag_weight"].any()
    table = extract(shallow, detect=deep.data, mask=bad, columns=columns)
    assert (table["flag_weight"] == np.where(hit, 1, 0)).all()
    changed = np.abs(table["flux_iso"] / plain["flux_iso"] - 1.0) > 0.02
    assert changed.any() and (table["flag_weight"][changed] == 1).all()
    found = extract(shallow, detect=Image(deep.data.copy(), mask=bad), columns=columns)
    near = np.hypot(found["x"][:, None] - x[::3], found["y"][:, None] - y[::3]).min(1) < 2.0
    assert (found["flag_weight"] == np.where(near, 2, 0)).all()


def test_what_was_found_serves_several_images(pair):
    deep, shallow = pair
    found = find_sources(Image(deep.data.copy()), Config())
    assert isinstance(found, Detected)
    kept = found.plane.data.copy(), found.objects.copy(), found.segments.labels.copy()
    first = measure_image(Image(shallow.copy()), Config(), detection=found)
    second = measure_image(Image(shallow.copy()), Config(), detection=found)
    for name, values in first.columns.items():
        assert np.array_equal(values, second.columns[name], equal_nan=values.dtype.kind == "f")
    for before, after in zip(kept, (found.plane.data, found.objects, found.segments.labels)):
        assert np.array_equal(before, after)


def test_another_shape_has_a_name(pair):
    with pytest.raises(ImageFailure, match="companion-mismatch"):
        extract(pair[1], detect=pair[0].data[:-1])


def _program(folder, *paths, further=(), **options):
    folder.joinpath("d.conv").write_text(KERNEL)
    names = ["X_IMAGE", "Y_IMAGE", "XWIN_IMAGE", *NAMES, *further]
    folder.joinpath("d.param").write_text("\n".join(names) + "\n")
    options = {"PARAMETERS_NAME": "d.param", "FILTER_NAME": "d.conv", "CATALOG_NAME": "d.fits",
               "CATALOG_TYPE": "FITS_1.0", "BACK_SIZE": 64, "VERBOSE_TYPE": "QUIET", **options}
    flags = [str(part) for name, value in options.items() for part in (f"-{name}", value)]
    subprocess.run(["source-extractor", ",".join(map(str, paths)), "-c", "/dev/null", *flags],
                   cwd=folder, check=True, capture_output=True)
    return Table.read(folder / "d.fits", hdu=1)


def _differences(theirs, ours):
    """Map the program's name to |difference| in errors or as a fraction, by source."""
    apart = np.hypot(theirs["X_IMAGE"][:, None] - 1 - ours["x"],
                     theirs["Y_IMAGE"][:, None] - 1 - ours["y"])
    assert (apart.min(1) < 0.05).all(), "the same sources at the same places"
    row, result = apart.argmin(1), {}
    for name, own in NAMES.items():
        x, y = np.asarray(theirs[name], float), np.asarray(ours[own], float)[row]
        scale = np.maximum(np.abs(x), 1e-3)
        if name in ("FLUX_ISO", "FLUX_APER", "FLUX_AUTO", "FLUX_MAX"):
            tail = {"FLUX_MAX": "ISO"}.get(name, name[5:])
            scale = np.asarray(theirs[f"FLUXERR_{tail}"], float)
        result[name] = np.abs(x - y) / scale
    return result


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("bands", ["ig", "gi"])
def test_the_program_says_the_same_of_two_bands(shared_data, tmp_path, bands):
    found, seen = (shared_data / f"b/cfht/CFHTLS-test_{band}.fits" for band in bands)
    theirs = _program(tmp_path, found, seen, GAIN=2000, GAIN_KEY="NONE", MAG_ZEROPOINT=25)
    config = Config().updated(columns=COLUMNS, gain=2000.0, gain_key="", satur_key="",
                              zero_point=25.0)
    ours = measure_image(read_image(seen.read_bytes()), config,
                         detection=read_image(found.read_bytes()))
    assert len(theirs) == len(ours)
    for name, apart in _differences(theirs, ours.columns).items():
        # Half of the sources agree to the last digits, the others within their errors:
        # blended ones share their pixels and their neighbours' light otherwise.
        if name != "MAG_AUTO":
            assert np.nanmedian(apart) < 1e-5, name
        assert np.nanpercentile(apart, 85) < (0.35 if name.startswith("FLUX_") else 0.03), name


@pytest.mark.needs("sextractor")
def test_the_program_says_the_same_of_a_simulated_pair(pair, tmp_path):
    deep, shallow = pair
    fits.writeto(tmp_path / "deep.fits", deep.data)
    fits.writeto(tmp_path / "shallow.fits", shallow)
    theirs = _program(tmp_path, "deep.fits", "shallow.fits", GAIN=2, MAG_ZEROPOINT=25,
                      DETECT_THRESH=3)
    ours = extract(shallow, detect=deep.data, columns=COLUMNS, gain=2.0, zero_point=25.0,
                   thresh=3.0)
    assert len(theirs) == len(ours)
    for name, apart in _differences(theirs, ours).items():
        assert np.nanpercentile(apart, 90) < (1e-3 if name != "KRON_RADIUS" else 5e-3), name


@pytest.fixture(scope="module")
def files(pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bands")
    deep, shallow = pair
    fits.writeto(folder / "field.det.fits", deep.data)
    for band in "gri":
        fits.writeto(folder / f"field.{band}.fits", shallow + np.float32(ord(band)))
    fits.writeto(folder / "small.fits", shallow[:200])
    return folder


def test_a_rule_or_a_field_names_the_detection_image(files):
    manifest = files / "list.txt"
    names = [f"field.{band}.fits" for band in "gri"]
    manifest.write_text("\n".join(names) + "\n")
    by_rule = job(manifest, "--detect-image", r"s/[gri]\.fits/det.fits/", cwd=files)
    assert by_rule.status == 0, by_rule.err
    assert set(by_rule.accounts().values()) == {""}
    lines = [line for line in by_rule.lines if line.startswith("#image")]
    assert len({cell for line in lines for cell in line.split("\t") if "detect_sha" in cell}) == 1
    manifest.write_text("".join(f"{name}\tdetect=field.det.fits\n" for name in names))
    by_field = {runner: job("-r", runner, manifest, cwd=files) for runner in ("inline", "local")}
    assert by_field["inline"].out == by_field["local"].out
    rows = [[line for line in run.lines if not line.startswith("#")]
            for run in (by_rule, by_field["local"])]
    assert rows[0] == rows[1]
    assert "detection" in by_rule.err


def test_a_detection_image_that_many_share_is_detected_once(files, monkeypatch):
    import mr_extract.frames.finding
    from mr_extract.jobs.extract import WORK
    from mr_extract.jobs.task.one_line import process
    from mr_extract.text.manifest import parse_line

    calls = []
    monkeypatch.setattr(mr_extract.frames.finding, "find_sources",
                        lambda *a, **k: calls.append(1) or find_sources(*a, **k))
    blocks = []
    for band in "gri":
        line = f"{files}/field.{band}.fits\tdetect={files}/field.det.fits"
        blocks.append(process(parse_line(line.encode()), WORK, Config().updated(thresh=2.0)))
    assert [block.kind for block in blocks] == ["", "", ""]
    assert len(calls) == 1
    assert blocks[0].size > blocks[1].size == blocks[2].size


def test_a_line_whose_detection_image_is_wrong_is_a_named_failure(files):
    manifest = files / "bad.txt"
    manifest.write_text("small.fits\tdetect=field.det.fits\nfield.g.fits\tdetect=nowhere.fits\n"
                        "field.r.fits\tdetect=\n")
    run = job(manifest, cwd=files)
    assert run.status == 1
    assert run.accounts() == {"small.fits": "companion-mismatch",
                              "field.g.fits": "fetch-not-found", "field.r.fits": ""}


def test_the_detection_image_may_be_in_the_same_file(pair, files):
    deep, shallow = pair
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(deep.data, name="DET"),
                  fits.ImageHDU(shallow, name="G")]).writeto(files / "both.fits")
    manifest = files / "same.txt"
    manifest.write_text("both.fits[G]\tdetect=[DET]\n")
    run = job("-r", "local", manifest, "--columns", "default", cwd=files)
    assert run.status == 0, run.err
    expected = extract(shallow, detect=deep.data)
    cells = [line.split("\t") for line in run.body.decode().splitlines() if line[0] != "#"]
    names = run.lines[2].split("\t")
    assert [np.float32(row[names.index("flux_auto")]) for row in cells] == list(
        expected["flux_auto"])


def test_the_companions_of_the_detection_image_are_its_own(pair, files):
    deep, _ = pair
    hidden = np.zeros(deep.data.shape, np.uint8)
    hidden[:, :300] = 1
    fits.writeto(files / "det.mask.fits", hidden)
    manifest = files / "masked.txt"
    manifest.write_text("field.g.fits\tdetect=field.det.fits\tdetect_mask=det.mask.fits\n"
                        "field.r.fits\tdetect=field.det.fits\n")
    run = job(manifest, "--columns", "x", cwd=files)
    assert run.status == 0, run.err
    rows = [line.split("\t") for line in run.lines[3:] if line[0] != "#"]
    least = {name: min(float(row[2]) for row in rows if row[0] == f"field.{name}.fits")
             for name in "gr"}
    assert least["g"] > 295 and least["r"] < 100
    assert "detect_mask_sha256=" in run.out.decode()


def test_flags_of_the_measured_image_count_where_the_detection_image_has_none(pair, files):
    fits.writeto(files / "four.fits", np.full(pair[0].data.shape, 4, np.int32))
    manifest = files / "flagged.txt"
    manifest.write_text("field.g.fits\tdetect=field.det.fits\tflags=four.fits\n"
                        "field.r.fits\tdetect=field.det.fits\n")
    run = job(manifest, "--columns", "imaflags_iso", cwd=files)
    assert run.status == 0, run.err
    rows = [line.split("\t") for line in run.lines[3:] if line[0] != "#"]
    assert {(row[0], row[-1]) for row in rows} == {("field.g.fits", "4"), ("field.r.fits", "0")}


@pytest.mark.needs("sextractor")
def test_the_program_flags_bad_pixels_of_the_measured_image(pair, tmp_path):
    deep, shallow = pair
    x, y = np.rint(deep.x[::3]).astype(int), np.rint(deep.y[::3]).astype(int)
    weight = np.ones(deep.data.shape, np.float32)
    weight[y, x] = 0.0
    for name, values in (("deep", deep.data), ("shallow", shallow), ("weight", weight),
                         ("even", np.ones_like(weight))):
        fits.writeto(tmp_path / f"{name}.fits", values)
    theirs = _program(tmp_path, "deep.fits", "shallow.fits", further=["FLAGS_WEIGHT"],
                      WEIGHT_IMAGE="even.fits,weight.fits", WEIGHT_TYPE="MAP_WEIGHT,MAP_WEIGHT",
                      DETECT_THRESH=3)
    ours = extract(shallow, detect=deep.data, weight=weight, thresh=3.0,
                   columns=("x", "y", "flag_weight"))
    row = np.hypot(theirs["X_IMAGE"][:, None] - 1 - ours["x"],
                   theirs["Y_IMAGE"][:, None] - 1 - ours["y"]).argmin(1)
    assert 0 < np.count_nonzero(theirs["FLAGS_WEIGHT"]) < len(theirs)
    assert (theirs["FLAGS_WEIGHT"] == ours["flag_weight"][row]).all()
