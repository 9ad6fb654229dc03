"""The syntax of SExtractor's configuration files.

A line is a keyword and its values, with blanks, tabs, ``=``, ``,``, ``;`` or double
quotes in between; what follows a word that begins with ``#`` is a comment. Upper
and lower case are the same in keywords. ``$NAME`` and ``${NAME}`` in the first
value is taken from the environment. Of a keyword that stands twice the last counts.
"""

import os
import re
from dataclasses import dataclass

_SEPARATORS = re.compile(r"[ \t=,;\n\r\"]+")
_VARIABLE = re.compile(r"\$\{([^}/:\"'\\]*)\}|\$([^}/:\"'\\$]*)")


@dataclass(frozen=True)
class Line:
    """What a file says of one keyword.

    Parameters
    ----------
    number : int
        Of the line, from 1.
    keyword : str
        In capitals.
    values : tuple of str
    problem : str
        Why the values cannot be told, empty where they can.
    """

    number: int
    keyword: str
    values: tuple
    problem: str = ""


def read_lines(path: str) -> list[Line]:
    """Read a configuration file.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of Line

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if "\0" in text:
        raise ValueError(f"{path} is not a text file")
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        words = _words(line)
        if not words:
            continue
        keyword, values = words[0].upper(), words[1:]
        problem = ""
        try:
            if values:
                values[0] = _expanded(values[0])
        except KeyError as error:
            problem = f"{error.args[0]} is not in the environment"
        found.append(Line(number, keyword, tuple(values), problem))
    return found


def _words(line):
    words = []
    for word in _SEPARATORS.split(line):
        if word.startswith("#"):
            break
        if word:
            words.append(word)
    return words


def _expanded(text):
    def value(match):
        name = match.group(1) or match.group(2) or ""
        if name not in os.environ:
            raise KeyError(f"${name}")
        return os.environ[name]

    return _VARIABLE.sub(value, text)
