"""What somebody types who is used to SExtractor works, or is told its way here."""

import json
import re
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import ROOT, command, job
from stars import add_gaussian

from mr_extract import extract
from mr_extract.sextractor.configuration import settings_from
from mr_extract.text.anchors import anchored, as_typed


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Two bands in folders, an image of three extensions, maps, and a tuned default.sex."""
    folder = tmp_path_factory.mktemp("habits")
    rng = np.random.default_rng(5)
    sky = np.zeros((200, 220))
    for x, y in rng.uniform(20, 180, (25, 2)):
        add_gaussian(sky, x, y, 6000.0, 1.8)
    data = [(100 + sky + rng.normal(0, 5, sky.shape)).astype("f4") for _ in range(3)]
    for k, name in enumerate(("deep/i.fits", "shallow/g.fits")):
        (folder / name).parent.mkdir()
        fits.writeto(folder / name, data[k])
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(plane) for plane in data)]
    fits.HDUList(units).writeto(folder / "mef.fits")
    weight = np.ones(sky.shape, "f4")
    weight[:, :60] = 0
    fits.writeto(folder / "w.fits", weight)
    fits.writeto(folder / "m.fits", (weight == 0).astype("u1"))
    (folder / "my.param").write_text("NUMBER\nX_IMAGE\nMAG_AUTO\n")
    (folder / "my.sex").write_text("DETECT_THRESH 4\nPARAMETERS_NAME my.param\nFILTER N\n")
    return folder


def facts(run):
    return [line.split("\t")[1] for line in run.lines if line.startswith("#image")]


# ---- extensions

@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_configuration_means_all_extensions(field, runner):
    words = ("mef.fits", "--config", "my.sex", "-r", runner)
    assert facts(job(*words, cwd=field)) == [f"mef.fits[{k}]" for k in (1, 2, 3)]
    assert facts(job(*words, "--extensions", "first", cwd=field)) == ["mef.fits"]
    assert facts(job("mef.fits", "-r", runner, cwd=field)) == ["mef.fits"]


# ---- paths from the working directory

def test_a_path_as_a_rule_is_tried_from_where_it_was_typed(field):
    words = ("shallow/g.fits", "--detect-image", "deep/i.fits")
    runs = [job(*words, "-r", runner, cwd=field) for runner in ("inline", "local")]
    assert runs[0].status == 0, runs[0].err
    assert runs[0].out == runs[1].out
    bare = command([sys.executable, ROOT / "mr_extract.py", "--mapper", "--reduce", "none",
                    *words[1:]], stdin=b"shallow/g.fits\n", cwd=field)
    assert bare.out == runs[0].body
    config = json.loads(runs[0].lines[1].split("\t")[1])
    assert config["pairing"]["detect_image"] == "deep/i.fits", "as it was typed"


def test_beside_the_image_goes_before_the_working_directory(field):
    outside = job("shallow/g.fits", "--mask-image", "m.fits", cwd=field)
    assert outside.status == 0, outside.err
    fits.writeto(field / "shallow" / "m.fits", np.zeros((200, 220), "u1"))
    beside = job("shallow/g.fits", "--mask-image", "m.fits", cwd=field)
    (field / "shallow" / "m.fits").unlink()
    sums = [re.search("mask_sha256=([0-9a-f]+)", run.out.decode())[1] for run in (outside, beside)]
    assert sums[0] != sums[1]


def test_a_failure_says_where_it_was_tried(field):
    words = ("--detect-image", "nowhere/i.fits")
    runs = [job("shallow/g.fits", *words, "-r", runner, cwd=field)
            for runner in ("inline", "local")]
    bare = command([sys.executable, ROOT / "mr_extract.py", "--mapper", "--reduce", "none",
                    *words], stdin=b"shallow/g.fits\n", cwd=field)
    assert runs[0].out == runs[1].out and bare.out == runs[0].body
    assert ("detect shallow/nowhere/i.fits: no such file, nor nowhere/i.fits"
            in runs[0].out.decode())


@pytest.mark.parametrize("rule", ["a.fits", "d/a.fits[2]", "a.fits | b/c.fits?", "x -> y | a.fits"])
def test_an_anchored_rule_is_told_as_it_was_typed(rule):
    there = anchored(rule, "/some/{where}")
    assert "{{where}}/" in there and anchored(there, "/else") == there
    assert as_typed(there) == rule


@pytest.mark.parametrize("rule", ["", "{stem}.w.fits", "[DQ]", "/abs.fits", "ooi -> oow",
                                  r"s/a|b/c/", "s3://b/c.fits"])
def test_other_rules_stay(rule):
    assert anchored(rule, "/some") == as_typed(rule) == rule


# ---- two images

def test_two_images_in_one_word(field):
    run = job("deep/i.fits,shallow/g.fits", cwd=field)
    assert run.status == 1
    assert "no such file; two images? g.fits --detect-image i.fits" in run.out.decode()


def test_two_weights_name_the_fields_that_serve(field):
    (field / "two.sex").write_text("WEIGHT_TYPE NONE,MAP_RMS\nWEIGHT_IMAGE a.fits,b.fits\n")
    with pytest.raises(ValueError) as refusal:
        settings_from(field / "two.sex", {"columns": ("NUMBER",), "filter_kernel": ()})
    lines = str(refusal.value).split("\n")
    assert len(lines) == 2 and all("detect_weight= rms=b.fits" in line for line in lines)
    settings_from(field / "two.sex", {"columns": ("NUMBER",), "filter_kernel": (),
                                      "weight_type": "map_weight", "weight_image": ""})


def test_the_worked_example_of_two_maps(field):
    line = "shallow/g.fits\tdetect=deep/i.fits\tweight=w.fits\tdetect_weight=\n"
    run = job("-", "--config", "my.sex", "--weight-type", "map_weight", "--extensions", "first",
              stdin=line.encode(), cwd=field)
    assert run.status == 0, run.err
    assert "weight_sha256=" in run.out.decode() and "detect_weight" not in run.out.decode()


# ---- errors together

def test_all_errors_of_a_configuration_are_said_together(field):
    (field / "bad.param").write_text("NUMBER\nVIGNET_SHIFT(3,3)\nCLASS_STAR\nX_IMAG\n")
    (field / "bad.sex").write_text("DETECT_TRESH 3\nBACK_SIZE many\nPARAMETERS_NAME bad.param\n"
                                   "DGEO_TYPE PIXEL\nCLEAN_PARAM $NO_SUCH_THING\nFILTER N\n")
    run = job("mef.fits", "--config", "bad.sex", cwd=field)
    assert run.status == 2 and run.out == b""
    lines = run.err.splitlines()
    assert len(lines) == 7 and all(line.startswith("mr_extract: bad.") for line in lines)
    assert [re.search(r"bad\.\w+, line \d", line)[0] for line in lines] == [
        "bad.sex, line 1", "bad.sex, line 2", "bad.param, line 2", "bad.param, line 3",
        "bad.param, line 4", "bad.sex, line 4", "bad.sex, line 5"]
    assert "remove the line, or --columns" in lines[2]


def test_a_vector_that_is_too_long_names_its_line(field):
    (field / "long.param").write_text("NUMBER\nMAG_APER(5)\nFLUX_RADIUS(2)\n")
    run = job("mef.fits", "--config", "my.sex", "--columns", "long.param", cwd=field)
    assert run.status == 2
    assert run.err.splitlines() == [
        "mr_extract: long.param, line 2: MAG_APER(5) has more elements than the 1 of "
        "PHOT_APERTURES (--apertures)",
        "mr_extract: long.param, line 3: FLUX_RADIUS(2) has more elements than the 1 of "
        "PHOT_FLUXFRAC (--flux-fractions)"]


def test_given_positions_name_all_that_cannot_be_measured(field):
    (field / "sources.csv").write_text("x,y\n50,50\n")
    (field / "auto.param").write_text("NUMBER\nMAG_AUTO\nFLUX_APER\nFLAGS\nXWIN_IMAGE\n")
    (field / "auto.sex").write_text("PARAMETERS_NAME auto.param\nFILTER N\n")
    run = job("mef.fits", "--config", "auto.sex", "--forced", "sources.csv", cwd=field)
    assert run.status == 2
    assert run.err.splitlines() == [
        f"mr_extract: auto.param, line {n}: {name} is not measured at given positions (--forced)"
        for n, name in ((2, "MAG_AUTO"), (5, "XWIN_IMAGE"))]


# ---- spellings and places

@pytest.mark.parametrize(("text", "words", "said"), [
    ("CATALOG_TYPE FITS_LDAC", (), "CATALOG_TYPE FITS_LDAC: add --catalog-type fits_ldac --cat"),
    ("CATALOG_TYPE ASCII_VOTABLE", (), "CATALOG_TYPE ASCII_VOTABLE: not written here"),
    ("CATALOG_NAME my.cat", (), "CATALOG_NAME my.cat: add --catalog my.cat"),
    ("CATALOG_NAME STDOUT", (), ""), ("CATALOG_TYPE FITS_LDAC", ("--quiet",), ""),
    ("CATALOG_TYPE FITS_LDAC", ("--catalog-type", "ASCII", "--catalog", "as1/"), ""),
])
def test_what_the_configuration_says_of_the_catalog_is_told(field, text, words, said):
    (field / "cat.sex").write_text((field / "my.sex").read_text() + text + "\n")
    run = job("deep/i.fits", "--config", "cat.sex", *words, cwd=field)
    assert run.status == 0, run.err
    told = [line for line in run.err.splitlines() if "CATALOG_" in line]
    assert len(told) == bool(said) and (not said or said in told[0])


def test_spellings_of_sextractor_and_checks_in_the_directory_of_catalogs(field):
    run = job("deep/i.fits", "--config", "my.sex", "--catalog-type", "ASCII_HEAD", "--catalog",
              "as", "--checkimage=BACKGROUND_RMS,-OBJECTS", cwd=field)
    assert run.status == 0, run.err
    names = sorted(path.name for path in (field / "as").rglob("*.fz"))
    assert [re.sub("-[0-9a-f]{8}", "", name) for name in names] == [
        "i_0.minus_objects.fits.fz", "i_0.rms.fits.fz"]
    assert not list(field.glob("*.fz"))
    job("deep/i.fits", "--config", "my.sex", "--catalog", "found.tsv", cwd=field)
    done = command([sys.executable, "-m", "mr_extract.sextractor", field / "found.tsv", "--type",
                    "FITS_LDAC", "--output", field / "ldac/"], cwd=ROOT)
    assert done.status == 0, done.err
    (field / "checks.sex").write_text("CHECKIMAGE_TYPE BACKGROUND\nFILTER N\n")
    run = job("deep/i.fits", "--config", "checks.sex", "--columns", "x", cwd=field)
    assert run.status == 2 and "CHECKIMAGE_TYPE of checks.sex needs --checkimage-dir" in run.err
    run = job("deep/i.fits", "--checkimage", "MINIBACKGROUND", "--catalog", "no.tsv", cwd=field)
    assert run.status == 2 and "'minibackground' is none of" in run.err


# ---- the notebook

def test_the_notebook_takes_paths(field, monkeypatch):
    monkeypatch.chdir(field)
    plain = extract("mef.fits[2]", thresh=4, filter_kernel=None)
    assert len(plain) == len(extract("mef.fits", ext=2, thresh=4, filter_kernel=None)) > 15
    tuned = extract("mef.fits[2]", config="my.sex")
    assert tuned.colnames == ["number", "x", "mag_auto"] and len(tuned) == len(plain)
    theirs = extract("mef.fits[2]", config=field / "my.sex", names="sextractor")
    assert theirs.colnames == ["NUMBER", "X_IMAGE", "MAG_AUTO"]
    assert extract("mef.fits[2]", columns="my.param").colnames == tuned.colnames
    for name, path, values in (("weight", "w.fits", fits.getdata("w.fits")),
                               ("mask", "m.fits[0]", fits.getdata("m.fits"))):
        one, two = (extract("mef.fits[2]", **{name: value}) for value in (path, values))
        assert (one["x"] == two["x"]).all() and one["x"].min() > 58
    flags = extract("mef.fits[2]", flags="m.fits", columns=("x", "imaflags_iso"))
    assert (flags["imaflags_iso"][flags["x"] < 50] == 1).all()
    forced = extract("mef.fits[3]", forced=plain)
    assert len(forced) == len(plain) and forced["x"][0] == plain["x"][0]


@pytest.mark.parametrize(("words", "said"), [
    ({"DETECT_THRESH": 3}, "here: thresh"), ({"treshold": 3}, "no setting 'treshold'"),
    ({"forced": np.zeros(900)}, "forced takes a path, or an astropy table"),
    ({"ext": 2}, "ext=2 another"),
])
def test_the_notebook_says_what_it_takes(field, words, said):
    with pytest.raises(ValueError, match=said) as refusal:
        extract(f"{field}/mef.fits[1]", **words)
    assert len(str(refusal.value)) < 300


def test_a_table_without_positions_says_so(field):
    with pytest.raises(ValueError, match="neither columns ra and dec"):
        extract(f"{field}/mef.fits[1]", forced=Table({"a": [1.0]}))
