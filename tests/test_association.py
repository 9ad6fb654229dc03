"""Detections matched with a list, as SExtractor's ASSOC does."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import job
from stars import star_field

from mr_extract import Config, extract
from mr_extract.lists.association import TYPES, associate, known_from
from mr_extract.lists.reading import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stars, and a list in the program's manner: id, x, y from 1 and a magnitude."""
    folder = tmp_path_factory.mktemp("assoc")
    field = star_field(31, 5000.0, shape=(500, 500))
    fits.writeto(folder / "frame.fits", field.data)
    rng = np.random.default_rng(32)
    rows = []
    for k, (x, y) in enumerate(zip(field.x, field.y)):
        if k % 5 == 0:
            continue  # not in the list
        for _ in range(1 + k % 3):  # up to three near each other
            dx, dy = rng.uniform(-1.2, 1.2, 2)
            rows.append((len(rows) + 1, x + 1 + dx, y + 1 + dy, rng.uniform(15, 25)))
    order = rng.permutation(len(rows))
    text = "".join("{} {:.4f} {:.4f} {:.4f}\n".format(*rows[k]) for k in order)
    (folder / "list.txt").write_text(text)
    return folder


def ours(folder, **settings):
    settings = {"assoc": str(folder / "list.txt"), "assoc_data": "1,4",
                "columns": "position,assoc", "gain_key": "", "satur_key": "", **settings}
    return extract(folder / "frame.fits", **settings)


@pytest.mark.needs("sextractor")
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("selection", ["all", "matched", "unmatched"])
def test_the_program_matches_the_same(folder, kind, selection):
    (folder / "a.param").write_text("NUMBER\nX_IMAGE\nY_IMAGE\nVECTOR_ASSOC(2)\nNUMBER_ASSOC\n")
    (folder / "a.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    subprocess.run(
        ["source-extractor", "frame.fits", "-c", "/dev/null", "-PARAMETERS_NAME", "a.param",
         "-FILTER_NAME", "a.conv", "-CATALOG_TYPE", "FITS_1.0", "-CATALOG_NAME", "a.fits",
         "-ASSOC_NAME", "list.txt", "-ASSOC_DATA", "1,4", "-ASSOC_PARAMS", "2,3,4",
         "-ASSOC_RADIUS", "1.5", "-ASSOC_TYPE", kind.upper(), "-ASSOCSELEC_TYPE",
         {"unmatched": "-MATCHED"}.get(selection, selection.upper()), "-VERBOSE_TYPE", "QUIET"],
        cwd=folder, check=True, capture_output=True,
    )
    theirs = Table.read(folder / "a.fits", hdu=1)
    table = ours(folder, assoc_type=kind, assoc_radius=1.5, assoc_selection=selection)
    assert len(table) == len(theirs) > 10
    apart = np.hypot(theirs["X_IMAGE"][:, None] - 1 - table["x"],
                     theirs["Y_IMAGE"][:, None] - 1 - table["y"])
    row = apart.argmin(1)
    assert (apart.min(1) < 1e-2).all()
    assert np.array_equal(theirs["NUMBER_ASSOC"], table["assoc_number"][row])
    for k in (0, 1):
        # Means and sums in single precision of the list's printed digits.
        assert np.allclose(theirs["VECTOR_ASSOC"][:, k], table[f"assoc_{k + 1}"][row], rtol=1e-6)


def test_the_entry_that_was_taken_has_a_name_and_a_distance(folder):
    table = ours(folder, assoc_selection="all")
    hit = table["assoc_number"] > 0
    assert 0 < hit.sum() < len(table)
    assert np.array_equal(table["assoc_id"][hit].astype(int), table["assoc_1"][hit].astype(int))
    assert (table["assoc_distance"][hit] < 2.0).all()
    assert np.isnan(table["assoc_distance"][~hit]).all()
    assert (table["assoc_id"][~hit] == "").all()
    assert table.meta["matched"] == hit.sum()


def test_what_is_left_out_still_is_a_neighbour(folder):
    settings = {"columns": "default,assoc", "assoc_data": "none"}
    everything = ours(folder, assoc_selection="all", **settings)
    some = ours(folder, assoc_selection="matched", **settings)
    assert some["number"].tolist() == list(range(1, len(some) + 1))
    kept = everything[everything["assoc_number"] > 0]
    for name in ("x", "flux_auto", "flag"):
        assert np.array_equal(some[name], kept[name])


def test_a_list_on_the_sky_and_one_in_pixels_from_zero():
    header = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
              "CRPIX1": 50.5, "CRPIX2": 50.5, "CDELT1": -1e-4, "CDELT2": 1e-4}
    from mr_extract.astrometry import sky_positions

    x, y = np.array([10.0, 50.0, 80.0]), np.array([20.0, 60.0, 30.0])
    ra, dec = sky_positions(header, x + 0.5, y)
    sky = "id,ra,dec\n" + "".join(f"{k},{a!r},{d!r}\n" for k, a, d in
                                  zip("abc", ra.tolist(), dec.tolist()))
    pixels = "id,x,y\na,10.5,20\nb,50.5,60\nc,80.5,30\n"
    for text in (sky, pixels):
        settings = Config().updated(assoc="list").association
        known = known_from(read_table(text.encode()), settings)
        columns, _ = associate(known, header, (100, 100), x, y, settings)
        assert columns["assoc_id"].tolist() == ["a", "b", "c"]
        assert np.allclose(columns["assoc_distance"], 0.5, atol=1e-6)


def test_an_empty_list_matches_nothing(folder):
    (folder / "empty.txt").write_text("# nothing\n")
    table = ours(folder, assoc=str(folder / "empty.txt"), assoc_selection="unmatched")
    assert len(table) == len(extract(folder / "frame.fits"))
    assert not table["assoc_number"].any()


def test_the_job_matches_in_every_runner(folder):
    (folder / "manifest.txt").write_text("frame.fits\n")
    options = ["--assoc", "list.txt", "--assoc-data", "4", "--assoc-type", "mag_mean"]
    runs = [job("-r", runner, "manifest.txt", *options, cwd=folder)
            for runner in ("inline", "local")]
    assert runs[0].status == 0, runs[0].err
    assert runs[0].out == runs[1].out
    assert b"\tassoc_id\tassoc_number\tassoc_distance\tassoc_1" in runs[0].out
    assert b"assoc_sha256=" in runs[0].out


@pytest.mark.parametrize("options, said", [
    (["--assoc", "nowhere"], "no such file"),
    (["--assoc", "list.txt", "--assoc-data", "7"], "no column '7'"),
    (["--assoc", "list.txt", "--assoc-params", "2,3", "--assoc-type", "mean"], "needs a third"),
    (["--assoc", "list.txt", "--assoc-type", "best"], "must be one of"),
    (["--columns", "assoc_id"], "needs a list to match with"),
])
def test_a_wrong_option_is_one_line_and_status_2(folder, options, said):
    (folder / "manifest.txt").write_text("frame.fits\n")
    run = job("manifest.txt", *options, cwd=folder)
    assert run.status == 2 and run.err.count("\n") == 1 and said in run.err


def test_an_image_without_a_source_matches_nothing(tmp_path):
    image = np.random.default_rng(1).normal(0, 1, (100, 100))
    (tmp_path / "list.csv").write_text("id,x,y\na,5,5\n")
    table = extract(image, thresh=50.0, assoc=str(tmp_path / "list.csv"))
    assert len(table) == 0 and table.meta["matched"] == 0
