"""A file of which parts are read: one state of it, few requests."""

from mr_extract import storage

BLOCK = 1 << 16


class Ranges:
    """Read a file in parts, all of them of the same state of the file.

    Parameters
    ----------
    uri : str
    block : int
        What is fetched at least where a part is asked for: headers are read in pieces of
        2,880 bytes, and each request of a remote file costs a round trip.
    """

    def __init__(self, uri: str, block: int = BLOCK) -> None:
        self._uri, self._block = uri, block
        self._version, self._start, self._held = "", 0, b""

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the file, fewer at its end.

        Raises
        ------
        ImageFailure
            ``fetch-...``; ``fetch-changed`` when the file is no longer what it was at the
            first call.
        """
        end = offset + size
        if not (self._start <= offset and end <= self._start + len(self._held)):
            wanted = max(size, self._block)
            self._held, self._version = storage.read_range(
                self._uri, offset, wanted, self._version
            )
            self._start = offset
        return self._held[offset - self._start : end - self._start]
