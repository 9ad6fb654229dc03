"""PSFEx and SCAMP make of our catalogues what they make of SExtractor's."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.wcs import WCS
from conftest import LAUNCHER, command, job
from pages import commands_of, read_page, shell_in
from stars import add_gaussian

from mr_extract import extract
from mr_extract.measure.vignettes import NOTHING
from mr_extract.text.cutouts import as_texts, from_texts

PARAMETERS = ("NUMBER XWIN_IMAGE YWIN_IMAGE X_IMAGE Y_IMAGE ERRAWIN_IMAGE ERRBWIN_IMAGE "
              "ERRTHETAWIN_IMAGE FLUX_AUTO FLUXERR_AUTO MAG_AUTO MAGERR_AUTO FLUX_APER(1) "
              "FLUXERR_APER(1) FLUX_RADIUS SNR_WIN ELONGATION FLAGS VIGNET(25,21)")
SIDE = 440


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Two frames that overlap, their catalogues by both programs, and where the stars are."""
    folder = tmp_path_factory.mktemp("field")
    rng = np.random.default_rng(4)
    stars = np.stack([150 + rng.uniform(-0.08, 0.08, 130), 2 + rng.uniform(-0.08, 0.08, 130),
                      10 ** rng.uniform(3.4, 5.0, 130)])
    (folder / "a.param").write_text("\n".join(PARAMETERS.split()) + "\n")
    for k, (across, up) in enumerate(((0.0, 0.0), (50.3, -40.7))):
        header = fits.Header({
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
            "CRPIX1": SIDE / 2 + across, "CRPIX2": SIDE / 2 + up, "CD1_1": -2.8e-4, "CD1_2": 0.0,
            "CD2_1": 0.0, "CD2_2": 2.8e-4, "GAIN": 2.0, "SATURATE": 6e4, "EXPTIME": 60.0,
            "FILTER": "r", "RADESYS": "ICRS", "EQUINOX": 2000.0})
        data = rng.normal(200, 5, (SIDE, SIDE))
        for x, y, flux in zip(*WCS(header).all_world2pix(*stars[:2], 0), stars[2]):
            if -12 < x < SIDE + 11 and -12 < y < SIDE + 11:
                add_gaussian(data, x, y, flux, 1.6)
        header["CRVAL1"], header["CRVAL2"] = 150.0006, 1.9996  # what SCAMP is to find out
        fits.writeto(folder / f"frame{k}.fits", data.astype("f4"), header)
    (folder / "list.txt").write_text("frame0.fits\nframe1.fits\n")
    run = job("list.txt", "--columns", "a.param", "--filter-kernel", "none", "--zero-point", "25",
              "--apertures", "10", "--catalog-type", "fits_ldac", "--catalog", "ours/", cwd=folder)
    assert run.status == 0, run.err
    (folder / "theirs").mkdir()
    for k in range(2):
        program("source-extractor", f"frame{k}.fits", "-c", "/dev/null", "-PARAMETERS_NAME",
                "a.param", "-FILTER", "N", "-MAG_ZEROPOINT", "25", "-PHOT_APERTURES", "10",
                "-CATALOG_TYPE", "FITS_LDAC", "-CATALOG_NAME", f"theirs/frame{k}.cat", cwd=folder)
    return folder, stars


def program(*words, cwd):
    """Run a program, which says what is wrong where it fails."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def sources(folder, whose):
    """Return the sources of the first frame in the order of x."""
    with fits.open(folder / whose / "frame0.cat") as units:
        assert units[2].header[f"TDIM{len(units[2].columns)}"].replace(" ", "") == "(25,21)"
        table = np.array(units[2].data)
    return table[np.argsort(table["XWIN_IMAGE"])]


@pytest.mark.needs("sextractor")
def test_the_pixels_are_those_of_the_program(field):
    ours, theirs = (sources(field[0], whose) for whose in ("ours", "theirs"))
    assert len(ours) == len(theirs) > 90 and ours["VIGNET"].shape[1:] == (21, 25)
    empty = [table["VIGNET"] == NOTHING for table in (ours, theirs)]
    # Which of two blended sources has a pixel between them is a lot that it draws.
    assert np.mean(empty[0] != empty[1]) < 0.002 and empty[0].sum() > 500
    both = ~empty[0] & ~empty[1]
    apart = np.abs(ours["VIGNET"] - theirs["VIGNET"])[both]
    assert apart.max() < 0.01 and both.sum() > 40_000


@pytest.mark.needs("sextractor", "psfex")
def test_psfex_takes_the_same_stars_and_finds_the_same_psf(field):
    folder, _ = field
    found = {}
    for whose in ("ours", "theirs"):
        program("psfex", f"{whose}/frame0.cat", "-c", "/dev/null", "-CHECKPLOT_TYPE", "NONE",
                "-CHECKIMAGE_TYPE", "NONE", "-WRITE_XML", "Y", "-XML_NAME", f"{whose}.xml",
                "-PSF_DIR", whose, "-OUTCAT_TYPE", "FITS_LDAC", "-OUTCAT_NAME", f"{whose}.stars",
                "-NTHREADS", "1", "-VERBOSE_TYPE", "QUIET", cwd=folder)
        with fits.open(folder / f"{whose}.stars") as units:
            stars = units[2].data[units[2].data["FLAGS_PSF"] == 0]
        table = parse_single_table(folder / f"{whose}.xml").to_table()
        found[whose] = (np.sort(stars["X_IMAGE"]), float(table["FWHM_Mean"][0]),
                        int(table["NStars_Accepted_Total"][0]))
    ours, theirs = found["ours"], found["theirs"]
    assert ours[2] == theirs[2] == len(ours[0]) > 15
    assert np.abs(ours[0] - theirs[0]).max() < 0.01
    assert ours[1] == pytest.approx(theirs[1], rel=0.005)


@pytest.mark.needs("sextractor", "scamp")
def test_scamp_finds_the_same_coordinates(field):
    folder, stars = field
    reference(folder / "reference.cat", *stars)
    solved = {}
    for whose in ("ours", "theirs"):
        program("scamp", f"{whose}/frame0.cat", f"{whose}/frame1.cat", "-c", "/dev/null",
                "-ASTREF_CATALOG", "FILE", "-ASTREFCAT_NAME", "reference.cat", "-ASTREFCENT_KEYS",
                "X_WORLD,Y_WORLD", "-ASTREFERR_KEYS", "ERRA_WORLD,ERRB_WORLD,ERRTHETA_WORLD",
                "-ASTREFMAG_KEY", "MAG", "-ASTREFMAGERR_KEY", "MAGERR", "-ASTREFOBSDATE_KEY",
                "OBSDATE", "-DISTORT_DEGREES", "1", "-CHECKPLOT_TYPE", "NONE", "-WRITE_XML", "N",
                "-NTHREADS", "1", "-VERBOSE_TYPE", "QUIET", cwd=folder)
        solved[whose] = [solution(folder / whose / f"frame{k}.head") for k in range(2)]
    x, y = (axis.ravel() for axis in np.mgrid[0:SIDE:40, 0:SIDE:40].astype(float))
    for ours, theirs in zip(solved["ours"], solved["theirs"]):
        u, v = ours.all_world2pix(*theirs.all_pix2world(x, y, 0), 0)
        assert np.hypot(u - x, v - y).max() < 0.01
    u, v = solved["ours"][0].all_world2pix([150.0], [2.0], 0)
    assert (u[0], v[0]) == pytest.approx((SIDE / 2 - 1, SIDE / 2 - 1), abs=0.05)


def solution(path):
    """Return the coordinates in a header that SCAMP wrote."""
    cards = [line for line in path.read_bytes().decode("latin-1").splitlines()
             if not line.startswith(("HISTORY", "COMMENT", "END"))]
    header = fits.Header.fromstring("\n".join(cards), sep="\n")
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, SIDE, SIDE
    return WCS(header)


def reference(path, ra, dec, flux):
    """Write stars as SCAMP reads its reference from a file."""
    small = np.full(len(ra), 1e-5)
    columns = [("X_WORLD", "D", "deg", ra), ("Y_WORLD", "D", "deg", dec),
               ("ERRA_WORLD", "E", "deg", small), ("ERRB_WORLD", "E", "deg", small),
               ("ERRTHETA_WORLD", "E", "deg", 0 * small),
               ("MAG", "E", "mag", 25 - 2.5 * np.log10(flux)),
               ("MAGERR", "E", "mag", 0 * small + 0.01), ("OBSDATE", "D", "yr", 0 * small + 2000)]
    header = fits.Header().tostring().encode()
    fits.HDUList([
        fits.PrimaryHDU(),
        fits.BinTableHDU.from_columns([fits.Column(
            "Field Header Card", f"{len(header)}A", array=np.array([header]))],
            name="LDAC_IMHEAD"),
        fits.BinTableHDU.from_columns([fits.Column(name, form, unit, array=values)
                                       for name, form, unit, values in columns],
                                      name="LDAC_OBJECTS"),
    ]).writeto(path)


def test_the_commands_of_the_page_make_a_catalogue_with_pixels(field, tmp_path):
    folder, _ = field
    for name in ("frame0.fits", "frame1.fits", "list.txt"):
        (tmp_path / name).symlink_to(folder / name)
    section = read_page("docs/sextractor.md").partition("### PSFEx and SCAMP")[2]
    run = shell_in(tmp_path)(commands_of(section)[0])
    assert run.status == 0, run.err
    with fits.open(tmp_path / "ldac" / "frame1.cat") as units:
        assert units[2].data["VIGNET"].shape[1:] == (25, 25) and len(units[2].data) > 80


# ---- without the programs

def test_neighbours_bad_pixels_and_the_border_are_nothing():
    data = np.random.default_rng(1).normal(0, 1, (64, 64))
    for x, y in ((10.2, 30.6), (17.4, 31.2), (50.0, 2.2)):
        add_gaussian(data, x, y, 900.0, 1.4)
    mask = np.zeros(data.shape, bool)
    mask[33, 10] = True
    table = extract(data.astype("f4"), mask=mask, columns=("x", "y", "npix", "vignet"),
                    vignet_size=(9, 7), back_type="manual")
    assert table["vignet"].shape == (3, 7, 9) and table["vignet"].dtype == np.float32
    table.sort("x")
    first, second, low = (one["vignet"] for one in table)
    assert first[3, 4] == np.float32(data[31, 10]) and second[3, 4] == np.float32(data[31, 17])
    assert first[5, 4] == NOTHING and (first[:, -1] == NOTHING).any()
    assert (second[:, 0] == NOTHING).any() and (low[0] == NOTHING).all()
    assert (low[1:] > NOTHING).all()
    alone = extract(data.astype("f4"), columns=("x", "vignet"), vignet_size=(9, 7),
                    back_type="manual", neighbours="none")
    alone.sort("x")
    assert (alone["vignet"][:2] > NOTHING).all()


def test_units_far_from_one_change_the_numbers_alone():
    data = np.random.default_rng(1).normal(0, 1, (64, 64))
    add_gaussian(data, 3.0, 30.0, 900.0, 1.4)
    one, other = (extract(times * data, columns=("x", "vignet"), vignet_size=(9, 7),
                          back_type="manual")["vignet"][0] for times in (1.0, 2.0**-80))
    assert (other == np.where(one == NOTHING, NOTHING, one * np.float32(2.0**-80))).all()
    assert (one == NOTHING).any()


def test_a_cell_comes_back_to_the_bit():
    cutouts = np.random.default_rng(2).normal(0, 1, (3, 4, 5)).astype("f4")
    texts = [cell.decode() for cell in as_texts(cutouts)]
    assert (from_texts(texts, 4, 5) == cutouts).all()
    with pytest.raises(ValueError, match="no cut-out of 4 x 4"):
        from_texts(texts, 4, 4)


def test_both_tables_have_the_same_pixels(field):
    folder, _ = field
    one = job("list.txt", "--columns", "X_IMAGE,VIGNET(25,21)", "--filter-kernel",
              "none", "--catalog-type", "fits_1.0", "--catalog", "one/", cwd=folder)
    assert one.status == 0, one.err
    with fits.open(folder / "one" / "frame0.cat") as units:
        table = units["OBJECTS"].data
        order = np.argsort(table["X_IMAGE"])
        found = np.array(table["VIGNET"])[order]
    ours = sources(folder, "ours")
    assert (found == ours[np.argsort(ours["X_IMAGE"])]["VIGNET"]).all()


@pytest.mark.parametrize("options, said", [
    (["--columns", "a.param"], "VIGNET has no place in a catalog of type ascii_head"),
    (["--columns", "VIGNET"], "has a width and a height"),
    (["--columns", "VIGNET(25,25),VIGNET(21,21)"], "another size"),
    (["--columns", "X_IMAGE,VIGNET(25)"], "has a width and a height"),
])
def test_what_cannot_hold_pixels_is_refused_by_name(field, options, said):
    folder, _ = field
    run = job("list.txt", *options, "--catalog-type", "ascii_head", "--catalog", "no/", cwd=folder)
    assert run.status == 2 and said in run.err and run.err.count("\n") == 1
    assert not (folder / "no").exists()


def test_a_table_of_text_is_refused_and_all_columns_are_those_of_numbers(field):
    folder, _ = field
    run = job("list.txt", "--columns", "x,vignet", "--vignet-size", "5,5", cwd=folder)
    assert run.status == 2 and "vignet has no place in a catalog of type tsv" in run.err
    run = command([sys.executable, LAUNCHER, "--columns", "vignet", "--print-config"])
    assert run.status == 2 and "vignet_size must be given" in run.err
