"""One map to its patches, each written as it is made."""

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mr_extract import storage
from mr_extract.jobs.task.kept_memory import keep_freed_memory
from mr_extract.skymaps.cells import EqualAngles, EqualAreas
from mr_extract.skymaps.files import MapFile
from mr_extract.skymaps.patch import PatchWriter
from mr_extract.skymaps.sky_map import patch_runs

_GEOMETRIES = 2  # that are kept: maps of one survey have one or two resolutions


@dataclass
class Cutter:
    """Cuts maps alike, and knows the pixels of patches once it has cut a map of a resolution.

    Parameters
    ----------
    grid : mr_extract.skymaps.cells.EqualAngles or mr_extract.skymaps.cells.EqualAreas
    margin : float
        Degrees.
    folder : str
        A path or URI.
    threads : int
        Patches that are made and written at the same time.
    """

    grid: EqualAngles | EqualAreas
    margin: float
    folder: str
    threads: int = 4
    _known: dict = field(default_factory=dict)

    def patches(self, file: MapFile, fields: list, label: str) -> Iterator[tuple[int, str, int]]:
        """Write the patches of a map.

        Parameters
        ----------
        file : mr_extract.skymaps.files.MapFile
        fields : list of mr_extract.skymaps.table.Field
        label : str
            How their names begin.

        Yields
        ------
        cell, path, size : int, str, int
            In the order of cells.

        Raises
        ------
        ImageFailure
            ``bad-map``, or as of writing.
        """
        keep_freed_memory()  # of one patch for the next
        writer = PatchWriter(file, fields, self.grid, self.margin)
        runs = self._runs(file.table)

        def written(cell):
            content, _ = writer.content(cell, *runs(cell))
            path = self.path(label, cell)
            storage.write(path, io.BytesIO(content))
            return cell, path, len(content)

        with ThreadPoolExecutor(self.threads, "patch") as pool:
            waiting: deque[Future] = deque()
            for cell in range(self.grid.number):
                waiting.append(pool.submit(written, cell))
                if len(waiting) >= 2 * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def path(self, label: str, cell: int) -> str:
        """Return where a patch is written."""
        return f"{self.folder.rstrip('/')}/{label}_{self.grid.name(cell)}"

    def _runs(self, table):
        """Return what gives the pixels of a cell as runs, and remembers them."""
        known = self._known.pop((table.nside, table.nested), {})
        self._known[table.nside, table.nested] = known
        while len(self._known) > _GEOMETRIES:
            del self._known[next(iter(self._known))]

        def runs(cell):
            if cell not in known:
                known[cell] = patch_runs(self.grid, cell, table, self.margin)
            return known[cell]
        return runs
