"""What hats-import makes of our catalogs opens in LSDB, and LSDB matches it as we do."""

import json

import numpy as np
import pytest
from conftest import module
from detections import write_detections
from pyarrow import parquet

from mr_extract.export.__main__ import main as export
from mr_extract.text.catalog import read_catalog

pytestmark = pytest.mark.needs("lsdb")
ROWS, BOTH = 2000, 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two lists of a field, of which the second has most of the first, displaced; and as HATS."""
    folder = tmp_path_factory.mktemp("lsdb")
    rng = np.random.default_rng(4)
    # HEALPix cells of order 0 meet at right ascension 45 degrees.
    one = {"ra": rng.uniform(44, 46, ROWS), "dec": rng.uniform(-1, 1, ROWS)}
    other = {name: values[:BOTH] + rng.normal(0, 0.3 / 3600, BOTH) for name, values in one.items()}
    for name, columns in (("one", one), ("other", other)):
        write_detections(folder / f"{name}.tsv", {"im": (columns, {})})
        assert export([str(folder / f"{name}.tsv"), str(folder / f"{name}.hats")]) == 0
    return folder


def crossmatch(folder, *words):
    return module("jobs.crossmatch", *words, "--match-radius", "1", cwd=folder)


def test_what_was_exported_opens_in_lsdb(folder):
    import lsdb

    catalog = lsdb.open_catalog(folder / "one.hats")
    assert len(catalog) == ROWS and catalog.margin is not None
    rows = catalog.compute().sort_values("number")
    ours = read_catalog(folder / "one.tsv").columns
    for name in ("ra", "dec", "mag_auto", "flag"):
        np.testing.assert_array_equal(rows[name].to_numpy(), ours[name])
    assert len(catalog.cone_search(45, 0, 1800).compute()) == np.count_nonzero(
        np.hypot(ours["ra"] - 45, ours["dec"]) < 0.5)


def test_its_matches_are_ours(folder, tmp_path):
    import lsdb

    done = crossmatch(folder, "one.hats", "--with", "other.hats", "--engine", "lsdb", "--jobs", "1",
                      "--keep", "left", "--catalog", tmp_path / "matched.hats", "--summary",
                      tmp_path / "summary.json")
    assert done.status == 0, done.err
    ours = crossmatch(folder, "one.tsv", "--with", "other.tsv", "--keep", "left",
                      "--catalog", tmp_path / "matched.tsv")
    assert ours.status == 0, ours.err
    assert export([str(tmp_path / "matched.tsv"), str(tmp_path / "matched.parquet")]) == 0
    table = parquet.read_table(tmp_path / "matched.parquet")
    expected = {name: table[name].to_numpy() for name in ("number", "ref_number", "ref_distance")}
    found = lsdb.open_catalog(tmp_path / "matched.hats").compute().sort_values("number")
    np.testing.assert_array_equal(found["number"], expected["number"])
    apart = expected["ref_distance"]
    np.testing.assert_allclose(found["_dist_arcsec"], apart, atol=1e-6)
    there = np.isfinite(apart)
    np.testing.assert_array_equal(found["number_ref"][there], expected["ref_number"][there])
    totals = json.loads((tmp_path / "summary.json").read_text())
    assert totals["pairs"] == np.count_nonzero(there) > 1400
    assert (totals["rows"], totals["reference"], totals["written"]) == (ROWS, BOTH, len(apart))
    assert f"LSDB wrote {len(apart)} rows, {totals['pairs']} of them matches" in done.err


@pytest.mark.parametrize("words, said", [
    (("one.tsv", "--with", "other.hats", "--catalog", "x.hats"), "'one.tsv' is not"),
    (("one.hats", "--with", "other.hats", "--catalog", "x.tsv"), "--catalog NAME.hats"),
    (("one.hats", "--with", "other.hats", "--catalog", "one.hats"), "is a directory"),
    (("one.hats", "--with", "other.hats", "--catalog", "x.hats", "--nearest", "0"), "--nearest 0"),
    (("one.hats", "--with", "other.hats", "--catalog", "x.hats", "--match-radius", "60"),
     "margin"),
])
def test_what_lsdb_cannot_do_is_said_in_one_line(folder, words, said):
    done = module("jobs.crossmatch", "--match-radius", "1", *words, "--engine", "lsdb", "--jobs",
                  "1", cwd=folder)
    assert done.status == 2 and said in done.err and "Traceback" not in done.err
    assert not (folder / "x.hats").exists()
