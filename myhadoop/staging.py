"""Put images into HDFS, packed, then run a command: ``python -m myhadoop.staging LIST COMMAND``.

They are at `STAGED`, for ``--packed``. What an earlier job has put there of the same list stays.
"""

import hashlib
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from mr_extract import storage
from mr_extract.failures import ImageFailure
from myhadoop.setups import STAGED
from myhadoop.telling import say

_DIGEST = f"{STAGED}/_list.sha256"  # written last


def stage(manifest: str) -> None:
    """Pack the images of a manifest into `STAGED`, unless they are there.

    Images that cannot be had are packed as failures, which the job will tell.

    Raises
    ------
    RuntimeError
        When the list cannot be read, those of another list are there, or packing fails.
    mr_extract.failures.ImageFailure
        When HDFS does not answer.
    """
    try:
        digest = hashlib.sha256(Path(manifest).read_bytes()).hexdigest().encode()
    except OSError as error:
        raise RuntimeError(f"--stage {manifest}: {error.strerror}") from None
    if _is_there(storage.stat, _DIGEST):
        if storage.read(_DIGEST) != digest:
            raise RuntimeError(f"{STAGED} holds the images of another list than {manifest}; to "
                               f"have them replaced: hadoop fs -rm -r {STAGED}")
        say(f"the images are in {STAGED} already")
        return
    if _is_there(lambda uri: next(storage.list_files(uri)), STAGED):  # of a job that broke off
        subprocess.run(["hadoop", "fs", "-rm", "-r", "-skipTrash", STAGED], check=True,
                       stdout=subprocess.DEVNULL)
    status = subprocess.call([sys.executable, "-m", "preprocess", "pack", manifest, "-o", STAGED,
                              "--format", "as-is"])
    if status not in (0, 1):  # 1: some are failures
        raise RuntimeError(f"the images of {manifest} could not be put into HDFS")
    storage.write(_DIGEST, BytesIO(digest))


def _is_there(look, uri):
    try:
        look(uri)
    except StopIteration:
        return False
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise
        return False
    return True


def main(words: list[str]) -> None:
    """Stage the images of a list, and become the command."""
    manifest, *command = words
    try:
        stage(manifest)
    except RuntimeError as error:
        sys.exit(f"myhadoop: {error}")
    except ImageFailure as failure:
        sys.exit(f"myhadoop: {STAGED}: {failure.kind}: {failure.message}")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"myhadoop: {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
