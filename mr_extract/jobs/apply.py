"""Any function of one's own, called with each image of a manifest.

Run it as ``python -m mr_extract.jobs.apply MANIFEST --function module:function``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from mr_extract.columns.column import Column
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside import kept_files
from mr_extract.jobs.function import carried, declaring
from mr_extract.jobs.skeleton.work import Rows, Work
from mr_extract.remarks import say
from mr_extract.settings.applying import ApplySettings
from mr_extract.settings.options import settings_from

if TYPE_CHECKING:
    from mr_extract.jobs.driver.ahead import Ahead
    from mr_extract.jobs.task.line import Line

_LEARN = "learn"  # in what a task is told: it returns the columns of its rows, and no rows
_IMAGE = Column("image", "str", "", "key", "", "meta.id;obs.image", "id of the image")


class Apply(Work):
    """Call a function of the user's with each image."""

    name = "mr_extract.jobs.apply"
    settings = ApplySettings
    rows = "rows"
    versions = ("astropy", "numpy")

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare what the function is given, its code, and where its files go."""
        add_argument("--param", action="append", default=[], metavar="NAME=VALUE",
                     help="a value for a parameter of the function, as JSON (numbers, true, null, "
                          "lists) or else a text")
        carried.add_options(add_argument)
        kept_files.add_option(add_argument, "arrays, HDUs and files that the function returns")

    def config_from(self, options: argparse.Namespace) -> ApplySettings:
        """Return the settings, with the values of ``--param``."""
        config = settings_from(options, ApplySettings)
        if options.param:
            values = json.dumps(declaring.values_of(options.param), sort_keys=True)
            config = config.updated(given_values=values)
        return config

    def more_from(self, options: argparse.Namespace, config: ApplySettings) -> dict[str, Any]:
        """Return where the code and the side data are, and where files go."""
        return {**carried.told_from(options, config), **kept_files.told_from(options)}

    def arguments(self, more: dict[str, Any]) -> list[str]:
        """Return the options by which a task has them."""
        return [*carried.arguments(more), *kept_files.arguments(more)]

    folders = staticmethod(carried.folders)
    modules = staticmethod(carried.modules)

    def settled(self, config: ApplySettings, more: dict[str, Any], ahead: Ahead
                ) -> tuple[ApplySettings, dict[str, Any]]:
        """Bring code and side data together, check the signature, and learn the columns."""
        kept_files.check(more)
        config, more = carried.gathered(config, more, ahead.scratch)
        wanted, columns = declaring.signature_and_columns(config, more, ahead.has_field)
        if not config.are_declared:
            if not columns and len(ahead):
                columns = declaring.learned_columns(ahead, config, {**more, _LEARN: True})
            config = config.updated(learned_columns=columns or ("none",))
        return config, more

    def columns(self, config: ApplySettings) -> dict[str, Column]:
        """Return the columns that were declared or learned."""
        return {"image": _IMAGE} | {
            one.name: Column(one.name, one.stored, one.unit, "function", "", "", "")
            for one in config.columns or ()}

    def measure(self, line: Line) -> Rows:
        """Return what the function returns for a line's image."""
        from mr_extract.jobs.function import arguments, calls, results

        config, more = line.config, line.more
        function, wanted, folders = _function(config.function.function, more.get("path", ""))
        side = carried.side_paths(config, more)
        watch = carried.watched(side, config)
        watch.check()
        given = {**json.loads(config.found.given_values), **side}
        line.lap("function")
        with calls.own_folder() as place:
            def call(found):
                value = calls.called(function, folders, place, line.entry.id, **found)
                watch.check()
                line.lap("function")
                return value

            returned = arguments.with_arguments(line, wanted, given, place, call)
            if more.get(_LEARN):
                return declaring.as_rows(results.learned(returned))
            if config.columns is None:
                results.learned(returned)  # which says why it could not be learned from
            files = kept_files.KeptFiles(line)
            try:
                columns, left_out = results.columns_of(
                    returned, config.columns or (), config.are_declared,
                    partial(_keep, files, place))
            except ImageFailure:
                raise
            except Exception as error:  # of objects of the user's own
                raise ImageFailure("bad-result", f"{type(error).__name__}: {error}") from error
            if left_out:
                say("not-used", f"the columns {', '.join(left_out)} that the function returned")
            files.write()
        return Rows(columns)


def _keep(files, place, name, value):
    from mr_extract.jobs.function.results import as_file

    suffix, content = as_file(value, place)
    return files.take(name, suffix, content)


@lru_cache(1)
def _function(name, path):
    """Return the function, what it wants, and the folders in which the user's code is."""
    from mr_extract.jobs.function.calls import called, own_folder

    folders = tuple(filter(None, path.split(os.pathsep)))
    with own_folder() as place:  # what is printed while it is imported is no row either
        function = called(declaring.function_of, folders, place, name, name=name, path=path)
    return function, declaring.checked_signature(function), folders


WORK = Apply()

if __name__ == "__main__":
    from mr_extract.jobs.skeleton.image_job import run

    run(WORK.name)
