"""Where the catalog and the summary go: looked at before the work, filled after it."""

from __future__ import annotations

import os
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.skeleton.options import TSV
from mr_extract.storage.output import written_whole

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

_OUTPUTS = ("catalog", "summary", "light_curves")


def check_outputs(options: Namespace, plan: Plan) -> None:
    """Raise ValueError where an output cannot be written, or would replace an input.

    Parameters
    ----------
    options : argparse.Namespace
        Its `catalog`, `summary` and `light_curves` become real paths, unless they are remote.
    plan : mr_extract.jobs.driver.plan.Plan
    """
    # Before hours of work, not after them.
    if options.output_dir and _is_on_this_machine(options):
        raise ValueError("--output-dir is for clusters; here --catalog FILE names the catalog")
    if options.catalog_type != TSV and not options.catalog:
        raise ValueError(f"--catalog-type {options.catalog_type} needs --catalog DIR")
    taken = _inputs(options, plan)
    for name in _OUTPUTS:
        place, option = getattr(options, name, None), name.replace("_", "-")
        if place is None:
            continue
        if not place:
            raise ValueError(f"--{option}: needs a file name")
        if storage.is_local(place):
            place = _checked_path(option, storage.local.path_of(place), options.catalog_type)
        else:
            _check_remote(option, place, options.catalog_type)
        setattr(options, name, place)
        if place in taken:
            raise ValueError(f"--{option}: {place} is needed for something else")
        taken.add(place)


def _is_on_this_machine(options):
    if options.runner == "spark":
        from mr_extract.jobs.runners.spark.settings import is_here

        return is_here(options.spark_master)
    return (options.runner or "inline") in ("inline", "local")


def _inputs(options, plan):
    """Return the places that no output may have."""
    taken = {os.path.realpath(path) for path in options.args} | set(options.args)
    places = [place for name in _OUTPUTS if (place := getattr(options, name, None))]
    if any(os.path.exists(place) or not storage.is_local(place) for place in places):
        uris = (entry.uri for entry in plan.entries.values())
        taken.update({_one_name(place) for place in places}.intersection(map(_one_name, uris)))
    return taken


def _one_name(uri):
    return storage.local.real_path(uri) if storage.is_local(uri) else uri


def _checked_path(name, place, catalog_type):
    """Return the real path of an output that can be written."""
    place = os.path.realpath(place)  # a link stays, what it leads to is replaced
    folder = os.path.dirname(place)
    if name == "catalog" and catalog_type != TSV:
        if os.path.exists(place) and not os.path.isdir(place):
            raise ValueError(f"--catalog: {place} is no directory, as --catalog-type needs")
        if not os.access(place if os.path.exists(place) else folder, os.W_OK):
            raise ValueError(f"--catalog: cannot write {place}")
        return place
    if os.path.isdir(place):
        raise ValueError(f"--{name}: {place} is a directory")
    if os.path.exists(place) and not os.path.isfile(place):
        raise ValueError(f"--{name}: {place} is no regular file; use > for it")
    if not os.access(place if os.path.exists(place) else folder, os.W_OK):
        raise ValueError(f"--{name}: cannot write {place}")
    return place


def _check_remote(name, place, catalog_type):
    if name != "catalog" or catalog_type != TSV:
        raise ValueError(f"--{name}: {place} is remote: a path of this machine is needed here")
    if storage.scheme(place) not in storage.WRITTEN:
        raise ValueError(f"--{name}: nothing can be written to {storage.scheme(place)}://")


@contextmanager
def unfinished_catalog(options: Namespace, scratch: str) -> Iterator[str]:
    """Give a path to write the catalog to before it takes its place.

    Parameters
    ----------
    options : argparse.Namespace
    scratch : str
        A folder for what goes elsewhere when it is finished.

    Yields
    ------
    str
    """
    if _is_whole(options):
        with written_whole(options.catalog) as spool:
            yield spool
    else:
        yield os.path.join(scratch, "catalog")


def put_catalog(catalog: BinaryIO, options: Namespace, plan: Plan, stdout: BinaryIO) -> list[str]:
    """Bring a finished catalog where it belongs.

    Parameters
    ----------
    catalog : binary file
        What was written to the path of `unfinished_catalog`, flushed.
    options : argparse.Namespace
    plan : mr_extract.jobs.driver.plan.Plan
    stdout : binary file

    Returns
    -------
    list of str
        Catalogues of images that could not be written, which was said; the others are there.

    Raises
    ------
    OSError
        When it cannot be put there; of a remote place the message names the file that
        holds the catalog instead.
    """
    if _is_whole(options):
        os.fsync(catalog.fileno())
        return []
    catalog.seek(0)
    if options.catalog is None:
        shutil.copyfileobj(catalog, stdout, 1 << 20)
        stdout.flush()
    elif options.catalog_type != TSV:
        return _export(catalog.name, options, plan)
    else:
        _upload(catalog, options.catalog)
    return []


def is_there(options: Namespace) -> bool:
    """Tell whether a file has the catalog's place already."""
    return _is_whole(options) and os.path.exists(options.catalog)


def _is_whole(options):
    """Tell whether the catalog is written beside its place and takes its name at the end."""
    return bool(options.catalog) and options.catalog_type == TSV and storage.is_local(
        options.catalog)


def _export(spool, options, plan):
    """Write the catalog in a format of SExtractor, and return what could not be written."""
    from mr_extract.sextractor.export import export
    from mr_extract.sextractor.source import without_extension

    places = {without_extension(i): entry.uri for i, entry in plan.entries.items()}
    return export(spool, options.catalog_type, options.catalog + "/", uri_of=places.get,
                  complain=complain)[1]


def _upload(catalog, uri):
    try:
        storage.write(uri, catalog)
    except ImageFailure as failure:
        # The work of hours is not thrown away.
        number, kept = tempfile.mkstemp(".tsv", "catalog-", ".")
        catalog.seek(0)
        with open(number, "wb") as file:
            shutil.copyfileobj(catalog, file, 1 << 20)
        raise OSError(f"--catalog {uri}: {failure.message}; it is in {kept}") from failure
