"""Claims about ``--reduce unique``: each source once, the same however the sky is cut."""

import json

import numpy as np
import pytest
from conftest import job, module
from test_object_association import PLACES, brute_force, scattered

from mr_extract.jobs.sky.aggregation import DECISION, KEPT, UNPLACED
from mr_extract.jobs.sky.decisions import Decisions, Miscounted
from mr_extract.jobs.sky.region import Linking, settle
from mr_extract.jobs.unique import WORK
from mr_extract.objects.association import Links, associate
from mr_extract.objects.best import best_of
from mr_extract.objects.healpix import cells_of
from mr_extract.objects.sphere import positions, vectors
from mr_extract.text.catalog import read_catalog


def unique(*args, **keywords):
    return module("jobs.unique", *args, **keywords)


@pytest.fixture(scope="module")
def catalog(night, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalogs") / "catalog.tsv"
    done = job("-r", "inline", "--quiet", night / "manifest.txt", "--catalog", path)
    assert done.status == 0, done.err
    return path


@pytest.fixture(scope="module")
def found(catalog):
    done = unique(catalog)
    assert done.status == 0, done.err
    return done


# ---- the sky cut in any way


def records_about(place, spread):
    xyz, image, row, _ = scattered(place, 250, 5, spread, 0.3, seed=11)
    records = np.zeros(len(xyz), WORK.dtype)
    records["ra"], records["dec"] = positions(xyz)
    records["image"], records["place"] = image, image * 1000 + row
    return records


def in_cells(records, order, held):
    """Settle as reducers do, cell by cell, and at the end as the driver does."""
    found, left = {}, []
    cells = cells_of(records["ra"], records["dec"], order)

    def take(settled):
        while True:
            try:
                part, founder, ambiguous = next(settled)
            except StopIteration as end:
                return end.value
            for place, first, doubt in zip(part["place"], part["place"][founder], ambiguous):
                assert place not in found
                found[int(place)] = int(first), bool(doubt)

    for cell in np.unique(cells):
        mine = records[cells == cell]
        left.append(take(settle([mine[:50], mine[50:]], order, Linking(Links(1.0)), held)))
    shares = sum(map(len, left)) / len(records)
    take(settle([one for one in left if len(one)], None, Linking(Links(1.0))))
    return found, shares


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spread", [20.0, 400.0])
def test_cells_of_any_size_and_any_memory_give_the_same_objects(place, spread):
    records = records_about(place, spread)
    xyz = vectors(records["ra"], records["dec"])
    founder, ambiguous = associate(xyz, records["image"], records["place"], Links(1.0))
    expected = dict(zip(records["place"].tolist(), zip(
        records["place"][founder].tolist(), ambiguous.tolist())))
    mixed = np.random.default_rng(6).permutation(records)
    open_shares = []
    for order, held in ((2, 10**6), (7, 100), (13, 10**6)):
        found, share = in_cells(mixed, order, held)
        assert found == expected, (order, held)
        open_shares.append(share)
    if spread > 100:
        assert open_shares[-1] < 0.5  # most is settled where it lies, in cells of 26 arcsec


def test_the_best_is_by_the_criteria_in_turn_then_by_place():
    founder = np.array([0, 0, 0, 3, 3, 3])
    flags = np.array([1.0, 0, 0, 1, 1, 1])
    edge = np.array([5.0, 3, np.nan, np.nan, 2, 2])
    best, members = best_of(founder, [flags, edge], np.array([9, 8, 7, 6, 5, 4]))
    np.testing.assert_array_equal(best, [0, 5])
    np.testing.assert_array_equal(members, [3, 3])
    best, _ = best_of(founder, [edge], np.array([9, 8, 7, 6, 5, 4]))
    np.testing.assert_array_equal(best, [0, 5])


# ---- the job


def test_it_is_brute_force_on_measured_frames(catalog, found, tmp_path):
    (tmp_path / "unique.tsv").write_bytes(found.out)
    rows, kept = read_catalog(catalog).columns, read_catalog(tmp_path / "unique.tsv").columns
    image = np.unique(rows["image"], return_inverse=True)[1]
    founder, _ = brute_force(vectors(rows["ra"], rows["dec"]), image, rows["number"], Links(1.0),
                             None)
    accounts = read_catalog(catalog).accounts
    width, height = (np.array([float(accounts[i].values[name]) for i in rows["image"]])
                     for name in ("width", "height"))
    x, y = rows["x"], rows["y"]
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    expected = []
    for first in np.unique(founder):
        members = np.flatnonzero(founder == first)
        best = min(members, key=lambda k: (rows["flag"][k] != 0, -np.float32(edge[k]),
                                           -rows["flux_auto"][k] / rows["fluxerr_auto"][k], k))
        expected.append((best, len(members)))
    expected.sort()
    assert len(expected) < 0.8 * len(image)
    numbers = [k for k, _ in expected]
    for name in rows:
        np.testing.assert_array_equal(kept[name], rows[name][numbers], name)
    np.testing.assert_array_equal(kept["detections"], [n for _, n in expected])


def test_every_detection_is_accounted_for(catalog, found, tmp_path):
    (tmp_path / "unique.tsv").write_bytes(found.out)
    before, after = read_catalog(catalog), read_catalog(tmp_path / "unique.tsv")
    assert before.accounts.keys() == after.accounts.keys()
    for image_id, account in after.accounts.items():
        parts = {name: int(account.values[name]) for name in (
            "sources", "detections", "elsewhere", "unplaced")}
        assert parts["detections"] == before.accounts[image_id].rows == (
            parts["sources"] + parts["elsewhere"] + parts["unplaced"])
        assert parts["sources"] == (after.columns["image"] == image_id).sum()
    assert after.columns["detections"].sum() == len(before.columns["ra"])


@pytest.mark.parametrize("options", [("-r", "local", "--jobs", "3"), ("-r", "local", "--jobs", "1"),
                                     pytest.param(("-r", "spark", "--jobs", "2"),
                                                  marks=pytest.mark.needs("spark"))])
def test_every_runner_gives_the_same_bytes(catalog, found, options):
    done = unique(*options, catalog)
    assert done.status == 0, done.err
    assert done.out == found.out


def test_hadoop_gives_the_same_bytes(catalog, found, hadoop):
    done = unique("-r", "hadoop", catalog, env=hadoop.environment)
    assert done.status == 0, done.err
    assert done.out == found.out


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_main_job_does_the_same(night, found, runner):
    done = job("-r", runner, "--reduce", "unique", night / "manifest.txt")
    assert done.status == 0, done.err
    assert done.out == found.out


def test_catalogs_in_parts_and_in_any_order_are_the_same(night, found, tmp_path):
    lines = [line for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    for name, part in ("b.tsv", lines[:3]), ("a.tsv", lines[2:]):
        done = job("--quiet", "--catalog", tmp_path / name, stdin="\n".join(part).encode(),
                   cwd=night)
        assert done.status == 0, done.err
    done = unique("b.tsv", "a.tsv", cwd=tmp_path)
    assert done.out == found.out
    assert "1 images stood in several catalogs" in done.err


def test_rows_without_a_position_are_counted(catalog, tmp_path):
    lines = catalog.read_bytes().split(b"\n")
    names = lines[2].split(b"\t")
    row = next(k for k in range(3, len(lines)) if not lines[k].startswith(b"#"))
    cells = lines[row].split(b"\t")
    cells[names.index(b"ra")] = b"nan"
    lines[row] = b"\t".join(cells)
    (tmp_path / "catalog.tsv").write_bytes(b"\n".join(lines))
    done = unique("catalog.tsv", "--summary", "summary.json", cwd=tmp_path)
    assert done.status == 0
    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["unplaced"] == 1 and "1 without a position" in done.err
    assert told["detections"] == told["sources"] + told["elsewhere"] + 1
    assert lines[row] not in done.out


def test_what_is_no_set_of_catalogs_is_refused(catalog, found, tmp_path, night):
    (tmp_path / "unique.tsv").write_bytes(found.out)
    (tmp_path / "part.tsv").write_bytes(catalog.read_bytes()[:-2000])
    (tmp_path / "other.tsv").write_bytes(
        catalog.read_bytes().replace(b"#mr_extract ", b"#mr_extract 0.0.", 1))
    text = catalog.read_bytes()
    (tmp_path / "changed.tsv").write_bytes(text.replace(b"rms=", b"rms=1", 1))
    (tmp_path / "pixels.tsv").write_bytes(text.replace(b"\tra\t", b"\tright\t", 1))
    (tmp_path / "text.txt").write_text("x y\n1 2\n")
    for names, words in (
        (["unique.tsv"], "each source stands once already"),
        (["part.tsv"], "it breaks off"),
        ([str(catalog), "other.tsv"], "only catalogs made alike"),
        ([str(catalog), "changed.tsv"], "measured differently"),
        (["pixels.tsv"], "no column ra"),
        (["text.txt"], "is no catalog"),
        (["nowhere.tsv"], "cannot read"),
        ([str(catalog), "--best", "flux"], "--best needs names of unflagged, edge, snr"),
        ([str(catalog), "--link-radius", "0"], "--link-radius must be greater than 0"),
        ([str(catalog), "--link-sigma", "3"], "no column erra_world, which --link-sigma needs"),
        ([str(catalog), "--catalog", str(catalog)], "is needed for something else"),
    ):
        done = unique(*names, cwd=tmp_path)
        assert done.status == 2 and words in done.err and not done.out, names
        assert done.err.count("\n") == 1
    for options, words in ((["--link-radius", "2"], "--link-radius is for --reduce unique"),
                           (["--reduce", "unique", "--columns", "x"], "needs the column ra")):
        done = job(*options, night / "manifest.txt")
        assert done.status == 2 and words in done.err


def test_an_empty_catalog_has_no_sources(tmp_path):
    done = job("--catalog", tmp_path / "empty.tsv", "--max-failures", "1", stdin=b"nowhere.fits\n")
    assert done.status == 0
    done = unique(tmp_path / "empty.tsv")
    assert done.status == 0 and b"failed=1\tsources=0" in done.out
    assert done.accounts() == {"nowhere.fits": "fetch-not-found"}


def test_a_row_of_which_no_task_told_or_two_is_a_failure(tmp_path):
    decisions = Decisions(str(tmp_path / "rows"), 5)
    told = np.zeros(4, DECISION)
    told["place"], told["state"] = [0, 1, 2, 4], [KEPT, KEPT, UNPLACED, KEPT]
    decisions.take(told)
    assert decisions.unknown() == 3
    with pytest.raises(Miscounted):
        decisions.take(told[:1])
