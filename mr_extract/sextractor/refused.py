"""All that is wrong with a file, said at once; names that know where they stand."""

from collections.abc import Sequence
from typing import Self


class Refused(ValueError):
    """What cannot be taken over, each with its reason.

    Parameters
    ----------
    reasons : sequence of str
        Not empty; each becomes a line of the text.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("\n".join(self.reasons))

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        return type(self), (self.reasons,)


def refuse_all(reasons: Sequence[str]) -> None:
    """Raise `Refused` where there is a reason."""
    if reasons:
        raise Refused(reasons)


class Placed(str):
    """A name that knows the file and line where it stands: ``place``, empty for none."""

    place = ""

    def __new__(cls, text: str, place: str) -> Self:
        """Return the name with its place."""
        name = super().__new__(cls, text)
        name.place = place
        return name

    # typeshed knows the arguments of str alone; these are for our `__new__`.
    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.place


def said_of(name: str, reason: str) -> str:
    """Return a reason with the place of the name before it, if it has one."""
    place = getattr(name, "place", "")
    return f"{place}: {reason}" if place else f"columns: {reason}"
