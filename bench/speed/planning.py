"""What a driver does before and after the tasks, once: ``python -m bench.speed.planning``."""

import json
import sys
import tempfile
from pathlib import Path
from time import process_time

from mr_extract.jobs.driver.gather import gather
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.jobs.driver.shards import write_shards
from mr_extract.jobs.extract import WORK
from mr_extract.settings.config import Config


def main(manifest, blocks, shards, output):
    """Plan a manifest, cut it, gather blocks; write the CPU seconds of the three as JSON."""
    marks = [process_time()]
    plan = read_plan([manifest], None)
    marks.append(process_time())
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as folder:
        write_shards(plan, int(shards), folder)
        marks.append(process_time())
        with open(blocks, "rb") as text, open(Path(folder, "catalog"), "wb") as catalog:
            gather(text, plan, WORK, Config(), catalog)
    marks.append(process_time())
    seconds = [stop - start for start, stop in zip(marks, marks[1:])]
    Path(output).write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
