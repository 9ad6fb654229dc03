"""Claims about exports: what other tools read is what the catalog says, and it comes back."""

import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits, votable
from astropy.table import Table
from conftest import command, job, module
from detections import write_detections
from remote_places import bare_client, moto_server
from test_objects import epochs_about

from mr_extract.export.__main__ import main
from mr_extract.text import typed_rows

parquet = pytest.importorskip("pyarrow.parquet")
KINDS = ("catalog", "unique", "objects", "points", "quality")


@pytest.fixture(scope="module")
def folder(night, tmp_path_factory):
    """One catalog of each kind; an image of the first has failed."""
    folder = tmp_path_factory.mktemp("exports")
    lines = [line for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    manifest = "\n".join([*lines, "no-such-file.fits"]).encode()
    for name, run in (
        ("catalog", lambda out: job("--max-failures", "1", "--observation", "yes", "--catalog",
                                    out, stdin=manifest, cwd=night)),
        ("unique", lambda out: module("jobs.unique", folder / "catalog.tsv", "--catalog", out)),
        ("objects", lambda out: module("jobs.objects", folder / "catalog.tsv", "--catalog", out,
                                       "--light-curves", folder / "points.tsv")),
        ("quality", lambda out: module("jobs.quality", "--max-failures", "1", "--catalog", out,
                                       stdin=manifest, cwd=night)),
    ):
        done = run(folder / f"{name}.tsv")
        assert done.status == 0, done.err
    return folder


def exported(folder, kind, ending):
    out = folder / f"{kind}{ending}"
    if not out.exists():
        assert main([str(folder / f"{kind}.tsv"), str(out)]) == 0
    return out


def text_of(path):
    """Columns of a catalog as text, by name, and the lines that begin with #."""
    lines = path.read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return dict(zip(rows[0], zip(*rows[1:]))), [one for one in lines if one.startswith("#")]


def agree(found, expected):
    """Compare numbers that may be masked or None with cells."""
    for value, cell in zip(found, expected, strict=True):
        if cell == "nan":
            assert value is None or value is np.ma.masked or np.isnan(value)
        elif isinstance(value, (str, np.str_)):
            assert value == cell
        else:
            assert value == type(value)(cell)


@pytest.mark.parametrize("kind", KINDS)
def test_fits_holds_the_same(folder, kind):
    cells, lines = text_of(folder / f"{kind}.tsv")
    path = exported(folder, kind, ".fits")
    with fits.open(path) as units:
        units.verify("exception")
        assert [unit.name for unit in units[1:]] == ["CATALOG", "IMAGES"]
        assert list(units["IMAGES"].data["line"]) == lines
    table = Table.read(path, hdu="CATALOG")
    assert table.colnames == list(cells)
    for name, expected in cells.items():
        agree(list(table[name]), expected)
    assert table["ra"].unit == "deg"


@pytest.mark.parametrize("kind", KINDS)
def test_parquet_holds_the_same(folder, kind):
    cells, lines = text_of(folder / f"{kind}.tsv")
    path = exported(folder, kind, ".parquet")
    table = parquet.read_table(path)
    assert table.schema.names == list(cells)
    for name, expected in cells.items():
        kind = table.schema.field(name).type.to_pandas_dtype()
        agree([one if one is None else kind(one) for one in table[name].to_pylist()]
              if kind is not np.object_ else table[name].to_pylist(), expected)
    assert table.schema.field("ra").metadata[b"unit"] == b"deg"
    metadata = parquet.read_metadata(path).metadata
    said = metadata[b"mr_extract.header"], metadata[b"mr_extract.accounts"]
    assert b"\n".join(said).decode().split("\n") == lines


@pytest.mark.parametrize("kind", KINDS)
def test_votable_is_valid_and_holds_the_same(folder, kind):
    cells, lines = text_of(folder / f"{kind}.tsv")
    path = exported(folder, kind, ".vot")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = votable.parse(path, verify="exception")
    table = found.get_first_table()
    for name, expected in cells.items():
        agree(list(table.array[name]), expected)
    assert list(found.resources[0].tables[1].array["line"]) == lines[2:]


@pytest.mark.needs("stilts")
@pytest.mark.parametrize("kind", KINDS)
def test_votable_is_without_fault_to_stilts(folder, kind):
    done = command(["stilts", "votlint", exported(folder, kind, ".vot")])
    assert done.status == 0 and not done.out, done.out


@pytest.mark.parametrize("kind", KINDS)
def test_ecsv_holds_the_same(folder, kind):
    cells, lines = text_of(folder / f"{kind}.tsv")
    table = Table.read(exported(folder, kind, ".ecsv"))
    assert table.colnames == list(cells)
    for name, expected in cells.items():
        agree(list(table[name]), expected)
    assert [table.meta["made_with"], table.meta["config"], *table.meta["images"]] == lines


def test_other_tools_read_the_parquet(folder):
    import duckdb
    import pandas
    import polars

    cells, _ = text_of(folder / "objects.tsv")
    path = str(exported(folder, "objects", ".parquet"))
    table = pandas.read_parquet(path)
    bright = duckdb.sql(f"SELECT object, r_mag FROM '{path}' WHERE r_detections > 3").fetchall()
    expected = [(name, float(np.float32(mag))) for name, mag, number in zip(
        cells["object"], cells["r_mag"], cells["r_detections"]) if int(number) > 3]
    assert bright == expected and expected
    lazy = polars.scan_parquet(path).filter(polars.col("r_detections") > 3)
    assert lazy.select("object", "r_mag").collect().rows() == expected
    np.testing.assert_array_equal(table["r_scatter"], np.array(cells["r_scatter"], np.float32))
    assert table["r_scatter"].isna().sum() == cells["r_scatter"].count("nan") > 0


@pytest.mark.parametrize("ending", [".fits", ".parquet"])
def test_exports_go_to_s3(folder, ending, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with moto_server() as port:
        client, access = bare_client(port), ("--s3-endpoint-url", f"http://127.0.0.1:{port}")
        client.create_bucket(Bucket="sky")
        client.put_object(Bucket="sky", Key="in/objects.tsv",
                          Body=(folder / "objects.tsv").read_bytes())
        assert main(["s3://sky/in/objects.tsv", f"s3://sky/out/objects{ending}", *access]) == 0
        sent = client.get_object(Bucket="sky", Key=f"out/objects{ending}")["Body"].read()
        assert sent == exported(folder, "objects", ending).read_bytes()
        assert main([str(folder / "objects.tsv"), f"s3://nowhere/x{ending}", *access]) == 2
        assert f"s3://nowhere/x{ending}: " in capsys.readouterr().err


def test_hats_needs_what_makes_it(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "hats_import", None)
    assert main([str(folder / "objects.tsv"), str(tmp_path / "objects.hats")]) == 2
    assert "it needs hats_import: pip install 'mr_extract[hats]'" in capsys.readouterr().err
    assert main([str(folder / "objects.tsv"), "s3://sky/objects.hats"]) == 2
    assert "HATS is written to this machine" in capsys.readouterr().err


@pytest.mark.parametrize("ending", [".fits", ".parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_byte_for_byte(folder, kind, ending, tmp_path):
    assert main([str(exported(folder, kind, ending)), str(tmp_path / "back.tsv")]) == 0
    assert (tmp_path / "back.tsv").read_bytes() == (folder / f"{kind}.tsv").read_bytes()


def test_empty_catalogs_are_exported(tmp_path):
    done = job("--catalog", tmp_path / "empty.tsv", "--max-failures", "1", stdin=b"nowhere.fits\n")
    assert done.status == 0
    for ending in (".fits", ".parquet", ".vot", ".ecsv"):
        assert main([str(tmp_path / "empty.tsv"), str(tmp_path / f"empty{ending}")]) == 0, ending
    assert len(Table.read(tmp_path / "empty.fits", hdu=1)) == 0
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_parts_of_an_output_directory_are_one_catalog(folder, tmp_path):
    text = (folder / "catalog.tsv").read_bytes()
    head, blocks = text.split(b"\n#image", 1)[0] + b"\n", text.split(b"\n#image")[1:]
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "_header").write_bytes(head)
    body = [b"#image" + block.rstrip(b"\n") + b"\n" for block in blocks]
    (parts / "part-00001").write_bytes(b"".join(body[3:]))
    (parts / "part-00000").write_bytes(b"".join(body[:3]))
    assert main([str(parts), str(tmp_path / "x.fits")]) == 2  # it may not be all
    (parts / "_SUCCESS").write_bytes(b"")
    assert main([str(parts), str(tmp_path / "x.fits")]) == 0
    assert (tmp_path / "x.fits").read_bytes() == exported(folder, "catalog", ".fits").read_bytes()


def test_what_cannot_be_exported_is_refused_by_name(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (folder / "catalog.tsv").read_bytes()
    (tmp_path / "cut.tsv").write_bytes(text[:-300])
    (tmp_path / "short.tsv").write_bytes(text.rstrip(b"\n").rpartition(b"\n")[0] + b"\n")
    (tmp_path / "other.tsv").write_bytes(text.replace(b"#mr_extract ", b"#mr_extract 9.", 1))
    (tmp_path / "odd.tsv").write_bytes(text.replace(b"\tra\t", b"\tright\t", 1))
    (tmp_path / "plain.txt").write_text("x\ty\n")
    Table({"x": [1]}).write(tmp_path / "foreign.fits")
    whole = str(folder / "catalog.tsv")
    for words, said in (
        (["cut.tsv", "x.fits"], "breaks off within a line"),
        (["short.tsv", "x.fits"], "the header promises"),
        ([whole, "other.tsv", "x.fits"], "only catalogs made alike"),
        ([whole, whole, "x.fits"], "as another catalog does"),
        (["odd.tsv", "x.fits"], "there is no column 'right'"),
        (["plain.txt", "x.fits"], "is no catalog"),
        (["nowhere.tsv", "x.fits"], "cannot read 'nowhere.tsv'"),
        ([whole, "x.docx"], "ends in none of"),
        ([whole, whole], "would replace what is read"),
        (["foreign.fits", "back.tsv"], "not written by this program"),
        ([whole, "http://127.0.0.1/x.fits"], "http"),
    ):
        assert main(words) == 2, words
        assert said in capsys.readouterr().err, words
    assert not (tmp_path / "x.fits").exists()


@pytest.mark.parametrize("ending", [".fits", ".parquet", ".vot"])
def test_pieces_of_any_size_are_the_same_table(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(typed_rows, "_AT_ONCE", 3000)
    epochs_about("ra 0", tmp_path, {"all.tsv": 6})
    assert main([str(tmp_path / "all.tsv"), str(tmp_path / f"small{ending}")]) == 0
    monkeypatch.undo()
    assert main([str(tmp_path / "all.tsv"), str(tmp_path / f"large{ending}")]) == 0
    one, other = (Table.read(tmp_path / f"{name}{ending}", **({"hdu": 1} if ending == ".fits" else
                             {"table_id": 0} if ending == ".vot" else {}))
                  for name in ("small", "large"))
    assert len(one) > 500
    for name in one.colnames:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("ending, pyarrow", [(".fits", True), (".fits", False), (".parquet", True)])
def test_what_is_wider_in_later_rows_is_whole(ending, pyarrow, tmp_path, monkeypatch):
    """Types are those of all rows, though they are looked for in the first."""
    number = 40
    rows = {"ra": np.arange(number) / 7, "dec": np.zeros(number)}
    faint, bright = (np.full(number, value) for value in (np.float32(0.1), 1e40))
    write_detections(tmp_path / "all.tsv", {"a.fits": (rows | {"mag_auto": faint}, {}),
                                            "longer.fits": (rows | {"mag_auto": bright}, {})})
    monkeypatch.setattr(typed_rows, "_AT_ONCE", 500)
    if not pyarrow:
        monkeypatch.setattr(typed_rows, "arrow_table", lacking)
    whole = str(tmp_path / f"all{ending}")
    assert main([str(tmp_path / "all.tsv"), whole]) == 0
    assert main([whole, str(tmp_path / "back.tsv")]) == 0
    assert (tmp_path / "back.tsv").read_bytes() == (tmp_path / "all.tsv").read_bytes()
    if ending == ".fits":
        with fits.open(whole) as units:
            columns = units[1].columns
            assert columns["image"].format == "11A" and columns["mag_auto"].format == "D"


def test_light_curves_are_lists_beside_their_objects(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(typed_rows, "_AT_ONCE", 4000)
    objects, points = (str(folder / f"{name}.tsv") for name in ("objects", "points"))
    out = tmp_path / "both.parquet"
    assert main([objects, str(out), "--light-curves", points]) == 0
    table = parquet.read_table(out)
    assert table.schema.field("points_mjd").metadata[b"unit"] == b"d"
    cells, _ = text_of(folder / "points.tsv")
    for name, expected in cells.items():
        if name != "object":
            values = [one for row in table[f"points_{name}"].to_pylist() for one in row]
            kind = table.schema.field(f"points_{name}").type.value_type.to_pandas_dtype()
            agree([one if one is None or kind is np.object_ else kind(one) for one in values],
                  expected)
    assert [len(row) for row in table["points_mjd"].to_pylist()] == table["detections"].to_pylist()
    assert np.repeat(table["object"].to_pylist(), table["detections"]).tolist() == list(
        cells["object"])
    assert main([str(out), str(tmp_path / "back.tsv")]) == 0
    assert (tmp_path / "back.tsv").read_bytes() == (folder / "objects.tsv").read_bytes()
    other = tmp_path / "other.tsv"
    lines = (folder / "points.tsv").read_text().splitlines(keepends=True)
    other.write_text("".join([*lines[:-1], "0" + lines[-1]]))
    capsys.readouterr()
    for words, said in (
        ([objects, str(out), "--light-curves", objects], "is no catalog of light curves"),
        ([points, str(out), "--light-curves", points], "is no catalog of objects"),
        ([objects, str(out), "--light-curves", str(other)], "both must be of one run"),
        ([objects, "x.fits", "--light-curves", points], "--light-curves is for .parquet"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def lacking(*_):
    raise ModuleNotFoundError(name="pyarrow")
