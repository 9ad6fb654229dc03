"""The end of a job: counts, failures by kind and where the time went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mr_extract.storage.output import text_written_whole

if TYPE_CHECKING:
    from mr_extract.jobs.driver.gather import Totals

_TIMES = "milliseconds by stage"
#: Group and name of the counter of images that Python measured alone.
WITHOUT_KERNELS = "kernels", "images without compiled ones"


def summarise(totals: Totals, counters: Mapping[str, Mapping[str, int]], seconds: float | None,
              runner: str, lines: int, rows: str = "sources",
              packed: bool = False,
              expense: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a job did as plain dictionaries.

    Parameters
    ----------
    totals : mr_extract.jobs.driver.gather.Totals
    counters : dict of str to dict of str to int
        Of the runner, by group and name; empty where they are lost.
    seconds : float or None
        Wall time from the first line read to the catalog's end, where one process saw both.
    runner : str
    lines : int
        Different images in the manifests.
    rows : str
        What the rows of the catalog are.
    packed : bool
        The tasks had the images from Hadoop: it says how many ran near them.
    expense : dict of str to dict, optional
        Of a cluster that was started for the job: what was estimated, and what it took.
    """
    tried = lines - totals.failures["lost"] - totals.skipped
    stages, tasks = counters.get(_TIMES, {}), counters.get("Job Counters ", {})
    near = tasks.get("Data-local map tasks", 0), tasks.get("Launched map tasks", 0)
    return {
        "runner": runner,
        "lines": lines,
        "images": {"measured": totals.measured, "failed": totals.failed,
                   **({"skipped": totals.skipped} if totals.skipped else {})},
        "failures": {
            kind: {"images": n, "first": totals.examples[kind][0],
                   "message": totals.examples[kind][1]}
            for kind, n in sorted(totals.failures.items())
        },
        "remarks": {
            kind: {"images": n, "first": totals.said[kind][0], "detail": totals.said[kind][1]}
            for kind, n in sorted(totals.remarks.items())
        },
        "rows_are": rows,
        rows: totals.rows,
        f"failed_{rows}": totals.failed_rows,
        "files_with_further_images": totals.partly,
        "bytes": counters.get("bytes", {}).get("read", 0) if counters or not tried else None,
        "map_tasks": {"launched": near[1], "where_their_data_are": near[0]} if packed else {},
        "without_compiled_kernels": counters.get(WITHOUT_KERNELS[0], {}).get(
            WITHOUT_KERNELS[1], 0),
        "seconds": None if seconds is None else round(seconds, 3),
        "images_per_second": round(tried / seconds, 3) if seconds else 0.0,
        **({"cluster": dict(expense)} if expense else {}),
        "milliseconds": dict(sorted(stages.items(), key=lambda pair: -pair[1])),
    }


def as_text(summary: Mapping[str, Any]) -> str:
    """Return the summary as lines for a person."""
    images, rows = summary["images"], summary["rows_are"]
    # Of a job that was ended nobody has the counters.
    read = "" if summary["bytes"] is None else f"{summary['bytes'] / 1e6:.1f} MB read, "
    took = rate = ""
    if summary["seconds"] is not None:
        took = f" in {summary['seconds']:.1f} s"
        rate = f"{summary['images_per_second']:.2f} images/s, "
    lines = [
        f"{images['measured']} images measured, {images['failed']} failed, {summary[rows]} {rows}"
        f"{took} ({rate}{read}runner {summary['runner']})"
    ]
    if images.get("skipped"):
        lines.append(f"{images['skipped']} images were left out by --where")
    if summary[f"failed_{rows}"]:
        lines.append(f"{summary[f'failed_{rows}']} {rows} with a failed measurement: see flag")
    if summary["files_with_further_images"]:
        lines.append(f"{summary['files_with_further_images']} files hold further images, which "
                     "were not measured: --extensions all measures them, a line file.fits[2] one")
    for kind, what in sorted(summary["failures"].items(), key=lambda pair: -pair[1]["images"]):
        lines.append("  " + ": ".join(filter(None, (
            f"{what['images']} x {kind}", what["first"], what["message"]))))
    for kind, what in summary["remarks"].items():
        lines.append("  " + ": ".join(filter(None, (
            f"{what['images']} measured, {kind}", what["first"], what["detail"]))))
    if summary["without_compiled_kernels"]:
        lines.append(
            f"{summary['without_compiled_kernels']} images measured without compiled kernels, "
            "which takes longer and gives the same: python -m mr_extract.compiled says why")
    if summary["map_tasks"]:
        lines.append("{where_their_data_are} of {launched} map tasks ran where their data are"
                     .format(**summary["map_tasks"]))
    if "cluster" in summary:
        from mr_extract.jobs.runners.emr.telling import compared

        lines.append(compared(summary["cluster"]))
    stages = summary["milliseconds"]
    if sum(stages.values()):
        whole = sum(stages.values())
        parts = [f"{stage} {100 * ms / whole:.0f} %" for stage, ms in stages.items()
                 if ms >= 0.005 * whole]
        lines.append("time by stage: " + ", ".join(parts))
    return "\n".join(lines)


def write(summary: Mapping[str, Any], path: str) -> None:
    """Write the summary as JSON, whole or not at all."""
    with text_written_whole(path) as file:
        json.dump(summary, file, indent=2)
        file.write("\n")
