"""What the tasks wrote to one catalog that accounts for every image."""

import mmap
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version

from mr_extract.text.accounting import error_line, header, parse_account

COUNTED = ("sources", "failed_sources", "images_in_file")


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
    """

    measured: int = 0
    sources: int = 0
    failed_sources: int = 0
    partly: int = 0
    failures: Counter = field(default_factory=Counter)
    examples: dict = field(default_factory=dict)

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
    blocks, totals, entries, refused = {}, Totals(), plan.entries, plan.refused
    size = os.fstat(text.fileno()).st_size
    with mmap.mmap(text.fileno(), 0, access=mmap.ACCESS_READ) if size else _Nothing() as lines:
        for image_id, start, stop in _blocks(lines):
            account = _whole(lines, start, stop)
            if account is not None and image_id not in entries:
                raise RuntimeError(f"a task reported on {image_id}, which was not asked for")
            if account is not None and _better(account, blocks.get(image_id)):
                blocks[image_id] = (account, start, stop)
        own = {i: error_line(i, kind, message) for i, (kind, message) in refused.items()}
        own |= {
            i: error_line(i, "lost", "no task reported on it; run it again")
            for i in entries if i not in blocks
        }
        for account, _, _ in blocks.values():
            totals.take(account)
        for line in own.values():
            totals.take(parse_account(line))
        catalog.write(header(config, columns, totals.measured, totals.failed, totals.sources,
                             {"sep": version("sep")}).encode())
        order = [*blocks, *own]
        if ordered:
            order.sort(key=str.encode)
        for image_id in order:
            if image_id in own:
                catalog.write(own[image_id].encode())
            else:
                _, start, stop = blocks[image_id]
                catalog.write(lines[start:stop])
    return totals


class _Nothing:
    # An empty file cannot be mapped.
    def __enter__(self):
        return b""

    def __exit__(self, *_):
        return False


def _blocks(lines):
    """Yield (id, start, stop) of every block."""
    # Rows never begin with #: ids have it escaped.
    start = 0 if lines[:1] == b"#" else lines.find(b"\n#") + 1
    while lines[start : start + 1] == b"#":
        after = lines.find(b"\n#", start) + 1 or len(lines)
        first = start + len(b"#image\t")
        tab = lines.find(b"\t", first, after)
        # Text that breaks off may break off in a character, and is not whole then.
        image_id = lines[first : after if tab < 0 else tab].decode(errors="replace")
        yield image_id, start, after
        start = after


def _whole(lines, start, stop):
    """Return the account of a block, None when it is not all there."""
    block = lines[start:stop]
    if not block.endswith(b"\n"):
        return None
    account = parse_account(block[: block.index(b"\n") + 1])
    if block.count(b"\n") != 1 + account.sources:
        return None
    # There may be millions of them: only what is counted is kept.
    account.values = {k: v for k, v in account.values.items() if k in COUNTED}
    return account


def _better(account, known):
    return known is None or (known[0].kind != "" and account.kind == "")


def complain(text):
    """Write one line to standard error."""
    print(f"mr_extract: {text}", file=sys.stderr, flush=True)
