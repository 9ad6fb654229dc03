"""The machines of a cluster, as mrjob's options ask for them in their three ways."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORKERS = ("CORE", "TASK")
GRAVITON = re.compile(r"^[a-z]+\d+[a-z]*g[a-z]*\.")  # m7g, c6gn, is4gen; not g5, g4dn
_NEW_AMD = re.compile(r"^[a-z]7a\.")
_SIZE = re.compile(r"\.(?:(\d*)x)?large$")
_GIGABYTES = {"c": 2, "m": 4, "r": 8}  # by vCPU and the family's letter
_YARN = 0.7  # of the memory, at least: EMR's own settings leave 0.69 (c5) to 0.87 (m5.4xlarge)


@dataclass(frozen=True)
class Group:
    """Machines of one role.

    Parameters
    ----------
    role : str
        ``MASTER``, ``CORE`` or ``TASK``.
    kinds : tuple of str
        Instance types of which they may be; the first counts.
    number : int
    spot : bool
    bid : float, optional
        Dollars an hour that a spot machine may cost at most.
    """

    role: str
    kinds: tuple[str, ...]
    number: int
    spot: bool = False
    bid: float | None = None

    @property
    def kind(self) -> str:
        """The instance type that is reckoned with."""
        return self.kinds[0]


def vcpus_of(kind: str) -> int:
    """Return the virtual cores of an instance type, by Amazon's names of sizes.

    Raises
    ------
    ValueError
        For a name that does not tell.
    """
    found = _SIZE.search(kind)
    if not found:
        raise ValueError(f"nobody knows how many cores {kind} has: only sizes from large on tell")
    return 2 if found[1] is None else 4 * int(found[1] or 1)


def slots_of(kind: str, task_memory: int) -> int:
    """Return how many tasks a machine computes at once.

    Parameters
    ----------
    kind : str
        Instance type.
    task_memory : int
        Megabytes of a task's container.
    """
    vcpus = vcpus_of(kind)
    memory = 1024 * vcpus * _GIGABYTES.get(kind[0], 4) * _YARN
    return max(1, min(vcpus, int(memory / task_memory)))


def shares_cores(kind: str) -> bool:
    """Tell whether a virtual core is a thread of a core, and another has the other."""
    return not (GRAVITON.match(kind) or _NEW_AMD.match(kind))


def groups_of(plain: Sequence[Group], groups: Sequence[Mapping[str, Any]] | None,
              fleets: Sequence[Mapping[str, Any]] | None) -> list[Group]:
    """Return the machines of a cluster.

    Parameters
    ----------
    plain : sequence of Group
        As types and numbers of mrjob's options have them, which count without the others.
    groups, fleets : sequence of dict, optional
        ``instance_groups`` and ``instance_fleets``, as EMR takes them.
    """
    if fleets:
        return [one for fleet in fleets for one in _of_fleet(fleet)]
    if groups:
        return [Group(one["InstanceRole"], (one["InstanceType"],), int(one["InstanceCount"]),
                      one.get("Market") == "SPOT", dollars_of(one.get("BidPrice")))
                for one in groups]
    return [one for one in plain if one.number]


def _of_fleet(fleet):
    choices = fleet["InstanceTypeConfigs"]
    kinds = tuple(one["InstanceType"] for one in choices)
    weight = choices[0].get("WeightedCapacity", 1) or 1
    for target, is_spot in (("TargetOnDemandCapacity", False), ("TargetSpotCapacity", True)):
        if capacity := fleet.get(target, 0):
            yield Group(fleet["InstanceFleetType"], kinds, math.ceil(capacity / weight), is_spot,
                        dollars_of(choices[0].get("BidPrice")))


def dollars_of(text: object) -> float | None:
    """Return a bid in dollars; None for none, or for words."""
    try:
        return float(str(text))
    except ValueError:
        return None


def workers_of(groups: Sequence[Group]) -> list[Group]:
    """Return those that run tasks: the only machine does so too."""
    return [one for one in groups if one.role in WORKERS] or list(groups)


def as_text(groups: Sequence[Group]) -> str:
    """Return what they are, in words: the one that leads first."""
    return " + ".join(f"{one.number} x {'/'.join(one.kinds)}{' spot' if one.spot else ''}"
                      for one in groups)
