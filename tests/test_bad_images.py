"""Every line of a manifest ends either as sources or as a named failure."""

import os
import sys

import numpy as np
import pytest
from bad_images import fits_bytes, good_pixels, write_bad_images
from conftest import ROOT, command, job, program, two_jobs

from mr_extract.failures import KINDS
from mr_extract.text.manifest import parse_line


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    expected = write_bad_images(folder)
    manifest = folder / "list.txt"
    manifest.write_bytes(b"# good and bad\n\n" + b"\n".join(expected) + b"\n")
    return manifest, {parse_line(line).id: kind for line, kind in expected.items()}


@pytest.fixture(scope="module")
def bad_run(bad, each_job):
    return job("-r", "inline", bad[0])


@pytest.fixture(scope="module")
def kinds(bad, each_job):
    """Each id with its kind: catalogued sources need a WCS before they need pixels."""
    without = ("with-nans.fits", "all-nan.fits", "constant.fits")
    return {i: "no-wcs" if each_job == "photometry" and i.endswith(without) else kind
            for i, kind in bad[1].items()}


def test_each_bad_image_ends_as_its_kind_of_failure(kinds, bad_run):
    assert bad_run.accounts() == kinds
    assert set(bad_run.accounts().values()) - {""} <= set(KINDS)


def test_failures_make_the_exit_status_one_and_are_named_on_stderr(kinds, bad_run):
    failed = [kind for kind in kinds.values() if kind]
    assert bad_run.status == 1
    assert f"{len(failed)} failed" in bad_run.err
    for kind in failed:
        assert kind in bad_run.err
    assert "Traceback" not in bad_run.err


def test_the_good_images_among_them_have_their_rows(kinds, bad_run, each_job):
    rows = [line.split("\t")[0] for line in bad_run.lines if not line.startswith("#")][1:]
    good = {i for i, kind in kinds.items() if not kind}
    assert set(rows) == {i for i in good if each_job == "quality" or "no-sources" not in i}
    # the same pixels in whatever packing give the same numbers
    by_image = {}
    for line in bad_run.lines:
        if not line.startswith("#"):
            image, rest = line.split("\t", 1)
            by_image.setdefault(os.path.basename(image), []).append(rest)
    plain = by_image["good.fits"]
    assert len(plain) >= {"extract": 8, "quality": 1, "photometry": 3}[each_job]
    assert plain == by_image["good.fits.gz"] == by_image["good.fits.bz2"] == by_image["carried"]


def test_an_image_without_sources_is_a_success(bad_run, each_job):
    line = next(line for line in bad_run.lines if "no-sources.fits" in line)
    rows = {"extract": "\tsources=0\t", "quality": "\trows=1\t",
            "photometry": "\trows=0\t"}[each_job]
    assert line.startswith("#image\t") and rows in line


@two_jobs
@pytest.mark.parametrize("limit, status", [("0", 1), ("100%", 0), ("1000", 0), ("10", 1)])
def test_max_failures_decides_the_exit_status_not_the_catalog(bad, bad_run, limit, status):
    run = job("-r", "inline", "--max-failures", limit, bad[0])
    assert run.status == status
    assert run.out == bad_run.out


@two_jobs
def test_the_local_runner_and_the_pipe_say_the_same(bad, bad_run):
    assert job("-r", "local", "--jobs", "2", bad[0]).out == bad_run.out
    mapped = command([*program(), "--mapper"], stdin=bad[0].read_bytes())
    sorted_lines = command(["sort"], stdin=mapped.out)
    reduced = command([*program(), "--reducer"], stdin=sorted_lines.out)
    assert mapped.status == reduced.status == 0
    assert reduced.out == bad_run.body


@pytest.mark.needs("unprivileged")
def test_a_file_that_may_not_be_read_is_named(tmp_path_factory, tmp_path):
    folder = tmp_path_factory.mktemp("closed")
    closed = folder / "closed.fits"
    closed.write_bytes(fits_bytes(good_pixels()))
    closed.chmod(0)
    parents = [p for p in folder.parents if str(p) not in ("/", "/tmp")]
    args = [sys.executable, "-c", (
        "import sys; from mr_extract.storage import read\n"
        "from mr_extract.failures import ImageFailure\n"
        "try: read(sys.argv[1])\n"
        "except ImageFailure as failure: print(failure.kind)"
    ), closed]
    if os.geteuid() == 0:
        # Without the capability to override permissions root is as anyone.
        args = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search",
                "--inh-caps", "-dac_override,-dac_read_search", *args]
    run = command(args, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert run.out.decode().strip() == "fetch-forbidden", (run.err, parents)


def test_an_image_that_fills_the_pixel_buffer_is_tried_with_a_larger_one(tmp_path):
    path = tmp_path / "crowded.fits"
    path.write_bytes(fits_bytes(good_pixels((300, 300))))
    small = job("-r", "inline", "--pixstack", "100", path)
    large = job("-r", "inline", "--pixstack", "300000", path)
    assert small.status == 0
    assert small.out == large.out
    assert len(small.lines) > 10


def test_broken_wcs_is_no_failure_where_no_sky_position_is_asked(bad):
    manifest, _ = bad
    path = manifest.parent / "singular-wcs.fits"
    run = job("-r", "inline", "--columns", "position,aper", path)
    assert run.status == 0 and len(run.lines) > 10


def test_an_image_without_wcs_is_a_failure_only_where_one_is_required(bad):
    path = bad[0].parent / "with-nans.fits"
    assert job("-r", "inline", path).status == 0
    run = job("-r", "inline", "--require-wcs", "yes", path)
    assert run.status == 1
    assert list(run.accounts().values()) == ["no-wcs"]


@pytest.mark.parametrize("one, other", [
    ("one.fits", "one.fits\tfilter=g"), ("one.fits\tzero_point=1", "one.fits\tzero_point=2"),
    ("one.fits\tid=x", "two.fits\tid=x"), ("one.fits\tid=x", "copy.fits\tid=x"),
    ("one.fits", "nope.fits\tid=one.fits"), ("one.fits", "one.fits\tmask=m"),
    ("one.fits\tid=x", "one.fits\tid=x\tbytes=many"), ("nope.fits\tid=x", "never.fits\tid=x"),
])
def test_two_meanings_of_one_id_are_a_failure_in_any_order_and_runner(one, other, tmp_path):
    for name, seed in (("one", 1), ("copy", 1), ("two", 2)):
        (tmp_path / f"{name}.fits").write_bytes(fits_bytes(good_pixels(seed=seed)))
    bodies = set()
    for lines in (f"{one}\n{other}\n", f"{other}\n{one}\n{one}\n"):
        bodies.add(job("-", stdin=lines.encode(), cwd=tmp_path).body)
        mapped = command([*program(), "--mapper"], stdin=lines.encode(),
                         cwd=tmp_path)
        bodies.add(command([*program(), "--reducer"],
                           stdin=command(["sort"], stdin=mapped.out).out).out)
    body, = bodies
    assert body.startswith(b"#error\t") and b"\tduplicate-id\t" in body


def test_paths_mean_what_the_file_system_says_to_every_runner(tmp_path):
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far" / "deep")
    (tmp_path / "far" / "b.fits").write_bytes(fits_bytes(good_pixels(seed=4)))
    (tmp_path / "b.fits").write_bytes(fits_bytes(good_pixels(seed=5)))
    (tmp_path / "loop.fits").symlink_to("loop.fits")
    lines = "near/../b.fits\n./b.fits\nb.fits/x.fits\nb.fits/\nloop.fits\nfile://[x\n"
    runs = [job("-r", r, "-", stdin=lines.encode(), cwd=tmp_path) for r in ("inline", "local")]
    mapped = command([*program(), "--mapper"], stdin=lines.encode(), cwd=tmp_path)
    reduced = command([*program(), "--reducer"],
                      stdin=command(["sort"], stdin=mapped.out).out)
    assert runs[0].out == runs[1].out and runs[0].body == reduced.out
    accounts = runs[0].accounts()
    assert accounts["near/../b.fits"] == accounts["./b.fits"] == ""
    assert accounts["b.fits/x.fits"] == "fetch-not-found"
    assert accounts["loop.fits"] == accounts["file://[x"] == "fetch-failed"
    body = runs[0].body
    checksums = {line.split(b"\t")[1]: line for line in body.splitlines() if b"sha256=" in line}
    assert checksums[b"near/../b.fits"].split(b"\t")[2:] != checksums[b"./b.fits"].split(b"\t")[2:]


@pytest.mark.parametrize("line, word", [
    ("a.fits\tsources=5", "sources"), ("a.fits\tfailed_sources=abc", "failed_sources"),
    ("a.fits\tbytes=" + "9" * 5000, "bytes"), ("a.fits\tzero_point=", "zero_point"),
    ("a.fits\tzero_point=nan", "zero_point"), ("x" * 100_000, " bytes"),
])
def test_fields_that_would_confuse_the_accounting_are_named(line, word):
    run = job("-", stdin=f"{line}\n".encode())
    assert list(run.accounts().values()) == ["malformed-line"]
    assert word in run.out.decode() and "Traceback" not in run.err


def test_mostly_masked_images_are_measured_or_refused_but_never_made_up(tmp_path):
    generator = np.random.default_rng(2)
    data = good_pixels((256, 256)) + 900
    for share, kind in ((0.3, ""), (0.45, ""), (0.7, "no-background"), (0.999, "no-background")):
        holes = np.where(generator.random(data.shape) < share, np.nan, data).astype(np.float32)
        path = tmp_path / f"{share}.fits"
        path.write_bytes(fits_bytes(holes))
        run = job(path)
        assert list(run.accounts().values()) == [kind]
        if not kind:
            facts = dict(cell.split("=") for cell in run.lines[3].split("\t")[2:])
            assert abs(float(facts["background"]) - 1000) < 2
            assert abs(float(facts["rms"]) - 5) < 0.7
            assert int(facts["pixels"]) == np.isfinite(holes).sum()


def test_odd_settings_and_scales_say_the_same_in_process_and_out_of_it(tmp_path):
    path = tmp_path / "scaled.fits"
    path.write_bytes(fits_bytes(good_pixels().astype(np.int16)).replace(
        b"EXTEND  =                    T", b"BSCALE  =               1.0E30"))
    plain = tmp_path / "plain.fits"
    plain.write_bytes(fits_bytes(good_pixels()))
    for options in ((path,), (plain, "--kron-factor", "1e300"), (plain, "--zero-point", "1e308"),
                    (plain, "--filter-kernel", "1e39,1")):
        runs = [job("-r", runner, *options) for runner in ("inline", "local")]
        assert runs[0].out == runs[1].out
        assert "internal" not in runs[0].accounts().values()


def test_ids_that_would_break_a_row_are_escaped_and_two_images_cannot_share_one(tmp_path):
    for name in ('a#b.fits', 'say "x".fits', "one.fits", "two.fits"):
        (tmp_path / name).write_bytes(fits_bytes(good_pixels()))
    manifest = "\n".join([
        str(tmp_path / "a#b.fits"), str(tmp_path / 'say "x".fits'),
        f"{tmp_path / 'one.fits'}\tid=same", f"{tmp_path / 'two.fits'}\tid=same",
        f"{tmp_path / 'one.fits'}", f"{tmp_path / 'one.fits'}",
    ])
    run = job("-r", "inline", "-", stdin=manifest.encode())
    assert run.accounts() == {
        f"{tmp_path}/a%23b.fits": "", f"{tmp_path}/say %22x%22.fits": "",
        "same": "duplicate-id", f"{tmp_path}/one.fits": "",
    }
