"""The catalogue of a job as its driver read it: a file that travels once to each node.

Tasks so need neither its place nor what reads tables, and have what the driver has.
"""

import hashlib
import io
import json
import os

import numpy as np

from mr_extract.failures import ImageFailure
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
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    path = os.path.join(folder, f"{_START}{digest}{_END}")
    with open(path, "wb") as file:
        file.write(content.getbuffer())
    return path


def read_carried(path: str) -> tuple[Sources, str, Said]:
    """Return what `write_carried` was given.

    Raises
    ------
    ImageFailure
        ``fetch-not-found`` where the file did not come with the task, ``bad-list`` where it is
        not what its name says.
    """
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ImageFailure("fetch-not-found", f"{name} did not come with the task: "
                                              f"{error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != name.removeprefix(_START).removesuffix(_END):
        raise ImageFailure("bad-list", f"{name} is not what its name says (SHA-256)")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        checksum, frame, names, said = json.loads(arrays["told"].tobytes())
        motions = Motions(*(arrays[k] for k in _MOVING)) if "epoch" in arrays else None
        sources = Sources(names, arrays["numbers"], arrays["longitude"], arrays["latitude"], frame,
                          motions)
    return sources, checksum, [(kind, detail) for kind, detail in said]
