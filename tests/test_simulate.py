"""Claims about simulated nights: the truth is true, the noise is as stated, bytes repeat."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from mr_extract.text.manifest import read_entries
from preprocess.__main__ import main
from preprocess.errors import CommandError
from preprocess.simulation.detector import detect_light
from preprocess.simulation.exposure import simulate_frame, take_frame
from preprocess.simulation.mixtures import (
    half_light_radius,
    moffat_mixture,
    moffat_radius,
    sersic_mixture,
)
from preprocess.simulation.night import Night
from preprocess.simulation.render import BETA, MARGIN, central_brightness, render_sources
from preprocess.simulation.simulate import simulate_night
from preprocess.simulation.sky import sky_sources
from preprocess.simulation.truth import TRUTH

SMALL = (256, 256)
FWHM = 3.03


def source(x, y, flux=1e5, radius=np.nan, ellipticity=0.0, theta=0.0, index=np.nan):
    """Make a table of one source; a star unless it has a radius and a Sersic index."""
    table = np.zeros(1, TRUTH)
    table["x"], table["y"], table["flux"] = x, y, flux
    table["half_light_radius"], table["ellipticity"] = radius, ellipticity
    table["theta"], table["sersic_index"] = theta, index
    return table


def moffat_pixels(shape, x, y, fwhm):
    """Integrate a Moffat profile of flux 1 over pixels, by 5 x 5 Gauss-Legendre points."""
    radius = moffat_radius(fwhm, BETA)
    points, weights = np.polynomial.legendre.leggauss(5)
    rows, columns = np.indices(shape)
    total = np.zeros(shape)
    for a, wa in zip(points / 2, weights / 2, strict=True):
        for b, wb in zip(points / 2, weights / 2, strict=True):
            squared = ((columns + a - x) ** 2 + (rows + b - y) ** 2) / radius**2
            total += wa * wb * (1 + squared) ** -BETA
    return total * (BETA - 1) / (np.pi * radius**2)


def moments(image):
    """Give the total, the centroid and the second central moments of an image."""
    rows, columns = np.indices(image.shape)
    total = image.sum()
    x, y = (image * columns).sum() / total, (image * rows).sum() / total
    xx = (image * (columns - x) ** 2).sum() / total
    yy = (image * (rows - y) ** 2).sum() / total
    xy = (image * (columns - x) * (rows - y)).sum() / total
    return total, (x, y), (xx, xy, yy)


@pytest.fixture(scope="module")
def field():
    """One frame of the default size, with its noiseless light."""
    return take_frame(Night(seed=1), 0)


@pytest.fixture(scope="module")
def patch():
    """One frame of the small size."""
    return take_frame(Night(seed=1, shape=SMALL), 0)


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Write a night of six small frames: three fields, each twice."""
    folder = tmp_path_factory.mktemp("night")
    paths = simulate_night(str(folder), 6, 7, SMALL)
    with open(folder / "truth.tsv", newline="") as file:
        truth = list(csv.DictReader(file, delimiter="\t"))
    return folder, paths, truth


# The light


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(2.53, 3.8))
def test_a_star_has_its_flux_position_and_profile_at_any_sub_pixel_phase(dx, dy, fwhm):
    image = render_sources((121, 121), source(60 + dx, 60 + dy), fwhm)
    total, (x, y), _ = moments(image)
    assert total == pytest.approx(1e5, rel=1e-4)
    assert (x, y) == pytest.approx((60 + dx, 60 + dy), abs=1e-3)
    ideal = 1e5 * moffat_pixels(image.shape, 60 + dx, 60 + dy, fwhm)
    assert np.abs(image - ideal).max() < 1e-3 * ideal.max()


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([1.0, 2.0, 4.0]),
    st.floats(0.4, 5.0),
    st.floats(0.0, 0.88),
    st.floats(-90, 90),
    st.floats(-0.5, 0.5),
)
def test_a_galaxy_has_its_flux_and_position(index, radius, ellipticity, theta, phase):
    galaxy = source(150 + phase, 150 - phase, 1e5, radius, ellipticity, theta, index)
    canvas = (301 + 2 * MARGIN,) * 2
    galaxy["x"] += MARGIN
    galaxy["y"] += MARGIN
    image = render_sources(canvas, galaxy, FWHM)
    total, (x, y), _ = moments(image)
    assert total == pytest.approx(1e5, rel=1e-3)
    assert (x, y) == pytest.approx((galaxy["x"][0], galaxy["y"][0]), abs=0.01)
    nearest = image[int(np.rint(galaxy["y"][0])), int(np.rint(galaxy["x"][0]))]
    assert central_brightness(galaxy, FWHM)[0] == pytest.approx(nearest, rel=5e-3)


@pytest.mark.parametrize("theta", [-70.0, 0.0, 30.0, 90.0])
def test_a_disc_has_its_size_shape_and_angle(theta):
    """Differences of second moments do not see a round PSF; those of exp(-r/h) are 3 h^2."""
    radius, ratio = 4.0, 0.4
    image = render_sources(
        (401, 401), source(200, 200, 1e5, radius, 1 - ratio, theta, 1.0), FWHM, faintest=1e-4
    )
    _, _, (xx, xy, yy) = moments(image)
    spread = 3 * (radius / 1.67835) ** 2 * (1 - ratio**2)
    angle = np.radians(2 * theta)
    assert xx - yy == pytest.approx(spread * np.cos(angle), abs=0.02 * spread)
    assert 2 * xy == pytest.approx(spread * np.sin(angle), abs=0.02 * spread)


@pytest.mark.parametrize(("index", "b"), [(1.0, 1.67835), (2.0, 3.67206), (4.0, 7.66925)])
def test_gaussians_follow_the_sersic_profile(index, b):
    weights, sigmas = sersic_mixture(index)
    assert weights.sum() == pytest.approx(1, abs=1e-12) and (weights > 0).all()
    assert half_light_radius(weights, sigmas) == pytest.approx(1, abs=1e-9)
    r = np.array([0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0])
    value = (weights / sigmas**2 * np.exp(-(r[:, None] ** 2) / (2 * sigmas**2))).sum(axis=1)
    ideal = np.exp(-b * r ** (1 / index))
    np.testing.assert_allclose(value / value[3], ideal / ideal[3], rtol=0.05)


def test_gaussians_follow_the_moffat_profile():
    weights, variances = moffat_mixture(3.0)
    r = np.array([0.0, 0.5, 1.0, 3.0, 10.0])
    value = (weights / variances * np.exp(-(r[:, None] ** 2) / (2 * variances))).sum(axis=1)
    np.testing.assert_allclose(value / (2 * np.pi), 2 / np.pi * (1 + r**2) ** -3, rtol=1e-3)


def test_the_light_of_neighbours_beyond_the_edge_shines_in():
    image = render_sources((64, 64), source(-3.0, 30.0), FWHM)
    ideal = 1e5 * moffat_pixels((64, 64), -3.0, 30.0, FWHM)
    assert image.sum() == pytest.approx(ideal.sum(), rel=1e-3)


def test_thin_light_is_moved_and_not_lost():
    faint = source(200, 200, 50.0, 8.0, 0.3, 20.0, 4.0)
    assert render_sources((400, 400), faint, FWHM).sum() == pytest.approx(50, rel=1e-3)


# The sky


def test_a_piece_of_sky_is_the_same_whoever_looks():
    wide = sky_sources(3, (0.0, 0.2), (-0.1, 0.1))
    narrow = sky_sources(3, (0.09, 0.11), (0.01, 0.02))
    common = wide[np.isin(wide["source"], narrow["source"])]
    assert len(narrow) > 50 and common.tobytes() == narrow.tobytes()
    assert len(np.unique(wide["source"])) == len(wide)


def test_number_counts_rise_as_they_do_on_the_sky():
    sources = sky_sources(5, (0.0, 1.0), (-0.5, 0.5))
    for star, slope in ((False, 0.40), (True, 0.18)):
        mag = sources["mag"][sources["star"] == star]
        counts = [np.sum(mag < limit) for limit in (21, 22, 23)]
        np.testing.assert_allclose(np.diff(np.log10(counts)), slope, atol=0.03)
    galaxies = sources[~sources["star"]]
    assert galaxies["ellipticity"].min() < 0.01 and galaxies["ellipticity"].max() > 0.85
    assert set(galaxies["sersic_index"]) == {1.0, 2.0, 4.0}


def test_density_is_a_factor_on_the_counts():
    counts = [len(sky_sources(5, (0.0, 0.3), (0.0, 0.3), factor)) for factor in (0, 1, 3)]
    assert counts[0] == 0 and counts[2] == pytest.approx(3 * counts[1], rel=0.03)


# Noise and numbers


def test_noise_is_that_of_the_sky_and_the_reading(patch):
    sky = patch.header["SKYLEVEL"]
    gain, read_noise = patch.header["GAIN"], patch.header["RDNOISE"]
    blank = patch.light < sky * 1.05
    blank[:, int(patch.defects["x"][0])] = False
    difference = (patch.data - patch.light)[blank]
    difference = difference[np.abs(difference) < 6 * difference.std()]  # cosmic rays
    expected = patch.light[blank].mean() / gain + (read_noise / gain) ** 2 + 1 / 12
    assert difference.var() == pytest.approx(expected, rel=0.03)
    assert difference.mean() == pytest.approx(0, abs=0.1)


def test_the_sky_has_its_level_and_gradient():
    frame = take_frame(Night(seed=2, shape=SMALL, density=0), 0)
    assert len(frame.truth) == 0
    assert frame.light.mean() == pytest.approx(frame.header["SKYLEVEL"], abs=1e-3)
    across, along = frame.light.mean(axis=0), frame.light.mean(axis=1)
    assert across[-1] - across[0] == pytest.approx(frame.header["SKYGRADX"], abs=1e-6)
    assert along[-1] - along[0] == pytest.approx(frame.header["SKYGRADY"], abs=1e-6)


def test_numbers_stay_within_16_bits():
    rng = np.random.default_rng(1)
    light = np.array([[-50.0, 0.0, 64999.0, 65536.0, 1e7]] * 50)
    data, _ = detect_light(rng, light, 4.7, 4.6, 65000, (0, 0))
    assert data.dtype == np.uint16
    assert data[:, :2].max() < 20 and data[:, 3:].min() == data.max() == 65000


def test_bright_stars_are_saturated_and_said_to_be(field):
    truth, level = field.truth, field.header["SATURATE"]
    columns, rows = np.rint(truth["x"]).astype(int), np.rint(truth["y"]).astype(int)
    saturated = truth["saturated"] == 1
    assert saturated.sum() >= 2
    assert (field.data[rows[saturated], columns[saturated]] > 0.98 * level).all()
    alone = truth["peak"] + field.exposure.sky
    assert saturated[alone > 1.02 * level].all()
    assert field.data.max() == level


def test_defects_are_where_they_are_said_to_be(field):
    excess = field.data - field.light
    (column,) = field.defects[field.defects["kind"] == "bad_column"]
    x, y = int(column["x"]), int(column["y"])
    assert y + column["length"] == len(field.data)
    assert excess[y:, x].mean() < -0.6 * field.exposure.sky
    assert abs(np.median(excess[:y, x])) < 2
    rays = field.defects[field.defects["kind"] == "cosmic_ray"]
    assert 5 <= len(rays) <= 30
    for ray in rays:
        far = np.arange(0.5, ray["length"])
        columns = np.rint(ray["x"] + far * np.cos(np.radians(ray["angle"]))).astype(int)
        rows = np.rint(ray["y"] + far * np.sin(np.radians(ray["angle"]))).astype(int)
        inside = (columns >= 0) & (columns < 2048) & (rows >= 0) & (rows < 1489)
        assert excess[rows[inside], columns[inside]].mean() > 30


def test_a_default_frame_looks_like_the_survey_to_sep(field):
    """About 1,000 detections; bright stars lie where the truth says, with its flux."""
    data = field.data.astype(np.float32)
    background = sep.Background(data)
    background.subfrom(data)
    sep.set_extract_pixstack(300_000)  # whatever was measured before
    found = sep.extract(data, 1.5, err=background.globalrms, minarea=5)
    assert 850 < len(found) < 1450
    assert background.globalback == pytest.approx(field.exposure.sky, rel=0.03)
    truth = field.truth
    bright = (truth["kind"] == "star") & (truth["saturated"] == 0) & (truth["mag"] < 19)
    bright &= (np.abs(truth["x"] - 1023) < 1000) & (np.abs(truth["y"] - 744) < 720)
    bright &= np.abs(truth["x"] - field.defects["x"][0]) > 15
    others = truth[truth["mag"] < 22]
    errors, ratios = [], []
    for star in truth[bright]:
        near = np.hypot(others["x"] - star["x"], others["y"] - star["y"]) < 15
        if near.sum() > 1:
            continue
        distance = np.hypot(found["x"] - star["x"], found["y"] - star["y"])
        errors.append(distance.min())
        flux, _, _ = sep.sum_circle(data, [star["x"]], [star["y"]], 10.0, subpix=0)
        ratios.append(flux[0] / star["flux"])
    assert len(errors) > 20
    assert np.median(errors) < 0.1 and np.max(errors) < 0.5
    radius = moffat_radius(field.exposure.fwhm, BETA)
    inside = 1 - (1 + (10 / radius) ** 2) ** (1 - BETA)
    assert np.median(ratios) == pytest.approx(inside, abs=0.01)


# Truth and sky positions


def test_positions_on_the_sky_project_to_the_pixels(night):
    folder, paths, truth = night
    for path in paths:
        rows = [row for row in truth if row["image"] == path]
        x, y, ra, dec = (np.array([float(row[n]) for row in rows]) for n in ("x", "y", "ra", "dec"))
        assert len(rows) > 20
        assert -0.5 <= x.min() and x.max() < 255.5 and -0.5 <= y.min() and y.max() < 255.5
        back = WCS(fits.getheader(path)).all_world2pix(ra, dec, 0)
        np.testing.assert_allclose(back, [x, y], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("ra", "dec"), [(0.001, 0.0), (150.0, 2.0), (40.0, -89.98)])
def test_positions_hold_at_ra_0_and_at_the_pole(ra, dec):
    _, header, truth = simulate_frame(1, 2, SMALL, ra=ra, dec=dec)
    back = WCS(header).all_world2pix(truth["ra"], truth["dec"], 0)
    np.testing.assert_allclose(back, [truth["x"], truth["y"]], atol=1e-6, rtol=0)
    assert truth["ra"].min() >= 0 and truth["ra"].max() < 360


def test_a_source_has_one_position_on_the_sky_in_all_frames(night):
    folder, paths, truth = night
    positions = {}
    for path in paths:
        rows = [row for row in truth if row["image"] == path]
        pixels = [[float(row[name]) for row in rows] for name in ("x", "y")]
        sky = WCS(fits.getheader(path)).all_pix2world(*pixels, 0)
        for row, ra, dec in zip(rows, *sky, strict=True):
            positions.setdefault(row["source"], []).append((ra, dec))
    seen = [np.array(places) for places in positions.values() if len(places) > 1]
    assert len(seen) > 100 and max(len(places) for places in seen) >= 4
    for places in seen:
        assert np.ptp(places, axis=0).max() * 3600 < 0.001


def test_neighbours_share_128_rows(night):
    folder, paths, _ = night
    first, second = (WCS(fits.getheader(paths[frame])) for frame in (0, 2))
    x, y = second.all_world2pix(*first.all_pix2world([128.0], [128.0], 0), 0)
    assert x[0] == pytest.approx(128, abs=1) and y[0] == pytest.approx(0, abs=1)


def test_the_scan_runs_east_and_the_sky_is_not_mirrored(night):
    _, paths, _ = night
    for path in paths:
        sky = WCS(fits.getheader(path))
        ra, dec = sky.all_pix2world([100.0, 110.0, 100.0], [100.0, 100.0, 110.0], 0)
        step = 10 * 0.396 / 3600
        assert dec[1] - dec[0] == pytest.approx(step, rel=1e-4)  # along x: north
        assert ra[2] - ra[0] == pytest.approx(step / np.cos(np.radians(2)), rel=1e-3)  # y: east
        assert np.linalg.det(sky.wcs.cd) < 0


def test_angles_turn_with_the_detector():
    """A galaxy's major axis, taken to the sky and to another frame, has the angle given there."""
    frames = [take_frame(Night(seed=3, shape=SMALL), frame) for frame in (0, 1)]
    first, second = (frame.truth for frame in frames)
    long = first[(first["ellipticity"] > 0.5) & np.isin(first["source"], second["source"])]
    theta = np.radians(long["theta"])
    ends = long["x"] + 10 * np.cos(theta), long["y"] + 10 * np.sin(theta)
    there = WCS(frames[1].header).all_world2pix(*WCS(frames[0].header).all_pix2world(*ends, 0), 0)
    twin = second[np.searchsorted(second["source"], long["source"])]
    angle = np.degrees(np.arctan2(there[1] - twin["y"], there[0] - twin["x"]))
    turned = np.abs(frames[0].exposure.rotation - frames[1].exposure.rotation)
    assert len(long) > 5 and turned > 0.01
    assert np.abs((angle - twin["theta"] + 90) % 180 - 90).max() < 0.002


def test_magnitudes_and_fluxes_agree_with_the_zero_point(night):
    folder, paths, truth = night
    zero_point = {path: fits.getheader(path)["MAGZP"] for path in paths}
    for row in truth:
        mag = zero_point[row["image"]] - 2.5 * np.log10(float(row["flux"]))
        assert mag == pytest.approx(float(row["mag"]), abs=1e-6)
    assert len(set(zero_point.values())) == len(paths)


# Files


def test_a_written_night_is_what_its_tables_say(night):
    folder, paths, truth = night
    lines = (folder / "manifest.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == paths
    for path, line in zip(paths, lines, strict=True):
        fields = dict(item.split("=") for item in line.split("\t")[1:])
        header = fits.getheader(path)
        assert int(fields["bytes"]) == os.path.getsize(path)
        assert float(fields["zero_point"]) == header["MAGZP"]
        assert float(fields["mjd"]) == header["MJD-OBS"]
        assert fields["filter"] == header["FILTER"] == "r"
        assert (header["BITPIX"], header["BZERO"]) == (16, 32768)
        assert "DATE" not in header  # the day of writing would change the bytes
    assert list(truth[0])[1:] == list(TRUTH.names)
    defects = (folder / "defects.tsv").read_text().splitlines()
    assert sum("bad_column" in line for line in defects) == len(paths)
    assert not [name for name in os.listdir(folder) if "part" in name]


def test_a_frame_is_the_same_in_any_night_with_its_seed(night, tmp_path):
    """Whatever the number of frames and of processes, down to the byte."""
    _, paths, truth = night
    again = simulate_night(tmp_path / "again", 3, 7, SMALL, jobs=2)
    for one, other in zip(paths, again, strict=False):
        assert Path(one).read_bytes() == Path(other).read_bytes()
    with open(tmp_path / "again" / "truth.tsv", newline="") as file:
        rows = [list(row.values())[1:] for row in csv.DictReader(file, delimiter="\t")]
    assert rows == [list(row.values())[1:] for row in truth if int(row["frame"]) < 3]


def test_a_written_frame_is_that_of_the_kernel(night):
    _, paths, _ = night
    data, header, _ = simulate_frame(7, 3, SMALL)
    written, cards = fits.getdata(paths[3], header=True)
    np.testing.assert_array_equal(written, data)
    assert all(cards[name] == header[name] for name in header)


def test_another_seed_is_another_sky(night):
    _, paths, _ = night
    data, header, truth = simulate_frame(8, 0, SMALL)
    assert (fits.getdata(paths[0]) != data).mean() > 0.5


def test_relative_folders_give_relative_paths_and_the_ids_of_the_manifest(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    arguments = ["--frames", "1", "--seed", "1", "--shape", "64x48", "--jobs", "1"]
    assert main(["simulate", "#a/../#n", *arguments]) == 0
    assert Path("#n/manifest.txt").read_text().startswith("./#a/../#n/frame-r-000001-3-0011.fits\t")
    assert capsys.readouterr().err == "1 frame -> #a/../#n/manifest.txt\n"
    assert fits.getdata("#n/frame-r-000001-3-0011.fits").shape == (64, 48)
    (entry,) = read_entries(Path("#n/manifest.txt").read_bytes().splitlines())
    defects = Path("#n/defects.tsv").read_text().splitlines()
    assert defects[1].split("\t")[0] == entry.id == "./%23a/../%23n/frame-r-000001-3-0011.fits"


def test_frames_of_others_are_not_written_over(tmp_path, capsys):
    (tmp_path / "precious.fit.gz").write_bytes(b"x")
    arguments = ["simulate", str(tmp_path), "--frames", "1", "--seed", "1", "--shape", "64x64"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--overwrite" in error
    assert os.listdir(tmp_path) == ["precious.fit.gz"]
    assert main([*arguments, "--overwrite", "--jobs", "1"]) == 0
    assert (tmp_path / "precious.fit.gz").read_bytes() == b"x"


@pytest.mark.parametrize(
    "options",
    [
        ["--frames", "0"],
        ["--frames", "two"],
        ["--frames", "100000"],
        ["--seed", "-1"],
        ["--shape", "256"],
        ["--shape", "8x8"],
        ["--jobs", "0"],
        ["--passes", "0"],
        ["--density", "nan"],
        ["--dec", "91"],
    ],
)
def test_a_bad_option_is_one_line_and_exit_2(tmp_path, options, capsys):
    arguments = ["simulate", str(tmp_path / "n"), "--frames", "1", "--seed", "1", *options]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and options[0].strip("-") in error
    assert not (tmp_path / "n").exists()


def test_a_folder_that_no_manifest_can_name_is_refused(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "a\tb"), "--frames", "1", "--seed", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CommandError, match="cannot write"):
        simulate_night(str(tmp_path / "file" / "night"), 1, 1, SMALL)
