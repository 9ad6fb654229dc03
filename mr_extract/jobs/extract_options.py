"""What the main job takes on its command line besides its settings."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from mr_extract import storage
from mr_extract.columns.choice import CHECK_IMAGES
from mr_extract.jobs.beside.checkimage_files import Checks
from mr_extract.jobs.beside.position_lists import check_lists as check  # noqa: F401  a part of the job
from mr_extract.jobs.skeleton.expansion import ALL, FIRST
from mr_extract.jobs.skeleton.options import TSV
from mr_extract.settings.config import Config
from mr_extract.settings.linking import UniqueSettings
from mr_extract.settings.objects import ObjectSettings
from mr_extract.settings.options import add_section, changed, option_name, settings_from
from mr_extract.settings.options import config_from as _config_from
from mr_extract.sextractor import FORMATS
from mr_extract.sextractor.meanings import CHECK_IMAGES as THEIRS

_REDUCTIONS = {"unique": UniqueSettings, "objects": ObjectSettings}


def add_options(add_argument: Callable[..., object]) -> None:
    """Declare them.

    Parameters
    ----------
    add_argument : callable
        Takes what `argparse.ArgumentParser.add_argument` takes.
    """
    add_argument("--config", metavar="FILE.sex",
                 help="take settings and columns from a configuration of SExtractor, and its "
                      "defaults for what it leaves out; other options stand above it")
    add_argument("--catalog-type", choices=(TSV, *FORMATS), type=str.lower,
                 metavar="|".join((TSV, *FORMATS)),
                 help="tsv, or a format of SExtractor: --catalog is then a directory, with a "
                      "catalog for each image (CATALOG_TYPE) [tsv]")
    add_argument("--checkimage", metavar="KIND,KIND", type=_kinds,
                 help=f"check images to write for each image: {', '.join(CHECK_IMAGES)} "
                      "or as SExtractor spells them (CHECKIMAGE_TYPE)")
    add_argument("--checkimage-dir", metavar="DIR",
                 help="where they are written [beside the catalog]")
    for section in dict.fromkeys((*UniqueSettings.sections(), *ObjectSettings.sections())):
        add_section(add_argument, section)
    add_light_curves(add_argument)


def add_light_curves(add_argument: Callable[..., object]) -> None:
    """Declare where light curves go."""
    add_argument("--light-curves", metavar="FILE",
                 help="write the light curves of objects to FILE: a row a detection")


def config_from(options: argparse.Namespace) -> Config:
    """Return the configuration, and give the options that depend on it their values.

    Parameters
    ----------
    options : argparse.Namespace
        Gets `extensions`, all of them where a configuration of SExtractor is taken, as
        SExtractor measures them all, and `catalog_type`; what the configuration says of
        the catalog and nobody took over stands in `hint`.

    Returns
    -------
    mr_extract.settings.config.Config
    """
    if options.config:
        from mr_extract.sextractor.hints import catalog_hint

        options.hint = catalog_hint(options.config, options.catalog_type, options.catalog)
    options.extensions = options.extensions or (ALL if options.config else FIRST)
    options.catalog_type = options.catalog_type or TSV
    return _config_from(options)


def more_from(options: argparse.Namespace, config: Config) -> dict[str, Any]:
    """Return what tasks get besides the settings: where check images go, and which.

    Raises
    ------
    ValueError
        When there is no place for them.
    """
    _check_reduction(options)
    checks = _checks_from(options, config)
    return {} if checks is None else checks.as_told()


def _check_reduction(options):
    """Raise ValueError for an option that this way of reducing does not heed, or a wrong one."""
    if options.reduce in _REDUCTIONS and options.catalog_type != TSV:
        raise ValueError(f"--catalog-type {options.catalog_type} has a catalog for each image, "
                         f"and --reduce {options.reduce} one for all")
    for reduce, settings in _REDUCTIONS.items():
        if reduce == options.reduce:
            settings_from(options, settings)
    heeded = {one.name for _, one in _REDUCTIONS[options.reduce].declared()} if (
        options.reduce in _REDUCTIONS) else set()
    for reduce, settings in _REDUCTIONS.items():
        for name in changed(options, settings).keys() - heeded:
            raise ValueError(f"{option_name(name)} is for --reduce {reduce}")
    if options.light_curves is not None and options.reduce != "objects":
        raise ValueError("--light-curves is for --reduce objects")


def arguments(more: Mapping[str, Any]) -> list[str]:
    """Return the options by which a task has what `more_from` returned."""
    checks = Checks.told(more)
    return [] if checks is None else [f"--checkimage={','.join(checks.kinds)}",
                                      f"--checkimage-dir={checks.folder}"]


def _checks_from(options, config):
    asked = "--checkimage"
    if options.config and options.checkimage is None:
        from mr_extract.sextractor.configuration import check_images_of

        options.checkimage = check_images_of(options.config)
        asked = f"CHECKIMAGE_TYPE of {options.config}"
    if not options.checkimage:
        if options.checkimage_dir is not None:
            raise ValueError("--checkimage-dir needs --checkimage")
        return None
    if config.targets.forced:
        raise ValueError("--checkimage shows what was detected: --forced detects nothing")
    folder = options.checkimage_dir
    if folder is None and options.catalog and storage.is_local(options.catalog):
        folder = os.path.abspath(options.catalog)
        if options.catalog_type == TSV:
            folder = os.path.dirname(folder)
    if not folder:
        raise ValueError(f"{asked} needs --checkimage-dir DIR or --catalog FILE"
                         + ("" if asked.startswith("--") else "; --checkimage none makes none"))
    return Checks(options.checkimage, os.path.abspath(folder))


def _kinds(text):
    if text.strip().lower() == "none":  # although a configuration asks for some
        return ()
    words = (part.strip() for part in text.split(",") if part.strip())
    kinds = tuple(dict.fromkeys(THEIRS.get(word.upper(), word.lower()) for word in words))
    wrong = [kind for kind in kinds if kind not in CHECK_IMAGES]
    if wrong or not kinds:
        raise argparse.ArgumentTypeError(f"{wrong[0] if wrong else text!r} is none of "
                                         f"{', '.join(CHECK_IMAGES)}")
    return kinds
