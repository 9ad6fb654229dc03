"""The columns of a list of positions, found by what they are for."""

from collections.abc import Mapping, Sequence

import numpy as np

from mr_extract.lists.cells import are_in_parts, degrees_in, numbers_in
from mr_extract.lists.column_units import to_degrees, to_pixels, to_yearly

#: What VizieR computes for every table of its own, for the epoch 2000.0.
COMPUTED = ("_raj2000", "_dej2000")
EPOCHS = ("ref_epoch", "epoch")
# The first pair that is there counts.
_SKY = (
    ("ra", "dec"), ("raj2000", "dej2000"), ("raj2000", "decj2000"), ("ra_j2000", "dec_j2000"),
    ("ra_icrs", "de_icrs"), ("ra_icrs", "dec_icrs"), ("ra_deg", "dec_deg"),
    ("alpha_j2000", "delta_j2000"), ("alphawin_j2000", "deltawin_j2000"),
    ("right_ascension", "declination"), COMPUTED,
)
_GALACTIC = (("glon", "glat"), ("gal_lon", "gal_lat"))
_PIXELS = (("x", "y", 0.0), ("x_image", "y_image", 1.0), ("xwin_image", "ywin_image", 1.0))
_NAMES = {
    "a": ("a", "a_image"), "b": ("b", "b_image"), "theta": ("theta", "theta_image"),
    "kron_radius": ("kron_radius",),
    "id": ("id", "target", "source_id", "objid", "object_id", "name", "number"),
    "pmra": ("pmra", "pm_ra_cosdec", "pm_ra", "pmra_cosdec"),
    "pmdec": ("pmdec", "pmde", "pm_dec"),
    "epoch": EPOCHS, "mjd": ("mean_mjd",),
}
_IN_UNITS = {"degrees": to_degrees, "hours": to_degrees, "pixels": to_pixels, "mas/yr": to_yearly}
#: Units of a pair on the sky, as `Table.numbers` takes them.
ON_SKY = ("hours", "degrees")


class NoNumbers(str):
    """Says of a column what it holds in place of one number or text a row."""


class Table:
    """Columns of a list as they were read.

    Parameters
    ----------
    names : list of str
        Empty where the columns have none.
    columns : list of sequence
        Texts, arrays or masked arrays of shape (n,), or `NoNumbers`.
    units : dict of int to str, optional
        Units by the number of the column, from 0 on.
    commented : bool
        The names stand in comments, which a reader of numbers passes over.
    sky : tuple of int, optional
        The columns of right ascension and declination, whatever names tell.
    motion : tuple of int, optional
        The columns of the proper motions of `sky` and of their epoch in Julian years.
    epoch : float
        Of the positions, in Julian years, where the file says it of all; nan is not known.
    """

    def __init__(
        self,
        names: list[str],
        columns: list,
        units: Mapping[int, str] | None = None,
        commented: bool = False,
        sky: tuple[int, int] | None = None,
        motion: tuple[int, int, int] | None = None,
        epoch: float = np.nan,
    ) -> None:
        self.names, self.columns, self.commented = names, columns, commented
        self.sky, self.motion, self.epoch = sky, motion, epoch
        self.units = dict(units or {})
        self._places: dict[str, list[int]] = {}
        for k, name in enumerate(names):
            self._places.setdefault(name.lower(), []).append(k)

    def __len__(self) -> int:
        return next((len(c) for c in self.columns if not isinstance(c, NoNumbers)), 0)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def find(self, role: str) -> int | None:
        """Return the number of the column of a role, such as ``theta``, or None.

        Raises
        ------
        ValueError
            When there are two columns of that name.
        """
        name = next((name for name in _NAMES[role] if name in self._places), None)
        return None if name is None else self._only(name)

    def on_sky(self) -> tuple[int, int] | None:
        """Return the numbers of the columns of right ascension and declination, or None.

        Raises
        ------
        ValueError
            When one of them is missing, or it is not clear which belong together.
        """
        if self.sky:
            return self.sky
        for pair in _SKY:
            if all(name in self._places for name in pair):
                return tuple(self._only(name) for name in pair)
        found = [[name for name in dict.fromkeys(names) if name in self._places]
                 for names in zip(*_SKY)]
        if [len(names) for names in found] == [1, 1]:
            return tuple(self._only(names[0]) for names in found)
        if any(found):
            have = ", ".join(name for names in found for name in names)
            raise ValueError(f"of right ascension and declination it has {have}, which is no pair")
        return None

    def galactic(self) -> tuple[int, int] | None:
        """Return the numbers of the columns of galactic longitude and latitude, or None.

        Raises
        ------
        ValueError
            When there are two columns of that name.
        """
        for longitude, latitude in _GALACTIC:
            if longitude in self._places and latitude in self._places:
                return self._only(longitude), self._only(latitude)
        return None

    def are_on_sky(self, columns: Sequence[int]) -> bool:
        """Tell whether the names of two columns are those of right ascension and declination."""
        return bool(self.names) and tuple(self.names[k].lower() for k in columns) in _SKY

    def are_computed(self, columns: Sequence[int]) -> bool:
        """Tell whether two columns are those that VizieR computes."""
        return bool(self.names) and tuple(self.names[k].lower() for k in columns) == COMPUTED

    def unit(self, k: int) -> str:
        """Return the unit of a column, an empty text where it has none."""
        return self.units.get(k, "")

    def in_pixels(self) -> tuple[int, int, float] | None:
        """Return the numbers of the columns of x and y and where they count from, or None.

        Raises
        ------
        ValueError
            When there are two columns of that name.
        """
        for x, y, origin in _PIXELS:
            if x in self._places and y in self._places:
                return self._only(x), self._only(y), origin
        return None

    def has_positions(self) -> bool:
        """Tell whether columns with names give positions."""
        try:
            return any(pair is not None for pair in (
                self.on_sky(), self.galactic(), self.in_pixels()))
        except ValueError:
            return True  # what is wrong is said when they are asked for

    def column(self, name: str) -> int:
        """Return the number of a column by name, or by number from 1 on.

        Raises
        ------
        ValueError
            When it is not there, or there are two.
        """
        if self.names.count(name) == 1:
            return self.names.index(name)
        if name.lower() in self._places:
            return self._only(name.lower())
        if name.isdecimal() and 1 <= int(name) <= self.width:
            return int(name) - 1
        what = f"columns {', '.join(self.names)}" if self.names else f"{self.width} columns"
        raise ValueError(f"it has no column {name!r} but {what}")

    def numbers(self, k: int, unit: str = "") -> np.ndarray:
        """Return a column as float64; nan where it is empty or masked.

        Parameters
        ----------
        k : int
        unit : str
            ``degrees``, ``pixels`` or ``mas/yr``, for columns whose own unit counts; ``hours``
            is degrees, too, but angles in parts (``10:00:00``) are hours where nothing else is
            said.

        Raises
        ------
        ValueError
            For a cell that is no number, and a unit that is no angle or no pixel.
        """
        values = self._read(k)
        if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
            numbers = np.ma.filled(values.astype(np.float64), np.nan)
        else:
            numbers, done = self._parsed(k, values, unit)
            if done:
                return numbers
        if not unit:
            return numbers
        try:
            return _IN_UNITS[unit](numbers, self.units.get(k, ""))
        except ValueError as error:
            raise ValueError(f"its {self._called(k)} is in {error}") from error

    def texts(self, k: int) -> list[str]:
        """Return a column as a list of str, empty where it is masked.

        Raises
        ------
        ValueError
            For a column that does not hold one value a row.
        """
        values = self._read(k)
        if isinstance(values, np.ndarray):
            missing = np.ma.getmaskarray(values).tolist()
            return ["" if gone else str(value).strip()
                    for value, gone in zip(np.ma.getdata(values).tolist(), missing)]
        return list(values)

    def _only(self, name):
        if len(self._places[name]) > 1:
            raise ValueError(f"it has {len(self._places[name])} columns called {name!r}")
        return self._places[name][0]

    def _called(self, k):
        return f"column {self.names[k]!r}" if self.names else f"column {k + 1}"

    def _read(self, k):
        values = self.columns[k]
        if isinstance(values, NoNumbers):
            raise ValueError(f"its {self._called(k)} {values}")
        return values

    def _parsed(self, k, values, unit):
        """Return texts as numbers, and whether they are degrees already."""
        if not isinstance(values, np.ma.MaskedArray):
            try:
                return np.array(values, dtype=np.float64), False
            except (ValueError, TypeError):
                pass
        texts, called = self.texts(k), self._called(k)
        if unit in ("degrees", "hours") and are_in_parts(texts):
            return degrees_in(texts, called, self.unit(k), unit == "hours"), True
        return numbers_in(texts, called), False
