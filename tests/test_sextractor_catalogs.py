"""Catalogues as SExtractor leaves them: the same bytes for the same values, read by old readers."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import ascii, fits
from astropy.table import Table
from conftest import LAUNCHER, command, job

from mr_extract.sextractor import FORMATS
from mr_extract.sextractor import ascii_format as text
from mr_extract.sextractor.export import export, file_names
from mr_extract.sextractor.fits_format import image_header, objects, primary
from mr_extract.sextractor.names import Output
from mr_extract.sextractor.parameters import PARAMETERS
from mr_extract.text.catalog import read_catalog

# All that the program measures of one frame without a list, flag image or PSF.
VECTORS = {"FLUX_APER": 3, "FLUXERR_APER": 2, "MAG_APER": 1, "FLUX_RADIUS": 2}
LEFT_OUT = {"IMAFLAGS_ISO", "NIMAFLAGS_ISO", "VECTOR_ASSOC", "NUMBER_ASSOC",
            # Of pixels and of a PSF, in test_psfex_and_scamp.py and test_psf_fits.py.
            "VIGNET", "XPSF_IMAGE", "YPSF_IMAGE", "FLUX_PSF", "FLUXERR_PSF", "MAG_PSF",
            "MAGERR_PSF", "CHI2_PSF", "SPREAD_MODEL", "SPREADERR_MODEL"}
NAMES = [name for name in PARAMETERS if name not in LEFT_OUT]


@pytest.fixture(scope="module")
def its(tmp_path_factory, night):
    """The program's catalogues of a frame with all parameters that are here, by format."""
    folder = tmp_path_factory.mktemp("its")
    frame = sorted(night.glob("frame-*.fits"))[0]
    known = subprocess.run(["source-extractor", "-dp"], capture_output=True, text=True).stdout
    names = [name for name in NAMES if f"#{name} " in known]
    (folder / "default.param").write_text("\n".join(
        f"{name}({VECTORS[name]})" if name in VECTORS else name for name in names))
    (folder / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    for kind in ("ASCII", "ASCII_HEAD", "FITS_1.0", "FITS_LDAC"):
        done = subprocess.run(
            ["source-extractor", frame, "-CATALOG_TYPE", kind, "-CATALOG_NAME", kind,
             "-PHOT_APERTURES", "4,8,12", "-PHOT_FLUXFRAC", "0.5,0.8"],
            cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    wanted = [Output(PARAMETERS[name], VECTORS.get(name, 1)) for name in names]
    data = fits.getdata(folder / "FITS_1.0", 1)
    columns = {}
    for one in wanted:
        values = np.asarray(data[one.parameter.name])
        values = values.reshape(len(data), -1)
        for k, cell in enumerate(one.cells):
            columns[cell] = values[:, k].astype(values.dtype.newbyteorder("="))
    return folder, wanted, columns


def cards_of(unit):
    return [(card.keyword, card.value) for card in unit.header.cards]


@pytest.mark.needs("sextractor")
class TestTheProgram:
    def test_writes_the_same_rows_of_text(self, its):
        folder, wanted, columns = its
        rows = text.rows(columns, wanted)
        assert rows == (folder / "ASCII").read_text()
        assert rows.count("\n") > 20

    def test_heads_them_with_the_same_numbers_names_and_units(self, its):
        folder, wanted, _ = its
        pattern = re.compile(r"(# +\d+ \S+ *)(.{58})(.*)")
        lines = [line for line in (folder / "ASCII_HEAD").read_text().splitlines()
                 if line.startswith("#")]
        ours = text.header(wanted).splitlines()
        assert len(ours) == len(lines) > 100
        for mine, theirs in zip(ours, lines):
            assert pattern.match(mine)[1][:29] == pattern.match(theirs)[1][:29]
            assert mine[88:] == theirs[88:]

    def test_has_the_same_tables_to_the_byte(self, its, tmp_path):
        folder, wanted, columns = its
        for kind, name in (("FITS_1.0", "OBJECTS"), ("FITS_LDAC", "LDAC_OBJECTS")):
            path = tmp_path / kind
            path.write_bytes(primary() + objects(name, columns, wanted))
            with fits.open(path) as mine, fits.open(folder / kind) as theirs:
                assert cards_of(mine[-1]) == cards_of(theirs[-1])
                assert mine[-1].data.dtype == theirs[-1].data.dtype
                assert mine[-1].data.tobytes() == theirs[-1].data.tobytes()
                if kind == "FITS_LDAC":
                    assert cards_of(mine[0]) == cards_of(theirs[0])

    def test_has_the_same_image_header_unit(self, its, tmp_path):
        folder, _, _ = its
        with fits.open(folder / "FITS_LDAC") as theirs:
            cards = "".join(card.ljust(80) for card in theirs[1].data[0][0])
            (tmp_path / "mine").write_bytes(primary() + image_header(cards))
            with fits.open(tmp_path / "mine") as mine:
                assert cards_of(mine[1]) == cards_of(theirs[1])
                assert (mine[1].data[0][0] == theirs[1].data[0][0]).all()


# ---- from the job and afterwards

PARAM = "NUMBER\nX_IMAGE\nFLUX_APER(2)\nMAG_AUTO\nFLAGS\nALPHA_J2000\nEXT_NUMBER\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory, night):
    """A run over two frames, a file of two extensions and a file that is not there."""
    folder = tmp_path_factory.mktemp("made")
    frames = sorted(night.glob("frame-*.fits"))[:3]
    units = [fits.ImageHDU(fits.getdata(f), fits.getheader(f)) for f in frames[1:]]
    (folder / "night").mkdir()
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(folder / "night" / "mosaic.fits")
    (folder / "night" / "single.fits").write_bytes(frames[0].read_bytes())
    (folder / "list.txt").write_text(
        "night/single.fits\nnight/mosaic.fits\text=2\nnight/mosaic.fits\text=1\nlost.fits\n")
    (folder / "my.param").write_text(PARAM)
    words = ["list.txt", "--columns", "my.param", "--apertures", "4,8", "--max-failures", "1",
             "--gain", "3", "--quiet"]
    run = job(*words, "--names", "sextractor", "--catalog", "catalog.tsv", cwd=folder)
    assert run.status == 0, run.err
    run = job(*words, "--catalog", "ours.tsv", cwd=folder)
    assert run.status == 0, run.err
    for kind in FORMATS:
        run = job(*words, "--catalog-type", kind, "--catalog", kind, cwd=folder)
        assert run.status == 0, run.err
    return folder


def convert(folder, *words):
    return command([sys.executable, "-m", "mr_extract.sextractor", *words], cwd=folder,
                   env={"PYTHONPATH": str(LAUNCHER.parent)})


def test_there_is_a_catalogue_for_each_file_and_an_account_of_all(made):
    for kind in FORMATS:
        found = sorted(str(p.relative_to(made / kind)) for p in (made / kind).rglob("*.*"))
        assert found == ["accounts.tsv", "night/mosaic.cat", "night/single.cat"]
        accounts = (made / kind / "accounts.tsv").read_text().splitlines()
        assert [line.split("\t")[0] for line in accounts] == [
            accounts[0].split("\t")[0], "#config", "#error", "#image", "#image", "#image"]


def test_afterwards_is_the_same_as_from_the_job(made, tmp_path):
    for kind in FORMATS:
        run = convert(made, "catalog.tsv", "--type", kind, "--output", f"{tmp_path}/{kind}/")
        assert run.status == 0 and "2 catalogues written" in run.err, run.err
        for path in sorted((made / kind).rglob("*.cat")):
            again = tmp_path / kind / path.relative_to(made / kind)
            assert again.read_bytes() == path.read_bytes()


def test_a_catalog_under_our_names_can_be_converted_too(made, tmp_path):
    run = convert(made, "ours.tsv", "--output", f"{tmp_path}/a/", "--columns",
                  "NUMBER,X_IMAGE,FLUX_APER(2),MAG_AUTO,FLAGS,ALPHA_J2000,EXT_NUMBER")
    assert run.status == 0, run.err
    single = (tmp_path / "a" / "night" / "single.cat").read_bytes()
    assert single == (made / "ascii_head" / "night" / "single.cat").read_bytes()


def test_readers_of_old_catalogues_read_them(made):
    catalog = read_catalog(made / "catalog.tsv")
    mine = catalog.columns["image"] == "night/single.fits"
    table = ascii.read(made / "ascii_head" / "night" / "single.cat", format="sextractor")
    assert table.colnames == ["NUMBER", "X_IMAGE", "FLUX_APER", "FLUX_APER_1", "MAG_AUTO", "FLAGS",
                              "ALPHA_J2000", "EXT_NUMBER"]
    assert str(table["X_IMAGE"].unit) == "pix" and len(table) == mine.sum() > 20
    assert np.abs(table["X_IMAGE"] - catalog.columns["X_IMAGE"][mine]).max() < 7e-5  # and single
    assert (table["FLAGS"] == catalog.columns["FLAGS"][mine]).all()
    bare = np.loadtxt(made / "ascii" / "night" / "single.cat")
    assert (bare[:, 3] == np.asarray(table["FLUX_APER_1"])).all()
    for kind, unit in (("fits_1.0", 1), ("fits_ldac", 2)):
        table = Table.read(made / kind / "night" / "single.cat", hdu=unit)
        assert table["FLUX_APER"].shape == (mine.sum(), 2)
        assert (table["FLUX_APER"][:, 1] == catalog.columns["FLUX_APER_2"][mine]).all()
        assert (table["ALPHA_J2000"] == catalog.columns["ALPHA_J2000"][mine]).all()


def test_extensions_of_a_file_are_in_one_catalogue_in_their_order(made):
    counts = {i: a.rows for i, a in read_catalog(made / "catalog.tsv").accounts.items()}
    expected = [counts[f"night/mosaic.fits[{k}]"] for k in (1, 2)]
    with fits.open(made / "fits_ldac" / "night" / "mosaic.cat") as units:
        units.verify("exception")
        assert [unit.name for unit in units[1:]] == ["LDAC_IMHEAD", "LDAC_OBJECTS"] * 2
        assert [len(unit.data) for unit in units[2::2]] == expected
        assert [set(unit.data["EXT_NUMBER"]) for unit in units[2::2]] == [{1}, {2}]
    rows = np.loadtxt(made / "ascii" / "night" / "mosaic.cat")
    assert rows[:, -1].tolist() == [1] * expected[0] + [2] * expected[1]


def test_the_image_header_is_the_images_with_what_is_known_of_the_extraction(made):
    with fits.open(made / "fits_ldac" / "night" / "mosaic.cat") as units:
        text = "".join(card.ljust(80) for card in units[3].data[0][0])
    header, its = fits.Header.fromstring(text), fits.getheader(made / "night" / "mosaic.fits", 2)
    for keyword in ("CRVAL1", "CRPIX2", "CTYPE1", "NAXIS1"):
        assert header[keyword] == its[keyword]
    assert header["FITSFILE"] == "mosaic.fits"
    assert (header["FITSEXT"], header["FITSNEXT"]) == (2, 2)
    assert header["SEXGAIN"] == its.get("GAIN", 3.0) and header["SEXNPARA"] == 7
    assert header["SEXBKDEV"] > 0
    assert header["SEXTHLD"] == pytest.approx(1.5 * header["SEXBKDEV"], rel=1e-6)
    scale = np.hypot(its["CD1_1"], its["CD2_1"]) * 3600
    assert header["SEXPXSCL"] == pytest.approx(scale, rel=1e-3)


@pytest.mark.needs("sextractor")
def test_what_the_header_says_of_the_extraction_is_what_the_program_says(tmp_path, shared_data):
    places = {"image": "ooi", "weight": "oow"}
    for name, middle in places.items():
        path = f"d/decam_case8_fz/c4d_130105_065255_{middle}_r_a1-N15.fits.fz"
        with fits.open(shared_data / path) as units:
            fits.writeto(tmp_path / f"{name}.fits", units[1].data, units[1].header)
    (tmp_path / "my.param").write_text("NUMBER\nX_IMAGE\nALPHA_J2000\n")
    (tmp_path / "my.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    (tmp_path / "my.sex").write_text(
        "PARAMETERS_NAME my.param\nFILTER_NAME my.conv\nPIXEL_SCALE 0\nWEIGHT_TYPE MAP_WEIGHT\n"
        "WEIGHT_IMAGE weight.fits\nGAIN_KEY GAINA\nCATALOG_TYPE FITS_LDAC\n"
        "CATALOG_NAME theirs.cat\nVERBOSE_TYPE QUIET\nDETECT_MINAREA 5\nINTERP_TYPE NONE\n")
    subprocess.run(["source-extractor", "image.fits", "-c", "my.sex"], cwd=tmp_path, check=True,
                   timeout=240)
    (tmp_path / "list.txt").write_text("image.fits\tweight=weight.fits\n")
    run = job("list.txt", "--columns", "my.param", "--gain-key", "GAINA", "--pixel-scale", "0",
              "--interp-maxlag", "0", "--catalog-type", "fits_ldac", "--catalog", "ours",
              "--quiet", cwd=tmp_path)
    assert run.status == 0, run.err
    ours, theirs = (_cards(tmp_path / name) for name in ("ours/image.cat", "theirs.cat"))
    measured = ("SEXBKGND", "SEXBKDEV", "SEXTHLD", "SEXATHLD", "SEXPXSCL", "SEXMWSCL", "SEXDWSCL",
                "SEXGAIN", "SEXNFIN", "SEXNPARA")
    for keyword in measured:
        assert ours[keyword] == pytest.approx(theirs[keyword], rel=1e-4), keyword
    # It writes the parameters of the Kron radius for those of the Petrosian.
    apart = {"SEXVERS", "SEXPETP1", "SEXPETP2", *measured}
    for keyword in {k for k in ours if k.startswith("SEX")} - apart:
        assert ours[keyword] == theirs[keyword], keyword
    assert "SEXNDET" not in ours, "the program counts what it cleans away, too"


def _cards(path):
    with fits.open(path) as units:
        return fits.Header.fromstring("".join(card.ljust(80) for card in units[1].data[0][0]))


def test_comments_are_cut_between_words():
    assert text.cut("flux of the light", 40) == "flux of the light"
    assert text.cut("flux of the light, and more", 18) == "flux of the light"
    assert text.cut("flux of the light", 11) == "flux"


@pytest.mark.parametrize("gone", [True, False])
def test_without_the_image_the_header_says_its_size(made, tmp_path, gone):
    folder = tmp_path / "elsewhere"
    (folder / "night").mkdir(parents=True)
    if not gone:  # changed since: its header may be another's
        fits.writeto(folder / "night" / "single.fits", np.zeros((3, 4), "f4"))
    run = convert(folder, made / "catalog.tsv", "--type", "fits_ldac", "--output", "one.ldac")
    assert run.status == 0, run.err
    with fits.open(folder / "one.ldac") as units:
        assert [unit.name for unit in units[1:]] == ["LDAC_IMHEAD", "LDAC_OBJECTS"] * 3
        text = "".join(card.ljust(80) for card in units[5].data[0][0])
    header = fits.Header.fromstring(text)
    assert (header["NAXIS1"], header["NAXIS2"]) == (500, 400)
    assert "CRVAL1" not in header and header["FITSFILE"] == "single.fits"


@pytest.mark.parametrize("kind", ["fits_ldac", "fits_1.0"])
def test_an_odd_card_is_handed_on_without_a_word(tmp_path, kind):
    odd = "ESO-LOG 00:00:00> DATE         = '1992-10-26'  / Mon Oct 26, 1992".ljust(80)
    rng = np.random.default_rng(1)
    data = fits.PrimaryHDU(rng.normal(0, 1, (64, 64)).astype(np.float32))
    data.header["OBJECT"] = "x" * 8
    raw = io.BytesIO()
    data.writeto(raw)
    place = raw.getvalue().index(b"OBJECT  =")
    (tmp_path / "odd.fits").write_bytes(
        raw.getvalue()[:place] + odd.encode() + raw.getvalue()[place + 80:])
    run = job("odd.fits", "--names", "sextractor", "--catalog-type", kind, "--catalog", "cats",
              "--quiet", cwd=tmp_path)
    assert run.status == 0 and run.err == ""
    assert kind != "fits_ldac" or odd.encode() in (tmp_path / "cats" / "odd.cat").read_bytes()


def test_files_of_one_name_do_not_meet():
    assert file_names(["a/x.fits", "b/x.fits", "/data/x.fit.gz", "../x.fits", "y.tile"]) == {
        "a/x.fits": "a/x.cat", "b/x.fits": "b/x.cat", "/data/x.fit.gz": "data/x.cat",
        "../x.fits": "up/x.cat", "y.tile": "y.tile.cat"}
    assert file_names(["x.fits", "x.fits.gz"]) == {"x.fits": "x.fits.cat",
                                                   "x.fits.gz": "x.fits.gz.cat"}


@pytest.mark.parametrize(
    ("words", "said"),
    [(["my.param", "--output", "x/"], "my.param is not a catalog"),
     (["no.tsv", "--output", "x/"], "No such file"), (["catalog.tsv"], "needs a catalog and"),
     (["catalog.tsv", "--output", "catalog.tsv"], "is the catalog itself"),
     (["catalog.tsv", "--output", "x/", "--columns", "A_IMAGE"], "does not hold A_IMAGE"),
     (["catalog.tsv", "--output", "x/", "--type", "fits"], "invalid choice")],
)
def test_a_wrong_word_is_one_line_and_exit_status_2(made, words, said):
    before = (made / "catalog.tsv").read_bytes()
    run = convert(made, *words)
    assert run.status == 2 and said in run.err and run.err.count("\n") == 1
    assert (made / "catalog.tsv").read_bytes() == before and not (made / "x").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--catalog-type", "ascii"], "needs --catalog DIR"),
     (["--catalog-type", "ascii", "--catalog", "list.txt"], "is no directory"),
     (["--catalog-type", "votable"], "invalid choice")],
)
def test_the_job_needs_a_place_for_catalogues(made, words, said):
    run = job("list.txt", *words, cwd=made)
    assert run.status == 2 and said in run.err and run.err.count("\n") == 1


def test_an_empty_catalog_has_no_catalogues_and_says_so(tmp_path):
    run = job("nothing.fits", "--catalog", "c.tsv", "--max-failures", "1", "--quiet",
              cwd=tmp_path)
    assert run.status == 0, run.err
    assert export(str(tmp_path / "c.tsv"), "ascii_head", f"{tmp_path}/out/") == ([], [])
    assert b"#error\tnothing.fits" in (tmp_path / "out" / "accounts.tsv").read_bytes()
