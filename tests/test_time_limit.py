"""Calls that are given up."""

import threading

import pytest

from mr_extract.storage.time_limit import within


def test_a_call_returns_or_raises_what_it_would():
    assert within(60, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(60, divmod, 1, 0)


def test_a_call_that_waits_for_ever_is_given_up_and_the_next_is_not_kept_waiting():
    never, ended = threading.Event(), threading.Event()

    def wait():
        never.wait()
        ended.set()

    with pytest.raises(TimeoutError):
        within(0.05, wait)
    assert within(60, lambda: "next") == "next"
    assert not ended.is_set()
    never.set()
    assert ended.wait(60)
    assert within(60, lambda: "after") == "after"


def test_one_thread_makes_many_calls_in_turn():
    within(60, str)
    assert len({within(60, threading.get_ident) for _ in range(20)}) == 1
