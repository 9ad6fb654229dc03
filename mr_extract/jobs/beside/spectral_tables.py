"""Line lists and tables of flux that all images of a job share: read once, carried to nodes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.named_by_digest import read_named, write_named
from mr_extract.unpacking import unpack

if TYPE_CHECKING:
    import numpy as np

    from mr_extract.settings.spectra import SpectraSettings

NAMES = ("line_list", "response", "standard")
_START, _END = "spectral-tables-", ".json"
_COLUMNS = {"response": ("response",), "standard": ("flux", "flux_density")}
_held: dict[str, tuple] = {}


def tables_of(config: SpectraSettings) -> dict[str, tuple[list, list]]:
    """Read the tables that settings name, each as two lists of numbers.

    Raises
    ------
    ValueError
        Where one cannot be had; the message names the option and the place.
    """
    from mr_extract.spectra.line_lists import read_lines
    from mr_extract.spectra.tables import read_table

    tables = {}
    for name in NAMES:
        section = config.wavelengths if name == "line_list" else config.fluxes
        place = getattr(section, name)
        if not place:
            continue
        try:
            content = bytes(unpack(storage.read(place)))
            found = (read_lines(content.decode()) if name == "line_list"
                     else read_table(content, _COLUMNS[name]))
        except (ImageFailure, ValueError) as error:
            told = error.message if isinstance(error, ImageFailure) else error
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option} {place}: {told}") from error
        tables[name] = found[0].tolist(), found[1].tolist()
    return tables


def write_tables(config: SpectraSettings, folder: str) -> str:
    """Write the tables for the nodes, and return the path of the file; empty where there are none.

    Its name has its SHA-256.
    """
    tables = tables_of(config)
    if not tables:
        return ""
    return write_named(folder, _START, json.dumps(tables, sort_keys=True).encode(), _END)


def carried_tables(
    config: SpectraSettings, path: str
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], str]:
    """Return the tables by the names of settings, and their checksum, empty for none.

    Parameters
    ----------
    config : mr_extract.settings.spectra.SpectraSettings
    path : str
        Where they came with the job; empty: they are read from their places.

    Raises
    ------
    ImageFailure
        ``fetch-not-found`` where they did not come, ``bad-list`` where they cannot be used.
    """
    key = path or json.dumps([config.wavelengths.line_list, config.fluxes.response,
                              config.fluxes.standard])
    if key not in _held:
        _held.clear()
        _held[key] = _read(config, path)
    return _held[key]


def _read(config, path):
    import numpy as np

    if path:
        content = read_named(path, _START, _END)
    else:
        try:
            content = json.dumps(tables_of(config), sort_keys=True).encode()
        except ValueError as error:
            raise ImageFailure("bad-list", str(error)) from error
    tables = {name: (np.array(both[0]), np.array(both[1]))
              for name, both in json.loads(content).items()}
    return tables, hashlib.sha256(content).hexdigest() if tables else ""
