"""The process that measures is asked for several images ahead, and each is answered for itself."""

from collections import Counter

import pytest
from conftest import module

from mr_extract.jobs.extract import WORK
from mr_extract.jobs.task.one_line import process
from mr_extract.jobs.task.supervisor import measure_supervised
from mr_extract.jobs.task.worker import opening
from mr_extract.jobs.task.worker_process import Worker
from mr_extract.settings.config import Config
from mr_extract.storage.access import Access
from mr_extract.text.entry import Entry

OPENING = opening(WORK, Config(), Access())
DEEDS = """
import os, signal, threading, time

def noted(id, noted, deeds):
    with open(noted, "a") as file:
        file.write(id + chr(10))
    deed = dict(one.split("=") for one in deeds.split(",")).get(id)
    if deed == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "hangs":
        time.sleep(600)
    if deed == "leaves":
        threading.Thread(target=time.sleep, args=(600,)).start()
    return {"pid": os.getpid()}
"""


@pytest.fixture
def frame(night):
    return str(min(night.glob("*.fits")))


def test_those_behind_one_that_dies_hangs_or_leaves_something_are_begun_once(frame, tmp_path):
    (tmp_path / "deeds.py").write_text(DEEDS)
    names = [f"image-{k:02d}" for k in range(24)]
    (tmp_path / "list.txt").write_text("".join(f"{frame}\tid={name}\n" for name in names))
    deeds = {names[0]: "dies", names[5]: "hangs", names[6]: "dies", names[12]: "leaves",
             names[23]: "dies"}
    run = module("jobs.apply", "list.txt", "--function", "deeds:noted", "-r", "local",
                 "--columns", "pid:i8", "--jobs", "1", "--image-timeout", "5",
                 "--param", f"noted={tmp_path / 'noted'}",
                 "--param", "deeds=" + ",".join(map("=".join, deeds.items())), cwd=tmp_path)
    kinds = {"dies": "killed", "hangs": "timeout", "leaves": ""}
    assert run.accounts() == {name: kinds.get(deeds.get(name), "") for name in names}, run.err
    begun = (tmp_path / "noted").read_text().split()
    assert Counter(begun) == {name: 2 if deeds.get(name) == "dies" else 1 for name in names}
    assert list(dict.fromkeys(begun)) == names
    pids = [line.split(b"\t")[1] for line in run.body.splitlines() if line.startswith(b"image-")]
    # 1 to 4, 7 to 12 with the thread that it left, and 13 to 22.
    assert list(Counter(pids).values()) == [4, 6, 10]


@pytest.mark.timeout(300)
def test_requests_and_answers_larger_than_a_pipe_do_not_wait_for_each_other(frame):
    # Of each image the answer fills a pipe, and so would the requests of all.
    entries = [Entry(frame, (("id", f"{k:03d}-" + "x" * 2000),)) for k in range(60)]
    found = list(measure_supervised([(entry, {}) for entry in entries], OPENING))
    assert [entry for entry, _ in found] == entries
    for entry, outcome in found[::20]:
        alone = process(entry, WORK, Config())
        assert outcome.block == alone.block and len(outcome.block) > 1 << 16


def test_files_are_handed_over_one_image_at_a_time_and_others_many(frame):
    worker, files = Worker(OPENING), {"memory://a": b"bytes"}
    entry, remote = Entry(frame, (("id", "a"),)), Entry("memory://a")
    try:
        assert worker.has_room_for(remote, files)
        worker.ask(remote, files)
        assert not worker.has_room_for(entry, {}) and not worker.has_room_for(remote, files)
        worker.answer()
        asked = 0
        while worker.has_room_for(entry, {}):
            worker.ask(entry, {})
            asked += 1
        assert 8 < asked < 100 and not worker.has_room_for(remote, files)
        blocks = {worker.answer(others=True).block for _ in range(asked)}
        assert len(blocks) == 1 and worker.has_room_for(remote, files)
    finally:
        worker.close()
