"""What is known of an image to its lines in a manifest."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.images.units import Unit
from mr_extract.jobs.skeleton.expansion import (
    FIRST,
    entries_of_planes,
    expands,
    file_units,
    meant_by,
    meant_images,
    planes_by,
    single,
    with_plane,
)
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import checked, format_line
from preprocess.listing.choice import Choice
from preprocess.listing.found_images import FoundImage
from preprocess.listing.header_fields import Wanted, header_fields, header_units

_NOT_MEANT = ("no-image", "not-two-dimensional", "no-extension", "no-plane")


def manifest_line(path: str, fields: Mapping[str, object] | None = None) -> str:
    """Write one line of a manifest.

    Parameters
    ----------
    path : str
        Path of the image. One that begins with ``#``, a blank or a byte order mark gets ``./``
        before it, for it would be read as a comment or lose that character.
    fields : mapping, optional
        Values of the ``key=value`` fields, in the order of writing.

    Returns
    -------
    line : str
        Without a line end.

    Raises
    ------
    ValueError
        When the path holds a tab, NUL or line end, or is not UTF-8: no line can hold it.
    """
    if "\t" in path or "\0" in path or len((path + ".").splitlines()) > 1:
        raise ValueError("a manifest line cannot hold the tab, NUL or line end in its name")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("its name is not UTF-8") from None
    if path[:1] in ("#", "\ufeff") or path[:1].isspace():
        path = "./" + path
    texts = tuple((key, str(value)) for key, value in (fields or {}).items())
    return format_line(Entry(path, texts))


@dataclass
class Described:
    """What became of an image.

    Attributes
    ----------
    name : str
        The image.
    lines : list of str
        Its lines, without line ends; none for one that is left out.
    size : int
        Bytes of the file, 0 where they are not known.
    refused : str
        Why it is left out; empty where it is not, or was not chosen.
    complaints : list of str
        What its lines lack.
    headers : int
        Images whose headers were looked through for keywords.
    lacking : dict of str to int
        In how many of them a keyword was not found, or without a value.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    size: int = 0
    refused: str = ""
    complaints: list[str] = field(default_factory=list)
    headers: int = 0
    lacking: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Description:
    """What the lines of a manifest shall say.

    Parameters
    ----------
    choice : Choice
    extensions : str
        ``first``, ``all`` or ``/pattern/``: what an image without ``ext`` means.
    header : tuple of Wanted
        Keywords that become fields.
    sizes : bool
        The field ``bytes`` is written.
    planes : str or None
        What an image without ``plane`` means, as `mr_extract.images.cubes` has it.
    """

    choice: Choice = Choice()
    extensions: str = FIRST
    header: tuple[Wanted, ...] = ()
    sizes: bool = True
    planes: str | None = None

    def waits(self, image: FoundImage) -> bool:
        """Tell whether describing an image reads from a disk or network."""
        return self._asks(image) or bool(self.header) or self._several(image)

    def of(self, image: FoundImage) -> Described:
        """Describe an image."""
        made = Described(image.uri)
        try:
            image = self._with_facts(image, made)
            if not self.choice.by_facts(image.size, image.modified):
                return made
            entries = self._entries(image, made)
        except (ValueError, ImageFailure) as error:
            made.refused = getattr(error, "message", None) or str(error)
            return made
        made.size = image.size or 0
        for entry in entries:
            fields = dict(entry.fields)
            if self.sizes and image.size is not None:
                size = fields.pop("bytes", image.size)
                fields["bytes"] = size if dict(image.fields).get("plane") or self.planes else (
                    image.size)
            made.lines.append(manifest_line(entry.uri, fields))
        return made

    def _asks(self, image: FoundImage) -> bool:
        size = image.size is None and (self.sizes or self.choice.asks_size)
        return size or (image.modified is None and self.choice.asks_time)

    def _with_facts(self, image: FoundImage, made: Described) -> FoundImage:
        """Return the image with size and time, as far as they are asked for and told."""
        if not self._asks(image):
            return image
        try:
            found = storage.stat(image.uri)
        except ImageFailure as failure:
            if self.choice.asks_size or self.choice.asks_time:
                raise
            made.complaints.append(f"no size: {failure.message} ({failure.kind})")
            return image
        size = found.size if image.size is None else image.size
        return image._replace(size=size, modified=found.modified)

    def _several(self, image: FoundImage) -> bool:
        """Tell whether several images of the file may be meant."""
        return expands(Entry(image.uri, image.fields), self.extensions, self.planes)

    def _entries(self, image: FoundImage, made: Described) -> list[Entry]:
        entry = with_plane(Entry(image.uri, image.fields), self.planes)
        meant, several = meant_by(entry, self.extensions), self._several(image)
        if not several and not self.header:
            return [entry]
        try:
            if meant is None:
                units = header_units(image.uri, entry.ext)
                found = [(entry, units[-1])]
            else:
                units = file_units(image.uri)
                found = [(single(entry, unit.number), unit) for unit in meant_images(units, meant)]
            return [
                self._with_header(plane, unit, units[0], made)
                for one, unit in found
                for plane in self._planes(one, unit, image.size)
            ]
        except ImageFailure as failure:
            if failure.kind in _NOT_MEANT and several:
                raise
            made.complaints.append(f"headers not read: {failure.message} ({failure.kind})")
            return [entry]

    def _planes(self, entry: Entry, unit: Unit, size: int | None) -> list[Entry]:
        """Return the entries of an image's planes, with the bytes of each where it has several."""
        if planes_by(entry, self.planes) is None:
            return [entry]
        if size is not None:
            fields = (one for one in entry.fields if one[0] != "bytes")
            entry = Entry(entry.uri, (*fields, ("bytes", str(size))))
        found = entries_of_planes(entry, unit, self.planes)
        for one in found:
            if one.problem:
                raise ImageFailure(one.kind, one.problem)
        return found

    def _with_header(self, entry: Entry, unit: Unit, primary: Unit, made: Described) -> Entry:
        """Return the entry with fields of its header; those of the line stand above them."""
        found = header_fields(self.header, unit, primary)
        if self.header:
            made.headers += 1
        known = {name for name, _ in (*found, *entry.fields)}
        made.lacking.update({one.keyword for one in self.header if one.field not in known})
        for name, value in found:
            if entry.get(name) is not None:
                continue
            more = checked(entry.uri, (*entry.fields, (name, value)))
            if more.problem:
                made.complaints.append(f"{name}={value} left out: {more.problem}")
            else:
                entry = more
        return entry


def check_name(image: FoundImage) -> str:
    """Return why no line can hold an image, empty for a good one."""
    try:
        manifest_line(image.uri)
    except ValueError as error:
        return str(error)
    return ""
