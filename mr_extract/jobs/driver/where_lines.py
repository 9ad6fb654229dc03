"""The lines of a plan as SQLite is told of them, some thousands at a time."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from mr_extract.jobs.driver.log_book import stem_of

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

_AT_ONCE = 4096
# What makes an id other than the address: fields, and characters that stand otherwise there.
_NAMED = ("\tid=", "\text=", "\tplane=", "\tregion=", "@", "?", "#", '"')


class Lines:
    """Lines of a plan, told by fields.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    fields : list of str
        That are told.
    columns : list of str
        Of the log book; of these it is noted which are fields of lines as well.
    own : set of str
        Which of `OWN` are told.
    stems : bool
        The names of files are needed, by which rows of the log book are found.

    Attributes
    ----------
    columns : list of str
        What is told besides the number.
    found : set of str
        Those of fields and columns that are fields of any line.
    """

    def __init__(self, plan: Plan, fields: list[str], columns: list[str], own: set[str],
                 stems: bool) -> None:
        self._plan, self._own = plan, [*sorted(own), *(["stem_"] if stems else [])]
        self.found: set[str] = set()
        self._patterns = {name: re.compile(rf"\t{re.escape(name)}=([^\t\n]*)") for name in fields}
        self._also = columns
        self.columns = [*self._own, *fields]
        self._kinds: dict[str, set[int]] = {name: set() for name in fields}

    def __iter__(self) -> Iterator[list[tuple]]:
        numbers = iter(self._plan.asked())
        while some := list(islice(numbers, _AT_ONCE)):
            whole = b"\n".join(self._plan.lines.texts(some)).decode()
            self.found.update(name for name in self._also if f"\t{name}=" in whole)
            told: list[Iterable] = [some]
            if self._own:
                uris = [line.partition("\t")[0] for line in whole.split("\n")]
                told += [self._own_values(name, some, whole, uris) for name in self._own]
            told += [self._values(name, whole, len(some)) for name in self._patterns]
            yield list(zip(*told))

    def _own_values(self, name, some, whole, uris):
        if name == "id":
            return self._ids(some, whole, uris)
        return uris if name == "uri" else map(
            stem_of if name == "stem_" else lambda uri: uri.rpartition("/")[2], uris)

    def _ids(self, some, whole, uris):
        # Of most lines the address is the id, as it stands.
        if whole.isascii() and not any(one in whole for one in _NAMED) and whole.replace(
                "\t", "").replace("\n", "").isprintable():
            return uris
        return [self._plan.lines[number].id for number in some]

    def _values(self, name, whole, count):
        pattern = self._patterns[name]
        values = pattern.findall(whole)
        if values:
            self.found.add(name)
        if len(values) != count:
            values = [found[1] if (found := pattern.search(line)) else None
                      for line in whole.split("\n")]
        if "nan" in whole.lower():
            values = [None if value and value.lower() == "nan" else value for value in values]
        return values

    def look(self, database: sqlite3.Connection) -> None:
        """Note what SQLite takes the values of fields for."""
        if not self._kinds:
            return
        kinds = ", ".join(f"min({is_text}), max({is_text})" for name in self._kinds if (
            is_text := f"nullif(typeof({quoted(name)}), 'null') = 'text'"))
        found = database.execute(f"SELECT {kinds} FROM line").fetchone()
        for k, known in enumerate(self._kinds.values()):
            known.update(one for one in found[2 * k : 2 * k + 2] if one is not None)

    @property
    def mixed(self) -> list[str]:
        """Fields that are numbers in some lines and texts in others."""
        return [name for name, kinds in self._kinds.items() if len(kinds) > 1]

    def all_fields(self) -> set[str]:
        """Return the names of the fields of all lines."""
        return {name for number in range(len(self._plan))
                for name, _ in self._plan.lines[number].fields}


def quoted(name: str) -> str:
    """Return a name as SQLite takes any."""
    return "`" + name.replace("`", "``") + "`"
