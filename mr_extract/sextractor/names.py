"""A catalogue's columns under SExtractor's names, in the order that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mr_extract.columns.choice import FORCED_FURTHER, FORCED_GROUPS, choose_for
from mr_extract.columns.column import Column
from mr_extract.columns.table import COLUMNS
from mr_extract.sextractor.absent import REASONS
from mr_extract.sextractor.asked_parameters import is_parameter, parameter, split
from mr_extract.sextractor.parameters import OWN, PARAMETERS, Parameter
from mr_extract.sextractor.refused import refuse_all, said_of

if TYPE_CHECKING:
    from mr_extract.settings.config import Config

_BY_COLUMN = {p.needs[0]: p for p in reversed(PARAMETERS.values()) if len(p.needs) == 1}
_BY_COLUMN |= {c.name: PARAMETERS[c.sextractor] for c in COLUMNS if c.sextractor in PARAMETERS}
_BY_COLUMN |= {p.needs[0]: p for p in OWN.values()}
_COLUMNS = {column.name: column for column in COLUMNS}
_LENGTHS = {"apertures": "PHOT_APERTURES (--apertures)",
            "flux_fractions": "PHOT_FLUXFRAC (--flux-fractions)",
            "data_columns": "ASSOC_DATA (--assoc-data)"}


@dataclass(frozen=True)
class Output:
    """One column of a catalogue: a parameter, or some elements of one.

    Parameters
    ----------
    parameter : mr_extract.sextractor.parameters.Parameter
    size : int
        Number of elements.
    shape : tuple of int
        Height and width of the cut-out that it is, else empty.
    """

    parameter: Parameter
    size: int = 1
    shape: tuple[int, ...] = ()

    @property
    def cells(self) -> list[str]:
        """Names of its elements in our text catalogue."""
        name = self.parameter.name
        return [name] if self.size == 1 else [f"{name}_{k + 1}" for k in range(self.size)]


def outputs(config: Config) -> list[Output]:
    """Return what a configuration asks for, in the order in which it does.

    Parameters
    ----------
    config : mr_extract.settings.config.Config
        Its `columns` are parameters with their sizes, or columns and groups of ours;
        of those a vector has all its elements.

    Returns
    -------
    list of Output

    Raises
    ------
    ValueError
        For a parameter that is not here, or has fewer elements than asked for.
    """
    found, reasons = {}, []
    for name in config.output.columns:
        if is_parameter(name):
            try:
                one, size = parameter(name)
                found[one.name] = Output(one, _checked(one, size, config), shape_of(
                    one, config.measurement.vignet_size))
            except ValueError as error:
                reasons.append(said_of(name, str(error)))
            continue
        for column in _meant(name, config):
            one = _BY_COLUMN[column]
            found.setdefault(one.name, Output(
                one, _length(one, config) if one.vector else 1,
                shape_of(one, config.measurement.vignet_size)))
    refuse_all(reasons)
    return [one for one in found.values() if one.size]


def shape_of(one: Parameter, size: Sequence[float]) -> tuple[int, ...]:
    """Return height and width of a parameter that is a cut-out of this width and height."""
    return (int(size[1]), int(size[0])) if one.pixels else ()


def our_columns(config: Config) -> tuple[str, ...]:
    """Return the names of our columns that `outputs` are made of.

    Raises
    ------
    Refused
        As `outputs`, and for all parameters that are not measured at given positions.
    """
    if config.targets.forced:
        _check_forced(config.output.columns)
    return tuple(dict.fromkeys(need for one in outputs(config) for need in one.parameter.needs))


def translated(names: Iterable[str]) -> tuple[str, ...]:
    """Return our columns for parameters; other names are left as they are."""
    found = []
    for name in names:
        if not is_parameter(name):
            found.append(name)
            continue
        one = parameter(name)[0]
        if one.pixels:  # whose size stands with it
            found.append(name)
            continue
        # Under our names nothing falls back: nan says that it was not measured.
        needs = one.needs[:1] if one.needs and "WIN_" in one.name else one.needs
        found.extend(need for need in needs if need not in found)
    return tuple(found)


def catalog_columns(config: Config) -> dict[str, Column]:
    """Return name to `Column` of a catalogue under SExtractor's names; ``image`` is first."""
    columns = {"image": _COLUMNS["image"]}
    for one in outputs(config):
        columns |= dict.fromkeys(one.cells, as_column(one.parameter))
    return columns


def as_column(one: Parameter) -> Column:
    """Return a parameter as a `Column`, in the type in which our text has it."""
    ours = _COLUMNS[one.needs[0]] if one.needs else None
    dtype = ours.dtype if ours else "i4"
    if one.name.endswith("_BEST"):
        dtype = "f4"
    return Column(one.name, dtype, one.unit, ours.group if ours else "key", one.name,
                  ours.ucd if ours else "meta.id", one.description, one.vector, one.pixels)


def parameter_of(column: Column) -> Parameter:
    """Return the parameter that one of our columns is."""
    return _BY_COLUMN[column.name]


def _meant(name, config):
    """Return the names of our columns that a column or group means."""
    if name in _COLUMNS and name != "image":
        return [name]
    return list(dict.fromkeys(
        column.name for column in choose_for(config, (name,)).values() if column.name != "image"
    ))


def _length(one, config):
    section = config.association if one.name == "VECTOR_ASSOC" else config.measurement
    return len(getattr(section, one.vector))


def _checked(one, size, config):
    if size == 1 and (not one.vector or one.vector == "data_columns"):
        return size
    if not one.vector:
        raise ValueError(f"{one.name} has one element, not {size}")
    length = _length(one, config)
    if size > length:
        # SExtractor warns and writes zeros.
        raise ValueError(f"{one.name}({size}) has more elements than the {length} of "
                         f"{_LENGTHS[one.vector]}")
    return size


def _check_forced(columns):
    had = {"key", *FORCED_GROUPS, *FORCED_FURTHER}
    refuse_all([
        said_of(name, f"{split(name)[0]} is not measured at given positions (--forced)")
        for name in columns if is_parameter(name) and split(name)[0] not in REASONS
        and not all(_COLUMNS[need].group in had for need in parameter(name)[0].needs)
    ])
