"""An image too large for its task is a failure of that image, and of no other."""

import resource
import subprocess
import sys

import pytest
from conftest import job

from mr_extract.jobs.extract import WORK
from mr_extract.jobs.task.fetching import fetch_ahead
from mr_extract.jobs.task.memory_limit import LEAST, MemoryLimit, container_size
from mr_extract.jobs.task.supervisor import measure_supervised
from mr_extract.jobs.task.worker import opening
from mr_extract.settings.config import Config
from mr_extract.storage.access import Access
from mr_extract.text.entry import Entry

MB = 1 << 20
OPENING = opening(WORK, Config(), Access())
CARDS = ("SIMPLE  =                    T", "BITPIX  =                   16",
         "NAXIS   =                    2", "NAXIS1  = {width:>20}", "NAXIS2  = {height:>20}", "END")


def huge_image(path, width=16000, height=16000):
    """Write an image that takes no room on the disk: half a gigabyte of zeros."""
    header = "".join(card.format(width=width, height=height).ljust(80) for card in CARDS)
    with open(path, "wb") as file:
        file.write(header.encode().ljust(2880))
        file.truncate(2880 + -(-2 * width * height // 2880) * 2880)
    return path


@pytest.fixture
def images(night, tmp_path):
    """Two small images with a huge one between them, as the driver orders them: by bytes."""
    small = sorted(map(str, night.glob("*.fits")))[:2]
    return [small[0], str(huge_image(tmp_path / "huge.fits")), small[1]]


def test_it_is_named_and_the_next_image_is_measured(images, tmp_path):
    manifest = tmp_path / "list.txt"
    manifest.write_text("".join(f"{image}\tbytes=1000\n" for image in images))
    clean = job(images[0], images[2])
    run = job("-r", "local", "--jobs", "1", "--image-memory", "400", manifest)
    assert run.status == 1 and "Traceback" not in run.err
    assert run.accounts() == {images[0]: "", images[1]: "memory", images[2]: ""}
    rows = [line for line in run.body.splitlines() if not line.startswith(b"#error")]
    assert rows == clean.body.splitlines()


def supervised(images, memory):
    entries = [Entry(image) for image in images]
    found = measure_supervised(fetch_ahead(entries), OPENING, memory=memory)
    return [outcome.kind for _, outcome in found]


def test_a_file_that_was_fetched_for_it_is_no_less_dangerous(images):
    """The process that measures finds no room for the bytes that it is handed."""
    files = [(Entry(f"s3://bucket/{k}"), {f"s3://bucket/{k}": open(image, "rb").read()})
             for k, image in enumerate(images)]
    outcomes = measure_supervised(files, OPENING, memory=MemoryLimit(400))
    assert [outcome.kind for _, outcome in outcomes] == ["", "memory", ""]


def test_what_no_limit_of_allocations_stops_is_seen_and_ended(images):
    class Watched(MemoryLimit):
        def set_for(self, pid):
            pass

    assert supervised(images, Watched(400)) == ["", "memory", ""]


def test_a_container_leaves_what_the_others_in_it_do_not_hold(tmp_path):
    """As in YARN: a session with another process, here one of 300 MB, above the mapper."""
    script = tmp_path / "task.py"
    script.write_text(
        "import os, subprocess, sys\n"
        "if sys.argv[1] == 'java':\n"
        "    held = b'x' * (300 << 20)\n"
        "    sys.exit(subprocess.call([sys.executable, sys.argv[0], 'mapper']))\n"
        "from mr_extract.jobs.task.memory_limit import MemoryLimit\n"
        "print(MemoryLimit(None, 1 << 30).room() >> 20, MemoryLimit(None, 1 << 28).room() >> 20)\n")
    run = subprocess.run([sys.executable, script, "java"], capture_output=True, text=True,
                         start_new_session=True, check=True)
    room, least = map(int, run.stdout.split())
    assert 1024 - 128 - 300 - 60 <= room <= 1024 - 128 - 300
    assert least == LEAST >> 20


def test_the_limit_is_that_of_the_option_or_of_a_container_of_yarn():
    task = {"CONTAINER_ID": "container_1_0001_01_000002", "mapreduce_map_memory_mb": "2048"}
    assert container_size(task) == (2048 * MB, 1)
    assert container_size({"mapreduce_map_memory_mb": "2048"}) == (0, 1)  # of mrjob's local runner
    assert not MemoryLimit(None, 0) and not MemoryLimit(0, 2048 * MB)
    assert MemoryLimit(300, 2048 * MB).room() == 300 * MB


def test_a_limit_that_is_there_already_stands():
    script = ("import resource, time; resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28));"
              "print('set', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        MemoryLimit(1000).set_for(process.pid)
        assert resource.prlimit(process.pid, resource.RLIMIT_DATA) == (1 << 28, 1 << 28)
        process.kill()
        process.wait()
    MemoryLimit(1000).set_for(process.pid)  # it is gone, and whoever waits for it is told


@pytest.mark.parametrize("given", ["-1", "1.5", "100", "much"])
def test_a_limit_that_is_none_is_refused(given):
    run = job("--image-memory", given, "list.txt")
    assert run.status == 2 and "--image-memory" in run.err
