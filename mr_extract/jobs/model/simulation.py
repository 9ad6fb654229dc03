"""A discrete-event simulation of containers on the nodes of a cluster.

YARN gives containers at the heartbeats of NodeManagers; the ApplicationMaster hears of them at
its own. With both at zero this is list scheduling: each task, in order, to the slot that is
free first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

_FREED, _BEAT = 0, 1  # in this order at one time


@dataclass(frozen=True)
class Cluster:
    """What is assumed of a cluster, all nodes alike. Times in seconds.

    Parameters
    ----------
    nodes, cores : int
        Nodes, and containers that run at once on each: one a core.
    heartbeat : float
        Between heartbeats of a NodeManager (Hadoop's default 1).
    asks : float
        Between those of the ApplicationMaster (Hadoop's default 1).
    node_bandwidth : float
        Bytes a second that a node reads, from its own disks or its network.
    total_bandwidth : float
        Bytes a second that all nodes together read, as of a shared file system.
    master : bool
        The ApplicationMaster takes the room of one container.
    node_spread : float
        Sigma of the natural logarithm of the slowness of nodes.
    """

    nodes: int
    cores: int
    heartbeat: float = 1.0
    asks: float = 1.0
    node_bandwidth: float = math.inf
    total_bandwidth: float = math.inf
    master: bool = True
    node_spread: float = 0.0

    @property
    def slots(self) -> int:
        """Containers that run tasks at once."""
        return self.nodes * self.cores - self.master

    @property
    def share(self) -> float:
        """Bytes a second of each container when all read."""
        return min(self.node_bandwidth / self.cores,
                   self.total_bandwidth / (self.nodes * self.cores))

    def without_waits(self) -> Cluster:
        """Return the same cluster with nothing but slots."""
        return replace(self, heartbeat=0.0, asks=0.0, node_bandwidth=math.inf,
                       total_bandwidth=math.inf, master=False, node_spread=0.0)


@dataclass(frozen=True)
class Attempt:
    """A task that ran: its number, its node, when its container was started and ended."""

    task: int
    node: int
    began: float
    ended: float


def seconds_of_task(images: ArrayLike, size: float, share: float,
                    read_ahead: bool = True) -> float:
    """Return the seconds of a task's images, one after the other.

    Parameters
    ----------
    images : array_like of float, shape (n,)
        Seconds that each image is computed.
    size : float
        Bytes of an image.
    share : float
        Bytes a second that the task reads.
    read_ahead : bool
        The next image is fetched while one is computed.
    """
    images = np.asarray(images, dtype=float)
    fetch = size / share
    if not read_ahead:
        return float(images.sum() + fetch * images.size)
    if images.size == 0:
        return 0.0
    # The first is waited for; then the slower of computing this and fetching the next.
    return float(fetch + np.maximum(images[:-1], fetch).sum() + images[-1])


class Slots:
    """Runs tasks on a cluster; what has run keeps its slots until it ends.

    Parameters
    ----------
    cluster : Cluster
    rng : numpy.random.Generator
        Draws when nodes beat, and how slow they are.
    ready : float
        When the ApplicationMaster begins to ask.
    """

    def __init__(self, cluster: Cluster, rng: np.random.Generator, ready: float = 0.0) -> None:
        self._cluster, self._ready = cluster, ready
        self._phase = rng.uniform(0.0, cluster.heartbeat, cluster.nodes)
        self._slow = np.exp(cluster.node_spread * rng.standard_normal(cluster.nodes))
        self._free = [cluster.cores] * cluster.nodes
        if cluster.master:
            self._free[0] -= 1
        if sum(self._free) < 1:
            raise ValueError("the ApplicationMaster leaves no room for a task")
        self._order = 0
        self._beating: set[int] = set()
        self._events: list[tuple[float, int, int, int]] = []
        for node in range(cluster.nodes):
            self._push(_beat_from(ready, self._phase[node], cluster.heartbeat), _BEAT, node)

    def run(self, seconds: Sequence[float], not_before: float = 0.0, waits_until: float = 0.0,
            tail: float = 0.0) -> list[Attempt]:
        """Run tasks in order, each in the first container that YARN gives.

        Parameters
        ----------
        seconds : sequence of float
            How long each runs.
        not_before : float
            When the first may be asked for.
        waits_until : float
            Each waits for this time when it has run so long, as a reducer for all maps.
        tail : float
            Seconds that each runs after that.

        Returns
        -------
        list of Attempt
        """
        cluster, pending = self._cluster, 0
        done: list[Attempt] = []
        while pending < len(seconds):
            time, kind, _, node = heapq.heappop(self._events)
            if kind == _FREED:
                self._free[node] += 1
                if node not in self._beating:
                    self._push(_beat_from(time, self._phase[node], cluster.heartbeat), _BEAT, node)
                continue
            self._beating.discard(node)
            if time < not_before and self._free[node]:
                self._push(_beat_from(not_before, self._phase[node], cluster.heartbeat), _BEAT,
                           node)
                continue
            while self._free[node] and pending < len(seconds):
                began = _beat_from(time, self._ready, cluster.asks)
                slow = self._slow[node]
                ended = max(began + seconds[pending] * slow, waits_until) + tail * slow
                done.append(Attempt(pending, node, began, ended))
                self._free[node] -= 1
                self._push(ended, _FREED, node)
                pending += 1
            if self._free[node]:  # for those that are asked for later
                self._push(time, _BEAT, node)
        return done

    def _push(self, time, kind, node):
        if kind == _BEAT:
            self._beating.add(node)
        self._order += 1
        heapq.heappush(self._events, (time, kind, self._order, node))


def _beat_from(time, phase, period):
    """Return the first beat at or after a time."""
    if period <= 0:
        return time
    return phase + math.ceil(max(0.0, (time - phase) / period) - 1e-9) * period
