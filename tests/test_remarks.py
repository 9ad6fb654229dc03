"""What is said of an image: heard, repeated, written and read again."""

import pytest

from mr_extract.remarks import RemarkWarning, about, as_cell, hearing, parse_cell, repeat, say


def test_what_is_said_is_heard_once_and_in_any_order_the_same():
    cells = []
    for details in (["GAIN = 'x'", "SATURATE = 0"], ["SATURATE = 0", "GAIN = 'x'", "GAIN = 'x'"]):
        with hearing() as said:
            for detail in details:
                say("unusable-card", detail)
        cells.append(as_cell(said))
    assert cells == ["unusable-card:GAIN = 'x';unusable-card:SATURATE = 0"] * 2


@pytest.mark.parametrize("detail", ["", "a;b", "50%;", "%3B", "a:b", "100%25"])
def test_a_cell_is_read_as_it_was_written(detail):
    with hearing() as said:
        say("unusable-card", detail)
    assert parse_cell(as_cell(said)) == [("unusable-card", detail)]
    assert parse_cell("") == []


def test_what_is_held_says_the_same_of_each_image_and_names_what_it_is():
    with hearing() as kept:
        say("unusable-card", "GAIN = 0")
    with hearing() as first:
        repeat(kept, "weight")
    with hearing() as second, about("weight"):
        say("unusable-card", "GAIN = 0")
    assert as_cell(first) == as_cell(second) == "unusable-card:weight: GAIN = 0"


def test_where_nobody_listens_it_is_a_warning():
    with pytest.warns(RemarkWarning, match="unusable-card: GAIN = 0"):
        say("unusable-card", "GAIN = 0")
    with pytest.raises(ValueError, match="unknown remark"):
        say("nonsense")
