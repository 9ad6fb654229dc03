"""A catalog of ours, image by image, as SExtractor's writers take it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mr_extract.sextractor.asked_parameters import parameter
from mr_extract.sextractor.convert import converted
from mr_extract.sextractor.names import Output, parameter_of, shape_of
from mr_extract.sextractor.parameters import OWN, PARAMETERS
from mr_extract.text.accounting import config_of, parse_account
from mr_extract.text.catalog import schema_of
from mr_extract.text.rows import parse_rows

_EXTENSION = re.compile(r"\[[^\[\]]+\]$")


def without_extension(image_id: str) -> str:
    """Return the id of the file that an image is of."""
    return _EXTENSION.sub("", image_id)


@dataclass
class Source:
    """A catalog that has been looked through: where its images are.

    Parameters
    ----------
    path : str
    config : dict
        The configuration it was made with, as nested dictionaries.
    schema : dict of str to Column
    files : dict of str to list of (Account, int, int)
        By the id of a file, without extension: its images in the order of their
        units, with the bytes at which their rows begin and end.
    comments : list of bytes
        All lines that are no rows.
    """

    path: str
    config: dict = field(default_factory=dict)
    schema: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    comments: list = field(default_factory=list)

    def rows(
        self, start: int, stop: int, wanted: Sequence[Output], hdu: int
    ) -> dict[str, np.ndarray]:
        """Return the columns of an image under SExtractor's names.

        Parameters
        ----------
        start, stop : int
            Bytes of its rows.
        wanted : sequence of Output
        hdu : int

        Returns
        -------
        dict of str to ndarray, shape (n,)
        """
        with open(self.path, "rb") as file:
            file.seek(start)
            lines = file.read(stop - start).split(b"\n")[:-1]
        columns = parse_rows(lines, self.schema)
        del columns["image"]
        if self.config["output"].get("names") == "sextractor":
            return {cell: columns[cell] for one in wanted for cell in one.cells}
        return converted(columns, wanted, hdu)

    def outputs(self, names: Sequence[str] = ()) -> list[Output]:
        """Return what can be written of the catalog.

        Parameters
        ----------
        names : sequence of str, optional
            Parameters with their sizes; by default all that the catalog holds, in
            its order.

        Returns
        -------
        list of Output

        Raises
        ------
        ValueError
            For a parameter that the catalog does not hold.
        """
        held = self._held()
        if not names:
            return list(held.values())
        found = []
        for name in names:
            one, size = parameter(name)
            if one.name in held and size <= held[one.name].size:
                found.append(Output(one, size, held[one.name].shape))
            elif self._can_make(one):
                found.append(Output(one))
            else:
                raise ValueError(f"the catalog does not hold {name}; measure it with --columns")
        return found

    def _held(self):
        theirs = self.config["output"].get("names") == "sextractor"
        sizes = {}
        for column in self.schema.values():
            if column.name == "image":
                continue
            one = {**PARAMETERS, **OWN}[column.name] if theirs else parameter_of(column)
            sizes[one.name] = (one, sizes.get(one.name, (one, 0))[1] + 1)
        cutout = self.config["measurement"].get("vignet_size", (0, 0))
        return {name: Output(one, size, shape_of(one, cutout))
                for name, (one, size) in sizes.items()}

    def _can_make(self, one):
        theirs = self.config["output"].get("names") == "sextractor"
        return not theirs and not one.vector and all(need in self.schema for need in one.needs)


def look_through(path: str) -> Source:
    """Find out where the images of a catalog are.

    Parameters
    ----------
    path : str

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        When it is no catalog.
    """
    source, last = Source(path), None
    with open(path, "rb") as file:
        position = 0
        for line in file:
            begin, position = position, position + len(line)
            if not line.startswith(b"#"):
                if not source.schema:
                    source.schema = schema_of(line.decode().rstrip("\n").split("\t"))
                elif last:
                    last[2] = position
                continue
            if begin == 0 and not line.startswith(b"#mr_extract "):
                break
            source.comments.append(line)
            if line.startswith(b"#image\t"):
                account = parse_account(line)
                last = [account, position, position]
                source.files.setdefault(without_extension(account.id), []).append(last)
    if not source.schema or not source.comments:
        raise ValueError(f"{path} is not a catalog of mr_extract")
    source.config = config_of([line.decode() for line in source.comments[:2]])
    for images in source.files.values():
        images.sort(key=lambda image: (int(image[0].values["hdu"]), image[0].id))
    return source
