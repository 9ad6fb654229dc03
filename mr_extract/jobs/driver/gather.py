"""What the tasks wrote to one catalog that accounts for every image."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from mr_extract.addresses import shown_within
from mr_extract.jobs.skeleton.work import MAIN
from mr_extract.remarks import parse_cell
from mr_extract.text.accounting import (
    LOST,
    SKIPPED,
    Account,
    error_line,
    header,
    parse_account,
)
from mr_extract.text.block_stream import split_blocks, whole

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.skeleton.work import Work
    from mr_extract.settings.tree import Settings

_NONE = -1


@dataclass
class Totals:
    """Counts of a catalog.

    Parameters
    ----------
    measured, rows, failed_rows : int
    partly : int
        Images measured of files that hold further ones.
    failures : Counter
        Kind to number of images.
    examples : dict of str to (str, str)
        Kind to (id, message) of its first image.
    remarks : Counter
        What was said of measured images: kind to number of images.
    said : dict of str to (str, str)
        Kind to (id, detail) of the first image of which it was said.
    skipped : int
        Images that were left out.
    """

    measured: int = 0
    rows: int = 0
    failed_rows: int = 0
    partly: int = 0
    failures: Counter = field(default_factory=Counter)
    examples: dict = field(default_factory=dict)
    remarks: Counter = field(default_factory=Counter)
    said: dict = field(default_factory=dict)
    skipped: int = 0

    @property
    def failed(self) -> int:
        """Number of images that were not measured."""
        return sum(self.failures.values())

    def take(self, account: Account) -> None:
        """Count one image."""
        if account.kind == SKIPPED:
            self.skipped += 1
        elif account.kind:
            self.failures[account.kind] += 1
            self.examples.setdefault(account.kind, (account.id, account.message))
        else:
            self.measured += 1
            self.rows += account.rows
            self.failed_rows += account.failed_rows
            self.partly += "images_in_file" in account.values
            if "remarks" not in account.values:
                return
            said = dict(reversed(parse_cell(account.values["remarks"])))
            self.remarks.update(said.keys())
            for kind, detail in said.items():
                self.said.setdefault(kind, (account.id, detail))


def gather(text: BinaryIO, plan: Plan, work: Work, config: Settings, catalog: BinaryIO,
           ordered: bool = True, told: Mapping[str, str] | None = None) -> Totals:
    """Bring blocks into order, account for every image, and write the catalog.

    Parameters
    ----------
    text : binary file
        All that the tasks wrote, in any order of images; open for reading.
    plan : mr_extract.jobs.driver.plan.Plan
        The images that must be accounted for.
    work : mr_extract.jobs.skeleton.work.Work
    config : mr_extract.settings.tree.Settings
    catalog : binary file
        Where the catalog goes.
    ordered : bool
        By image id; otherwise as the tasks wrote it.
    told : dict of str to str, optional
        What the header says besides.

    Returns
    -------
    Totals

    Raises
    ------
    RuntimeError
        When the text holds an image that was not asked for: a defect.
    """
    # By number of the line where its block begins and how long it is: there may be millions.
    starts, sizes = array("q", [_NONE]) * len(plan), array("q", [0]) * len(plan)
    failed = bytearray(len(plan))
    totals = Totals()
    for start, block in _placed(text):
        account = whole(block)
        if account is None:
            continue
        number = plan.find(account.id)
        if number < 0:
            raise RuntimeError(f"a task reported on {account.id}, which was not asked for")
        if starts[number] == _NONE or (failed[number] and not account.kind):
            starts[number], sizes[number] = start, len(block)
            failed[number] = bool(account.kind)
            if not account.kind:  # it stands, whatever else will come
                totals.take(account)
    for number in range(len(plan)):
        if failed[number]:
            totals.take(parse_account(_read(text, starts[number], sizes[number])))
        elif starts[number] == _NONE:
            totals.take(parse_account(_own_line(plan, number)))
    catalog.write(header_of(work, config, totals, told).encode())
    if ordered:
        order = plan.in_order()
    else:
        found = sorted((k for k in range(len(plan)) if starts[k] != _NONE), key=starts.__getitem__)
        order = chain(found, (k for k in range(len(plan)) if starts[k] == _NONE))
    for number in order:
        start = starts[number]
        catalog.write(_own_line(plan, number).encode() if start == _NONE
                      else _read(text, start, sizes[number]))
    return totals


def _read(text, start, size):
    text.seek(start)
    return text.read(size)


def _own_line(plan, number):
    """Return the line of an image on which no task reported."""
    return plan.own_line(number) or error_line(
        plan.lines[number].id, LOST, "no task reported on it; run it again")


def header_of(work: Work, config: Settings, totals: Totals,
              told: Mapping[str, str] | None = None) -> str:
    """Return the lines that stand before all others in a catalog.

    Parameters
    ----------
    work : mr_extract.jobs.skeleton.work.Work
    config : mr_extract.settings.tree.Settings
    totals : Totals
    told : dict of str to str, optional
        What it says besides.
    """
    from importlib.metadata import version  # which loads much, and no task needs it

    made_with = {name: version(name) for name in work.versions}
    if work.name != MAIN:
        made_with = {"job": work.name, **made_with}
    skipped = {SKIPPED: totals.skipped} if totals.skipped else {}
    return header(config, work.columns(config), {**made_with, **(told or {})},
                  {"images": totals.measured, "failed": totals.failed, **skipped,
                   work.rows: totals.rows})


def _placed(text):
    """Yield the offset of every block, and the block."""
    text.seek(0)
    start = 0
    for block in split_blocks(text):
        if block.startswith(b"#"):
            yield start, block
        start += len(block)


def complain(text: str) -> None:
    """Write one line to standard error."""
    print(f"mr_extract: {shown_within(text)}", file=sys.stderr, flush=True)
