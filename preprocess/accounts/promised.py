"""Whether the images that a catalog promised and lacks are in another one."""

from collections import Counter
from collections.abc import Sequence

from mr_extract.text.stored_catalog import CatalogReader
from preprocess.accounts.merging import Told


class Promised:
    """Watches a merge for what the headers of its catalogs promise.

    A header has the number of images and not their names. But a catalog is in the order of ids,
    so what it lacks stands behind its last image; and the catalog of a second run over what
    `remaining` lists holds just as many there, and before it nothing that is new.

    Parameters
    ----------
    catalogs : sequence of CatalogReader
        Read to their ends.
    """

    def __init__(self, catalogs: Sequence[CatalogReader]) -> None:
        self._catalogs = catalogs
        self._lacking = {k: lack for k, one in enumerate(catalogs)
                         if (lack := max(0, (one.promised or 0) - one.images))}
        # By catalog that lacks images: what others have besides, by the set of those that do.
        self._before: dict[int, Counter] = {k: Counter() for k in self._lacking}
        self._behind: dict[int, Counter] = {k: Counter() for k in self._lacking}

    def take(self, one: Told) -> None:
        """Take what catalogs say of the next image."""
        for k in self._lacking:
            if k not in one.catalogs:
                last = self._catalogs[k].last
                counts = self._behind if one.account.id.encode() > last else self._before
                counts[k][one.catalogs] += 1

    def unkept(self) -> list[str]:
        """Give a line for each catalog whose images may be in no other; empty if all are there."""
        lines = []
        for k, lack in self._lacking.items():
            others = sum(self._behind[k].values())
            if lack == others and not self._before[k] or any(
                self._is_rest(k, other) for other in range(len(self._catalogs)) if other != k
            ):
                continue
            last = self._catalogs[k].last.decode()
            where = f" behind {last!r}" if last else ""
            least = f"at least {lack - others} images are missing" if lack > others else (
                "whether they are among what other catalogs have there cannot be told")
            lines.append(f"{self._catalogs[k].source}: its header promises {lack} more{where}; "
                         f"{least}; `remaining` lists them by the manifest")
        return lines

    def _is_rest(self, k: int, other: int) -> bool:
        """Tell whether another catalog is of a run over what this one lacks, or over all."""
        before, behind = (sum(n for told, n in counts[k].items() if other in told)
                          for counts in (self._before, self._behind))
        return not before and behind + self._lacking.get(other, 0) == self._lacking[k]
