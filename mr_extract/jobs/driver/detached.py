"""A driver that goes on when the terminal is gone, in a folder that keeps what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.record import DETACHED, FACTS, parse_record
from mr_extract.jobs.runners.import_path import import_path

if TYPE_CHECKING:
    from mr_extract.jobs.skeleton.image_job import ImageJob

OUTPUT, WORDS, _STATUS = "catalog", "words", "status"
_LOOK = 0.1  # seconds


def detach(job: ImageJob) -> int:
    """Start the driver of a job, print the job's name when its tasks begin, and return.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
        As it was told on its command line.

    Returns
    -------
    int
        0, or the exit status of a driver that ended before: its words are said.
    """
    if "-" in (job.options.args or ["-"]):
        complain("--detach needs the names of manifests: nobody will write to standard input")
        return 2
    folder = tempfile.mkdtemp(prefix="mr_extract-")
    with open(Path(folder, OUTPUT), "wb") as output, open(Path(folder, WORDS), "wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, *job.arguments],
            env={**os.environ, DETACHED: folder, "PYTHONPATH": import_path()},
            stdin=subprocess.DEVNULL, stdout=output, stderr=words, start_new_session=True)
    while process.poll() is None and not Path(folder, FACTS).exists():
        time.sleep(_LOOK)
    if not Path(folder, FACTS).exists():
        sys.stderr.write(Path(folder, WORDS).read_text(encoding="utf-8", errors="replace"))
        shutil.rmtree(folder)
        return process.wait()
    print(parse_record(Path(folder, FACTS).read_text(encoding="utf-8")).name)
    return 0


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of a driver: of a detached one within its own."""
    return tempfile.TemporaryDirectory(prefix="mr_extract-", dir=os.environ.get(DETACHED))


def status_of(folder: str) -> int | None:
    """Return the exit status of the driver of a folder, None where it has written none."""
    path = Path(folder, _STATUS)
    return int(path.read_text(encoding="ascii")) if path.exists() else None


def main() -> None:
    """Run a job with the arguments of the process, and note how it ended."""
    from mr_extract.jobs.skeleton.image_job import run

    folder, status = os.environ[DETACHED], 1
    sys.argv = [one for one in sys.argv if one != "--detach"]
    try:
        run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
        raise
    finally:
        unfinished = Path(folder, f".{_STATUS}")
        unfinished.write_text(str(status), encoding="ascii")
        unfinished.rename(Path(folder, _STATUS))


if __name__ == "__main__":
    main()
