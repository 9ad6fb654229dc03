"""A plane of a cube is measured as the image that it is alone, from no more than its bytes."""

import gzip
import io
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import ROOT, command, job
from misbehaving import Files, Misbehaving
from pages import examples_of, read_page, shell_in
from remote_places import impatient
from stars import star_field

from mr_extract import extract, storage
from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.images import read_image
from mr_extract.images.cubes import parse_planes, planes_of
from mr_extract.images.region import Region
from mr_extract.images.section import Section
from mr_extract.images.units import list_units, reader_of
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.skeleton.expansion import expanded
from mr_extract.jobs.task.fetching import fetch_ahead
from mr_extract.jobs.task.one_line import process
from mr_extract.settings.config import Config
from mr_extract.text.manifest import checked, parse_line

SHAPE = (2, 3, 120, 160)  # of Stokes and frequency
CELESTIAL = {"CTYPE1": "RA---SIN", "CRVAL1": 150.0, "CRPIX1": 80.0, "CDELT1": -1e-3,
             "CTYPE2": "DEC--SIN", "CRVAL2": 20.0, "CRPIX2": 60.0, "CDELT2": 1e-3,
             "RADESYS": "ICRS"}
FURTHER = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0, "CDELT3": 1e6, "CUNIT3": "Hz",
           "CTYPE4": "STOKES", "CRVAL4": 1.0, "CRPIX4": 1.0, "CDELT4": 1.0}
PLANES = [(3, 2), (1, 1), (2, 1)]
COLUMNS = ("--columns", "default")


def planes_in(shape=SHAPE, seed=0):
    cube = np.empty(shape, np.float32)
    for k, index in enumerate(np.ndindex(shape[:-2])):
        cube[index] = star_field(seed + k, 3000.0, shape[-2:]).data
    return cube


CUBE = planes_in()


def content(*units):
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


def cube_file(values=CUBE, cards=FURTHER):
    return content(fits.PrimaryHDU(values, fits.Header({**CELESTIAL, **cards})))


def slice_of(plane):
    return CUBE[tuple(n - 1 for n in reversed(plane))]


def files():
    for kind in ("u1", "i2", "i4", "f4", "f8"):
        yield f"plain {kind}", cube_file(np.clip(CUBE, 0, 250).astype(kind)), None
    scaled = fits.ImageHDU(CUBE.copy(), name="SCI")
    scaled.scale("int16", bscale=0.5, bzero=900.0)
    yield "scaled, in an extension", content(fits.PrimaryHDU(), scaled), "SCI"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tile in ((1, 1, 1, 160), (1, 1, 32, 40), (1, 2, 32, 40), (2, 3, 40, 160)):
            if len(tile) == 4 and tile[0] * tile[1] > 1:
                how = {"compression_type": "GZIP_2", "quantize_level": 0.0}
            else:
                how = {"compression_type": "RICE_1", "quantize_method": 1, "dither_seed": 7}
            unit = fits.CompImageHDU(CUBE, tile_shape=tile, **how)
            yield f"tiles of {tile}", content(fits.PrimaryHDU(), unit), None
        yield "tiles of integers", content(fits.PrimaryHDU(), fits.CompImageHDU(
            CUBE.astype("i2"), compression_type="RICE_1", tile_shape=(1, 1, 30, 50))), 1


FILES = [pytest.param(*one[1:], id=one[0]) for one in files()]


@pytest.mark.parametrize("buffer, ext", FILES)
def test_the_pixels_of_a_plane_are_astropys(buffer, ext):
    with fits.open(io.BytesIO(buffer)) as units:
        whole = units[ext or (0 if units[0].data is not None else 1)].data
    for plane in PLANES:
        expected = whole[tuple(n - 1 for n in reversed(plane))].astype(np.float32)
        for region in (None, Region(13, 78, 21, 90)):
            image = Section(reader_of(buffer), region, plane=plane).image(ext)
            have = expected if region is None else expected[region.slices]
            assert image.data.flags.c_contiguous and np.array_equal(image.data, have)
            assert image.plane == plane and image.cube == (3, 2)


def test_planes_of_a_packed_file_in_turn_need_no_way_back(folder, monkeypatch):
    packed, taken = gzip.compress(cube_file() + b"tail"), []
    (folder / "tail.fits.gz").write_bytes(packed)

    def read_range(uri, offset, size, *more):
        data, version = storage_read(uri, offset, size, *more)
        taken.append(len(data))
        return data, version

    storage_read = storage.read_range
    monkeypatch.setattr(storage, "read_range", read_range)
    entries = list(expanded([parse_line(b"tail.fits.gz\tplane=all")]))
    taken.clear()
    outcomes = [process(entry, WORK, Config()) for entry in entries]
    assert not any(outcome.kind for outcome in outcomes)
    assert len(entries) == 6 and len(packed) < sum(taken) < 3 * len(packed)
    again = [process(entry, WORK, Config()) for entry in reversed(entries)]
    assert [one.block for one in outcomes] == [one.block for one in reversed(again)]
    assert all(b"trailing-bytes" in one.block for one in outcomes), "whatever was read before"


def test_of_a_file_no_more_is_read_than_the_plane(tmp_path):
    buffer, asked = cube_file(), []

    def read(offset, size):
        asked.append(size)
        return buffer[offset : offset + size]

    section = Section(read, plane=(3, 2))
    section.image()
    plane = 4 * 120 * 160
    assert section.size == plane and sum(asked) < plane + 8 * 2880
    tiled = next(one.values[0] for one in FILES if "(1, 1, 1, 160)" in one.id)
    section = Section(reader_of(tiled), plane=(2, 1))
    section.image()
    assert section.size < len(tiled) / 3


def test_an_odd_header_comes_to_the_same():
    odd = cube_file().replace(b"EXTEND  =                    T",
                              b"PCOUNT  =                  0.0", 1)
    image = Section(reader_of(odd), plane=(3, 2)).image()
    assert np.array_equal(image.data, slice_of((3, 2))) and image.cube == (3, 2)


@pytest.mark.parametrize("cards", [
    {}, {"CUNIT3": "of nothing"}, {"CDELT3": 0.0}, {"PC3_1": 0.3}, {"CROTA2": 30.0},
    {"CTYPE3": "VELO-LSR", "CUNIT3": "m/s", "RESTFRQ": 1.42e9}, {"CTYPE3": "FELO-HEL"},
    {"CTYPE3": "WAVE-TAB", "PS3_0": "TABLE", "PS3_1": "wavelength", "PV3_3": 1},
    {"PC1_1": 0.9, "PC1_2": 0.2, "PC2_1": -0.2, "PC2_2": 0.9},
    {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2,
     "A_2_0": 1e-5, "B_1_1": 2e-5},
], ids=lambda cards: " ".join(cards) or "plain")
def test_positions_are_those_of_the_celestial_axes_alone(cards):
    x, y = np.meshgrid(np.arange(0.0, 160, 13), np.arange(0.0, 120, 11))
    image = Section(reader_of(cube_file(cards={**FURTHER, **cards})), plane=(2, 1)).image()
    found = sky_positions(image.header, x.ravel(), y.ravel())
    own = {**CELESTIAL, **{key: value for key, value in cards.items() if "3" not in key}}
    expected = WCS(fits.Header(own)).all_pix2world(x.ravel(), y.ravel(), 0)
    assert max(np.abs(a - b).max() for a, b in zip(found, expected)) < 1e-9
    if not cards:
        expected = WCS(fits.Header({**CELESTIAL, **FURTHER})).celestial.all_pix2world(
            x.ravel(), y.ravel(), 0)
        assert max(np.abs(a - b).max() for a, b in zip(found, expected)) < 1e-9


@pytest.mark.parametrize("cards, said", [
    ({"PC1_3": 0.1}, "depend on a further axis (PC1_3"), ({"CD2_4": 1e-5, "CD1_1": 1e-3},
                                                          "depend on a further axis (CD2_4"),
    ({"CTYPE1": "FREQ", "CUNIT1": "Hz", "CTYPE3": "RA---SIN", "CUNIT3": "deg"},
     "the first two axes are not longitude and latitude"),
])
def test_other_coordinates_are_refused_by_name(cards, said):
    image = Section(reader_of(cube_file(cards={**FURTHER, **cards})), plane=(2, 1)).image()
    with pytest.raises(ImageFailure, match="broken-wcs") as failure:
        sky_positions(image.header, np.zeros(1), np.zeros(1))
    assert said in failure.value.message


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.fits").write_bytes(cube_file())
    (tmp_path / "c.fits.gz").write_bytes(gzip.compress(cube_file()))
    for plane in PLANES:
        name = "s-" + "-".join(map(str, plane)) + ".fits"
        (tmp_path / name).write_bytes(cube_file(slice_of(plane), {}))
    return tmp_path


def rows_of(run):
    """Return the cells of each row but its id, by id."""
    found = {}
    for line in run.lines:
        if not line.startswith(("#", "image\t")):
            name, _, cells = line.partition("\t")
            found.setdefault(name, []).append(cells)
    return found


def test_each_plane_is_an_entry_whose_rows_are_those_of_its_slice(folder):
    lines = "c.fits\tplane=1:2,1\tfilter=r\nc.fits.gz\tid=night\tplane=all\n"
    (folder / "l.txt").write_text(lines)
    alone = rows_of(job("-r", "inline", *[f"s-{a}-{b}.fits" for a, b in PLANES], *COLUMNS))
    runs = [job("-r", runner, "l.txt", *COLUMNS) for runner in ("inline", "local")]
    mapped = job("--mapper", *COLUMNS, stdin=lines.encode())
    bare = job("--reducer", stdin=command(["sort"], stdin=mapped.out,
                                          env={"LC_ALL": "C"}).out)
    assert runs[0].status == 0, runs[0].err
    assert runs[0].out == runs[1].out and runs[0].body == bare.out
    every = [f"night[plane={a},{b}]" for b in (1, 2) for a in (1, 2, 3)]
    assert sorted(runs[0].accounts()) == ["c.fits[plane=1,1]", "c.fits[plane=2,1]", *sorted(every)]
    have = rows_of(runs[0])
    for a, b in PLANES:
        assert len(alone[f"s-{a}-{b}.fits"]) > 5
        assert have[f"night[plane={a},{b}]"] == alone[f"s-{a}-{b}.fits"]
    assert have["c.fits[plane=2,1]"] == alone["s-2-1.fits"]
    account = next(line for line in runs[0].lines if line.startswith("#image\tc.fits[plane=2,1]"))
    assert "\tplane=2,1\t" in account and "\tfilter=r" in account


def ids(line, planes=None, extensions="first"):
    return [(e.id, e.kind if e.problem else "")
            for e in expanded([parse_line(line.encode())], extensions, planes=planes)]


def test_ways_to_say_which(folder):
    first = [(f"c.fits[plane={n},1]", "") for n in (1, 2, 3)]
    assert ids("c.fits[plane=all,1]") == ids("c.fits", "all,1") == ids("c.fits", "1:3,1") == first
    assert ids("c.fits\tplane=3,2", "all") == ids("c.fits", "3,2") == [("c.fits[plane=3,2]", "")]
    assert len(ids("c.fits", "all")) == 6
    assert ids("s-3-2.fits", "all") == [("s-3-2.fits", "")], "of two axes there is one plane"
    assert ids("c.fits", "1:2,1", "all") == [("c.fits[0][plane=1,1]", ""),
                                             ("c.fits[0][plane=2,1]", "")]
    assert ids("c.fits[plane=2:4,1]") == [("c.fits[plane=2:4,1]", "no-plane")]
    assert ids("c.fits[plane=1:2]") == [("c.fits[plane=1:2]", "no-plane")]
    entry = checked("c.fits[0][plane=3,1][0:5,3:9]")
    assert (entry.ext, entry.plane, entry.region) == (0, (3, 1), Region(0, 5, 3, 9))
    assert entry.id == "c.fits[0][plane=3,1][0:5,3:9]"
    assert checked("c.fits[3]").plane is None
    sizes = [e.get("bytes") for e in expanded([parse_line(b"c.fits\tplane=all,2\tbytes=465120")])]
    assert set(sizes) == {str((len(cube_file()) - 2880) // 6)}


def test_numbers_are_written_for_the_axes_that_are_there():
    assert planes_of((1, 4, 9, 9), "all") == [(1,), (2,), (3,), (4,)]
    assert planes_of((4, 1, 9, 9), "all") == [(1, n) for n in (1, 2, 3, 4)]
    assert planes_of((1, 1, 9, 9), "all") == [(1,)] and planes_of((9, 9), "all") == [()]
    assert planes_of((1, 4, 9, 9), "2:3,1,1") == [(2, 1, 1), (3, 1, 1)]
    for text in ("0", "", "3:", "5:2", "a", "1,,2", "*", "-1", "1.0"):
        with pytest.raises(ValueError):
            parse_planes(text)


@pytest.mark.parametrize("line, kind, said", [
    ("c.fits", "not-two-dimensional", "several planes: 160 x 120 x 3 x 2; plane= or --plane"),
    ("c.fits[plane=4,1]", "no-plane", "there is no plane 4,1 in an image of 160 x 120 x 3 x 2"),
    ("c.fits[plane=2]", "no-plane", "does not say which along NAXIS4"),
    ("c.fits[plane=1,1,2]", "no-plane", "there is no plane 1,1,2"),
    ("s-3-2.fits[plane=2]", "no-plane", "there is no plane 2"),
    ("c.fits\tplane=0", "malformed-line", "the field plane: '0' is not of the form"),
    ("c.fits\tplanes=1", "malformed-line", "is plane meant?"),
    ("c.fits[plane=2,1][0:161,0:9]", "bad-region", "not within the image"),
    ("c.fits[plane=2,1]\tmask=m5.fits", "companion-mismatch", "it has 5 planes, the image 3 x 2"),
    ("c.fits[plane=2,1]\tmask=small.fits", "companion-mismatch", "pixels"),
])
def test_what_is_not_there_is_a_failure_with_a_name(folder, line, kind, said):
    (folder / "m5.fits").write_bytes(cube_file(np.zeros((5, 120, 160), "i2"), {}))
    (folder / "small.fits").write_bytes(cube_file(np.zeros((3, 120, 161), "i2"), {}))
    outcome = process(next(expanded([parse_line(line.encode())])), WORK, Config())
    assert outcome.kind == kind and said in outcome.block.decode()


def test_a_cube_with_one_plane_is_an_image_as_before(folder):
    (folder / "one.fits").write_bytes(cube_file(slice_of((3, 2))[None, None]))
    run = job("-r", "inline", "one.fits", "one.fits[plane=1]", "s-3-2.fits", *COLUMNS)
    assert run.status == 0, run.err
    rows = rows_of(run)
    assert rows["one.fits"] == rows["one.fits[plane=1]"] == rows["s-3-2.fits"]


def test_a_bad_option_is_a_line_and_status_2(folder):
    for program in (job, lambda *args: preprocess("tiles", *args)):
        run = program("--plane", "0", "c.fits")
        assert run.status == 2 and "--plane" in run.err and len(run.err.splitlines()) == 1


@pytest.mark.parametrize("form", ["plain", "tiled"])
@pytest.mark.parametrize("region", ["", "\tregion=0:130,10:110"])
def test_companions_serve_every_plane_or_give_their_own(folder, form, region):
    masks = np.zeros(SHAPE, np.int16)
    for k, index in enumerate(np.ndindex(SHAPE[:2])):
        masks[index][: 10 + 10 * k] = 1  # rows that count for nothing
    cube, flat = (fits.ImageHDU if form == "plain" else fits.CompImageHDU)(masks), masks[1, 1]
    (folder / "masks.fits").write_bytes(content(fits.PrimaryHDU(), cube))
    (folder / "mask.fits").write_bytes(content(fits.PrimaryHDU(flat)))
    weights = np.where(masks == 0, np.float32(1.0), np.float32(0.0))
    (folder / "w.fits").write_bytes(content(fits.PrimaryHDU(weights)))
    both = content(fits.PrimaryHDU(), fits.ImageHDU(CUBE, name="SCI"),
                   fits.ImageHDU(masks, name="DQ"))
    (folder / "both.fits").write_bytes(both)
    height = 100 if region else 120
    width, first = (130, 10) if region else (160, 0)
    for line, rows in (("c.fits[plane=2,1]{}\tmask=masks.fits", 20),
                       ("c.fits[plane=3,2]{}\tmask=masks.fits", 60),
                       ("c.fits[plane=3,1]{}\tweight=w.fits", 30),
                       ("both.fits[SCI][plane=1,2]{}\tmask=[DQ]", 40),
                       ("c.fits[plane=3,1]{}\tmask=mask.fits", 50)):
        entry = parse_line(line.format(region).encode())
        outcome = process(entry, WORK, Config())
        assert not outcome.kind, outcome.block
        assert f"\tpixels={(height - rows + first) * width}\t" in outcome.block.decode()


def test_a_detection_image_may_be_a_cube_or_an_image(folder):
    (folder / "d.fits").write_bytes(cube_file(CUBE[::-1, ::-1].copy()))
    (folder / "l.txt").write_text(
        "c.fits[plane=2,1]\tdetect=d.fits\tid=a\nc.fits[plane=3,2]\tdetect=s-1-1.fits\tid=b\n"
        "s-2-1.fits\tdetect=plane.fits\tid=c\ns-3-2.fits\tdetect=s-1-1.fits\tid=d\n")
    (folder / "plane.fits").write_bytes(cube_file(CUBE[::-1, ::-1][0, 1].copy(), {}))
    run = job("-r", "inline", "l.txt", *COLUMNS)
    assert run.status == 0, run.err
    rows = rows_of(run)
    assert rows["a"] == rows["c"] and rows["b"] == rows["d"]


def preprocess(*args):
    return command([sys.executable, "-m", "preprocess", *args], env={"PYTHONPATH": str(ROOT)})


def test_manifests_and_tiles_know_planes(folder):
    run = preprocess("manifest", "c.fits", "--plane", "all,2", "--header", "CTYPE3=kind")
    size = (len(cube_file()) - 2880) // 6
    assert run.lines == [f"c.fits\tplane={n},2\tkind=FREQ\tbytes={size}" for n in (1, 2, 3)]
    (folder / "l.txt").write_bytes(run.out + b"c.fits\tplane=9,2\n")
    run = preprocess("check", "l.txt", "--headers")
    assert run.status == 1 and [line.split("\t")[1] for line in run.lines] == ["no-plane"]
    mesh = ("--bw", "16", "--bh", "16")
    size = ("--size", "96", "--largest", "16", *mesh)
    rows = []
    for source in ("c.fits[plane=3,2]", "s-3-2.fits"):
        for name, more in (("t.txt", ()), ("w.txt", ("--write", "parts"))):
            run = preprocess("tiles", source, *size, *more, "-o", name)
            assert run.status == 0, run.err
            assert "4 tiles of 1 image" in run.err
        for name in ("t.txt", "w.txt"):
            run = job("-r", "inline", name, *COLUMNS, *mesh)
            assert run.status == 0, run.err
            rows.append({key.rpartition("[")[2]: cells for key, cells in rows_of(run).items()})
    assert rows[0] == rows[1] == rows[2] == rows[3] and sum(map(len, rows[0].values())) > 5


def test_what_remains_of_a_cube_is_listed_and_merged(folder):
    (folder / "l.txt").write_text("c.fits\nlost.fits\nc.fits.gz\tplane=2,1\n")
    options = ("--plane", "all", "--max-failures", "9", "--quiet")
    job("-r", "inline", "l.txt", *options, "--catalog", "a.tsv")
    text = (folder / "a.tsv").read_text()
    assert len([line for line in text.splitlines() if line.startswith("#image\tc.fits[")]) == 6
    assert preprocess("remaining", "l.txt", "a.tsv", "--plane", "all").out == b""
    cut = text[: text.index("#image\tc.fits[plane=3,1]")]
    (folder / "cut.tsv").write_text(cut)
    rest = preprocess("remaining", "l.txt", "cut.tsv", "--plane", "all")
    assert rest.lines == ["c.fits", "lost.fits"]
    failed = preprocess("remaining", "l.txt", "a.tsv", "--failed", "--plane", "all")
    assert failed.lines == ["lost.fits"]
    (folder / "lost.fits").write_bytes(cube_file())
    (folder / "failed.txt").write_bytes(failed.out)
    job("-r", "inline", "failed.txt", *options, "--catalog", "b.tsv")
    job("-r", "inline", "l.txt", *options, "--catalog", "all.tsv")
    run = preprocess("merge", "a.tsv", "b.tsv", "--plane", "all", "-o", "m.tsv")
    assert run.status == 0, run.err
    assert (folder / "m.tsv").read_bytes() == (folder / "all.tsv").read_bytes()
    # The failure of the line stands among its planes, or behind them.
    (folder / "lost.fits").unlink()
    (folder / "l.txt").write_text("lost.fits\tplane=2:3,1\nlost.fits\tplane=all,2\n")
    job("-r", "inline", "l.txt", *options[2:], "--catalog", "a.tsv")
    (folder / "lost.fits").write_bytes(cube_file())
    job("-r", "inline", "l.txt", *options[2:], "--catalog", "b.tsv")
    run = preprocess("merge", "a.tsv", "b.tsv", "-o", "m.tsv")
    assert (folder / "m.tsv").read_bytes() == (folder / "b.tsv").read_bytes(), run.err


def test_packed_cubes_give_the_same_catalog(folder):
    (folder / "masks.fits").write_bytes(content(fits.PrimaryHDU((CUBE > 5e4).astype("i2"))))
    (folder / "l.txt").write_text("c.fits\tmask=masks.fits\nc.fits.gz\n")
    meant = ("--plane", "all,2")
    assert preprocess("pack", "l.txt", "-o", "packed", *meant, "--jobs", "1").status == 0
    plain = job("-r", "inline", "l.txt", *meant)
    packed = job("-r", "inline", "--packed", "packed", *meant)
    assert packed.status == 0 and packed.out == plain.out, packed.err
    run = job("-r", "inline", "--packed", "packed")
    assert run.status == 2 and "--extensions first --plane all,2" in run.err


def test_the_quality_log_has_a_row_for_each_plane(folder):
    words, env = [sys.executable, "-m", "mr_extract.jobs.quality"], {"PYTHONPATH": str(ROOT)}
    run = command([*words, "c.fits", "--plane", "all,1"], env=env)
    alone = command([*words, "s-2-1.fits"], env=env)
    assert run.status == 0 and len(rows_of(run)) == 3, run.err
    assert rows_of(run)["c.fits[plane=2,1]"] == rows_of(alone)["s-2-1.fits"]


@pytest.mark.parametrize("name", ["c.fits", "c.fits.gz"])
def test_of_a_remote_cube_the_ranges_of_a_plane_are_read(folder, monkeypatch, name):
    big = planes_in((1, 9, 200, 250))
    buffer = cube_file(big)
    (folder / "c.fits").write_bytes(buffer)
    (folder / "c.fits.gz").write_bytes(gzip.compress(buffer))
    impatient(monkeypatch, fetch_timeout=20.0)
    with Misbehaving(Files({f"/{name}": (folder / name).read_bytes()})) as server:
        fields = [("plane", "7"), ("id", "one")]
        entry = checked(f"{server.url}/{name}", fields)
        assert list(fetch_ahead([entry])) == [(entry, {})] and not server.requests
        there = process(entry, WORK, Config())
        here = process(checked(name, fields), WORK, Config())
        assert not there.kind and there.block == here.block
        if name == "c.fits":
            assert sum(server.sent.values()) < 4 * 200 * 250 + 5 * 65536 < len(buffer) / 2


def test_a_notebook_may_ask_for_a_plane(folder):
    alone = extract("s-3-2.fits")
    masks = np.zeros(SHAPE, bool)
    masks[1, 2, :50] = True
    (folder / "masks.fits").write_bytes(content(fits.PrimaryHDU(masks.astype("i2"))))
    with fits.open("c.fits") as units:
        for table in (extract("c.fits", plane=(3, 2)), extract("c.fits[plane=3,2]"),
                      extract("c.fits[0]", plane="3,2"), extract(units[0], plane=(3, 2))):
            assert len(table) == len(alone) > 5
            for name in alone.colnames:
                assert np.array_equal(table[name], alone[name], equal_nan=True)
        assert len(extract(units[0].data, plane=[3, 2])) == len(alone)
        expected = extract("s-3-2.fits", mask=masks[1, 2])
        for mask in ("masks.fits", masks, masks[1, 2]):
            for source in ("c.fits", units[0]):
                table = extract(source, plane=(3, 2), mask=mask)
                assert np.array_equal(table["x"], expected["x"])
                assert not np.array_equal(table["flux_auto"], alone["flux_auto"])
        found = extract("c.fits", plane=(3, 2), detect="c.fits")
        assert np.array_equal(found["x"], alone["x"])
        found = extract("c.fits", plane=(3, 2), detect="s-1-1.fits")
        assert np.array_equal(found["flux_auto"], extract("s-3-2.fits",
                                                          detect="s-1-1.fits")["flux_auto"])
    with pytest.raises(ImageFailure, match="not-two-dimensional"):
        extract("c.fits")
    with pytest.raises(ImageFailure, match="no-plane"):
        extract("c.fits", plane=4)
    for given in ("all", "1:2", "x", 0):
        with pytest.raises(ValueError):
            extract("c.fits", plane=given)


def test_a_plane_of_a_cube_takes_tables_of_other_units_without_its_pixels():
    cube = fits.ImageHDU(CUBE, name="SCI")
    table = fits.ImageHDU(np.zeros((4, 5), "f4"), name="D2IMARR")
    buffer = content(fits.PrimaryHDU(), cube, table)
    small = Section(reader_of(buffer), plane=(1, 1)).tables()
    assert [unit.name for unit in list_units(reader_of(small))] == ["PRIMARY", "D2IMARR"]
    with pytest.raises(ImageFailure, match="not-two-dimensional"):
        read_image(buffer, 1)


def test_every_command_of_the_page_runs(tmp_path):
    (tmp_path / "cube.fits").write_bytes(cube_file())
    shell = shell_in(tmp_path)
    for commands, shown in examples_of(read_page("docs/cubes.md")):
        run = shell(commands)
        assert run.status == 0, run.err
        assert run.out.decode() == shown
    every = (tmp_path / "every.tsv").read_text()
    assert every.count("\n#image") == 6
