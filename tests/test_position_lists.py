"""Files with positions: nothing in them vanishes, and nothing is taken for something else."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import ascii, fits
from astropy.table import Table
from conftest import LAUNCHER, command, job

from mr_extract import Config, extract
from mr_extract.lists.association import known_from
from mr_extract.lists.reading import read_table
from mr_extract.lists.targets import targets_from
from mr_extract.remarks import as_cell, hearing
from mr_extract.sextractor.identities import in_fits, in_text

STARS = [("a", 41.0, 51.0, 15.0), ("b", 71.0, 21.0, 16.0)]


def targets(text):
    """Return ids, positions and what was said of a list."""
    with hearing() as said:
        made = targets_from(read_table(text.encode()))
    return made.ids, list(zip(made.first.tolist(), made.second.tolist())), as_cell(said)


def known(text, **settings):
    with hearing() as said:
        made = known_from(read_table(text.encode()),
                          Config().updated(assoc="list", **settings).association)
    return list(zip(made.first.tolist(), made.second.tolist())), as_cell(said), made


# ---- cells

@pytest.mark.parametrize("text, said", [
    ("id,ra,dec\na,abc,2\nb,1,2\n", "row 1 has 'abc' in column 'ra', which is no number"),
    ("id,ra,dec\na,1,2\nb,10:00:00,2\n", "row 2 has '10:00:00'.*those before it are"),
    ("id,ra,dec\na,1,2\nb,1\n", "row 2 has 2 cells, not 3"),
    ("id,ra,dec\na,1,2,3\n", "row 1 has 4 cells, not 3"),
    ("ra,ra,dec\n1,2,3\n", "2 columns called 'ra'"), ("ra,RA,dec\n1,2,3\n", "2 columns"),
    ("id,ra,x,y\na,1,2,3\n", "it has ra, which is no pair"),
    ("id,ra,RAJ2000,dec_deg\na,1,2,3\n", "no pair"),
    ("1 2\n3 4\n", "its columns have no names"),
])
def test_a_list_that_cannot_be_used_says_where(text, said):
    with pytest.raises(ValueError, match=said):
        targets(text)


@pytest.mark.parametrize("cell", ["", "nan", "null", "N/A", "--", "INDEF"])
def test_rows_without_a_position_are_counted(cell):
    ids, places, said = targets(f"id,ra,dec\na,1,2\nb,{cell},2\nc,1,{cell}\n")
    assert ids == ["a", "b", "c"] and places[0] == (1.0, 2.0)
    assert np.isnan(places[1][0]) and np.isnan(places[2][1])
    assert said == "rows-passed-over:rows without a position: 2 of 3, the first is row 2"


def test_a_whole_list_says_nothing():
    assert targets("id,ra,dec\na,1,2\n")[2] == ""
    assert known("1 42 52 15\n")[1] == ""


def test_a_number_that_is_handed_on_is_a_number_or_missing():
    text = "id,x,y,kind\na,41,51,star\n"
    with pytest.raises(ValueError, match="row 1 has 'star' in column 'kind'"):
        known(text, assoc_data="kind")
    assert np.isnan(known(text.replace("star", ""), assoc_data="kind")[2].data).all()


# ---- first rows

def test_a_first_row_with_an_id_is_a_row():
    places, _, made = known("s1 42 52 15\ns2 72 22 16\n")
    assert places == [(41.0, 51.0), (71.0, 21.0)] and made.ids == ["s1", "s2"]


def test_names_with_numbers_beside_positions_are_names():
    assert targets("x,y,1,2\n41,51,0,0\n")[1] == [(41.0, 51.0)]


COMMENTS = {
    "none": "", "words": "# 57 stars of field A\n", "one": "# 1 star of field A\n",
    "X": "# 1 ID\n# 2 X\n# 3 Y\n# 4 MAG\n",
    "both": "# 3 stars of field A\n# 1 ID\n# 2 X\n# 3 Y\n# 4 MAG\n# 2 of them bright\n",
    "as the program": "#   1 NUMBER  Running number\n#   2 X_IMAGE  Position  [pixel]\n"
                      "#   3 Y_IMAGE  Position  [pixel]\n#   4 MAG_AUTO  Magnitude [mag]\n",
}


@pytest.mark.parametrize("kind", COMMENTS)
def test_comments_move_no_column_that_is_given_by_number(kind):
    rows = "1 42 52 15\n2 72 22 16\n"
    places, said, made = known(COMMENTS[kind] + rows, assoc_params="2,3,4")
    assert places == [(41.0, 51.0), (71.0, 21.0)] and said == "" and made.ids == ["1", "2"]
    if kind not in ("X", "both"):  # there the names are columns x and y, the first pixel 0
        assert known(COMMENTS[kind] + rows)[0] == places


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("kind", COMMENTS)
def test_a_list_of_a_configuration_is_read_as_the_program_reads_it(tmp_path, kind):
    image = np.random.default_rng(1).normal(0, 1, (100, 100))
    image[50:53, 40:43] += 50
    image[20:23, 70:73] += 80
    fits.writeto(tmp_path / "frame.fits", image.astype("f4"))
    (tmp_path / "list.txt").write_text(COMMENTS[kind] + "1 42 52 15\n#2 42 53 9\n3 72 22 16\n")
    (tmp_path / "a.param").write_text("X_IMAGE\nY_IMAGE\nVECTOR_ASSOC(1)\nNUMBER_ASSOC\n")
    (tmp_path / "a.sex").write_text(
        "PARAMETERS_NAME a.param\nFILTER N\nASSOC_NAME list.txt\nASSOC_RADIUS 0.9\n"
        "ASSOC_DATA 4\nCATALOG_NAME its.txt\nVERBOSE_TYPE QUIET\n")
    subprocess.run(["source-extractor", "frame.fits", "-c", "a.sex"], cwd=tmp_path, check=True,
                   capture_output=True)
    its = ascii.read(tmp_path / "its.txt", format="no_header")
    run = job("frame.fits", "--config", "a.sex", "--catalog-type", "ascii", "--catalog", "ours/",
              cwd=tmp_path)
    assert run.status == 0, run.err
    ours = ascii.read(tmp_path / "ours" / "frame.cat", format="no_header")
    assert sorted(ours["col3"]) == sorted(its["col3"]) == [15.0, 16.0]
    accounts = (tmp_path / "ours" / "accounts.tsv").read_text()
    assert "remarks=rows-passed-over:list: comments that look like rows: 1, the" in accounts


# ---- rows behind #

@pytest.mark.parametrize("text", [
    "id,x,y\n#1,41,51\n2,71,21\n", "id\tx\ty\n#1\t41\t51\n#2\t71\t21\n",
    "name x y\n#1 41 51\nb 71 21\n", "id,x,y\n1,41,51\n#2,71,\n",
    "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: string}\n"
    "# - {name: x, datatype: float64}\n# - {name: y, datatype: float64}\nid x y\n#a 1 2\nb 3 4\n",
])
def test_an_id_that_begins_with_a_comment_sign_is_refused(text):
    with pytest.raises(ValueError, match="begins with # and looks like a row"):
        targets(text)


def test_in_quotes_it_is_read():
    assert targets('id,x,y\n"#1",41,51\n2,71,21\n')[:2] == (["#1", "2"],
                                                            [(41.0, 51.0), (71.0, 21.0)])
    text = ('# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: string}\n'
            '# - {name: x, datatype: float64}\n# - {name: y, datatype: float64}\n'
            'id x y\n"#a" 1 2\nb 3 4\n')
    assert targets(text)[0] == ["#a", "b"]


@pytest.mark.parametrize("text, count", [
    ("x,y\n41,51\n#71,21\n", 1), ("ra dec id\n1 2 a\n#3 4 b\n# 5 6 c d\n", 1),
])
def test_rows_that_were_taken_out_are_said(text, count):
    said = targets(text)[2]
    assert said.startswith(f"rows-passed-over:comments that look like rows: {count}, the first")


def test_words_in_comments_are_no_rows():
    text = "# made by hand, 2020, x\nid,x,y\n# see the notes, page, two\n1,41,51\n"
    assert targets(text) == (["1"], [(41.0, 51.0)], "")


def test_a_table_of_vizier_is_read_without_its_lines_of_units_and_dashes():
    rows = "10.5\t-1.25\tHD 1\n11\t2\tHD 2\n"
    names = "#RESOURCE\n#Column\tRAJ2000\t(F10.6)\n\nRAJ2000\tDEJ2000\tName\n"
    for units, turn in (("deg\tdeg\t \n", 1.0), ("hourangle\tdeg\t\n", 15.0), ("", 1.0)):
        ids, places, said = targets(names + units + "-----\t-----\t----\n" + rows)
        assert np.allclose(places, [(10.5 * turn, -1.25), (11.0 * turn, 2.0)], rtol=1e-14)
        assert ids == ["HD 1", "HD 2"] and said == ""
    with pytest.raises(ValueError, match="row 1 has 'deg' in column 'RAJ2000'"):
        targets(names + "deg\tdeg\t \n" + rows)


def test_columns_that_are_named_as_on_the_sky_are_on_it():
    text = "id,RA,DEC,mag\na,150,2,15\n"
    assert known(text, assoc_params="RA,DEC,mag")[2].sky
    assert known(text, assoc_params="2,3,4")[2].sky
    assert not known(text, assoc_params="2,3", assoc_coord="pixel")[2].sky


@pytest.mark.parametrize("text", ["", "# nothing\n", "# 57 stars\n", "# 1 star\n"])
def test_a_list_of_comments_is_empty(text):
    assert len(known(text)[2].ids) == 0


# ---- the catalog of a job

@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A frame with two stars, and lists of odd ids."""
    folder = tmp_path_factory.mktemp("lists")
    image = np.random.default_rng(1).normal(0, 1, (100, 100))
    image[50:53, 40:43] += 50
    image[20:23, 70:73] += 80
    fits.writeto(folder / "frame.fits", image.astype("f4"))
    (folder / "list.txt").write_text("frame.fits\n")
    (folder / "odd.csv").write_text(
        'id,x,y\nNGC 1234,41,51\n,71,21\n-,10,10\nα Cen,20,20\n"#5",30,30\n50%,40,20\nlost,,1\n')
    return folder


IDS = ["NGC 1234", "", "-", "α Cen", "#5", "50%"]


def test_what_is_passed_over_is_on_the_line_of_every_runner(field):
    runs = [job("-r", runner, "list.txt", "--forced", "odd.csv", cwd=field)
            for runner in ("inline", "local")]
    mapped = command([sys.executable, LAUNCHER, "--mapper", "--forced", "odd.csv"],
                     stdin=b"frame.fits\n", cwd=field)
    reduced = command([sys.executable, LAUNCHER, "--reducer", "--forced", "odd.csv"],
                      stdin=mapped.out, cwd=field)
    assert runs[0].status == 0 and runs[0].out == runs[1].out
    remark = ("no-sky-positions;rows-passed-over:targets: rows without a position: 1 of 7, "
              "the first is row 7")
    for out in (runs[0].out, reduced.out):
        assert f"\tremarks={remark}".encode() in out
    table = extract(field / "frame.fits", forced=field / "odd.csv")
    assert table.meta["remarks"] == remark


@pytest.mark.parametrize("kind", ["ascii", "ascii_head", "fits_1.0", "fits_ldac"])
def test_an_id_moves_no_column_and_keeps_its_letters(field, kind):
    run = job("list.txt", "--forced", "odd.csv", "--apertures", "5", "--names", "sextractor",
              "--columns", "TARGET,X_IMAGE,FLUX_APER", "--catalog-type", kind, "--catalog",
              f"{kind}/", cwd=field)
    assert run.status == 0, run.err
    path = field / kind / "frame.cat"
    if kind.startswith("ascii"):
        table = ascii.read(path, format="sextractor" if kind == "ascii_head" else "no_header")
        ids = ["NGC%201234", "-", "%2D", "α%20Cen", "%235", "50%"]
    else:
        table = Table.read(path, hdu=1 if kind == "fits_1.0" else 2)
        ids = ["NGC 1234", "", "-", "%CE%B1 Cen", "%235", "50%"]
    target, x = (table[name] for name in table.colnames[:2])
    assert [str(one) if one is not np.ma.masked else "" for one in target] == ids
    assert x.tolist() == [42.0, 72.0, 11.0, 21.0, 31.0, 41.0]


def test_unmatched_sources_have_all_their_columns(field):
    (field / "one.csv").write_text("id,x,y\nNGC 1,41,51\n")
    run = job("list.txt", "--assoc", "one.csv", "--assoc-selection", "all", "--names",
              "sextractor", "--columns", "ASSOC_ID,X_IMAGE", "--catalog-type", "ascii_head",
              "--catalog", "assoc/", cwd=field)
    assert run.status == 0, run.err
    table = ascii.read(field / "assoc" / "frame.cat", format="sextractor")
    assert sorted(table["ASSOC_ID"]) == ["-", "NGC%201"]
    assert sorted(table["X_IMAGE"].round()) == [42.0, 72.0]


def test_ids_stay_apart():
    odd = np.array([*IDS, "α", "a\u00a0b", "a b"])
    for spelled in (in_text(odd), in_fits(odd).tolist()):
        assert len(set(spelled)) == len(odd)
    assert not any(text.split() != [text] for text in in_text(odd))


# ---- tables in FITS

def at(path):
    image = np.random.default_rng(1).normal(0, 1, (100, 100))
    return extract(image, forced=str(path))


def test_a_column_of_vectors_is_no_position(tmp_path):
    columns = [fits.Column("X_IMAGE", "2E", array=[[42, 1], [72, 1]]),
               fits.Column("Y_IMAGE", "E", array=[52, 22])]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "l.fits")
    with pytest.raises(ValueError, match="'X_IMAGE' holds 2 values a row"):
        at(tmp_path / "l.fits")


@pytest.mark.parametrize("unit", ["hourangle", "rad"])
def test_tunit_counts(tmp_path, unit):
    turn = {"hourangle": 15.0, "rad": 180.0 / np.pi}[unit]
    columns = [fits.Column("ra", "D", unit=unit, array=[150.0 / turn]),
               fits.Column("dec", "D", unit="deg", array=[2.0])]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "l.fits")
    made = targets_from(read_table((tmp_path / "l.fits").read_bytes()))
    assert np.isclose(made.first[0], 150.0, rtol=1e-14) and made.second[0] == 2.0


def test_tnull_is_no_position_and_an_ascii_table_is_read(tmp_path):
    columns = [fits.Column("x", "J", null=-99, array=[41, -99]),
               fits.Column("y", "J", array=[51, 21])]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "l.fits")
    assert at(tmp_path / "l.fits")["x"].tolist() == [41.0]
    columns = [fits.Column("x", "F8.2", array=[41.0]), fits.Column("y", "F8.2", array=[51.0])]
    fits.TableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    assert at(tmp_path / "a.fits")["x"].tolist() == [41.0]


def test_a_damaged_table_is_a_bad_list(field):
    Table({"x": np.arange(2000.0), "y": np.arange(2000.0)}).write(field / "l.fits",
                                                                  overwrite=True)
    (field / "cut.fits").write_bytes((field / "l.fits").read_bytes()[:9000])
    run = job("list.txt", "--forced", "cut.fits", cwd=field)
    assert run.status == 2 and run.err.count("\n") == 1
    assert "cut.fits: astropy cannot read it as FITS" in run.err
