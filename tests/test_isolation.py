"""One object that cannot be measured costs its neighbours nothing."""

import numpy as np
import pytest
import sep
from stars import star_field

from mr_extract import Config
from mr_extract.columns.choice import FAILED
from mr_extract.detection.extraction import detect
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image
from mr_extract.measure import apertures
from mr_extract.measure.isolation import each_object
from mr_extract.measure.surroundings import Surroundings
from mr_extract.planes.plane import ready


@pytest.fixture(scope="module")
def field():
    """100 stars of many fluxes."""
    return star_field(21, np.geomspace(300, 1e5, 100), shape=(440, 440))


def objects_of(field):
    data = field.data - np.float32(200)
    sep.set_extract_pixstack(300_000)
    return data, sep.extract(data, 3.0, err=5.0)


def around_of(field, how="correct"):
    config = Config()
    plane = ready(Image(field.data.copy()), config)
    objects, segments = detect(plane.data, config.detection, plane.rms)
    return Surroundings(plane, segments, objects["x"], objects["y"], how), objects


@pytest.mark.parametrize(
    ("column", "value"),
    [("theta", np.pi / 2 + 1e-6), ("a", np.nan), ("b", np.nan), ("theta", np.nan)],
)
def test_one_object_that_cannot_be_measured_costs_its_neighbours_nothing(field, column, value):
    data, objects = objects_of(field)
    clean = sep.sum_ellipse(data, objects["x"], objects["y"], objects["a"], objects["b"],
                            objects["theta"], 2.5, err=5.0)

    def total(x, y, a, b, theta):
        return sep.sum_ellipse(data, x, y, a, b, theta, 2.5, err=5.0)

    for bad in ([17], [0, len(objects) - 1], [3, 4, 5]):
        broken = objects.copy()
        broken[column][bad] = value
        arrays = [broken[name] for name in ("x", "y", "a", "b", "theta")]
        with pytest.raises(Exception, match="invalid aperture parameters"):
            total(*arrays)
        results, failed = each_object(total, *arrays, outputs=3)
        assert np.flatnonzero(failed).tolist() == bad
        for result, want in zip(results, clean):
            assert np.array_equal(result[~failed], want[~failed])
            assert result.dtype == want.dtype
        assert np.isnan(results[0][failed]).all() and not results[2][failed].any()


def test_an_angle_a_hair_beyond_a_right_angle_is_measured(field):
    around, objects = around_of(field)
    settings = Config().measurement
    objects["theta"][5] = np.pi / 2
    clean, *_ = apertures.kron(around, around.plane, objects, settings)
    objects["theta"][5] = np.nextafter(np.float32(np.pi / 2), np.float32(4))
    columns, _, failed = apertures.kron(around, around.plane, objects, settings)
    assert not failed.any()
    assert np.array_equal(columns["flux_auto"], clean["flux_auto"])


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_frame_whose_every_source_fails_keeps_its_rows(field, count):
    data, objects = objects_of(field)
    objects = objects[:count]

    def fails(*arrays):
        if len(arrays[0]):
            raise RuntimeError("as for a frame with a single object")
        return sep.sum_circle(data, *arrays, 3.0)

    results, failed = each_object(fails, objects["x"], objects["y"], outputs=3)
    assert failed.all() and np.isnan(results[0]).all() and len(results[2]) == count
    assert results[2].dtype.kind == "i", "flags stay whole numbers"


@pytest.mark.parametrize("how", ["correct", "blank", "none"])
def test_an_aperture_that_cannot_be_measured_fails_for_every_source(field, how):
    around, objects = around_of(field, how)
    flux, error, flag, failed = apertures.circular(around, (5.0, -1.0))
    assert failed.all() and len(failed) == len(objects) and flag.dtype.kind == "i"
    assert np.isnan(flux).all() and np.isnan(error).all()


def test_a_source_whose_measurement_failed_is_flagged_and_counted(field, monkeypatch):
    def refuse_the_third(data, x, *rest, **keywords):
        if (x == third).any():
            raise RuntimeError("refused")
        return genuine(data, x, *rest, **keywords)

    config = Config().updated(neighbours="none")  # each source where it is in the image
    clean = measure_image(Image(field.data.copy()), config)
    third, genuine = clean.columns["x"][2], sep.sum_circle
    monkeypatch.setattr(apertures.sep, "sum_circle", refuse_the_third)
    sources = measure_image(Image(field.data.copy()), config)
    assert sources.failed == 1 and clean.failed == 0
    flags = sources.columns["flag"]
    assert np.flatnonzero(flags & FAILED).tolist() == [2]
    for name, values in sources.columns.items():
        others = np.arange(len(sources)) != 2
        assert np.array_equal(values[others], clean.columns[name][others], equal_nan=True)
    assert np.isnan(sources.columns["flux_aper_1"][2])
    assert np.isnan(sources.columns["mag_aper_1"][2])
