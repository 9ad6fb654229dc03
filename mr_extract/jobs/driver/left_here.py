"""Jobs whose drivers had their folders on this machine, whatever ran their tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.left import Left
from mr_extract.jobs.driver.left_in_bucket import LeftInBucket
from mr_extract.jobs.driver.left_on_hadoop import LeftOnHadoop
from mr_extract.jobs.driver.left_on_spark import LeftOnSpark
from mr_extract.jobs.driver.record import FACTS, FOLDER, parse_record

_SCRATCH = "mr_extract-*"  # what drivers call their folders
_OF_RUNNER = {"hadoop": LeftOnHadoop, "spark": LeftOnSpark, "emr": LeftInBucket}


def left_here(folder: str, hadoop: Sequence[str] = ()) -> Iterator[Left]:
    """Yield the jobs whose drivers had their folders in one of this machine."""
    for scratch in sorted(Path(folder).glob(_SCRATCH)):
        try:
            found = _left_in(scratch, hadoop) if scratch.stat().st_uid == os.getuid() else None
        except FileNotFoundError:
            continue  # its driver has come to its end just now
        except ValueError as error:
            complain(f"{scratch} is passed over: {error}")
            continue
        if found:
            yield found


def _left_in(scratch, hadoop):
    within = f"input/{FOLDER}/{FACTS}"
    records = [*scratch.glob(within), *scratch.glob(f"{_SCRATCH}/{within}")]
    told = [path for path in (scratch / FACTS, *records) if path.exists()]
    if not told:
        return None
    record = parse_record(told[0].read_text(encoding="utf-8"))
    place = str(records[0].parent) if records else ""
    return _OF_RUNNER.get(record.runner, Left)(record, str(scratch), place, tuple(hadoop))
