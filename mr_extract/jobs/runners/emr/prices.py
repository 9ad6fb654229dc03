"""The dated table of what Amazon asks for, and what a user knows better."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mr_extract

#: Beside the package, where users can change it.
TABLE = Path(mr_extract.__file__).parent.parent / "emr" / "prices.toml"


@dataclass(frozen=True)
class Prices:
    """Dollars.

    Parameters
    ----------
    date, region, source : str
        When, where and whose these are.
    machines : dict of str to (float, float)
        By instance type an hour of the machine on demand, and of EMR on it.
    given : tuple of str
        Types of which the user said the price.
    emr_part, spot_part : float
        Parts of a machine's price: what EMR asks for where the table does not say, and what a
        spot machine costs at best.
    disk_gigabyte_month, get_thousand, put_thousand, gigabyte_between_regions, \
gigabyte_to_internet : float
    """

    date: str
    region: str
    source: str
    machines: dict[str, tuple[float, float]]
    emr_part: float
    spot_part: float
    disk_gigabyte_month: float
    get_thousand: float
    put_thousand: float
    gigabyte_between_regions: float
    gigabyte_to_internet: float
    given: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[float, float]:
        """Return the dollars an hour of an instance type, and of EMR on it.

        Raises
        ------
        ValueError
            When nobody has told.
        """
        if kind not in self.machines:
            raise ValueError(f"{TABLE.name} does not say what {kind} costs: "
                             f"--price {kind}=DOLLARS an hour")
        return self.machines[kind]

    def with_given(self, given: Sequence[tuple[str, float]]) -> Prices:
        """Return these with what a user says of types: their names, and dollars an hour."""
        machines = dict(self.machines)
        for kind, dollars in given:
            part = machines[kind][1] / machines[kind][0] if kind in machines else self.emr_part
            machines[kind] = dollars, part * dollars
        return replace(self, machines=machines, given=tuple(kind for kind, _ in given))

    def told(self, region: str) -> str:
        """Return what a reader should know of these prices, for a cluster in a region."""
        words = f"prices of {self.date} for {self.region} ({TABLE.parent.name}/{TABLE.name}), to " \
                "be checked"
        if region != self.region:
            words += f"; those of {region} differ"
        return words + (f"; as you say: {', '.join(self.given)}" if self.given else "")


def read_prices(path: Path = TABLE) -> Prices:
    """Return the table of a TOML file.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        When it is not there, or is no such table.
    """
    try:
        with open(path, "rb") as file:
            told = tomllib.load(file)
        machines = {kind: (float(machine), float(emr))
                    for kind, (machine, emr) in told["machines"].items()}
        return Prices(str(told["date"]), told["region"], told["source"], machines, **told["also"])
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}, so nobody knows what a cluster costs") \
            from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no table of prices: {error}") from None


def parse_price(text: str) -> tuple[str, float]:
    """Return the type and dollars an hour of ``TYPE=DOLLARS``.

    Raises
    ------
    ValueError
        When it is nothing of the kind.
    """
    kind, _, dollars = text.partition("=")
    value = float(dollars)
    if not kind or not 0 <= value < float("inf"):
        raise ValueError(text)
    return kind, value
