"""How the values of settings are spelled on a command line, both ways."""

import argparse
import os
from collections.abc import Callable
from dataclasses import Field

from mr_extract.settings.declaring import is_rule, parts_of


def as_text(value: object) -> str:
    """Return a value as it would be given on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return "/".join(",".join(map(_number, row)) for row in value)
        return ",".join(v if isinstance(v, str) else _number(v) for v in value) or "none"
    return repr(value) if isinstance(value, float) else str(value)


def _number(value):
    short = f"{value:.9g}"  # 5 instead of 5.0
    return short if float(short) == value else repr(value)


def metavar_of(one: Field) -> str:
    """Return how help calls the value of a setting."""
    if one.metadata["choices"]:
        return "|".join(one.metadata["choices"])
    if one.name == "filter_kernel":
        return "KERNEL"
    if is_rule(one):
        return "RULE"
    kinds = {bool: "yes|no", int: "N", float: "VALUE", str: "NAME", tuple: "A,B"}
    return kinds[type(one.default)]


def parser_of(one: Field) -> Callable[[str], object]:
    """Return what reads the value of a setting; it raises `argparse.ArgumentTypeError`."""
    if one.name == "filter_kernel":
        return _kernel
    if isinstance(one.default, bool):
        return _yes_or_no
    if isinstance(one.default, tuple):
        element = type(one.default[0])

        def values(text):
            return tuple(_parsed(element, part) for part in parts_of(text))
        return values
    return lambda text: _parsed(type(one.default), text)


def _parsed(wanted, text):
    try:
        return wanted(text)
    except ValueError:
        what = "a whole number" if wanted is int else "a number"
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None


def _yes_or_no(text):
    words = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return words[text.lower()]


def _kernel(text):
    if text.lower() == "none":
        return ()
    if text.lower() == "seeing":
        return ("seeing",)
    try:
        return tuple(tuple(map(float, row.split(","))) for row in text.split("/"))
    except ValueError:
        pass
    if not os.path.isfile(text):
        raise argparse.ArgumentTypeError(f"there is no kernel file {text!r}")
    return read_kernel(text)


def read_kernel(path: str) -> tuple[tuple[float, ...], ...]:
    """Read a .conv file, as `mr_extract.sextractor.files.read_kernel` does.

    Raises
    ------
    argparse.ArgumentTypeError
        When it is no such file.
    """
    from mr_extract.sextractor import files

    try:
        return files.read_kernel(path)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
