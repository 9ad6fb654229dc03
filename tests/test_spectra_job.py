"""The job of spectra: its page, runners, files, failures, and real frames."""

import os
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import ROOT, command
from pages import commands_of, read_page, shell_in

from bench.accuracy.spectra import ABSORBED, NIGHT, place_of, place_of_absorbed
from mr_extract.columns.spectra import BEYOND_LINES, NO_LAMP
from mr_extract.failures import KINDS
from mr_extract.jobs.spectra import WORK
from mr_extract.settings.spectra import SpectraSettings
from preprocess.simulation.spectra import simulate, standard_flux

LAMP = "v_a_20180810_13_1_0_1.fits.gz"
STAR, STANDARD = "v_e_20180810_12_{}_0_0.fits.gz", "v_s_20180810_27_1_0_0.fits.gz"


def spectra(*words, env=None, **keywords):
    return command([sys.executable, "-m", "mr_extract.jobs.spectra", *words],
                   env={"PYTHONPATH": str(ROOT), **(env or {})}, **keywords)


def rows_of(path):
    return Table.read(path, format="ascii.tab", comment="#")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with simulated images in ``lab``."""
    folder = tmp_path_factory.mktemp("spectra")
    before = os.getcwd()
    os.chdir(folder)
    try:
        simulate("lab", frames=2, seed=1)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(scope="module")
def plain(lab):
    """The catalog of one process, and what it kept."""
    run = spectra("-r", "inline", "lab/slit.txt", "--objects", "2", "--catalog", "inline.tsv",
                  "--save-files", "inline", cwd=lab)
    assert run.status == 0, run.err
    return (lab / "inline.tsv").read_bytes(), kept(lab / "inline")


def kept(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_command_of_the_page_runs_and_spectra_are_true(tmp_path):
    commands = commands_of(read_page("docs/spectra.md"))
    assert len(commands) == 3
    shell = shell_in(tmp_path)
    for text in commands:
        run = shell(text)
        assert run.status == 0, run.err
    truth = Table.read(tmp_path / "lab" / "truth.tsv", format="ascii.tab")
    catalogs = [rows_of(tmp_path / f"{name}.tsv") for name in
                ("slit", "slitless", "calibrated")]
    assert [len(columns["image"]) for columns in catalogs] == [4, 2, 4]
    for columns, folder in zip(catalogs, ("spectra", "spectra", "calibrated")):
        for image, number, name in zip(columns["image"], columns["number"], columns["file"]):
            table = Table.read(tmp_path / folder / name, hdu=1)
            own = truth[(truth["image"] == image) & (truth["number"] == number)]
            own = own[np.isin(own["column"], table["pixel"])]
            table = table[np.isin(table["pixel"], own["column"])]
            assert len(table) > 400
            steps = np.abs(np.gradient(own["wavelength"]))
            away = (table["wavelength"] - own["wavelength"]) / steps
            assert np.sqrt(np.mean(away**2)) < (0.35 if "slitless" in image else 0.05)
            if folder == "spectra":
                expected = own["electrons"] / 2.0
                assert abs(np.median(table["flux"] / expected) - 1) < 0.01
            else:  # the standard has 30,000 electrons where its flux is that of the table
                assert str(table["flux"].unit) == "erg / (Angstrom s cm2)"
                level = {1: 6000.0, 2: 1500.0}[int(number)] / 30000.0
                expected = standard_flux(own["wavelength"]) * level
                free = table["flux"][150:300] / expected[150:300]  # no line of the star
                assert abs(np.median(free) - 1) < 0.02


def test_the_files_are_spectra_to_specutils(plain, lab):
    specutils = pytest.importorskip("specutils")
    catalog = rows_of(lab / "inline.tsv")
    for row, name in enumerate(catalog["file"]):
        spectrum = specutils.Spectrum.read(str(lab / "inline" / name))
        assert spectrum.flux.unit == "adu" and spectrum.spectral_axis.unit == "Angstrom"
        assert abs(spectrum.spectral_axis.value.min() - catalog["wave_min"][row]) < 1e-9
        assert abs(np.nanmedian(spectrum.flux.value / spectrum.uncertainty.array)
                   - catalog["snr"][row]) < 1e-9
        assert spectrum.meta["header"]["OBJECT"] == "two stars"


@pytest.mark.parametrize("runner", [
    "local", pytest.param("spark", marks=pytest.mark.needs("spark"))])
def test_every_runner_gives_the_same_bytes(plain, lab, runner):
    run = spectra("-r", runner, "lab/slit.txt", "--objects", "2", "--catalog", f"{runner}.tsv",
                  "--save-files", runner, cwd=lab)
    assert run.status == 0, run.err
    assert ((lab / f"{runner}.tsv").read_bytes(), kept(lab / runner)) == plain


def test_a_lesser_processor_gives_the_same_bytes(plain, lab):
    """As numpy calculates without the instructions that not all of them have."""
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__

    lesser = {"NPY_DISABLE_CPU_FEATURES": " ".join(set(__cpu_dispatch__) - set(__cpu_baseline__)),
              "OPENBLAS_CORETYPE": "Prescott"}
    run = spectra("-r", "inline", "lab/slit.txt", "--objects", "2", "--catalog", "lesser.tsv",
                  "--save-files", "lesser", cwd=lab, env=lesser)
    assert run.status == 0, run.err
    assert ((lab / "lesser.tsv").read_bytes(), kept(lab / "lesser")) == plain


def test_parquet_holds_the_same_numbers(plain, lab):
    parquet = pytest.importorskip("pyarrow.parquet")
    run = spectra("lab/slit.txt", "--spectrum-format", "parquet", "--catalog", "parquet.tsv",
                  "--save-files", "parquet", cwd=lab)
    assert run.status == 0, run.err
    name = rows_of(lab / "parquet.tsv")["file"][0]
    table = parquet.read_table(lab / "parquet" / name)
    other = fits.getdata(lab / "inline" / name.replace(".parquet", ".fits"), 1)
    assert np.array_equal(table["flux"].to_numpy(), other["flux"])
    assert table.schema.field("wavelength").metadata == {b"unit": b"Angstrom"}


def test_each_fault_costs_its_image_and_is_named(lab):
    folder = lab / "faults"
    folder.mkdir()
    slit, arc = "lab/slit-1.fits", "lab/arc.fits"
    blank = fits.getdata(lab / slit)
    fits.writeto(folder / "nothing.fits", np.full_like(blank, 500.0) + np.random.default_rng(1)
                 .normal(0, 2, blank.shape).astype("f4"))
    fits.writeto(folder / "small.fits", np.ones((20, 20), "f4"))
    lines = {
        "fine": f"{slit}\tarc={arc}", "no-trace": "faults/nothing.fits",
        "fetch-not-found": f"{slit}\tarc=lab/none.fits",
        "companion-mismatch": f"{slit}\tarc=faults/small.fits",
        "no-wavelengths": f"{slit}\tarc=lab/slit-2.fits",
        "not-fits": f"{slit}\tarc={arc}\tmask=lab/standard.txt",
    }
    manifest = folder / "faults.txt"
    manifest.write_text("".join(f"{line}\tid={name}\n" for name, line in lines.items()))
    run = spectra("-r", "inline", "faults/faults.txt", "--catalog", "faults.tsv", cwd=lab)
    assert run.status == 1
    found = {line.split("\t")[1]: line.split("\t")[2] for line in
             (lab / "faults.tsv").read_text().splitlines() if line.startswith("#error")}
    assert found == {kind: kind for kind in lines if kind != "fine"}
    assert set(found) <= set(KINDS)


def test_what_is_not_used_is_said_and_what_makes_no_sense_is_refused(lab):
    manifest = lab / "said.txt"
    manifest.write_text("lab/slit-1.fits\tpositions=x.tsv\tzero_order=3,4\n"
                        "lab/slit-2.fits\tid=b\tzero_order=here\n")
    run = spectra("-r", "inline", "said.txt", "--response", "lab/standard.txt", cwd=lab)
    line, = (line for line in run.lines if line.startswith("#image"))
    for word in ("positions", "zero_order", "response"):
        assert f"not-used:the field {word}" in line or f"not-used:{word}" in line
    row = next(line for line in run.lines if line.startswith("lab/slit-1"))
    assert int(row.split("\t")[3]) & NO_LAMP and row.endswith("\t-")
    assert "malformed-line" in run.out.decode()
    for words in (["--lamps", "Og"], ["--interp-maxlag", "3"], ["--response", "lab/arc.fits"]):
        run = spectra("-r", "inline", "lab/slit.txt", *words, cwd=lab)
        name = words[0].lstrip("-").replace("-", "_")
        assert run.status == 2 and name in run.err.replace("-", "_"), run.err
        assert len(run.err.splitlines()) == 1, run.err
    for name, value in (("sky_degree", 2), ("orders", (0.0,)), ("dispersion_pixels", (9.0, 3.0)),
                        ("wavelength_range", (5e3, 4e3)), ("objects", 0), ("trace_degree", 12)):
        with pytest.raises(ValueError, match=name):
            SpectraSettings().updated(**{name: value})
    for name, value in (("features", ("H-omega",)), ("line_list", str(lab / "none.txt"))):
        with pytest.raises(ValueError, match=name.replace("_", "-")):
            WORK.check(SpectraSettings().updated(**{name: value}))


def test_the_lamp_of_an_extension_is_that_of_its_name(plain, lab):
    """And an arc in the file of its image is an extension of it."""
    slit, arc = fits.open(lab / "lab/slit-1.fits")[0], fits.open(lab / "lab/arc.fits")[0]
    other = np.zeros((20, 20), "f4")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(other, name="BLUE"),
                  fits.ImageHDU(slit.data, slit.header, name="RED"),
                  fits.ImageHDU(arc.data, arc.header, name="ARC")]).writeto(lab / "both.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(other, name="BLUE"),
                  fits.ImageHDU(arc.data, arc.header, name="RED")]).writeto(lab / "lamps.fits")
    (lab / "ext.txt").write_text("both.fits\text=RED\tid=a\tarc=lamps.fits\n"
                                 "both.fits\text=RED\tid=b\tarc=[ARC]\n")
    run = spectra("-r", "inline", "ext.txt", "--catalog", "ext.tsv", cwd=lab)
    assert run.status == 0, run.err
    found, whole = rows_of(lab / "ext.tsv"), rows_of(lab / "inline.tsv")
    assert found["wave_min"].tolist() == 2 * [whole["wave_min"][0]]


def test_a_region_of_an_image_has_the_pixels_of_the_whole(plain, lab):
    manifest = lab / "region.txt"
    manifest.write_text("lab/slit-1.fits\tregion=100:900,40:110\tarc=lab/arc.fits\n")
    run = spectra("-r", "inline", "region.txt", "--wavelength", "5800", "--catalog", "region.tsv",
                  cwd=lab)
    assert run.status == 0, run.err
    part = rows_of(lab / "region.tsv")
    whole = rows_of(lab / "inline.tsv")
    assert abs(part["y"][0] - whole["y"][0]) < 0.05 and part["first"][0] == 100
    assert abs(part["dispersion"][0] - whole["dispersion"][0]) < 0.01
    assert part["lines_used"][0] > 20


def test_sprat_frames_agree_with_the_published_reduction(shared_data, tmp_path):
    """Lines of the night and of the star are where they should be, and so is the flux."""
    folder = shared_data / "e" / "sprat"
    lines = [f"{folder / STAR.format(k)}\tid=star-{k}\tarc={folder / LAMP}" for k in range(1, 6)]
    lines.append(f"{folder / STANDARD}\tid=standard\tarc={folder / LAMP}")
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    run = spectra("-r", "local", "list.txt", "--lamps", "Xe", "--wavelength-degree", "4",
                  "--objects", "2", "--catalog", "sprat.tsv", "--save-files", "kept", cwd=tmp_path)
    assert run.status == 0, run.err
    catalog = rows_of(tmp_path / "sprat.tsv")
    assert len(catalog["image"]) == 5 * 2 + 1 and (catalog["lines_used"] >= 12).all()
    assert (catalog["wave_rms_pix"] < 0.25).all()
    assert all(int(flag) in (0, BEYOND_LINES) for flag in catalog["flag"])
    tables = {(image, int(number)): Table.read(tmp_path / "kept" / name, hdu=1) for
              image, number, name in zip(catalog["image"], catalog["number"], catalog["file"])}
    sky = np.mean([tables[f"star-{k}", 1]["sky"] for k in range(1, 6)], axis=0)
    waves = tables["star-1", 1]["wavelength"]
    for line in NIGHT:
        assert abs(place_of(waves, sky, line) - line) < 0.35 * 4.7
    standard = tables["standard", 1]
    for line in ABSORBED:  # with the star's own place in the slit, and velocity
        assert abs(place_of_absorbed(standard["wavelength"], standard["flux"], line)
                   - line) < 0.6 * 4.7
    published = fits.getdata(
        folder / "expected" / "example_01_a_full_reduction_standard.fits", "count")
    ours = standard["flux"][50:]  # where it begins
    ratio = (ours / published)[150:]
    ratio = ratio / np.median(ratio)
    assert np.percentile(np.abs(ratio - 1), 90) < 0.025
    assert np.corrcoef(np.diff(ours[150:]), np.diff(published[150:]))[0, 1] > 0.99


def test_frames_without_a_spectrum_are_named(shared_data, tmp_path):
    """A cut of GMOS that holds sky lines and cosmic rays alone, a plain image, tiny extensions."""
    folder = shared_data
    lines = [f"{folder}/d/gmos/gmos.fits\text=SCI\tid=gmos",
             f"{folder}/d/gmos/gmos.fits\text=SCI\tid=gmos-variance\tvariance="
             f"{folder}/d/gmos/gmos.fits[VAR]",
             f"{folder}/e/arc/a8280271.fits\tid=stars",
             f"{folder}/e/arc/science-mef.fits\tid=mef\tarc={folder}/e/arc/flat-mef.fits",
             f"{folder}/e/arc/flat-mef.fits\tid=flat",
             f"{folder}/e/sprat/{STAR.format(1)}\tid=flat-as-lamp\tarc="
             f"{folder}/e/sprat/v_w_20180803_7_1_0_1.fits.gz",
             f"{folder}/e/sprat/{STAR.format(1)}\tid=other-camera\tarc="
             f"{folder}/e/arc/a8280271.fits"]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    run = spectra("-r", "inline", "list.txt", "--lamps", "Xe", cwd=tmp_path)
    assert run.status == 1
    assert run.accounts() == {
        "gmos": "no-trace", "gmos-variance": "no-trace", "stars": "no-trace", "mef": "no-trace",
        "flat": "no-trace", "flat-as-lamp": "no-wavelengths", "other-camera": "companion-mismatch"}
