"""Texts to numbers in the order in which they came, for more texts than memory should hold."""

from array import array
from collections.abc import Callable

_NONE = -1
_FEW = 64


class Numbered:
    """Different texts, which count from 0.

    Of a text its hash of 64 bits is kept, in 16 to 28 bytes, and the text itself by whoever
    asks. A dictionary of them would take some two hundred.

    Parameters
    ----------
    text_of : callable
        Returns the text that has a number.
    """

    def __init__(self, text_of: Callable[[int], str]) -> None:
        self._text_of = text_of
        self._hashes = array("q")
        self._places = array("i", [_NONE]) * _FEW  # where a hash leads to: numbers, or none
        self._twins: dict[str, int] = {}  # texts whose hash was another's before

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, text: str) -> int:
        """Return the number of a text, -1 for none.

        A text that was never added may be taken for another one: of a million million such
        texts none is, most likely.
        """
        if self._twins and text in self._twins:
            return self._twins[text]
        number, _ = self._looked_up(hash(text))
        return number

    def add(self, text: str) -> tuple[int, bool]:
        """Return the number of a text, and whether it is new and has got it now."""
        value = hash(text)
        number, place = self._looked_up(value)
        if number != _NONE:
            if self._text_of(number) == text:
                return number, False
            if text in self._twins:
                return self._twins[text], False
            self._twins[text] = number = len(self._hashes)
            self._hashes.append(value)
            return number, True
        number = len(self._hashes)
        self._hashes.append(value)
        self._places[place] = number
        if 2 * len(self._hashes) > len(self._places):
            self._widen()
        return number, True

    def _looked_up(self, value):
        """Return the number that a hash leads to, or none, and its place."""
        places, hashes = self._places, self._hashes
        last = len(places) - 1
        place = value & last
        while (number := places[place]) != _NONE and hashes[number] != value:
            place = (place + 1) & last
        return number, place

    def _widen(self):
        twins = set(self._twins.values())
        self._places = places = array("i", [_NONE]) * (2 * len(self._places))
        last = len(places) - 1
        for number, value in enumerate(self._hashes):
            if number in twins:
                continue
            place = value & last
            while places[place] != _NONE:
                place = (place + 1) & last
            places[place] = number
