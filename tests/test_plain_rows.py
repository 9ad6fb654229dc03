"""Claims about text that is read in bulk: it is what reading it cell by cell gives."""

import numpy as np
import pytest

from mr_extract.columns.column import Column
from mr_extract.tables import delimited
from mr_extract.tables.delimited import DelimitedTable
from mr_extract.tables.pieces import Text
from mr_extract.text.arrow_rows import arrow_table, bytes_in
from mr_extract.text.plain_rows import plain_rows
from mr_extract.text.rows import format_table, parse_rows

HEAD = "id,ra,name\n"
PLAIN = {
    "numbers": "1,2.5,a b\n2,-0.0,c\n",
    "no line end": "1,2.5,a\n2,3,b",
    "carriage returns": "1,2.5,a\r\n2,3,b\r\n",
    "nan": "nan,nan,nan\n1,2,3\n",
    "long ids": "123456789012345678,1,a\n2,2,b\n",
    "all digits": "5,83.6331234567891,a\n6,0.1,b\n",
    "more digits than float64 has": "5,83.63312345678912345,a\n6,0.1,b\n",
    "exponents": "5,1.2345678901234567e-07,a\n6,1e+16,b\n7,1E5,c\n",
    "words among numbers": "5,true,a\n6,[1,b\n",
}
ODD = {
    "quotes": '1,2,a\n3,4,"b,\nc"\n5,6,d\n',
    "spaces": "1, 2,a \n",
    "empty cells": "1,,\n2,3,b\n",
    "blank lines": "1,2,a\n\n3,4,b\n",
    "comments": "1,2,a\n#3,4,b\n5,6,c#\n",
    "carriage returns alone": "1,2,a\r3,4,b\r",
    "tabs": "1,2,a\tb\n",
    "letters": "1,2,\u00e4\n",
    "controls": "1,2,a\x1fb\n",
}


def read(path, text):
    """What a table gives, and whether any of it was taken as the text that it is."""
    path.write_bytes(text.encode())
    table = DelimitedTable(str(path), ",")
    pieces = list(table.pieces(table.names))
    kinds = {name: {piece.kind(name) for piece in pieces} for name in table.names}
    return (b"".join(piece.text(table.names) for piece in pieces),
            b"".join(piece.text(["name", "id"]) for piece in pieces), kinds,
            any(isinstance(piece, Text) for piece in pieces))


@pytest.mark.parametrize("what", [*PLAIN, *ODD])
def test_delimited_text_is_the_same_in_bulk_and_cell_by_cell(tmp_path, monkeypatch, what):
    text = HEAD + (PLAIN | ODD)[what]
    if what == "carriage returns alone":
        text = text.replace("\n", "\r")
    *bulk, plain = read(tmp_path / "a.csv", text)
    assert plain == (what in PLAIN)
    monkeypatch.setattr(delimited, "text_of_others", lambda *_: None)
    *cells, plain = read(tmp_path / "a.csv", "\ufeff" + text)  # a mark that some editors leave
    assert bulk == cells and not plain


def test_what_follows_a_quote_is_read_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_AT_ONCE", 16)
    text = HEAD + PLAIN["numbers"] * 3 + ODD["quotes"] + PLAIN["numbers"] * 3
    whole, _, _, plain = read(tmp_path / "a.csv", text)
    assert plain and whole.count(b"\n") == 15 and b"\t4\tb,%0Ac\n" in whole


def test_rows_of_another_width_are_not_plain():
    names = ["a", "b"]
    assert len(plain_rows(b"1\t2\n3\t4\n", names)) == 2
    for rows in (b"1\t2\t3\n4\n", b"1\n2\t3\t4\n", b"1\t2\n3\n", b"\t1\n2\t3\n", b"1\t2 \n3\t4\n"):
        assert plain_rows(rows, names) is None


def drawn(rng, count):
    """Columns of all types, with what is rare."""
    single = rng.normal(size=count).astype(np.float32)
    single[:6] = [7.038531e-26, np.nan, 0.0, 1.2e-40, 3.4e38, -0.0]
    double = 10.0 ** rng.uniform(-300, 300, count)
    double[:3] = [np.nan, -0.0, 5e-324]
    return {"name": np.array([f"star {k}" for k in range(count)]),
            "f4": single, "f8": double, "i4": rng.integers(-2**31, 2**31, count).astype(np.int32)}


COLUMNS = {name: Column(name, {"name": "str"}.get(name, name), "", "", "", "", "")
           for name in ("name", "f4", "f8", "i4")}


@pytest.mark.parametrize("wide", [False, True])
def test_pyarrow_has_the_numbers_of_the_parser(wide):
    pytest.importorskip("pyarrow")
    columns = drawn(np.random.default_rng(3), 500)
    text = format_table(columns)
    if wide:
        text += b"far\t1e-42\t1\t2\nfarther\t-9.1e40\t1\t2\n"
    theirs = parse_rows(text.splitlines(), COLUMNS)
    ours = arrow_table(text, COLUMNS)
    assert theirs["f4"].dtype == (np.float64 if wide else np.float32)
    for name in ("f4", "f8", "i4"):
        found = ours.column(name).to_numpy()
        assert found.dtype == theirs[name].dtype and found.tobytes() == theirs[name].tobytes()
    assert (np.char.decode(bytes_in(ours.column("name")), "utf-8") == theirs["name"]).all()
    assert not wide or ours.column("f8").null_count == 1


@pytest.mark.parametrize("cells", [b"1\t2", b"x\t2\t3", b"1\t2\t3.5", b"1\t2\tnan", b"1\t2\t3\t4"])
def test_pyarrow_takes_no_cell_that_is_not_of_its_column(cells):
    pytest.importorskip("pyarrow")
    assert arrow_table(b"b\t1\t2\t3\n", COLUMNS) is not None
    assert arrow_table(b"a\t" + cells + b"\n", COLUMNS) is None
