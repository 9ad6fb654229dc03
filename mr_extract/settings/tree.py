"""A frozen tree of settings: what a job states of itself, and a catalog says of the job.

A subclass is a frozen dataclass whose fields are sections, each with its default
(`mr_extract.settings.declaring.Section`). It is the only source of the job's options, of
their help and validation, and of the hash that identifies a configuration in a catalog.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import Field, asdict, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mr_extract.settings.declaring import Section

if TYPE_CHECKING:
    from mr_extract.settings.beside import Companions, Pairing

Kind = TypeVar("Kind", bound="Settings")


class Settings:
    """All settings of a job, in sections; names are unique over the sections.

    Two sections have a meaning to every job: `companions` says what lies beside an image, and
    `pairing` on which image its sources are found. A job without them states neither.
    """

    companions: Companions | None = None
    pairing: Pairing | None = None
    # Of its subclasses, which are dataclasses.
    __dataclass_fields__: ClassVar[dict[str, Field]]

    def further_rules(self) -> dict[str, str]:
        """Return the rules of companions that `companions` does not know, by the line's field."""
        return {}

    @classmethod
    def declared(cls) -> Iterator[tuple[str, Field]]:
        """Yield ``(section name, dataclass field)`` for every setting."""
        for section in fields(cls):
            default: Any = section.default
            for one in fields(default):
                yield section.name, one

    @classmethod
    def sections(cls) -> Iterator[type[Section]]:
        """Yield the class of each section, whose first line of help is its title."""
        for section in fields(cls):
            default: Any = section.default
            yield type(default)

    def updated(self: Kind, **values: object) -> Kind:
        """Return a copy with the named settings, of whatever section, changed.

        Parameters
        ----------
        **values
            Settings by name, such as ``thresh=2.0``.

        Raises
        ------
        ValueError
            For a name that is no setting, or a value out of range.
        """
        sections: dict[str, dict[str, object]] = {}
        homes = {one.name: section for section, one in self.declared()}
        for name, value in values.items():
            if name not in homes:
                raise ValueError(f"there is no setting {name!r}")
            sections.setdefault(homes[name], {})[name] = value
        return replace(
            self, **{name: replace(getattr(self, name), **v) for name, v in sections.items()}
        )

    def differing(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults, by name."""
        default = type(self)()
        return {
            one.name: value
            for section, one in self.declared()
            if (value := getattr(getattr(self, section), one.name))
            != getattr(getattr(default, section), one.name)
        }

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return nested plain dictionaries of all settings."""
        return asdict(self)

    def as_json(self) -> str:
        """Return the canonical one-line text of all that changes a catalog."""
        result = self.as_dict()
        for section, one in self.declared():
            told = one.metadata["told"]
            if told is None:
                del result[section][one.name]
            else:
                result[section][one.name] = told(result[section][one.name])
        return json.dumps(result, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def hash(self) -> str:
        """Return 16 hexadecimal digits that identify `as_json`."""
        return self._hash

    @cached_property
    def _hash(self):
        # Each image says it.
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]
