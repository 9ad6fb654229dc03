"""Text between the parts: what is written is what is read, whatever it is."""

import itertools
import re
import subprocess

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mr_extract.columns.column import Column
from mr_extract.columns.table import COLUMNS
from mr_extract.failures import KINDS
from mr_extract.jobs.skeleton.expansion import FIRST, expands
from mr_extract.text import accounting, blocks
from mr_extract.text.balance import companions_of, size_of
from mr_extract.text.entry import Entry, escaped
from mr_extract.text.manifest import format_line, parse_line, read_entries
from mr_extract.text.plain_lines import plain_line
from mr_extract.text.rows import format_rows, parse_rows

MANY = settings(max_examples=300, deadline=None)

# ---- rows


def column(dtype):
    return Column("c", dtype, "", "", "", "", "")


SCHEMA = {"image": column("str"), "i": column("i4"), "f": column("f4"), "d": column("f8")}
WIDTHS = st.sampled_from([(np.uint32, np.float32, "f4"), (np.uint64, np.float64, "f8")])


def bit_patterns(unsigned, real):
    top = int(np.iinfo(unsigned).max)
    return st.lists(st.integers(0, top), min_size=1, max_size=30).map(
        lambda bits: np.array(bits, unsigned).view(real)
    )


def same_bits(one, other):
    nan = np.isnan(one)
    unsigned = np.dtype(f"u{one.dtype.itemsize}")
    return (np.isnan(other) == nan).all() and (
        one[~nan].view(unsigned) == other[~nan].view(unsigned)).all()


@MANY
@given(st.data())
def test_rows_give_back_every_bit(data):
    unsigned, real, code = data.draw(WIDTHS)
    values = data.draw(bit_patterns(unsigned, real))
    values = values[~np.isinf(values)]  # which a catalogue has no word for
    found = parse_rows(format_rows("a", {"c": values}).splitlines(True),
                       {"image": column("str"), "c": column(code)})["c"]
    assert found.dtype == values.dtype
    assert same_bits(values, found)


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_rows_give_back_the_extremes(real):
    info = np.finfo(real)
    values = np.array([0.0, -0.0, np.nan, info.max, info.min, info.tiny, info.smallest_subnormal,
                       -info.smallest_subnormal, info.eps, 1 / 3, 1e16, 123456789, 0.1, 1e-5, 1e22,
                       16777217, 7.038531e-26], real)
    found = parse_rows(format_rows("a", {"c": values}).splitlines(True),
                       {"image": column("str"), "c": column(f"f{info.bits // 8}")})["c"]
    assert same_bits(values, found)


def test_a_decimal_beside_the_middle_of_two_singles_goes_to_the_nearer():
    # By way of float64 it would land on the middle, and then on the even one: 7.0385313e-26.
    bits = np.array([0x15AE43FD, 0x15AE43FE], np.uint32).view(np.float32)
    rows = format_rows("a", {"c": bits})
    assert rows == b"a\t7.038531e-26\na\t7.0385313e-26\n"
    found = parse_rows(rows.splitlines(True), {"image": column("str"), "c": column("f4")})["c"]
    assert same_bits(bits, found)


@MANY
@given(st.data())
def test_numbers_have_no_digit_too_many(data):
    unsigned, real, _ = data.draw(WIDTHS)
    values = data.draw(bit_patterns(unsigned, real))
    values = values[np.isfinite(values)]
    cells = [line.split("\t")[1] for line in format_rows("a", {"c": values}).decode().splitlines()]

    def digits(text):
        return len(re.sub(r"[eE].*|[-+.]", "", text).strip("0"))

    for cell, value in zip(cells, values):
        # numpy's repr is the shortest decimal that gives the number back.
        assert digits(cell) == digits(np.format_float_scientific(value, unique=True)), cell


@MANY
@given(st.lists(st.tuples(
    st.integers(-2**31, 2**31 - 1), st.floats(width=32, allow_infinity=False),
    st.floats(allow_infinity=False)), max_size=20))
def test_rows_of_several_columns_keep_their_order(rows):
    columns = {name: np.array([row[k] for row in rows], SCHEMA[name].dtype)
               for k, name in enumerate("ifd")}
    text = format_rows("night 1/é.fits", columns)
    assert text.count(b"\n") == len(rows) and b"\r" not in text
    found = parse_rows(text.splitlines(True), SCHEMA)
    assert (found["image"] == "night 1/é.fits").all()
    for name, values in columns.items():
        assert found[name].dtype == values.dtype
        assert same_bits(values.astype("f8"), found[name].astype("f8"))


def test_a_row_with_a_cell_too_many_or_too_few_is_refused():
    for line in (b"a\t1\t2.0\n", b"a\t1\t2.0\t3.0\t4.0\n", b"\n"):
        with pytest.raises(ValueError, match="cells"):
            parse_rows([line], SCHEMA)


def test_no_column_is_of_a_type_that_rows_cannot_hold():
    assert {c.dtype for c in COLUMNS} == {"str", "i4", "f4", "f8"}


# ---- manifest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CLEAN = TEXT.map(lambda t: re.sub(r"[\t\n\r\0]", "", t).strip()).filter(bool)
# A path may end in an extension, as "[SCI]", which is then a field.
PATHS = CLEAN.filter(lambda t: not t.startswith(("#", "\ufeff")) and not t.endswith("]"))
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029#\"]")


@MANY
@given(PATHS, st.dictionaries(KEYS, TEXT.map(lambda t: re.sub(r"[\t\n\r\0]", "", t).strip()),
                              max_size=4))
def test_a_manifest_line_is_read_as_it_was_written(uri, fields):
    entry = Entry(uri, tuple(fields.items()))
    found = parse_line(format_line(entry).encode() + b"\n")
    assert (found.uri, found.fields) == (entry.uri, entry.fields)
    assert found.id == entry.id


LINES = st.one_of(
    st.binary(max_size=80), TEXT.map(str.encode),
    st.lists(st.sampled_from([b"a.fits", b"\t", b"=", b"id=", b"ext=1", b"#", b" ", b"\0", b"\xff",
                              b'"', b"\x85", b"\r", b"\xe2\x80\xa8", b"bytes=x", b"mask=m"]),
             max_size=8).map(b"".join),
)


@settings(max_examples=600, deadline=None)
@given(LINES)
@example(b"\xef\xbb\xbfa.fits")
@example(b"a.fits\tid=x\ty\tz=\xc2\x85\n")
@example(b"x" * 5000 + b"\xff")
def test_whatever_the_bytes_a_line_is_one_image_or_none(line):
    entry = parse_line(line)
    assert list(read_entries([line])) == ([] if entry is None else [entry])
    if entry is None:
        text = line.decode("utf-8-sig").strip()
        assert not text or text.startswith("#")
        return
    assert isinstance(entry, Entry) and entry.id
    assert not UNSAFE.search(entry.id)
    assert len(entry.id.splitlines()) == 1, "a reader of text sees one line"
    assert entry.id.encode().decode() == entry.id
    for name, value in entry.carried:
        assert not UNSAFE.search(name + value)
    # So that an id stands for itself when it is written again.
    assert escaped(entry.id) == entry.id


PIECES = st.lists(st.sampled_from([
    "a.fits", "s3://b/c.fits", "https://k@h/a", "?sig=a", "%20", "[2]", "[0:9,0:9]", "]", "\t", "=",
    "\tbytes=12", "\tbytes=0", "\tbytes=1_0", "\tbytes=", "\tfilter=r", "\tbtyes=1", "\tflat=f",
    "\tid=x", "\tmask=m", "\tregion=0:9,0:9", "\tcatalogued=7", "\tmjd=5.5", "\tmjd=6",
    "\tsources=1", "\t1=2", " ", "#", '"', "\0", "\r", "\x7f", "\x85", "\n", "é", "\ufeff",
]), max_size=7).map("".join)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(PIECES.map(str.encode), LINES))
@example(b"a.fits\tbytes=9\tfilter=r\n")
@example(b"a.fits\tbytes=" + 20 * b"9")
@example(b"a.fits\tx.bytes=7\tn=8=9")
def test_a_plain_line_means_what_its_entry_does(line):
    plain, entry = plain_line(line), parse_line(line)
    if plain is not None:
        assert not entry.problem and not expands(entry, FIRST, None)
        assert plain.id == entry.id and plain.text == format_line(entry).encode()
        assert plain.size == size_of(entry) and companions_of(entry) is None


@pytest.mark.parametrize("line", [b"a.fits\n", b"/d/a.fits\tbytes=9\tfilter=r", b"s3://b/c%20.fz\n"])
def test_lines_of_which_there_are_millions_are_plain(line):
    assert plain_line(line)


def test_the_mark_that_some_editors_put_before_a_text_is_no_part_of_a_path():
    assert parse_line(b"\xef\xbb\xbfnight/a.fits\n").uri == "night/a.fits"
    assert parse_line(b"\xef\xbb\xbf# a comment\n") is None


# ---- accounting

IDS = TEXT.filter(bool).map(escaped).filter(bool)


@MANY
@given(IDS, st.dictionaries(KEYS, st.integers() | CLEAN.map(escaped), max_size=5),
       st.lists(st.tuples(KEYS, TEXT.map(escaped)), max_size=3))
def test_an_image_line_is_read_as_it_was_written(image_id, values, carried):
    facts = {"sources": 3, **values}
    line = accounting.image_line(image_id, facts, carried)
    found = accounting.parse_account(line.encode())
    assert (found.id, found.kind) == (image_id, "")
    want = {name: str(value) for name, value in [*facts.items(), *carried]}
    assert found.values == want
    assert line.startswith("#image\t") and line.count("\n") == 1
    assert line.count("\n") == 1 and line.endswith("\n")


@MANY
@given(IDS, st.sampled_from(sorted(KINDS)), TEXT)
def test_an_error_line_is_read_as_it_was_written(image_id, kind, message):
    line = accounting.error_line(image_id, kind, message)
    found = accounting.parse_account(line)
    assert (found.id, found.kind, found.message) == (image_id, kind, escaped(message))
    assert len(line.splitlines()) == 1


@given(TEXT)
def test_what_is_no_account_is_refused(text):
    for line in ("", text.replace("#", ""), "#image", "#error\ta\tb", "#error\ta\tb\tc\td"):
        with pytest.raises(ValueError):
            accounting.parse_account(line)
    with pytest.raises(ValueError, match="unknown failure kind"):
        accounting.error_line("a", "bad-luck", "")


# ---- blocks


@MANY
@given(IDS, IDS)
@example("a", "a ")
@example("a", "ab")
@example("Z", "a")
@example("é", "z")
@example("\uffff", "\U00010000")
def test_keys_are_in_the_order_of_the_bytes_of_ids(one, other):
    keys, names = (blocks.key(one), blocks.key(other)), (one.encode(), other.encode())
    assert (keys[0] < keys[1]) == (names[0] < names[1])
    assert (keys[0] == keys[1]) == (names[0] == names[1])


def other_locales():
    said = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False)
    names = said.stdout.split() or ["C"]
    wanted = [n for n in names if n in ("C", "C.utf8") or re.match(r"(en_US|de_|cs_|et_|da_)", n)]
    return wanted[:6] or ["C"]


@pytest.mark.parametrize("name", other_locales())
def test_sort_puts_keys_in_the_order_of_ids_in_every_locale(name):
    rng = np.random.default_rng(2)
    alphabet = list("abAB01.-_ /éñ~öß") + ["\U0001f30c"]
    ids = {"".join(rng.choice(alphabet, rng.integers(1, 8))) for _ in range(400)}
    lines = b"".join(blocks.key(i) + b"\t" + i.encode() + b"\n" for i in ids)
    done = subprocess.run(["sort"], input=lines, capture_output=True, check=True,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": name})
    found = [line.split(b"\t", 1)[1] for line in done.stdout.splitlines()]
    assert found == sorted(i.encode() for i in ids)


def block(seed, rows, image_id="a.fits"):
    rng = np.random.default_rng(seed)
    values = {"x": rng.normal(0, 1, rows), "y": rng.normal(0, 1, rows)}
    line = accounting.image_line(image_id, {"sources": rows})
    return line.encode() + format_rows(image_id, values)


LARGE = block(1, 90_000)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.data())
def test_a_block_survives_shuffling_and_repetition_but_not_the_loss_of_a_piece(random, data):
    assert len(LARGE) > 3_000_000
    values = blocks.pack(LARGE)
    assert len(values) > 3 and all(b"\n" not in value for value in values)
    assert max(map(len, values)) < 2 * blocks.CHUNK
    arrived = values + random.choices(values, k=random.randrange(4))
    random.shuffle(arrived)
    assert blocks.unpack(arrived) == LARGE
    lost = data.draw(st.sampled_from(values))
    assert blocks.unpack([value for value in arrived if value != lost]) is None


def test_a_piece_that_was_damaged_on_the_way_loses_the_block():
    values = blocks.pack(LARGE)
    values[1] = values[1].replace(b"1", b"2", 1)
    assert blocks.unpack(values) is None
    assert blocks.unpack([]) is None


def test_of_several_attempts_the_choice_does_not_depend_on_their_order():
    good, other = block(1, 5), block(2, 5)
    failures = [accounting.error_line("a.fits", kind, "").encode() for kind in ("timeout", "lost")]
    two_lines = accounting.error_line("a.fits", "duplicate-id", blocks.DUPLICATE).encode()
    one, another = ("a.fits", ""), ("b.fits", "id=a.fits")
    for attempts, meanings, allowed in (
        ([good, *failures], [one] * 3, {good}), ([good, good], [one] * 2, {good}),
        (failures, [one] * 2, set(failures)), ([good, other], [one] * 2, {good, other}),
        ([good, other], [one, another], {two_lines}), ([good, good], [one, another], {two_lines}),
        ([good, failures[0]], [one, another], {two_lines}),
    ):
        found = {
            blocks.unpack([v for text, meaning in order for v in blocks.pack(text, meaning)])
            for order in itertools.permutations(zip(attempts, meanings))
        }
        assert len(found) == 1 and found <= allowed
