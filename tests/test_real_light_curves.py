"""Claims about real epochs: detections of the Zwicky Transient Facility are its objects again."""

import numpy as np
import pytest
from conftest import module
from detections import write_detections
from test_crossmatch import rows_of

from mr_extract.text.catalog import read_catalog

parquet = pytest.importorskip("pyarrow.parquet")
NUMBER = 400


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """Light curves of a quadrant of data release 5, taken apart into images by their epochs."""
    folder = tmp_path_factory.mktemp("ztf")
    table = parquet.read_table(shared_data / "g/ztf_dr5/ztf_000250_zg_c01_q1_dr5.parquet")
    curves = [one for one in table.to_pylist()
              if len(set(one["hmjd"])) == len(one["hmjd"]) > 1][:NUMBER]
    epochs = {}
    for one in curves:
        for mjd, mag, error, flag in zip(one["hmjd"], one["mag"], one["magerr"], one["catflags"]):
            epochs.setdefault(mjd, []).append((one["objra"], one["objdec"], mag, error, flag))
    images = {}
    for mjd, found in epochs.items():
        ra, dec, mag, error, flag = map(np.array, zip(*found))
        images[f"{mjd:.6f}"] = ({
            "ra": ra, "dec": dec, "mag_auto": mag.astype(np.float32), "flag": flag.astype(np.int32),
            "magerr_auto": error.astype(np.float32)}, {"mjd": mjd, "filter": "g"})
    write_detections(folder / "catalog.tsv", images)
    parquet.write_table(table.drop_columns(["hmjd", "mag", "magerr", "clrcoeff", "catflags"]),
                        folder / "known.parquet")
    done = module("jobs.objects", "catalog.tsv", "--link-radius", "0.5", "--bad-flags", "0",
                  "--catalog", "objects.tsv", cwd=folder)
    assert done.status == 0, done.err
    return folder, curves


def test_detections_of_ztf_are_its_objects(folder):
    place, curves = folder
    found = read_catalog(place / "objects.tsv").columns
    assert len(found["ra"]) == len(curves) == NUMBER and not found["ambiguous"].any()
    done = module("jobs.crossmatch", "objects.tsv", "--with", "known.parquet", "--match-radius",
                  "0.5", "--reference-position", "objra,objdec", "--take", "objectid,nepochs",
                  "--catalog", "matched.tsv", cwd=place)
    assert done.status == 0, done.err
    matched = {row["ref_objectid"]: row for row in rows_of(place / "matched.tsv")}
    assert len(matched) == NUMBER
    for one in curves:
        row = matched[str(one["objectid"])]
        assert int(row["detections"]) == len(one["hmjd"]) == int(float(row["ref_nepochs"]))
        weights = np.array(one["magerr"], np.float64) ** -2
        assert float(row["g_mag"]) == pytest.approx(np.average(one["mag"], weights=weights),
                                                    abs=1e-4)
        assert float(row["g_amplitude"]) == pytest.approx(max(one["mag"]) - min(one["mag"]),
                                                          abs=1e-4)
