"""How a setting is declared, brought to one spelling, and checked.

A check takes a value and returns True, or what it must be.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import Field, field, fields
from math import isfinite
from numbers import Real
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
#: Returns True, or what is wrong with a value.
Check = Callable[[Any], bool | str]


def as_it_is(value: object) -> object:
    """Return what a catalog says of a setting: its value."""
    return value


def setting(
    default: T,
    help_text: str,
    check: Check | None = None,
    choices: Sequence[str] | None = None,
    told: Callable[[Any], object] | None = as_it_is,
) -> T:
    """Declare a field.

    Parameters
    ----------
    default : object
        Its type is that of the setting.
    help_text : str
        Empty for what a driver tells its tasks, and no user.
    check : callable, optional
        The test that a value must pass.
    choices : sequence of str, optional
        The values that there are.
    told : callable or None
        Takes a value and returns what a catalog says of it; None for what changes no
        catalog.
    """
    return field(default=default, metadata={
        "help": help_text, "check": check, "choices": choices, "told": told})


def rule(help_text: str) -> str:
    """Declare the rule by which companions of an image are named; a catalog says it as typed."""
    return setting("", help_text, naming_rule, told=_as_typed)


def place(help_text: str) -> str:
    """Declare the place of a list that all images share.

    What stands in it and not where it is changes a catalog: its checksum is on each image's
    line.
    """
    return setting("", help_text, told=bool)


def is_rule(one: Field) -> bool:
    """Tell whether a setting is a rule of naming."""
    return one.metadata["check"] is naming_rule


def is_place(one: Field) -> bool:
    """Tell whether a setting is the place of a list."""
    return one.metadata["told"] is bool


def _as_typed(text):
    from mr_extract.addresses import shown_rule
    from mr_extract.text.anchors import as_typed

    return shown_rule(as_typed(text))


def positive(value: float) -> bool | str:
    """Check for a number greater than 0."""
    return value > 0 or "must be greater than 0"


def not_negative(value: float) -> bool | str:
    """Check for a number not below 0."""
    return value >= 0 or "must not be negative"


def fraction(value: float) -> bool | str:
    """Check for a number between 0 and 1."""
    return 0 <= value <= 1 or "must lie between 0 and 1"


def epoch(value: float) -> bool | str:
    """Check for a year in which there are catalogues of positions, or 0."""
    return value == 0 or 1700 <= value <= 2300 or "must be a year, such as 2016.0"


def levels(value: int) -> bool | str:
    """Check for a number of deblending levels that sep survives."""
    return 1 <= value <= 1024 or "must lie between 1 and 1024"


def not_empty(values: Sequence) -> bool | str:
    """Check for at least one name."""
    return len(values) > 0 or "needs at least one name"


def diameters(values: Sequence[float]) -> bool | str:
    """Check for lengths greater than 0."""
    return (len(values) > 0 and all(v > 0 for v in values)) or "needs diameters greater than 0"


def fractions(values: Sequence[float]) -> bool | str:
    """Check for numbers between 0 and 1, ends excluded."""
    return (len(values) > 0 and all(0 < v < 1 for v in values)) or "needs fractions between 0 and 1"


def annulus(values: Sequence[float]) -> bool | str:
    """Check for an inner and a greater outer radius, or two zeros."""
    fine = len(values) == 2 and (values == (0.0, 0.0) or 0 <= values[0] < values[1])
    return fine or "needs an inner and a greater outer radius"


def size_of_cutouts(values: Sequence[float]) -> bool | str:
    """Check for a width and a height in pixels, or two zeros."""
    fine = len(values) == 2 and (values == (0.0, 0.0) or all(
        v == int(v) and 1 <= v <= 1000 for v in values))
    return fine or "needs a width and a height from 1 to 1000"


def parts_of(text: str) -> list[str]:
    """Return the parts of a text between commas, other than those in brackets."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def two_or_three(values: Sequence[str]) -> bool | str:
    """Check for two or three columns, or the word auto."""
    return values == ("auto",) or len(values) in (2, 3) or "needs two or three columns"


def kernel(rows: Sequence[Sequence[float]]) -> bool | str:
    """Check for rows of weights, none, or the word seeing."""
    if not rows or rows == ("seeing",):
        return True
    if len({len(row) for row in rows}) != 1:
        return "needs rows of equal length"
    return sum(sum(row) for row in rows) > 0 or "needs weights with a sum greater than 0"


def naming_rule(text: str) -> bool | str:
    """Check for a rule by which companions of an image are named."""
    from mr_extract.text.naming import parse_rule

    try:
        parse_rule(text)
    except ValueError as error:
        return f"is no rule: {error}"
    return True


def coerced(one: Field, value: Any) -> Any:
    """Return the one spelling of a value, so that equal settings have equal hashes."""
    if isinstance(one.default, float):
        return _real(value)
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        value = value.tolist()
    if isinstance(one.default, tuple):
        if one.name == "filter_kernel" and value is None:
            return ()
        if isinstance(value, str):
            value = parts_of(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = [value]
    if isinstance(one.default, tuple) and isinstance(value, (list, tuple)):
        return tuple(
            tuple(map(_real, v)) if isinstance(v, (list, tuple)) else _real(v) for v in value
        )
    return value


def _real(value):
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    return float(value) + 0.0  # -0.0 is 0.0


def _elements(values):
    for value in values:
        yield from value if isinstance(value, tuple) else (value,)


def validate(one: Field, value: Any) -> None:
    """Raise ValueError, with the setting's name, for a value out of its range."""
    default: Any = one.default
    wanted = type(default)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"{one.name} must be of type {wanted.__name__}, not {value!r}")
    if isinstance(value, int) and not abs(value) < 2**31:
        raise ValueError(f"{one.name} must be less than 2147483648")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{one.name} must be a finite number")
    if wanted is tuple and value != ("seeing",):
        kind, rows = type(next(_elements(default))), isinstance(default[0], tuple)
        if any(isinstance(v, tuple) != rows for v in value):
            raise ValueError(f"{one.name} needs {'rows' if rows else 'one row'}, not {value!r}")
        for element in _elements(value):
            if not isinstance(element, kind) or (kind is float and not isfinite(element)):
                what = "finite numbers" if kind is float else "names"
                raise ValueError(f"{one.name} needs {what}, not {value!r}")
    choices, check = one.metadata["choices"], one.metadata["check"]
    if choices and value not in choices:
        raise ValueError(f"{one.name} must be one of {', '.join(choices)}, not {value!r}")
    verdict = check(value) if check else True
    if verdict is not True:
        raise ValueError(f"{one.name} {verdict}, not {value!r}")


class Section:
    """A group of settings, checked when it is made."""

    # Of its subclasses, which are dataclasses.
    __dataclass_fields__: ClassVar[dict[str, Field]]

    def __post_init__(self) -> None:
        for one in fields(self):
            value = coerced(one, getattr(self, one.name))
            validate(one, value)
            object.__setattr__(self, one.name, value)
