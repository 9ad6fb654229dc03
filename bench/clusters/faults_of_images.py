"""Images that hang, outgrow or kill the task that measures them."""

import signal

import numpy as np

from bench.clusters.deadly_places import kills, kills_all_around
from bench.clusters.fault_bench import OPTIONS, what_dies
from bench.clusters.jobs_to_hit import WORKER, kill


@what_dies("an image that hangs the process that measures it, `--image-timeout 20`")
def hanging_image(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(next(iter(lab.wait_for(WORKER))), signal.SIGSTOP)

    done = bench.lab.run(*OPTIONS, "--image-timeout", "20", bench.manifest, fault=fault)
    if list(done.failures.values()) != ["timeout"]:
        return done, "WRONG"
    return done, bench.expects_all_but(done, done.failures)


@what_dies("an image larger than its container")
def memory(bench):
    manifest = bench.list_of("memory.txt", more=[f"{huge_image(bench)}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*OPTIONS, manifest)
    return done, bench.expects_all_but(done, {"huge": "memory"})


@what_dies("the same without our limit (`--image-memory 0`): YARN kills the container, each time")
def memory_of_yarn(bench):
    manifest = bench.list_of("memory.txt", more=[
        f"{noisy(huge_image(bench))}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*OPTIONS, "--image-memory", "0", manifest)
    return done, bench.expects_all_but(done, {"huge": "killed"})


def huge_image(bench, width=16000, height=16000):
    """Write an image of half a gigabyte that takes no room on the disk: it is all zeros."""
    cards = ("SIMPLE  =                    T", "BITPIX  =                   16",
             "NAXIS   =                    2", f"NAXIS1  = {width:>20}", f"NAXIS2  = {height:>20}",
             "END")
    path = bench.lab.folder / "huge.fits"
    with open(path, "wb") as file:
        file.write("".join(card.ljust(80) for card in cards).encode().ljust(2880))
        file.truncate(2880 + -(-2 * width * height // 2880) * 2880)
    return path


def noisy(path):
    """Give the huge image pixels, and return its path.

    YARN looks twice: what is all zeros would be done by then.
    """
    noise = np.random.default_rng(1).normal(0, 100, (100, 16000)).astype(">i2").tobytes()
    with open(path, "r+b") as file:
        file.seek(2880)
        file.write(160 * noise)
    return path


def _deadly(bench, deed, name):
    """Return a manifest with an image at which tasks die, and see to it that they do."""
    frame = bench.frames[0].name
    bench.places.deeds[frame] = deed
    return bench.list_of(f"{name}.txt", more=[
        f"{bench.places.url}/{frame}\tid=deadly\tbytes=400000"])


@what_dies("an image at which the mapper dies, each time (`--max-failures 1`)")
def poison(bench):
    done = bench.lab.run(*OPTIONS, "--max-failures", "1", _deadly(bench, kills, "poison"))
    return done, bench.expects_all_but(done, {"deadly": "killed"}, status=0)


@what_dies("an image at which the whole container is killed, each time (`--max-failures 1`)")
def poisoned_container(bench):
    manifest = _deadly(bench, kills_all_around, "container")
    done = bench.lab.run(*OPTIONS, "--max-failures", "1", manifest)
    return done, bench.expects_all_but(done, {"deadly": "killed"}, status=0)
