"""Published lists of images: rules by which archives name their files, and what they come to.

A file of ``input_lists`` describes one kind of image of one survey: facts, a rule, and the lists
that are made by it. Its README says how such a file is written.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

from preprocess.errors import CommandError

#: Where the files are: beside this package, in a checkout as in site-packages.
FOLDER = Path(__file__).resolve().parent.parent / "input_lists"

_RANGE = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Image:
    """One image of a list.

    Attributes
    ----------
    uri : str
        Where the archive has it.
    fields : dict of str to str
        Fields of its line in a manifest.
    size : int
        Bytes of the file, as served.
    """

    uri: str
    fields: Mapping[str, str]
    size: int


@dataclass(frozen=True)
class Rule:
    """How the files of an archive are named.

    Attributes
    ----------
    base : str
        Place that holds the files, with the slash at its end; empty for the working directory.
    path : str
        Template of the path below it, of the names of values.
    order : tuple of str
        The values that are run through, the last one fastest.
    values : dict
        Values of all blocks. A block stands above them.
    fields : dict of str to str
        Templates of the fields of a line; ``{file}`` is the file name.
    exact : bool
        The sizes are those of the files, and go into the lines as ``bytes``.
    """

    base: str
    path: str
    order: tuple[str, ...]
    values: Mapping[str, object]
    fields: Mapping[str, str]
    exact: bool

    def images(self, blocks: tuple[Mapping[str, object], ...]) -> Iterator[Image]:
        """Yield the images of the blocks, one after the other; nothing is held."""
        for block in blocks:
            values = {**self.values, **block}
            for chosen in product(*(choices(values[name]) for name in self.order)):
                values.update(zip(self.order, chosen))
                path = self.path.format_map(values)
                values["file"] = path.rpartition("/")[2]
                size = int(str(values["file_bytes"]))
                fields = {"bytes": str(size)} if self.exact else {}
                fields |= {name: text.format_map(values) for name, text in self.fields.items()}
                yield Image(self.base + path, fields, size)


@dataclass(frozen=True)
class PublishedList:
    """A list by name.

    Attributes
    ----------
    name, about : str
        What it is called, and what it holds, in one line.
    survey, release, licence, citation, archive : str
        Of the images.
    tried : str
        Whether the lines were read from the archive.
    options : str
        Options of ``mr_extract.py`` that these files want; empty where they are no images.
    notes : tuple of str
        What else one should know.
    files : int
        Number of images.
    bytes : int
        Their bytes as served, estimated unless `rule` is exact.
    rule : Rule
    blocks : tuple of dict
        Values of each part of the list.
    """

    name: str
    about: str
    survey: str
    release: str
    licence: str
    citation: str
    archive: str
    tried: str
    options: str
    notes: tuple[str, ...]
    files: int
    bytes: int
    rule: Rule
    blocks: tuple[Mapping[str, object], ...]

    def images(self) -> Iterator[Image]:
        """Yield the images, in the order of the rule and no more than `files`."""
        return islice(self.rule.images(self.blocks), self.files)


def choices(value: object) -> list | range:
    """Give what a value of a rule runs through.

    Parameters
    ----------
    value : list, str, int
        A list as it is; ``"11-87"`` all numbers from 11 to 87; anything else is one choice.

    Returns
    -------
    choices : list or range
    """
    if isinstance(value, list):
        return value
    if isinstance(value, str) and (ends := _RANGE.fullmatch(value)):
        return range(int(ends[1]), int(ends[2]) + 1)
    return [value]


def read_lists(folder: Path = FOLDER) -> dict[str, PublishedList]:
    """Read all lists that there are.

    Parameters
    ----------
    folder : Path
        Folder of the TOML files.

    Returns
    -------
    lists : dict of str to PublishedList
        By name, file by file in the order of file names.

    Raises
    ------
    CommandError
        When there are none: they were not installed with the package.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise CommandError(f"the lists are not installed: there are no .toml files in {folder}")
    return {each.name: each for path in paths for each in _read_file(path)}


def _read_file(path: Path) -> Iterator[PublishedList]:
    """Yield the lists of one file."""
    with open(path, "rb") as file:
        facts = tomllib.load(file)
    shared = facts.pop("blocks", [])
    rule = facts.pop("rule")
    rule = Rule(rule.get("base", ""), rule["path"], tuple(rule["order"]), rule.get("values", {}),
                rule.get("fields", {}), rule.get("exact", False))
    notes = tuple(facts.pop("notes", ()))
    facts["options"] = facts["options"].strip()  # a literal cannot end in its own quote
    for one in facts.pop("lists"):
        blocks = tuple(one.pop("blocks", shared))
        yield PublishedList(**facts, **one, notes=notes, rule=rule, blocks=blocks)
