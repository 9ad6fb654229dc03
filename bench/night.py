"""Frames to measure: a simulated night, its manifests, and one very small frame."""

from dataclasses import dataclass
from pathlib import Path

from mr_extract.jobs.driver.plan import absolute_entry
from mr_extract.text.manifest import format_line, read_entries


@dataclass
class Night:
    """Frames on disk.

    Parameters
    ----------
    folder : Path
        Where further files may be written.
    entries : list of mr_extract.text.entry.Entry
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
    def shape(self):
        """Rows and columns of a frame: all are alike."""
        from mr_extract.images import read_image

        return read_image(Path(self.paths[0]).read_bytes()).data.shape

    @property
    def pixels(self):
        """Pixels of a frame."""
        height, width = self.shape
        return height * width

    @property
    def told(self):
        """What it is, in a word."""
        height, width = self.shape
        return f"{len(self.entries)} simulated frames of {width} x {height} pixels"

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
        Folder with a manifest of at least so many frames. Relative paths in it begin where
        the command was given, as those of any manifest.

    Raises
    ------
    SystemExit
        When the manifest or a frame is not there, or there are too few.
    """
    from preprocess.simulation.simulate import simulate_night

    if given is None:
        simulate_night(folder / "night", frames=frames, seed=1, shape=shape)
        given = folder / "night"
    simulate_night(folder / "tiny", frames=2, seed=1, shape=(96, 96))
    entries = frames_of(Path(given, "manifest.txt"))
    if len(entries) < frames:
        raise SystemExit(f"bench: {given} has {len(entries)} frames, {frames} are to be measured "
                         "(--frames)")
    return Night(folder, entries[:frames], folder / "tiny" / "manifest.txt")


def frames_of(manifest):
    """Return the entries of a manifest with paths that hold for processes in any folder."""
    try:
        with open(manifest, "rb") as lines:
            entries = [absolute_entry(entry) for entry in read_entries(lines)]
    except OSError as error:
        raise SystemExit(f"bench: {manifest}: {error.strerror}") from None
    for entry in entries:
        if not Path(entry.uri).is_file():
            raise SystemExit(f"bench: {manifest}: no file {entry.uri} (relative paths begin where "
                             "the command is given)")
    return entries
