"""Tables that are read as a whole: what `mr_extract.lists` reads and nothing here does in parts."""

from collections.abc import Iterator, Sequence

from mr_extract import storage
from mr_extract.lists.columns import NoNumbers
from mr_extract.lists.reading import read_table
from mr_extract.tables.opening import ROWS
from mr_extract.tables.pieces import Columns
from mr_extract.unpacking import unpack


class WholeTable:
    """A VOTable, an ECSV or regions of DS9.

    Parameters
    ----------
    uri : str

    Raises
    ------
    ValueError
        When it is none.
    """

    kinds: dict[str, str] = {}

    def __init__(self, uri: str) -> None:
        table = read_table(unpack(storage.read(uri)))
        # Columns that hold no value a row have no cells.
        kept = [k for k, column in enumerate(table.columns) if not isinstance(column, NoNumbers)]
        self._columns = [list(one) if isinstance(one, tuple) else one
                         for one in (table.columns[k] for k in kept)]
        self.names = [table.names[k] for k in kept]
        self.units = {number: table.units[k] for number, k in enumerate(kept) if k in table.units}
        self.sky: tuple[int, int] | None = None
        if table.sky is not None:
            self.sky = kept.index(table.sky[0]), kept.index(table.sky[1])
        self._length = len(table)

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        """Give some columns of some rows at a time."""
        columns = {name: self._columns[self.names.index(name)] for name in names}
        for start in range(0, self._length, ROWS):
            yield Columns({name: one[start:start + ROWS] for name, one in columns.items()})
