"""Photometry at given positions: unbiased below the threshold, honest errors and limits."""

from math import erf, sqrt

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import job
from stars import FWHM_PER_SIGMA, add_gaussian, grid

from mr_extract import Config, extract
from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.frames.given_places import measure_targets
from mr_extract.images import Image, read_image
from mr_extract.lists.footprint import in_footprint, unit_vectors
from mr_extract.lists.reading import positions, read_table
from mr_extract.lists.targets import Targets, targets_from
from mr_extract.text.catalog import read_catalog

NOISE, SIGMA = 5.0, 3.0 / FWHM_PER_SIGMA
TAN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
       "CRPIX1": 400.5, "CRPIX2": 300.5, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0,
       "CD2_2": 1e-4}
APERTURES = (5.0, 12.0)


def held(diameter):
    """Share of a Gaussian star's light in a circle."""
    return 1.0 - np.exp(-0.5 * (diameter / 2.0 / SIGMA) ** 2)


@pytest.fixture(scope="module")
def faint():
    """Stars of 1 sigma of the smaller aperture, far from each other, and empty places."""
    rng = np.random.default_rng(21)
    data = 300.0 + rng.normal(0.0, NOISE, (1500, 1500))
    x, y = grid(data.shape, 25, rng)
    star = rng.random(len(x)) < 0.5
    flux = np.where(star, NOISE * np.sqrt(np.pi) * APERTURES[0] / 2.0, 0.0)
    for one in zip(x[star], y[star], flux[star]):
        add_gaussian(data, *one, SIGMA)
    return data.astype(np.float32), x, y, flux


def at(data, x, y, header=None, **settings):
    config = Config().updated(forced="list", **settings)
    targets = Targets([f"t{k}" for k in range(len(x))], False, x, y)
    return measure_targets(Image(data.copy(), header or {}), config, targets=targets)


def measured(data, x, y, **settings):
    return at(data, x, y, **settings).columns


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("what", ["stars", "empty"])
@pytest.mark.parametrize("ring", [(0, 0), (10, 20)])
def test_pulls_are_a_unit_normal_below_the_threshold(faint, k, what, ring):
    data, x, y, flux = faint
    columns = measured(data, x, y, apertures=APERTURES, annulus=ring)
    chosen = (flux > 0) == (what == "stars")
    truth = flux * held(APERTURES[k - 1])
    pulls = (columns[f"flux_aper_{k}"] - truth) / columns[f"fluxerr_aper_{k}"]
    pulls, n = pulls[chosen], np.count_nonzero(chosen)
    assert n > 1500
    # A mesh is a median of pixels with faint stars among them: some hundredths of sigma.
    assert abs(pulls.mean()) < 0.1 + 3.0 / np.sqrt(n)
    # The error counts a pixel that the circle cuts with its share of the variance, the
    # sum with the square of it: up to 7 % too large for so small a circle.
    assert 0.9 < pulls.std() < 1.1
    found = extract(data, thresh=3.0)
    assert len(found) < 0.05 * np.count_nonzero(flux), "they are below detection"


def test_the_gaussian_flux_is_that_of_the_star_with_a_smaller_error(faint):
    data, x, y, flux = faint
    columns = measured(data, x, y, apertures=(5.0,), forced_fwhm=3.0,
                       columns=("default", "forced_gauss"))
    star = flux > 0
    for chosen in (star, ~star):
        pulls = ((columns["flux_gauss"] - flux) / columns["fluxerr_gauss"])[chosen]
        assert abs(pulls.mean()) < 0.15
        assert 0.95 < pulls.std() < 1.05
    better = columns["fluxerr_gauss"] * held(5.0) / columns["fluxerr_aper_1"]
    assert np.median(better) < 0.9
    # The error of least squares under white noise: sigma sqrt(4 pi) s.
    assert np.median(columns["fluxerr_gauss"]) == pytest.approx(
        NOISE * np.sqrt(4 * np.pi * (SIGMA**2 + 1 / 12)), rel=0.03)


def test_ellipses_of_a_catalog_are_its_kron_apertures(tmp_path):
    rng = np.random.default_rng(9)
    data = 100 + rng.normal(0.0, NOISE, (400, 400))
    for one in zip(*grid((400, 400), 50, rng)):
        add_gaussian(data, *one, 9000.0, SIGMA)
    data = data.astype(np.float32)
    table = extract(data, thresh=5.0, neighbours="none")
    names = ["x", "y", "a", "b", "theta", "kron_radius"]
    table[names].write(tmp_path / "list.csv")
    forced = extract(data, forced=str(tmp_path / "list.csv"), neighbours="none",
                     columns=("default", "forced_ellipse"))
    assert np.allclose(forced["flux_ellipse"], table["flux_auto"], rtol=1e-4)
    assert np.allclose(forced["fluxerr_ellipse"], table["fluxerr_auto"], rtol=1e-4)


def test_photon_noise_is_in_the_errors():
    rng = np.random.default_rng(5)
    x, y = grid((900, 900), 30, rng)
    light = np.zeros((900, 900))
    for one in zip(x, y):
        add_gaussian(light, *one, 5000.0, SIGMA)
    data = light + rng.normal(0.0, NOISE, light.shape)
    data += rng.normal(0.0, 1.0, light.shape) * np.sqrt(light / 1.5)
    columns = measured(data.astype(np.float32) + 100, x, y, apertures=(12.0,), gain=1.5,
                       forced_fwhm=3.0, columns=("default", "forced_gauss"))
    pulls = (columns["flux_gauss"] - 5000.0) / columns["fluxerr_gauss"]
    assert 0.9 < pulls.std() < 1.1 and abs(pulls.mean()) < 0.3
    pulls = (columns["flux_aper_1"] - 5000.0 * held(12.0)) / columns["fluxerr_aper_1"]
    assert 0.9 < pulls.std() < 1.1
    assert abs(pulls.mean()) < 0.3


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_limits_have_their_coverage(faint, sigma):
    data, x, y, flux = faint
    columns = measured(data, x, y, apertures=APERTURES, limit_sigma=sigma)
    for k, diameter in enumerate(APERTURES, 1):
        true, limit = flux * held(diameter), columns[f"flux_limit_aper_{k}"]
        expected = 0.5 * (1.0 + erf(sigma / sqrt(2.0)))
        for chosen in (flux > 0, flux == 0):
            covered = np.mean(true[chosen] < limit[chosen])
            assert covered > expected - 0.02
        assert (limit >= 0.999999 * sigma * columns[f"fluxerr_aper_{k}"]).all()
        faintest = -2.5 * np.log10(limit)
        assert np.allclose(columns[f"mag_limit_aper_{k}"], faintest, atol=1e-4)


def test_limits_of_what_is_seen_are_not_too_high(faint):
    data, x, y, _ = faint
    data = data.copy()
    for one in zip(x, y):
        add_gaussian(data, *one, 600.0, SIGMA)
    before, after = (measured(d, x, y, limit_sigma=1.0) for d in (faint[0], data))
    true = after["flux_aper_1"] - before["flux_aper_1"] + faint[3] * held(5.0)
    assert np.mean(true < after["flux_limit_aper_1"]) == pytest.approx(0.841, abs=0.04)


def test_a_star_is_given_its_flux_and_no_position_is_improved(faint):
    data, x, y, _ = faint
    data = data.copy()
    add_gaussian(data, 700.3, 650.6, 80000.0, SIGMA)
    columns = measured(data, np.array([700.3, 702.3]), np.array([650.6, 650.6]), apertures=(12.0,))
    assert columns["x"].tolist() == [700.3, 702.3]
    assert columns["flux_aper_1"][0] == pytest.approx(80000 * held(12.0), rel=0.01)
    assert columns["flux_aper_1"][1] < columns["flux_aper_1"][0]


def test_flags_of_the_border_of_masks_and_of_saturation(faint):
    data = faint[0].copy()
    data[500, 500] = 60000.0
    mask = np.zeros(data.shape, bool)
    mask[300, 300] = True
    mask[700:720, 700:720] = True
    x, y = np.array([1.0, 300, 503, 710, 900]), np.array([800.0, 301, 500, 710, 900])
    config = Config().updated(forced="list", apertures=(8.0,))
    sources = measure_targets(Image(data, mask=mask), config,
                              targets=Targets(list("abcde"), False, x, y))
    flags = sources.columns["flag"].tolist()
    assert flags[0] & 0x10 and flags[1] & 0x20 and flags[2] & 0x100 and flags[3] & 0x40
    assert flags[4] == 0
    assert np.isnan(sources.columns["flux_aper_1"]).tolist() == [False, False, False, True, False]


def test_what_is_outside_is_left_out_and_counted(faint):
    x, y = np.array([-0.6, -0.4, 10.0, 1499.4, 1499.6, np.nan]), np.full(6, 20.0)
    sources = at(faint[0], x, y)
    assert sources.columns["target"].tolist() == ["t1", "t2", "t3"]
    assert sources.columns["number"].tolist() == [1, 2, 3]
    assert sources.facts == {"targets": 6, "outside": 2, "without_position": 1}


# ---- places on the sky

FRAMES = ["a/obs_sdss/fpC-005754-r3-0280.fit.gz", "b/2mass/aK_asky_990502s1420186.fits.gz",
          "b/cfht/CFHTLS-test_g.fits", "h/nomtam/m13real.fits",
          "d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz"]


@pytest.mark.parametrize("name", FRAMES)
def test_the_sky_leads_back_to_the_pixel(shared_data, name):
    image = read_image((shared_data / name).read_bytes())
    height, width = image.data.shape
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-0.5, width - 0.5, 300), rng.uniform(-0.5, height - 0.5, 300)
    which, u, v = in_footprint(image.header, (height, width),
                               unit_vectors(*sky_positions(image.header, x, y)))
    assert len(which) == 300
    assert np.abs(u - x).max() < 1e-6 and np.abs(v - y).max() < 1e-6


def test_only_what_is_on_the_image_is_selected():
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(149.9, 150.1, 3000), rng.uniform(1.9, 2.1, 3000)
    which, x, y = in_footprint(TAN, (600, 800), unit_vectors(ra, dec))
    from astropy.wcs import WCS

    u, v = WCS(fits.Header(TAN)).all_world2pix(ra, dec, 0)
    inside = (u >= -0.5) & (u < 799.5) & (v >= -0.5) & (v < 599.5)
    assert 100 < inside.sum() < 3000
    assert np.array_equal(which, np.flatnonzero(inside))
    assert np.allclose(x, u[inside], atol=1e-5) and np.allclose(y, v[inside], atol=1e-5)


@pytest.mark.parametrize("ra, dec", [(0.0, 0.0), (359.999, -45.0), (10.0, 89.98), (200.0, -89.98)])
def test_the_selection_holds_at_poles_and_where_right_ascension_begins_anew(ra, dec):
    header = {**TAN, "CRVAL1": ra, "CRVAL2": dec}
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 799, 200), rng.uniform(0, 599, 200)
    which, u, v = in_footprint(header, (600, 800), unit_vectors(*sky_positions(header, x, y)))
    assert len(which) == 200
    assert np.abs(np.hypot(u - x, v - y)).max() < 1e-6


def test_a_projection_of_the_whole_sky():
    header = {"CTYPE1": "RA---AIT", "CTYPE2": "DEC--AIT", "CRVAL1": 0.0, "CRVAL2": 0.0,
              "CRPIX1": 180.5, "CRPIX2": 90.5, "CDELT1": -1.0, "CDELT2": 1.0}
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 400), np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, 400)))
    which, x, y = in_footprint(fits.Header(header), (180, 360), unit_vectors(ra, dec))
    far = np.abs(ra - 180.0) > 20.0  # from the seam, where pixels are bent
    assert np.isin(np.flatnonzero(far), which).all()
    back = sky_positions(fits.Header(header), x, y)
    apart = unit_vectors(*back) - unit_vectors(ra[which], dec[which])
    assert np.abs(apart).max() < 1e-8


def test_of_a_million_targets_those_near_the_image_alone_are_transformed(monkeypatch):
    from mr_extract.astrometry import inverse
    from mr_extract.lists import footprint

    asked = []

    def counted(header, x, y):
        asked.append(len(x))
        return sky_positions(header, x, y)

    for module in (footprint, inverse):
        monkeypatch.setattr(module, "sky_positions", counted)
    rng = np.random.default_rng(6)
    vectors = unit_vectors(rng.uniform(149, 151, 1_000_000), rng.uniform(1, 3, 1_000_000))
    which, _, _ = in_footprint(TAN, (2048, 2048), vectors)
    assert len(which) > 1000
    # Three positions a step, two or three steps, and the circle holds a half more than the image.
    assert sum(asked) < 20 * len(which) < 1_000_000


def test_a_list_on_the_sky_and_an_image_without_is_a_named_failure(faint):
    targets = Targets(["a"], True, np.array([1.0]), np.array([1.0]))
    with pytest.raises(ImageFailure, match="no-wcs"):
        measure_targets(Image(faint[0].copy()), Config().updated(forced="list"), targets=targets)


# ---- lists

TEXTS = {
    "csv": "id,ra,dec\na,10.5,-1.25\nb,11,2\n",
    "tsv": "# a comment\nname\tRA\tDEC\na\t10.5\t-1.25\nb\t11\t2\n",
    "spaces": "RAJ2000 DEJ2000 id\n10.5 -1.25 a\n11 2 b\n",
    "quoted": 'id,ra,dec\n"a",10.5,-1.25\n"b",11,2\n',
    "ecsv": "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: string}\n"
            "# - {name: ra, datatype: float64}\n# - {name: dec, datatype: float64}\n"
            "id ra dec\na 10.5 -1.25\nb 11.0 2.0\n",
    "ascii_head": "#   1 NUMBER   Running object number\n#   2 ALPHA_J2000  Right ascension [deg]\n"
                  "#   3 DELTA_J2000  Declination [deg]\n a 10.5 -1.25\n b 11 2\n".replace(
                      " a", " 1").replace(" b", " 2"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_lists_of_many_makes(kind):
    targets = targets_from(read_table(TEXTS[kind].encode()))
    assert targets.sky and targets.first.tolist() == [10.5, 11.0]
    assert targets.second.tolist() == [-1.25, 2.0]
    assert targets.ids == (["1", "2"] if kind == "ascii_head" else ["a", "b"])


def test_a_fits_table_and_pixels_that_count_from_one(tmp_path):
    Table({"X_IMAGE": [1.0, 5.5], "Y_IMAGE": [2.0, 7.0]}).write(tmp_path / "t.fits")
    targets = targets_from(read_table((tmp_path / "t.fits").read_bytes()))
    assert not targets.sky and targets.ids == ["1", "2"]
    assert targets.first.tolist() == [0.0, 4.5] and targets.second.tolist() == [1.0, 6.0]
    targets = targets_from(read_table(b"x,y\n1,2\n"))
    assert (targets.first[0], targets.second[0]) == (1.0, 2.0)


def test_the_sky_goes_before_pixels_unless_it_is_not_there():
    table = read_table(b"x y ra dec\n1 2 10 20\n")
    assert positions(table)[0] and not positions(table, "pixel")[0]
    assert not positions(read_table(b"x y ra dec\n1 2 nan nan\n"))[0]


@pytest.mark.parametrize("text, said", [
    (b"a,b\n1,2\n", "neither columns"), (b"ra,dec\n1\n", "has 1 cells"),
    (b"ra,dec\n10:90:00,-5:00:00\n", "no angle"), (b"\xff\xfe\x00", "neither UTF-8"),
])
def test_a_list_that_is_none_says_why(text, said):
    with pytest.raises(ValueError, match=said):
        targets_from(read_table(text))


# ---- the job

@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Two overlapping frames on the sky with the same twenty stars, and the list of them."""
    folder = tmp_path_factory.mktemp("forced")
    rng = np.random.default_rng(8)
    ra, dec = rng.uniform(149.97, 150.03, 20), rng.uniform(1.975, 2.025, 20)
    for k, shift in enumerate((0.0, 0.02)):
        header = fits.Header({**TAN, "CRVAL1": 150.0 + shift})
        data = 100 + rng.normal(0.0, NOISE, (600, 800))
        which, x, y = in_footprint(header, data.shape, unit_vectors(ra, dec))
        for one in zip(x, y):
            add_gaussian(data, *one, 3000.0, SIGMA)
        fits.writeto(folder / f"{k}.fits", data.astype(np.float32), header)
    rows = [f"star {k},{a!r},{d!r}" for k, (a, d) in enumerate(zip(ra.tolist(), dec.tolist()))]
    (folder / "stars.csv").write_text("id,ra,dec\n" + "\n".join(rows) + "\nfar,10,10\n")
    (folder / "few.csv").write_text("id,x,y\nq,100,100\n")
    (folder / "list.txt").write_text("0.fits\n1.fits\n")
    return folder


def test_the_job_measures_the_list_in_every_runner(field):
    runs = [job("-r", runner, "list.txt", "--forced", "stars.csv", "--apertures", "8",
                cwd=field) for runner in ("inline", "local")]
    assert runs[0].status == 0, runs[0].err
    assert runs[0].out == runs[1].out
    (field / "forced.tsv").write_bytes(runs[0].out)
    catalog = read_catalog(field / "forced.tsv")
    for account in catalog.accounts.values():
        assert account.rows + int(account.values["outside"]) == 21
        assert len(account.values["targets_sha256"]) == 64
    pulls = (catalog.columns["flux_aper_1"] - 3000 * held(8.0)) / catalog.columns["fluxerr_aper_1"]
    assert np.median(np.abs(pulls)) < 1.5
    assert set(catalog.columns["target"]) <= {f"star {k}" for k in range(20)}
    first = catalog.columns["target"][catalog.columns["image"] == "0.fits"]
    numbers = [int(text.split()[1]) for text in first]
    assert numbers == sorted(numbers), "in the order of the list"


def test_the_path_of_the_list_is_nothing_to_the_catalog(field):
    (field / "other").mkdir(exist_ok=True)
    (field / "other" / "renamed").write_bytes((field / "stars.csv").read_bytes())
    one, two = (job("list.txt", "--forced", path, cwd=field)
                for path in ("stars.csv", field / "other" / "renamed"))
    assert one.out == two.out


def test_each_line_may_have_its_own_list(field):
    (field / "own.txt").write_text("0.fits\tpositions=few.csv\n1.fits\n")
    run = job("-r", "local", "own.txt", "--forced", "lines", cwd=field)
    assert run.accounts() == {"0.fits": "", "1.fits": "malformed-line"}
    run = job("own.txt", "--forced", "stars.csv", cwd=field)
    assert run.accounts() == {"0.fits": "", "1.fits": ""}
    assert job("own.txt", cwd=field).accounts() == {"0.fits": "malformed-line", "1.fits": ""}
    run = job("own.txt", "--forced", "stars.csv", cwd=field)
    assert any(line.split("\t")[:2] == ["0.fits", "1"] and "\tq\t" in line for line in run.lines)


def test_a_catalog_of_ours_is_a_list(field):
    found = job("list.txt", "--catalog", "found.tsv", cwd=field)
    assert found.status == 0
    run = job("0.fits", "--forced", "found.tsv", cwd=field)
    assert run.status == 0, run.err
    assert any("\t0.fits:1\t" in line for line in run.lines)


@pytest.mark.parametrize("options, said", [
    (["--forced", "nothing.csv"], "no such file"),
    (["--forced", "list.txt"], "neither columns"),
    (["--forced", "stars.csv", "--columns", "flux_auto"], "not measured at given positions"),
    (["--columns", "flux_limit_aper"], "needs a list"),
    (["--forced", "stars.csv", "--annulus", "5,3"], "annulus"),
    (["--forced", "stars.csv", "--limit-sigma", "0"], "limit-sigma"),
    (["--forced", "stars.csv", "--columns", "flux_gauss"], "forced_fwhm"),
    (["--forced", "stars.csv", "--assoc", "stars.csv"], "assoc"),
])
def test_a_wrong_option_is_one_line_and_status_2(field, options, said):
    run = job("list.txt", *options, cwd=field)
    assert run.status == 2
    assert run.err.count("\n") == 1 and said in run.err
    assert run.out == b""


def test_the_notebook_takes_a_list_too(field):
    table = extract(field / "0.fits", forced=str(field / "stars.csv"))
    assert table.meta["targets"] == 21
    assert table["target"][0].startswith("star")


def test_an_image_without_a_target_has_no_rows(field):
    (field / "far.csv").write_text("id,ra,dec\nfar,10,10\n")
    run = job("0.fits", "--forced", "far.csv", "--annulus", "5,9", "--forced-fwhm", "3",
              "--columns", "default,forced_gauss,forced_ellipse", cwd=field)
    assert run.status == 0, run.err
    assert run.accounts() == {"0.fits": ""} and run.body.count(b"\n") == 1
    assert b"\ttargets=1\toutside=1" in run.body
