"""Exports beside what the libraries take that write the same columns from memory."""

import argparse
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

from bench.processes import module, run
from bench.report import Section, give, middle, takes_output
from bench.speed.detections import write_survey
from mr_extract.text.typed_rows import Source

ENDINGS = {".parquet": "Parquet, pyarrow", ".fits": "FITS, astropy", ".vot": "VOTable, astropy",
           ".ecsv": "ECSV, astropy"}
_SLOW = 10  # times as many rows a second are written in the first two


def measure(folder, count, rounds):
    """Return the section."""
    section = Section(
        "Exports",
        "CPU seconds of the library that writes simulated detections, eleven columns that are in "
        "memory already, and of `python -m mr_extract.export` from text to the same format. Start "
        "is an export of fifty rows: Python, numpy and the library. Text is what it takes to read "
        "the lines of images, and then to make columns of the rows. Speed is that of an export "
        f"without its start beside the library's. Medians of {rounds} rounds, one thread.",
        ("", "rows", "library", "export", "of it start", "of it text", "speed"),
    )
    write_survey(folder / "few.tsv", 1)
    for ending, title in ENDINGS.items():
        rows = count if ending in (".parquet", ".fits") else max(1, count // _SLOW)
        catalog = folder / f"{rows}.tsv"
        written = write_survey(catalog, rows)
        costs = [(_library(catalog, folder / f"library{ending}"), *(
            run(module("mr_extract.export", source, folder / f"export{ending}")).cpu
            for source in (catalog, folder / "few.tsv")), _text(catalog, ending))
            for _ in range(rounds)]
        seconds = [middle(column) for column in zip(*costs)]
        library, export, start, _ = seconds
        section.add(title, f"{written:,}", *(f"{one:.2f}" for one in seconds),
                    f"{library / (export - start):.2f}")
        section.note(f"{title}, speed beside the library's", library / (export - start))
    return section


def _library(catalog, path):
    """Return the seconds that writing takes."""
    path.unlink(missing_ok=True)
    columns = _columns(catalog)
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.table({name: values if values.dtype.kind != "S" else pa.array(
            np.char.decode(values, "utf-8").tolist()) for name, values in columns.items()})
        began = process_time()
        parquet.write_table(table, path, compression="zstd", row_group_size=1 << 16)
        return process_time() - began
    from astropy.table import Table

    table = Table({name: values if values.dtype.kind != "S" else np.char.decode(values, "utf-8")
                   for name, values in columns.items()})
    began = process_time()
    table.write(path, **({"format": "votable"} if path.suffix == ".vot" else {}))
    return process_time() - began


def _columns(catalog):
    source = Source([str(catalog)])
    parts = list(source.tables(source.shapes()))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _text(catalog, ending):
    """Return the seconds that reading takes."""
    source = Source([str(catalog)])
    shapes = source.shapes(whole=False)
    began = process_time()
    list(source.said())
    for _ in source.arrow_tables(shapes) if ending == ".parquet" else source.tables(shapes):
        pass
    return process_time() - began


def main(arguments=None):
    """Measure and give the section."""
    parser = argparse.ArgumentParser(prog="python -m bench exports", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, metavar="N",
                        help="rows, a tenth of them for VOTable and ECSV [1000000]")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds [5]")
    takes_output(parser)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        give([measure(Path(folder), options.count, options.rounds)], options.output)
    return 0
