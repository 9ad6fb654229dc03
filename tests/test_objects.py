"""Claims about objects: their members, statistics, opportunities and ids, and the accounting."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import job, module
from detections import write_detections
from test_object_association import PLACES, brute_force, scattered

from mr_extract.images.observation import epoch_of, filter_of
from mr_extract.objects.association import Links
from mr_extract.objects.coverage import circle_of, covered
from mr_extract.objects.holes import holes_of, in_holes
from mr_extract.objects.sphere import ARCSEC, positions, vectors
from mr_extract.objects.statistics import magnitudes, mean_positions, stetson_j
from mr_extract.text.bitmaps import bitmap_of, bitmap_word
from mr_extract.text.catalog import read_catalog

FUNCTION = """
import os

if "CONTAINER_ID" in os.environ and "mr_extract_code" not in __file__:
    raise ImportError("a node has not what travelled")


def spread(mjd, mag, magerr, filters):
    if len(mjd) != 2:
        raise RuntimeError("not two")
    return {"spread": mag.max() - mag.min(), "span": mjd[-1] - mjd[0]}
"""
WITH_FUNCTION = "--light-curve-function", "curves:spread"


def objects(*args, **keywords):
    return module("jobs.objects", *args, **keywords)


# ---- kernels against formulas, object by object


def test_magnitudes_are_those_of_each_group_alone():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 30, 200)
    mag, error, mjd = rng.normal(20, 0.3, 200), rng.uniform(0.01, 0.2, 200), rng.uniform(0, 9, 200)
    found = magnitudes(group, 32, mag, error, mjd)
    for k in range(32):
        m, e = mag[group == k], error[group == k]
        m, e = m[np.argsort(mjd[group == k])], e[np.argsort(mjd[group == k])]
        if not len(m):
            assert all(np.isnan(values[k]) for values in found.values())
            continue
        mean = np.average(m, weights=e**-2)
        expected = {"mag": mean, "magerr": (e**-2).sum() ** -0.5, "amplitude": np.ptp(m)}
        if len(m) > 1:
            expected |= {"scatter": m.std(ddof=1), "chi2": (((m - mean) / e) ** 2).sum(),
                         "von_neumann": (np.diff(m) ** 2).mean() / m.var(ddof=1)}
        for name, value in expected.items():
            assert found[name][k] == pytest.approx(value, rel=1e-9), name


def stetson_by_hand(group, mag, error, mjd, pair_days):
    """Of one object: pairs from the first on, the rest alone."""
    delta = np.full(len(mag), np.nan)
    for k in np.unique(group):
        mine = group == k
        n = mine.sum()
        if n > 1:
            mean = np.average(mag[mine], weights=error[mine] ** -2)
            delta[mine] = np.sqrt(n / (n - 1)) * (mag[mine] - mean) / error[mine]
    order = [k for k in np.lexsort((group, mjd)) if np.isfinite(delta[k])]
    terms, k = [], 0
    while k < len(order):
        one = order[k]
        if k + 1 < len(order) and mjd[order[k + 1]] - mjd[one] <= pair_days:
            terms.append(delta[one] * delta[order[k + 1]])
            k += 2
        else:
            terms.append(delta[one] ** 2 - 1)
            k += 1
    return np.mean([np.sign(p) * abs(p) ** 0.5 for p in terms]) if terms else np.nan


def test_stetson_is_that_of_each_object_alone():
    rng = np.random.default_rng(2)
    number, kind = rng.integers(0, 25, 220), rng.integers(0, 2, 220)
    mag, error = rng.normal(20, 0.3, 220), rng.uniform(0.05, 0.2, 220)
    mjd = np.round(rng.uniform(0, 10, 220), 1)
    found = stetson_j(number, 26, number * 2 + kind, 52, mag, error, mjd, 0.25)
    for k in range(26):
        mine = number == k
        assert found[k] == pytest.approx(stetson_by_hand(
            kind[mine], mag[mine], error[mine], mjd[mine], 0.25), nan_ok=True)
    wave = np.sin(mjd)  # all filters brighten together: J grows; noise alone has none
    wavy = stetson_j(number, 26, number * 2 + kind, 52, mag + wave, error, mjd, 0.25)
    assert np.nanmedian(wavy) > 3 * np.nanmedian(np.abs(found))


@pytest.mark.parametrize("place", PLACES)
def test_positions_and_motions_are_those_that_were_simulated(place):
    rng = np.random.default_rng(5)
    stars, epochs, noise = 300, 12, 0.05
    centre = vectors(*map(np.atleast_1d, PLACES[place]))[0]
    from mr_extract.objects.sphere import tangents

    truth = centre + rng.normal(0, 1e-3, (stars, 3))
    truth /= np.linalg.norm(truth, axis=1)[:, None]
    east, north = tangents(truth)
    motion = rng.normal(0, 0.2, (stars, 2))  # arcsec a year
    mjd = np.sort(rng.uniform(55000, 57000, epochs))
    number = np.tile(np.arange(stars), epochs)
    years = np.repeat((mjd - mjd.mean()) / 365.25, stars)
    steps = (motion[number] * years[:, None] + rng.normal(0, noise, (len(number), 2))) * ARCSEC
    xyz = truth[number] + steps[:, :1] * east[number] + steps[:, 1:] * north[number]
    xyz /= np.linalg.norm(xyz, axis=1)[:, None]
    found = mean_positions(number, stars, xyz, np.full(len(number), noise), np.repeat(mjd, stars),
                           motion=True)
    apart = (vectors(found["ra"], found["dec"]) - truth) / ARCSEC
    assert np.sqrt((apart**2).sum(axis=1).mean() / 2) == pytest.approx(
        noise / np.sqrt(epochs), rel=0.15)
    np.testing.assert_allclose(found["pos_err"], noise / np.sqrt(epochs), rtol=1e-9)
    assert found["pos_scatter"].mean() == pytest.approx(noise, rel=0.05)
    pulls = np.concatenate([(found["pmra"] - 1000 * motion[:, 0]) / found["pm_err"],
                            (found["pmdec"] - 1000 * motion[:, 1]) / found["pm_err"]])
    assert pulls.std() == pytest.approx(1.0, abs=0.12) and abs(pulls.mean()) < 0.15


@pytest.mark.parametrize("place", PLACES)
def test_a_footprint_holds_what_its_wcs_holds(place):
    ra, dec = PLACES[place]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [50, 80]
    wcs.wcs.cd = np.array([[-3e-3, 1e-3], [1e-3, 3e-3]])
    wcs.array_shape = (160, 100)
    x, y = np.array([-0.5, 99.5, 99.5, -0.5]), np.array([-0.5, -0.5, 159.5, 159.5])
    corners = np.stack(wcs.wcs_pix2world(x, y, 0), axis=-1).ravel()
    rng = np.random.default_rng(4)
    u, v = rng.uniform(-60, 160, 4000), rng.uniform(-60, 220, 4000)
    xyz = vectors(*wcs.wcs_pix2world(u, v, 0))
    inside = (np.abs(u - 49.5) < 50) & (np.abs(v - 79.5) < 80)
    np.testing.assert_array_equal(covered(xyz, corners), inside)
    assert not covered(-xyz, corners).any()
    np.testing.assert_array_equal(covered(xyz, corners.reshape(4, 2)[::-1].ravel()), inside)
    centre_ra, centre_dec, radius = circle_of(corners)
    middle = vectors(np.atleast_1d(centre_ra), np.atleast_1d(centre_dec))
    squares = ((xyz[inside] - middle) ** 2).sum(axis=1)
    assert 2 * np.arcsin(np.sqrt(squares.max()) / 2) / ARCSEC <= radius


@pytest.mark.parametrize("cards, epoch, band", [
    ({"MJD-OBS": 54000.25, "FILTER": "r "}, 54000.25, "r"),
    ({"MJD-AVG": 54000.5, "MJD-OBS": 54000.25, "BAND": "g SDSS c6018"}, 54000.5, "g_SDSS_c6018"),
    ({"DATE-OBS": "2006-09-22T06:00:00"}, 54000.25, None),
    ({"DATE-OBS": "2006-09-22", "TIME-OBS": "06:00:00", "FILTER": ""}, 54000.25, None),
    ({"JD": 2454000.75, "FILTER1": "Clear", "FILTER2": "V"}, 54000.25, "V"),
    ({"DATE-OBS": "yesterday", "MJD-OBS": "unknown"}, None, None),
    ({"MJD-OBS": 0.0}, None, None), ({}, None, None),
])
def test_epoch_and_filter_of_headers(cards, epoch, band):
    assert epoch_of(cards) == epoch or epoch_of(cards) == pytest.approx(epoch, abs=1e-9)
    assert filter_of(cards) == band


# ---- the job


@pytest.fixture(scope="module")
def observed(night, tmp_path_factory):
    path = tmp_path_factory.mktemp("observed") / "catalog.tsv"
    done = job("-r", "inline", "--quiet", night / "manifest.txt", "--observation", "yes",
               "--catalog", path)
    assert done.status == 0, done.err
    return path


@pytest.fixture(scope="module")
def made(observed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    (folder / "curves.py").write_text(FUNCTION)
    done = objects(observed, "--catalog", folder / "objects.tsv", "--light-curves",
                   folder / "points.tsv", "--link-radius", "1", *WITH_FUNCTION, cwd=folder)
    assert done.status == 0, done.err
    return folder


def test_what_a_function_returned_is_a_column(made):
    found = read_catalog(made / "objects.tsv").columns
    points = read_catalog(made / "points.tsv").columns
    failed = found["lc_failed"] == 1
    np.testing.assert_array_equal(failed, found["r_used"] != 2)
    assert failed.any() and np.array_equal(np.isfinite(found["lc_spread"]), ~failed)
    for one, value, span in zip(found["object"], found["lc_spread"], found["lc_span"]):
        mine = points["object"] == one
        if mine.sum() == 2 and not np.isnan(value):
            assert value == np.ptp(points["mag"][mine]) and span == np.ptp(points["mjd"][mine])


def test_members_are_brute_force_and_every_detection_is_one(observed, made):
    rows, points = read_catalog(observed), read_catalog(made / "points.tsv").columns
    found = read_catalog(made / "objects.tsv").columns
    epochs = {i: (float(a.values["mjd"]), i) for i, a in rows.accounts.items()}
    ranks = {i: k for k, i in enumerate(sorted(epochs, key=epochs.get))}
    columns = rows.columns
    founder, _ = brute_force(vectors(columns["ra"], columns["dec"]),
                             np.array([ranks[i] for i in columns["image"]]), columns["number"],
                             Links(1.0), None)
    expected = {frozenset((columns["image"][k], columns["number"][k])
                          for k in np.flatnonzero(founder == first)) for first in set(founder)}
    got = {frozenset((points["image"][k], points["number"][k])
                     for k in np.flatnonzero(points["object"] == one)) for one in found["object"]}
    assert got == expected
    assert found["detections"].sum() == len(points["ra"]) == len(columns["ra"])
    assert len(set(found["object"])) == len(found["object"])
    assert list(map(int, found["object"])) == sorted(map(int, found["object"]))


def test_opportunities_are_the_frames_whose_wcs_holds_the_object(observed, made, night):
    found = read_catalog(made / "objects.tsv").columns
    expected = np.zeros(len(found["ra"]), int)
    for path in sorted(night.glob("*.fits")):
        wcs = WCS(fits.getheader(path))
        x, y = wcs.wcs_world2pix(found["ra"], found["dec"], 0)
        expected += (np.abs(x - 249.5) <= 250) & (np.abs(y - 199.5) <= 200)
    np.testing.assert_array_equal(found["r_opportunities"], expected)
    assert (expected > found["detections"]).any() and (found["detections"] == 1).any()


@pytest.mark.parametrize("options", [("-r", "local", "--jobs", "3"),
                                     pytest.param(("-r", "spark", "--jobs", "2"),
                                                  marks=pytest.mark.needs("spark"))])
def test_every_runner_gives_the_same_bytes(observed, made, tmp_path, options):
    done = objects(*options, observed, "--light-curves", tmp_path / "points.tsv", *WITH_FUNCTION,
                   cwd=made)
    assert done.status == 0, done.err
    assert done.out == (made / "objects.tsv").read_bytes()
    assert (tmp_path / "points.tsv").read_bytes() == (made / "points.tsv").read_bytes()


def test_hadoop_gives_the_same_bytes_and_the_module_travels(observed, made, hadoop):
    done = objects("-r", "hadoop", observed, *WITH_FUNCTION, env=hadoop.environment,
                   cwd=made)
    assert done.status == 0, done.err
    assert done.out == (made / "objects.tsv").read_bytes()


def test_the_main_job_does_the_same(night, made, tmp_path):
    done = job("--reduce", "objects", night / "manifest.txt", "--light-curves",
               tmp_path / "points.tsv", *WITH_FUNCTION, cwd=made)
    assert done.status == 0, done.err
    assert done.out == (made / "objects.tsv").read_bytes()
    assert (tmp_path / "points.tsv").read_bytes() == (made / "points.tsv").read_bytes()
    frame, *_ = night.glob("*.fits")
    for options, words in ((["--reduce", "objects", "--best", "snr"], "--best is for --reduce"),
                           (["--reduce", "unique", "--motion", "fit"], "--motion is for"),
                           (["--light-curves", "x"], "--light-curves is for --reduce objects"),
                           (["--reduce", "unique", "--catalog", frame], "needed for something"),
                           (["--reduce", "objects", "--light-curves", frame], "needed for some")):
        done = job(*options, night / "manifest.txt")
        assert done.status == 2 and words in done.err


def epochs_about(place, folder, names, spread=20.0, images=6):
    """Write epochs of a crowded field, the later under names that come first."""
    xyz, image, _, star = scattered(place, 120, images, spread, 0.15, seed=13)
    ra, dec = positions(xyz)
    mag = 18 + (star % 7) + 0.2 * np.sin(image + star)
    written = {}
    for k in range(images):
        mine = image == k
        written[f"{99 - k}.fits"] = (
            {"ra": ra[mine], "dec": dec[mine], "mag_auto": mag[mine].astype(np.float32)},
            {"mjd": 55000.0 + k, "filter": "gr"[k % 2]})
    for name, chosen in names.items():
        write_detections(folder / name, {i: written[i] for i in list(written)[:chosen]})


@pytest.mark.parametrize("place", ["ra 0", "north pole"])
def test_ids_and_members_stay_when_epochs_are_added(place, tmp_path):
    epochs_about(place, tmp_path, {"early.tsv": 4, "all.tsv": 6})
    found = {}
    for name in ("early", "all"):
        done = objects(f"{name}.tsv", "--light-curves", f"{name}-points.tsv", cwd=tmp_path)
        assert done.status == 0, done.err
        points = read_catalog(tmp_path / f"{name}-points.tsv").columns
        found[name] = dict(zip(zip(points["image"], points["number"]), points["object"]))
    assert len(found["early"]) < len(found["all"])
    assert all(found["all"][one] == name for one, name in found["early"].items())


def test_a_star_that_moves_is_one_object_where_motions_are_asked_for(tmp_path):
    for k in range(8):  # 0.8 arcsec a year to the east
        write_detections(tmp_path / f"{k}.tsv", {f"{k}.fits": (
            {"ra": np.array([0.2 * k / 3600 - 1e-4, 0.5]), "dec": np.array([0.0, 0.0])},
            {"mjd": 55000 + 365.25 / 4 * k, "filter": "r"})})
    catalogs = [f"{k}.tsv" for k in range(8)]
    counts = {}
    for motion in ("none", "follow", "fit"):
        done = objects(*catalogs, "--motion", motion, "--link-radius", "0.5", "--catalog", "o.tsv",
                       cwd=tmp_path)
        assert done.status == 0, done.err
        counts[motion] = read_catalog(tmp_path / "o.tsv").columns
    assert [len(c["ra"]) for c in counts.values()] == [4, 2, 2]
    moving = np.argmax(counts["fit"]["pmra"])
    assert counts["fit"]["pmra"][moving] == pytest.approx(800, abs=0.1)
    assert counts["fit"]["pmdec"][moving] == pytest.approx(0, abs=0.1)
    assert "pmra" not in counts["follow"]


def test_what_is_in_no_object_is_counted_and_what_is_not_known_is_said(tmp_path):
    two = {"ra": np.array([10.0, np.nan]), "dec": np.array([5.0, 5.0])}
    write_detections(tmp_path / "c.tsv", {"a.fits": (two, {"mjd": 55000.0}), "b.fits": (two, {})})
    done = objects("c.tsv", cwd=tmp_path)
    assert done.status == 0
    assert "4 detections = 1 of 1 objects + 1 without a position + 2 of images" in done.err
    assert "1 images without a filter" in done.err and b"none_mag" in done.out
    assert b"#image\tb.fits\tdetections=2\tmembers=0\tunplaced=0\tno_epoch=2" in done.out
    write_detections(tmp_path / "none.tsv", {"b.fits": (two, {})})
    done = objects("none.tsv", cwd=tmp_path)
    assert done.status == 2 and "no image has an epoch" in done.err
    write_detections(tmp_path / "f.tsv", {"a.fits": (two, {"mjd": 1.0, "filter": "g 1"}),
                                          "b.fits": (two, {"mjd": 1.0, "filter": "g-1"})})
    done = objects("f.tsv", cwd=tmp_path)
    assert done.status == 2 and "same columns" in done.err
    done = objects("c.tsv", "--mag", "mag_petro", cwd=tmp_path)
    assert done.status == 2 and "no column mag_petro, which --mag needs" in done.err


def test_two_objects_in_one_place_have_two_ids(tmp_path):
    twice = {"ra": np.array([10.0, 10.0]), "dec": np.array([5.0, 5.0])}
    write_detections(tmp_path / "c.tsv", {"a.fits": (twice, {"mjd": 1.0, "filter": "r"}),
                                          "b.fits": (twice, {"mjd": 2.0, "filter": "r"})})
    done = objects("c.tsv", "--catalog", "o.tsv", cwd=tmp_path)
    assert done.status == 0
    found = read_catalog(tmp_path / "o.tsv").columns
    assert found["object"][1] == found["object"][0] + "-2"
    np.testing.assert_array_equal(found["detections"], [2, 2])
    np.testing.assert_array_equal(found["ambiguous"], [1, 1])


# ---- holes


def test_a_hole_is_a_cell_of_which_more_than_half_is_bad():
    bad = np.zeros((40, 50), bool)
    bad[:16, :8] = True  # just half of a cell
    bad[16:32, 16:25] = True
    bad[32:, 48:] = True  # all of the smallest cell
    bad[:, 40:44] = True  # a quarter of each
    expected = np.zeros((3, 4), bool)
    expected[1, 1] = expected[2, 3] = True
    np.testing.assert_array_equal(holes_of(bad), expected)
    np.testing.assert_array_equal(bitmap_of(bitmap_word(expected)), expected)


@pytest.mark.parametrize("word", ["", "3x4", "3x4:", "3x4:AAAA", "0x4:eJwDAAAAAAE=",
                                  "axb:eJw=", "9999x9999:eJw=",
                                  "1x99:" + bitmap_word(np.ones((1, 9), bool))[4:]])
def test_what_is_no_bitmap_is_refused(word):
    with pytest.raises(ValueError):
        bitmap_of(word)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rotation", [0, 30, 190])
def test_what_lies_in_a_hole_is_what_its_wcs_says(place, rotation):
    rng = np.random.default_rng(4)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], PLACES[place], [150, 99]
    wcs.wcs.cd = 0.01 * np.array([[-1, 0], [0, 1]]) @ [
        [np.cos(np.radians(rotation)), -np.sin(np.radians(rotation))],
        [np.sin(np.radians(rotation)), np.cos(np.radians(rotation))]]
    height, width = 203, 310
    x, y = rng.uniform(-0.5, width - 0.5, 3000), rng.uniform(-0.5, height - 0.5, 3000)
    cells = rng.uniform(size=(13, 20)) < 0.4
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    corners = np.stack(wcs.wcs_pix2world([-0.5, width - 0.5, width - 0.5, -0.5],
                                         [-0.5, -0.5, height - 0.5, height - 0.5], 0), 1).ravel()
    found = in_holes(vectors(ra, dec), corners, (height, width), cells)
    expected = cells[((y + 0.5) // 16).astype(int), ((x + 0.5) // 16).astype(int)]
    near = np.minimum(np.abs((x + 0.5) % 16 - 8), np.abs((y + 0.5) % 16 - 8)) > 8 - 1e-6
    np.testing.assert_array_equal(found[~near], expected[~near])


def test_a_masked_place_is_no_opportunity(night, observed, made, tmp_path):
    """The left fifth of one frame is masked: its detections go, and with them opportunities."""
    lines = (night / "manifest.txt").read_text().splitlines()
    name = Path(lines[0].split("\t")[0]).name
    shape = fits.getdata(night / name).shape
    mask = np.zeros(shape, np.uint8)
    mask[:, :80] = 1
    fits.PrimaryHDU(mask).writeto(tmp_path / "mask.fits")
    lines[0] += f"\tmask={tmp_path / 'mask.fits'}"
    (night / "with-mask.txt").write_text("\n".join(lines))
    try:
        done = job("--reduce", "objects", night / "with-mask.txt")
    finally:
        (night / "with-mask.txt").unlink()
    assert done.status == 0, done.err
    (tmp_path / "objects.tsv").write_bytes(done.out)
    found = read_catalog(tmp_path / "objects.tsv").columns
    expected = np.zeros(len(found["ra"]), int)
    for path in sorted(night.glob("*.fits")):
        x, y = WCS(fits.getheader(path)).wcs_world2pix(found["ra"], found["dec"], 0)
        expected += ((np.abs(x - 249.5) <= 250) & (np.abs(y - 199.5) <= 200)
                     & ((path.name != name) | (x > 79.5)))
    np.testing.assert_array_equal(found["r_opportunities"], expected)
    before = read_catalog(made / "objects.tsv").columns
    assert found["r_opportunities"].sum() < before["r_opportunities"].sum()
