"""Catalogs as one text each: files, or the parts that ``--output-dir`` leaves in a folder."""

import os
from contextlib import AbstractContextManager, contextmanager
from io import BufferedReader, RawIOBase
from typing import Any

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.streaming import opened_text
from mr_extract.text.stored_catalog import UnfitCatalog


def opened_catalog(uri: str) -> AbstractContextManager[BufferedReader]:
    """Open a catalog, or the parts in a folder one after the other.

    Parameters
    ----------
    uri : str
        Of a folder with ``/`` at its end where it is remote.

    Raises
    ------
    UnfitCatalog
        When it cannot be read; also while it is read.
    """
    try:
        folder = uri.rstrip("/")
        parts = [f"{folder}/_header", *sorted(
            found.uri for found in storage.list_files(f"{folder}/")
            if found.uri.rpartition("/")[2].startswith("part-"))] if _is_folder(uri) else [uri]
        if len(parts) == 1:
            return _named(opened_text(uri), uri)
        storage.stat(f"{folder}/_SUCCESS")
    except ImageFailure as failure:
        raise UnfitCatalog(f"cannot read {uri!r}: {failure.message}") from None
    return BufferedReader(_Joined(parts), 1 << 20)


@contextmanager
def _named(opened, uri):
    try:
        with opened as text:
            yield text
    except ImageFailure as failure:
        raise UnfitCatalog(f"cannot read {uri!r}: {failure.message}") from None


def _is_folder(uri):
    if not uri.endswith("/"):
        return storage.is_local(uri) and os.path.isdir(storage.local.path_of(uri))
    return True


class _Joined(RawIOBase):
    """Files that are read as one."""

    def __init__(self, uris):
        self._uris, self._context, self._file = list(uris), None, None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._file is None:
                if not self._uris:
                    return 0
                self._context = opened_text(self._uris.pop(0))
                self._file = self._context.__enter__()
            data = self._file.read1(len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            self._context.__exit__(None, None, None)
            self._file = None
