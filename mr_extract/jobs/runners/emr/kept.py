"""Files in a bucket: those that stay from job to job, under names of their bytes, and a job's."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.hadoop.shipping import kept_name

_AT_ONCE = 8


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


def brought(client: Any, files: Mapping[str, str]) -> None:
    """Write small files to a bucket, several at once.

    Parameters
    ----------
    client : boto3's client of S3
    files : dict of str to str
        Paths to URIs.
    """
    def bring(path, uri):
        bucket, _, key = uri.partition("://")[2].partition("/")
        with open(path, "rb") as file:
            client.put_object(Bucket=bucket, Key=key, Body=file)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(bring, path, uri) for path, uri in files.items()]:
            done.result()


def remove(client: Any, folder: str) -> None:
    """Remove what is in a folder of a bucket.

    Parameters
    ----------
    client : boto3's client of S3
    folder : str
        URI that ends in a slash.
    """
    bucket, _, prefix = folder.partition("://")[2].partition("/")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(client.delete_object, Bucket=bucket, Key=one["Key"])
                     for page in pages for one in page.get("Contents", ())]:
            done.result()
