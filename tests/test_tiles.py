"""The tiled catalog of an image is that of the whole: nothing doubled, nothing lost."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import ROOT, command, job
from misbehaving import Files, Misbehaving
from remote_places import impatient
from stars import add_gaussian, grid, star_field

from bench.accuracy.matching import matched
from bench.accuracy.mosaic import write_mosaic
from mr_extract import Config, extract
from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images import read_image
from mr_extract.images.region import Region
from mr_extract.jobs.beside.checkimage_files import Checks, file_name
from mr_extract.jobs.beside.regions import reader_for
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.jobs.driver.shards import shards_of
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.task.fetching import fetch_ahead
from mr_extract.jobs.task.one_line import process
from mr_extract.settings.detecting import Background
from mr_extract.text.catalog import read_catalog
from mr_extract.text.manifest import checked, parse_line
from preprocess.tiling import margins, tiles

SIZE = 2200
COLUMNS = "default,extent,x_win,y_win,ra_win"
# 1.5 times the noise of the mosaic: what differs between tiles and whole is then the mesh.
SAME_THRESHOLD = ("--thresh-type", "absolute", "--thresh", "22")


def preprocess(*args, cwd):
    return command([sys.executable, "-m", "preprocess", *args], cwd=cwd,
                   env={"PYTHONPATH": str(ROOT)})


def catalog(folder, name, *args):
    run = job("-r", "inline", "--quiet", *args, "--catalog", name, cwd=folder)
    assert run.status == 0, run.err
    return read_catalog(folder / name)


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    """A mosaic of simulated stars and galaxies, its tiles, and the whole's catalog."""
    folder = tmp_path_factory.mktemp("mosaic")
    write_mosaic(folder / "m.fits", SIZE, seed=5)
    run = preprocess("tiles", "m.fits", "--size", "768", "-o", "tiles.txt", cwd=folder)
    assert run.status == 0, run.err
    catalog(folder, "whole.tsv", "m.fits", "--columns", COLUMNS, *SAME_THRESHOLD)
    catalog(folder, "tiled.tsv", "tiles.txt", "--columns", COLUMNS, *SAME_THRESHOLD)
    return folder


def pairs_of(tiled, whole):
    """Pair two catalogs; signal to noise of either, and which of the pairs stand alone."""
    pairs = matched(tiled["x"], tiled["y"], whole["x"], whole["y"], 1.0)
    signal = [one["flux_auto"] / one["fluxerr_auto"] for one in (tiled, whole)]
    alone = (whole["flag"][pairs[1]] & 1) == 0
    return pairs, signal, alone & (signal[1][pairs[1]] > 10)


def unpaired(one, pairs):
    return np.setdiff1d(np.arange(len(one["x"])), pairs)


def test_nothing_is_doubled_and_nothing_lost(mosaic):
    tiled, whole = (read_catalog(mosaic / f"{name}.tsv").columns for name in ("tiled", "whole"))
    peaks = set(zip(tiled["xpeak"].tolist(), tiled["ypeak"].tolist()))
    assert len(peaks) == len(tiled["x"]) > 800
    (i, j), signal, _ = pairs_of(tiled, whole)
    assert len(unpaired(tiled, i)) <= 2 and len(unpaired(whole, j)) <= 2
    assert (signal[0][unpaired(tiled, i)] < 10).all() and (signal[1][unpaired(whole, j)] < 10).all()
    # Nothing beside anything that is not so in the whole as well.
    def near(one):
        apart = np.hypot(one["x"][:, None] - one["x"], one["y"][:, None] - one["y"])
        return np.count_nonzero(apart < 3.0) - len(one["x"])
    assert near(tiled) == near(whole)
    assert not (tiled["flag"] & 0x1000).any()


def test_positions_and_fluxes_are_those_of_the_whole(mosaic):
    tiled, whole = (read_catalog(mosaic / f"{name}.tsv").columns for name in ("tiled", "whole"))
    (i, j), _, good = pairs_of(tiled, whole)
    i, j = i[good], j[good]
    assert len(i) > 300
    for name, most in (("x", 1e-3), ("y", 1e-3), ("ra", 1e-7), ("dec", 1e-7), ("xpeak", 0),
                       ("ypeak", 0)):
        assert np.abs(tiled[name][i] - whole[name][j]).max() <= most, name
    for name in ("xmin", "xmax", "ymin", "ymax"):
        assert np.mean(tiled[name][i] == whole[name][j]) > 0.98
    window = np.abs(tiled["x_win"][i] - whole["x_win"][j])
    assert np.nanmedian(window) < 1e-6 and np.nanpercentile(window, 98) < 0.01
    for kind in ("auto", "aper_1", "iso"):
        apart = np.abs(tiled[f"flux_{kind}"][i] - whole[f"flux_{kind}"][j])
        apart /= whole[f"fluxerr_{kind}"][j]
        # An isophote gains or loses a pixel, the radius of a galaxy in the noise varies.
        assert np.median(apart) < 1e-4 and np.percentile(apart, 98) < 0.05, kind
    assert np.mean(tiled["flag"][i] == whole["flag"][j]) > 0.98


def test_the_sky_is_that_of_the_pixels_of_the_whole(mosaic):
    rows = read_catalog(mosaic / "tiled.tsv").columns
    header = read_image((mosaic / "m.fits").read_bytes()).header
    for x, y, ra, dec in (("x", "y", "ra", "dec"), ("x_win", "y_win", "ra_win", None)):
        sky = sky_positions(header, rows[x], rows[y])
        assert np.nanmax(np.abs(sky[0] - rows[ra])) < 1e-11
        assert dec is None or np.abs(sky[1] - rows[dec]).max() < 1e-11
    by_astropy = WCS(fits.getheader(mosaic / "m.fits")).all_pix2world(rows["x"], rows["y"], 0)
    assert np.abs(by_astropy[0] - rows["ra"]).max() < 1e-9


def test_with_thresholds_of_their_own_tiles_differ_where_the_noise_does(mosaic):
    whole = catalog(mosaic, "own-whole.tsv", "m.fits").columns
    tiled = catalog(mosaic, "own-tiled.tsv", "tiles.txt")
    noise = [float(a.values["rms"]) for a in tiled.accounts.values()]
    assert 1.005 < max(noise) / min(noise) < 1.1, "the sky of the mosaic is uneven"
    tiled = tiled.columns
    (i, j), signal, _ = pairs_of(tiled, whole)
    lost, new = unpaired(whole, j), unpaired(tiled, i)
    bright = np.count_nonzero(signal[1] > 10)
    assert np.count_nonzero(signal[1][lost] > 10) <= 0.005 * bright
    assert np.count_nonzero(signal[0][new] > 10) <= 0.005 * bright


def test_the_catalog_does_not_depend_on_the_order_of_tiles_or_the_runner(mosaic):
    lines = (mosaic / "tiles.txt").read_text().splitlines()
    (mosaic / "backwards.txt").write_text("\n".join(reversed(lines)) + "\n")
    run = job("-r", "local", "--jobs", "2", "--quiet", "backwards.txt", "--columns", COLUMNS,
              *SAME_THRESHOLD, cwd=mosaic)
    assert run.status == 0, run.err
    assert run.out == (mosaic / "tiled.tsv").read_bytes()


def rows_of(found):
    return {name: values for name, values in found.columns.items() if name != "image"}


def packed(folder, name):
    """Pack the mosaic as its name says."""
    if name.endswith(".gz"):
        with open(folder / name, "wb") as out:
            subprocess.run(["gzip", "-1nc", "m.fits"], cwd=folder, stdout=out, check=True)
        return
    with fits.open(folder / "m.fits") as units:
        fits.CompImageHDU(units[0].data, units[0].header, compression_type="RICE_1",
                          tile_shape=(100, 100)).writeto(folder / name, overwrite=True)


@pytest.mark.parametrize("how", ["fz", "gz", "written"])
def test_tiles_of_packed_files_and_written_ones_are_the_same(mosaic, how):
    source, options = "m.fits", []
    if how == "written":
        options = ["--write", "parts"]
    else:
        source = f"m.fits.{how}"
        packed(mosaic, source)
    run = preprocess("tiles", source, "--size", "768", "-o", f"{how}.txt", *options, cwd=mosaic)
    assert run.status == 0, run.err
    assert ("packed" in run.err) == (how == "gz")
    found = catalog(mosaic, f"{how}.tsv", f"{how}.txt", "--columns", COLUMNS, *SAME_THRESHOLD)
    first = read_catalog(mosaic / "tiled.tsv")
    ids = [account_id.replace(source, "m.fits") for account_id in found.accounts]
    assert ids == list(first.accounts)
    for name, values in rows_of(first).items():
        most = 1e-11 if how == "written" and name.startswith(("ra", "dec")) else 0
        assert np.nanmax(np.abs(found.columns[name] - values)) <= most, name
    sums = {a.values["sha256"] for a in found.accounts.values()}
    assert len(sums) == len(ids)
    if how == "gz":
        assert sums == {a.values["sha256"] for a in first.accounts.values()}


def test_a_written_tile_says_where_it_is(mosaic):
    run = preprocess("tiles", "m.fits", "--size", "1024", "--overlap", "100", "--write", "cards",
                     cwd=mosaic)
    assert run.status == 0, run.err
    line = parse_line(run.out.splitlines()[-1])
    assert line.uri == "cards/m-1408-1408.fits" and line.id == "m.fits[1408:2200,1408:2200]"
    assert line.origin == (1408, 1408) and line.get("tile_core") == "1536:2200,1536:2200"
    with fits.open(mosaic / line.uri) as units, fits.open(mosaic / "m.fits") as whole:
        units.verify("exception")
        assert np.array_equal(units[0].data, whole[0].data[1408:2200, 1408:2200].astype("f4"))
        header = units[0].header
        assert (header["LTV1"], header["LTV2"]) == (-1408, -1408)
        there = WCS(whole[0].header).all_pix2world(1508, 1458, 0)
        assert np.allclose(WCS(header).all_pix2world(100, 50, 0), there, rtol=0, atol=1e-10)
        assert header["GAIN"] == whole[0].header["GAIN"] and "BZERO" not in header


def on_borders(size, core, rng):
    """A frame whose stars all lie within a pixel and a half of the borders of tiles."""
    data = 100.0 + rng.normal(0.0, 5.0, (size, size))
    places = []
    for border in range(core, size, core):
        for along in range(40, size - 40, 32):
            at = border - 0.5 + rng.uniform(-1.5, 1.5)
            places += [(at, along + rng.uniform(-1, 1)), (along + rng.uniform(-1, 1), at)]
    places = [p for p in places if min(abs(p[0] - p[1]), 99) > 20] + [
        (a - 0.5, b - 0.5) for a in range(core, size, core) for b in range(core, size, core)]
    kept = []
    for x, y in places:
        if all(np.hypot(x - u, y - v) > 24 for u, v in kept):
            kept.append((x, y))
            add_gaussian(data, x, y, rng.uniform(300, 60000), 1.6)
    return data.astype(np.float32), np.array(kept)


@pytest.mark.parametrize("saturation", [None, 400.0])
def test_a_source_on_the_borders_of_cores_is_in_one_tile(tmp_path, saturation):
    data, places = on_borders(1024, 256, np.random.default_rng(8))
    if saturation:  # plateaus of equal pixels, the widest of them across four cores
        np.minimum(data, saturation, out=data)
    fits.writeto(tmp_path / "b.fits", data)
    run = preprocess("tiles", "b.fits", "--size", "256", "--overlap", "192", "-o", "b.txt",
                     cwd=tmp_path)
    assert run.status == 0 and len((tmp_path / "b.txt").read_text().splitlines()) == 16
    rows = catalog(tmp_path, "b.tsv", "b.txt", "--columns", "position,extent,flag").columns
    found = np.hypot(rows["x"][:, None] - places[:, 0], rows["y"][:, None] - places[:, 1]) < 3.0
    assert (found.sum(0) == 1).all() and len(places) > 100
    assert found.sum(1).max() == 1


def test_a_source_larger_than_the_overlap_is_found_once_and_flagged(tmp_path):
    rng = np.random.default_rng(9)
    data = 100.0 + rng.normal(0.0, 1.0, (768, 768))
    for x, y in ((240.0, 300.0), (600.0, 520.0)):
        add_gaussian(data, x, y, 4e6, 50.0)
    fits.writeto(tmp_path / "g.fits", data.astype(np.float32))
    run = preprocess("tiles", "g.fits", "--size", "256", "--overlap", "32", "--bw", "32", "--bh",
                     "32", "-o", "g.txt", cwd=tmp_path)
    assert run.status == 0, run.err
    manual = ("--back-type", "manual", "--back-value", "100", "--bw", "32", "--bh", "32",
              "--thresh-type", "absolute", "--thresh", "20", "--columns", "position,extent,flag")
    rows = catalog(tmp_path, "g.tsv", "g.txt", *manual).columns
    assert len(rows["x"]) == 2
    assert (rows["flag"] & 0x1002 == 0x1000).all(), "cut by a tile, not by the image"
    whole = catalog(tmp_path, "w.tsv", "g.fits", *manual).columns
    assert len(whole["x"]) == 2 and not (whole["flag"] & 0x1002).any()
    order = np.argsort(rows["x"])
    assert np.abs(rows["xpeak"][order] - np.sort(whole["xpeak"])).max() == 0
    flags = catalog(tmp_path, "s.tsv", "g.txt", *manual[:-1], "FLAGS", "--names", "sextractor")
    assert (flags.columns["FLAGS"] & 8 == 8).all()


def test_the_border_of_the_image_is_still_a_border(tmp_path):
    data = 100.0 + np.random.default_rng(3).normal(0.0, 5.0, (512, 512))
    add_gaussian(data, 1.0, 300.0, 9000.0, 1.6)
    fits.writeto(tmp_path / "e.fits", data.astype(np.float32))
    (tmp_path / "e.txt").write_text("e.fits\tregion=0:320,192:512\ttile_core=0:256,256:512\n")
    found = catalog(tmp_path, "e.tsv", "e.txt", "--thresh", "5", "--columns", "position,flag")
    rows = found.columns
    assert len(rows["x"]) == 1 and rows["flag"][0] & 0x1002 == 0x0002


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Stars far from each other, with all that may stand beside an image."""
    folder = tmp_path_factory.mktemp("beside")
    field = star_field(17, 4000.0, shape=(700, 640))
    rng = np.random.default_rng(18)
    header = fits.Header({
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 320.5,
        "CRPIX2": 350.5, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-4})
    fits.writeto(folder / "i.fits", field.data, header)
    weight = np.full(field.data.shape, 4.0, "f4")
    weight[:, 300:303] = 0.0
    weight[400:] = 1.0
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(weight, name="WHT", quantize_level=0.0)]
                 ).writeto(folder / "i.weight.fits")
    mask = np.zeros(field.data.shape, "u1")
    mask[rng.integers(0, 700, 50), rng.integers(0, 640, 50)] = 4
    fits.writeto(folder / "i.mask.fits", mask)
    fits.writeto(folder / "i.flags.fits", rng.integers(0, 1 << 20, field.data.shape, "i4"))
    deep = 50.0 + rng.normal(0.0, 1.0, field.data.shape)
    for x, y in zip(field.x, field.y):
        add_gaussian(deep, x, y, 3000.0, 1.5)
    fits.writeto(folder / "deep.fits", deep.astype("f4"))
    x, y = grid((700, 640), 25, rng)
    rows = [f"t{k} {a:.3f} {b:.3f}" for k, (a, b) in enumerate(zip(x, y))]
    (folder / "targets.txt").write_text("id x y\n" + "\n".join(rows) + "\n")
    ra, dec = sky_positions(header, x, y)
    rows = [f"t{k} {a!r} {b!r}" for k, (a, b) in enumerate(zip(ra.tolist(), dec.tolist()))]
    (folder / "sky.txt").write_text("id ra dec\n" + "\n".join(rows) + "\n")
    return folder


def both(folder, fields, *args):
    """Catalogs of an image whole and in tiles, in the order of y and x."""
    (folder / "whole.txt").write_text("\t".join(["i.fits", *fields]) + "\n")
    run = preprocess("tiles", "whole.txt", "--size", "256", "-o", "tiled.txt", cwd=folder)
    assert run.status == 0 and len((folder / "tiled.txt").read_text().splitlines()) == 9
    found = [catalog(folder, f"{name}.tsv", f"{name}.txt", *args) for name in ("tiled", "whole")]
    ordered = []
    for one in found:
        order = np.lexsort((np.rint(one.columns["x"]), np.rint(one.columns["y"])))
        ordered.append({name: values[order] for name, values in one.columns.items()})
    assert len(ordered[0]["x"]) == len(ordered[1]["x"]) > 100
    return (*ordered, found[0])


@pytest.mark.parametrize("fields", [
    ["weight=i.weight.fits[WHT]", "mask=i.mask.fits", "flags=i.flags.fits"],
    ["detect=deep.fits", "mask=i.mask.fits", "detect_mask=i.mask.fits"],
])
def test_what_stands_beside_an_image_is_cut_with_it(beside, fields):
    level = "8" if "detect=deep.fits" not in fields else "2"
    tiled, whole, found = both(beside, fields, "--columns", "default,flags,extent",
                               "--thresh-type", "absolute", "--thresh", level,
                               "--rescale-weights", "false")
    for name in ("xpeak", "ypeak", "imaflags_iso", "flag_weight", "flag"):
        assert np.mean(tiled[name] == whole[name]) > 0.99, name
    bright = whole["flux_auto"] > 1000
    for name in ("flux_aper_1", "flux_auto"):
        apart = np.abs(tiled[name] - whole[name]) / whole[name.replace("flux", "fluxerr")]
        assert np.percentile(apart[bright], 98) < 0.1, name
    error = tiled["fluxerr_aper_1"] / whole["fluxerr_aper_1"]
    assert np.abs(error - 1.0).max() < 0.1
    wanted = {f.split("=")[0] for f in fields}
    for account in found.accounts.values():
        there = {name.removesuffix("_sha256") for name in account.values if "_sha256" in name}
        assert there == wanted and account.values["sha256"]


@pytest.mark.parametrize("listed", ["targets.txt", "sky.txt"])
def test_every_target_is_measured_in_one_tile(beside, listed):
    tiled, whole, _ = both(beside, [], "--forced", listed)
    assert sorted(tiled["target"]) == sorted(whole["target"])
    assert len(set(tiled["target"])) == len(tiled["target"])
    order = [np.argsort(one["target"]) for one in (tiled, whole)]
    tiled, whole = ({k: v[o] for k, v in one.items()} for one, o in zip((tiled, whole), order))
    for name in ("x", "y"):
        assert np.abs(tiled[name] - whole[name]).max() < 1e-6
    assert np.abs(tiled["ra"] - whole["ra"]).max() < 1e-9
    apart = np.abs(tiled["flux_aper_1"] - whole["flux_aper_1"]) / whole["fluxerr_aper_1"]
    assert apart.max() < 0.05


@pytest.mark.parametrize("listed", ["targets.txt", "sky.txt"])
def test_lists_are_matched_in_pixels_of_the_whole(beside, listed):
    tiled, whole, _ = both(beside, [], "--assoc", listed, "--assoc-radius", "12",
                           "--thresh-type", "absolute", "--thresh", "8",
                           "--columns", "position,assoc")
    assert np.array_equal(tiled["assoc_id"], whole["assoc_id"])
    assert np.abs(tiled["assoc_distance"] - whole["assoc_distance"]).max() < 1e-2


def test_a_companion_of_another_size_is_refused_also_where_the_region_would_fit(beside):
    fits.writeto(beside / "small.fits", np.ones((640, 640), "u1"), overwrite=True)
    line = checked("i.fits", [("region", "0:100,0:100"), ("mask", "small.fits")])
    outcome = process_in(beside, line)
    assert outcome.kind == "companion-mismatch" and b"640 x 640 pixels" in outcome.block


def process_in(folder, entry, **settings):
    fields = tuple((k, str(folder / v) if k in ("mask", "weight") else v) for k, v in entry.fields)
    return process(checked(str(folder / entry.uri), fields), WORK, Config().updated(**settings))


def test_a_cut_out_of_ones_own(beside):
    rows = catalog(beside, "c.tsv", "i.fits[100:420,200:500]", "--columns", "position,sky")
    assert list(rows.accounts) == ["i.fits[100:420,200:500]"]
    account = rows.accounts["i.fits[100:420,200:500]"]
    assert (account.values["width"], account.values["height"]) == ("320", "300")
    x, y = rows.columns["x"], rows.columns["y"]
    assert ((x > 99) & (x < 420) & (y > 199) & (y < 500)).all() and len(x) > 10
    header = fits.getheader(beside / "i.fits")
    assert np.abs(sky_positions(header, x, y)[0] - rows.columns["ra"]).max() < 1e-11


@pytest.mark.parametrize("field, kind, said", [
    ("region=0:641,0:10", "bad-region", "0:641,0:10 is not within the image of 640 x 700"),
    ("region=0:10,690:701", "bad-region", "not within"),
    ("region=10:10,0:5", "malformed-line", "holds no pixel"),
    ("region=10:5,0:5", "malformed-line", "holds no pixel"),
    ("region=1:5", "malformed-line", "x0:x1,y0:y1"),
    ("region=-1:5,0:5", "malformed-line", "x0:x1,y0:y1"),
    ("region=0:300,0:300\ttile_core=0:301,0:5", "malformed-line", "not within the region"),
    ("tile_core=0:641,0:5", "bad-region", "tile_core"),
    ("tile_core=all", "malformed-line", "the field tile_core"),
    ("tile_origin=5", "malformed-line", "x,y"),
    ("tile_origin=5,5\tregion=0:300,0:300", "malformed-line", "exclude each other"),
    ("ext=0:5,0:5", "malformed-line", "region= takes it"),
    ("ext=3\tregion=0:300,0:300", "no-extension", "no extension 3"),
    ("regions=0:300,0:300", "malformed-line", "is region meant?"),
])
def test_a_bad_region_is_a_failure_with_a_name(beside, field, kind, said):
    run = job("-r", "inline", "--quiet", "-", "--max-failures", "1", cwd=beside,
              stdin=f"i.fits\t{field}\n".encode())
    errors = [line.split("\t") for line in run.lines if line.startswith("#error")]
    assert len(errors) == 1 and errors[0][2] == kind and said in errors[0][3]


def test_ids_hold_extension_and_region_and_are_read_back():
    line = parse_line(b"m.fits\text=SCI\tregion=0:5,3:9")
    assert line.id == "m.fits[SCI][0:5,3:9]" and line.region == Region(0, 5, 3, 9)
    again = checked(line.id)
    assert (again.uri, again.ext, again.region) == ("m.fits", "SCI", line.region)
    assert again.id == line.id and again.meaning[1] == line.meaning[1]
    assert checked("m.fits[2]").region is None and checked("m.fits[0:5,3:9]").ext is None
    assert checked("m.fits[/CCD[0-9]+/][0:5,3:9]").ext == "/CCD[0-9]+/"
    assert parse_line(b"m.fits\tid=x\tregion=0:5,3:9").id == "x"
    assert not parse_line(b"m.fits\tregion=0:5,3:9\ttile_core=0:5,3:9").carried
    assert not parse_line(b"m.fits\tscore=3\toriginal=a.fits").problem, "fields of one's own"


def test_a_notebook_is_told_that_regions_are_for_manifests(beside):
    with pytest.raises(ValueError, match="slice of the array"):
        extract(f"{beside / 'i.fits'}[0:300,0:300]")


def test_a_check_image_of_a_tile_lies_where_the_tile_does(beside, tmp_path):
    entry = checked(str(beside / "i.fits"), [("region", "128:448,64:400")])
    outcome = process(entry, WORK, Config(), None,
                      Checks(("-background",), str(tmp_path)).as_told())
    assert not outcome.kind, outcome.block
    with fits.open(tmp_path / file_name(entry.id, "-background")) as units:
        header = units[1].header
        assert units[1].data.shape == (336, 320)
        assert (header["LTV1"], header["LTV2"]) == (-128, -64)
        whole = WCS(fits.getheader(beside / "i.fits")).all_pix2world(128 + 7, 64 + 9, 0)
        assert np.allclose(WCS(header).all_pix2world(7, 9, 0), whole, rtol=0, atol=1e-10)


@pytest.fixture
def server(mosaic, monkeypatch):
    """A web server that has the mosaic, plain, compressed in tiles and packed."""
    names = ("m.fits", "m.fits.fz", "m.fits.gz")
    for name in names[1:]:
        if not (mosaic / name).exists():
            packed(mosaic, name)
    files = {f"/{name}": (mosaic / name).read_bytes() for name in names}
    impatient(monkeypatch, fetch_timeout=20.0)
    with Misbehaving(Files(files)) as server:
        yield server


@pytest.mark.parametrize("name", ["m.fits", "m.fits.fz", "m.fits.gz"])
def test_of_a_remote_file_ranges_are_read_and_the_catalog_is_the_same(mosaic, server, name):
    fields = [("region", "700:1500,600:1400"), ("tile_core", "800:1400,700:1300"), ("id", "one")]
    here = process(checked(str(mosaic / name), fields), WORK, Config())
    assert not server.requests
    there = process(checked(f"{server.url}/{name}", fields), WORK, Config())
    assert not there.kind and there.block == here.block
    ranges = [request.headers.get("range") for request in server.requests]
    assert all(ranges)
    if name == "m.fits":
        # Rows come together, with what lies between them; a few requests for headers.
        assert len(ranges) < 8
        assert sum(server.sent.values()) < 1.1 * 800 * SIZE * 2 + 6 * 65536
        assert here.size == 800 * 800 * 2
    if name == "m.fits.fz":
        assert len(ranges) < 40 and sum(server.sent.values()) < 0.6 * len_of(mosaic / name)


def len_of(path):
    return path.stat().st_size


def test_the_files_of_regions_are_not_fetched_whole(server):
    entry = checked(f"{server.url}/m.fits", [("region", "700:1500,600:1400")])
    assert list(fetch_ahead([entry])) == [(entry, {})] and not server.requests


def test_an_image_that_changes_while_its_tile_is_read_is_a_failure(server):
    read, _ = reader_for(f"{server.url}/m.fits")
    assert len(read(0, 2880)) == 2880
    server.origin.files["/m.fits"] = server.origin.files["/m.fits"][:-2880]
    with pytest.raises(ImageFailure, match="fetch-changed"):
        read(1 << 20, 2880)


@pytest.mark.parametrize("shape", [(3000, 2000), (64, 5000), (4096, 4096), (4097, 4160)])
@pytest.mark.parametrize("size", [(1024, 1024), (4096, 512), (700, 700)])
def test_every_pixel_is_in_one_core_and_meshes_are_those_of_the_whole(shape, size):
    cell, margin = (64, 32), (128, 96)
    covered = np.zeros(shape, np.int8)
    for region, core in tiles(shape, size, margin, cell):
        covered[core.slices] += 1
        assert core.within(region) and region.within(Region(0, shape[1], 0, shape[0]))
        assert core.x1 - core.x0 <= size[0] and core.y1 - core.y0 <= size[1]
        assert region.x0 % 64 == 0 and region.y0 % 32 == 0
        assert region.x1 % 64 == 0 or region.x1 == shape[1]
        assert region.y1 % 32 == 0 or region.y1 == shape[0]
        assert core.x0 - region.x0 in (128, core.x0)
        assert region.x1 - core.x1 in (128, shape[1] - core.x1)
    assert (covered == 1).all()


def test_the_overlap_follows_the_mesh():
    assert margins(Background(), 128) == (256, 256)
    assert margins(Background(bw=128, bh=32, fw=5, fh=1), 100) == (640, 128)


def test_shards_share_the_tiles_of_one_image_by_their_bytes(mosaic):
    plan = read_plan([str(mosaic / "tiles.txt")], None)
    shards = list(shards_of(plan, 3))
    loads = [sum(int(e.get("bytes")) for e in shard) for shard in shards]
    assert sum(map(len, shards)) == 9 and min(map(len, shards)) == 3
    assert max(loads) < 1.1 * sum(loads) / 3


def test_smaller_images_keep_their_lines(beside):
    (beside / "mixed.txt").write_text(
        "deep.fits\tfilter=r\tbytes=9\ni.fits\tmask=i.mask.fits\tid=field\nnone.fits\n")
    run = preprocess("tiles", "mixed.txt", "--size", "700x512", cwd=beside)
    assert run.status == 0
    lines = run.out.decode().splitlines()
    assert lines[0].startswith("deep.fits\tfilter=r\tbytes=") and "region=0:640,0:640" in lines[0]
    assert lines[2].split("\t")[1:3] == ["mask=i.mask.fits", "id=field[0:640,0:640]"]
    assert lines[-1] == "none.fits" and "none.fits: no such file" in run.err
    run = preprocess("tiles", "i.fits", "deep.fits", cwd=beside)
    assert run.out == b"i.fits\ndeep.fits\n" and "2 images whole" in run.err


def test_check_knows_regions(mosaic):
    lines = (mosaic / "tiles.txt").read_text()
    (mosaic / "wrong.txt").write_text(lines + "m.fits\tregion=0:2201,0:9\n")
    for name in ("tiles.txt", "wrong.txt"):
        run = preprocess("check", name, "--headers", cwd=mosaic)
        text = run.out.decode() + run.err
        assert ("bad-region" in text) == (run.status != 0) == (name == "wrong.txt"), text


@pytest.mark.parametrize("args, said", [
    (["--size", "63"], "a tile must hold a cell of 64 x 64"), (["--size", "x"], "--size"),
    (["--overlap", "-1"], "--overlap"), (["--overlap", "some"], "--overlap"),
    (["--largest", "0"], "--largest"), (["--bw", "0"], "bw"),
    (["--extensions", "some"], "none of first"),
])
def test_a_bad_option_is_a_line_and_status_2(beside, args, said):
    run = preprocess("tiles", "i.fits", *args, cwd=beside)
    assert run.status == 2 and said in run.err and len(run.err.splitlines()) == 1


def test_what_cannot_be_written_out_is_refused(beside):
    (beside / "w.txt").write_text("i.fits\tmask=i.mask.fits\n")
    run = preprocess("tiles", "w.txt", "--size", "256", "--write", "w", cwd=beside)
    assert run.status == 2 and "mask=" in run.err
    run = preprocess("tiles", "i.fits[0:300,0:300]", "--size", "256", cwd=beside)
    assert run.status == 2 and "part already" in run.err


def test_help_has_an_example(tmp_path):
    run = preprocess("tiles", "--help", cwd=tmp_path)
    assert run.status == 0 and b"python -m preprocess tiles mosaic.fits" in run.out
