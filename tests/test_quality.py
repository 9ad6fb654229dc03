"""The quality log against what the frames were made with."""

import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import ROOT, command

from mr_extract import Config
from mr_extract.frames.quality import quality
from mr_extract.images import Image, read_image
from mr_extract.jobs.quality import WORK
from preprocess.simulation.night import PIXEL_SCALE


@pytest.fixture(scope="module")
def big_night(tmp_path_factory):
    """Frames with enough stars that the seeing can be told."""
    from preprocess.simulation.simulate import simulate_night

    folder = tmp_path_factory.mktemp("night")
    simulate_night(str(folder), frames=4, seed=3, shape=(900, 1000))
    return folder


def rows_of(run):
    names, *rows = (line.split("\t") for line in run.lines if not line.startswith("#"))
    return [dict(zip(names, row)) for row in rows]


def test_each_image_has_one_row_that_tells_seeing_noise_and_place(big_night):
    run = command([sys.executable, "-m", "mr_extract.jobs.quality", big_night / "manifest.txt"],
                  env={"PYTHONPATH": str(ROOT)})
    rows = rows_of(run)
    assert [row["image"] for row in rows] == sorted(map(str, big_night.glob("*.fits")))
    seeings = []
    for row in rows:
        header = fits.getheader(row["image"])
        assert int(row["stars"]) >= 20
        # FWHM_IMAGE is that of a Gaussian through the core, some 7 % above a Moffat's own.
        seeings.append(float(row["seeing"]) / (header["SEEING"] / PIXEL_SCALE))
        assert float(row["seeing_sky"]) == pytest.approx(
            float(row["seeing"]) * PIXEL_SCALE, rel=1e-3)
        assert float(row["star_ellipticity"]) < 0.08
        assert float(row["gain"]) == header["GAIN"]
        assert float(row["saturation"]) == header["SATURATE"]
        corners = WCS(header).all_pix2world(
            [[-0.5, -0.5], [999.5, -0.5], [999.5, 899.5], [-0.5, 899.5]], 0)
        ours = [[float(row[f"ra_{k}"]), float(row[f"dec_{k}"])] for k in (1, 2, 3, 4)]
        assert np.abs(np.array(ours) - corners).max() < 1e-8
        assert float(row["pixel_scale"]) == pytest.approx(PIXEL_SCALE, rel=1e-6)
    assert 1.0 < min(seeings) and max(seeings) < 1.12
    assert np.ptp(seeings) < 0.05


def test_fractions_are_counts_of_pixels(big_night):
    image = read_image(sorted(big_night.glob("*.fits"))[0].read_bytes())
    image.mask = np.zeros(image.data.shape, bool)
    image.mask[100:130, 40:240] = True
    image.data[500:504, 500:505] = 70000.0
    found = quality(image, WORK.settings(), zero_point=25.0)
    # Within rounding of one pixel, beside what the frame has of its own.
    assert found["bad"] == pytest.approx(30 * 200 / image.data.size)
    assert found["saturated"] * image.data.size >= 20
    assert found["zero_point"] == 25.0


def test_what_cannot_be_had_is_nan_and_noise_is_that_of_the_image():
    data = np.random.default_rng(2).normal(100.0, 7.0, (300, 400)).astype(np.float32)
    found = quality(Image(data), WORK.settings())
    assert found["background"] == pytest.approx(100.0, abs=0.2)
    assert found["rms"] == pytest.approx(7.0, rel=0.02)
    assert found["stars"] == 0 and found["bad"] == 0.0
    assert all(np.isnan(found[name]) for name in ("seeing", "seeing_sky", "ra", "dec_4"))


def test_settings_are_those_of_the_main_job_under_their_names():
    ours = {one.name: one.default for _, one in WORK.settings.declared()}
    theirs = {one.name: one.default for _, one in Config.declared()}
    assert ours.items() <= theirs.items()
    assert WORK.settings().updated(thresh=3).hash() != WORK.settings().hash()


def test_what_a_run_left_out_is_taken_up_and_merged(big_night, tmp_path):
    def python(*words):
        return command([sys.executable, "-m", *words], cwd=tmp_path,
                       env={"PYTHONPATH": str(ROOT)})

    images = sorted(map(str, big_night.glob("*.fits")))
    (tmp_path / "all.txt").write_text("\n".join(images))
    (tmp_path / "some.txt").write_text("\n".join(images[1:3]))
    program = "mr_extract.jobs.quality", "--quiet", "--catalog"
    assert python(*program, "whole.tsv", "all.txt").status == 0
    assert python(*program, "first.tsv", "some.txt").status == 0
    rest = python("preprocess", "remaining", "all.txt", "first.tsv")
    assert rest.lines == [images[0], images[3]]
    (tmp_path / "rest.txt").write_bytes(rest.out)
    assert python(*program, "second.tsv", "rest.txt").status == 0
    merged = python("preprocess", "merge", "first.tsv", "second.tsv")
    assert merged.out == (tmp_path / "whole.tsv").read_bytes()
