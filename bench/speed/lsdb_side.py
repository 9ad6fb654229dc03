"""What hats-import and LSDB take of the same rows; run by a Python that has both.

Arguments: a Parquet file with ra and dec, a folder that is not there, the most matches of a row.
Prints JSON: what was done to CPU seconds of the process.
"""

import json
import logging
import os
import sys
import tempfile
from time import process_time


def main():
    """Import, match and print."""
    import lsdb
    from dask.distributed import Client
    from hats_import import pipeline_with_client
    from hats_import.collection.arguments import CollectionArguments

    rows, out, most = sys.argv[1:]
    logging.disable(logging.WARNING)
    folder, name = os.path.split(out)
    seconds = {}
    with tempfile.TemporaryDirectory() as scratch, Client(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
            local_directory=scratch) as client:
        began = process_time()
        pipeline_with_client(CollectionArguments(
            output_artifact_name=name, output_path=folder, tmp_dir=scratch, progress_bar=False,
        ).catalog(
            input_file_list=[rows], file_reader="parquet", ra_column="ra", dec_column="dec",
            catalog_type="object", pixel_threshold=1_000_000,
        ).add_margin(margin_threshold=10.0, is_default=True), client)
        seconds["hats-import"] = process_time() - began
        for title, number in (("compiled by numba", 1), ("LSDB, with itself, nearest", 1),
                              ("LSDB, with itself, all of an object", int(most))):
            one, other = (lsdb.open_catalog(out, columns=["ra", "dec", "number"]) for _ in "ab")
            began = process_time()
            found = one.crossmatch(other, n_neighbors=number, radius_arcsec=1.0,
                                   suffixes=("_a", "_b"))
            len(found.compute())
            seconds[title] = process_time() - began
    del seconds["compiled by numba"]
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
