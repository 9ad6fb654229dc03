"""What an ELF file says of the libraries that it needs."""

import os
import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
_BITS_64, _LITTLE_ENDIAN = 2, 1
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_ENTRY = struct.Struct("<qQ")


@dataclass(frozen=True)
class Linked:
    """How a file is linked.

    Parameters
    ----------
    machine : int
        The processor's number, ``e_machine``.
    needed : tuple of str
        Names of libraries.
    rpath, runpath : tuple of str
        Folders to look in, before and after those of ``LD_LIBRARY_PATH``.
    """

    machine: int
    needed: tuple = ()
    rpath: tuple = ()
    runpath: tuple = ()


def read_linked(path: str | os.PathLike) -> Linked | None:
    """Return how a file is linked.

    Parameters
    ----------
    path : path

    Returns
    -------
    Linked or None
        None for what is no ELF file of 64 bits, little-endian.

    Notes
    -----
    System V Application Binary Interface, chapters 4 and 5.
    """
    with open(path, "rb") as file:
        start = file.read(_HEADER.size)
        kind = bytes((_BITS_64, _LITTLE_ENDIAN))
        if len(start) < _HEADER.size or start[:4] != MAGIC or start[4:6] != kind:
            return None
        _, machine, _, _, offset, _, _, _, size, number, _, _, _ = _HEADER.unpack(start)
        segments = _read(file, offset, size * number, _SEGMENT)
        tags = [tag for kind, _, where, _, _, length, _, _ in segments if kind == _PT_DYNAMIC
                for tag in _read(file, where, length, _ENTRY)]
        strings = next((value for tag, value in tags if tag == _DT_STRTAB), None)
        if strings is None:
            return Linked(machine)
        strings = _in_file(segments, strings)

        def texts(wanted):
            return [_text(file, strings + value) for tag, value in tags if tag == wanted]

        return Linked(machine, tuple(texts(_DT_NEEDED)), _folders(texts(_DT_RPATH)),
                      _folders(texts(_DT_RUNPATH)))


def _read(file, offset, size, layout):
    file.seek(offset)
    return list(layout.iter_unpack(file.read(size)))


def _in_file(segments, address):
    """Return the offset in the file of an address in memory."""
    for kind, _, offset, start, _, size, _, _ in segments:
        if kind == _PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError("a table of strings that is in no segment")


def _text(file, offset):
    file.seek(offset)
    text = b""
    while b"\0" not in text:
        more = file.read(256)
        if not more:
            break
        text += more
    return text.partition(b"\0")[0].decode(errors="surrogateescape")


def _folders(texts):
    return tuple(folder for text in texts for folder in text.split(":") if folder)
