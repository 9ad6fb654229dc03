"""Settings as command-line options, derived from the tables of settings."""

import argparse
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from mr_extract.settings.config import Config
from mr_extract.settings.declaring import Section
from mr_extract.settings.spelling import as_text, metavar_of, parser_of
from mr_extract.settings.tree import Settings
from mr_extract.storage.access import Access, access_settings

Kind = TypeVar("Kind", bound=Settings)


def option_name(name: str) -> str:
    """Return the option of a setting: ``deblend_cont`` is ``--deblend-cont``."""
    return "--" + name.replace("_", "-")


def add_settings(add_argument: Callable[..., object], kind: type[Settings] = Config) -> None:
    """Declare an option for every setting.

    Parameters
    ----------
    add_argument : callable
        Takes what `argparse.ArgumentParser.add_argument` takes.
    kind : type
        Of `mr_extract.settings.tree.Settings`.
    """
    for section in kind.sections():
        add_section(add_argument, section)


def add_section(add_argument: Callable[..., object], section: type[Section]) -> None:
    """Declare an option for each setting of a section (a class)."""
    for one in fields(section):
        _add(add_argument, one)


def add_access(add_argument: Callable[..., object]) -> None:
    """Declare an option for each setting of how remote places are reached."""
    for one in access_settings():
        _add(add_argument, one)


def access_from(options: argparse.Namespace) -> Access:
    """Return how remote places are reached (Access), as parsed options say.

    Raises
    ------
    ValueError
        For a value out of range; the message names the option.
    """
    given = {one.name: getattr(options, one.name, None) for one in access_settings()}
    with _by_option(given):
        return Access(**{name: value for name, value in given.items() if value is not None})


def access_arguments(access: Access) -> list[str]:
    """Return the options that make an access from the defaults; no secret is among them."""
    return [
        f"{option_name(one.name)}={as_text(value)}" for one in access_settings()
        if (value := getattr(access, one.name)) != one.default
    ]


def _add(add_argument, one):
    help_text = f"{one.metadata['help']} [{as_text(one.default)}]".replace("%", "%%")
    if not one.metadata["help"]:  # what a driver tells its tasks
        help_text = argparse.SUPPRESS
    add_argument(option_name(one.name), dest=one.name, default=None, type=parser_of(one),
                 help=help_text, metavar=metavar_of(one))


def settings_from(options: argparse.Namespace, kind: type[Kind]) -> Kind:
    """Return the settings that parsed options describe.

    Parameters
    ----------
    options : argparse.Namespace
    kind : type
        Of `mr_extract.settings.tree.Settings`.

    Raises
    ------
    ValueError
        For a value out of range; the message names the option.
    """
    given = changed(options, kind)
    with _by_option(given):
        return kind().updated(**given)


@contextmanager
def _by_option(given):
    """Have an error that begins with the name of a setting name its option."""
    try:
        yield
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        raise ValueError(f"{option_name(name)} {rest}" if name in given else str(error)) from error


def config_from(options: argparse.Namespace) -> Config:
    """Return the configuration of an extraction that parsed options describe.

    Parameters
    ----------
    options : argparse.Namespace
        Settings, and perhaps ``config``: a SExtractor configuration, above which
        the other options stand. With it, or a ``catalog_type`` of SExtractor, names
        are SExtractor's unless they are chosen.

    Raises
    ------
    ValueError
        For a value out of range; the message names the option.
    """
    given = changed(options, Config)
    configuration = getattr(options, "config", None)
    theirs = configuration or (getattr(options, "catalog_type", None) or "tsv") != "tsv"
    with _by_option(given):
        return settled(given, configuration, "sextractor" if theirs else "ours")


def settled(given: dict[str, Any], configuration: str | None = None, names: str = "ours") -> Config:
    """Return the configuration of settings, some of which may be files.

    Parameters
    ----------
    given : dict of str to object
        Settings by name. Those of `columns` may be ``.param`` files.
    configuration : str, optional
        A ``.sex`` file, above which they stand.
    names : str
        What names are where they are not chosen.

    Returns
    -------
    mr_extract.settings.config.Config

    Raises
    ------
    ValueError
        For a value out of range; the message names the setting.
    """
    given = dict(given)
    names = given.get("names", names)
    ours = names == "ours"
    if "columns" in given:
        given["columns"] = with_files(given["columns"], ours)
    values = {**given, "names": names}
    if configuration:
        from mr_extract.sextractor.configuration import settings_from
        from mr_extract.sextractor.names import translated

        values = {**settings_from(configuration, given), "names": names}
        if ours and "columns" not in given:
            values["columns"] = translated(values["columns"])
    return Config().updated(**values)


def with_files(columns: Iterable[str], ours: bool) -> tuple[str, ...]:
    """Return columns with what stands in .param files in the place of their names."""
    found = []
    for name in columns:
        if "." not in name and "/" not in name:
            found.append(name)
            continue
        from mr_extract.sextractor.files import read_parameters
        from mr_extract.sextractor.names import translated

        named = read_parameters(name)
        found.extend(translated(named) if ours else named)
    return tuple(found)


def changed(options: argparse.Namespace, kind: type[Settings]) -> dict[str, Any]:
    """Return the settings that were given, by name."""
    given = {one.name: getattr(options, one.name, None) for _, one in kind.declared()}
    return {name: value for name, value in given.items() if value is not None}


def arguments(config: Settings) -> list[str]:
    """Return the options that make a configuration from the defaults.

    Files are not named but their contents given, so that the options mean the
    same on every machine.
    """
    return [f"{option_name(name)}={as_text(value)}" for name, value in config.differing().items()]
