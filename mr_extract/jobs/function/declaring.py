"""What is known of a function of the user's before its first image: parameters and columns."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.user_functions import function_in
from mr_extract.jobs.function.signature import Signature, check_given, signature_of
from mr_extract.settings.applying import ApplySettings, OwnColumn, parse_columns

if TYPE_CHECKING:
    from mr_extract.jobs.driver.ahead import Ahead
    from mr_extract.jobs.skeleton.work import Rows

_SPEC = "column"


def values_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return what ``--param NAME=VALUE`` gives, by name.

    Raises
    ------
    ValueError
        For what is not of this form, or a name that is there twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--param {text}: it is not of the form NAME=VALUE")
        if name in found:
            raise ValueError(f"--param {name} is there twice")
        try:
            found[name] = json.loads(value, parse_constant=_no_number)
        except ValueError:
            found[name] = value
    return found


def _no_number(text):
    raise ValueError(f"{text} is no JSON")


def function_of(name: str, path: str) -> Callable[..., Any]:
    """Return a function.

    Parameters
    ----------
    name : str
        ``module:function``.
    path : str
        Folders in which its module, and what that imports, may be; as of `os.pathsep`.

    Raises
    ------
    ImageFailure
        ``function-failed`` where there is none.
    """
    import sys

    if not name:
        raise ImageFailure("function-failed", "there is no --function module:function")
    folders = [one for one in path.split(os.pathsep) if one]
    sys.path += [one for one in folders if one not in sys.path]
    try:
        return function_in(folders[0] if folders else "", name)
    except ValueError as error:
        raise ImageFailure("function-failed", str(error)) from error


def checked_signature(function: Callable[..., Any]) -> Signature:
    """Return the parameters of a function.

    Raises
    ------
    ImageFailure
        ``function-failed`` where they cannot be told.
    """
    try:
        return signature_of(function)
    except ValueError as error:
        raise ImageFailure("function-failed", str(error)) from error


def signature_and_columns(config: ApplySettings, more: dict[str, Any],
                          has_field: Callable[[str], bool]) -> tuple[Signature, tuple[str, ...]]:
    """Look at a function where its job is started.

    Returns
    -------
    signature : Signature
    columns : tuple of str
        What the function says itself, in ``function.columns``; empty where it does not.

    Raises
    ------
    ValueError
        Where it cannot be had, or its parameters cannot be filled; the message names the option.
    """
    name = config.function.function
    if not name:
        raise ValueError("--function module:function is needed")
    try:
        function = function_of(name, more["path"])
        wanted = signature_of(function)
        check_given(wanted, json.loads(config.found.given_values),
                    side_names(config), has_field)
        columns = getattr(function, "columns", ())
        texts = [f"{one}:{told}" for one, told in columns.items()] if isinstance(columns, dict) \
            else [columns] if isinstance(columns, str) else list(columns)
        return wanted, tuple(map(str, parse_columns(texts)))
    except ImageFailure as failure:
        raise ValueError(f"--function {name}: {failure.message}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"--function {name}: {error}") from None


def side_names(config: ApplySettings) -> list[str]:
    """Return the names of the side data."""
    return [] if config.found.side_sha256 == ("none",) else [
        one.partition("=")[0] for one in config.found.side_sha256]


def learned_columns(ahead: Ahead, config: ApplySettings, more: dict[str, Any]
                    ) -> tuple[str, ...]:
    """Return the columns of what a function returns for the first image that has rows.

    Parameters
    ----------
    ahead : mr_extract.jobs.driver.ahead.Ahead
    config : ApplySettings
    more : dict of str to object
        By which a task returns `as_rows` of the columns.

    Returns
    -------
    tuple of str
        Empty where all images have been tried.

    Raises
    ------
    ValueError
        Where the first images had none, and there are more.
    """
    why, tried = "it returned no rows", 0
    for outcome in ahead.outcomes(config, more):
        tried += 1
        if outcome.kind:
            why = outcome.block.decode().rstrip("\n").split("\t", 2)[2].replace("\t", ": ")
        elif outcome.rows:
            rows = outcome.block.decode().rstrip("\n").split("\n")[1:]
            return tuple(row.split("\t")[1] for row in rows)
    if tried < len(ahead):
        raise ValueError(f"--function: its columns cannot be learned from the first {tried} "
                         f"images ({why}): name them with --columns")
    return ()


def as_rows(columns: Iterable[OwnColumn]) -> Rows:
    """Return columns as rows of text, for `learned_columns`."""
    import numpy as np

    from mr_extract.jobs.skeleton.work import Rows

    return Rows({_SPEC: np.array([str(one) for one in columns], str)})
