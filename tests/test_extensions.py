"""Which extension a mask, weight map or detection image means, and what it is called."""

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from stars import star_field

from mr_extract import Config, extract
from mr_extract.failures import ImageFailure
from mr_extract.images.companion_values import read_map, read_values
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.general import read_general
from mr_extract.images.read import read_image, read_unpacked
from mr_extract.images.region import Region
from mr_extract.images.section import Section
from mr_extract.images.units import list_units, reader_of
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.task.one_line import process
from mr_extract.jobs.task.opened import opened
from mr_extract.remarks import hearing, parse_cell
from mr_extract.text.manifest import parse_line

SHAPE = (60, 80)


def mef(*units):
    """Return a file of extensions: (value of its pixels, EXTNAME, EXTVER)."""
    hdus = [fits.PrimaryHDU()]
    for value, name, version in units:
        hdus.append(fits.ImageHDU(np.full(SHAPE, value, np.int16)))
        hdus[-1].header.update({key: card for key, card in (("EXTNAME", name), ("EXTVER", version))
                                if card is not None})
    return content(hdus)


def content(hdus):
    import io

    file = io.BytesIO()
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()


def values_for(images, masks, ext=None):
    """Return, for each image of a file that is no DQ, the value of its mask or the failure."""
    found = []
    units = [unit for unit in list_units(reader_of(images)) if unit.is_plane and unit.name != "DQ"]
    for unit in units:
        image = read_unpacked(images, unit.number)
        section = Section(reader_of(images), Region(10, 70, 5, 50)).image(unit.number)
        try:
            whole = read_values(masks, image, ext)[0]
            part = Section(reader_of(masks), Region(10, 70, 5, 50)).values(section, ext)[0]
            assert np.array_equal(part, whole[5:50, 10:70])
            found.append(int(whole[0, 0]))
        except ImageFailure as failure:
            found.append(failure.kind)
    return found


NO = "no-extension"


@pytest.mark.parametrize("images, masks, ext, found", [
    # Without EXTVER the order tells, under the image's name and under another.
    ([("SCI", None)] * 2, [("SCI", None)] * 2, None, [1, 2]),
    ([("SCI", None)] * 2, [("DQ", None)] * 2, "DQ", [1, 2]),
    # EXTVER tells, whatever the order.
    ([("SCI", 1), ("SCI", 2)], [("DQ", 2), ("DQ", 1)], "DQ", [2, 1]),
    # One side is silent.
    ([("SCI", 1), ("SCI", 2)], [("DQ", None)] * 2, "DQ", [1, 2]),
    ([("SCI", None)] * 2, [("DQ", 1), ("DQ", 2)], "DQ", [1, 2]),
    # Not clear, or said to be another's.
    ([("SCI", None)] * 3, [("DQ", None)] * 2, "DQ", [NO] * 3),
    ([("SCI", 1), ("SCI", 2)], [("DQ", 1), ("FL", 1)], "DQ", [1, NO]),
    ([("SCI", 1), ("SCI", 2)], [("DQ", 1), ("DQ", 3)], "DQ", [1, NO]),
    # The mask of another chip is not that of this one, by number as little as for want of others.
    ([("ccd1", None), ("ccd2", None)], [("ccd2", None)], None, [NO, 1]),
    ([("ccd1", None), ("ccd2", None)], [("ccd2", None), ("ccd3", None)], None, [NO, 1]),
    # One mask for all.
    ([("SCI", None)] * 2, [("DQ", None)], "DQ", [1, 1]),
])
def test_equal_names_go_by_version_then_by_order(images, masks, ext, found):
    images = mef(*((0, *one) for one in images))
    masks = mef(*((k, *one) for k, one in enumerate(masks, 1)))
    assert values_for(images, masks, ext) == found


@pytest.mark.parametrize("versions, found, said", [
    ((2, 1), [2, 1], []),
    (("2", 1.0), [2, 1], []),  # whole numbers, however they are written
    (("b", "a"), [1, 2], [("unusable-card", f"EXTVER of extension {k} = {text!r}")
                          for k, text in ((1, "b"), (2, "a"))]),
])
def test_a_version_that_is_no_whole_number_counts_as_none_and_is_said(versions, found, said):
    images = mef((0, "SCI", 1), (0, "SCI", 2))
    masks = mef(*((k, "DQ", version) for k, version in enumerate(versions, 1)))
    with hearing() as heard:
        assert values_for(images, masks, "DQ") == found
    assert list(heard) == said
    with hearing() as heard:
        read_image(masks, 1)
        read_general(masks, 1)
    assert list(heard) == said[:1]


def test_masks_between_the_images_of_a_file_are_those_before_which_they_stand():
    one = mef((0, "SCI", None), (1, "DQ", None), (0, "SCI", None), (2, "DQ", None))
    assert values_for(one, one, "DQ") == [1, 2]
    assert values_for(mef((0, "SCI", None), (0, "SCI", None), (1, "DQ", None)),
                      mef((0, "SCI", None), (0, "SCI", None), (1, "DQ", None)), "DQ") == [NO, NO]


def test_every_way_to_measure_masks_each_image_with_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hdus = [fits.PrimaryHDU()]
    for k in range(2):
        bad = np.zeros((200, 260), np.int16)
        bad[: 40 * (k + 1)] = 1
        hdus += [fits.ImageHDU(star_field(k, 3000.0, (200, 260)).data, name="SCI"),
                 fits.ImageHDU(bad, name="DQ")]
    fits.HDUList(hdus).writeto("a.fits")
    for runner in ("inline", "local"):
        run = job("-r", runner, "a.fits", "--extensions", "/SCI/", "--mask-image", "[DQ]",
                  "--columns", "y", "--catalog", f"{runner}.tsv")
        assert run.status == 0, run.err
        lines = (tmp_path / f"{runner}.tsv").read_text().splitlines()
        pixels = [line.split("pixels=")[1].split("\t")[0] for line in lines if "pixels=" in line]
        assert [int(n) for n in pixels] == [160 * 260, 120 * 260]
    for k in range(2):
        table = extract(f"a.fits[{2 * k + 1}]", mask="a.fits[DQ]")
        assert table["y"].min() > 40 * (k + 1) - 1


@pytest.mark.parametrize("true_first", [True, False])
def test_a_compressed_image_with_two_names_has_the_true_one(true_first):
    unit = fits.CompImageHDU(np.arange(4800, dtype=np.int16).reshape(SHAPE), name="ccd07")
    buffer = content([fits.PrimaryHDU(), unit])
    at = buffer.index(b"EXTNAME =")
    at -= (at - 0) % 80
    free = buffer.index(b"END".ljust(80), at)
    other = b"EXTNAME = 'COMPRESSED_IMAGE'".ljust(80)
    card = buffer[at : at + 80]
    pair = (card, other) if true_first else (other, card)
    buffer = (buffer[:at] + pair[0] + buffer[at + 80 : free] + pair[1] + b"END".ljust(80)
              + buffer[free + 160 :])
    units = list_units(reader_of(buffer))
    assert units[1].name == "CCD07"
    image = read_unpacked(buffer, "CCD07")
    assert image.header["EXTNAME"] == "CCD07"
    masks = mef((1, "ccd01", None), (7, "ccd07", None))
    assert read_values(masks, image)[0][0, 0] == 7


def test_the_first_of_several_of_a_name_is_said():
    units = list_units(reader_of(mef((1, "SCI", 1), (2, "SCI", 2))))
    with hearing() as said:
        assert chosen_unit(units, "SCI").number == 1
        assert chosen_unit(units, 2).number == 2
    assert [kind for kind, _ in said] == ["first-of-name"]


def test_a_detection_image_alone_in_its_file_is_that_of_any_extension(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    field = star_field(3, 3000.0, (200, 260))
    fits.writeto("single.fits", field.data)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(field.data[::-1]), fits.ImageHDU(field.data)]
                 ).writeto("mef.fits")
    run = job("-r", "inline", "mef.fits[2]", "--detect-image", "single.fits", "--columns",
              "x,y,flux_auto", "--catalog", "out.tsv")
    assert run.status == 0, run.err
    alone = extract("single.fits", columns=("x", "y", "flux_auto"))
    both = extract("mef.fits", ext=2, detect="single.fits", columns=("x", "y", "flux_auto"))
    # The detection image of an extension is that extension of a file that has several.
    same = extract("mef.fits[2]", detect="mef.fits", columns=("x", "y", "flux_auto"))
    rows = [line for line in (tmp_path / "out.tsv").read_text().splitlines()
            if line.startswith("mef")]
    assert len(rows) == len(alone) == len(both) == len(same) > 10
    assert np.allclose(both["flux_auto"], alone["flux_auto"])


# Pan-STARRS stacks: v = a asinh((f - BOFFSET) / (2 BSOFTEN)).
A = 2.5 * np.log10(np.e)
CARDS = {"BOFFSET": 7.25, "BSOFTEN": 221.5}


def packed_by_asinh(flux, **more):
    unit = fits.PrimaryHDU((A * np.arcsinh((flux - 7.25) / 443.0)).astype(np.float32))
    unit.header.update(CARDS | more)
    return unit


def test_asinh_pixels_are_measured_as_the_flux_that_they_stand_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = star_field(5, 5000.0, (200, 260)).data.astype(np.float64)
    data[50, 60] = np.nan
    variance = np.linspace(90.0, 110.0, data.size).reshape(data.shape)
    fits.writeto("linear.fits", data.astype(np.float32))
    fits.writeto("linear.wt.fits", variance.astype(np.float32))
    packed_by_asinh(data).writeto("stack.fits")
    packed_by_asinh(variance).writeto("stack.wt.fits")
    columns = ("x", "y", "flux_auto", "fluxerr_auto")
    want = extract("linear.fits", columns=columns, weight="linear.wt.fits", weight_type="map_var")
    whole = fits.open("stack.fits")[0]
    for source, weight in (("stack.fits", "stack.wt.fits"),
                           (whole, fits.open("stack.wt.fits")[0])):
        have = extract(source, columns=columns, weight=weight, weight_type="map_var")
        assert len(have) == len(want) > 10
        # float32 of asinh has 1e-7 of some magnitudes.
        assert np.allclose(have["flux_auto"], want["flux_auto"], rtol=2e-4, atol=0.5)
        assert np.allclose(have["fluxerr_auto"], want["fluxerr_auto"], rtol=1e-3)
        said = parse_cell(have.meta["remarks"])
        assert ("asinh-pixels", "made linear, BOFFSET 7.25, BSOFTEN 221.5") in said
        assert ("asinh-pixels", "weight: made linear, BOFFSET 7.25, BSOFTEN 221.5") in said
    left = extract("stack.fits", asinh="asinh")
    assert "left as they are" in left.meta["remarks"]
    assert max(left["flux_auto"]) < 0.2 * max(want["flux_auto"])
    run = job("-r", "inline", "stack.fits", "stack.fits[0:260,0:200]", "--catalog", "o.tsv",
              "--weight-image", "{stem}.wt.fits", "--weight-type", "map_var", "--columns",
              "flux_auto")
    assert run.status == 0, run.err
    rows = {}
    for line in (tmp_path / "o.tsv").read_text().splitlines():
        if line.startswith("stack"):
            rows.setdefault(line.split("\t")[0], []).append(line.split("\t")[1:])
    first, second = rows.values()
    assert first == second
    assert "asinh" in run.err


def test_a_softening_that_is_none_is_said():
    buffer = content([packed_by_asinh(np.ones(SHAPE), BSOFTEN=0.0)])
    image = read_unpacked(buffer)
    with hearing() as said:
        read_map(buffer, image, None, Config().companions)
    assert [kind for kind, _ in said] == ["unusable-card"]


def test_a_file_of_many_extensions_is_searched_once(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.fits", "b.fits")]
    for path in paths:
        hdus = [fits.PrimaryHDU()]
        hdus += [fits.ImageHDU(np.random.default_rng(k).normal(100, 5, SHAPE)) for k in range(1, 4)]
        path.write_bytes(content(hdus) + b"junk" * 720)
    entries = [parse_line(f"{path}[{k}]".encode()) for path in paths for k in (1, 2, 3)]
    alone = []
    for entry in entries:
        opened(str(tmp_path / "a.fits"))  # lets go of what is held
        alone.append(process(entry, WORK, Config()).block)
    searched = []

    def counted(read):
        searched.append(read)
        return list_units(read)

    monkeypatch.setattr("mr_extract.images.listed.list_units", counted)
    assert [process(entry, WORK, Config()).block for entry in entries] == alone
    assert len(searched) == 2
    assert all(b"remarks=" in block and b"trailing-bytes" in block for block in alone)
