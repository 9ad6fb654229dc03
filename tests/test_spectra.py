"""Spectra against simulated truth, and beside specreduce on the same frame."""

from dataclasses import replace

import numpy as np
import pytest

from mr_extract.columns.spectra import FLAGS, GAPS, SATURATED, columns_for
from mr_extract.failures import ImageFailure
from mr_extract.frames.spectra import row_of, spectra_of
from mr_extract.images import Image
from mr_extract.portable.matrices import solved_definite
from mr_extract.settings.spectra import FEATURE_NAMES, LAMP_NAMES, SpectraSettings
from mr_extract.spectra.arc import lines_in, solution
from mr_extract.spectra.centroids import width_of
from mr_extract.spectra.dispersion import Grating
from mr_extract.spectra.extraction import RAY
from mr_extract.spectra.line_lists import FEATURES, LAMPS, lamp_lines, read_lines
from mr_extract.spectra.polynomial import polynomial_fit
from mr_extract.spectra.response import at_wavelengths, rate_of, response_from
from mr_extract.spectra.tables import read_table
from preprocess.simulation.dispersed import (
    STELLAR,
    Instrument,
    Star,
    across,
    arc,
    electrons,
    long_slit,
)
from preprocess.simulation.slitless import Slitless, order_electrons, slitless

SLIT, CAMERA = Instrument(), Slitless()
COLUMNS = np.arange(SLIT.shape[1])
BROAD = tuple((middle, depth, max(fwhm, 30.0)) for middle, depth, fwhm in STELLAR)
HEADER = {"GAIN": SLIT.gain, "WAVCENT": 5900.0, "WAVDISP": 4.05, "EXPTIME": 60.0}
SETTINGS = SpectraSettings()


def image_of(data, **cards):
    return Image(data, {**HEADER, **cards})


def true_flux(star, instrument=SLIT):
    """Return what a star has in each column, in image units."""
    return electrons(star, instrument.wavelength, instrument.shape[1],
                     instrument.resolution) / instrument.gain


@pytest.fixture(scope="module")
def lamp():
    """The image of a lamp of neon and argon."""
    wavelengths, strengths = lamp_lines(("Ne", "Ar"))
    return image_of(arc(SLIT, zip(wavelengths, 30.0 * strengths), np.random.default_rng(1)))


def one(star, seed=0, rays=0, settings=SETTINGS, lamp=None, sky=60.0, instrument=SLIT, **cards):
    """Return the spectrum of a simulated long-slit frame of one star."""
    data = long_slit(instrument, [star], sky, np.random.default_rng(seed), rays)
    found, = spectra_of(image_of(data, **cards), settings, lamp, None, None)
    return found


def pulls(spectrum, truth):
    return (spectrum.extracted.flux - truth) / spectrum.extracted.error


@pytest.mark.parametrize("level, least", [(600.0, 8), (4000.0, 40), (60000.0, 150)])
def test_the_flux_is_that_of_the_star_and_the_errors_are_its_scatter(level, least):
    """At S/N 50 to within 2 %, here 0.5 %, and without favour for bright or faint."""
    star, found = Star(level=level), []
    for seed in range(4):
        spectrum = one(star, seed)
        assert spectrum.snr > least
        assert abs(np.mean(spectrum.extracted.flux / true_flux(star)) - 1) < 0.005
        aperture = spectrum.extracted.aperture_flux
        assert abs(np.mean(aperture / true_flux(star)) - 1) < 0.005
        found.append(pulls(spectrum, true_flux(star)))
    found = np.concatenate(found)  # 4,000: their scatter is known to 1.1 %
    assert abs(found.mean()) < 0.25 and 0.93 < found.std() < 1.1


def test_weights_beat_the_aperture_where_noise_is_the_skys():
    spectrum = one(Star(level=300.0))
    weighted = np.median(spectrum.extracted.error)
    assert 0.5 < weighted / np.median(spectrum.extracted.aperture_error) < 0.75


def test_cosmic_rays_are_left_out_and_what_is_left_is_right():
    star = Star(level=4000.0)
    spectrum = one(star, rays=60)
    assert spectrum.extracted.rays > 20
    away = np.abs(pulls(spectrum, true_flux(star)))
    hit = (spectrum.extracted.quality & RAY) > 0
    assert hit.sum() > 15 and np.median(away[hit]) < 1.5
    assert (away > 5).sum() <= 3 and (away[~hit] > 5).sum() <= 2
    kept = one(star, rays=60, settings=SETTINGS.updated(ray_thresh=0.0))
    assert kept.extracted.rays == 0 and (np.abs(pulls(kept, true_flux(star))) > 5).sum() >= 10


def test_bad_pixels_cost_no_flux_and_lost_columns_are_nan():
    star = Star(level=20000.0)
    data = long_slit(SLIT, [star], 60.0, np.random.default_rng(2))
    mask = np.zeros(data.shape, bool)
    mask[:, 100:103] = True  # whole columns
    row = int(np.rint(star.row + SLIT.row(500)))
    mask[row, 500:510] = True
    data[mask] = 60000.0
    found, = spectra_of(Image(data, HEADER, mask), SETTINGS, None, None, None)
    flux = found.extracted.flux
    assert np.isnan(flux[100:103]).all() and np.isfinite(np.delete(flux, [100, 101, 102])).all()
    assert found.flag & GAPS and not found.flag & SATURATED
    assert abs(np.mean(flux[500:510] / true_flux(star)[500:510]) - 1) < 0.01


def test_a_saturated_pixel_is_told():
    found = one(Star(level=20000.0), SATURATE=1500.0)
    assert found.flag & SATURATED


def test_the_trace_is_that_of_the_star_to_a_small_part_of_a_pixel():
    for level, most in ((600.0, 0.05), (20000.0, 0.02)):
        spectrum = one(Star(row=40.37, level=level))
        away = spectrum.trace.curve(COLUMNS) - (40.37 + SLIT.row(COLUMNS))
        assert np.abs(away).max() < most
        assert abs(spectrum.trace.fwhm - np.hypot(SLIT.seeing, 0.7)) < 0.2


def test_of_several_objects_each_has_its_own_light_and_none_is_sky_to_another():
    stars = [Star(row, level) for row, level in ((60.0, 8e3), (77.0, 3e3), (20.2, 8e2))]
    data = long_slit(SLIT, stars, 60.0, np.random.default_rng(3))
    settings = SETTINGS.updated(objects=5, aperture=12.0)
    found = spectra_of(image_of(data), settings, None, None, None)
    assert len(found) == 3
    for spectrum, star in zip(found, stars):
        middle = spectrum.trace.curve(np.array([499.5]))[0]
        assert abs(middle - star.row) < 0.1
        assert abs(np.mean(spectrum.extracted.flux / true_flux(star)) - 1) < 0.01
    only, = spectra_of(image_of(data), SETTINGS, None, None, None)
    assert abs(np.mean(only.extracted.flux / true_flux(stars[0])) - 1) < 0.01


def test_a_slit_along_x_gives_the_same_as_one_along_y(lamp):
    data = long_slit(SLIT, [Star()], 60.0, np.random.default_rng(4))
    along_x, = spectra_of(image_of(data), SETTINGS, lamp, None, None)
    turned = Image(np.ascontiguousarray(data.T), HEADER)
    other_lamp = Image(np.ascontiguousarray(lamp.data.T), lamp.header)
    settings = SETTINGS.updated(dispersion_axis="y")
    along_y, = spectra_of(turned, settings, other_lamp, None, None)
    assert np.array_equal(along_x.extracted.flux, along_y.extracted.flux)
    assert np.array_equal(along_x.wavelength, along_y.wavelength)
    first, second = (row_of(along_x, 1, image_of(data), SETTINGS),
                     row_of(along_y, 1, turned, settings))
    assert (first["x"], first["y"]) == (second["y"], second["x"])
    assert list(first) + ["file"] == list(columns_for(SETTINGS))[1:]


def test_wavelengths_of_a_lamp_are_right_to_a_small_part_of_a_pixel(lamp):
    """Less than half a pixel was asked for; lines at S/N of hundreds give a twentieth."""
    spectrum = one(Star(), lamp=lamp)
    away = (spectrum.wavelength - SLIT.wavelength(COLUMNS)) / spectrum.steps
    assert np.sqrt(np.mean(away**2)) < 0.05 and np.abs(away).max() < 0.15
    assert spectrum.lines_used > 25 and spectrum.wave_rms / spectrum.steps.mean() < 0.1
    assert abs(spectrum.line_fwhm - SLIT.resolution) < 0.3


@pytest.mark.parametrize("lamps", [("Ne", "Ar"), ("Hg", "He"), ("Xe",), ("Kr", "Hg")])
@pytest.mark.parametrize("middle, dispersion", [(0.0, 1.0), (250.0, 1.03), (-300.0, 0.97)])
def test_the_guess_may_be_off_by_a_lot(lamps, middle, dispersion):
    known = lamp_lines(lamps)
    image = arc(SLIT, zip(known[0], 50.0 * known[1]), np.random.default_rng(5))
    found, fwhm = lines_in(np.median(image[58:63], axis=0).astype(float), 20.0, 6e4)
    result = solution(found, fwhm, known, 1000, 5800.0 + middle, 4.0 * dispersion, 400.0, 3, 5)
    inside = (COLUMNS > result.columns.min()) & (COLUMNS < result.columns.max())
    away = (result.curve(COLUMNS) - SLIT.wavelength(COLUMNS))[inside] / 4.0
    assert np.sqrt(np.mean(away**2)) < 0.1


def test_wavelengths_may_fall_along_the_image():
    known = lamp_lines(("Ne", "Ar"))
    image = arc(SLIT, zip(known[0], 30.0 * known[1]), np.random.default_rng(13))[:, ::-1]
    lamp = image_of(np.ascontiguousarray(image))
    data = long_slit(SLIT, [Star()], 60.0, np.random.default_rng(14))[:, ::-1]
    found, = spectra_of(image_of(np.ascontiguousarray(data), WAVDISP=-4.05), SETTINGS, lamp, None,
                        None)
    mirrored = SLIT.wavelength(COLUMNS)[::-1]
    assert np.abs(found.wavelength - mirrored).max() < 0.15 * 4.0
    assert (np.diff(found.wavelength) < 0).all()


def test_a_polynomial_through_the_same_lines_is_fitted_once(monkeypatch):
    """Where many lines are unknown all ways to lay them are tried, and most come to the same."""
    known = lamp_lines(("Xe",))
    image = arc(SLIT, [(wave, 3e4) for wave in [*known[0], *lamp_lines(("Ne",))[0]]],
                np.random.default_rng(5))
    found, fwhm = lines_in(np.median(image[58:63], axis=0).astype(float), 20.0, 6e4)
    fitted = []

    def fit(columns, target, order, *more):
        fitted.append((order, target.tobytes()))
        return polynomial_fit(columns, target, order, *more)

    monkeypatch.setattr("mr_extract.spectra.arc.polynomial_fit", fit)
    result = solution(found, fwhm, known, 1000, 5800.0, 4.0, 400.0, 3, 5)
    assert 10 < len(fitted) == len(set(fitted))
    assert len(result.columns) < 0.6 * len(found)


@pytest.mark.parametrize("other", ["He", "Hg", "Kr", "Xe", "Cd"])
def test_a_lamp_that_is_another_is_named(lamp, other):
    with pytest.raises(ImageFailure, match="another lamp") as raised:
        one(Star(), lamp=lamp, settings=SETTINGS.updated(lamps=(other,)))
    assert raised.value.kind == "no-wavelengths"


def test_a_lamp_without_lines_and_one_of_another_shape_are_named(lamp):
    dark = image_of(np.full(SLIT.shape, 500.0, np.float32))
    with pytest.raises(ImageFailure, match="shows 0 lines") as raised:
        one(Star(), lamp=dark)
    assert raised.value.kind == "no-wavelengths"
    with pytest.raises(ImageFailure, match="900 x 120") as raised:
        one(Star(), lamp=image_of(lamp.data[:, :900]))
    assert raised.value.kind == "companion-mismatch"
    with pytest.raises(ImageFailure, match="WAVDISP"):
        one(Star(), lamp=lamp, WAVDISP=None)


def test_a_field_of_nothing_has_no_trace():
    data = long_slit(SLIT, [], 60.0, np.random.default_rng(6), rays=20)
    with pytest.raises(ImageFailure, match="no object stands out") as raised:
        spectra_of(image_of(data), SETTINGS, None, None, None)
    assert raised.value.kind == "no-trace"


def test_lines_stay_as_narrow_as_the_instrument_has_them(lamp):
    lines = tuple((wavelength, -6.0, 2.0) for wavelength in (4900.0, 5700.0, 6400.0, 7200.0))
    star = Star(level=4000.0, lines=lines)
    spectrum = one(star, lamp=lamp)
    continuum = true_flux(replace(star, lines=()))
    for wavelength, *_ in lines:
        column = int(np.argmin(np.abs(SLIT.wavelength(COLUMNS) - wavelength)))
        part = slice(column - 10, column + 11)
        widths = [width_of((flux - continuum)[part], int(np.argmax((flux - continuum)[part])))
                  for flux in (spectrum.extracted.flux, true_flux(star))]
        assert abs(widths[0] / widths[1] - 1) < 0.05


@pytest.mark.parametrize("order, incidence, tilt, zero", [
    (1, 0.0, 0.8, (120.3, 150.8)), (1, 3.0, -1.2, (140.9, 170.1)),
    (-1, 0.0, 0.3, (1080.7, 120.2)), (1, -5.0, 1.5, (80.4, 100.3))])
def test_slitless_wavelengths_are_found_though_the_distance_is_wrong(order, incidence, tilt, zero):
    camera = replace(CAMERA, incidence=incidence, tilt=tilt, zero=zero)
    star = Star(level=5000.0, lines=BROAD)
    data = slitless(camera, star, 80.0, np.random.default_rng(7), [(700, 60, 1e5), (900, 250, 3e5)],
                    rays=3, orders=(order,))
    settings = SETTINGS.updated(geometry="slitless", orders=(float(order),), incidence=incidence,
                                grating_distance=1.02 * camera.distance)
    found, = spectra_of(image_of(data), settings, None, None, None)
    assert np.hypot(found.zero[0] - zero[0], found.zero[1] - zero[1]) < 0.02
    x = found.trace.columns
    steps = np.abs(np.gradient(camera.wavelength(x, order)))
    away = (found.wavelength - camera.wavelength(x, order)) / steps
    assert np.sqrt(np.mean(away**2)) < 0.35  # of a pixel; 10 of them off to begin with
    assert abs(found.distance / camera.distance - 1) < 0.003 and found.lines_used >= 4
    assert np.abs(found.trace.curve(x) - camera.row(x)).max() < 0.15
    truth = (order_electrons(camera, star, order)
             + camera.second * order_electrons(camera, star, 2 * order)) / camera.gain
    ratio = found.extracted.flux / truth[found.trace.first : found.trace.last]
    assert abs(np.median(ratio) - 1) < 0.01 and found.snr > 35


def test_a_zero_order_is_looked_for_where_the_line_says():
    star = Star(level=5000.0, lines=BROAD)
    data = slitless(CAMERA, star, 80.0, np.random.default_rng(8), [(700, 60, 4e7)])
    settings = SETTINGS.updated(geometry="slitless")
    with pytest.raises(ImageFailure):  # the brighter star has no spectrum
        spectra_of(image_of(data), settings, None, None, None)
    found, = spectra_of(image_of(data), settings, None, None, (118.0, 152.0))
    assert abs(found.zero[0] - CAMERA.zero[0]) < 0.02
    with pytest.raises(ImageFailure, match="zero_order") as raised:
        spectra_of(image_of(data), settings, None, None, (400.0, 280.0))
    assert raised.value.kind == "no-trace"


def test_the_grating_relation_and_its_inverse_are_those_of_sines():
    for order, incidence in ((1, 0.0), (-1, 12.0), (2, -30.0)):
        grating = Grating(350.0, 180.0, 0.01, order, incidence)
        distance = np.linspace(-9000.0, 9000.0, 50)
        t = np.radians(incidence)
        bent = np.sin(t + np.arctan(distance * 0.01 / 180.0)) - np.sin(t)
        assert np.allclose(grating.wavelength(distance), bent / (order * 350.0 * 1e-7), 1e-12, 1e-8)
        assert np.allclose(grating.distance_of(grating.wavelength(distance)), distance, 1e-9, 1e-7)


def test_a_response_brings_back_the_flux():
    star = Star(level=30000.0)
    spectrum = one(star)
    waves = SLIT.wavelength(COLUMNS)
    table = np.arange(3000.0, 10000.0, 50.0)
    rate = rate_of(spectrum.extracted.flux, waves, 60.0)
    error = rate_of(spectrum.extracted.error, waves, 60.0)
    curve = response_from(waves, rate, error, (table, 2e-14 * 6000.0 / table), 200.0)
    pure = rate_of(true_flux(replace(star, lines=())), waves, 60.0)
    truth = 2e-14 * 6000.0 / waves / pure
    good = np.isfinite(curve)
    assert good.mean() > 0.98
    assert np.percentile(np.abs(curve[good] / truth[good] - 1), 95) < 0.02
    other = Star(level=5000.0, lines=())
    flux = rate_of(one(other, seed=9).extracted.flux, waves, 60.0) * at_wavelengths(
        (waves[good], curve[good]), waves)
    expected = 2e-14 * 6000.0 / waves * other.level / star.level
    assert abs(np.nanmean(flux / expected) - 1) < 0.01
    with pytest.raises(ImageFailure, match="too few"):
        response_from(waves, rate, error, (table + 9000.0, table), 200.0)


def test_extraction_agrees_with_specreduce():
    """The same frame, sky, trace and aperture; and weights by the profile that is true."""
    pytest.importorskip("specreduce")
    import astropy.units as u
    from astropy.nddata import NDData, VarianceUncertainty
    from specreduce.extract import BoxcarExtract, HorneExtract
    from specreduce.tracing import ArrayTrace

    star, straight = Star(level=4000.0), replace(SLIT, trace=(0.0, 5e-4))
    data = long_slit(straight, [star], 60.0, np.random.default_rng(10)).astype(float)
    spectrum, = spectra_of(image_of(data.astype(np.float32)), SETTINGS, None, None, None)
    places = spectrum.trace.curve(COLUMNS)
    light = data - spectrum.sky  # the sky is as good as level
    trace = ArrayTrace(light, places)
    boxcar = BoxcarExtract(NDData(light, unit=u.adu), trace, width=spectrum.aperture).spectrum
    ours = spectrum.extracted
    apart = boxcar.flux.value - ours.aperture_flux
    assert np.std(apart / ours.aperture_error) < 0.05  # the slope of the sky
    shares = across(len(data), star.row + straight.row(COLUMNS), SLIT.seeing)
    photons = spectrum.sky - SLIT.bias + shares * true_flux(star)
    variance = photons / SLIT.gain + (SLIT.read_noise / SLIT.gain) ** 2
    image = NDData(light, unit=u.adu, uncertainty=VarianceUncertainty(variance),
                   mask=np.zeros(light.shape, bool))
    horne = HorneExtract(image, trace).spectrum
    apart = (horne.flux.value - ours.flux) / ours.error
    assert abs(np.median(horne.flux.value / ours.flux) - 1) < 0.01
    assert np.std(apart) < 0.7  # its profile is one Gaussian for all columns
    weights = shares / variance
    best = (weights * light).sum(axis=0) / (weights * shares).sum(axis=0)  # the true profile
    assert np.std((ours.flux - best) / ours.error) < 0.1
    scatter = [np.std((flux - true_flux(star)) / ours.error)
               for flux in (ours.flux, horne.flux.value)]
    assert scatter[0] < scatter[1]


def test_a_variance_that_is_given_is_used():
    star = Star(level=4000.0)
    data = long_slit(SLIT, [star], 60.0, np.random.default_rng(11))
    plain, = spectra_of(image_of(data), SETTINGS, None, None, None)
    photons = np.maximum(data - SLIT.bias, 0) / SLIT.gain + (SLIT.read_noise / SLIT.gain) ** 2
    weighted = replace(image_of(data), weight=(4.0 * photons).astype(np.float32),
                       weight_kind="variance")
    given, = spectra_of(weighted, SETTINGS, None, None, None)
    assert abs(np.median(given.extracted.error / plain.extracted.error) - 2.0) < 0.1


def test_names_and_tables_are_what_they_say():
    assert set(LAMP_NAMES) == set(LAMPS) and set(FEATURE_NAMES) == set(FEATURES)
    wavelengths, strengths = lamp_lines(LAMP_NAMES)
    assert (np.diff(wavelengths) >= 0).all() and (strengths > 0).all()
    assert len(FLAGS) == len({bit for bit in FLAGS})
    wavelengths, strengths = read_lines("# mine\n5000.5, 10  Hg\n4000 # none\n")
    assert wavelengths.tolist() == [4000.0, 5000.5] and strengths.tolist() == [1.0, 10.0]
    for text in ("", "Hg 5000\n"):
        with pytest.raises(ValueError):
            read_lines(text)
    table = read_table(b"wavelength flux\n5000 2\n4000,1\n", ("flux",))
    assert table[0].tolist() == [4000.0, 5000.0] and table[1].tolist() == [1.0, 2.0]
    for content in (b"", b"1 2\n1 3\n", b"1 2\n3 4\nfive 6\n", b"\xff\xfe1 2"):
        with pytest.raises(ValueError):
            read_table(content, ("flux",))


def test_linear_systems_are_solved_or_refused():
    rng = np.random.default_rng(12)
    base = rng.normal(size=(30, 8))
    matrix, right = base.T @ base, rng.normal(size=8)
    assert np.allclose(solved_definite(matrix, right), np.linalg.solve(matrix, right), 1e-9)
    assert solved_definite(np.ones((3, 3)), np.ones(3)) is None
