"""Masks, weight maps and flag images, from manifests and rules to the catalog."""

import gzip
import hashlib
import shutil
import sys

import numpy as np
import pytest
from astropy.io import fits
from conftest import LAUNCHER, command, job
from sextractor import program
from stars import match, star_field

from mr_extract import Config, extract
from mr_extract.columns.choice import SATURATED
from mr_extract.failures import ImageFailure
from mr_extract.images import Image, read_image
from mr_extract.images.companion_values import read_values
from mr_extract.images.companions import add_mask, set_flags, set_weight
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.jobs.driver.shards import write_shards
from mr_extract.text.manifest import parse_line

SHAPE = (200, 260)


def failure(function, *args):
    with pytest.raises(ImageFailure) as caught:
        function(*args)
    return caught.value.kind, caught.value.message


def write(path, *units):
    """Write arrays, or (array, EXTNAME, EXTVER), as image extensions behind a primary."""
    hdus = [fits.PrimaryHDU()]
    for unit in units:
        data, name, version = unit if isinstance(unit, tuple) else (unit, None, None)
        hdus.append(fits.ImageHDU(data, name=name, ver=version))
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three frames with their companions in the ways that surveys keep them."""
    home = tmp_path_factory.mktemp("companions")
    masks = {}
    for k in range(3):
        field = star_field(k, 3000.0, SHAPE)
        bad = np.zeros(SHAPE, np.int16)
        bad[:, 100 + k] = 4
        bad[20 + k] = 1
        weight = np.where(bad, 0.0, np.linspace(0.5, 1.0, SHAPE[1])).astype("f4")
        flags = np.full(SHAPE, 1 << k, np.int32)
        masks[k] = bad
        fits.writeto(home / f"ooi-{k}.fits", field.data)
        fits.writeto(home / f"oow-{k}.fits", weight)
        (home / f"ood-{k}.fits.gz").write_bytes(gzip.compress(_bytes(bad)))
        write(home / f"mef-{k}.fits", (field.data, "SCI", 1), (bad, "DQ", 1), (flags, "FL", 1))
    return home


def _bytes(values):
    import io

    buffer = io.BytesIO()
    fits.writeto(buffer, values)
    return buffer.getvalue()


def facts(line):
    return dict(cell.split("=", 1) for cell in line.split("\t")[2:])


def test_every_runner_finds_the_same_companions(folder):
    listed = "".join(f"ooi-{k}.fits\n" for k in range(3))
    listed += "mef-0.fits\text=1\tmask=[DQ]\tflags=[FL]\tfilter=r\n"
    listed += "mef-1.fits\text=SCI\tmask=\tweight=oow-1.fits\n"
    options = ["--mask-image", "ooi -> ood | [2]", "--weight-image", "ooi -> oow?",
               "--columns", "default,flags"]
    runs = [job("-r", runner, "-", *options, stdin=listed.encode(), cwd=folder)
            for runner in ("inline", "local")]
    assert [run.status for run in runs] == [0, 0], runs[0].err
    mapped = command([sys.executable, LAUNCHER, "--mapper", *options], listed.encode(), folder)
    ordered = b"".join(sorted(mapped.out.splitlines(keepends=True)))
    reduced = command([sys.executable, LAUNCHER, "--reducer", *options], ordered, folder)
    assert runs[0].out == runs[1].out and runs[0].body == reduced.out
    lines = {line.split("\t")[1]: facts(line) for line in runs[0].lines if line[:6] == "#image"}
    for k in range(3):
        for role, name in (("mask", f"ood-{k}.fits.gz"), ("weight", f"oow-{k}.fits")):
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            assert lines[f"ooi-{k}.fits"][f"{role}_sha256"] == digest
        assert int(lines[f"ooi-{k}.fits"]["pixels"]) == 199 * 259  # a row and a column less
    own = lines["mef-0.fits[1]"]
    assert own["mask_sha256"] == own["flags_sha256"] == own["sha256"]
    assert "weight_sha256" not in own and own["filter"] == "r" and "mask" not in own
    assert int(own["pixels"]) == 199 * 259
    without = lines["mef-1.fits[SCI]"]
    assert "mask_sha256" not in without and "weight_sha256" in without
    rows = [line.split("\t") for line in runs[0].lines if line.startswith("mef-0")]
    assert rows and {row[-2] for row in rows} == {"1"}  # imaflags_iso


def test_a_companion_that_is_not_there_is_a_failure_with_its_name(folder):
    lines = ["ooi-0.fits\tweight=nope.fits", "ooi-1.fits\tmask=mef-0.fits[WHT]",
             "ooi-2.fits\tflags=oow-2.fits", "mef-0.fits\tmask=[7]", "mef-1.fits",
             "mef-2.fits\tweight=x.fits\trms=y.fits", "ooi-0.fits\tid=a\tmask=",
             "ooi-0.fits\tid=b\tmask=ftp://host/m.fits"]
    run = job("-r", "local", "-", "--mask-image", "ooi -> ood", "--max-failures", "100%",
              stdin="\n".join(lines).encode(), cwd=folder)
    assert run.status == 0, run.err
    said = [line.split("\t")[1:] for line in run.lines if line.startswith("#error")]
    assert sorted(said) == sorted([
        ["ooi-0.fits", "fetch-not-found", "weight nope.fits: no such file"],
        ["ooi-1.fits", "no-extension",
         "mask mef-0.fits[WHT]: there is no extension 'WHT' among 4 units"],
        ["ooi-2.fits", "unsupported-pixels",
         "flags oow-2.fits: pixels of type float32 are no flags"],
        ["mef-0.fits", "no-extension", "mask [7]: there is no extension 7 among 4 units"],
        ["mef-1.fits", "fetch-not-found",
         "mask: the rule 'ooi -> ood' does not apply to the name of the image"],
        ["mef-2.fits", "malformed-line", "the fields weight and rms exclude each other"],
        ["b", "unsupported-scheme",
         "mask m.fits: no storage module reads ftp:// in this version"],
    ])


def test_shards_hold_absolute_places(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    manifest = tmp_path / "list.txt"
    manifest.write_text("ooi-0.fits\tmask=m/a.fits[DQ]\tweight=[2]\tflags=\trms=\tmjd=5\n")
    manifest.write_text("ooi-0.fits\tmask=m/a.fits[DQ]\tweight=[2]\tflags=\tmjd=5\n"
                        f"{folder}/ooi-1.fits\trms=r.fits\n")
    shard, = write_shards(read_plan([str(manifest)], None), 1, str(tmp_path / "shards"))
    with open(shard, "rb") as file:
        first, second = map(parse_line, file)
    assert first.get("mask") == f"{folder}/m/a.fits[DQ]"
    assert (first.get("weight"), first.get("flags"), first.get("mjd")) == ("[2]", "", "5")
    assert second.get("rms") == f"{folder}/r.fits"
    assert second.get("id") is None  # its path was absolute before


def chip(name=None, version=None, hdu=1):
    header = {key: value for key, value in (("EXTNAME", name), ("EXTVER", version)) if value}
    return Image(np.zeros((4, 5), np.float32), header, hdu=hdu)


def marks(number):
    return np.full((4, 5), number, np.int16)


@pytest.mark.parametrize("units, image, ext, found", [
    # The same EXTNAME, wherever it stands.
    ([(marks(1), "ccd1", None), (marks(2), "ccd2", None)], chip("ccd1", hdu=2), None, 1),
    # Without names the same number.
    ([marks(1), marks(2)], chip(hdu=2), None, 2),
    ([(marks(1), "DQ", 1), (marks(2), "DQ", 2)], chip("SCI", 2, hdu=2), None, 2),
    # Of equal names the same EXTVER.
    ([(marks(1), "DQ", 1), (marks(2), "DQ", 2)], chip("SCI", 2, hdu=4), "DQ", 2),
    # The only image of a file.
    ([marks(7)], chip("ccd9", hdu=9), None, 7),
    # What was asked for.
    ([marks(1), (marks(2), "dq", None)], chip("ccd1"), "DQ", 2),
    ([marks(1), marks(2)], chip("ccd1"), 2, 2),
])
def test_the_extension_is_that_of_the_image(tmp_path, units, image, ext, found):
    buffer = write(tmp_path / "m.fits", *units).read_bytes()
    assert (read_values(buffer, image, ext)[0] == found).all()


def test_an_extension_that_could_be_several_is_a_failure(tmp_path):
    buffer = write(tmp_path / "m.fits", marks(1), marks(2)).read_bytes()
    assert failure(read_values, buffer, chip("ccd9", hdu=9)) == (
        "no-extension", "none of 2 images is that of extension 9")


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8"])
@pytest.mark.parametrize("packed", [False, True])
def test_integers_are_read_to_the_last_bit(tmp_path, dtype, packed):
    top = min(np.iinfo(dtype).max, 2**31 - 1)
    values = np.arange(64 * 64).astype(dtype).reshape(64, 64) % 100
    values[5, 6] = top
    if packed and dtype == "i8":
        pytest.skip("tiles hold 32 bits at most")
    unit = fits.CompImageHDU(values) if packed else fits.ImageHDU(values)
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(tmp_path / "f.fits")
    image = Image(np.zeros((64, 64), np.float32), hdu=1)
    set_flags(image, read_values((tmp_path / "f.fits").read_bytes(), image)[0])
    assert image.flags.dtype == np.int32 and (image.flags == values.astype(np.int64)).all()


def test_bits_and_sense_of_a_mask():
    values = np.array([[0, 1, 2, 3, 4]], np.uint8)

    def bad(values=values, **settings):
        image = Image(np.zeros((1, 5), np.float32), mask=np.array([[True] + 4 * [False]]))
        add_mask(image, values, Config().updated(**settings).companions)
        return image.mask[0].astype(int).tolist()

    assert bad() == [1, 1, 1, 1, 1]
    assert bad(mask_bits=4) == [1, 0, 0, 0, 1]
    assert bad(mask_bits=256 + 2) == [1, 0, 1, 1, 0]
    assert bad(mask_type="good") == [1, 0, 0, 0, 0]
    assert bad(mask_type="good", mask_bits=1) == [1, 0, 1, 0, 1]
    assert bad(np.array([[0, np.nan, 0.5, 0, 1]])) == [1, 1, 1, 0, 1]
    image = Image(np.zeros((1, 5), np.float32))
    settings = Config().updated(mask_bits=2).companions
    assert failure(add_mask, image, values * 1.0, settings)[0] == "unsupported-pixels"


def test_a_companion_of_another_shape_is_a_failure():
    image, other = Image(np.zeros((4, 5), np.float32)), np.ones((5, 4), np.int16)
    expected = ("companion-mismatch", "it has 4 x 5 pixels, the image 5 x 4")
    assert failure(add_mask, image, other, Config().companions) == expected
    assert failure(set_weight, image, other, "weight") == expected
    assert failure(set_flags, image, other) == expected
    assert failure(set_weight, image, np.zeros((4, 5)), "rms") == (
        "no-valid-pixels", "no pixel is greater than 0")


def test_arrays_do_in_a_notebook_what_files_do_in_a_job(folder):
    data, weight = (fits.getdata(folder / f"{name}-0.fits") for name in ("ooi", "oow"))
    table = extract(data, weight=weight, flags=np.full(SHAPE, 5, np.uint8),
                    columns=("default", "flags"))
    run = job("-r", "inline", folder / "ooi-0.fits", "--weight-image", "ooi -> oow",
              "--columns", "default,flags")
    rows = [line.split("\t") for line in run.lines if not line.startswith("#")][1:]
    assert [float(row[2]) for row in rows] == table["x"].tolist()
    assert [float(row[13]) for row in rows] == [
        float(str(value)) for value in table[table.colnames[12]]]
    assert (table["imaflags_iso"] == 5).all() and (table["nimaflags_iso"] == table["npix"]).all()
    rms = np.sqrt(1.0 / np.where(weight > 0, weight, 1.0))
    bad = weight == 0
    same = extract(data, weight=rms * 5.0, weight_type="map_rms", mask=bad)
    assert len(same) == len(table)
    with pytest.raises(ValueError, match=r"weight of shape \(2, 2\)"):
        extract(data, weight=np.ones((2, 2)))
    with pytest.raises(ValueError, match="rules that name files"):
        extract(data, weight_image="ooi -> oow")


def test_saturated_pixels_are_told_in_the_image_as_it_came():
    field = star_field(4, np.linspace(10_000.0, 60_000.0, 20), SHAPE)
    weight = np.ones(SHAPE, np.float32)
    level = 3000.0
    table = extract(field.data, weight=weight, header={"SATURATE": level})
    rows = match(table, field.x, field.y)
    peaks = field.data[np.rint(field.y).astype(int), np.rint(field.x).astype(int)]
    saturated = (table["flag"][rows] & SATURATED) > 0
    assert 0 < saturated.sum() < len(rows)
    assert (saturated == (peaks >= level)).mean() > 0.95  # the peak may be the next pixel


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("how", ["or", "min", "max"])
def test_flags_are_those_of_the_program(tmp_path, how):
    field = star_field(5, 3000.0, (400, 400))
    rng = np.random.default_rng(5)
    flags = (rng.integers(0, 8, field.data.shape) * (rng.random(field.data.shape) < 0.1))
    flags[:, 100:140] |= 64
    weight = np.ones(field.data.shape, np.float32)
    weight[:, 195] = weight[114:116] = 0.0  # beside stars
    theirs = program(tmp_path, field.data, weight, flags.astype(np.int32), FLAG_TYPE=how.upper(),
                     WEIGHT_TYPE="MAP_WEIGHT", INTERP_TYPE="NONE",
                     columns=("X_IMAGE", "Y_IMAGE", "ISOAREAF_IMAGE", "IMAFLAGS_ISO(1)",
                              "NIMAFLAGS_ISO(1)", "FLAGS_WEIGHT"))
    ours = extract(field.data, weight=weight, flags=flags, flag_type=how, interp_maxlag=0,
                   columns=("default", "flags"))
    rows = match(ours, theirs["X_IMAGE"] - 1, theirs["Y_IMAGE"] - 1, 0.5)
    assert len(ours) == len(theirs) and (rows >= 0).all()
    assert (np.asarray(ours["flag_weight"])[rows] == theirs["FLAGS_WEIGHT"]).all()
    assert 0 < (ours["flag_weight"] > 0).sum() < len(ours)
    # Beside a bad column the program thresholds higher, and has some pixels less.
    same = np.asarray(ours["npix"])[rows] == theirs["ISOAREAF_IMAGE"]
    assert same.mean() > 0.7
    for name in ("imaflags_iso", "nimaflags_iso"):
        assert (np.asarray(ours[name])[rows] == theirs[name.upper()])[same].all()


def test_and_and_most_of_flags():
    from mr_extract.detection.segments import Segments
    from mr_extract.measure.flags import image_flags

    labels = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3]], np.int32)
    flags = np.array([[6, 0, 2, 6, 9, 0, 0, 9, -(2**31) + 1]], np.int32)
    segments = Segments(labels, 3)
    assert [a.tolist() for a in image_flags(flags, segments, "and")] == [
        [2, 0, -(2**31) + 1], [3, 0, 1]]
    assert [a.tolist() for a in image_flags(flags, segments, "most")] == [
        [6, 0, -(2**31) + 1], [2, 0, 1]]
    assert image_flags(None, segments, "or")[0].tolist() == [0, 0, 0]


@pytest.mark.needs("sextractor")
def test_decam_image_mask_and_weight(shared_data, tmp_path):
    stem = shared_data / "d/decam_case8_fz"
    for path in stem.glob("c4d*.fits.fz"):
        shutil.copy(path, tmp_path)
    image = "c4d_130105_065255_ooi_r_a1-N15.fits.fz"
    run = job("-r", "local", "-", "--mask-image", "ooi -> ood", "--weight-image", "ooi -> oow",
              "--apertures", "10", "--satur-level", "38696", stdin=image.encode(), cwd=tmp_path)
    assert run.status == 0, run.err
    head, *rows = [line.split("\t") for line in run.lines if not line.startswith("#")]
    ours = {name: np.array([row[k] for row in rows]) for k, name in enumerate(head)}
    data, weight = (fits.getdata(tmp_path / image.replace("ooi", role)) for role in ("ooi", "oow"))
    theirs = program(tmp_path, data, weight, WEIGHT_TYPE="MAP_WEIGHT", INTERP_TYPE="NONE",
                     PHOT_APERTURES=10, SATUR_LEVEL=38696,
                     columns=("X_IMAGE", "Y_IMAGE", "FLUX_APER", "FLUXERR_APER"))
    assert len(theirs) == len(rows) == 9
    x, y = ours["x"].astype(float), ours["y"].astype(float)
    nearest = np.hypot(theirs["X_IMAGE"][:, None] - 1 - x, theirs["Y_IMAGE"][:, None] - 1 - y)
    assert (nearest.min(1) < 1.0).all()
    for column in ("flux_aper", "fluxerr_aper"):
        values = ours[f"{column}_1"].astype(float)[nearest.argmin(1)]
        np.testing.assert_allclose(values, theirs[column.upper()], rtol=0.005)


def test_sdss_frame_mask(shared_data, tmp_path):
    for path in (shared_data / "a/obs_sdss").glob("fp?-005754-r3-0280.fit*"):
        shutil.copy(path, tmp_path)
    line = b"fpC-005754-r3-0280.fit.gz"
    pixels = {}
    for bits in ("0", "512", "1023"):
        run = job("-r", "inline", "-", "--mask-image", "fpC -> fpM", "--mask-bits", bits,
                  "--flag-image", "fpC -> fpM", "--columns", "flag,flags", stdin=line,
                  cwd=tmp_path)
        assert run.status == 0, run.err
        account, = (facts(text) for text in run.lines if text.startswith("#image"))
        pixels[bits] = 2048 * 1489 - int(account["pixels"])
        if bits == "0":
            rows = np.array([text.split("\t")[2:] for text in run.lines[5:]], int)
            # The survey's own detections (plane OBJECT, bit 3) are ours.
            assert (rows[:, 2] & 8 > 0).mean() > 0.9
    # Cosmic rays; they and ghosts; all planes with every object.
    assert 0 < pixels["512"] <= pixels["0"] < 0.01 * 2048 * 1489 < pixels["1023"]


def test_cfht_mask_of_36_chips_whose_ones_are_good(shared_data, tmp_path):
    packed = shared_data / "b/cfht/2004B.mask.0.36.01.fits.gz"
    buffer = gzip.decompress(packed.read_bytes())
    assert read_image(buffer, "ccd03").hdu == 4
    for number, name in ((4, "ccd03"), (36, "ccd35")):
        image = Image(np.zeros((4644, 2112), np.float32), {"EXTNAME": name}, hdu=1)
        values, _ = read_values(buffer, image)
        add_mask(image, values, Config().updated(mask_type="good").companions)
        truth = read_image(buffer, number).data == 0
        assert (image.mask == truth).all() and 0.03 < truth.mean() < 0.05


def test_every_chip_of_a_mosaic_gets_its_own_companions(tmp_path):
    chips = []
    for k in range(4):
        good = np.ones(SHAPE, np.int16)
        good[:, : 10 * k] = 0
        chips.append((f"ccd{k:02d}", star_field(k, 3000.0, SHAPE).data, good,
                      np.full(SHAPE, 1.0 + k, "f4")))
    write(tmp_path / "m.fits", *[(data, name, None) for name, data, _, _ in chips])
    # The masks in another order, the weights without names.
    write(tmp_path / "m.mask.fits", *[(good, name, None) for name, _, good, _ in chips[::-1]])
    write(tmp_path / "m.weight.fits", *[weight for *_, weight in chips])
    options = ["--extensions", "all", "--mask-image", "{stem}.mask.fits", "--mask-type", "good",
               "--weight-image", "{stem}.weight.fits"]
    runs = [job("-r", *runner, "-", *options, stdin=b"m.fits\n", cwd=tmp_path)
            for runner in (["inline"], ["local", "--jobs", "2"])]
    assert runs[0].status == 0 and runs[0].out == runs[1].out, runs[0].err
    lines = [facts(line) for line in runs[0].lines if line.startswith("#image")]
    assert [int(line["pixels"]) for line in lines] == [200 * (260 - 10 * k) for k in range(4)]
    assert len({line["mask_sha256"] for line in lines}) == 1
