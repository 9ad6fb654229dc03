"""How long something is tried again, and what a server may ask for."""

import pytest
from remote_places import Clock

from mr_extract.failures import ImageFailure
from mr_extract.storage.connections import of_status, retry_after
from mr_extract.storage.faults import FIRST_WAIT, LONGEST_WAIT, Passing, retried


def tried(failures, budget, clock=None, chance=1.0, takes=0.0):
    """Raise the failures in turn, then return; give the result and the pauses."""
    clock, failures = clock or Clock(), iter(failures)

    def attempt():
        clock.now += takes
        for failure in failures:
            raise failure
        return "done"

    return retried(attempt, budget, clock.sleep, clock, lambda: chance), clock.pauses


def passing(**more):
    return Passing("fetch-failed", "it broke", **more)


def test_waits_double_up_to_a_limit():
    _, pauses = tried([passing() for _ in range(10)], 1000)
    assert pauses == [min(FIRST_WAIT * 2**n, LONGEST_WAIT) for n in range(10)]
    _, pauses = tried([passing() for _ in range(10)], 1000, chance=0.0)
    assert pauses == [min(FIRST_WAIT * 2**n, LONGEST_WAIT) / 2 for n in range(10)]


def test_a_wait_that_the_server_asks_for_is_kept():
    _, pauses = tried([passing(retry_after=7.0)], 10)
    assert pauses == [7.0]


def test_no_wait_is_begun_that_ends_beyond_the_budget():
    for failures, budget, words in (([passing(retry_after=11.0)], 10, "tried once"),
                                    ([passing()], 0, "tried once"),
                                    ([passing() for _ in range(99)], 1, "tried 3 times")):
        clock = Clock()
        with pytest.raises(ImageFailure, match=words) as caught:
            tried(failures, budget, clock)
        assert caught.value.kind == "fetch-failed" and clock.now <= 1000 + budget


def test_what_does_not_pass_is_not_tried_again():
    with pytest.raises(ImageFailure, match="no such file$"):
        tried([ImageFailure("fetch-not-found", "no such file")], 1000)


def test_time_in_which_bytes_came_is_not_of_the_budget():
    result, pauses = tried([passing(progress=500.0) for _ in range(5)], 10, takes=500.0)
    assert result == "done" and len(pauses) == 5
    with pytest.raises(ImageFailure):
        tried([passing(progress=400.0)], 10, takes=500.0)


@pytest.mark.parametrize(("value", "seconds"), [
    ("120", 120.0), (" 0 ", 0.0), ("Wed, 25 Nov 2026 08:00:30 GMT", 30.0),
    ("Wed, 25 Nov 2026 07:00:00 GMT", 0.0), ("soon", None), ("", None), ("-5", None),
    ("1" * 400, None),
])
def test_retry_after_in_seconds_or_as_a_date(value, seconds):
    headers = {"RETRY-After": value, "Date": "Wed, 25 Nov 2026 08:00:00 GMT"}
    assert retry_after(headers) == seconds
    assert of_status(503, headers).retry_after == seconds
    assert retry_after({}) is None
