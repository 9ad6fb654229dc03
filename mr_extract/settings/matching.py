"""Settings of the job that matches catalogs with another."""

from dataclasses import dataclass

from mr_extract.settings.declaring import Section, not_negative, setting
from mr_extract.settings.tree import Settings

KEPT = ("inner", "left", "unmatched")
WIDEST = 9000.0  # arcseconds: cells of the sky must be many times wider


@dataclass(frozen=True)
class Matching(Section):
    """What is a match."""

    match_radius: float = setting(
        1.0, "arcseconds within which a row of the reference is a match",
        lambda value: 0 < value <= WIDEST or f"must lie between 0 and {WIDEST:g}",
    )
    min_radius: float = setting(
        0.0, "arcseconds from which on it is one; what is nearer is passed over", not_negative
    )
    nearest: int = setting(
        1, "the nearest so many rows of the reference are matches; 0 for all", not_negative
    )
    keep: str = setting(
        "inner", "inner: rows with a match, once for each; left: also those without; unmatched: "
        "those alone", choices=KEPT,
    )


def _pair(names: tuple[str, ...]) -> bool | str:
    return names == ("auto",) or len(names) == 2 or "needs two columns"


@dataclass(frozen=True)
class Taking(Section):
    """What is taken of both sides."""

    take: tuple = setting(("all",), "columns of the reference that are written, or all")
    prefix: str = setting("ref_", "what their names begin with")
    catalog_position: tuple = setting(
        ("auto",), "two columns of the catalogs, right ascension and declination, where their "
        "names do not tell", _pair,
    )
    reference_position: tuple = setting(("auto",), "two such columns of the reference", _pair)


@dataclass(frozen=True)
class MatchSettings(Settings):
    """What decides which rows match, and what is written of them."""

    matching: Matching = Matching()
    taking: Taking = Taking()
