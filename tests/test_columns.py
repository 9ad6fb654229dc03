"""Every column is what the program gives that SExtractor's users know it from."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from sextractor import DEFAULTS

from mr_extract import extract
from mr_extract.columns.choice import MATCHED_GROUP
from mr_extract.columns.table import COLUMNS
from mr_extract.sextractor.flags import to_sextractor
from mr_extract.unpacking import unpack
from preprocess.simulation.exposure import simulate_frame

pytestmark = pytest.mark.needs("sextractor")

ELSEWHERE = ("forced", "flags", "psf", MATCHED_GROUP)  # columns that need a list or companions
NAMES = {c.sextractor: c for c in COLUMNS if c.sextractor and c.group not in ELSEWHERE
         and not c.pixels}
PIXELS = tuple(f"{axis}{what}_IMAGE" for axis in "XY" for what in ("", "WIN", "PEAK", "MIN", "MAX"))
# The program counts the covariance once in the variance of a sum, and its
# coefficients are those of an ellipse of a square of a milli-degree: tests below.
WORLD = tuple(name for name in NAMES if name.endswith("_WORLD") or (
    "THETA" in name and not name.endswith("_IMAGE")))


def run(data, header, folder, names, **options):
    """Run the program; a table in full precision."""
    fits.writeto(folder / "frame.fits", data, header, overwrite=True, output_verify="silentfix")
    (folder / "own.param").write_text("\n".join(names) + "\n")
    (folder / "own.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    settings = {
        **DEFAULTS, "GAIN_KEY": "GAIN", "SATUR_KEY": "SATURATE", "CATALOG_TYPE": "FITS_1.0",
        "CATALOG_NAME": "own.cat", "PARAMETERS_NAME": "own.param", "FILTER_NAME": "own.conv",
        "PIXEL_SCALE": 0, "MEMORY_BUFSIZE": 8000, "MEMORY_OBJSTACK": 30000, **options,
    }
    command = ["source-extractor", "frame.fits", "-c", "/dev/null"]
    command += [str(part) for name, value in settings.items() for part in (f"-{name}", value)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    return Table.read(folder / "own.cat")


def simulated(shared):
    data, header, _ = simulate_frame(5, 0, (800, 1000))
    return data, header


def rotated(shared):
    data, header, _ = simulate_frame(6, 0, (500, 600))
    angle, scale = np.radians(35.0), 1.1e-4
    header.update({"CD1_1": -scale * np.cos(angle), "CD1_2": scale * np.sin(angle),
                   "CD2_1": scale * np.sin(angle), "CD2_2": scale * np.cos(angle),
                   "CRVAL2": 55.0})
    return data, header


def real(path):
    def read(shared):
        with fits.HDUList.fromstring(bytes(unpack((shared / path).read_bytes()))) as units:
            return units[0].data, units[0].header
    return read


FRAMES = {
    "simulated": simulated, "rotated": rotated,
    "sdss": real("a/obs_sdss/fpC-005754-r3-0280.fit.gz"),
    "cfht": real("b/cfht/CFHTLS-test_i.fits"),
}


@pytest.fixture(scope="module", params=FRAMES)
def both(request, tmp_path_factory):
    """Rows of the sources whose isophote is the same: SExtractor deals out pixels of
    blends by random numbers, and the neighbours of these differ too."""
    synthetic = request.param in ("simulated", "rotated")
    data, header = FRAMES[request.param](
        None if synthetic else request.getfixturevalue("shared_data"))
    names = [f"{name}(1)" if NAMES[name].vector else name for name in NAMES]
    names += ["FLAGS", "FLAGS_WIN"]
    theirs = run(data, header, tmp_path_factory.mktemp(request.param), names)
    ours = extract(fits.PrimaryHDU(data, header), columns=("all",))
    distance = np.hypot(np.asarray(ours["x"]) + 1 - np.asarray(theirs["X_IMAGE"])[:, None],
                        np.asarray(ours["y"]) + 1 - np.asarray(theirs["Y_IMAGE"])[:, None])
    nearest = distance.argmin(1)
    same = distance.min(1) < 1e-4
    same &= np.asarray(ours["npix"])[nearest] == theirs["ISOAREAF_IMAGE"]
    same &= np.isclose(np.asarray(ours["a"])[nearest], theirs["A_IMAGE"], rtol=1e-5)
    assert same.mean() > 0.85
    # Without flux there is no radius of half of it; SExtractor makes one up for its window.
    same &= np.asarray(theirs["FLUX_AUTO"]) > 0
    return ours[nearest[same]], theirs[same]


def pair(both, name):
    """Values of both by SExtractor's name; 99 and nan are the same."""
    ours, theirs = both
    column = NAMES[name]
    mine = np.asarray(ours[column.name + ("_1" if column.vector else "")], float)
    its = np.asarray(theirs[name], float).reshape(len(theirs), -1)[:, 0]
    if name in PIXELS:
        mine = mine + 1
    if name.startswith(("MAG", "MU")):
        its = np.where(its == 99.0, np.nan, its)
        # Its errors are 99 with the magnitude, so are ours nan; a blend may have either sign.
        assert (np.isnan(mine) != np.isnan(its)).mean() < 0.01
    return mine, its


def share_off(mine, its, absolute, relative, size=None):
    """Share of values that differ by more than the tolerance, relative to `size`."""
    known = np.isfinite(mine) & np.isfinite(its)
    assert known.mean() > 0.97
    size = np.abs(its) if size is None else size
    return (np.abs(mine - its) > absolute + relative * size)[known].mean()


# group or name: absolute and relative tolerance, and the share that may be off:
# neighbours of blends, whose pixels SExtractor deals out by random numbers.
TOLERANCES = {
    "position": (1e-4, 0, 0), "shape": (1e-5, 1e-4, 0.01), "moments": (1e-5, 1e-4, 0.01),
    "errors": (1e-9, 1e-4, 0.01), "iso": (0, 1e-5, 0.01), "isocor": (0, 1e-5, 0.01),
    "aper": (0, 1e-3, 0.01), "auto": (0, 1e-3, 0.05), "extent": (0, 0, 0.02),
    "areas": (0, 1e-3, 0.02), "petro": (0, 1e-3, 0.05), "radius": (0, 1e-3, 0.05),
    "win": (1e-3, 0, 0.05), "win_shape": (0, 1e-3, 0.06), "win_flux": (0, 1e-3, 0.05),
    "peak_sky": (1e-7, 0, 0.02), "sky": (1e-8, 0, 0), "world": (1e-8, 0, 0),
    "win_world": (1e-7, 0, 0.05), "background": (0, 1e-5, 0.02),
}
LOOSER = {
    # SExtractor rounds 1.0857 to 1.086, and 2 sqrt(ln 2) to five digits.
    "MAGERR": (1e-5, 4e-4), "FWHM": (0, 3e-5),
}


@pytest.mark.parametrize("name", [
    n for n, c in NAMES.items()
    if n not in WORLD and "THETA" not in n and n not in ("NUMBER", "BACKGROUND", "FLAGS")
])
def test_a_column_is_the_programs(both, name):
    absolute, relative, off = TOLERANCES[NAMES[name].group]
    if name.startswith("MAG"):
        absolute = max(absolute, 1.1 * relative)
    for start, (more, factor) in LOOSER.items():
        if name.startswith(start):
            absolute, relative = max(absolute, more), max(relative, factor)
    size = None
    if "XY" in name:  # about 0 where the ellipse is along the axes
        ends = ("2", "2") if "CXY" not in name else ("X", "Y")
        x, y = (np.asarray(both[1][name.replace("XY", axis + end)], float)
                for axis, end in zip("XY", ends))
        size = np.hypot(x, y)
    assert share_off(*pair(both, name), absolute, relative, size) <= off


@pytest.mark.parametrize("name", ["FLUX_RADIUS", "FLUX_AUTO", "FLUX_PETRO", "PETRO_RADIUS",
                                  "FLUX_WIN", "AWIN_IMAGE"])
def test_most_of_them_are_so_to_many_digits(both, name):
    mine, its = pair(both, name)
    assert np.nanmedian(np.abs(mine / its - 1)) < 1e-5


def test_what_reaches_over_the_border_and_which_windows_stray_is_the_same(both):
    ours, theirs = both
    mine, its = to_sextractor(np.asarray(ours["flag"])), np.asarray(theirs["FLAGS"])
    assert (its & 16 > 0).any() and (mine & 16 == its & 16).all()
    assert (np.asarray(ours["flag_win"]) != theirs["FLAGS_WIN"]).mean() <= 0.01


@pytest.mark.parametrize("name", ["THETA_IMAGE", "THETAWIN_IMAGE", "ERRTHETA_IMAGE"])
def test_angles_are_the_programs(both, name):
    mine, its = pair(both, name)
    major, minor = (np.asarray(both[0][NAMES[name.replace("THETA", n)].name]) for n in "AB")
    oval = np.isfinite(mine) & (major > 1.1 * minor)  # of a circle it means nothing
    apart = (mine - its + 90) % 180 - 90
    assert (np.abs(apart)[oval] > 0.1).mean() <= 0.06


def once(scale, moments):
    """The program's transformation: as it should be, with half of the covariance."""
    j00, j01, j10, j11 = scale
    x2, y2, xy = moments
    return (j00**2 * x2 + j01**2 * y2 + j00 * j01 * xy, j10**2 * x2 + j11**2 * y2 + j10 * j11 * xy,
            j00 * j10 * x2 + j01 * j11 * y2 + (j00 * j11 + j01 * j10) * xy)


@pytest.mark.parametrize("kind", ["", "ERR"])
@pytest.mark.parametrize("tail", ["", "WIN"])
def test_ellipses_on_the_sky_are_the_programs_but_for_its_covariance(both, kind, tail):
    ours, theirs = both
    ra, dec = np.asarray(ours["ra"]), np.asarray(ours["dec"])
    # The scale from the catalogue itself, by a fit: it is nearly the same everywhere.
    x, y = (np.asarray(ours[n], float) - np.mean(ours[n]) for n in ("x", "y"))
    east = ((ra - ra.mean() + 180) % 360 - 180) * np.cos(np.radians(dec))
    design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
    matrix = []
    for along in (east, dec):
        fit = np.linalg.lstsq(design, along, rcond=None)[0]
        matrix += [fit[1] + 2 * fit[3] * x + fit[4] * y, fit[2] + fit[4] * x + 2 * fit[5] * y]
    stem = f"{kind.lower()}{{}}{'_win' if tail else ''}"
    names = [stem.format(n) for n in ("x2", "y2", "xy")]
    moments = [np.asarray(ours[n], float) for n in names]
    expected = once(matrix, moments)
    size = np.hypot(expected[0], expected[1])
    for what, value in zip(("X2", "Y2", "XY"), expected):
        its = np.asarray(theirs[f"{kind}{what}{tail}_WORLD"], float)
        known = np.isfinite(value)
        assert (np.abs(value - its)[known] > 0.01 * size[known]).mean() <= 0.06
    angle = np.degrees(np.arctan2(2 * expected[2], expected[0] - expected[1])) / 2
    oval = np.hypot(2 * expected[2], expected[0] - expected[1]) > 0.2 * size
    for value, name in ((angle, "WORLD"), (90 - angle, "SKY"), (90 - angle, "J2000")):
        apart = (value - np.asarray(theirs[f"{kind}THETA{tail}_{name}"]) + 90) % 180 - 90
        assert (np.abs(apart)[oval] > 1.0).sum() <= 0.06 * oval.sum()
    # What is right keeps the shape, however the image is turned.
    pixel = np.sqrt(np.abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))
    for axis in "ab":
        world, image = (np.asarray(ours[stem.format(axis) + end], float) for end in ("_world", ""))
        known = np.isfinite(image) & (image > 0)
        assert np.allclose(world[known], (image * pixel)[known], rtol=5e-3)


def test_areas_and_widths_on_the_sky_are_the_programs(both):
    for name in ("ISOAREA_WORLD", "ISOAREAF_WORLD", "FWHM_WORLD"):
        mine, its = pair(both, name)
        assert share_off(mine, its, 0, 1e-4) <= 0.02


def test_the_pixel_scale_can_be_given(tmp_path):
    data, header = simulated(None)
    names = ["X_IMAGE", "Y_IMAGE", "MU_MAX", "MU_THRESHOLD", "FWHM_WORLD", "FWHM_IMAGE"]
    theirs = run(data, header, tmp_path, names, PIXEL_SCALE=0.7, MAG_ZEROPOINT=25)
    ours = extract(fits.PrimaryHDU(data, header), columns=("all",), pixel_scale=0.7,
                   zero_point=25.0)
    row = [np.hypot(ours["x"] + 1 - x, ours["y"] + 1 - y).argmin()
           for x, y in zip(theirs["X_IMAGE"], theirs["Y_IMAGE"])]
    for mine, its in (("mu_max", "MU_MAX"), ("mu_threshold", "MU_THRESHOLD")):
        assert np.median(np.abs(ours[mine][row] - theirs[its])) < 1e-5
    assert np.nanmedian(np.abs(ours["fwhm_world"][row] / theirs["FWHM_WORLD"] - 1)) < 1e-4


@pytest.mark.parametrize("how", ["CORRECT", "BLANK", "NONE"])
def test_neighbours_are_treated_as_by_the_program(tmp_path, how):
    data, header = simulated(None)
    names = ["X_IMAGE", "Y_IMAGE", "FLUX_AUTO", "FLUX_PETRO", "PETRO_RADIUS", "XWIN_IMAGE",
             "FLUX_WIN", "FLUX_RADIUS", "ISOAREAF_IMAGE"]
    theirs = run(data, header, tmp_path, names, MASK_TYPE=how)
    ours = extract(fits.PrimaryHDU(data, header), columns=("all",), neighbours=how.lower())
    distance = np.hypot(np.asarray(ours["x"]) + 1 - np.asarray(theirs["X_IMAGE"])[:, None],
                        np.asarray(ours["y"]) + 1 - np.asarray(theirs["Y_IMAGE"])[:, None])
    row, same = distance.argmin(1), distance.min(1) < 1e-4
    ours, theirs = ours[row[same]], theirs[same]
    for mine, its in (("flux_auto", "FLUX_AUTO"), ("flux_petro", "FLUX_PETRO"),
                      ("petro_radius", "PETRO_RADIUS"), ("flux_win", "FLUX_WIN"),
                      ("flux_radius_1", "FLUX_RADIUS")):
        off = np.abs(np.asarray(ours[mine]) / np.ravel(theirs[its]) - 1) > 1e-3
        assert off.mean() < 0.06, mine
    assert (np.abs(ours["x_win"] + 1 - theirs["XWIN_IMAGE"]) > 1e-3).mean() < 0.06


@pytest.mark.parametrize("gain_of_weights", [True, False])
def test_a_noise_map_is_used_as_by_the_program(tmp_path, gain_of_weights):
    data, header = simulated(None)
    rms = np.broadcast_to(np.linspace(8.0, 14.0, data.shape[1], dtype=np.float32), data.shape)
    fits.writeto(tmp_path / "rms.fits", np.ascontiguousarray(rms))
    names = ["X_IMAGE", "Y_IMAGE", "FLUXERR_PETRO", "FLUXERR_WIN", "ERRX2WIN_IMAGE", "ISO0",
             "ISOAREA_IMAGE", "ISOAREAF_IMAGE"]
    theirs = run(data, header, tmp_path, names, WEIGHT_TYPE="MAP_RMS",
                 WEIGHT_IMAGE=tmp_path / "rms.fits", WEIGHT_GAIN="Y" if gain_of_weights else "N")
    ours = extract(fits.PrimaryHDU(data, header), columns=("all",), weight=rms,
                   weight_type="map_rms", weight_gain=gain_of_weights)
    distance = np.hypot(np.asarray(ours["x"]) + 1 - np.asarray(theirs["X_IMAGE"])[:, None],
                        np.asarray(ours["y"]) + 1 - np.asarray(theirs["Y_IMAGE"])[:, None])
    row, same = distance.argmin(1), distance.min(1) < 1e-4
    assert same.mean() > 0.9
    ours, theirs = ours[row[same]], theirs[same]
    same = np.asarray(ours["npix"] == theirs["ISOAREAF_IMAGE"])
    for mine, its in (("fluxerr_petro", "FLUXERR_PETRO"), ("fluxerr_win", "FLUXERR_WIN"),
                      ("errx2_win", "ERRX2WIN_IMAGE"), ("iso0", "ISO0"),
                      ("tnpix", "ISOAREA_IMAGE")):
        off = np.abs(np.asarray(ours[mine], float) / np.asarray(theirs[its]) - 1) > 2e-3
        assert off[same].mean() < 0.06, mine


@pytest.mark.parametrize(("kind", "scaled"), [
    ("map_weight", True), ("map_var", True), ("map_weight", False)])
def test_a_weight_map_is_scaled_and_sets_thresholds_as_in_the_program(tmp_path, kind, scaled):
    data, header = simulated(None)
    data, (v, u) = data[:790], np.indices((790, data.shape[1]))  # the last cells are cut
    weight = 0.04 * (1.0 - 0.4 * np.hypot(v - 400, u - 500) / 640)
    if not scaled:
        # A threshold differs within an isophote. The scale of such a map differs by some 1e-3:
        # the program passes over the pixels of sources when it looks at the map.
        weight[:, u[0] % 40 < 20] *= 0.6
    weight = (weight if kind == "map_weight" else 1 / weight).astype(np.float32)
    fits.writeto(tmp_path / "weight.fits", weight)
    areas = [f"ISO{k}" for k in range(8)] + ["ISOAREA_IMAGE"]
    levels = ["THRESHOLD", "MU_THRESHOLD", "FLUX_ISO", "FLUX_ISOCOR", "FLUXERR_ISOCOR"]
    run(data, header, tmp_path, ["X_IMAGE", "Y_IMAGE", "ISOAREAF_IMAGE", *areas, *levels],
        WEIGHT_TYPE=kind.upper(), WEIGHT_IMAGE=tmp_path / "weight.fits",
        CATALOG_TYPE="FITS_LDAC", WEIGHT_GAIN="N", RESCALE_WEIGHTS="Y" if scaled else "N")
    with fits.open(tmp_path / "own.cat") as units:
        cards = "".join(card.ljust(80) for card in units[1].data[0][0])
        theirs = Table(units[2].data)
    ours = extract(fits.PrimaryHDU(data, header), columns=("all",), weight=weight,
                   weight_type=kind, rescale_weights=scaled, weight_gain=False)
    scale = fits.Header.fromstring(cards)["SEXMWSCL"]
    assert ours.meta.get("weight_scale", 1.0) == pytest.approx(scale, rel=1e-4)
    distance = np.hypot(np.asarray(ours["x"]) + 1 - np.asarray(theirs["X_IMAGE"])[:, None],
                        np.asarray(ours["y"]) + 1 - np.asarray(theirs["Y_IMAGE"])[:, None])
    row, same = distance.argmin(1), distance.min(1) < 1e-4
    same &= np.asarray(ours["npix"])[row] == theirs["ISOAREAF_IMAGE"]
    assert same.mean() > 0.85
    ours, theirs = ours[row[same]], theirs[same]
    for name in levels:
        mine, its = np.asarray(ours[NAMES[name].name]), np.asarray(theirs[name])
        assert (np.abs(mine / its - 1) > 1e-4).mean() <= 0.01, name
    for name in areas:
        assert (np.asarray(ours[NAMES[name].name]) != theirs[name]).mean() < 0.03, name
