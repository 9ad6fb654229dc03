"""An estimate in words, and set against what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mr_extract.jobs.runners.emr.estimate import Estimate, Range
from mr_extract.jobs.runners.emr.machines import as_text

_CENT = 0.01


def told(estimate: Estimate, where: str, images: str, prices: str) -> str:
    """Return the lines of an estimate.

    Parameters
    ----------
    estimate : Estimate
    where : str
        The region.
    images : str
        How the cost and the bytes of an image are known.
    prices : str
        What is to be known of the prices.
    """
    load = estimate.load
    lines = [
        f"estimate for {load.images:,} images, {load.size / 1e9:.2f} GB, on "
        f"{as_text(estimate.groups)} in {where}:",
        _line("an image", f"{_numbers(load.seconds)} s of a core, {images}"),
        _line("tasks", f"{load.tasks:,}"),
        _line("hours", f"{_numbers(estimate.hours)}, from the cluster's start to its end"),
        *(_line(name, _dollars(cost)) for name, cost in estimate.items.items()
          if cost[1] >= _CENT / 2),
        _line("together", f"{_dollars(estimate.dollars)}; {prices}"),
    ]
    return "\n".join(lines)


def as_facts(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as a summary has it."""
    return {"hours": _rounded(estimate.hours), "dollars": _rounded(estimate.dollars),
            "tasks": estimate.load.tasks, "image_seconds": _rounded(estimate.load.seconds)}


def compared(cost: Mapping[str, Any]) -> str:
    """Return the line on what a cluster took beside what was estimated."""
    took, said = cost["actual"], cost["estimate"]
    return (f"the cluster lived {took['hours']:.2f} hours, {_dollars(took['dollars'])} by the "
            f"table of prices; estimated were {_numbers(said['hours'])} hours, "
            f"{_dollars(said['dollars'])} with all else")


def _line(name, words):
    return f"  {name:<15} {words}"


def _rounded(found: Range) -> list[float]:
    return [round(value, 4) for value in found]


def _numbers(found):
    low, high = (f"{value:.2g}" for value in found)
    return low if low == high else f"{low} to {high}"


def _dollars(found):
    low, high = (f"{value:.2f}" for value in found)
    return f"${low}" if low == high else f"${low} to ${high}"
