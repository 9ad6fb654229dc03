"""Shards, parts and states of a job, as the program that Spark runs reads and writes them.

In a bucket through our own storage: Spark then needs neither Hadoop's module for S3, of some
hundred megabytes, nor settings of its own for a service that the images are read from anyway.
Elsewhere through Hadoop's file systems, which Spark brings.
"""

from __future__ import annotations

import io
import re
import tempfile
from contextlib import contextmanager
from typing import Any

from pyspark import RDD

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.spark.folder import is_bucket

_MEANING = re.compile(r"([*?\[\]{}\\])")  # to Hadoop, in a path


class _Files:
    def __init__(self, context: Any) -> None:
        self._context = context


class OfHadoop(_Files):
    """Files of Hadoop's file systems.

    Parameters
    ----------
    context : pyspark.SparkContext
    """

    def lines(self, folder: str) -> RDD:
        """Return the lines (bytes) of the files of a folder, each file a partition."""
        return self._context.textFile(_MEANING.sub(r"\\\1", folder), use_unicode=False)

    def save(self, texts: RDD, folder: str) -> None:
        """Write lines (bytes) to a folder that is not there yet, each partition a part."""
        texts.saveAsTextFile(folder)

    def write(self, uri: str, data: bytes) -> None:
        """Write a small file in the place of what was there."""
        files, path = self._at(uri)
        file = files.create(path, True)
        try:
            file.write(data)
        finally:
            file.close()

    def exists(self, uri: str) -> bool:
        """Tell whether there is such a file."""
        files, path = self._at(uri)
        return bool(files.exists(path))

    def _at(self, uri):
        """Return one of Hadoop's file systems, and a path of it."""
        path = self._context._jvm.org.apache.hadoop.fs.Path(uri)
        return path.getFileSystem(self._context._jsc.hadoopConfiguration()), path


class InBucket(_Files):
    """Objects of a bucket, as `OfHadoop`; a part is there when it is whole.

    Parameters
    ----------
    context : pyspark.SparkContext
    """

    def lines(self, folder: str) -> RDD:
        """Return the lines of the files of a folder."""
        with _told(folder):
            names = sorted(found.uri for found in storage.list_files(folder))
        return self._context.parallelize(names, len(names)).flatMap(_Tasks(folder).read)

    def save(self, texts: RDD, folder: str) -> None:
        """Write lines to a folder in which nothing is yet."""
        if self.exists(folder):
            raise OSError(f"{folder}: there is something already")
        texts.mapPartitionsWithIndex(_Tasks(folder).write).count()

    def write(self, uri: str, data: bytes) -> None:
        """Write a small file."""
        with _told(uri):
            storage.write(uri, io.BytesIO(data))

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object of that name, or below it."""
        try:
            with _told(uri):
                return next(iter(storage.list_files(uri)), None) is not None
        except FileNotFoundError:
            return False


def files_at(uri: str, context: Any) -> OfHadoop | InBucket:
    """Return what reads and writes files where a folder is.

    Parameters
    ----------
    uri : str
    context : pyspark.SparkContext
    """
    return InBucket(context) if is_bucket(uri) else OfHadoop(context)


class _Tasks:
    """What tasks do with a folder of a bucket; it travels to them, with how buckets are reached."""

    def __init__(self, folder):
        self._folder, self._access = folder, storage.access()

    def read(self, uri):
        storage.configure(self._access)
        with _told(uri):
            return storage.read(uri).splitlines()

    def write(self, partition, texts):
        with tempfile.TemporaryFile() as part:
            for text in texts:
                part.write(text)
                part.write(b"\n")
            part.seek(0)
            storage.configure(self._access)
            uri = f"{self._folder}/part-{partition:05d}"
            with _told(uri):
                storage.write(uri, part)
        return iter(())


@contextmanager
def _told(uri):
    """Have what storage says as an OSError, which tells where."""
    try:
        yield
    except ImageFailure as failure:
        kind = FileNotFoundError if failure.kind == "fetch-not-found" else OSError
        raise kind(f"{uri}: {failure.message}") from failure
