"""SDSS files say what SDSS says: masks, calibrations of fields, calibrated frames."""

import hashlib
import io
import shutil

import numpy as np
import pytest
import sep
from astropy.io import fits
from conftest import job

from mr_extract import extract
from mr_extract.columns.choice import SATURATED
from mr_extract.failures import ImageFailure
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image, read_image
from mr_extract.images.companions import add_known, read_mask
from mr_extract.images.sdss import calibration, frames, masks
from mr_extract.images.units import list_units, reader_of
from mr_extract.planes.background import subtract_background
from mr_extract.remarks import hearing
from mr_extract.settings.beside import Companions
from mr_extract.settings.config import Config
from mr_extract.text.catalog import read_catalog
from mr_extract.text.naming import parse_rule
from mr_extract.unpacking import unpack

FPC, FPM = "fpC-005754-r3-0280.fit.gz", "fpM-005754-r3-0280.fit"
TSFIELD, FRAME = "tsField-005754-3-40-0280.fit", "frame-g-000094-1-0131.fits.bz2"
RULE = r"s/fpC-(\d+)-\w(\d)-(\d+).*/tsField-\1-\2-40-\3.fit/"


def failure(function, *args):
    with pytest.raises(ImageFailure) as caught:
        function(*args)
    return caught.value.kind, caught.value.message


# ---- SDSS: simulated files

SHAPE = (30, 40)
SPANS = {"SATUR": [[(3, 5, 9), (4, 5, 5)]], "CR": [[(29, 39, 39)], [(0, 0, 0), (4, 4, 6)]],
         "INTERP": [[(y, 7, 8) for y in range(30)]]}


def object_mask():
    """Bytes of an fpM: a table a plane, a row an object, its spans in the heap."""
    units = [fits.PrimaryHDU(header=fits.Header(
        {"MASKROWS": SHAPE[0], "MASKCOLS": SHAPE[1], "NPLANE": 10}))]
    for name in masks.PLANES[:10]:
        heaps = [np.array(spans, ">u2").tobytes() for spans in SPANS.get(name, [])]
        rows, heap = b"", b"".join(heaps)
        at = 0
        for piece in heaps:
            rows += np.array([1, len(piece) // 6, 0, 0, 0, 0, 0, 0, 0, len(piece), at],
                             ">i4").tobytes()
            at += len(piece)
        header = fits.Header({"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 44,
                              "NAXIS2": len(heaps), "PCOUNT": len(heap), "GCOUNT": 1,
                              "TFIELDS": 10, "THEAP": 44 * len(heaps)})
        names = "refcntr nspan row0 col0 rmin rmax cmin cmax npix s".split()
        for k, column in enumerate(names, 1):
            header[f"TFORM{k}"], header[f"TTYPE{k}"] = "1PB(0)" if column == "s" else "1J", column
        data = rows + heap
        units.append(header.tostring().encode() + data + bytes(-len(data) % 2880))
    first = io.BytesIO()
    units[0].writeto(first)
    return first.getvalue() + b"".join(units[1:])


def test_an_object_mask_has_the_bits_of_its_planes_where_the_spans_are():
    buffer = object_mask()
    assert masks.is_object_mask(buffer)
    mask = masks.read_object_mask(buffer, SHAPE)
    assert mask.shape == SHAPE and mask.dtype == np.int32
    for name, bit in masks.BITS.items():
        want = np.zeros(SHAPE, bool)
        for spans in SPANS.get(name, []):
            for y, first, last in spans:
                want[y, first : last + 1] = True
        assert ((mask & bit != 0) == want).all(), name
    assert mask[4, 5] == masks.BITS["SATUR"] | masks.BITS["CR"]
    assert (masks.bad_pixels(mask) == (mask & masks.BITS["CR"] != 0)).all()
    assert (masks.bad_pixels(mask, ["INTERP"]) == (mask & 1 != 0)).all()


def test_the_sense_of_an_object_mask_is_its_own_and_that_is_said():
    found = {}
    for kind in ("bad", "good"):
        image = Image(np.zeros(SHAPE, np.float32))
        with hearing() as heard:
            read_mask(image, object_mask(), None, Companions(mask_type=kind))
        found[kind] = image.mask, [what for what, _ in heard]
    assert (found["bad"][0] == found["good"][0]).all() and found["bad"][0].any()
    assert found["bad"][1] == [] and found["good"][1] == ["not-used"]


def test_an_object_mask_that_does_not_fit_or_is_damaged_is_a_named_failure():
    buffer = object_mask()
    cases = {
        "companion-mismatch": (buffer, (30, 41)), "truncated": (buffer[: len(buffer) // 2], SHAPE),
        "corrupt": (buffer.replace(np.array([4, 5, 5], ">u2").tobytes(),
                                   np.array([4, 5, 40], ">u2").tobytes()), SHAPE),
    }
    for kind, (data, shape) in cases.items():
        with pytest.raises(ImageFailure) as failure:
            masks.read_object_mask(data, shape)
        assert failure.value.kind == kind
    assert not masks.is_object_mask(b"") and not masks.is_object_mask(buffer[2880:])


VALUES = {"aa": -24.0, "kk": 0.1, "airmass": 1.2, "gain": 4.7, "dark_variance": 1.3,
          "saturation_level": 47000.0}


def field_table(cards=None, **values):
    """Bytes of a tsField that has the values in r."""
    table = fits.BinTableHDU.from_columns([
        fits.Column(name, "5D", array=[[0, 0, value, 0, 0]])
        for name, value in {**VALUES, **values}.items() if value is not None])
    header = fits.Header({"FILTERS": "u g r i z", "RUN": 2000, "CAMCOL": 4, **(cards or {})})
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(header=header), table]).writeto(file)
    return file.getvalue()


def test_the_zero_point_of_a_field_is_that_of_its_exposure_and_extinction():
    found = calibration.field_calibration(field_table(), "r")
    # A star of magnitude 20 gives 10 ** (-0.4 * (20 + aa + kk * airmass)) counts a second.
    counts = 53.907456 * 10 ** (-0.4 * (20 - 24.0 + 0.1 * 1.2))
    assert found.zero_point - 2.5 * np.log10(counts) == pytest.approx(20, abs=1e-9)
    assert (found.gain, found.dark_variance, found.saturation) == (4.7, 1.3, 47000.0)


def counts_image(**cards):
    return Image(np.zeros(SHAPE, np.float32),
                 {"RUN": 2000, "CAMCOL": 4, "FILTER": "r", "SOFTBIAS": 900, **cards})


def test_a_calibration_is_of_the_pixels_as_they_come():
    image = counts_image()
    calibration.calibrate(image, field_table())
    assert (image.gain, image.saturation) == (4.7, 47900.0), "pixels have the soft bias"


PLAIN = io.BytesIO()
fits.PrimaryHDU(np.ones(SHAPE, "f4")).writeto(PLAIN)


@pytest.mark.parametrize(("cards", "buffer", "kind", "said"), [
    ({"FILTER": "Ks"}, field_table(), "companion-mismatch", "'Ks'"),
    ({"FILTER": "z"}, field_table({"FILTERS": "u g r i"}), "companion-mismatch", "'z'"),
    ({"RUN": 2001}, field_table(), "companion-mismatch", "RUN 2000"),
    ({"CAMCOL": 5}, field_table(), "companion-mismatch", "CAMCOL 4"),
    ({}, PLAIN.getvalue(), "companion-mismatch", "no tsField"),
    ({}, field_table(kk=None), "companion-mismatch", "no tsField: no column kk"),
    ({}, field_table(gain=0.0), "corrupt", "gain"),
    ({}, field_table(aa=np.nan), "corrupt", "zero point is nan"),
    ({}, field_table()[:5000], "truncated", ""),
    ({}, b"no FITS", "not-fits", ""),
])
def test_what_is_no_calibration_of_the_image_is_a_named_failure(cards, buffer, kind, said):
    found, message = failure(calibration.calibrate, counts_image(**cards), buffer)
    assert found == kind and said in message


def calibrated_frame(light, sky, scale, x, y, **cards):
    """Bytes of a frame in nanomaggies, with what was taken off it."""
    header = fits.Header({"RUN": 2000, "CAMCOL": 4, "FILTER": "i", **cards})
    table = fits.BinTableHDU.from_columns([
        fits.Column("ALLSKY", f"{sky.size}E", dim=str(sky.shape[::-1]), array=[sky]),
        fits.Column("XINTERP", f"{len(x)}E", array=[x]),
        fits.Column("YINTERP", f"{len(y)}E", array=[y])])
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(light.astype("f4"), header),
                  fits.ImageHDU(scale.astype("f4")), table]).writeto(file)
    return file.getvalue()


def bilinear(grid, x, y):
    """Linear in each direction, and beyond the border as at the border."""
    rows = np.array([np.interp(x, np.arange(grid.shape[1]), row) for row in grid])
    return np.array([np.interp(y, np.arange(grid.shape[0]), column) for column in rows.T]).T


# Of camera column 4 in i after run 1500.
GAIN, DARK = 4.885, 7.5625


def sky_and_scale(shape, spread=0.0015):
    rng = np.random.default_rng(4)
    scale = 0.00315 * (1 + spread * rng.uniform(-1, 1, shape[1]))
    x, y = np.linspace(-0.4, 6.4, shape[1]), np.linspace(-0.4, 4.4, shape[0])
    return rng.uniform(80, 120, (5, 7)), scale, x, y


def test_the_noise_of_a_frame_is_that_of_its_counts():
    light = np.random.default_rng(3).uniform(0.0, 15.0, SHAPE)
    sky, scale, x, y = sky_and_scale(SHAPE)
    buffer = calibrated_frame(light, sky, scale, x, y)
    rms, gain = frames.frame_noise(buffer, read_image(buffer).header, SHAPE)
    # The data model: counts are image / scale + sky, their variance counts / gain + dark.
    counts = light / scale + bilinear(sky, x, y)
    variance = (counts / GAIN + DARK) * scale**2
    assert rms**2 + light / gain == pytest.approx(variance, rel=0.002)
    assert rms == pytest.approx(np.sqrt(bilinear(sky, x, y) / GAIN + DARK) * scale, rel=1e-5)


@pytest.mark.parametrize(("units", "cards", "kind"), [
    ([], {}, "no-extension"), (["scale"], {}, "no-extension"),
    (["scale", "table"], {}, "no-extension"), (["doubles", "sky"], {}, "corrupt"),
    (["zeros", "sky"], {}, "corrupt"), (["scale", "other sky"], {}, "corrupt"),
    (["scale", "sky"], {"CAMCOL": 9}, "corrupt"), (["scale", "sky"], {"RUN": "?"}, "corrupt"),
])
def test_what_is_no_frame_is_a_named_failure(units, cards, kind):
    sky, scale, x, y = sky_and_scale(SHAPE)
    whole = fits.HDUList.fromstring(calibrated_frame(np.ones(SHAPE), sky, scale, x, y, **cards))
    other = fits.HDUList.fromstring(calibrated_frame(np.ones(SHAPE), sky, scale, x[1:], y))
    kinds = {"scale": whole[1], "sky": whole[2], "other sky": other[2],
             "doubles": fits.ImageHDU(scale), "zeros": fits.ImageHDU(0 * scale.astype("f4")),
             "table": fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])}
    file = io.BytesIO()
    fits.HDUList([whole[0], *(kinds[name] for name in units)]).writeto(file)
    image = read_image(file.getvalue())
    settings = Config().updated(calibrated="sdss-frame").companions
    assert failure(add_known, image, file.getvalue(), settings)[0] == kind


def test_errors_of_stars_on_a_frame_are_those_of_their_photons(tmp_path):
    """Many exposures of one star scatter as much as each says, faint or bright."""
    shape, stars = (480, 640), 12 * 16
    sky, scale, x, y = sky_and_scale(shape)
    at = np.stack(np.meshgrid(np.arange(20, 640, 40), np.arange(20, 480, 40)), -1).reshape(-1, 2)
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:480, :640]
    for flux in (10.0, 1000.0):  # magnitudes 20 and 15
        light = np.zeros(shape)
        for cx, cy in at:
            light += flux / (2 * np.pi * 1.5**2) * np.exp(
                -((columns - cx) ** 2 + (rows - cy) ** 2) / (2 * 1.5**2))
        counts = light / scale + bilinear(sky, x, y)
        counts = rng.poisson(counts * GAIN) / GAIN + rng.normal(0, np.sqrt(DARK), shape)
        path = tmp_path / f"{flux}.fits"
        path.write_bytes(calibrated_frame(
            (counts - bilinear(sky, x, y)) * scale, sky, scale, x, y))
        table = extract(path, calibrated="sdss-frame", apertures=(14.0,), back_type="manual",
                        columns=("x", "y", "flux_aper", "fluxerr_aper", "mag_aper"))
        near = np.hypot(table["x"][:, None] - at[:, 0], table["y"][:, None] - at[:, 1]).min(1) < 1
        found = table[near]
        assert len(found) == stars
        error = np.median(found["fluxerr_aper_1"])
        # 192 stars give the scatter to 5 percent.
        assert np.std(found["flux_aper_1"]) == pytest.approx(error, rel=0.15)
        magnitude = 22.5 - 2.5 * np.log10(flux)
        assert np.median(found["mag_aper_1"]) == pytest.approx(magnitude, abs=0.01)
        assert error > np.sqrt(flux * 0.00315 / GAIN), "no fewer than its photons"


# ---- SDSS: files of the survey

@pytest.fixture(scope="module")
def field(request):
    """An SDSS field in r: pixels, mask, calibration."""
    folder = request.getfixturevalue("shared_data") / "a" / "obs_sdss"
    image = read_image((folder / FPC).read_bytes())
    mask = masks.read_object_mask((folder / FPM).read_bytes(), image.data.shape)
    given = calibration.field_calibration((folder / TSFIELD).read_bytes(), image.header["FILTER"])
    return image, mask, given


def test_the_sky_and_noise_of_a_field_are_those_that_sdss_gives(shared_data, field):
    image, _, given = field
    sky = np.median(image.data) - image.header["SOFTBIAS"]
    # The tsField gives the sky in maggies a square arcsecond, a pixel being 0.396 arcsec.
    told = fits.getdata(shared_data / "a/obs_sdss" / TSFIELD)["sky"][0][2]
    flux = sky / 0.396**2 * 10 ** (-0.4 * given.zero_point)
    assert flux == pytest.approx(told, rel=0.01)
    noise = np.std(image.data[np.abs(image.data - np.median(image.data)) < 25])
    assert noise == pytest.approx(
        np.sqrt(sky / given.gain + given.dark_variance), rel=0.05)


def test_stars_of_a_field_are_as_many_and_as_bright_as_the_sky_has(shared_data, field):
    # A field of 13.5 by 9.8 arcminutes far from the galactic plane has some tens of objects
    # between 15 and 20 in r. The limits tell a wrong sign or factor of ten, no more: the
    # zero point itself is held to a percent by the sky, above.
    image, _, given = field
    table = extract(image.data, header=image.header, zero_point=given.zero_point)
    magnitude = np.asarray(table["mag_auto"])
    assert 30 < ((magnitude > 15) & (magnitude < 20)).sum() < 200
    assert np.nanmin(magnitude) > 11
    assert 20.5 < np.nanpercentile(magnitude, 75) < 23, "faint ones near the survey's limit"


def test_the_saturated_plane_holds_what_was_saturated(field):
    image, mask, _ = field
    saturated = masks.bad_pixels(mask, ["SATUR"])
    assert 1000 < saturated.sum() < 1200
    # photo has put values into them: all are interpolated, in one star and its bleeding.
    assert masks.bad_pixels(mask, ["INTERP"])[saturated].all()
    y, x = np.nonzero(saturated)
    assert np.ptp(x) < 20 and np.ptp(y) > 100
    # What is beyond the level at which the CCD saturates can be there alone.
    assert (image.data[~saturated] < 47306 + image.header["SOFTBIAS"]).all()
    objects = masks.bad_pixels(mask, ["OBJECT", "BRIGHTOBJECT"])
    bright = image.data > np.median(image.data) + 200
    assert objects[bright].mean() > 0.95, "light is in objects"
    assert np.median(image.data[objects]) > np.median(image.data[~objects])


def test_without_a_calibration_an_fpc_stays_what_it_is_and_with_it_fields_stand_in_order(
        shared_data, tmp_path):
    for name in (FPC, FPM, TSFIELD):
        shutil.copy(shared_data / "a/obs_sdss" / name, tmp_path)
    lines = "".join(f"{FPC}\tid={name}\t{fields}\n" for name, fields in {
        "rule": "", "none": "calibration=", "line": f"calibration={TSFIELD}",
        "point": "zero_point=25", "wrong": f"calibration={FPM}"}.items())
    run = job("-r", "inline", "-", "--calibration-file", RULE, "--zero-point", "20",
              "--zero-point-key", "SOFTBIAS", "--max-failures", "1", "--columns",
              "flux_auto,fluxerr_auto,mag_auto", "--catalog", "c.tsv", stdin=lines.encode(),
              cwd=tmp_path)
    assert run.status == 0, run.err
    found = read_catalog(tmp_path / "c.tsv")
    digest = hashlib.sha256((tmp_path / TSFIELD).read_bytes()).hexdigest()
    assert found.accounts["wrong"].kind == "companion-mismatch"
    assert FPM in found.accounts["wrong"].message
    used = {name: account.values.get("calibration_sha256")
            for name, account in found.accounts.items() if not account.kind}
    assert used == {"rule": digest, "line": digest, "point": digest, "none": None}
    images, columns = np.asarray(found.columns["image"]), found.columns
    points, errors, brightest = {}, {}, {}
    for name in used:
        rows = images == name
        flux = np.asarray(columns["flux_auto"])[rows].astype(float)
        magnitude = np.asarray(columns["mag_auto"])[rows].astype(float)
        points[name] = np.nanmedian(magnitude + 2.5 * np.log10(np.where(flux > 0, flux, np.nan)))
        errors[name] = np.asarray(columns["fluxerr_auto"])[rows].astype(float)[flux.argmax()]
        brightest[name] = flux.max()
    # The header card SOFTBIAS, which is 1000, stands for a zero point here.
    assert points == pytest.approx({"rule": 28.2515, "line": 28.2515, "point": 25, "none": 1000},
                                   abs=1e-3)
    assert errors["rule"] == errors["point"]
    photons = errors["rule"] ** 2 - errors["none"] ** 2
    assert photons == pytest.approx(brightest["rule"] / 4.72, rel=0.01)


@pytest.mark.parametrize(("rule", "path", "found"), [
    (RULE, FPC, TSFIELD),
    (r"s#/(\d+)/corr/\d/fpC-(\d+)-\w(\d)-(\d+).*"
     r"#/\1/calibChunks/\3/tsField-\2-\3-\1-\4.fit#",
     f"imaging/5754/40/corr/3/{FPC}", f"imaging/5754/40/calibChunks/3/{TSFIELD}"),
    (r"s#/corr/(\d)/fpC#/objcs/\1/fpM#", f"imaging/5754/40/corr/3/{FPC}",
     f"imaging/5754/40/objcs/3/{FPM}"),
    (r"s/frame-(\w)-(\d+)-(\d)-(\d+).*/fpM-\2-\1\3-\4.fit/", FRAME, "fpM-000094-g1-0131.fit"),
])
def test_the_rules_of_the_page_name_the_files_of_the_archive(rule, path, found):
    assert found in [place.uri for place in parse_rule(rule).places(path)]


def test_a_saturated_star_is_one_source_and_flagged(shared_data, field):
    image, mask, given = field
    buffer = (shared_data / "a/obs_sdss" / FPM).read_bytes()
    saturated = masks.bad_pixels(mask, ["SATUR"])
    whole = Image(image.data.copy(), image.header)
    read_mask(whole, buffer, None, Config().companions)
    sources = measure_image(whole, Config().updated(zero_point=given.zero_point))
    flagged = sources.columns["flag"] & SATURATED > 0
    assert flagged.sum() == 1
    y, x = np.nonzero(saturated)
    k = int(np.flatnonzero(flagged)[0])
    assert x.min() <= sources.columns["x"][k] <= x.max()
    assert y.min() <= sources.columns["y"][k] <= y.max()
    assert k == np.nanargmin(sources.columns["mag_auto"]), "the brightest of the field"


def test_the_noise_that_a_frame_says_is_the_noise_that_it_has(shared_data):
    buffer = unpack((shared_data / "a/obs_sdss" / FRAME).read_bytes())
    image = read_image(buffer)
    assert image.images == 1, "the calibration of the columns is no further image"
    add_known(image, buffer, Config().updated(calibrated="sdss-frame").companions)
    assert image.zero_point == 22.5 and image.weight_kind == "rms"
    # Photons of the sky, some 22 magnitudes a square arcsecond on a dark night.
    scale = np.frombuffer(buffer, ">f4", 2048, list_units(reader_of(buffer))[1].data).mean()
    assert scale == pytest.approx(image.header["NMGY"], rel=0.01)
    gain, dark = frames.detector(image.header)
    sky = (np.median(image.weight) ** 2 / scale**2 - dark) * gain * scale / 0.396**2
    assert 21 < 22.5 - 2.5 * np.log10(sky) < 22.5
    noise = image.weight
    mesh = subtract_background(image.data, Config().background, None)
    assert np.median(mesh.rms()) == pytest.approx(np.median(noise), rel=0.05)
    # Circles on blank sky scatter a little more: faint galaxies are in them.
    labels = sep.extract(image.data, 1.5, err=noise, segmentation_map=True)[1]
    rng = np.random.default_rng(1)
    x, y = rng.uniform(20, 2028, 20000), rng.uniform(20, 1469, 20000)
    full = sep.sum_circle((labels > 0).astype("f4"), x, y, 8.0)[0] == 0
    flux, error, _ = sep.sum_circle(image.data, x[full], y[full], 2.5, err=noise, subpix=5)
    scatter = 1.4826 * np.median(np.abs(flux - np.median(flux)))
    assert len(flux) > 5000
    assert 0.95 < scatter / np.median(error) < 1.25


def test_a_frame_is_measured_the_same_in_a_job_and_in_a_notebook(shared_data, tmp_path):
    path = shared_data / "a/obs_sdss" / FRAME
    columns = ("x", "flux_auto", "fluxerr_auto", "mag_auto")
    run = job("-r", "inline", path, "--calibrated", "sdss-frame", "--columns", ",".join(columns),
              "--catalog", "c.tsv", cwd=tmp_path)
    assert run.status == 0 and "further images" not in run.err
    rows = read_catalog(tmp_path / "c.tsv").columns
    table = extract(path, calibrated="sdss-frame", columns=columns)
    for name in columns:
        assert np.asarray(rows[name], float) == pytest.approx(
            np.asarray(table[name], float), rel=1e-6, nan_ok=True)
    plain = extract(path, zero_point=22.5, columns=columns)
    assert 0.9 < len(table) / len(plain) < 1.1
    brightest = table["flux_auto"].argmax()
    other = np.abs(plain["x"] - table["x"][brightest]).argmin()
    assert table["fluxerr_auto"][brightest] > 2 * plain["fluxerr_auto"][other]
    unweighted = extract(path, calibrated="sdss-frame", weight_type="none", columns=columns)
    assert len(unweighted) == len(plain)
    with pytest.raises(ValueError, match="needs the path"):
        extract(np.ones((9, 9)), calibrated="sdss-frame")
    with pytest.raises(ValueError, match="rules that name files"):
        extract(path, calibration_file=RULE)
