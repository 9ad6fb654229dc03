"""Files that stay in a bucket from job to job, under names made of their bytes."""

import hashlib
import os

from mr_extract import storage
from mr_extract.failures import ImageFailure


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
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        kind = path[path.index(".", path.rindex("/") + 1):]
        uri, size = f"{folder}{stem}-{digest[:16]}{kind}", os.path.getsize(path)
        what = f"{stem}-{digest[:16]}{kind}, {size / 1e6:.1f} MB"
        try:
            if storage.stat(uri).size == size:
                return uri, f"{what}, which {folder} has already"
        except ImageFailure as failure:
            if failure.kind != "fetch-not-found":
                raise
        file.seek(0)
        storage.write(uri, file)
    return uri, f"{what}, put in {folder}"
