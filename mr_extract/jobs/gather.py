"""What the tasks wrote to one catalog that accounts for every image."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version

from mr_extract.addresses import shown_within
from mr_extract.remarks import parse_cell
from mr_extract.text.accounting import LOST, Account, error_line, header, parse_account
from mr_extract.text.block_stream import split_blocks, whole


@dataclass
class Totals:
    """Counts of a catalog.

    Parameters
    ----------
    measured, sources, failed_sources : int
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
    """

    measured: int = 0
    sources: int = 0
    failed_sources: int = 0
    partly: int = 0
    failures: Counter = field(default_factory=Counter)
    examples: dict = field(default_factory=dict)
    remarks: Counter = field(default_factory=Counter)
    said: dict = field(default_factory=dict)

    @property
    def failed(self):
        """Number of images that were not measured."""
        return sum(self.failures.values())

    def take(self, account):
        """Count one image."""
        if account.kind:
            self.failures[account.kind] += 1
            self.examples.setdefault(account.kind, (account.id, account.message))
        else:
            self.measured += 1
            self.sources += account.sources
            self.failed_sources += int(account.values.get("failed_sources", 0))
            self.partly += "images_in_file" in account.values
            said = dict(reversed(parse_cell(account.values.get("remarks", ""))))
            self.remarks.update(said.keys())
            for kind, detail in said.items():
                self.said.setdefault(kind, (account.id, detail))


def gather(text, plan, config, columns, catalog, ordered=True):
    """Bring blocks into order, account for every image, and write the catalog.

    Parameters
    ----------
    text : binary file
        All that the tasks wrote, in any order of images; open for reading.
    plan : mr_extract.jobs.plan.Plan
        The images that must be accounted for.
    config : mr_extract.config.Config
    columns : iterable of str
        Names of the columns.
    catalog : binary file
        Where the catalog goes.
    ordered : bool
        By image id; otherwise as the tasks wrote it.

    Returns
    -------
    Totals

    Raises
    ------
    RuntimeError
        When the text holds an image that was not asked for: a defect.
    """
    # The places of blocks under the very ids that the plan holds: there may be millions.
    places, totals, refused = dict.fromkeys(plan.entries), Totals(), plan.refused
    for start, block in _placed(text):
        account = whole(block)
        if account is None:
            continue
        if account.id not in places:
            raise RuntimeError(f"a task reported on {account.id}, which was not asked for")
        known = places[account.id]
        if known is None or (known[2:] and not account.kind):
            told = (account.kind, account.message) if account.kind else ()
            places[account.id] = (start, len(block), *told)
            if not told:  # it stands, whatever else will come
                totals.take(account)
    for image_id, place in places.items():
        if place is None:
            refused[image_id] = (LOST, "no task reported on it; run it again")
        elif place[2:]:
            totals.take(Account(image_id, *place[2:]))
    own = {i: error_line(i, kind, message) for i, (kind, message) in refused.items()}
    for line in own.values():
        totals.take(parse_account(line))
    catalog.write(header(config, columns, totals.measured, totals.failed, totals.sources,
                         {"sep": version("sep")}).encode())
    found = [image_id for image_id, place in places.items() if place]
    if ordered:
        order = sorted([*found, *own])  # of text as of its bytes: UTF-8 keeps the order
    else:
        order = [*sorted(found, key=places.get), *own]
    for image_id in order:
        if image_id in own:
            catalog.write(own[image_id].encode())
        else:
            start, size, *_ = places[image_id]
            text.seek(start)
            catalog.write(text.read(size))
    return totals


def _placed(text):
    """Yield the offset of every block, and the block."""
    text.seek(0)
    start = 0
    for block in split_blocks(text):
        if block.startswith(b"#"):
            yield start, block
        start += len(block)


def complain(text):
    """Write one line to standard error."""
    print(f"mr_extract: {shown_within(text)}", file=sys.stderr, flush=True)
