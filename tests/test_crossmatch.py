"""Claims about cross-matches: they are brute force, from any format, and however the sky is cut."""

import csv
import json
import signal
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from astropy.table import Table
from conftest import job, module
from detections import write_detections
from remote_places import bare_client, moto_server
from test_object_association import PLACES, scattered

from mr_extract.export.__main__ import main as export
from mr_extract.jobs.sky import pairing
from mr_extract.jobs.sky.drive import drive
from mr_extract.jobs.sky.pairing import NONE, PAIR, Pairing, Pairs
from mr_extract.jobs.sky.region import settle
from mr_extract.jobs.sky.sky_job import SkyJob
from mr_extract.jobs.sky.spool import CATALOG, REFERENCE, ROW
from mr_extract.objects.cells import size_of
from mr_extract.objects.healpix import cells_of
from mr_extract.objects.matching import match
from mr_extract.objects.sphere import arcseconds, chord, positions, vectors

parquet = pytest.importorskip("pyarrow.parquet")


def crossmatch(*args):
    """Run the job in this process and return its exit status."""
    asked = SkyJob(["--sky-work=crossmatch", *map(str, args)])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return drive(asked)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def brute_force(xyz, others, radius, most):
    """Every pair looked at: a list of (row, other, square), and the rows without one."""
    found, alone = [], []
    for k, one in enumerate(xyz):
        squares = ((one - others) ** 2).sum(axis=1)
        near = sorted((s, j) for j, s in enumerate(squares) if s <= chord(radius) ** 2)
        found += [(k, j, s) for s, j in (near[:most] if most else near)]
        alone += [] if near else [k]
    return found, alone


def two_lists(place, spread=30.0):
    """Positions of two lists about a place; some of the second stand where others do."""
    one, other = (scattered(place, 300, 1, spread, noise, seed=21, seen=0.8)[0]
                  for noise in (0.0, 0.3))
    return one, np.concatenate([np.delete(other, np.s_[::4], axis=0), other[:20]])


# ---- the kernel and the cells


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("most", [0, 1, 3])
def test_matches_are_brute_force(place, most):
    one, other = two_lists(place)
    rows, others, squares = match(one, other, 1.0, most)
    expected, alone = brute_force(one, other, 1.0, most)
    assert list(zip(rows.tolist(), others.tolist(), squares.tolist())) == expected
    assert len(alone) > 20 and len(set(rows.tolist())) == len(one) - len(alone)


def in_cells(records, order, held, pairing):
    """Settle as reducers do, cell by cell, and at the end as the driver does."""
    found, left = [], []

    def take(settled):
        while True:
            try:
                found.append(next(settled))
            except StopIteration as end:
                return end.value

    cells = cells_of(records["ra"], records["dec"], order)
    for cell in np.unique(cells):
        mine = records[cells == cell]
        left.append(take(settle([mine[:50], mine[50:]], order, pairing, held)))
    take(settle([part for part in left if len(part)], None, pairing))
    return np.concatenate(found), sum(map(len, left)) / len(records)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("most", [0, 1])
def test_cells_of_any_size_and_any_memory_give_the_same_pairs(place, most, tmp_path, monkeypatch):
    monkeypatch.setattr(pairing, "_AT_ONCE", 7)
    sides = two_lists(place, 100.0 if most else 30.0)
    records = np.zeros(sum(map(len, sides)), ROW)
    records["ra"], records["dec"] = positions(np.concatenate(sides))
    records["side"] = np.repeat([CATALOG, REFERENCE], list(map(len, sides)))
    records["place"] = np.concatenate([np.arange(len(side)) for side in sides])
    ours, theirs = (records[records["side"] == side] for side in (CATALOG, REFERENCE))
    expected, alone = brute_force(*(vectors(side["ra"], side["dec"]) for side in (ours, theirs)),
                                  1.0, most)
    wanted = sorted([(k, j) for k, j, _ in expected] + [(k, NONE) for k in alone])
    mixed = np.random.default_rng(6).permutation(records)
    for order, held in ((2, 10**6), (7, 100), (13, 10**6)):
        found, share = in_cells(mixed, order, held, Pairing(1.0, most))
        got = list(zip(found["place"].tolist(), found["other"].tolist()))
        assert sorted(got) == wanted, (order, held)
        pairs = Pairs(str(tmp_path), len(ours))
        pairs.take(found)
        assert pairs.unknown() is None
        parts = list(pairs)
        firsts = [int(part["place"][0]) for part in parts]
        assert len(parts) > 1 and firsts == sorted(set(firsts))  # of a row all are in one
        assert all(part["place"][-1] < first for part, first in zip(parts, firsts[1:]))
        ordered = np.concatenate(parts)
        assert ordered["place"].tolist() == [k for k, _ in wanted]
        np.testing.assert_array_equal(
            ordered["distance"][ordered["other"] != NONE],
            arcseconds(np.sqrt([square for _, _, square in expected])))
    assert share < 0.6 or most == 0  # most is settled where it lies, in cells of 26 arcsec


# ---- the job, and what it reads


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """Two lists that lie at all places at once, each in every format."""
    folder = tmp_path_factory.mktemp("sky")
    lists = [two_lists(place) for place in PLACES]
    for name, number in (("ours", 0), ("theirs", 1)):
        ra, dec = positions(np.concatenate([pair[number] for pair in lists]))
        table = Table({"id": np.arange(len(ra)) + 10**17, "RA": ra, "Dec": dec,
                       "mag": np.arange(len(ra), dtype=np.float32) / 4,
                       "name": [f"star {k}" for k in range(len(ra))]})
        table["RA"].unit = table["Dec"].unit = "deg"
        write_formats(folder, name, table)
    return folder


def write_formats(folder, name, table):
    table.write(folder / f"{name}.csv")
    table.write(folder / f"{name}.fits")
    radians = table.copy()
    for column in ("RA", "Dec"):
        radians[column] = np.radians(radians[column].data)
        radians[column].unit = "rad"
    radians.write(folder / f"{name}-radians.fits")
    parquet.write_table(arrow_of(table), folder / f"{name}.parquet")
    write_hats(folder / f"{name}-hats", table, 2)


def arrow_of(table):
    import pyarrow

    return pyarrow.table({name: pyarrow.array(table[name].tolist(), {
        "i": pyarrow.int64(), "f": pyarrow.float32() if table[name].dtype.itemsize == 4
        else pyarrow.float64(), "U": pyarrow.string()}[table[name].dtype.kind])
        for name in table.colnames})


def write_hats(folder, table, order):
    """Write a folder as hats-import and LSDB leave them."""
    cells = cells_of(table["RA"].data, table["Dec"].data, order)
    for cell in np.unique(cells):
        place = folder / f"dataset/Norder={order}/Dir=0"
        place.mkdir(parents=True, exist_ok=True)
        parquet.write_table(arrow_of(table[cells == cell]), place / f"Npix={cell}.parquet")
    (folder / "hats.properties").write_text(
        f"#HATS catalog\nobs_collection=stars\ndataproduct_type=object\nhats_nrows={len(table)}\n"
        f"hats_col_ra=RA\nhats_col_dec=Dec\nhats_order={order}\n")


def rows_of(path):
    """Rows of a catalog as dictionaries of text."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


@pytest.fixture(scope="module")
def matched(sky):
    assert crossmatch(sky / "ours.csv", "--with", sky / "theirs.csv", "--keep", "left", "--catalog",
                      sky / "matched.tsv", "--nearest", 0, "--summary", sky / "summary.json") == 0
    return sky / "matched.tsv"


def test_the_job_is_brute_force(sky, matched):
    ours, theirs = (Table.read(sky / f"{name}.csv") for name in ("ours", "theirs"))
    expected, alone = brute_force(*(vectors(side["RA"].data, side["Dec"].data)
                                    for side in (ours, theirs)), 1.0, 0)
    rows = rows_of(matched)
    found = {(row["id"], row["ref_id"]): float(row["ref_distance"]) for row in rows}
    assert len(found) == len(rows) == len(expected) + len(alone)
    for k, j, square in expected:
        assert found.pop((str(ours["id"][k]), str(theirs["id"][j]))) == pytest.approx(
            float(arcseconds(square**0.5)), abs=1e-9)
    assert set(found) == {(str(ours["id"][k]), "nan") for k in alone}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    numbers = Counter(str(ours["id"][k]) for k, _, _ in expected)
    for row in rows:
        assert int(row["ref_matches"]) == numbers[row["id"]]
        assert row["ref_name"] == ("nan" if row["ref_id"] == "nan" else
                                   f"star {int(row['ref_id']) - 10**17}")
    told = json.loads((sky / "summary.json").read_text())
    assert told["rows"] == len(ours) == told["matched"] + told["unmatched"]
    assert told["pairs"] == len(expected) and told["unmatched"] == len(alone)


@pytest.mark.parametrize("keep", ["inner", "unmatched"])
def test_what_is_kept_is_a_part_of_all(sky, matched, tmp_path, keep):
    assert crossmatch(sky / "ours.csv", "--with", sky / "theirs.csv", "--keep", keep, "--nearest",
                      0, "--catalog", tmp_path / "kept.tsv") == 0
    every = rows_of(matched)
    part = [row for row in every if (row["ref_id"] == "nan") == (keep == "unmatched")]
    names = list(every[0])[:5] if keep == "unmatched" else list(every[0])
    assert rows_of(tmp_path / "kept.tsv") == [{name: row[name] for name in names} for row in part]


@pytest.mark.parametrize("ours, theirs", [
    ("ours.fits", "theirs.parquet"), ("ours.parquet", "theirs.fits"), ("ours.csv", "theirs-hats"),
    ("ours.csv", "theirs-radians.fits")])
def test_formats_do_not_matter(sky, matched, tmp_path, ours, theirs):
    assert crossmatch(sky / ours, "--with", sky / theirs, "--keep", "left", "--nearest", 0,
                      "--take", "id,mag", "--catalog", tmp_path / "out.tsv") == 0
    def cells(path):  # rows at one place may be in the order of another file
        found = sorted(rows_of(path), key=lambda row: (row["id"], row["ref_id"]))
        return ([[row[name] for name in ("id", "name", "ref_matches", "ref_id")] for row in found],
                [[float(row[name]) for name in ("RA", "Dec", "mag", "ref_mag")] for row in found])

    one, other = cells(tmp_path / "out.tsv"), cells(matched)
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])


def test_the_nearest_is_the_first_of_all(sky, matched, tmp_path):
    assert crossmatch(sky / "ours.csv", "--with", sky / "theirs.csv", "--catalog",
                      tmp_path / "one.tsv") == 0
    first = {}
    for row in rows_of(matched):
        if row["ref_id"] != "nan":
            first.setdefault(row["id"], row["ref_id"])
    assert {row["id"]: row["ref_id"] for row in rows_of(tmp_path / "one.tsv")} == first


@pytest.mark.parametrize("runner", [("local", "--jobs", "3"),
                                    pytest.param(("spark", "--jobs", "2"),
                                                 marks=pytest.mark.needs("spark"))])
def test_every_runner_gives_the_same_bytes(sky, matched, runner):
    done = module("jobs.crossmatch", "-r", *runner, sky / "ours.csv", "--with", sky / "theirs.csv",
                  "--keep", "left", "--nearest", 0)
    assert done.status == 0, done.err
    assert done.out == matched.read_bytes()


def test_hadoop_gives_the_same_bytes(sky, matched, hadoop):
    done = module("jobs.crossmatch", "-r", "hadoop", sky / "ours.csv", "--with", sky / "theirs.csv",
                  "--keep", "left", "--nearest", 0, env=hadoop.environment)
    assert done.status == 0, done.err
    assert done.out == matched.read_bytes()


def degrees_apart(path):
    return {(row["id"], row["ref_id"]): float(row["ref_distance"]) / 3600 for row in rows_of(path)}


def found_by_lsdb(path):
    with open(path) as file:
        return {(row["ss_id"], str(int(float(row["xmatch_id"])))): float(row["dist"])
                for row in csv.DictReader(file)}


@pytest.mark.parametrize("correct, options", [
    ("xmatch_correct.csv", ("--match-radius", 36)),
    ("xmatch_correct_0_005.csv", ("--match-radius", 18)),
    ("xmatch_correct_002_005.csv", ("--match-radius", 18, "--min-radius", 7.2)),
    ("xmatch_correct_05_2_3n_margin.csv",
     ("--match-radius", 7200, "--min-radius", 1800, "--nearest", 3)),
    ("xmatch_correct_3n_2t.csv", ("--match-radius", 7200, "--nearest", 3)),
    ("xmatch_correct_3n_2t_negative.csv", ("--match-radius", 7200, "--nearest", 3))])
def test_it_is_what_lsdb_finds(shared_data, tmp_path, correct, options):
    folder = shared_data / "g/lsdb_xmatch"
    ours = "small_sky_left_xmatch.csv" if "negative" in correct else "small_sky.csv"
    assert crossmatch(folder / ours, "--with", folder / "small_sky_xmatch.csv", *options,
                      "--catalog", tmp_path / "out.tsv") == 0
    assert degrees_apart(tmp_path / "out.tsv") == pytest.approx(found_by_lsdb(folder / correct),
                                                                abs=1e-9)


def test_what_lsdb_misses_without_margins_lies_across_borders(shared_data, tmp_path):
    """Its matches without them are ours of each cell by itself."""
    folder = shared_data / "g/lsdb_xmatch"
    sides = [Table.read(folder / f"{name}.csv") for name in ("small_sky", "small_sky_xmatch")]
    cells = [cells_of(np.asarray(side["ra"]), np.asarray(side["dec"]), 1) for side in sides]
    found = {}
    for cell in np.intersect1d(*cells):
        for name, side, of in zip("ab", sides, cells):
            side[of == cell].write(tmp_path / f"{name}.csv", overwrite=True)
        assert crossmatch(tmp_path / "a.csv", "--with", tmp_path / "b.csv", "--match-radius", 7200,
                          "--nearest", 3, "--catalog", tmp_path / "out.tsv") == 0
        found |= degrees_apart(tmp_path / "out.tsv")
    assert found == pytest.approx(found_by_lsdb(folder / "xmatch_correct_3n_2t_no_margin.csv"),
                                  abs=1e-9)


def test_of_hats_only_what_is_near_is_read(sky, tmp_path, capsys):
    table = Table.read(sky / "theirs.csv")
    write_hats(tmp_path / "hats", table, 3)
    near = table[np.abs(table["Dec"]) < 20]
    near.write(tmp_path / "near.csv")
    far = cells_of(np.array([123.0]), np.array([89.9999]), 3)[0]
    place, = (tmp_path / "hats").rglob(f"Npix={far}.parquet")
    place.write_bytes(b"not to be looked at")
    asked = ("--with", tmp_path / "hats", "--catalog", tmp_path / "out.tsv")
    assert crossmatch(tmp_path / "near.csv", *asked) == 0
    assert len(rows_of(tmp_path / "out.tsv")) == len(near)
    assert crossmatch(sky / "ours.csv", *asked) == 2
    assert "hats" in capsys.readouterr().err


@contextmanager
def uploaded(folder):
    """Give the options by which a folder is reached as s3://sky/."""
    with moto_server() as port:
        client = bare_client(port)
        client.create_bucket(Bucket="sky")
        for path in folder.rglob("*"):
            if path.is_file():
                client.put_object(Bucket="sky", Key=str(path.relative_to(folder)),
                                  Body=path.read_bytes())
        yield "--s3-endpoint-url", f"http://127.0.0.1:{port}"


def test_references_may_be_on_s3(sky, matched, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with uploaded(sky) as access:
        for name in ("theirs-hats/", "theirs.parquet"):
            assert crossmatch(sky / "ours.csv", "--with", f"s3://sky/{name}", "--keep", "left",
                              "--nearest", 0, *access, "--catalog", tmp_path / "out.tsv") == 0
            found, known = ({(row["id"], row["ref_id"]) for row in rows_of(path)}
                            for path in (tmp_path / "out.tsv", matched))
            assert found == known


# ---- our own catalogs, and what is wrong


def test_catalogs_of_this_program_keep_what_they_say_of_images(tmp_path):
    for name in "ab":
        write_detections(tmp_path / f"{name}.tsv", {f"{name}.fits": (
            {"ra": np.array([10.0, 359.9999, np.nan]), "dec": np.array([5.0, 0.0, 1.0])},
            {"mjd": 55000.0})})
    (tmp_path / "theirs.csv").write_text("RA_ICRS,DE_ICRS,z\n10.0001,5,0.5\n0.0001,0,1.5\n,,9\n")
    done = module("jobs.crossmatch", "a.tsv", "b.tsv", "--with", "theirs.csv", "--keep", "left",
                  "--take", "z", "--catalog", "out.tsv", cwd=tmp_path)
    assert done.status == 0
    assert "6 rows = 4 with a match + 0 without + 2 without a position; 4 matches among 3 rows " \
        "of the reference, 1 of which have no position" in done.err
    text = (tmp_path / "out.tsv").read_text()
    assert "#image\ta.fits\tdetections=3\t" in text and "images=2\tfailed=0\tpairs=6" in text
    assert [(row["image"], row["number"], row["ref_matches"], row["ref_z"]) for row in rows_of(
        tmp_path / "out.tsv")] == [(f"{name}.fits", str(k + 1), str(int(z != "nan")), z)
                                   for name in "ab" for k, z in enumerate(("0.5", "1.5", "nan"))]
    for name in ("out.parquet", "out.fits"):  # it says what other programs' columns hold
        assert export([str(tmp_path / "out.tsv"), str(tmp_path / name)]) == 0
        assert export([str(tmp_path / name), str(tmp_path / "back.tsv")]) == 0
        assert (tmp_path / "back.tsv").read_text() == text
    assert parquet.read_table(tmp_path / "out.parquet")["ref_z"].to_pylist() == [
        0.5, 1.5, None, 0.5, 1.5, None]
    # What was matched once can be matched again, and nothing needs to be found.
    done = module("jobs.crossmatch", "out.tsv", "--with", "theirs.csv", "--match-radius", "0.01",
                  "--prefix", "next_", cwd=tmp_path)
    assert done.status == 0 and b"pairs=0" in done.out, done.err


def test_what_cannot_be_matched_is_refused_by_name(sky, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = sky / "ours.csv"
    for name, text in (
        ("none.csv", "name,z\na,1\n"), ("half.csv", "ra,z\n1,1\n"), ("empty.csv", "ra,dec\n"),
        ("nan.csv", "ra,dec\nnan,1\n"), ("words.csv", "ra,dec\nnoon,5\n"),
        ("ragged.csv", "ra,dec\n1,2\n1,2,3\n"), ("twice.csv", "ra,dec,ra\n1,2,3\n"),
        ("nothing.csv", ""), ("odd.txt", "ra dec\n"), ("broken.parquet", "PAR"),
        ("broken.fits", "SIMPLE"), ("other.csv", "ra,dec\n1,2\n"), ("ok.csv", "ra,dec\n1,2\n"),
    ):
        (tmp_path / name).write_text(text)
    table = Table({"ra": [1.0], "dec": [2.0], "spectrum": [[1.0, 2.0]]})
    table.write("many.fits")
    table["ra"].unit = "km"
    table.write("unit.fits")
    write_detections(tmp_path / "cut.tsv", {"a.fits": ({
        "ra": np.array([1.0]), "dec": np.array([2.0])}, {})})
    (tmp_path / "cut.tsv").write_bytes((tmp_path / "cut.tsv").read_bytes()[:-9])
    (tmp_path / "hats").mkdir()
    for words, said in (
        ([ours], "it needs --with REFERENCE"), (["--with", ours], "it needs a catalog"),
        ([ours, "--with", "none.csv"], "no columns of right ascension and declination but name, z"),
        (["none.csv", "--with", ours], "no columns of right ascension"),
        ([ours, "--with", "half.csv"], "which is no pair"),
        ([ours, "--with", "empty.csv"], "'empty.csv' has no row with a position"),
        ([ours, "--with", "nan.csv"], "'nan.csv' has no row with a position"),
        ([ours, "--with", "words.csv"], "its row 1 has 'noon' in column 'ra', which is no number"),
        ([ours, "--with", "ragged.csv"], "its row 2 has 3 cells, not 2"),
        ([ours, "--with", "twice.csv"], "two of its columns have one name"),
        ([ours, "--with", "nothing.csv"], "it is empty"),
        ([ours, "--with", "odd.txt"], "ends in none of"),
        ([ours, "--with", "broken.parquet"], "broken.parquet"),
        ([ours, "--with", "broken.fits"], "broken.fits"),
        ([ours, "--with", "nowhere.csv"], "cannot read 'nowhere.csv'"),
        ([ours, "--with", "hats"], "hats"),
        ([ours, "--with", "unit.fits"], "its column 'ra' is in km, which is no angle"),
        ([ours, "--with", "many.fits"], "its column 'spectrum' holds 2 values a row, not one"),
        (["cut.tsv", "--with", ours], "breaks off within a line"),
        ([ours, "ok.csv", "--with", ours], "has other columns than"),
        ([ours, "--with", "ok.csv", "--take", "z"], "no column 'z', which --take names, but ra"),
        ([ours, "--with", ours, "--prefix", ""], "two columns would be called id"),
        ([ours, "--with", "ok.csv", "--catalog-position", "a,b"], "it has no column 'a'"),
        ([ours, "--with", "ok.csv", "--catalog", "ok.csv"], "is needed for something else"),
        ([ours, "--with", "ok.csv", "--min-radius", 2], "--min-radius is larger than --match-"),
    ):
        status = crossmatch(*words)
        error = capsys.readouterr().err
        assert status == 2 and said in error and error.count("\n") == 1, (words, error)


def test_rows_of_which_no_task_told_are_a_failure(tmp_path):
    pairs = Pairs(str(tmp_path), 3)
    told = np.zeros(2, PAIR)
    told["place"] = [0, 2]
    pairs.take(told)
    assert pairs.unknown() == 1


def test_a_night_is_matched_with_the_stars_that_were_simulated(night, tmp_path):
    done = job("--reduce", "unique", night / "manifest.txt", "--catalog", tmp_path / "stars.tsv")
    assert done.status == 0
    truth, = night.glob("*truth*")
    done = module("jobs.crossmatch", tmp_path / "stars.tsv", "--with", truth, "--catalog",
                  tmp_path / "known.tsv", "--nearest", "1")
    assert done.status == 0, done.err
    assert len(rows_of(tmp_path / "known.tsv")) > 0.8 * len(rows_of(tmp_path / "stars.tsv"))


def test_a_radius_has_cells_that_hold_it():
    from mr_extract.jobs.crossmatch import _RADII
    from mr_extract.objects.cells import finest_order
    from mr_extract.settings.matching import WIDEST

    assert size_of(finest_order(WIDEST, _RADII)) > 20 * WIDEST
