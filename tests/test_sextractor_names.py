"""Under SExtractor's names a catalog says what SExtractor's would, parameter by parameter."""

import re
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from conftest import ROOT
from stars import star_field

from mr_extract import extract
from mr_extract.columns.choice import FLAGS
from mr_extract.columns.table import COLUMNS
from mr_extract.settings.config import Config
from mr_extract.sextractor import describe
from mr_extract.sextractor.absent import REASONS
from mr_extract.sextractor.asked_parameters import cutout_size, parameter, split
from mr_extract.sextractor.configured import catalog_columns, columns_of
from mr_extract.sextractor.convert import converted
from mr_extract.sextractor.flags import BITS, to_sextractor
from mr_extract.sextractor.names import Output, outputs
from mr_extract.sextractor.parameters import OWN, PARAMETERS


def config_for(*columns, **settings):
    return Config().updated(names="sextractor", columns=columns, **settings)


def values_of(name, columns, hdu=0, size=1):
    return converted(columns, [Output(PARAMETERS[name], size)], hdu)


# ---- the table

@pytest.mark.needs("sextractor")
def test_every_parameter_of_the_program_is_here_or_has_a_reason():
    text = subprocess.run(["source-extractor", "-dp"], capture_output=True, text=True).stdout
    found = re.findall(r"^#(\S+)\s+(.*?)\s*(?:\[([^\[\]]*)\])?\s*$", text, re.MULTILINE)
    assert len(found) > 400
    for name, _, unit in found:
        assert (name in PARAMETERS) != (name in REASONS), name
        if name in PARAMETERS:
            assert PARAMETERS[name].unit == unit, name
    assert set(PARAMETERS) <= {name for name, *_ in found}
    named = {column.sextractor for column in COLUMNS if column.sextractor}
    assert named <= set(PARAMETERS), "every name that our table has for SExtractor's is one of it"


def test_parameters_are_made_of_columns_that_there_are():
    names = {column.name for column in COLUMNS}
    for one in (*PARAMETERS.values(), *OWN.values()):
        assert set(one.needs) <= names, one.name
        assert one.needs or one.name == "EXT_NUMBER"
        assert one.name not in REASONS
        assert one.description and "\n" not in one.description
        assert "first pixel is 0" not in one.description
    for column in COLUMNS:
        if column.sextractor in PARAMETERS:
            assert PARAMETERS[column.sextractor].needs[0] == column.name
            assert PARAMETERS[column.sextractor].vector == column.vector
    assert not set(PARAMETERS) & set(OWN)


def test_names_and_sizes():
    assert split("FLUX_APER(3)") == ("FLUX_APER", 3)
    assert split("FLUX_APER") == ("FLUX_APER", 1)
    assert split("VIGNET(11,5)") == ("VIGNET", 1) and cutout_size("VIGNET( 11, 5 )") == (11, 5)
    assert cutout_size("FLUX_APER(3)") is None
    for text in ("FLUX_APER(x)", "FLUX_APER()", "FLUX_APER(0)", ""):
        with pytest.raises(ValueError):
            split(text)
    for name, word in (("CLASS_STAR", "size_excess"), ("ALPHA_B1950", "B1950"),
                       ("SPHEROID_REFF_WORLD", "model"), ("NITER_PSF", "PSF"),
                       ("X_MAMA", "MAMA"), ("DGEOX_IMAGE", "geometry"), ("FLUX_GROWTH", "growth")):
        with pytest.raises(ValueError, match=f"{name}: .*{word}"):
            parameter(name)


# ---- what is asked for

def test_columns_come_in_the_order_in_which_they_are_asked_for():
    config = config_for("FLAGS", "MAG_APER(2)", "X_IMAGE", "EXT_NUMBER", apertures=(3, 5, 8))
    assert list(catalog_columns(config)) == ["image", "FLAGS", "MAG_APER_1", "MAG_APER_2",
                                             "X_IMAGE", "EXT_NUMBER"]
    assert {"flag", "mag_aper_1", "x"} <= set(columns_of(config))


def test_our_groups_and_columns_have_their_names_too():
    assert list(catalog_columns(config_for("position", "aper", apertures=(3, 5)))) == [
        "image", "NUMBER", "X_IMAGE", "Y_IMAGE", "FLUX_APER_1", "FLUX_APER_2", "FLUXERR_APER_1",
        "FLUXERR_APER_2", "MAG_APER_1", "MAG_APER_2", "MAGERR_APER_1", "MAGERR_APER_2"]
    assert list(catalog_columns(config_for("size_excess", "SIZE_EXCESS", "flag"))) == [
        "image", "SIZE_EXCESS", "FLAGS"]
    every = catalog_columns(config_for("all"))
    assert {"FLAGS", "SIZE_EXCESS", "X2WIN_WORLD", "CPEAK"} <= set(every)


@pytest.mark.parametrize(("name", "said"), [
    ("FLUX_APER(2)", "more elements than the 1 of PHOT_APERTURES (--apertures)"),
    ("X_IMAGE(2)", "one element"), ("VIGNET_SHIFT(3,3)", "cut-outs"),
    ("nonsense", "neither a column"),
])
def test_what_cannot_be_had_is_refused(name, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        config_for(name)


def test_names_change_the_hash():
    assert Config().updated(names="sextractor").hash() != Config().hash()
    assert config_for("X_IMAGE", "Y_IMAGE").hash() != config_for("Y_IMAGE", "X_IMAGE").hash()


# ---- values

def test_the_first_pixel_is_1_and_integers_stay_integers():
    columns = {"x": np.array([0.0, 10.25]), "xmin": np.array([0, 3], "i4")}
    assert (values_of("X_IMAGE", columns)["X_IMAGE"] == [1.0, 11.25]).all()
    found = values_of("XMIN_IMAGE", columns)["XMIN_IMAGE"]
    assert (found == [1, 4]).all() and found.dtype == np.int32
    assert (columns["x"] == [0.0, 10.25]).all(), "what was given is not changed"


def test_a_magnitude_that_is_not_there_is_99():
    columns = {"mag_auto": np.array([20.5, np.nan], "f4"), "flux_auto": np.array([1, np.nan], "f4")}
    found = values_of("MAG_AUTO", columns)["MAG_AUTO"]
    assert found.tolist() == [20.5, 99.0] and found.dtype == np.float32
    assert np.isnan(values_of("FLUX_AUTO", columns)["FLUX_AUTO"][1]), "a flux that failed is nan"


def test_a_lost_window_gives_the_isophotal_value():
    columns = {"x_win": np.array([4.0, np.nan]), "x": np.array([3.0, 7.0]),
               "erra_win": np.array([np.nan], "f4"), "erra": np.array([0.5], "f4")}
    assert values_of("XWIN_IMAGE", columns)["XWIN_IMAGE"].tolist() == [5.0, 8.0]
    assert values_of("ERRAWIN_IMAGE", columns)["ERRAWIN_IMAGE"].tolist() == [0.5]


def test_best_is_isocor_where_there_are_neighbours():
    columns = {"flag": np.array([0, 0x400]), "mag_isocor": np.array([20, np.nan], "f4"),
               "mag_auto": np.array([19, 18], "f4")}
    assert values_of("MAG_BEST", columns)["MAG_BEST"].tolist() == [19.0, 99.0]


def test_polarisation_and_extension():
    columns = {"a_win": np.array([2.0, np.nan], "f4"), "b_win": np.array([1.0, np.nan], "f4"),
               "polarisation": np.array([0.1, 0.25], "f4")}
    assert values_of("POLARWIN_IMAGE", columns)["POLARWIN_IMAGE"].tolist() == pytest.approx(
        [0.6, 0.25])
    assert values_of("EXT_NUMBER", columns, hdu=3)["EXT_NUMBER"].tolist() == [3, 3]
    assert values_of("EXT_NUMBER", columns, hdu=0)["EXT_NUMBER"].tolist() == [1, 1]


def test_every_bit_of_ours_goes_to_one_of_theirs_or_to_none():
    sent = {ours: int(to_sextractor(np.array([ours]))[0]) for ours in FLAGS}
    assert sent == {0x1: 2, 0x2: 8, 0x4: 64, 0x8: 0, 0x10: 16, 0x20: 0, 0x40: 16, 0x80: 0,
                    0x100: 4, 0x200: 0, 0x400: 1, 0x800: 16, 0x1000: 8,
                    0x2000: 16}
    everything = np.array([sum(FLAGS), 0])
    assert to_sextractor(everything).tolist() == [1 + 2 + 4 + 8 + 16 + 64, 0]
    assert sorted(BITS) == [1 << k for k in range(8)]


# ---- of a frame

@pytest.fixture(scope="module")
def field():
    return star_field(5, np.geomspace(300, 1e5, 49), shape=(320, 320))


def test_a_table_under_both_names_holds_the_same_sources(field):
    header = {"GAIN": 2.0}
    ours = extract(field.data, header=header, columns=("default",), zero_point=25.0)
    theirs = extract(field.data, header=header, columns=("default",), zero_point=25.0,
                     names="sextractor")
    assert len(ours) == len(theirs) > 40
    for column in COLUMNS:
        if column.name not in ours.colnames or not column.sextractor:
            continue
        shift = 1 if column.name in ("x", "y") else 0
        expected = np.asarray(ours[column.name]) + shift
        if column.sextractor.startswith("MAG"):
            expected = np.where(np.isnan(expected), 99.0, expected)
        assert np.array_equal(expected, theirs[column.sextractor], equal_nan=True)
    assert (to_sextractor(np.asarray(ours["flag"])) == theirs["FLAGS"]).all()


@pytest.mark.needs("sextractor")
def test_bright_isolated_stars_have_the_programs_values(field, tmp_path):
    names = ["NUMBER", "X_IMAGE", "Y_IMAGE", "XWIN_IMAGE", "XMIN_IMAGE", "YPEAK_IMAGE",
             "MAG_APER", "MAG_AUTO", "KRON_RADIUS", "FLAGS", "EXT_NUMBER", "FLUX_APER"]
    fits.writeto(tmp_path / "frame.fits", field.data.astype("f4"))
    (tmp_path / "default.param").write_text("\n".join(names[:-1] + ["FLUX_APER(2)"]))
    (tmp_path / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    done = subprocess.run(
        ["source-extractor", "frame.fits", "-CATALOG_TYPE", "FITS_1.0", "-PHOT_APERTURES", "6,10",
         "-MAG_ZEROPOINT", "25"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    its = fits.getdata(tmp_path / "test.cat", 1)
    config = config_for(*names[:-1], "FLUX_APER(2)", apertures=(6, 10), zero_point=25.0)
    ours = extract(tmp_path / "frame.fits", config)
    distance = np.hypot(its["X_IMAGE"][:, None] - ours["X_IMAGE"],
                        its["Y_IMAGE"][:, None] - ours["Y_IMAGE"])
    near = distance.argmin(1)
    good = (distance.min(1) < 0.01) & (its["MAG_AUTO"] < 16)
    assert good.sum() > 20
    for name, tolerance in (("X_IMAGE", 1e-3), ("XWIN_IMAGE", 2e-3), ("XMIN_IMAGE", 0),
                            ("YPEAK_IMAGE", 0), ("EXT_NUMBER", 0), ("KRON_RADIUS", 1e-2),
                            ("MAG_APER", 2e-3), ("FLAGS", 0)):
        apart = np.abs(its[name] - np.asarray(ours[name])[near])[good]
        assert (apart <= tolerance).mean() > 0.9, name
    for k in (1, 2):
        ratio = np.asarray(ours[f"FLUX_APER_{k}"])[near] / its["FLUX_APER"][:, k - 1]
        assert np.abs(ratio[good] - 1).max() < 1e-2


# ---- the page about it

@pytest.mark.parametrize("what", ["keywords", "parameters", "flags"])
def test_the_page_holds_the_tables_as_the_code_has_them(what):
    page = (ROOT / "docs" / "sextractor.md").read_text()
    assert getattr(describe, what)() in page, (
        f"replace the table by what python -m mr_extract.sextractor --describe {what} prints"
    )


def test_outputs_of_the_default_are_in_the_order_of_our_table():
    names = [one.parameter.name for one in outputs(config_for("default"))]
    assert names[:3] == ["NUMBER", "X_IMAGE", "Y_IMAGE"] and names[-1] == "FLAGS"
