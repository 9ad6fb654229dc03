"""Claims about the memory of a task: what one image has freed the next one gets."""

import sys

import pytest
from conftest import ROOT, command

IMAGES = """
import resource
import sys
import threading

import numpy as np

from mr_extract.jobs.task.kept_memory import keep_freed_memory


def image():
    file = np.ones(6 << 20, np.uint8)
    data = file[: 3 << 20].astype(np.float32)
    other = np.ones(3 << 20, np.float32)
    del file
    return data.size + other.size + np.ones(3 << 20, np.int32).size


def images(number):
    thread = threading.Thread(target=lambda: [image() for _ in range(number)])
    thread.start()
    thread.join()
    for _ in range(number):
        image()


if sys.argv[1] == "keep":
    assert keep_freed_memory()
images(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
images(3)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.needs("glibc")
def test_the_pages_of_one_image_serve_the_next():
    given_back, kept = (
        int(command([sys.executable, "-c", IMAGES, word], cwd=ROOT).lines[0])
        for word in ("give back", "keep"))
    # Of an image at least the 12 MB of its pixels, in pages of 4 kB, would come anew.
    assert kept < 3000 < given_back
