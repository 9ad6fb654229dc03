"""What the tasks of a job wrote to Hadoop's file system, read to its end or not at all."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from time import sleep
from typing import TYPE_CHECKING, BinaryIO

from mr_extract.jobs.driver.gather import complain

if TYPE_CHECKING:
    from mrjob.runner import MRJobRunner

_READ_AGAIN = 5.0, 30.0  # seconds until it is read again: a node may come back


class BrokenOff(OSError):
    """What a job wrote could not be read to its end."""


def collect(runner: MRJobRunner, text: BinaryIO) -> None:
    """Write to a file what the tasks of a job wrote.

    Parameters
    ----------
    runner : mrjob.runner.MRJobRunner
        Whose job has ended well: all its output is there, unless a node is lost.
    text : binary file
        Empty.

    Raises
    ------
    BrokenOff
        When it could not be read, three times.
    """
    for pause in (*_READ_AGAIN, None):
        try:
            for chunk in runner.cat_output():
                text.write(chunk)
            return
        except BrokenOff as error:
            if pause is None:
                raise
            complain(f"{error}; it is read again in {pause:.0f} s")
            text.seek(0)
            text.truncate()
            sleep(pause)


def rescue(runner: MRJobRunner, text: BinaryIO) -> None:
    """Write to a file what the finished tasks of a failed job wrote, as far as it can be had."""
    try:
        for chunk in runner.cat_output():
            text.write(chunk)
    except BrokenOff:
        pass  # mostly as there is nothing; the job has failed, and that is told


def streamed(program: Sequence[str], pattern: str) -> Iterator[bytes]:
    """Yield the bytes of files of a Hadoop file system, one after the other.

    Parameters
    ----------
    program : list of str
        The command ``hadoop``.
    pattern : str
        URI of files, with wildcards.

    Yields
    ------
    bytes

    Raises
    ------
    BrokenOff
        When they cannot be read to their end.
    """
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen([*program, "fs", "-text", pattern], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=complaints)
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read(1 << 20):
                yield chunk
        finally:
            process.stdout.close()
            status = process.wait()
        if status:
            complaints.seek(0)
            words = complaints.read().decode(errors="replace").strip().splitlines()
            raise BrokenOff(f"reading {pattern} broke off: {words[-1] if words else status}")
