"""Sky maps: cells and discs against healpy, patches, and what is measured in them."""

import re
import sys

import healpy as hp
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import ROOT, command
from skies import catalogue, scattered, sky_with, write_sky

from mr_extract.around.brightness import jy_per_sr
from mr_extract.around.measuring import Radii, measure_field
from mr_extract.failures import ImageFailure
from mr_extract.jobs.photometry import WORK
from mr_extract.settings.photometry import PhotometrySettings
from mr_extract.skymaps.cells import EqualAngles, EqualAreas
from mr_extract.skymaps.files import opened_map
from mr_extract.skymaps.pixels import nested_of, pixels_at, ring_of, unit_vectors
from mr_extract.skymaps.rings import rings_of
from mr_extract.skymaps.runs import expanded
from mr_extract.skymaps.sky_map import SkyMap, sky_map

# At the poles, at longitude 0, on borders and corners of cells, and anywhere.
PLACES = np.array([(0.0, 90.0), (123.0, -90.0), (0.0, 0.0), (359.999999, 20.0), (10.0, 10.0),
                   (40.0, 45.0), (45.0, 80.0), (77.7, -80.0), (200.0, 89.5), (300.3, -41.2),
                   (350.0, -89.99), (0.001, -10.0)]).T


def python(*words, cwd, path=ROOT, **more):
    return command([sys.executable, "-m", *words], cwd=cwd,
                   env={"PYTHONPATH": f"{ROOT}:{path}"}, **more)


def photometry(*words, cwd, **more):
    return python("mr_extract.jobs.photometry", "--quiet", *words, cwd=cwd, **more)


def rows_of(run):
    names, *rows = (line.split("\t") for line in run.lines if not line.startswith("#"))
    return [dict(zip(names, row)) for row in rows]


def measured(run):
    """Map the number of each source to its row without the image."""
    rows = rows_of(run)
    assert len({row["number"] for row in rows}) == len(rows), "a source is there twice"
    return {int(row.pop("number")): {k: v for k, v in row.items() if k != "image"} for row in rows}


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A folder with a map (RING and NESTED), its catalogue, and patches of both."""
    folder = tmp_path_factory.mktemp("sky")
    rng = np.random.default_rng(5)
    longitude, latitude = np.concatenate([PLACES, scattered(rng, 30, 8.0)], axis=1)
    flux = rng.uniform(5.0, 30.0, len(longitude))
    content = sky_with(longitude, latitude, flux, 128, 60.0)
    for name, nested in (("ring", False), ("nested", True)):
        write_sky(folder / f"{name}.fits", content, nested)
    catalogue(longitude, latitude, flux).write(folder / "sources.fits")
    run = python("preprocess", "patches", "ring.fits", "nested.fits", "--margin", "2", "--size",
                 "60", "--sources", "sources.fits", "-o", "patches", cwd=folder)
    assert run.status == 0, run.err
    assert "36 patches of 2 maps" in run.err
    return folder


OPTIONS = ("--sources", "sources.fits", "--frequency", "30", "--beam", "60", "--radius", "60",
           "--annulus", "80,115")


@pytest.fixture(scope="module")
def whole(sky):
    run = photometry("ring.fits", *OPTIONS, cwd=sky)
    assert run.status == 0, run.err
    return run


@pytest.mark.parametrize("nside", [1, 2, 32, 1024])
def test_discs_hold_what_healpy_finds_in_them(nside):
    rng = np.random.default_rng(nside)
    rings = rings_of(nside)
    assert rings.count.sum() == 12 * nside**2
    for k in range(100):
        longitude, latitude = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-1, 1)))
        latitude = rng.uniform(89, 90) * (-1) ** k if k % 5 == 0 else latitude
        radius = rng.choice([0.2, 3.0, 5.0 if nside > 32 else 170.0])
        ours = expanded(*rings.disc(longitude, latitude, radius))
        theirs = hp.query_disc(nside, hp.ang2vec(longitude, latitude, lonlat=True),
                               np.radians(radius))
        assert len(np.unique(ours)) == len(ours)
        assert np.isin(theirs, ours).all()


@pytest.mark.parametrize("nside", [1, 2, 16, 128, 8192])
def test_numbers_and_centres_are_healpys(nside):
    every = np.arange(12 * nside**2) if nside < 1000 else np.random.default_rng(1).integers(
        0, 12 * nside**2, 20000)
    assert np.array_equal(nested_of(every, nside), hp.ring2nest(nside, every))
    assert np.array_equal(ring_of(every, nside), hp.nest2ring(nside, every))
    for nested in (False, True):
        theirs = hp.pix2vec(nside, every, nest=nested)
        assert np.abs(unit_vectors(every, nside, nested) - theirs).max() < 2e-15
    places = hp.pix2ang(nside, every, nest=True, lonlat=True)
    assert np.array_equal(pixels_at(*places, nside), every)


@pytest.mark.parametrize("grid", [EqualAngles(10), EqualAngles(45), EqualAreas(1), EqualAreas(8)],
                         ids=lambda grid: grid.card)
def test_each_pixel_is_in_one_cell_and_each_patch_has_all_within_its_margin(grid):
    nside, margin = 64, 3.0
    cores = [expanded(*grid.core(cell, nside)) for cell in range(grid.number)]
    assert np.array_equal(np.sort(np.concatenate(cores)), np.arange(12 * nside**2))
    rng = np.random.default_rng(8)
    for cell in rng.choice(grid.number, min(grid.number, 12), replace=False):
        patch = expanded(*grid.runs(cell, nside, margin))
        assert np.array_equal(np.unique(patch), patch)
        assert np.isin(cores[cell], patch).all()
        for pixel in rng.choice(cores[cell], 5):
            near = hp.query_disc(nside, hp.pix2vec(nside, pixel), np.radians(margin))
            assert np.isin(near, patch).all()
    longitude, latitude = PLACES
    cells = grid.cells_of(longitude, latitude)
    for cell, place in zip(cells, PLACES.T):  # places on borders, which no centre is on
        near = hp.query_disc(nside, hp.ang2vec(*place, lonlat=True), np.radians(margin))
        assert np.isin(near, expanded(*grid.runs(cell, nside, margin))).all()


def test_there_are_648_patches_of_ten_degrees_called_as_ever():
    grid = EqualAngles(10)
    assert grid.number == 648
    assert grid.name(grid.cells_of(np.array([25.0]), np.array([45.0]))[0]) == "045_025"


def test_a_patch_is_a_healpix_map_with_the_bytes_of_the_whole(sky):
    for name in ("ring", "nested"):
        content = hp.read_map(sky / f"{name}.fits", dtype=None)
        patch = sky / "patches" / f"{name}_030_090"
        part = hp.read_map(patch, partial=True, dtype=None)
        seen = part != hp.UNSEEN
        assert len(part) / 20 < seen.sum() < len(part) / 8
        assert np.array_equal(part[seen], content[seen])
        header = fits.getheader(patch, 1)
        assert (header["TUNIT2"], header["COORDSYS"], header["NSIDE"]) == ("K_CMB", "G", 128)
        assert fits.open(patch, checksum=True)[1].verify_datasum() == 1


def test_several_fields_blanks_and_partial_skies_go_along(tmp_path):
    rng = np.random.default_rng(2)
    stokes = rng.normal(size=(3, 12 * 32**2)).astype(np.float32)
    stokes[0, 100], stokes[1, 200] = hp.UNSEEN, np.nan
    hp.write_map(tmp_path / "iqu.fits", stokes, coord="G", column_units=["mK", "mK", "MJy/sr"],
                 dtype=np.float32)
    partial = np.full(stokes.shape[1], hp.UNSEEN)
    partial[3000:5000] = stokes[0, 3000:5000]
    hp.write_map(tmp_path / "part.fits", partial, coord="G", partial=True, dtype=np.float32)
    with open(tmp_path / "iqu.fits", "rb") as file, __import__("gzip").open(
            tmp_path / "packed.fits.gz", "wb") as packed:
        packed.write(file.read())
    run = python("preprocess", "patches", "iqu.fits", "part.fits", "packed.fits.gz", "--size", "60",
                 "-o", "out", cwd=tmp_path)
    assert run.status == 0, run.err
    back, seen = np.zeros_like(stokes), np.zeros(stokes.shape[1], bool)
    total = 0
    for path in sorted((tmp_path / "out").glob("iqu_*")):
        rows, header = fits.getdata(path, 1), fits.getheader(path, 1)
        assert [header[f"TUNIT{k}"] for k in (2, 3, 4)] == ["mK", "mK", "MJy/sr"]
        for k in range(3):
            back[k, rows["PIXEL"]] = rows.field(k + 1)
        seen[rows["PIXEL"]] = True
        other = path.parent / path.name.replace("iqu", "packed")
        assert other.read_bytes() == path.read_bytes()
        total += len(fits.getdata(path.parent / path.name.replace("iqu", "part"), 1))
    assert seen.all() and np.array_equal(back, stokes, equal_nan=True)
    assert total >= 2000


@pytest.mark.parametrize("name", ["ring", "nested"])
def test_patches_give_what_the_whole_map_gives_to_the_last_digit(sky, whole, name):
    lines = [line for line in (sky / "patches/manifest.txt").read_text().splitlines()
             if f"/{name}_" in line]
    run = photometry("-", *OPTIONS, cwd=sky, stdin="\n".join(lines).encode())
    assert run.status == 0, run.err
    ours, theirs = measured(run), measured(whole)
    assert list(theirs) == list(range(1, 43)) and ours.keys() == theirs.keys()
    for number, row in theirs.items():
        assert ours[number] == row
    counted = {line.split("\t")[0]: int(line.split("catalogued=")[1]) for line in lines}
    found = [row["image"] for row in rows_of(run)]
    assert {image: found.count(image) for image in counted} == counted


def test_cells_of_equal_area_give_the_same(sky, whole):
    cut = python("preprocess", "patches", "ring.fits", "--margin", "2", "--healpix", "2", "-o",
                 "areas", cwd=sky)
    assert cut.status == 0 and "48 patches" in cut.err
    assert measured(photometry("areas/manifest.txt", *OPTIONS, cwd=sky)) == measured(whole)


def test_processes_of_their_own_give_the_same(sky):
    inline = photometry("patches/manifest.txt", *OPTIONS, cwd=sky)
    assert inline.status == 0 and len(rows_of(inline)) == 84
    local = photometry("-r", "local", "--jobs", "2", "patches/manifest.txt", *OPTIONS, cwd=sky)
    assert local.out == inline.out


def test_one_patch_through_the_mapper_alone(sky):
    run = photometry("--mapper", "--reduce", "none", "--long", *OPTIONS, cwd=sky,
                     stdin=b"patches/ring_030_030")
    keys = [line.split("\t")[1:] for line in run.lines if not line.startswith("#")]
    values = {key: float(value) for key, value in keys}
    means = [key for key in values if key.endswith("_60arcminmean")]
    assert run.status == 0, run.err
    assert means and all(key.startswith("PCCS1 030 G0") for key in means)


def test_statistics_are_those_of_healpys_discs_on_the_maps_of_wmap(shared_data, tmp_path):
    path = shared_data / "f/wmap/wmap_band_iqumap_r9_7yr_W_v4_udgraded32_masked.fits"
    content, header = hp.read_map(path, dtype=None, nest=None, h=True)
    nested = dict(header)["ORDERING"].startswith("NEST")
    file = opened_map(path.read_bytes(), coordsys="G")
    field = sky_map(file)
    rng = np.random.default_rng(4)
    longitude, latitude = scattered(rng, 60, 5.0)
    found = measure_field(field, longitude, latitude, Radii(300, 300, 400, 700, 300), 1.0)
    empty = 0
    for k, place in enumerate(zip(longitude, latitude)):
        disc = hp.query_disc(32, hp.ang2vec(*place, lonlat=True), np.radians(5.0), nest=nested)
        values = content[disc].astype(float)
        good = values[values > -1e30]
        assert found["pixels"][k] == len(good)
        assert found["unseen"][k] == len(disc) - len(good)
        if not len(good):
            empty += 1
            assert np.isnan(found["mean"][k]) and found["flag"][k] & 2
            continue
        for name, function in (("mean", np.mean), ("median", np.median), ("least", np.min),
                               ("greatest", np.max), ("rms", np.std)):
            assert found[name][k] == pytest.approx(function(good), rel=1e-12, abs=1e-15), name
    assert empty < 30


def test_apertures_are_those_of_photutils_on_a_gnomonic_projection(tmp_path):
    from astropy.wcs import WCS
    from photutils.aperture import CircularAnnulus, CircularAperture, aperture_photometry

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [83.0, 22.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [151.0, 141.0], [-1 / 60, 1 / 60]
    rng = np.random.default_rng(7)
    data = rng.normal(3.0, 0.1, (280, 300)).astype(np.float32)
    fits.PrimaryHDU(data, wcs.to_header()).writeto(tmp_path / "tan.fits")
    with fits.open(tmp_path / "tan.fits", "update") as units:
        units[0].header["BUNIT"] = "MJy/sr"
    # Near the middle, where a pixel is an arcminute to a part in 100,000.
    sky = wcs.pixel_to_world([150.0, 155.2, 140.7], [140.0, 133.3, 149.9])
    Table({"ra": sky.ra.deg, "dec": sky.dec.deg}).write(tmp_path / "list.csv")
    run = photometry("tan.fits", "--sources", "list.csv", "--radius", "5.3", "--aperture", "6.3",
                     "--annulus", "8.3,12.3", cwd=tmp_path)
    assert run.status == 0, run.err
    xy = np.array(wcs.world_to_pixel(sky)).T
    sums = aperture_photometry(data, CircularAperture(xy, 6.3), method="center")["aperture_sum"]
    for row, total, ring, circle in zip(rows_of(run), sums, CircularAnnulus(xy, 8.3, 12.3),
                                        CircularAperture(xy, 5.3)):
        values = ring.to_mask(method="center").get_values(data).astype(float)
        middle = np.median(values)
        kept = values[np.abs(values - middle) <= 3 * 1.482602 * np.median(
            np.abs(values - middle))]
        count = int(row["pixels_aper"])
        assert float(row["background"]) == pytest.approx(kept.mean(), rel=1e-6)
        assert float(row["sum_aper"]) == pytest.approx(total - count * kept.mean(), abs=2e-4)
        inside = circle.to_mask(method="center").get_values(data).astype(float)
        assert int(row["pixels"]) == len(inside)
        assert float(row["mean"]) == pytest.approx(inside.mean(), rel=1e-6)
        assert float(row["flux_aper"]) == pytest.approx(
            float(row["sum_aper"]) * np.radians(1 / 60) ** 2 * 1e6, rel=1e-4)


def test_fluxes_and_centres_are_true_within_their_errors():
    fwhm, nside, rng = 30.0, 1024, np.random.default_rng(11)
    longitude, latitude = scattered(rng, 1500, 3.0)
    flux = rng.uniform(3.0, 10.0, len(longitude))
    content = sky_with(longitude, latitude, flux, nside, fwhm)
    field = SkyMap(nside, False, "galactic", "K_CMB", content)
    radii = Radii(10.0, fwhm, 1.25 * fwhm, 1.75 * fwhm, 1.25 * fwhm, fwhm)
    factor, _ = jy_per_sr("K_CMB", 30.0)
    found = measure_field(field, longitude, latitude, radii, factor)
    assert (found["flag"] == 0).all()
    for kind in ("aper", "fit"):
        ratio = found[f"flux_{kind}"] / flux
        assert np.mean(ratio) == pytest.approx(1.0, abs=0.01)
        pulls = (found[f"flux_{kind}"] - flux) / found[f"fluxerr_{kind}"]
        assert 0.95 < pulls.std() < 1.05 and abs(pulls.mean()) < 4 / np.sqrt(len(pulls)), kind
    for axis in ("lon", "lat"):
        pulls = found[f"offset_{axis}"] / found[f"offset_{axis}_err"]
        assert 0.95 < pulls.std() < 1.05 and abs(pulls.mean()) < 4 / np.sqrt(len(pulls))
    assert np.mean(found["fwhm_fit"]) == pytest.approx(fwhm, rel=0.01)
    reduced = found["chi2_fit"] / found["dof_fit"]
    assert np.mean(reduced) == pytest.approx(1.0, abs=0.02)


def test_units_are_those_of_the_textbooks():
    # Planck 2013 IX: 287.45 (217 GHz x 483.69) MJy/sr a K_CMB are of bands; these of one frequency.
    from astropy import units as u
    from astropy.cosmology import units as cu  # noqa: F401  as astropy has equivalencies of both

    for frequency in (28.4, 100.0, 353.0):
        theirs = (1 * u.K).to(u.Jy / u.sr, u.thermodynamic_temperature(
            frequency * u.GHz, 2.72548 * u.K))
        assert jy_per_sr("K_CMB", frequency)[0] == pytest.approx(theirs.value, rel=1e-9)
        theirs = (1 * u.mK).to(u.Jy / u.sr, u.brightness_temperature(frequency * u.GHz))
        assert jy_per_sr("mK_RJ", frequency)[0] == pytest.approx(theirs.value, rel=1e-9)
    assert jy_per_sr("MJy/sr")[0] == 1e6
    assert jy_per_sr("Jy/beam", beam_area=0.5)[0] == 2.0
    assert jy_per_sr("Jy/pixel")[0](0.25) == 4.0
    assert np.isnan(jy_per_sr("counts")[0]) and np.isnan(jy_per_sr("K_CMB")[0])


def test_a_catalogue_in_any_format_and_coordinates_gives_the_same(sky, whole):
    from astropy.coordinates import SkyCoord

    table = Table.read(sky / "sources.fits")
    place = SkyCoord(table["GLON"], table["GLAT"], frame="galactic", unit="deg").icrs
    other = Table({"NAME": table["NAME"], "ra": place.ra.deg, "dec": place.dec.deg})
    other.write(sky / "icrs.xml", format="votable")
    table.write(sky / "galactic.csv")
    table.rename_columns(["GLON", "GLAT"], ["u", "v"])
    table.write(sky / "odd.csv")
    theirs = measured(whole)
    for words in (["galactic.csv"], ["odd.csv", "--source-columns", "u,v,NAME", "--source-coord",
                                     "galactic"], ["icrs.xml"]):
        run = photometry("ring.fits", *OPTIONS, "--sources", *words, cwd=sky)
        ours = measured(run)
        assert ours.keys() == theirs.keys()
        said = "converted-positions:icrs to galactic" in run.out.decode()
        assert said == (words == ["icrs.xml"])
        for number, row in theirs.items():
            if words != ["icrs.xml"]:
                assert ours[number] == row
            assert float(ours[number]["flux_aper"]) == pytest.approx(float(row["flux_aper"]),
                                                                     rel=1e-5)


def test_a_statistic_of_ones_own(sky, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def spread(values, x, y):\n"
                                      "    return values.max() - values.min()\n")
    run = photometry("-r", "local", "ring.fits", *OPTIONS, "--function", "mine:spread", cwd=sky,
                     path=tmp_path)
    assert run.status == 0, run.err
    for row in rows_of(run):
        assert float(row["function"]) == float(row["greatest"]) - float(row["least"])
    # What clusters bring to their nodes.
    monkeypatch.syspath_prepend(str(tmp_path))
    config = PhotometrySettings().updated(function="mine:spread")
    assert WORK.modules(config, {}) == {"mine.py": tmp_path / "mine.py"}
    refused = photometry("ring.fits", *OPTIONS, "--function", "nothing:here", cwd=sky)
    assert refused.status == 2 and refused.err.count("\n") == 1


def test_a_statistic_that_kills_its_process_costs_its_patch_alone(sky, tmp_path):
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "def always(values, x, y):\n"
        "    os.kill(os.getpid(), 9)\n"
        "def once(values, x, y):\n"
        f"    if not os.path.exists({str(tmp_path / 'dead')!r}):\n"
        f"        os.mkdir({str(tmp_path / 'dead')!r})\n"
        "        always(values, x, y)\n"
        "    return 1.0\n")
    Table({"GLON": [200.0], "GLAT": [-60.0]}).write(tmp_path / "elsewhere.csv")
    lines = (f"patches/ring_030_030\tid=a\npatches/ring_030_030\tid=b\t"
             f"positions={tmp_path}/elsewhere.csv\n")
    for name, kind in (("always", "killed"), ("once", "")):
        run = photometry("-r", "local", *OPTIONS, "--function", f"deadly:{name}", "-", cwd=sky,
                         path=tmp_path, stdin=lines.encode())
        assert run.accounts() == {"a": kind, "b": ""}, run.err
    assert {float(row["function"]) for row in rows_of(run)} == {1.0}


def test_published_lists_of_planck_are_cut_as_they_are(tmp_path):
    from preprocess.__main__ import main

    assert main(["lists", "planck-maps", "--base", str(tmp_path), "-o",
                 str(tmp_path / "maps.txt")]) == 0
    lines = (tmp_path / "maps.txt").read_text().splitlines()
    maps = [line.split("\t")[0] for line in lines if not line.startswith("#")]
    for path in maps:
        write_sky(path, np.arange(12 * 16**2), nested=True)
    run = python("preprocess", "patches", "maps.txt", "--size", "90", "-o", "patches", cwd=tmp_path)
    assert run.status == 0, run.err
    assert "72 patches of 9 maps" in run.err
    assert (tmp_path / "patches/857_045_315").exists()
    Table({"GLON": [10.0], "GLAT": [80.0]}).write(tmp_path / "one.csv")
    found = photometry("patches/manifest.txt", "--sources", "one.csv", "--radius", "50",
                       "--aperture", "20", cwd=tmp_path)
    assert found.status == 0 and len(rows_of(found)) == 9
    assert "frequency_ghz=857" in found.out.decode()


def _changed(path, to, **cards):
    with fits.open(path) as units:
        for name, value in cards.items():
            if value is None:
                del units[1].header[name]
            else:
                units[1].header[name] = value
        units.writeto(to, output_verify="ignore")


@pytest.mark.parametrize("cards, words", [
    ({"ORDERING": None}, "no ORDERING"), ({"ORDERING": "SPIRAL"}, "neither RING nor NESTED"),
    ({"NSIDE": 64}, "NSIDE = 64 means"), ({"NSIDE": 100}, "no power of two"),
    ({"NSIDE": None, "PIXTYPE": "HEALPIX"}, "no NSIDE"), ({"COORDSYS": None}, "no COORDSYS"),
    ({"COORDSYS": "X"}, "none of G, C, E"),
])
def test_a_map_that_does_not_say_what_it_must_is_a_named_failure(sky, tmp_path, cards, words):
    _changed(sky / "ring.fits", tmp_path / "bad.fits", **cards)
    with pytest.raises(ImageFailure, match=words) as raised:
        opened_map((tmp_path / "bad.fits").read_bytes())
    assert raised.value.kind == "bad-map"


def test_the_commands_name_what_is_wrong(sky, tmp_path):
    _changed(sky / "ring.fits", tmp_path / "bad.fits", ORDERING=None)
    run = python("preprocess", "patches", tmp_path / "bad.fits", "-o", tmp_path / "out", cwd=sky)
    assert run.status == 1 and "no ORDERING" in run.err and not (tmp_path / "out").exists()
    again = python("preprocess", "patches", tmp_path / "bad.fits", "--ordering", "ring", "--size",
                   "90", "-o", tmp_path / "out", cwd=sky)
    assert again.status == 0, again.err
    for words in (["--size", "7"], ["--healpix", "3"], ["--margin", "-1"]):
        refused = python("preprocess", "patches", "ring.fits", "-o", tmp_path / "x", *words,
                         cwd=sky)
        assert refused.status == 2 and words[0] in refused.err

    patch = (sky / "patches/ring_030_030").read_bytes()
    (tmp_path / "short").write_bytes(patch[:-2880])
    (tmp_path / "flipped").write_bytes(patch[:6000] + bytes([patch[6000] ^ 4]) + patch[6001:])
    (tmp_path / "table").write_bytes((sky / "sources.fits").read_bytes())
    names = ["short", "flipped", "table", "absent"]
    run = photometry("-", *OPTIONS, cwd=sky,
                     stdin="\n".join(str(tmp_path / name) for name in names).encode())
    assert run.status == 1
    assert [run.accounts()[str(tmp_path / name)] for name in names] == [
        "truncated", "corrupt", "no-image", "fetch-not-found"]
    narrow = photometry("-", *OPTIONS, "--annulus", "100,125", cwd=sky,
                        stdin=b"patches/ring_030_030")
    assert list(narrow.accounts().values()) == ["narrow-margin"]
    (tmp_path / "odd.csv").write_text("name,u,v\na,1,2\n")
    refused = photometry("ring.fits", "--sources", tmp_path / "odd.csv", cwd=sky)
    assert refused.status == 2 and "no columns ra and dec, nor GLON and GLAT" in refused.err


def test_sources_on_unseen_pixels_have_rows_that_say_so(tmp_path):
    content = np.random.default_rng(1).normal(0, 1e-5, 12 * 64**2)
    content[hp.query_disc(64, hp.ang2vec(50.0, 30.0, lonlat=True), 0.1)] = hp.UNSEEN
    write_sky(tmp_path / "map.fits", content, coord="C")
    Table({"GLON": [150.0, 20.0], "GLAT": [30.0, -20.0]}).write(tmp_path / "far.csv")
    Table({"ra": [50.0, 20.0], "dec": [30.0, -20.0]}).write(tmp_path / "list.csv")
    run = photometry("map.fits", "--sources", "list.csv", "--radius", "120", cwd=tmp_path)
    unseen, seen = rows_of(run)
    assert int(unseen["flag"]) & 7 == 7 and unseen["mean"] == "nan" and unseen["pixels"] == "0"
    assert int(seen["flag"]) & 7 == 0 and seen["flux_aper"] == "nan"
    assert "no-flux-unit:kelvins need the frequency" in run.out.decode()
    assert re.search(r"\tfailed_rows=[12]\t", run.out.decode())
    run = photometry("map.fits", "--sources", "far.csv", "--radius", "120", cwd=tmp_path)
    assert run.status == 0 and "converted-positions:galactic to icrs" in run.out.decode()


def test_what_a_line_names_and_is_not_used_or_cannot_be_used_is_said(sky, tmp_path):
    (tmp_path / "odd.csv").write_text("name,u,v\na,1,2\n")
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 30.0,
                          "CRVAL2": 10.0, "CRPIX1": 30.5, "CRPIX2": 30.5, "CDELT1": -0.02,
                          "CDELT2": 0.02, "BUNIT": "Jy/pixel"})
    pixels = np.ones((60, 60), np.float32)
    fits.writeto(tmp_path / "image.fits", pixels, header)
    fits.writeto(tmp_path / "flags.fits", np.zeros((60, 60), np.int16))
    fits.writeto(tmp_path / "bare.fits", pixels)
    Table({"ra": [30.0, 30.55], "dec": [10.0, 10.0]}).write(tmp_path / "list.csv")
    patch = f"{sky}/patches/ring_030_030"
    lines = [f"{patch}\tid=masked\tmask=m.fits\thits=h.fits", f"{patch}\tid=odd\tpositions=odd.csv",
             f"{patch}\tid=none\tpositions=none.csv", f"{patch}\tid=beam\tbeam=wide",
             "image.fits\tpositions=list.csv\tflags=flags.fits", "bare.fits\tpositions=list.csv"]
    run = photometry("-", *OPTIONS[2:4], "--sources", sky / "sources.fits", "--radius", "3",
                     "--annulus", "10,20", cwd=tmp_path, stdin="\n".join(lines).encode())
    assert run.status == 1 and run.accounts() == {
        "masked": "", "odd": "bad-list", "none": "fetch-not-found", "beam": "malformed-line",
        "image.fits": "", "bare.fits": "no-wcs"}
    said = {line.split("\t")[1]: line for line in run.lines if line.startswith("#image")}
    assert "not-used:the field mask, as sky maps have none" in said["masked"]
    assert "not-used:the field flags, as catalogued sources have no use for it" in said[
        "image.fits"]
    inside, beside = (row for row in rows_of(run) if row["image"] == "image.fits")
    assert int(inside["flag"]) & 7 == 0 and float(inside["mean"]) == 1.0
    assert int(beside["flag"]) & 1 and float(inside["flux_aper"]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("pixels, words", [
    ([5, 9, 5], "a pixel is there twice"), ([5, 9, 12 * 16**2], "numbered from 5 to 3072"),
    ([5, 9, -1], "numbered from -1 to 9")])
def test_a_partial_sky_whose_numbers_are_wrong_is_a_named_failure(tmp_path, pixels, words):
    unit = fits.BinTableHDU.from_columns([
        fits.Column("PIXEL", "J", array=pixels), fits.Column("I", "E", array=[1.0, 2.0, 3.0])])
    unit.header.update(PIXTYPE="HEALPIX", ORDERING="RING", COORDSYS="G", NSIDE=16,
                       INDXSCHM="EXPLICIT")
    unit.writeto(tmp_path / "part.fits")
    with pytest.raises(ImageFailure, match=words) as raised:
        sky_map(opened_map((tmp_path / "part.fits").read_bytes()))
    assert raised.value.kind == "bad-map"


def test_frames_are_turned_as_astropy_turns_them():
    from astropy.coordinates import SkyCoord

    from mr_extract.astrometry.frames import converted

    known = {"icrs": "icrs", "galactic": "galactic", "ecliptic": "barycentricmeanecliptic"}
    for frame, theirs in known.items():
        for to, name in known.items():
            ours = SkyCoord(*converted(*PLACES, frame, to), frame=name, unit="deg")
            expected = SkyCoord(*PLACES, frame=theirs, unit="deg").transform_to(name)
            assert ours.separation(expected).arcsec.max() < 1e-6
