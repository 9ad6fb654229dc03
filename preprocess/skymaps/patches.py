"""Sub-command ``patches``: HEALPix maps of the sky to patches, a file and a line each."""

import argparse
import io
import re
import sys
from dataclasses import dataclass, field

import numpy as np

from mr_extract import storage
from mr_extract.addresses import shown_within
from mr_extract.failures import ImageFailure
from mr_extract.frames.sky_photometry import frequency_of
from mr_extract.jobs.beside.position_lists import sources_for
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.remarks import hearing
from mr_extract.settings.photometry import Catalogue, PhotometrySettings, SkyMaps
from mr_extract.skymaps.cells import EqualAngles, EqualAreas
from mr_extract.skymaps.files import MapFile, opened_map
from mr_extract.text.entry import Entry
from preprocess.errors import CommandError
from preprocess.listing.found_images import size_for_people
from preprocess.listing.manifest_lines import manifest_line
from preprocess.options import add_access_options, configure_access
from preprocess.skymaps.cutting import Cutter
from preprocess.skymaps.map_bytes import mapped

EXAMPLE = """\
example:
  python -m preprocess patches LFI_SkyMap_030.fits --sources PCCS_030.fits -o patches

MAP is a FITS file with a HEALPix table, or a manifest of such files. Each patch is a HEALPix table
of a part of the sky, called by the map and the colatitude and longitude of its middle
(030_045_025). It holds the pixels of its cell, of which each is in one patch, and those within the
margin of it: at least as far as a job will reach from a source. Values are kept to the byte.
DIR/manifest.txt lists the patches.
"""

_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2))*$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9.+-]+")
_OF_THE_FILE = ("ext", "id", "bytes")


@dataclass
class Cut:
    """What came of all maps.

    Attributes
    ----------
    lines : list of str
        Of the manifest.
    total, maps : int
        Bytes that were written, and maps that were cut.
    refused : list of str
        Why maps were not.
    labels : dict of str to str
        How the names of patches begin, and the map of each.
    """

    lines: list[str] = field(default_factory=list)
    total: int = 0
    maps: int = 0
    refused: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``patches``."""
    parser.epilog = EXAMPLE
    parser.add_argument("maps", nargs="+", metavar="MAP",
                        help="HEALPix FITS file, perhaps with an [extension], or a manifest")
    parser.add_argument("-o", "--output", required=True, metavar="DIR",
                        help="where patches are written: a folder, s3:// or hdfs://")
    parser.add_argument("--size", type=float, default=10.0, metavar="DEGREES",
                        help="steps of longitude and latitude (default: 10)")
    parser.add_argument("--healpix", type=int, metavar="NSIDE",
                        help="cells of equal area in their place: pixels of a coarse HEALPix grid "
                        "(8: 768 of 7.3 degrees)")
    parser.add_argument("--margin", type=float, default=1.0, metavar="DEGREES",
                        help="how far beyond its cell a patch reaches (default: 1)")
    parser.add_argument("--fields", default="", metavar="NAME,NAME",
                        help="columns of the map, by name or number (default: all)")
    parser.add_argument("--label", default="", metavar="TEXT",
                        help="how names begin (default: the GHz of filter= or FREQ, as 030, else "
                        "the name of the map)")
    parser.add_argument("--manifest", default="", metavar="FILE",
                        help="manifest to write (default: DIR/manifest.txt)")
    parser.add_argument("--sources", default="", metavar="CATALOG",
                        help="count its sources in each patch, so that shards balance; a line's "
                        "positions= wins")
    parser.add_argument("--source-columns", default="auto", metavar="LON,LAT[,NAME]",
                        help="as for the job")
    parser.add_argument("--source-coord", default="auto", metavar="auto|icrs|galactic|ecliptic",
                        help="as for the job")
    parser.add_argument("--ordering", default="", choices=("ring", "nested"),
                        help="of maps whose header has no ORDERING")
    parser.add_argument("--coordsys", default="", choices=("G", "C", "E"),
                        help="of maps whose header has no COORDSYS")
    add_access_options(parser)
    parser.set_defaults(jobs=4)


def run(args: argparse.Namespace) -> int:
    """Cut, write the manifest, and say on stderr what it came to."""
    configure_access(args)
    cutter, settings = _cutter(args), _settings(args)
    try:
        plan = read_plan(args.maps, sys.stdin.buffer)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if args.label and len(plan.entries) > 1:
        raise CommandError("--label: there are several maps, whose patches would have one name")
    cut = Cut(refused=[f"{one}: {message}" for one, (_, message) in plan.refused.items()])
    for entry in plan.entries.values():
        try:
            with hearing() as said:
                _cut_one(entry, cutter, settings, args, cut)
            for kind, detail in said:
                _tell(f"{entry.id}: {kind}: {detail}")
        except ImageFailure as failure:
            cut.refused.append(f"{entry.id}: {failure.message}")
    target = args.manifest or f"{args.output.rstrip('/')}/manifest.txt"
    if cut.lines:
        try:
            text = "".join(f"{line}\n" for line in cut.lines).encode()
            storage.write(target, io.BytesIO(text))
        except ImageFailure as failure:
            raise CommandError(f"cannot write {target!r}: {failure.message}") from None
    for reason in cut.refused:
        _tell(f"not cut: {reason}")
    _tell(f"{len(cut.lines)} patches of {cut.maps} map{'s' * (cut.maps != 1)}, "
          f"{size_for_people(cut.total)} -> {target}" if cut.lines else "no map was cut")
    return 1 if cut.refused else 0


def _cut_one(entry: Entry, cutter: Cutter, settings: PhotometrySettings, args: argparse.Namespace,
             cut: Cut) -> None:
    """Cut one map."""
    with mapped(entry.uri) as view:
        maps = settings.maps
        file = opened_map(view, entry.ext, maps.ordering, maps.coordsys)
        if file is None:
            raise ImageFailure("no-image", "the file holds no HEALPix map")
        names = [name.strip() for name in args.fields.split(",") if name.strip()]
        fields = [file.table.field(name) for name in names] or list(file.table.fields)
        label = args.label or _label(entry, file)
        if label in cut.labels:
            raise CommandError(f"patches of {cut.labels[label]} and {entry.id} would have one "
                               f"name, {label}_...")
        cut.labels[label] = entry.id
        counts = _counts(entry, settings, cutter.grid, file.table.frame)
        carried = {name: value for name, value in entry.fields if name not in _OF_THE_FILE}
        lines, total = [], 0
        for cell, path, size in cutter.patches(file, fields, label):
            known = {} if counts is None else {"catalogued": int(counts[cell])}
            lines.append(manifest_line(path, {"bytes": size, **known, **carried}))
            total += size
    cut.lines += lines
    cut.total += total
    cut.maps += 1


def _counts(entry: Entry, settings: PhotometrySettings, grid: EqualAngles | EqualAreas, frame: str):
    """Count the sources of a map's catalogue in each cell; None where there is no catalogue."""
    if not (entry.get("positions") or settings.catalogue.sources):
        return None
    sources, _ = sources_for(entry, settings)
    return np.bincount(grid.cells_of(*sources.places(frame)), minlength=grid.number)


def _label(entry: Entry, file: MapFile) -> str:
    """Give how the names of a map's patches begin."""
    frequency = frequency_of(file.header, 0.0, entry.get("filter") or "")
    if frequency:
        return f"{round(frequency):03d}"
    stem = _SUFFIX.sub("", entry.uri.rpartition("/")[2])
    return _UNSAFE.sub("-", f"{stem}-{entry.ext}" if entry.ext is not None else stem)


def _cutter(args: argparse.Namespace) -> Cutter:
    """Give how maps are cut, as the options say."""
    try:
        grid = EqualAngles(args.size) if args.healpix is None else EqualAreas(args.healpix)
    except ValueError as error:
        name = "--size" if args.healpix is None else "--healpix"
        raise CommandError(f"{name}: {error}") from None
    if not 0 <= args.margin <= 45:
        raise CommandError(f"--margin: {args.margin:g} is no number of degrees from 0 to 45")
    return Cutter(grid, args.margin, args.output, args.jobs)


def _settings(args: argparse.Namespace) -> PhotometrySettings:
    """Give the settings of the job that concern maps and catalogues."""
    columns = tuple(name.strip() for name in args.source_columns.split(","))
    try:
        return PhotometrySettings(
            Catalogue(args.sources and storage.absolute(args.sources), columns,
                      args.source_coord),
            maps=SkyMaps(ordering=args.ordering, coordsys=args.coordsys))
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        raise CommandError(f"--{name.replace('_', '-')} {rest}") from None


def _tell(text: str) -> None:
    print(f"python -m preprocess patches: {shown_within(text)}", file=sys.stderr)
