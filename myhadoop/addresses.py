"""Addresses and ports at which a cluster does not meet others on the same machine."""

import random
import socket
from collections.abc import Iterable, Sequence

from myhadoop.configuration import HEAD_PORTS, WORKER_PORTS


def ports_of(addresses: Sequence[str]) -> list[tuple[str, int]]:
    """Return all (address, port) of a head and its workers."""
    head, *workers = addresses
    return ([(head, port) for port in HEAD_PORTS.values()]
            + [(worker, port) for worker in workers for port in WORKER_PORTS.values()])


def free_addresses(number: int) -> list[str]:
    """Return loopback addresses of a random network on which all ports are free."""
    for _ in range(100):
        network = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        addresses = [f"{network}.{k}" for k in range(1, number + 1)]
        if all(map(_is_free, ports_of(addresses))):
            return addresses
    raise RuntimeError("a port that Hadoop needs is taken on every loopback address: "
                       f"one of {sorted([*HEAD_PORTS.values(), *WORKER_PORTS.values()])}")


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Return a free port of this host for each name, below those that systems give away."""
    ports: dict[str, int] = {}
    for name in names:
        ports[name] = next(port for port in iter(lambda: random.randint(12000, 32000), None)
                           if port not in ports.values() and _is_free(("", port)))
    return ports


def _is_free(place):
    with socket.socket() as probe:
        try:
            probe.bind(place)
        except OSError:
            return False
    return True
