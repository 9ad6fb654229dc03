"""A tuned default.sex means here what it means to SExtractor, or is refused by keyword."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from conftest import LAUNCHER, command, job

from mr_extract.settings.config import Config
from mr_extract.sextractor.configuration import check_images_of, settings_from
from mr_extract.sextractor.files import read_kernel, read_parameters
from mr_extract.sextractor.keywords import KEYWORDS
from mr_extract.sextractor.syntax import read_lines

COLUMNS = {"columns": ("NUMBER",)}


@pytest.fixture
def written(tmp_path):
    """Write a configuration and return its path; a filter and columns are beside it."""
    (tmp_path / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    (tmp_path / "default.param").write_text("NUMBER\nX_IMAGE\n")

    def write(text, name="my.sex"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)
    return write


def read(path, **chosen):
    return Config().updated(**settings_from(path, chosen))


# ---- the program's own word

@pytest.fixture(scope="module")
def defaults():
    """What the program takes for each keyword that a file does not have."""
    text = subprocess.run(["source-extractor", "-dd"], capture_output=True, text=True).stdout
    lines = (line.split("#")[0] for line in text.splitlines())
    return {line.split()[0]: re.split(r"[\s,]+", line.strip())[1:] for line in lines
            if line[:1].isalpha()}


@pytest.mark.needs("sextractor")
def test_every_keyword_of_the_program_is_known_with_its_default(defaults):
    assert len(defaults) > 70
    assert set(KEYWORDS) - set(defaults) == {"BACK_PEARSON"}, "which is younger"
    assert set(defaults) <= set(KEYWORDS)
    for name, values in defaults.items():
        if name in ("XSL_URL", "NTHREADS"):  # of the machine
            continue
        read_values = [tuple(KEYWORDS[name].kind.read(value) for value in words)
                       for words in (values, KEYWORDS[name].default.split())]
        assert read_values[0] == read_values[1], name


TRICKY = """\
# a comment
  detect_minarea = 7;           # lower case, equals sign, semicolon
BACK_SIZE\t"32, 16"             # tab, quotes, a pair
BACK_FILTERSIZE 5 # one value for both
PHOT_APERTURES 4,8 12.5;16
PHOT_AUTOPARAMS 2.2, 3.1
DEBLEND_NTHRESH 16
DEBLEND_NTHRESH 8               # the last counts
DEBLEND_MINCONT 1e-2
CLEAN no
FILTER_NAME $CONV_HERE/def${REST}
MAG_ZEROPOINT +25.5 #, 3
"""


@pytest.mark.needs("sextractor")
def test_a_file_is_read_as_the_program_reads_it(written, tmp_path, monkeypatch):
    monkeypatch.setenv("CONV_HERE", str(tmp_path))
    monkeypatch.setenv("REST", "ault.conv")
    path = written(TRICKY)
    fits.writeto(tmp_path / "frame.fits",
                 np.random.default_rng(2).normal(100, 5, (128, 128)).astype("f4"))
    done = subprocess.run(["source-extractor", "frame.fits", "-c", path, "-CATALOG_TYPE",
                           "FITS_LDAC", "-CATALOG_NAME", "its.cat"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = fits.getdata(tmp_path / "its.cat", 1)[0][0]
    cards = fits.Header.fromstring("".join(card.ljust(80) for card in text))
    config = read(path)
    its = {"minarea": "SEXMINAR", "deblend_nthresh": "SEXDBLDN", "deblend_cont": "SEXDBLDC",
           "clean": "SEXCLN", "kron_factor": "SEXAUTP1", "kron_min_radius": "SEXAUTP2",
           "bw": "SEXBKGSX", "bh": "SEXBKGSY", "fw": "SEXBKGFX", "fh": "SEXBKGFY",
           "zero_point": "SEXMGZPT"}
    for section, one in Config.declared():
        if one.name in its:
            value = getattr(getattr(config, section), one.name)
            assert value == pytest.approx(cards[its[one.name]], rel=1e-6), one.name
    assert config.measurement.apertures == tuple(cards[f"SEXAPED{k}"] for k in range(1, 5))
    assert config.detection.filter_kernel == Config().detection.filter_kernel
    assert cards["SEXFLTR"] is True and cards["SEXFILTN"] == "default.conv"


# ---- syntax

def test_lines_and_words(written, monkeypatch):
    monkeypatch.setenv("ROOM", "a")
    path = written('x_y "q" #c\n\n  #only\nK=1;2,3 # 4\nN $ROOM/${ROOM}b $ROOM\nalone\n')
    assert [(line.number, line.keyword, line.values) for line in read_lines(path)] == [
        (1, "X_Y", ("q",)), (4, "K", ("1", "2", "3")),
        (5, "N", ("a/ab", "$ROOM")),  # the first value alone, as there
        (6, "ALONE", ()),
    ]


def test_what_is_missing_has_the_default_of_the_program_not_of_its_file(written):
    config = read(written(""))
    assert config.detection.minarea == 5  # default.sex says 3
    assert config.measurement.pixel_scale == 1.0  # ours is 0, the WCS
    assert config.detection == Config().detection
    assert config.output.names == "sextractor"
    assert config.output.columns == ("NUMBER", "X_IMAGE")


# ---- values

@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BACK_SIZE 64", {"bw": 64, "bh": 64}), ("BACK_SIZE 64,32", {"bw": 64, "bh": 32}),
        ("FILTER N", {"filter_kernel": ()}),
        ("DETECT_THRESH 5\nTHRESH_TYPE absolute", {"thresh": 5.0, "thresh_type": "absolute"}),
        ("MASK_TYPE blank", {"neighbours": "blank"}),
        ("PHOT_AUTOAPERS 3,8", {"kron_search_diameter": 3.0, "kron_min_diameter": 8.0}),
        ("PHOT_PETROPARAMS 1.5 3", {"petro_factor": 1.5, "petro_min_radius": 3.0}),
        ("WEIGHT_TYPE MAP_RMS\nWEIGHT_IMAGE {stem}.rms.fits\nWEIGHT_THRESH 4\nWEIGHT_GAIN N",
         {"weight_type": "map_rms", "weight_image": "{stem}.rms.fits", "weight_thresh": 4.0,
          "weight_gain": False}),
        ("WEIGHT_IMAGE w.fits", {"weight_type": "none", "weight_image": ""}),
        ("WEIGHT_TYPE BACKGROUND", {"weight_type": "background", "weight_image": ""}),
        ("BACK_TYPE MANUAL\nBACK_VALUE 3", {"back_type": "manual", "back_value": 3.0}),
        ("INTERP_TYPE NONE", {"interp_maxlag": 0}), ("INTERP_MAXXLAG 3", {"interp_maxlag": 3}),
        # 21.5 mag on a square arcsecond, 0.5 arcsec pixels
        ("DETECT_THRESH 21.5,25\nANALYSIS_THRESH 21.5,25\nPIXEL_SCALE 0.5",
         {"thresh": 0.25 * 10**1.4, "thresh_type": "absolute"}),
    ],
)
def test_a_value_is_brought_over(written, text, expected):
    found = settings_from(written(text), COLUMNS)
    config = Config().updated(**found)
    for section, one in Config.declared():
        if one.name in expected:
            value = getattr(getattr(config, section), one.name)
            assert value == pytest.approx(expected[one.name]), one.name


@pytest.mark.parametrize("absolute", [True, False])
def test_a_weight_map_is_named_from_the_working_directory(written, tmp_path, monkeypatch,
                                                          absolute):
    monkeypatch.chdir(tmp_path)
    name = str(tmp_path / "w.fits") if absolute else "w.fits"
    found = settings_from(written(f"WEIGHT_TYPE MAP_WEIGHT\nWEIGHT_IMAGE {name}"), COLUMNS)
    assert found["weight_image"] == str(tmp_path / "w.fits")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DETECT_TRESH 3", "line 1: SExtractor has no keyword DETECT_TRESH; is DETECT_THRESH"),
        ("\nBACKPHOTO_TYPE LOCAL", "line 2: BACKPHOTO_TYPE: LOCAL: "),
        ("DETECT_TYPE photo", "DETECT_TYPE: PHOTO: "),
        ("DGEO_TYPE PIXEL", "DGEO_TYPE: PIXEL: "), ("FITS_UNSIGNED Y", "FITS_UNSIGNED: Y: "),
        ("BACK_PEARSON 3.5", "BACK_PEARSON: 3.5: "), ("FILTER_THRESH 3", "FILTER_THRESH: "),
        ("HEADER_SUFFIX .ahead", "HEADER_SUFFIX: .ahead: "),
        ("CHECKIMAGE_TYPE FILTERED", "CHECKIMAGE_TYPE: FILTERED"),
        ("WEIGHT_TYPE NONE,MAP_RMS\nWEIGHT_IMAGE a", "WEIGHT_TYPE: NONE,MAP_RMS: one value"),
        ("WEIGHT_TYPE MAP_RMS\nWEIGHT_IMAGE a,b", "WEIGHT_IMAGE: a,b: one value"),
        ("DETECT_THRESH 21,25\nANALYSIS_THRESH 21,25\nPIXEL_SCALE 0", "DETECT_THRESH: a surface"),
        ("DETECT_THRESH many", "DETECT_THRESH: 'many' is not a number"),
        ("DETECT_THRESH", "DETECT_THRESH: needs a value"),
        ("DETECT_THRESH 1 2 3", "DETECT_THRESH: has more than 2 values"),
        ("DETECT_THRESH -1", "DETECT_THRESH: must be greater than 0"),
        ("DETECT_MINAREA 2.5", "DETECT_MINAREA: '2.5' is not a whole number"),
        ("BACK_SIZE 064", "BACK_SIZE: '064' is not a whole number"),  # octal, there
        ("CLEAN perhaps", "CLEAN: 'perhaps' is not Y or N"),
        ("MASK_TYPE SOME", "MASK_TYPE: 'SOME' is not one of"),
        ("PHOT_AUTOPARAMS 2.5", "PHOT_AUTOPARAMS: needs 2 values"),
        ("PHOT_APERTURES 4,-1", "PHOT_APERTURES: needs diameters greater than 0"),
        ("FILTER_NAME no.conv", "FILTER_NAME: cannot read no.conv: No such file"),
        ("FILTER_NAME $NO_SUCH_THING/x", "FILTER_NAME: $NO_SUCH_THING is not in the env"),
    ],
)
def test_what_cannot_be_had_is_refused_with_line_and_keyword(written, text, said):
    with pytest.raises(ValueError) as refusal:
        settings_from(written(text), COLUMNS)
    message = str(refusal.value)
    assert said in message and "my.sex" in message and "\n" not in message


def test_another_analysis_threshold_counts_where_something_depends_on_it(written):
    def analysis(text, columns=("FWHM_IMAGE",), **options):
        found = settings_from(written(text), {"columns": columns, **options})
        return found.get("analysis_thresh"), found.get("analysis_thresh_type")

    # ANALYSIS_THRESH stays 1.5 where it is not set, as there.
    assert analysis("DETECT_THRESH 3") == (1.5, "relative")
    assert analysis("DETECT_THRESH 3", ("X_IMAGE", "FLUX_ISOCOR")) == (None, None)
    both = "DETECT_THRESH 3\nANALYSIS_THRESH 3\n"
    assert analysis(both) == (None, None)
    assert analysis(both, thresh=5.0) == (3.0, "relative")
    assert analysis(both + "THRESH_TYPE RELATIVE,ABSOLUTE") == (3.0, "absolute")
    value, kind = analysis("ANALYSIS_THRESH 21.5,25\nPIXEL_SCALE 0.5")
    assert (value, kind) == (pytest.approx(0.25 * 10**1.4), "absolute")
    for wrong in ("ANALYSIS_THRESH 21.5,25\nPIXEL_SCALE 0", "ANALYSIS_THRESH 0"):
        with pytest.raises(ValueError, match="line 1: ANALYSIS_THRESH: "):
            analysis(wrong)


def test_flags_and_lists_count_where_their_columns_are_asked_for(written):
    path = written("FLAG_IMAGE a.fits,b.fits\nASSOC_NAME sky.list\nASSOC_DATA 0")
    assert "assoc" not in settings_from(path, COLUMNS)
    for column, keyword in (("IMAFLAGS_ISO", "FLAG_IMAGE"), ("VECTOR_ASSOC", "ASSOC_DATA")):
        with pytest.raises(ValueError, match=f"line .: {keyword}"):
            settings_from(path, {"columns": (column,)})
    path = written("FLAG_IMAGE a.fits\nFLAG_TYPE MOST\nASSOC_TYPE MAG_MEAN", "2.sex")
    found = settings_from(path, {"columns": ("IMAFLAGS_ISO", "NUMBER_ASSOC")})
    assert found["flag_image"].endswith("/a.fits") and found["flag_type"] == "most"
    assert found["assoc"].endswith("/sky.list") and found["assoc_type"] == "mag_mean"


def test_check_images_have_our_names(written):
    path = written("CHECKIMAGE_TYPE BACKGROUND_RMS, -objects NONE\nCHECKIMAGE_NAME a b")
    assert check_images_of(path) == ("rms", "-objects")
    assert check_images_of(written("", "2.sex")) == ()
    settings_from(path, COLUMNS)


# ---- the files that it names

def test_files_are_relative_to_the_working_directory_or_beside_the_configuration(
        written, tmp_path, monkeypatch):
    path = written("PARAMETERS_NAME my.param\nFILTER N")
    (tmp_path / "my.param").write_text("Y_IMAGE\n")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert read(path).output.columns == ("Y_IMAGE",)
    (here / "my.param").write_text("X_IMAGE\n")
    assert read(path).output.columns == ("X_IMAGE",)


def test_options_stand_above_the_file_and_replace_its_files(written):
    path = written("DETECT_THRESH 3\nPARAMETERS_NAME no.param\nFILTER_NAME no.conv")
    config = read(path, thresh=4.0, columns=("x",), filter_kernel=())
    assert config.detection.thresh == 4 and config.output.columns == ("x",)


def test_a_list_of_parameters(tmp_path):
    path = tmp_path / "my.param"
    path.write_text("# all\n\n  NUMBER\t# n\nFLUX_APER(3)\n#X_IMAGE\nMAG_APER [2] and more\n"
                    "FLUX_RADIUS{1}\nFLUX_APER( 2 )\nY_IMAGE 3\n\r\n")
    assert read_parameters(path) == ("NUMBER", "FLUX_APER(2)", "MAG_APER(2)", "FLUX_RADIUS",
                                     "Y_IMAGE")


@pytest.mark.parametrize(
    ("text", "said"),
    [("NUMBER\nVIGNET_SHIFT(3,5)\n", "line 2: VIGNET_SHIFT: cut-outs"),
     ("NUMBER\nVIGNET(3)\n", "line 2: VIGNET(3): a cut-out has a width and a height"),
     ("FLUX_MODEL", "line 1: FLUX_MODEL: no model"), ("CLASS_STAR", "size_excess"),
     ("X_IMAG", "X_IMAG is no parameter of SExtractor; is X_IMAGE meant?"),
     ("FLUX_APER(0)", "'0' is not a number of elements"), ("# nothing\n", "names no parameter")],
)
def test_a_parameter_that_cannot_be_had_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "my.param"
    path.write_text(text)
    with pytest.raises(ValueError, match="my.param") as refusal:
        read_parameters(path)
    assert said in str(refusal.value)


@pytest.mark.parametrize(("text", "said"), [
    ("CONV NONORM\n1 2 1\n", "not to be normalised"), ("1 2 1\n", "does not begin with CONV"),
    ("CONV NORM\n", "holds no weights"), ("CONV NORM\n1 b\n", "could not convert"),
])
def test_a_filter_that_would_act_otherwise_is_refused(tmp_path, text, said):
    path = tmp_path / "x.conv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_kernel(path)
    path.write_text("CONV NONORM\n0.25 0.5 0.25\n")
    assert read_kernel(path) == ((0.25, 0.5, 0.25),)


def test_negative_weights_are_taken_as_the_program_has_them(written, tmp_path):
    """Both divide by the sum of absolute weights."""
    path = written("FILTER_NAME hat.conv")
    (tmp_path / "hat.conv").write_text("CONV NORM\n-1 2 -1\n-2 9 -2\n-1 2 -1\n")
    kernel = settings_from(path, COLUMNS)["filter_kernel"]
    assert kernel == ((-1.0, 2.0, -1.0), (-2.0, 9.0, -2.0), (-1.0, 2.0, -1.0))


# ---- in the job

@pytest.fixture
def tuned(written, tmp_path, night, monkeypatch):
    (tmp_path / "my.param").write_text("NUMBER\nMAG_APER(2)\nX_IMAGE\nFLAGS\n")
    path = written("PARAMETERS_NAME my.param\nPHOT_APERTURES 4,8,12\nDETECT_THRESH 2.5\n"
                   "MAG_ZEROPOINT 25\nBACK_SIZE 128,64\nPIXEL_SCALE 0\n")
    frame = next(night.glob("frame-*.fits"))
    return path, frame


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_configuration_reaches_every_task(tuned, tmp_path, runner):
    """Those of Spark are tried in test_runners.py."""
    path, frame = tuned
    run = job(frame, "--config", path, "-r", runner, "--quiet", cwd=tmp_path)
    assert run.status == 0, run.err
    assert run.lines[2].split("\t") == ["image", "NUMBER", "MAG_APER_1", "MAG_APER_2", "X_IMAGE",
                                        "FLAGS"]
    config = json.loads(run.lines[1].split("\t")[1])
    assert config["detection"]["thresh"] == 2.5 and config["background"]["bw"] == 128
    said = job(frame, "--config", path, "--quiet", cwd=tmp_path)
    assert run.out == said.out and len(run.lines) > 20


def test_a_bare_mapper_reads_the_configuration_itself(tuned, tmp_path):
    path, frame = tuned
    whole = job(frame, "--config", path, "--quiet", cwd=tmp_path)
    line = f"{frame}\n".encode()
    mapped = command([sys.executable, LAUNCHER, "--mapper", "--config", path, "--reduce", "none"],
                     stdin=line, cwd=tmp_path)
    assert mapped.status == 0, mapped.err
    assert mapped.out == whole.body


def test_it_is_the_same_as_its_settings_given_one_by_one(tuned, tmp_path):
    path, frame = tuned
    whole = job(frame, "--config", path, "--quiet", cwd=tmp_path)
    by_hand = job(frame, "--quiet", "--names", "sextractor", "--columns",
                  "NUMBER,MAG_APER(2),X_IMAGE,FLAGS", "--apertures", "4,8,12", "--thresh", "2.5",
                  "--zero-point", "25", "--bw", "128", "--bh", "64", "--weight-type", "none",
                  "--interp-maxlag", "16", "--extensions", "all", cwd=tmp_path)
    assert by_hand.status == 0, by_hand.err
    assert by_hand.out == whole.out


def test_our_names_remain_to_be_had(tuned, tmp_path):
    path, frame = tuned
    run = job(frame, "--config", path, "--names", "ours", "--quiet", cwd=tmp_path)
    assert run.lines[2].split("\t") == ["image", "number", "x", "mag_aper_1", "mag_aper_2",
                                        "mag_aper_3", "flag"]
    other = job(frame, "--columns", tmp_path / "my.param", "--quiet", cwd=tmp_path)
    assert other.lines[2].split("\t") == ["image", "number", "x", "mag_aper_1", "flag"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--config", "no.sex"], "cannot read no.sex: No such file"),
     (["--config", "bad.sex"], "bad.sex, line 1: DGEO_TYPE: PIXEL: "),
     (["--columns", "no.param"], "cannot read no.param"),
     (["--config", "my.sex", "--thresh", "0"], "--thresh must be greater than 0"),
     (["--config", "my.sex", "--apertures", "3"], "MAG_APER(2) has more elements than the 1 of"),
     (["--columns", "X_IMAGE"], "SExtractor's X_IMAGE is x here")],
)
def test_a_bad_configuration_is_one_line_and_exit_status_2(tuned, tmp_path, words, said):
    (tmp_path / "bad.sex").write_text("DGEO_TYPE PIXEL\n")
    run = job(tuned[1], *words, cwd=tmp_path)
    assert run.status == 2 and run.out == b""
    assert said in run.err and run.err.count("\n") == 1
