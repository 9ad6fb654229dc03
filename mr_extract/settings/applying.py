"""Settings of a function of the user's that is called with each image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mr_extract.settings.beside import Companions
from mr_extract.settings.declaring import Section, setting
from mr_extract.settings.tree import Settings

AUTO, NONE = ("auto",), ("none",)
FILE = "file"  # the type of a column with names of files that are kept
TYPES = ("f8", "f4", "i8", "i4", "str", "bool", FILE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class OwnColumn:
    """A column that a user's function fills.

    Parameters
    ----------
    name : str
    dtype : str
        Of `TYPES`.
    unit : str
        In astropy's spelling, empty for none.
    """

    name: str
    dtype: str = "f8"
    unit: str = ""

    @property
    def stored(self) -> str:
        """How a catalog has it: ``str``, ``i4``, ``i8``, ``f4`` or ``f8``."""
        return {"bool": "i4", FILE: "str"}.get(self.dtype, self.dtype)

    def __str__(self) -> str:
        return ":".join(filter(None, (self.name, self.dtype, self.unit)))


def parse_column(text: str) -> OwnColumn:
    """Return the column that ``name:type:unit`` declares.

    Raises
    ------
    ValueError
        When it is none.
    """
    name, _, rest = text.strip().partition(":")
    dtype, _, unit = rest.partition(":")
    if not _NAME.fullmatch(name) or name == "image":
        raise ValueError(f"{name!r} is no name of a column")
    dtype = dtype.strip() or "f8"
    if dtype not in TYPES:
        raise ValueError(f"{name}: {dtype!r} is none of the types {', '.join(TYPES)}")
    return OwnColumn(name, dtype, unit.strip())


def parse_columns(texts: Iterable[str]) -> tuple[OwnColumn, ...]:
    """Return the columns that texts declare, each as `parse_column` has it.

    Raises
    ------
    ValueError
        When one is none, or two have the same name.
    """
    found = tuple(map(parse_column, texts))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"there are two columns {name}")
    return found


def _declared(texts):
    if texts in (AUTO, NONE):
        return True
    try:
        parse_columns(texts)
    except ValueError as error:
        return f"is wrong: {error}"
    return True


@dataclass(frozen=True)
class Function(Section):
    """Your function."""

    function: str = setting(
        "", "function that is called with each image, as module:function; it gets what its "
        "parameters are called after: path, file, hdul, data, header, wcs, image, id, uri, fields, "
        "or a field of the manifest")
    columns: tuple = setting(
        AUTO, "columns of the rows that it returns, each as name:type:unit with type one of "
        f"{', '.join(TYPES)}; none for no rows; auto: as it says itself in function.columns, or "
        "else what it returns for the first image", _declared, told=None)


@dataclass(frozen=True)
class Found(Section):
    """What the driver finds out and tells the tasks."""

    learned_columns: tuple = setting(NONE, "", _declared, told=None)
    given_values: str = setting("{}", "")
    code_sha256: str = setting("", "")
    side_sha256: tuple = setting(NONE, "")


@dataclass(frozen=True)
class ApplySettings(Settings):
    """What the rows of a user's function depend on."""

    function: Function = Function()
    found: Found = Found()
    companions: Companions = Companions()

    @property
    def columns(self) -> tuple[OwnColumn, ...] | None:
        """The columns, None while they are not known."""
        texts = self.function.columns
        if texts == AUTO:
            texts = self.found.learned_columns
            return None if texts == NONE else parse_columns(texts)
        return () if texts == NONE else parse_columns(texts)

    @property
    def are_declared(self) -> bool:
        """Whether the user has said which columns there are."""
        return self.function.columns != AUTO

    def as_json(self) -> str:
        """Return the text of all that changes a catalog, with what its columns are."""
        told = json.loads(super().as_json())
        told["columns"] = {"image": ["str", ""],
                           **{one.name: [one.stored, one.unit] for one in self.columns or ()}}
        return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
