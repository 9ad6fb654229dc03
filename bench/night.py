"""Frames to measure: a simulated night, its manifests, and one very small frame."""

from dataclasses import dataclass
from pathlib import Path

from mr_extract.text.manifest import format_line, read_entries


@dataclass
class Night:
    """Frames on disk.

    Parameters
    ----------
    folder : Path
        Where further files may be written.
    entries : list of mr_extract.text.manifest.Entry
        The frames.
    tiny : Path
        Manifest of frames so small that all their cost is that of starting.
    """

    folder: Path
    entries: list
    tiny: Path

    @property
    def paths(self):
        """Paths of the frames."""
        return [entry.uri for entry in self.entries]

    @property
    def pixels(self):
        """Pixels of a frame: all are alike."""
        from mr_extract.images import read_image

        return read_image(Path(self.paths[0]).read_bytes()).data.size

    def manifest(self, name, entries, times=1):
        """Write a manifest that names entries several times, and return its path."""
        path = self.folder / name
        lines = [format_line(entry) + (f"\tid=again-{time}-{number}" if time else "")
                 for time in range(times) for number, entry in enumerate(entries)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def make_night(folder, frames, shape, given=None):
    """Simulate a night, or take one that has been simulated.

    Parameters
    ----------
    folder : Path
        Where to write.
    frames : int
    shape : tuple of int
        Rows and columns of a frame.
    given : Path, optional
        Folder with a manifest and at least so many frames.
    """
    from preprocess.simulation.simulate import simulate_night

    if given is None:
        simulate_night(folder / "night", frames=frames, seed=1, shape=shape)
        given = folder / "night"
    simulate_night(folder / "tiny", frames=2, seed=1, shape=(96, 96))
    return Night(folder, _entries(given)[:frames], folder / "tiny" / "manifest.txt")


def _entries(folder):
    with open(Path(folder, "manifest.txt"), "rb") as lines:
        return list(read_entries(lines))
