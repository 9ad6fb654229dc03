"""Which lines are meant: ``--where`` and ``--log-book``, and what is said of the others."""

import json
import sys

import pytest
from astropy.table import Table
from conftest import ROOT, command, job, module

from mr_extract.text.catalog import read_catalog

# Of the six frames of `night`, by the end of their names.
LOG = """file,exptime,airmass,object
frame-r-000001-3-0011.fits,30,1.2,M31
frame-r-000001-3-0012.fits,60,1.3,M31
frame-r-000001-3-0013.fits,90,,M33
frame-r-000002-3-0011.fits,120,1.9,M33
"""


@pytest.fixture(scope="module")
def manifest(night):
    return night / "manifest.txt"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "log.csv"
    path.write_text(LOG)
    return path


def told(run):
    """Map the end of each id to the first cell of its line, and what a skipped one says."""
    cells = [line.split("\t") for line in run.lines if line.startswith("#")][2:]
    return {one[1][-13:-5]: one[2] if one[0] == "#skipped" else one[0] for one in cells}


def quality(manifest, *options, **keywords):
    return module("jobs.quality", manifest, *options, **keywords)


@pytest.mark.parametrize("where, meant, unknown", [
    ("mjd > 54001", "2-11 2-12 2-13", ""),
    ("filter = 'r' AND exptime > 50", "1-12 1-13 2-11", "2-12 2-13"),
    ("airmass < 1.25 OR object = 'M33'", "1-11 1-13 2-11", "2-12 2-13"),
    ("airmass IS NULL", "1-13 2-12 2-13", ""),
    ("file GLOB '*0012.fits'", "1-12 2-12", ""),
    ("lower(object) LIKE 'm3%' -- all that are in the book", "1-11 1-12 1-13 2-11", "2-12 2-13"),
    ("NOT exptime BETWEEN 50 AND 100", "1-11 2-11", "2-12 2-13"),
    ("coalesce(exptime, 0) = 0", "2-12 2-13", ""),
])
def test_lines_are_chosen_as_sql_has_it(manifest, book, where, meant, unknown):
    run = quality(manifest, "--where", where, "--log-book", book)
    assert run.status == 0, run.err
    found = {f"{name[0]}-{name[-2:]}": what for name, what in told(run).items()}
    assert sorted(k for k, what in found.items() if what == "#image") == sorted(meant.split())
    assert sorted(k for k, what in found.items() if what == "unknown") == sorted(unknown.split())
    assert len(found) == 6


def test_those_left_out_are_in_catalog_header_and_summary_and_no_failures(manifest, tmp_path):
    runs = [job("-r", runner, manifest, "--where", "mjd > 54001", "--summary", tmp_path / "s.json")
            for runner in ("inline", "local")]
    assert runs[0].status == 0 and runs[0].out == runs[1].out
    assert "3 images were left out by --where" in runs[0].err
    assert json.loads((tmp_path / "s.json").read_text())["images"] == {
        "measured": 3, "failed": 0, "skipped": 3}
    header = runs[0].lines[0]
    assert "\twhere=mjd > 54001\t" in header and "\tskipped=3\t" in header
    (tmp_path / "c.tsv").write_bytes(runs[0].out)
    accounts = read_catalog(str(tmp_path / "c.tsv")).accounts
    assert [one.kind for one in accounts.values()] == ["skipped"] * 3 + [""] * 3
    assert len(set(read_catalog(str(tmp_path / "c.tsv")).columns["image"])) == 3


def test_nothing_meant_is_a_catalog_of_skipped_lines(manifest):
    run = job(manifest, "--where", "1 = 0")
    assert run.status == 0 and run.out.count(b"#skipped\t") == 6


def test_a_book_may_be_a_table_of_any_kind_and_rows_may_be_found_by_id(night, tmp_path):
    lines = [f"{path}\tid=frame-{k}" for k, path in enumerate(sorted(night.glob("*.fits")))]
    table = Table({"NUMBER": [f"frame-{k}" for k in (0, 2, 4)], "exptime": [1.0, 2.0, 3.0]})
    for name in ("log.ecsv", "log.fits", "log.csv"):
        table.write(tmp_path / name)
        run = quality("-", "--where", "exptime >= 2", "--log-book", tmp_path / name, "--log-key",
                      "NUMBER", stdin="\n".join(lines).encode())
        assert run.status == 0, run.err
        assert [line.split("\t")[1] for line in run.lines if line.startswith("#image")] == [
            "frame-2", "frame-4"]


@pytest.mark.parametrize("where, options, said", [
    ("fliter = 'r'", [], "no line has a field fliter, and the log book no column of that name; "
                         "is filter meant?"),
    ("log.exptimes > 1", [], "the log book has no column exptimes"),
    ("exptime > 1; DROP TABLE line", [], "syntax error"),
    ("load_extension('x')", [], "it may compare and compute"),
    ("random() > 0", [], "it may compare and compute"),
    ("hex(zeroblob(1000000000)) = ''", [], "it may compare and compute"),
    ("(SELECT count(*) FROM line) > 1", [], "it may compare and compute"),
    ("readfile('/etc/passwd') = ''", [], "it may compare and compute"),
    ("filter = \"r\"", [], "single quotes"),
    ("'r'", [], "it is the text 'r'"),
    ("", [], "needs an expression"),
    ("exptime > 1", ["--log-key", "nothing"], "it has no column nothing"),
    ("exptime > 1", ["--log-key", "object"], "has no id or file name of any line"),
])
def test_what_cannot_be_understood_or_may_not_be_done_is_refused(
        manifest, book, where, options, said):
    run = quality(manifest, "--where", where, "--log-book", book, *options)
    assert run.status == 2 and said in run.err, run.err
    assert not run.out and "Traceback" not in run.err


def test_two_meanings_are_refused_and_two_rows_of_an_image(manifest, tmp_path):
    (tmp_path / "log.csv").write_text("file,mjd\nframe-r-000001-3-0011.fits,5\n")
    for where, status in (("mjd > 1", 2), ("log.mjd > 1", 0), ("line.mjd > 1", 0)):
        run = quality(manifest, "--where", where, "--log-book", tmp_path / "log.csv")
        assert run.status == status, run.err
        assert ("say line.mjd or log.mjd" in run.err) == (status == 2)
    (tmp_path / "log.csv").write_text("file,k\nframe-r-000001-3-0011.fits,5\n"
                                      "other/frame-r-000001-3-0011.fits.gz,6\n")
    run = quality(manifest, "--where", "k > 1", "--log-book", tmp_path / "log.csv")
    assert run.status == 2 and "2 rows are of the image" in run.err


def test_a_field_that_is_number_and_text_is_said(night):
    paths = sorted(night.glob("*.fits"))
    lines = f"{paths[0]}\tseeing=1.2\n{paths[1]}\tseeing=bad\n{paths[2]}\tseeing=nan\n"
    run = quality("-", "--where", "seeing < 2", stdin=lines.encode())
    assert "the field seeing is a number in some lines and a text in others" in run.err
    assert [line.split("\t")[0] for line in run.lines if line[0] == "#"][2:] == [
        "#image", "#skipped", "#skipped"]


def test_remaining_knows_them_and_merge_gives_what_one_run_gives(manifest, book, tmp_path):
    options = ["--where", "exptime > 50", "--log-book", book]
    whole = quality(manifest, *options)
    lines = [f"{manifest.parent}/{line.rpartition('/')[2]}"
             for line in manifest.read_text().splitlines(keepends=True) if line[0] != "#"]
    (tmp_path / "some.txt").write_text("".join(lines[1:2]))
    quality(tmp_path / "some.txt", *options, "--catalog", tmp_path / "first.tsv")
    preprocess = [sys.executable, "-m", "preprocess"]
    rest = command([*preprocess, "remaining", manifest, tmp_path / "first.tsv"], cwd=ROOT)
    assert rest.out.count(b"\n") == 5
    (tmp_path / "rest.txt").write_bytes(rest.out)
    quality(tmp_path / "rest.txt", *options, "--catalog", tmp_path / "second.tsv")
    merged = command([*preprocess, "merge", tmp_path / "first.tsv", tmp_path / "second.tsv"],
                     cwd=ROOT)
    assert merged.out == whole.out, merged.err
    (tmp_path / "merged.tsv").write_bytes(merged.out)
    done = command([*preprocess, "remaining", manifest, tmp_path / "merged.tsv"], cwd=ROOT)
    assert done.out == b""


def test_exports_and_reductions_take_catalogs_with_lines_left_out(manifest, tmp_path):
    run = job(manifest, "--where", "mjd > 54001", "--catalog", tmp_path / "c.tsv")
    assert run.status == 0
    exported = module("export", tmp_path / "c.tsv", tmp_path / "c.fits")
    assert exported.status == 0, exported.err
    back = module("export", tmp_path / "c.fits", tmp_path / "d.tsv")
    assert back.status == 0, back.err
    assert (tmp_path / "d.tsv").read_bytes() == (tmp_path / "c.tsv").read_bytes()
    unique = job(manifest, "--where", "mjd > 54001", "--reduce", "unique")
    assert unique.status == 0, unique.err
    assert unique.out.count(b"#skipped\t") == 3 and "\tskipped=3\t" in unique.lines[0]


@pytest.mark.parametrize("options, said", [
    (["--log-book", "x.csv"], "--log-book is for --where"),
    (["--where", "1", "--log-key", "file"], "--log-key is for --log-book"),
    (["--where", "1", "--log-book", "nowhere.csv"], "no such file"),
])
def test_options_that_do_not_go_together_are_refused(manifest, options, said):
    run = quality(manifest, *options)
    assert run.status == 2 and said in run.err
