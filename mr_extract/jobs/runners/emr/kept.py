"""Files that stay in a bucket from job to job, under names made of their bytes."""

import os

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.hadoop.shipping import kept_name


def kept(path: str, folder: str, stem: str) -> tuple[str, str]:
    """Return the URI of a file in a folder of a bucket, to which it is brought unless it is there.

    Parameters
    ----------
    path : str
        Of this machine, or a URI, which is returned as it is.
    folder : str
        URI that ends in a slash.
    stem : str
        With which its name there begins.

    Returns
    -------
    uri : str
    words : str
        What was done.

    Raises
    ------
    mr_extract.failures.ImageFailure
        When the bucket cannot be read or written.
    """
    if not storage.is_local(path):
        return path, path
    name, size = kept_name(path, stem), os.path.getsize(path)
    uri, what = f"{folder}{name}", f"{name}, {size / 1e6:.1f} MB"
    try:
        if storage.stat(uri).size == size:
            return uri, f"{what}, which {folder} has already"
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise
    with open(path, "rb") as file:
        storage.write(uri, file)
    return uri, f"{what}, put in {folder}"
