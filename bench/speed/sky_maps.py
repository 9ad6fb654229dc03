"""Sky maps cut into patches, and sources measured in them: rates and memory."""

import argparse
import shutil
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from bench.processes import Cost, Peaks, module, run
from bench.report import Section, give, middle, ratio, takes_output
from bench.sky import FIELDS, scattered, write_map

BEAM = 32.0  # arcminutes
NINE = 3 * (1024,) + 6 * (2048,)
_PIECE = 8 << 20
MEGABYTE = 1e6


def cutting(folder, nsides, size, rounds):
    """Return the section on cutting maps."""
    import astropy.io.fits  # noqa: F401  what is timed is reading
    import healpy  # noqa: F401

    maps = [folder / f"map-{k}.fits" for k in range(len(nsides))]
    made = {}
    for path, nside in zip(maps, nsides):
        if nside in made:
            shutil.copy(made[nside], path)
        else:
            write_map(path, nside, BEAM)
            made[nside] = path
    total = sum(path.stat().st_size for path in maps) / MEGABYTE
    patches = folder / "patches"
    took = {name: [] for name in ("read", "astropy", "healpy", "ring", "copied", "cut")}
    for _ in range(rounds):
        took["read"].append(_cost(lambda: [_read(path) for path in maps]))
        took["astropy"].append(_cost(lambda: [_table(path) for path in maps]))
        took["healpy"].append(_cost(lambda: [_map(path, None) for path in maps]))
        took["ring"].append(_cost(lambda: [_map(path, False) for path in maps]))
        took["copied"].append(_cost(lambda: [shutil.copy(path, folder / "copy")
                                             for path in maps]))
        took["cut"].append(
            run(module("preprocess", "patches", *maps, "--size", size, "-o", patches)))
        written = sum(path.stat().st_size for path in patches.iterdir()) / MEGABYTE
        shutil.rmtree(patches)
    section = Section(
        "Cutting maps",
        f"{len(maps)} maps of NSIDE {_told(nsides)}, NESTED, three fields of 4 bytes, {total:,.0f} "
        f"MB in the page cache, into {written:,.0f} MB of patches of {size:g} degrees with a "
        f"margin of 1. Medians of {rounds} rounds; MB of maps a second; the rate of cutting to it.",
        ("", "MB/s", "MB a CPU second", "cutting to it", "CPU to cutting"))
    for name, title in (("read", "read as bytes"), ("astropy", "read by astropy, all fields"),
                        ("healpy", "read by healpy, all fields, in the order of the file"),
                        ("ring", "read by healpy, all fields, as RING (its default)"),
                        ("copied", "copied"), ("cut", "cut, with its start")):
        walls, cpus = ([[getattr(cost, what) for cost in took[way]] for way in (name, "cut")]
                       for what in ("wall", "cpu"))
        section.add(title, f"{total / middle(walls[0]):,.0f}", f"{total / middle(cpus[0]):,.0f}",
                    ratio(*walls)[1], ratio(*cpus)[1])
        section.note(f"cutting to {name}", ratio(*walls)[0])
    for path in maps:
        path.unlink()
    return section


def sources(folder, nside, count, opened, size, rounds, jobs):
    """Return the sections on sources and on memory."""
    path, table = folder / "sky.fits", folder / "sources.fits"
    catalogue = scattered(count, 2.0, "030", 1)
    catalogue.write(table)
    write_map(path, nside, BEAM, catalogue)
    cut = module("preprocess", "patches", path, "--fields", "1", "--label", "030", "--sources",
                 table, "--size", size, "-o", folder / "cut")
    cutting_memory = Peaks(cut, anonymous=True)
    job = module("mr_extract.jobs.photometry", "-r", "local", "--jobs", jobs, "--quiet",
                 "--sources", table, "--beam", BEAM, "--catalog", folder / "found.tsv")
    loop = ("bench.speed.sky_loop",)
    ways = {
        "patches, `-r local`": ([*job, folder / "cut" / "manifest.txt"], count),
        "one process that holds the map": (module(*loop, "held", path, table, BEAM, count), count),
        "the map opened for each source": (module(*loop, "opened", path, table, BEAM, opened),
                                           opened),
    }
    took = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (command, _) in ways.items():
            took[name].append(run(command))
    section = Section(
        "Sources of a map",
        f"A map of NSIDE {nside} with {count:,} sources, statistics, aperture and fit. With their "
        f"start; {jobs} tasks at once; the map is opened for {opened} sources alone. Medians of "
        f"{rounds} rounds.", ("", "sources a second", "sources a CPU second"))
    for name, (_, number) in ways.items():
        rates = [number / middle([getattr(cost, what) for cost in took[name]])
                 for what in ("wall", "cpu")]
        section.add(name, *(f"{rate:,.2f}" if rate < 10 else f"{rate:,.0f}" for rate in rates))
        section.note(f"{name}, a second", rates[0])
    memory = Section(
        "Memory of maps",
        f"The same map of {path.stat().st_size / MEGABYTE:,.0f} MB: the greatest memory of a "
        "process that is not pages of files, which the machine takes back when it likes.",
        ("", "MB"))
    for name, peaks in (
            ("cutting, 4 patches at once", cutting_memory),
            ("a process over patches", Peaks(ways["patches, `-r local`"][0], anonymous=True)),
            ("a process that holds the map", Peaks(
                ways["one process that holds the map"][0], anonymous=True))):
        memory.add(name, f"{max(peaks.sizes) / MEGABYTE:,.0f}")
        memory.note(name, max(peaks.sizes) / MEGABYTE)
    return section, memory


def _cost(do):
    began = Cost(process_time(), perf_counter())
    do()
    return Cost(process_time(), perf_counter()) - began


def _read(path):
    with open(path, "rb", buffering=0) as file:
        piece = bytearray(_PIECE)
        while file.readinto(piece):
            pass


def _table(path):
    from astropy.io import fits

    with fits.open(path, memmap=True) as units:
        for name in FIELDS:
            units[1].data.field(name).astype("f4")


def _map(path, nest):
    import healpy

    healpy.read_map(path, field=range(len(FIELDS)), nest=nest)


def _told(nsides):
    return " and ".join(f"{nside} ({nsides.count(nside)})" for nside in sorted(set(nsides)))


def main(arguments=None):
    """Measure and give the sections."""
    parser = argparse.ArgumentParser(prog="python -m bench sky-maps", description=__doc__)
    parser.add_argument("--nsides", type=int, nargs="+", default=NINE, metavar="NSIDE",
                        help="of the maps that are cut [three of 1024, six of 2048]")
    parser.add_argument("--nside", type=int, default=2048, help="of the map with sources [2048]")
    parser.add_argument("--sources", type=int, default=2000, metavar="N", help="sources [2000]")
    parser.add_argument("--opened", type=int, default=5, metavar="N",
                        help="sources for which the map is opened [5]")
    parser.add_argument("--size", type=float, default=10.0, help="of patches, degrees [10]")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds [3]")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes [2]")
    parser.add_argument("--quick", action="store_true",
                        help="small maps and 1 round: tries the script, says nothing of speed")
    takes_output(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.nsides, options.nside, options.sources = (32,), 64, 20
        options.size, options.rounds = 60.0, 1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cut = cutting(Path(folder), tuple(options.nsides), options.size, options.rounds)
        give([cut, *sources(Path(folder), options.nside, options.sources, options.opened,
                            options.size, options.rounds, options.jobs)], options.output)
    return 0
