"""What a column of a catalog is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it holds and how it is measured.

    Parameters
    ----------
    name : str
        Name in the catalog; a vector's elements are ``name_1``, ``name_2`` ...
    dtype : str
        ``str``, ``i4``, ``f4`` or ``f8``: the type in which it is measured,
        which the text gives back exactly.
    unit : str
        Unit in astropy's spelling, empty for a pure number.
    group : str
        Group by which it can be chosen.
    sextractor : str
        SExtractor's name for the same quantity, empty where there is none.
    ucd : str
        Unified content descriptor (IVOA UCD1+).
    description : str
        What it is, in a line.
    vector : str
        Setting whose length is the number of elements, empty for a scalar.
    pixels : str
        Setting that says width and height of the cut-out of which a row holds the pixels; in
        text it is one cell (`mr_extract.text.cutouts`). Empty for all others.
    """

    name: str
    dtype: str
    unit: str
    group: str
    sextractor: str
    ucd: str
    description: str
    vector: str = ""
    pixels: str = ""
