"""The numbers are SExtractor's, where both mean the same: its catalogue, and the program itself."""

import re
import subprocess

import numpy as np
import pytest
from astropy.coordinates import FK5, SkyCoord
from astropy.io import fits
from stars import star_field

from mr_extract import Config, extract
from mr_extract.unpacking import unpack

# Columns of both, by SExtractor's name. Its catalogues are text: positions have
# four decimals, moments and radii three or two, fluxes seven digits.
NAMES = {
    "X_IMAGE": "x", "Y_IMAGE": "y", "XWIN_IMAGE": "x_win", "YWIN_IMAGE": "y_win",
    "A_IMAGE": "a", "B_IMAGE": "b", "THETA_IMAGE": "theta", "X2_IMAGE": "x2", "Y2_IMAGE": "y2",
    "XY_IMAGE": "xy", "ERRX2_IMAGE": "errx2", "ERRY2_IMAGE": "erry2", "ISOAREAF_IMAGE": "npix",
    "FLUX_MAX": "peak", "FLUX_ISO": "flux_iso", "FLUXERR_ISO": "fluxerr_iso",
    "FLUX_APER": "flux_aper_1", "FLUXERR_APER": "fluxerr_aper_1", "MAG_APER": "mag_aper_1",
    "MAGERR_APER": "magerr_aper_1", "KRON_RADIUS": "kron_radius", "FLUX_AUTO": "flux_auto",
    "FLUXERR_AUTO": "fluxerr_auto", "MAG_AUTO": "mag_auto", "FLUX_RADIUS": "flux_radius_1",
    "BACKGROUND": "background", "THRESHOLD": "threshold", "ALPHA_J2000": "ra",
    "DELTA_J2000": "dec", "FLAGS": "flag",
}
KERNEL = "CONV NORM\n1 2 1\n2 4 2\n1 2 1\n"
WINDOW = 2.0 / 2.35  # the window's sigma in half-light radii


def pairs(table, catalog, x="X_IMAGE", y="Y_IMAGE"):
    """Rows of both that are of one source: each is the other's nearest, within a pixel."""
    distance = np.hypot(np.asarray(table["x"]) - (catalog[x][:, None] - 1),
                        np.asarray(table["y"]) - (catalog[y][:, None] - 1))
    nearest, back = distance.argmin(1), distance.argmin(0)
    theirs = np.arange(len(nearest))
    mutual = (back[nearest] == theirs) & (distance[theirs, nearest] < 1)
    return theirs[mutual], nearest[mutual]


# ---- a catalogue that SExtractor 2.8.6 made of a real frame, long ago

OLD = ("number x y x_win y_win x2 y2 xy errx2 erry2 errxy a flux_aper_1 fluxerr_aper_1 "
       "kron_radius flux_auto fluxerr_auto flux_radius_1 flux_radius_2 flux_radius_3 flag").split()
OLD_TOLERANCES = {
    # rel, abs: half of the last printed digit, and the rounding of single precision
    "x": (0, 1e-4), "y": (0, 1e-4), "x2": (1e-5, 1e-5), "y2": (1e-5, 1e-5), "xy": (1e-5, 1e-5),
    "errx2": (1e-5, 1e-7), "erry2": (1e-5, 1e-7), "errxy": (1e-4, 1e-7), "a": (0, 6e-4),
    "flux_aper_1": (2e-6, 0), "fluxerr_aper_1": (1e-6, 0), "flux_auto": (2e-6, 0),
    "fluxerr_auto": (1e-6, 0), "kron_radius": (0, 0.0051), "flux_radius_1": (0, 6e-4),
    "flux_radius_2": (0, 6e-4), "flux_radius_3": (0, 6e-4),
}


@pytest.fixture(scope="module")
def old(request):
    """The frame's sources, and the catalogue's, in the same order."""
    folder = request.getfixturevalue("shared_data") / "c" / "sep"
    cells = np.loadtxt(folder / "image.cat")
    catalog = {name: cells[:, k] for k, name in enumerate(OLD)}
    config = Config().updated(
        columns=("all",), apertures=(10.0,), kron_min_radius=0.0, deblend_cont=1.0,
        flux_fractions=(0.1, 0.5, 0.6), gain_key="", satur_key="", neighbours="none",
    )
    table = extract(folder / "image.fits", config)
    assert len(table) == len(cells) == 65, "the same sources, neither more nor fewer"
    theirs, ours = pairs(table, catalog, "x", "y")
    assert len(theirs) == 65
    return table[ours], {name: values[theirs] for name, values in catalog.items()}


def no_kron(catalog):
    # SExtractor says 0 for a tiny source whose radius it could not measure.
    return catalog["kron_radius"] == 0


@pytest.mark.parametrize("name", OLD_TOLERANCES)
def test_a_published_catalogue_is_met(shared_data, old, name):
    table, catalog = old
    relative, absolute = OLD_TOLERANCES[name]
    offset = 1 if name in ("x", "y") else 0  # SExtractor's first pixel is 1
    ours, theirs = np.asarray(table[name], float) + offset, catalog[name]
    if name == "kron_radius" or name.startswith("flux_radius"):
        assert no_kron(catalog).sum() == 1
        ours, theirs = ours[~no_kron(catalog)], theirs[~no_kron(catalog)]
    assert (np.abs(ours - theirs) <= relative * np.abs(theirs) + absolute).all()


def test_the_windowed_positions_of_a_published_catalogue_are_met(shared_data, old):
    table, catalog = old
    # Where the half-light radius is that of a group, our window is smaller by design.
    same = WINDOW * table["flux_radius_2"] <= 2 * table["a"]
    assert same.sum() > 40
    for name in ("x_win", "y_win"):
        apart = np.abs(np.asarray(table[name]) + 1 - catalog[name])[same]
        assert np.isnan(apart).sum() <= 1, "one has left its source, in SExtractor too"
        # SExtractor stops when a step is below 1e-4 pixels, of which it goes two at a time.
        assert np.nanmax(apart) < 5e-4 and np.nanmedian(apart) < 5e-5


def test_the_flags_of_a_published_catalogue_are_met(shared_data, old):
    table, catalog = old
    flag, bits = np.asarray(table["flag"]), catalog["flag"].astype(int)
    assert ((flag & 0x100 > 0) == (bits & 4 > 0)).all() and (bits & 4).any()  # saturated
    assert ((flag & 0x002 > 0) == (bits & 8 > 0)).all() and (bits & 8).any()  # on the border


# ---- the program itself


def sextractor(data, header, folder):
    """Run the program with its own default settings; return columns, level and rms."""
    fits.writeto(folder / "frame.fits", data, header, output_verify="silentfix")
    defaults = subprocess.run(["source-extractor", "-d"], capture_output=True, text=True)
    (folder / "default.sex").write_text(defaults.stdout)
    (folder / "default.conv").write_text(KERNEL)
    (folder / "default.param").write_text("\n".join(NAMES) + "\n")
    done = subprocess.run(
        ["source-extractor", "frame.fits", "-MASK_TYPE", "NONE"],
        cwd=folder, capture_output=True, text=True, timeout=240,
    )
    said = re.search(r"Background: (\S+)\s+RMS: (\S+)", done.stdout + done.stderr)
    cells = np.loadtxt(folder / "test.cat", ndmin=2)
    columns = {name: cells[:, k] for k, name in enumerate(NAMES)}
    return columns, float(said[1]), float(said[2])


def simulated(shared):
    field = star_field(31, np.geomspace(300, 2e5, 324))
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
             "CRPIX1": 380.0, "CRPIX2": 380.0, "CD1_1": -1e-4, "CD2_2": 1e-4, "GAIN": 4.0}
    return field.data, fits.Header(cards)


def real(path, ext=0):
    def read(shared):
        with fits.HDUList.fromstring(bytes(unpack((shared / path).read_bytes()))) as units:
            return units[ext].data, units[ext].header
    return read


# frame, least share of sources in common, least number of sources that are without flags
FRAMES = {
    "simulated": (simulated, 1.0, 300),
    "sdss": (real("a/obs_sdss/fpC-005754-r3-0280.fit.gz"), 0.99, 200),
    "cfht": (real("b/cfht/CFHTLS-test_g.fits"), 0.99, 60),
    # Crowded, a third of it nebula: SExtractor deblends by random numbers.
    "2mass": (real("b/2mass/aK_asky_990502s1420186.fits.gz"), 0.98, 400),
    # A slit: cosmic rays on a spectrum, nearly all of them blended.
    "gmos": (real("d/gmos/gmos.fits", 1), 0.9, 0),
}


@pytest.fixture(scope="module", params=FRAMES)
def both(request, tmp_path_factory):
    read, common, clean = FRAMES[request.param]
    shared = None if request.param == "simulated" else request.getfixturevalue("shared_data")
    data, header = read(shared)
    catalog, level, rms = sextractor(data, header, tmp_path_factory.mktemp(request.param))
    return {
        "name": request.param, "table": extract(
            fits.PrimaryHDU(data, header), columns=("all",), neighbours="none"),
        "catalog": catalog, "level": level, "rms": rms, "common": common, "clean": clean,
        "shape": data.shape,
    }


def clean_pairs(both):
    """Columns of the sources that neither program has a flag for."""
    theirs, ours = pairs(both["table"], both["catalog"])
    good = (both["catalog"]["FLAGS"][theirs] == 0) & (np.asarray(both["table"]["flag"])[ours] == 0)
    catalog = {name: values[theirs][good] for name, values in both["catalog"].items()}
    return both["table"][ours][good], catalog


@pytest.mark.needs("sextractor")
class TestTheProgram:
    def test_sees_the_same_background_and_noise(self, both):
        meta = both["table"].meta
        assert abs(meta["background"] - both["level"]) < 1e-4 * both["rms"] + 1e-5 * both["level"]
        assert meta["rms"] == pytest.approx(both["rms"], rel=1e-5)
        assert np.allclose(both["table"]["threshold"], both["catalog"]["THRESHOLD"][0], rtol=1e-5)

    def test_finds_the_same_sources(self, both):
        theirs, _ = pairs(both["table"], both["catalog"])
        for found in (both["table"], both["catalog"]["X_IMAGE"]):
            assert len(theirs) >= both["common"] * len(found)

    def test_flags_the_same(self, both):
        theirs, ours = pairs(both["table"], both["catalog"])
        flag, bits = (np.asarray(both["table"]["flag"])[ours],
                      both["catalog"]["FLAGS"].astype(int)[theirs])
        # deblended, saturated, on the border
        for mine, its, least in ((0x1, 2, both["common"] - 0.02), (0x100, 4, 1.0), (0x2, 8, 0.99)):
            assert ((flag & mine > 0) == (bits & its > 0)).mean() >= least

    @pytest.mark.parametrize(
        ("name", "absolute", "relative", "share"),
        [
            ("X_IMAGE", 2e-4, 0, 1.0), ("Y_IMAGE", 2e-4, 0, 1.0),
            ("A_IMAGE", 6e-4, 0, 1.0), ("B_IMAGE", 6e-4, 0, 1.0),
            ("X2_IMAGE", 1e-5, 1e-4, 1.0), ("Y2_IMAGE", 1e-5, 1e-4, 1.0),
            ("XY_IMAGE", 1e-3, 1e-4, 1.0),
            ("ERRX2_IMAGE", 1e-8, 1e-3, 1.0), ("ERRY2_IMAGE", 1e-8, 1e-3, 1.0),
            # A pixel on the rim of an aperture may fall on its other side.
            ("FLUX_APER", 0, 2e-3, 1.0), ("FLUX_APER", 0, 1e-6, 0.9),
            ("FLUXERR_APER", 0, 2e-3, 1.0), ("FLUXERR_APER", 0, 1e-6, 0.9),
            ("KRON_RADIUS", 6e-3, 0, 1.0),
            ("FLUX_AUTO", 0, 2e-3, 1.0), ("FLUX_AUTO", 0, 1e-6, 0.9),
            ("FLUXERR_AUTO", 0, 1e-2, 1.0), ("FLUXERR_AUTO", 0, 1e-6, 0.9),
            ("MAG_APER", 2e-3, 0, 1.0), ("MAGERR_APER", 2e-4, 2e-3, 1.0),
            ("MAG_AUTO", 2e-3, 0, 1.0), ("FLUX_RADIUS", 6e-4, 0, 0.98),
            # Cleaning may give the pixels of a blend to another master.
            ("ISOAREAF_IMAGE", 0, 0, 0.97), ("FLUX_ISO", 0, 1e-5, 0.97),
            ("FLUX_MAX", 0, 1e-5, 0.98), ("FLUXERR_ISO", 0, 1e-5, 0.97),
        ],
    )
    def test_measures_the_same(self, both, name, absolute, relative, share):
        table, catalog = clean_pairs(both)
        assert len(table) >= both["clean"]
        offset = 1 if name in ("X_IMAGE", "Y_IMAGE") else 0
        ours, theirs = np.asarray(table[NAMES[name]], float) + offset, catalog[name]
        off = np.abs(ours - theirs) > absolute + relative * np.abs(theirs)
        assert off.sum() <= (1 - share) * len(off)

    def test_measures_the_same_angles(self, both):
        table, catalog = clean_pairs(both)
        oval = catalog["A_IMAGE"] > 1.1 * catalog["B_IMAGE"]  # of a circle it means nothing
        apart = (np.asarray(table["theta"]) - catalog["THETA_IMAGE"] + 90) % 180 - 90
        assert not (np.abs(apart)[oval] > 0.02).any()

    def test_has_the_same_windowed_positions(self, both):
        table, catalog = clean_pairs(both)
        # Where the half-light radius is that of a group, our window is smaller by design.
        same = WINDOW * np.asarray(table["flux_radius_1"]) <= 2 * np.asarray(table["a"])
        for name in ("XWIN_IMAGE", "YWIN_IMAGE"):
            apart = np.abs(np.asarray(table[NAMES[name]]) + 1 - catalog[name])
            assert (apart[same] > 2e-3).sum() <= 0.005 * same.sum()
            if len(apart):
                assert np.nanmedian(apart) < 1e-4

    def test_windowed_positions_stray_no_farther_than_in_the_program(self, both):
        # SExtractor falls back to the barycentre where they would, here they are nan.
        table = both["table"]
        lost = np.isnan(table["x_win"])
        assert (lost == np.isnan(table["y_win"])).all()
        dx, dy = (table[f"{n}_win"][~lost] - table[n][~lost] for n in "xy")
        assert not ((np.abs(dx) > 1) & (np.abs(dy) > 1) & (
            np.hypot(dx, dy) > 1.001 * table["a"][~lost])).any()
        theirs, ours = pairs(table, both["catalog"])
        back = np.hypot(both["catalog"]["XWIN_IMAGE"] - both["catalog"]["X_IMAGE"],
                        both["catalog"]["YWIN_IMAGE"] - both["catalog"]["Y_IMAGE"]) < 3e-4
        if lost.sum() > 20:
            assert back[theirs][lost[ours]].mean() > 0.7

    def test_has_the_same_sky_positions(self, both):
        table, catalog = clean_pairs(both)
        if both["name"] == "gmos" or not len(table):
            assert np.isnan(both["table"]["ra"]).all(), "a slit is not on the sky"
            return
        ours = SkyCoord(table["ra"], table["dec"], unit="deg")
        if both["name"] == "2mass":  # its header says J2000, which is FK5
            ours = ours.transform_to(FK5())
        theirs = SkyCoord(catalog["ALPHA_J2000"], catalog["DELTA_J2000"], unit="deg",
                          frame=ours.frame.replicate_without_data())
        # Seven decimals of a degree are printed.
        assert ours.separation(theirs).deg.max() < 2e-7

    def test_has_nearly_the_same_background_at_a_source(self, both):
        # SExtractor interpolates linearly there, and by splines in the image it subtracts.
        theirs, ours = pairs(both["table"], both["catalog"])
        apart = np.abs(both["table"]["background"][ours] - both["catalog"]["BACKGROUND"][theirs])
        assert np.median(apart) < 0.1 * both["rms"]

    def test_its_sources_are_finite_and_inside(self, both):
        table, (height, width) = both["table"], both["shape"]
        for name, length in (("x", width), ("y", height)):
            assert ((table[name] > -0.5) & (table[name] < length - 0.5)).all()
        for name in ("a", "b", "theta", "flux_auto", "fluxerr_auto", "flux_aper_1", "peak"):
            assert np.isfinite(table[name]).all(), name
        assert (table["fluxerr_auto"] > 0).all() and (table["a"] >= table["b"]).all()
        assert not (np.asarray(table["flag"]) & 0x200).any()
