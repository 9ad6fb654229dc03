"""What a place says of a file without its bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One file.

    Parameters
    ----------
    uri : str
        Where it is, in the spelling of the place it was found by.
    size : int or None
        Bytes; None where the place does not say.
    modified : float or None
        Seconds since 1970 UTC; None where the place does not say.
    version : str
        What changes with the content (ETag); empty where there is none.
    """

    uri: str
    size: int | None = None
    modified: float | None = None
    version: str = ""
