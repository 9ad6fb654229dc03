"""Two maps and their catalogues from patches to fluxes, by each runner: time, equality, truth."""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np

from bench.machine import where
from bench.processes import module, run
from bench.report import Section, give, takes_output
from bench.sky import scattered, write_map

MAPS = (("030", 32.0, 1250), ("044", 27.0, 750))  # GHz, FWHM, sources
RUNNERS = ("inline", "local", "hadoop")


def prepared(folder, nside, share):
    """Write maps, catalogues and the manifest of the maps; return the catalogues."""
    lines, catalogues = [], []
    for k, (band, beam, count) in enumerate(MAPS):
        catalogue = scattered(max(1, int(count * share)), 2.0, band, 20 + k)
        catalogue.write(folder / f"{band}-sources.fits")
        write_map(folder / f"{band}.fits", nside, beam, catalogue)
        lines.append(f"{folder}/{band}.fits\tbeam={beam:g}\tfilter={band}GHz\t"
                     f"positions={folder}/{band}-sources.fits\n")
        catalogues.append(catalogue)
    (folder / "maps.txt").write_text("".join(lines))
    return catalogues


def measured(folder, nside, size, share, runners, cluster=None):
    """Return the section, catalogued and found fluxes, and errors.

    Parameters
    ----------
    folder : Path
    nside : int
    size : float
        Of patches, degrees.
    share : float
        Of the number of sources.
    runners : sequence of str
    cluster : myhadoop.local.LocalCluster, optional
        For ``hadoop``; patches are on its file system then.
    """
    catalogues = prepared(folder, nside, share)
    number = sum(len(one.flux) for one in catalogues)
    place = f"{cluster.filesystem}/sky" if cluster else folder / "patches"
    cut = run(module("preprocess", "patches", folder / "maps.txt", "--fields", "1", "--size", size,
                     "-o", place))
    catalogs = {}
    section = Section(
        "Two maps",
        f"Maps of {' and '.join(band for band, *_ in MAPS)} GHz, NSIDE {nside}, with {number:,} "
        f"simulated sources; cut into {_patches(size):,} patches{' on HDFS' if cluster else ''} in "
        f"{cut.wall:.0f} s. Seconds of the whole job; the share of the machine that others used; "
        "whether the catalog is that of the first.",
        ("", "seconds", "sources a second", "others, %", "the same bytes"))
    for runner in runners:
        catalog = folder / f"{runner}.tsv"
        os.environ.update(cluster.environment if cluster else {})
        more = ("-D", "mapreduce.job.maps=4") if runner == "hadoop" else ()
        cost = run(module("mr_extract.jobs.photometry", "-r", runner, "--quiet", *more,
                          "--catalog", catalog, "--summary", folder / "summary.json",
                          f"{place}/manifest.txt"))
        facts = json.loads((folder / "summary.json").read_text())
        catalogs[runner] = catalog.read_bytes()
        same = catalogs[runner] == catalogs[runners[0]]
        section.add(f"`-r {runner}`", f"{facts['seconds']:.1f}",
                    f"{number / facts['seconds']:.0f}", f"{100 * cost.foreign:.0f}",
                    "yes" if same else "no")
        section.note(f"{runner}, seconds", facts["seconds"])
    return section, *_fluxes(catalogs[runners[0]], catalogues)


def _patches(size):
    return len(MAPS) * 2 * round(180 / size) ** 2


def _fluxes(catalog, catalogues):
    """Return catalogued fluxes, those of apertures and their errors, and bands, shape (n,)."""
    names, *rows = (line.split("\t") for line in catalog.decode().splitlines()
                    if not line.startswith("#"))
    at = {name: names.index(name) for name in ("source", "number", "flux_aper", "fluxerr_aper")}
    truth = {one.band: one.flux for one in catalogues}
    bands = np.array([row[at["source"]].split()[1] for row in rows])
    known = np.array([truth[band][int(row[at["number"]]) - 1] for band, row in zip(bands, rows)])
    found, errors = (np.array([float(row[at[name]]) for row in rows])
                     for name in ("flux_aper", "fluxerr_aper"))
    if len(rows) != sum(map(len, truth.values())):
        raise RuntimeError(f"{len(rows)} rows")
    return known, found, errors, bands


def drawn(path, known, found, errors, bands):
    """Draw found against catalogued fluxes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, figsize=(6, 6.5), layout="constrained", height_ratios=(2, 1))
    pulls = (found - known) / errors
    for band, colour in zip(sorted(set(bands)), ("tab:blue", "tab:orange")):
        some = bands == band
        told = (f"{band} GHz, {some.sum()} sources: ratio {np.mean(found[some] / known[some]):.4f},"
                f" pulls {pulls[some].std():.2f} wide")
        above.errorbar(known[some], found[some], errors[some], fmt=".", ms=3, lw=0.6,
                       color=colour, label=told)
        below.plot(known[some], pulls[some], ".", ms=2, color=colour)
    above.plot(*2 * [[known.min(), known.max()]], color="black", lw=0.8)
    above.set(xscale="log", yscale="log", ylabel="found, Jy")
    above.legend(fontsize=8)
    below.axhline(0, color="black", lw=0.8)
    below.set(xlabel="catalogued, Jy", ylabel="difference / error")
    figure.savefig(path, dpi=80, metadata={"Description": f"Made on: {where()}"})


def main(arguments=None):
    """Run, give the section, and draw."""
    parser = argparse.ArgumentParser(prog="python -m bench sky-run", description=__doc__)
    parser.add_argument("--nside", type=int, default=1024, help="of the maps [1024]")
    parser.add_argument("--runners", nargs="+", default=RUNNERS, choices=RUNNERS,
                        help="[inline local hadoop, of which one is started here]")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw fluxes there")
    parser.add_argument("--quick", action="store_true",
                        help="small maps, 40 sources: tries the script, says nothing of speed")
    takes_output(parser)
    options = parser.parse_args(arguments)
    size, share = 10.0, 1.0
    if options.quick:
        options.nside, size, share = 128, 60.0, 0.02
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cluster = None
        try:
            if "hadoop" in options.runners:
                from myhadoop.local import LocalCluster

                cluster = LocalCluster(Path(folder) / "hadoop")
                cluster.start("hdfs")
                cluster.start("yarn")
            section, *fluxes = measured(Path(folder), options.nside, size, share, options.runners,
                                        cluster)
        finally:
            if cluster:
                cluster.stop()
    give([section], options.output)
    if options.picture:
        drawn(options.picture, *fluxes)
    return 0
