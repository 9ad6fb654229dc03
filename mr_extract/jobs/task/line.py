"""One line of a manifest in a job's hands: its image, with all that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.companion_files import attach
from mr_extract.jobs.beside.regions import part_of, place
from mr_extract.jobs.task.opened import is_held, opened, stays_open
from mr_extract.remarks import say
from mr_extract.text.fields import FURTHER

if TYPE_CHECKING:
    from mr_extract.images import Image
    from mr_extract.text.entry import Entry


class Line:
    """What a job's function is given.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
    config : mr_extract.settings.tree.Settings
        The job's settings.
    more : dict of str to object
        What the job hands to its tasks besides them.

    Attributes
    ----------
    file : tuple of (bytes-like or mr_extract.images.section.Section, str)
        The image's own file, unpacked, and its SHA-256; or the part of it that the line means.
    facts : dict of str to str
        What the image's line says of the files that were read besides it.
    size : int
        Bytes that were read.
    seconds : dict of str to float
        Wall time by stage.
    """

    def __init__(self, entry: Entry, config: Any, more: dict[str, Any] | None = None) -> None:
        self.entry, self.config, self.more = entry, config, more or {}
        self.file: tuple[Any, str] | None = None
        self.facts: dict[str, str] = {}
        self.size, self.images = 0, 1
        self.seconds: dict[str, float] = {}
        self._mark = perf_counter()

    def lap(self, stage: str) -> None:
        """Note the time since the last call as that of a stage."""
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._mark
        self._mark = now

    def take(self, seconds: Mapping[str, float]) -> None:
        """Note times that were taken since the last call by another clock."""
        for stage, value in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + value
        self._mark = perf_counter()

    @property
    def zero_point(self) -> float | None:
        """Magnitude of one image unit where the line says it, else None."""
        text = self.entry.get("zero_point")
        return None if text is None else float(text)

    @property
    def mjd(self) -> float | None:
        """Date of the image as a modified Julian date where the line says it, else None.

        Raises
        ------
        ImageFailure
            ``malformed-line`` where it is no date.
        """
        text = self.entry.get("mjd")
        try:
            date = None if text is None else float(text)
        except ValueError:
            date = math.nan
        if date is not None and not math.isfinite(date):
            raise ImageFailure("malformed-line", f"the field mjd is no date: {text}")
        return date

    def content(self) -> bytes:
        """Fetch the line's file and return its bytes, unpacked; `image` then reads the same.

        Raises
        ------
        ImageFailure
            As fetching and unpacking name it.
        """
        self._mark = perf_counter()  # what was imported is no stage
        again = is_held(self.entry.uri)
        buffer, checksum, size = opened(self.entry.uri, stays_open(self.entry), lap=self.lap)
        self.file = (buffer, checksum)
        self.size += 0 if again else size
        return buffer

    def image(self, keep_file: bool = False) -> Image:
        """Fetch and read the image that the line means, with its companions.

        Parameters
        ----------
        keep_file : bool
            Keep the file, which is as large as the image itself, until `let_go`.

        Returns
        -------
        mr_extract.images.Image
            It may be overwritten.

        Raises
        ------
        ImageFailure
            As fetching and reading name it.
        """
        from mr_extract.images.read import read_unpacked

        entry = self.entry
        for name in FURTHER:
            if entry.get(name) and name not in self.config.further_rules():
                say("not-used", f"the field {name}, as this job has no use for it")
        if entry.is_whole:
            file = self.file or (self.content(), self.checksum)
            image = read_unpacked(file[0], entry.ext)
        else:
            self._mark = perf_counter()
            buffer = part_of(entry.uri, entry)
            image = read_unpacked(buffer, entry.ext)
            file = self.file = (buffer, buffer.checksum)
            self.size += buffer.size
        place(image, entry)
        self.images = image.images
        if self.config.companions is not None:
            self.add(*attach(image, entry, self.config.companions, file))
        if not keep_file:
            self.let_go()
        self.lap("read")
        return image

    def add(self, facts: Mapping[str, str], size: int = 0) -> None:
        """Note what the image's line shall say of a file, and the bytes read for it."""
        self.facts |= facts
        self.size += size

    @property
    def checksum(self) -> str:
        """SHA-256 of the image's file as it is, in hexadecimal digits."""
        if self.file is None:
            raise ImageFailure("internal", "no file of the line was read")
        return self.file[1]

    def let_go(self) -> None:
        """Drop the file."""
        self.file = (None, self.checksum)
