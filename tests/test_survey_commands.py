"""docs/surveys.md is true: its commands run, and what they measure is what the sky has."""

import math
import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from pages import examples_of, read_page, shell_in
from stars import star_field

from mr_extract.text.catalog import read_catalog

PARTS = examples_of(read_page("docs/surveys.md"))
NAMES = [re.search(r"--catalog (\w+)\.tsv", command).group(1) for command, _ in PARTS]
DECAM, CFHT = "c4d_130105_065255_{}_r_a1-N15.fits.fz", "CFHTLS-test_{}.fits"
TWOMASS = "aK_asky_990502s1420186.fits.gz"
FPC, FRAME = "fpC-005754-r3-0280.fit.gz", "frame-g-000094-1-0131.fits.bz2"
CHIPS = (3, 35)  # of the mosaic
IMAGES = {
    "decam": [DECAM.format("ooi") + "[1]"], "cfht": [CFHT.format("g"), CFHT.format("i")],
    "mosaic": ["mosaic.fits[1]", "mosaic.fits[2]"], "2mass": [TWOMASS], "gmos": ["gmos.fits[1]"],
    "fpc": [FPC], "frame": [FRAME], "stack": ["rings.v3.skycell.0960.017.stk.r.unconv.fits"],
}


def write_stack(folder):
    """Write a field as a stack of Pan-STARRS holds it, with its variances and mask."""
    stem = IMAGES["stack"][0].removesuffix(".fits")
    field = star_field(7, 3000.0, (300, 320)).data
    bad = np.zeros(field.shape, np.int16)
    bad[:, 40:44] = 8
    for tail, linear in (("", field), (".wt", np.full(field.shape, 100.0))):
        softening, offset = 50.0, 3.0
        scaled = 2.5 * math.log10(math.e) * np.arcsinh((linear - offset) / (2 * softening))
        header = fits.Header({"BOFFSET": offset, "BSOFTEN": softening})
        fits.writeto(folder / f"{stem}{tail}.fits", scaled.astype("f4"), header)
    fits.writeto(folder / f"{stem}.mask.fits", bad)


@pytest.fixture(scope="module")
def surveys(request, tmp_path_factory):
    """The folder of the files, in which every command of the page has run."""
    data = request.getfixturevalue("shared_data")
    folder = tmp_path_factory.mktemp("surveys")
    for path in data.glob("[abd]/*/*"):
        (folder / path.name).symlink_to(path)
    units = [fits.PrimaryHDU()]
    for chip in CHIPS:  # a mosaic to go with the mask
        stars = star_field(chip, 3000.0, (4644, 2112)).data
        units.append(fits.ImageHDU(stars.astype("f4"), name=f"ccd{chip:02d}"))
    fits.HDUList(units).writeto(folder / "mosaic.fits")
    write_stack(folder)
    shell = shell_in(folder)
    return folder, {name: shell(command) for name, (command, _) in zip(NAMES, PARTS)}


@pytest.fixture
def measured(surveys):
    """Function from the name of a command to its accounts and columns."""
    def read(name):
        catalog = read_catalog(surveys[0] / f"{name}.tsv")
        columns = {key: np.asarray(values) for key, values in catalog.columns.items()}
        for key in columns.keys() - {"image"}:
            columns[key] = columns[key].astype(float)
        return catalog.accounts, columns
    return read


def same(ours, theirs):
    """Tell whether two cells are the same but for the last digits of numbers."""
    try:
        return math.isclose(float(ours), float(theirs), rel_tol=1e-4)
    except ValueError:
        return ours == theirs


def apart(one, other):
    """Return distances in arcsec between two sets of (ra, dec) in degrees, shape (n, m)."""
    (ra, dec), (ras, decs) = one, other
    east = (ra[:, None] - ras) * np.cos(np.radians(dec))[:, None]
    return 3600 * np.hypot(east, dec[:, None] - decs)


def test_the_page_has_one_command_for_each_survey():
    assert sorted(NAMES) == sorted(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_a_command_runs_and_accounts_for_its_images(surveys, measured, name):
    run = surveys[1][name]
    assert run.status == 0, run.err
    accounts, columns = measured(name)
    assert {image: account.kind for image, account in accounts.items()} == dict.fromkeys(
        IMAGES[name], "")
    assert sum(account.rows for account in accounts.values()) == len(columns["image"]) > 0
    roles = {"decam": {"mask", "weight"}, "mosaic": {"mask"}, "gmos": {"weight"},
             "stack": {"mask", "weight"}, "fpc": {"mask", "calibration"}}
    for account in accounts.values():
        used = {key.removesuffix("_sha256") for key in account.values if key.endswith("_sha256")}
        assert used == roles.get(name, set())
    assert "further images" not in run.err


@pytest.mark.parametrize("name", [name for name, (_, shown) in zip(NAMES, PARTS) if shown])
def test_a_catalog_begins_as_the_page_shows(surveys, name):
    text = (surveys[0] / f"{name}.tsv").read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    shown = [line.split("\t") for line in PARTS[NAMES.index(name)][1].splitlines()]
    assert len(shown) == 4
    for ours, theirs in zip(rows, shown):
        assert len(ours) == len(theirs) and all(map(same, ours, theirs)), (ours, theirs)


def gaia(folder, header):
    """Return ra, dec (degrees) at the time of an exposure and G of the stars around it."""
    table = fits.getdata(folder / "chunk-05483.fits")
    years = Time(header["MJD-OBS"], format="mjd").jyear - table["ref_epoch"]
    east, north = (np.nan_to_num(table[name]) * years / 3.6e6 for name in ("pmra", "pmdec"))
    ra = table["ra"] + east / np.cos(np.radians(table["dec"]))
    return ra, table["dec"] + north, np.asarray(table["phot_g_mean_mag"], float)


def test_stars_of_decam_are_where_gaia_has_them_and_as_bright(surveys, measured):
    folder = surveys[0]
    header = fits.getheader(folder / DECAM.format("ooi"))
    _, columns = measured("decam")
    ra, dec, magnitude = gaia(folder, header)
    distance = apart((columns["ra"], columns["dec"]), (ra, dec))
    nearest, close = distance.argmin(1), distance.min(1)
    found = close < 1.0
    # Fainter ones have errors of a tenth of an arcsecond themselves.
    bright = found & (magnitude[nearest] < 20)
    assert bright.sum() >= 4
    assert (close[bright] < 0.2).all() and np.median(close[found]) < 0.1
    # The brightest is the nucleus of a galaxy, of which Gaia does not see the rest.
    stars = found & (columns["mag_auto"] > 15)
    r, g = columns["mag_auto"][stars], magnitude[nearest][stars]
    assert len(r) >= 6 and np.corrcoef(r, g)[0, 1] > 0.95
    # G - r is between -0.3 and 0.6 for stars from F to early M.
    assert -0.3 < np.median(g - r) < 0.6


def test_the_sky_of_decam_is_that_of_its_header(surveys, measured):
    accounts, _ = measured("decam")
    header = fits.getheader(surveys[0] / DECAM.format("ooi"), 1)
    account, = accounts.values()
    # A galaxy fills a part of the image.
    assert float(account.values["background"]) == pytest.approx(header["AVSKY"], rel=0.03)
    assert float(account.values["rms"]) == pytest.approx(header["SKYSIGMA"], rel=0.15)


def test_two_bands_of_cfht_have_the_colours_of_stars_and_galaxies(surveys, measured):
    _, columns = measured("cfht")
    band = {k: columns["image"] == CFHT.format(k) for k in "gi"}
    places = {k: (columns["ra"][rows], columns["dec"][rows]) for k, rows in band.items()}
    distance = apart(places["g"], places["i"])
    same_source = distance.min(1) < 0.5
    assert same_source.sum() > 40
    colour = (columns["mag_auto"][band["g"]] - columns["mag_auto"][band["i"]][distance.argmin(1)]
              )[same_source]
    assert -0.3 < np.median(colour) < 1.5
    assert (np.abs(colour - 1.2) < 2.5).mean() > 0.95
    header = fits.getheader(surveys[0] / CFHT.format("g"))
    faint = np.nanpercentile(columns["mag_auto"][band["g"]], 95)
    # The header gives the limits for stars and galaxies, LIMMAGS1 to LIMMAGG2.
    assert header["LIMMAGG2"] < faint < header["LIMMAGS1"] + 1


def test_good_pixels_of_the_mask_of_megacam_are_those_of_each_chip(surveys, measured):
    accounts, columns = measured("mosaic")
    with fits.open(surveys[0] / "2004B.mask.0.36.01.fits.gz") as mask:
        for unit, chip in enumerate(CHIPS, 1):
            good = mask[f"ccd{chip:02d}"].data != 0
            assert int(accounts[f"mosaic.fits[{unit}]"].values["pixels"]) == good.sum()


def test_magnitudes_of_2mass_are_those_that_2mass_sees(surveys, measured):
    accounts, columns = measured("2mass")
    header = fits.getheader(surveys[0] / TWOMASS)
    account, = accounts.values()
    assert float(account.values["background"]) == pytest.approx(header["SKYVAL"], rel=0.02)
    magnitude = columns["mag_auto"][np.isfinite(columns["mag_auto"])]
    # Stars of the galactic plane from the brightest that it measures to its limit, at a
    # signal to noise of 10 K = 14.3, and less where stars crowd.
    assert 4 < magnitude.min() < 7
    counts, edges = np.histogram(magnitude, np.arange(4, 18, 0.5))
    assert 12.5 <= edges[counts.argmax()] <= 14.5
    assert (magnitude > 15.5).mean() < 0.01
    # Twice to three times as many with each magnitude: 0.3 to 0.4 in the logarithm.
    rise = math.log10(np.sum((magnitude > 10.5) & (magnitude < 11.5))
                      / np.sum((magnitude > 9.5) & (magnitude < 10.5)))
    assert 0.2 < rise < 0.5


def test_the_noise_of_gmos_is_its_variances(surveys, measured):
    _, columns = measured("gmos")
    with fits.open(surveys[0] / "gmos.fits") as units:
        deviation = np.sqrt(units["VAR"].data)
    # A Kron ellipse holds some tens of pixels at least.
    assert (columns["fluxerr_auto"] > 4 * deviation.min()).all()
    assert columns["fluxerr_auto"].max() < deviation.max() * math.sqrt(deviation.size)


def test_stars_of_an_fpc_are_as_bright_as_the_tsfield_says(surveys, measured):
    accounts, columns = measured("fpc")
    account, = accounts.values()
    table = fits.getdata(surveys[0] / "tsField-005754-3-40-0280.fit")
    aa, kk, airmass, told = (float(table[name][0][2]) for name in ("aa", "kk", "airmass", "sky"))
    # The sky, which the tsField gives in maggies a square arcsecond, by our zero point.
    zero_point = 2.5 * math.log10(53.907456) - aa - kk * airmass
    sky = (float(account.values["background"]) - 1000) / 0.396**2
    assert sky * 10 ** (-0.4 * zero_point) == pytest.approx(told, rel=0.015)
    # One star is saturated; for others SDSS saturates at about 14.
    brightest = np.sort(columns["mag_auto"])[:2]
    assert brightest[0] < 12.5 and 13 < brightest[1] < 14.5
    assert 21 < np.nanpercentile(columns["mag_auto"], 75) < 22.5, "SDSS sees to r = 22.2"


def test_magnitudes_of_a_frame_end_at_the_limit_of_sdss(measured):
    _, columns = measured("frame")
    magnitude, error = columns["mag_auto"], columns["magerr_auto"]
    assert 12 < np.nanmin(magnitude) < 14
    # Point sources are 95 % complete to g = 22.2, at a signal to noise of some 10.
    tenth = (error > 0.08) & (error < 0.12)
    assert 20.8 < np.median(magnitude[tenth]) < 22.2
    # A star of g = 16 is 400 nanomaggies, 416,000 electrons: an error of 0.0017 at the least.
    stars = (magnitude > 15.5) & (magnitude < 16.5)
    photons = 1.0857 / np.sqrt(10 ** (0.4 * (22.5 - magnitude[stars])) * 1041)
    assert stars.sum() >= 3
    ratio = error[stars] / photons
    # The sky in the ellipse adds some, more for galaxies.
    assert (ratio > 1).all() and np.median(ratio) < 1.3
