"""Catalogued sources of a map without patches: by one process that holds the map, or not even that.

``python -m bench.speed.sky_loop held|opened MAP CATALOGUE BEAM COUNT``
"""

import sys
from pathlib import Path

from mr_extract.frames.sky_photometry import measure_sources
from mr_extract.lists.reading import read_table
from mr_extract.lists.sources import Sources, sources_from
from mr_extract.settings.photometry import Around
from mr_extract.skymaps.files import opened_map
from mr_extract.skymaps.sky_map import sky_map


def main(way, path, catalogue, beam, count):
    sources = sources_from(read_table(Path(catalogue).read_bytes()))
    some = slice(int(count))
    sources = Sources(sources.names[some], sources.numbers[some], sources.longitude[some],
                      sources.latitude[some], sources.frame)
    # All at once, or one by one.
    parts = [sources] if way == "held" else [
        Sources(sources.names[k : k + 1], sources.numbers[k : k + 1],
                sources.longitude[k : k + 1], sources.latitude[k : k + 1], sources.frame)
        for k in range(len(sources))]
    for part in parts:
        field = sky_map(opened_map(Path(path).read_bytes()))
        measure_sources(field, part, Around(), float(beam), 30.0, "K_CMB")


if __name__ == "__main__":
    main(*sys.argv[1:])
