"""A catalog in HATS, as LSDB opens it; hats-import makes it of a Parquet file."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from mr_extract.export.parquet import write_parquet

if TYPE_CHECKING:
    from mr_extract.text.typed_rows import Source

MARGIN = 10.0  # arcseconds around each cell: what LSDB's matches may be apart
_ROWS = 1_000_000  # of a cell at most


def write_hats(source: Source, path: str) -> None:
    """Write a collection: the catalog, and its margin.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
        With columns ``ra`` and ``dec``.
    path : str
        Of a folder that is not there, or empty.

    Raises
    ------
    ValueError
        When the folder is taken, rows have no position, or fewer came out than went in.
    ModuleNotFoundError
        When hats-import is not installed.
    """
    from hats_import import pipeline_with_client  # isort: skip
    from dask.distributed import Client
    from hats_import.collection.arguments import CollectionArguments

    if os.path.isdir(path) and os.listdir(path):
        raise ValueError(f"{path!r} is there: HATS is written to a new folder")
    if not {"ra", "dec"} <= source.columns.keys():
        raise ValueError("the catalogs have no columns ra and dec, by which HATS is cut")
    folder, name = os.path.split(os.path.abspath(path))
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
        rows = os.path.join(scratch, "rows.parquet")
        write_parquet(source, rows)
        _check_positions(rows)
        asked = CollectionArguments(
            output_artifact_name=name, output_path=folder, tmp_dir=scratch, progress_bar=False,
        ).catalog(
            input_file_list=[rows], file_reader="parquet", ra_column="ra", dec_column="dec",
            catalog_type="object", pixel_threshold=_ROWS, expected_total_rows=source.count,
        ).add_margin(margin_threshold=MARGIN, is_default=True)
        with Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
                    local_directory=scratch) as client:
            pipeline_with_client(asked, client)
    _reconcile(path, source.count)


def _check_positions(rows):
    from pyarrow import parquet

    table = parquet.read_table(rows, columns=["ra", "dec"])
    without = max(table["ra"].null_count, table["dec"].null_count)
    if without:
        raise ValueError(f"{without} rows have no position, and no place in HATS")


def _reconcile(path, count):
    from hats import read_hats

    found = read_hats(path).main_catalog.catalog_info.total_rows
    if found != count:
        raise ValueError(f"{count} rows went into {path!r}, and {found} are there")
