"""Nodes without our Python: an archive of an environment travels with the job."""

import os
import subprocess
from collections.abc import Callable, Sequence

from mr_extract import storage
from mr_extract.jobs.runners.hadoop.shipping import ENVIRONMENTS, kept_name

AUTO = "auto"
ENVIRONMENT = "mr_extract_env"  # the folder where a task runs that holds the archive
PYTHON = f"./{ENVIRONMENT}/bin/python"


class NotShipped(Exception):
    """The archive could not be brought to the cluster, for the reason given."""


def chosen_archive(asked: str, say: Callable[[str], object]) -> str:
    """Return the archive that ``--env-archive`` asks for, which is made if need be.

    Parameters
    ----------
    asked : str
        ``auto``, a path or a URI.
    say : callable
        Takes a line for the user.

    Returns
    -------
    str
        A path or a URI.

    Raises
    ------
    ValueError
        When there is none.
    """
    if asked == AUTO:
        from mr_extract.env_archive.archive import environment_archive

        try:
            return str(environment_archive(say))
        except OSError as error:
            raise ValueError(f"--env-archive auto: {error}") from None
    if not asked.endswith(ENVIRONMENTS):
        raise ValueError(f"--env-archive {asked}: nodes unpack {', '.join(ENVIRONMENTS)}")
    if storage.is_local(asked):
        asked = storage.local.path_of(asked)
        if not os.path.isfile(asked):
            raise ValueError(f"--env-archive {asked}: no such file")
    return asked


def ship(archive: str, program: Sequence[str], folder: str) -> tuple[str, str]:
    """Bring an archive to the cluster, unless it is there.

    Parameters
    ----------
    archive : str
        As `chosen_archive` returns it.
    program : list of str
        The command ``hadoop``.
    folder : str
        URI of a folder that keeps archives from job to job; nodes keep what they have unpacked
        of it, too.

    Returns
    -------
    uri : str
    words : str
        What was done.

    Raises
    ------
    NotShipped
    """
    if not storage.is_local(archive):
        return archive, f"the nodes' Python is that of {archive}"
    size = os.path.getsize(archive)
    uri = f"{folder}/{kept_name(archive, 'env')}"
    what = f"the nodes' Python is that of {os.path.basename(archive)}, {size / 1e6:.0f} MB"
    there = _hadoop_fs(program, "-stat", "%b", uri)
    if there.returncode == 0 and there.stdout.strip() == str(size):
        return uri, f"{what}, which {folder} has already"
    for words in (("-mkdir", "-p", folder), ("-put", "-f", archive, uri)):
        done = _hadoop_fs(program, *words)
        if done.returncode:
            told = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise NotShipped(f"the archive of the environment could not be put in {folder}: {told}")
    return uri, f"{what}, put in {folder}"


def _hadoop_fs(program, *words):
    return subprocess.run([*program, "fs", *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
