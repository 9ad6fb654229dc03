"""Places in the cluster's own file system: HDFS, another, or a disk that all nodes see."""

import getpass

from mrjob.hadoop import fully_qualify_hdfs_path

from mr_extract import storage
from mr_extract.storage.hadoop import configuration
from mr_extract.storage.local import absolute

JOBS = "tmp/mrjob"  # where mrjob has the folders of a user's jobs, at home
_STAGING = "yarn.app.mapreduce.am.staging-dir", "/tmp/hadoop-yarn/staging"  # Hadoop's default


def on_the_cluster(path: str) -> str:
    """Return the URI of a path as a user gives it.

    Parameters
    ----------
    path : str
        From the root, or from the user's home; on a disk from the working directory.
    """
    default, uri = _default(), fully_qualify_hdfs_path(path)
    if path == uri or storage.scheme(default) == "hdfs":
        return uri
    if storage.scheme(default) == "file":
        return f"file://{absolute(path)}"
    return default.rstrip("/") + uri.removeprefix("hdfs://")


def at_home(name: str) -> str:
    """Return the URI of what a job keeps for itself.

    Parameters
    ----------
    name : str
        A path from the user's home; on a disk that is where YARN keeps what users submit, as
        nodes need not see any other place.
    """
    if storage.scheme(_default()) != "file":
        return on_the_cluster(name)
    found = configuration.properties("mapred-site.xml").get(*_STAGING)
    return f"file://{found}/{getpass.getuser()}/{name}"


def folder_of_jobs() -> str:
    """Return the URI of the folder in which a user's jobs have theirs, unless told otherwise."""
    return at_home(JOBS)


def _default():
    return configuration.properties().get("fs.defaultFS", "") or "hdfs:///"
