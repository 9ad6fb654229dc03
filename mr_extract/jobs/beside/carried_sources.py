"""The catalogue of a job as its driver read it: a file that travels once to each node.

Tasks so need neither its place nor what reads tables, and have what the driver has.
"""

import io
import json

import numpy as np

from mr_extract.jobs.beside.named_by_digest import read_named, write_named
from mr_extract.lists.motions import Motions
from mr_extract.lists.sources import Sources

_START, _END = "sources-", ".npz"
_MOVING = ("pmra", "pmdec", "epoch")
Said = list[tuple[str, str]]


def write_carried(folder: str, sources: Sources, checksum: str, said: Said) -> str:
    """Write a catalogue, and return the path of the file, whose name has its SHA-256.

    Parameters
    ----------
    folder : str
    sources : mr_extract.lists.sources.Sources
    checksum : str
        Of the list as it is in its place.
    said : list of (str, str)
        Remarks of who read it.
    """
    content = io.BytesIO()
    told = json.dumps([checksum, sources.frame, sources.names, said]).encode()
    motions = sources.motions
    moving = {} if motions is None else {name: getattr(motions, name) for name in _MOVING}
    np.savez_compressed(content, told=np.frombuffer(told, np.uint8), numbers=sources.numbers,
                        longitude=sources.longitude, latitude=sources.latitude, **moving)
    return write_named(folder, _START, content.getbuffer(), _END)


def read_carried(path: str) -> tuple[Sources, str, Said]:
    """Return what `write_carried` was given.

    Raises
    ------
    ImageFailure
        As `mr_extract.jobs.beside.named_by_digest.read_named`.
    """
    content = read_named(path, _START, _END)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        checksum, frame, names, said = json.loads(arrays["told"].tobytes())
        motions = Motions(*(arrays[k] for k in _MOVING)) if "epoch" in arrays else None
        sources = Sources(names, arrays["numbers"], arrays["longitude"], arrays["latitude"], frame,
                          motions)
    return sources, checksum, [(kind, detail) for kind, detail in said]
