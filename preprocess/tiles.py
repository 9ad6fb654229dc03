"""Sub-command ``tiles``: images too large for a task to tiles of them, a line each."""

import argparse
import io
import re
import sys
from dataclasses import dataclass, field
from math import prod

from mr_extract import storage
from mr_extract.addresses import shown_within
from mr_extract.failures import ImageFailure
from mr_extract.images.cubes import plane_index, written
from mr_extract.images.region import Region
from mr_extract.jobs.beside.regions import reader_for, section_of
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.settings.config import Config
from mr_extract.settings.detecting import Background
from mr_extract.settings.options import settled
from mr_extract.text.entry import Entry
from mr_extract.text.fields import COMPANIONS, REGIONS
from preprocess.errors import CommandError
from preprocess.listing.found_images import size_for_people
from preprocess.listing.manifest_lines import manifest_line
from preprocess.options import add_extensions, add_output, opened_output
from preprocess.tiling import margins, tiles, whole_cells

EXAMPLE = """\
example:
  python -m preprocess tiles mosaic.fits 'coadd.fits.fz[1]' --size 4096 -o tiles.txt

IMAGE is a FITS file, or a manifest whose images are to be cut where they are larger than the
tiles; smaller ones keep their lines. Each line of the result means a region of an image, of
which no more is read, and says in tile_core= which of its sources are its own: so every source is
in the catalog once, with the pixels and the sky position that it has in the whole image.
Tiles overlap, and begin and end with cells of the background mesh: give the settings that the
job will have (--bw, --bh, --fw, --fh or --config).
"""

_SETTINGS = ("bw", "bh", "fw", "fh")
_SIZE = re.compile(r"([1-9]\d{0,8})(?:x([1-9]\d{0,8}))?")
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class Cutting:
    """How images are cut, and what came of it.

    Attributes
    ----------
    size, margin, cell : tuple of int
        Columns and rows, as `preprocess.tiling.tiles` takes them.
    folder : str
        Where tiles are written; empty for none.
    tiles, cut, whole, total : int
        Tiles, images that were cut, others, and bytes to read.
    notes : list of str
        Said of images one by one.
    written : dict of str to str
        Files of tiles, and the image of each.
    """

    size: tuple[int, int]
    margin: tuple[int, int]
    cell: tuple[int, int]
    folder: str = ""
    tiles: int = 0
    cut: int = 0
    whole: int = 0
    total: int = 0
    notes: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    def lines(self, entry: Entry) -> list[str]:
        """Give the lines of an image: of its tiles, or its own where it is no larger.

        Raises
        ------
        CommandError
            Where its tiles are to be written and cannot be.
        """
        for name in REGIONS:
            if entry.get(name) is not None:
                raise CommandError(f"{entry.id}: it has {name}= and is a part already")
        try:
            unit, packed = self._unit(entry)
        except ImageFailure as failure:
            self.notes.append(f"{entry.id}: {failure.message}; its line stays as it is")
            return [self._keep(entry)]
        height, width = unit.shape[-2:]
        parts = list(tiles((height, width), self.size, self.margin, self.cell))
        if len(parts) == 1:
            return [self._keep(entry)]
        if packed:
            self.notes.append(f"{entry.id}: it is packed, and unpacked from its beginning for each "
                              f"of {len(parts)} tiles; fpack packs in parts")
        self.cut += 1
        # Where the overlap is larger than the tiles several begin in one pixel.
        by_core = len({(region.x0, region.y0) for region, _ in parts}) < len(parts)
        same = len({str(region) for region, _ in parts}) < len(parts)  # cores differ
        lines, stored = [], unit.end - unit.data
        if not unit.compressed:
            stored -= stored % prod(unit.shape)  # what fills up the last block
        stored //= prod(unit.shape[:-2])
        for region, core in parts:
            pixels = (region.x1 - region.x0) * (region.y1 - region.y0)
            size = stored * pixels // (height * width)
            self.total += size
            self.tiles += 1
            own = dict(entry.fields) | {"region": region, "tile_core": core, "bytes": size}
            part = Entry(entry.uri, tuple((name, str(value)) for name, value in own.items()))
            if entry.get("id") is not None:
                own["id"] = f"{entry.get('id')}[{region}]"
            if same:
                own["id"] = f"{entry.get('id') or entry.id}[{core}]"
            if self.folder:
                lines.append(self._write(part, own, core if by_core else region))
            else:
                lines.append(manifest_line(entry.uri, own))
        return lines

    def _keep(self, entry: Entry) -> str:
        self.whole += 1
        self.total += int(entry.get("bytes") or 0)
        return manifest_line(entry.uri, dict(entry.fields))

    @staticmethod
    def _unit(entry: Entry) -> tuple:
        """Give the unit of an image, and whether its file is packed."""
        from mr_extract.images.extensions import chosen_unit
        from mr_extract.images.image import plane_shape
        from mr_extract.images.units import NotPlain, list_units

        read, packed = reader_for(entry.uri)
        try:
            unit = chosen_unit(list_units(read), entry.ext)
        except NotPlain as odd:
            raise ImageFailure("corrupt", f"its headers are odd ({odd})") from odd
        plane_index(unit.shape, entry.plane)
        plane_shape(unit.shape[-2:])
        return unit, packed

    def _write(self, part: Entry, own: dict, name: Region) -> str:
        """Write a tile, called by the first pixel of a region, and give its line."""
        from mr_extract.images.cutouts import cut_file

        for field_name in COMPANIONS:
            if part.get(field_name):
                raise CommandError(f"{part.uri}: {field_name}= would not be cut with it; leave out "
                                   "--write")
        region = own["region"]
        stem = _UNSAFE.sub("_", _SUFFIX.sub("", part.uri.rpartition("/")[2]))
        ext = "" if part.ext is None else f"-{_UNSAFE.sub('_', str(part.ext))}"
        ext += f"-plane{written(part.plane, '-')}" if part.plane else ""
        path = f"{self.folder.rstrip('/')}/{stem}{ext}-{name.x0}-{name.y0}.fits"
        if path in self.written:
            raise CommandError(f"tiles of {self.written[path]} and {part.id} would have one name, "
                               f"{path}")
        self.written[path] = part.id
        try:
            content = cut_file(section_of(part.uri, region, part.plane).image(part.ext))
            storage.write(path, io.BytesIO(content))
        except ImageFailure as failure:
            raise CommandError(f"{part.id}: {failure.message}") from None
        own = {key: value for key, value in own.items() if key not in ("ext", "plane", "region")}
        return manifest_line(path, {
            "id": part.id, **own, "tile_origin": f"{region.x0},{region.y0}", "bytes": len(content),
        })


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``tiles``."""
    parser.epilog = EXAMPLE
    parser.add_argument("images", nargs="+", metavar="IMAGE",
                        help="FITS file, perhaps with an [extension], or a manifest; - for stdin")
    add_output(parser, "manifest to write")
    parser.add_argument("--size", default="4096", metavar="N|WIDTHxHEIGHT",
                        help="most pixels of a tile without its overlap; rounded down to cells "
                        "(default: 4096)")
    parser.add_argument("--overlap", default="auto", metavar="N|auto",
                        help="pixels on each side beyond that, rounded up to cells; auto: what the "
                        "mesh and the largest source need (default: auto)")
    parser.add_argument("--largest", type=int, default=128, metavar="N",
                        help="pixels across of the largest source, for --overlap auto "
                        "(default: 128)")
    parser.add_argument("--write", default="", metavar="DIR",
                        help="write the tiles as FITS files of 32-bit floats there")
    add_extensions(parser)
    parser.add_argument("--config", metavar="FILE", help="SExtractor configuration of the job")
    for name in _SETTINGS:
        default = getattr(Background(), name)
        parser.add_argument(f"--{name}", type=int, metavar="N",
                            help=f"as for the job (default: {default})")


def run(args: argparse.Namespace) -> int:
    """Cut, write the manifest, and say on stderr what it came to."""
    cutting = _cutting(args)
    try:
        plan = read_plan(args.images, sys.stdin.buffer, args.extensions, args.plane)
    except ValueError as error:
        raise CommandError(str(error)) from None
    refused = plan.refused
    with opened_output(args.output) as file:
        for entry in plan.entries.values():
            file.writelines(f"{line}\n".encode() for line in cutting.lines(entry))
    for image_id, (_, message) in refused.items():
        cutting.notes.append(f"left out {image_id}: {message}")
    for note in cutting.notes:
        print(f"python -m preprocess tiles: {shown_within(note)}", file=sys.stderr)
    print(_summary(cutting, args.output), file=sys.stderr)
    return 1 if refused else 0


def _cutting(args: argparse.Namespace) -> Cutting:
    """Give how images are cut, as the options say."""
    given = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    try:
        config = settled(given, args.config) if args.config or given else Config()
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from None
    mesh = config.background
    cell = mesh.bw, mesh.bh
    match = _SIZE.fullmatch(args.size)
    if not match:
        raise CommandError(f"--size: {args.size!r} is neither a number nor WIDTHxHEIGHT")
    size = int(match.group(1)), int(match.group(2) or match.group(1))
    if size[0] < cell[0] or size[1] < cell[1]:
        raise CommandError(f"--size: a tile must hold a cell of {cell[0]} x {cell[1]} pixels")
    if args.largest < 1:
        raise CommandError("--largest: must be greater than 0")
    if args.overlap == "auto":
        margin = margins(mesh, args.largest)
    elif args.overlap.isdecimal():
        across, down = (whole_cells(int(args.overlap), one) for one in cell)
        margin = across, down
    else:
        raise CommandError(f"--overlap: {args.overlap!r} is neither a number nor auto")
    return Cutting(size, margin, cell, args.write)


def _summary(cutting: Cutting, output: str) -> str:
    """Write the one line that says what came of it."""
    target = "stdout" if output == "-" else output
    across, down = cutting.margin
    text = (f"{cutting.tiles} tiles of {cutting.cut} image{'s' * (cutting.cut != 1)}, overlap "
            f"{across} x {down} pixels on each side, {size_for_people(cutting.total)} -> {target}")
    if cutting.whole:
        text += f"; {cutting.whole} image{'s' * (cutting.whole != 1)} whole"
    return text
