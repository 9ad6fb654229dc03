"""A function that reads parts as a file to seek in."""

import io


class SeekableReader(io.RawIOBase):
    """A binary file, to be read only, whose size need not be known.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes; fewer at the end of the file.
    """

    def __init__(self, read):
        super().__init__()
        self._read, self._place = read, 0

    def readable(self):
        """Say yes."""
        return True

    def seekable(self):
        """Say yes."""
        return True

    def tell(self):
        """Return where the next byte is read."""
        return self._place

    def seek(self, offset, whence=io.SEEK_SET):
        """Go to a place counted from the beginning or from here."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the size of the file is not known")
        self._place = offset + (self._place if whence == io.SEEK_CUR else 0)
        return self._place

    def readinto(self, buffer):
        """Fill a buffer; return how many bytes there were."""
        data = self._read(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
