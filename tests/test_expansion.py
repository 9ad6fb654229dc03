"""A line that means several images of a file is as many images, whoever counts them."""

import bz2
import gzip
import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from bad_images import good_pixels
from conftest import command, job

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.images.units import list_units, reader_of
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.shards import shards_of
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.skeleton.expansion import expanded, image_units
from mr_extract.jobs.task import opened as opened_files
from mr_extract.jobs.task.fetching import fetch_ahead
from mr_extract.jobs.task.one_line import process
from mr_extract.jobs.task.supervisor import measure_supervised
from mr_extract.jobs.task.worker import opening
from mr_extract.settings.config import Config
from mr_extract.storage.access import Access
from mr_extract.text.manifest import parse_line
from mr_extract.unpacking import unpacking_reader

LAUNCHER_ARGS = ("--max-failures", "100%", "--quiet")


def mosaic(tiled=False):
    """Bytes of an empty primary unit, three chips, a table between them, and a weight map."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))])
    chips = [
        fits.CompImageHDU(good_pixels(seed=k).astype(np.int16), name=f"CCD{k}") if tiled
        else fits.ImageHDU(good_pixels(seed=k), name=f"CCD{k}") for k in (1, 2, 3)
    ]
    weight = fits.ImageHDU(good_pixels(seed=9), name="WEIGHT")
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), chips[0], table, *chips[1:], weight]).writeto(file)
    return file.getvalue()


PLAIN, TILED = mosaic(), mosaic(tiled=True)
ALONE = io.BytesIO()
fits.PrimaryHDU(good_pixels()).writeto(ALONE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "m.fits": PLAIN, "m.fits.fz": TILED, "m.fits.gz": gzip.compress(PLAIN, mtime=0),
        "m.fits.bz2": bz2.compress(PLAIN), "one.fits": ALONE.getvalue(),
        "cut.fits": PLAIN[: len(PLAIN) * 2 // 3], "cut.fits.gz": gzip.compress(PLAIN)[:40000],
        "text.fits": b"not a FITS file at all\n" * 200, "empty.fits": b"",
        "table.fits": PLAIN[:2880] + TILED[:0] + table_unit(),
        "vectors.fits": vectors(fits.PrimaryHDU()), "frame.fits": vectors(
            fits.PrimaryHDU(np.ones(5, "f4")), fits.ImageHDU(good_pixels(), name="SKY")),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def table_unit():
    units = list_units(reader_of(PLAIN))
    return PLAIN[units[2].start : units[2].end]


def vectors(*units):
    """Bytes of a file with two vectors behind other units, as calibrations of columns are."""
    file = io.BytesIO()
    fits.HDUList([*units, *(fits.ImageHDU(np.ones(40, "f4"), name="SKY") for _ in "ab")]).writeto(
        file)
    return file.getvalue()


def ids(*lines, extensions="first"):
    return [e.id for e in expanded((parse_line(line.encode()) for line in lines), extensions)]


@pytest.mark.parametrize("name", ["m.fits", "m.fits.fz", "m.fits.gz", "m.fits.bz2"])
def test_a_star_means_each_image_and_a_pattern_those_of_matching_names(folder, name):
    every = [f"{name}[{k}]" for k in (1, 3, 4, 5)]
    assert ids(f"{name}\text=*") == ids(f"{name}[*]") == ids(name, extensions="all") == every
    assert ids(f"{name}[/ccd[0-9]/]") == ids(name, extensions="/CCD./") == every[:3]
    assert ids(f"{name}[/CCD/]") == [f"{name}[/CCD/]"], "a pattern matches the whole name"


def test_other_lines_mean_what_they_always_meant(folder):
    lines = ["m.fits", "m.fits[3]", "m.fits\text=CCD1", "no-such.fits", "m.fits\tnonsense"]
    as_they_are = [parse_line(line.encode()).id for line in lines]
    assert ids(*lines) == as_they_are
    assert ids(*lines[1:3], extensions="all") == as_they_are[1:3], "ext= stands before the option"
    assert ids("one.fits", extensions="all") == ["one.fits[0]"]


def test_a_vector_beside_an_image_is_no_image(folder):
    assert ids("frame.fits[*]") == ids("frame.fits[/sky/]") == ["frame.fits[1]"]
    kinds = {line: process(parse_line(line.encode()), WORK, Config()).kind
             for line in ("frame.fits", "frame.fits[0]", "frame.fits[2]", "vectors.fits")}
    assert kinds == {"frame.fits": "", "frame.fits[0]": "not-two-dimensional",
                     "frame.fits[2]": "not-two-dimensional", "vectors.fits": "not-two-dimensional"}
    measured = process(parse_line(b"frame.fits"), WORK, Config())
    assert b"images_in_file" not in measured.block and b"\thdu=1\t" in measured.block


def test_fields_travel_with_each_image_and_an_id_gets_the_number(folder):
    line = b"m.fits\tfilter=r\tid=night\text=*\tbytes=99"
    entries = list(expanded([parse_line(line)]))
    assert [e.id for e in entries] == [f"night[{k}]" for k in (1, 3, 4, 5)]
    assert {e.carried for e in entries} == {(("filter", "r"),)}
    assert [e.ext for e in entries] == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "kind"),
    [("no-such.fits[*]", "fetch-not-found"), ("text.fits[*]", "not-fits"),
     ("empty.fits[*]", "empty-file"), ("table.fits[*]", "no-image"),
     ("vectors.fits[*]", "not-two-dimensional"), ("vectors.fits[/s.*/]", "not-two-dimensional"),
     ("m.fits[/sky.*/]", "no-extension"), ("cut.fits.gz[*]", "truncated"),
     ("gopher://host/m.fits[*]", "unsupported-scheme"), ("m.fits[/ccd(/]", "malformed-line")],
)
def test_a_file_that_cannot_be_listed_is_one_named_failure(folder, line, kind):
    entries = list(expanded([parse_line(line.encode())]))
    assert [(e.id, e.kind) for e in entries] == [(line, kind)]
    assert entries[0].problem
    outcome = process(entries[0], WORK, Config())
    assert outcome.kind == kind and outcome.block.count(b"\n") == 1


def test_of_a_file_that_breaks_off_the_images_before_are_measured_and_the_rest_is_named(folder):
    entries = list(expanded([parse_line(b"cut.fits[*]")]))
    kinds = {e.id: process(e, WORK, Config()).kind for e in entries}
    assert kinds == {"cut.fits[1]": "", "cut.fits[3]": "", "cut.fits[4]": "truncated"}


@pytest.mark.parametrize("where", ["header", "table"])
def test_images_that_may_be_lost_behind_a_break_are_not_passed_over(folder, where):
    units = list_units(reader_of(PLAIN))
    end = units[3].start + 800 if where == "header" else units[2].data + 3
    (folder / "cut.fits").write_bytes(PLAIN[:end])
    entries = list(expanded([parse_line(b"cut.fits[/ccd.*/]")]))
    assert [process(e, WORK, Config()).kind for e in entries] == ["", "truncated"]


def test_only_headers_are_read(folder):
    taken = []

    def read(offset, size):
        taken.append(size)
        return PLAIN[offset : offset + size]

    assert len(list_units(read)) == 6
    # Two blocks of a header at most, the byte before, and the padding of the data.
    assert sum(taken) < 6 * (3 * 2880 + 1) < len(PLAIN) / 3


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_units_of_a_packed_file_are_those_of_the_file(pack):
    units = list_units(unpacking_reader(io.BytesIO(pack(PLAIN))))
    assert units == list_units(reader_of(PLAIN))
    with fits.open(io.BytesIO(PLAIN)) as hdus:
        assert [u.name for u in units] == [hdu.name for hdu in hdus]
        assert [u.shape for u in units if u.is_image] == [
            hdu.shape for hdu in hdus if hdu.is_image and hdu.shape]
        assert [u.start for u in units] == [hdu.fileinfo()["hdrLoc"] for hdu in hdus]


MANIFEST = ("m.fits\tid=night\tfilter=r\nm.fits.fz[/CCD[12]/]\nm.fits.gz[*]\nm.fits.bz2\n"
            "one.fits\nno-such.fits\nm.fits[4]\ncut.fits\ncut.fits.gz\ntext.fits\ntable.fits\n")


def test_with_or_without_a_driver_the_catalog_is_the_same(folder):
    (folder / "list.txt").write_text(MANIFEST)
    options = ("--extensions", "all")
    inline = job("-r", "inline", "list.txt", *options, *LAUNCHER_ARGS, cwd=folder)
    local = job("-r", "local", "list.txt", *options, *LAUNCHER_ARGS, cwd=folder)
    mapped = job("--mapper", *options, stdin=MANIFEST.encode(), cwd=folder)
    merged = command(["sort"], stdin=mapped.out, env={"LC_ALL": "C"})
    bare = job("--reducer", stdin=merged.out, cwd=folder)
    assert inline.status == 0, inline.err
    assert inline.out == local.out and inline.body == bare.out
    accounts = inline.accounts()
    want = {f"{name}[{k}]": "" for name in ("night", "m.fits.gz", "m.fits.bz2")
            for k in (1, 3, 4, 5)}
    want |= {"m.fits.fz[1]": "", "m.fits.fz[3]": "", "m.fits[4]": "", "one.fits[0]": "",
             "cut.fits[1]": "", "cut.fits[3]": "", "cut.fits[4]": "truncated",
             "cut.fits.gz": "truncated", "no-such.fits": "fetch-not-found",
             "text.fits": "not-fits", "table.fits": "no-image"}
    assert accounts == want


def test_an_option_that_makes_no_sense_is_refused(folder):
    for text in ("al", "/ccd(/", ""):
        done = job("--extensions", text, "m.fits", cwd=folder)
        assert done.status == 2 and "--extensions" in done.err


def entries_of(plan):
    return [[e.id for e in shard] for shard in plan]


def test_images_of_one_file_stay_together_unless_they_are_more_than_a_share(folder):
    plan = Plan()
    for name, size, count in (("a", 100, 4), ("b", 100, 4), ("c", 1000, 10), ("d", 100, 4)):
        for k in range(count):
            plan.add(parse_line(f"{name}.fits\text={k}\tbytes={size}".encode()))
    shards = entries_of(shards_of(plan, 4))
    homes = {}
    for number, shard in enumerate(shards):
        for image_id in shard:
            homes.setdefault(image_id[0], []).append(number)
        runs = [image_id[0] for image_id in shard]
        assert len(set(runs)) == sum(a != b for a, b in zip(runs, [None, *runs])), "in a row"
    assert all(len(set(homes[name])) == 1 for name in "abd")
    assert len(set(homes["c"])) >= 3, "most of all bytes in one shard would leave others idle"
    assert sorted(sum(shards, [])) == sorted(plan.entries)


def test_a_file_is_read_once_for_the_entries_that_follow_each_other_in_it(folder, monkeypatch):
    read = []
    monkeypatch.setattr(storage, "read", lambda uri: read.append(uri) or open(uri, "rb").read())
    lines = [b"m.fits[*]", b"m.fits.gz[*]", b"one.fits", b"m.fits[1]", b"m.fits"]
    outcomes = [process(e, WORK, Config()) for e in expanded(map(parse_line, lines))]
    assert not any(o.kind for o in outcomes)
    assert read == ["m.fits", "m.fits.gz", "one.fits", "m.fits"]
    sizes = [len(open(uri, "rb").read()) for uri in read]
    assert sum(o.size for o in outcomes) == sum(sizes), "bytes are counted when they are read"
    assert not opened_files.is_held("m.fits"), "nothing is held behind a line without ext"


def test_a_fetched_file_goes_to_the_worker_once(folder, monkeypatch):
    fetched, sent = [], []

    def read(uri):
        fetched.append(uri)
        return (folder / uri.split("/")[-1]).read_bytes()

    def write_file(file, uri, content):
        sent.append(len(content))
        return write(file, uri, content)

    from mr_extract.jobs.task import worker_process

    write = worker_process.write_file
    monkeypatch.setattr(storage, "read", read)
    monkeypatch.setattr(worker_process, "write_file", write_file)
    lines = [f"memory://m.fits\text={k}".encode() for k in (1, 3, 4)]
    lines += [b"memory://one.fits", b"memory://m.fits\text=5"]
    images = fetch_ahead(map(parse_line, lines))
    outcomes = [o for _, o in measure_supervised(images, opening(WORK, Config(), Access()))]
    assert [o.kind for o in outcomes] == [""] * 5
    assert sorted(fetched) == ["memory://m.fits", "memory://m.fits", "memory://one.fits"]
    assert sent == [len(PLAIN), len(ALONE.getvalue()), len(PLAIN)]


def test_a_driver_lists_units_without_numpy():
    code = ("import sys, mr_extract.jobs.skeleton.expansion, mr_extract.jobs.driver.plan\n"
            "sys.exit(any(m in sys.modules for m in ('numpy', 'astropy', 'sep')))")
    assert subprocess.run([sys.executable, "-c", code], timeout=240).returncode == 0


def test_headers_of_many_files_are_read_in_the_order_of_the_manifest(folder):
    lines = "".join(f"{n}\tid={k}\n" for k, n in enumerate(["m.fits", "one.fits", "m.fits.gz"] * 9))
    (folder / "list.txt").write_text(lines)
    plan = read_plan(["list.txt"], None, "all")
    numbers = [int(i.partition("[")[0]) for i in plan.entries]
    assert len(numbers) == 9 * 9 and numbers == sorted(numbers)


def test_a_manifest_can_name_each_image_beforehand(folder):
    done = command([sys.executable, "-m", "preprocess", "manifest", "m.fits", "table.fits",
                    "text.fits", "--extensions", "/ccd.*/"], cwd=folder)
    assert done.status == 1 and "table.fits" in done.err
    size = len(PLAIN)
    assert done.lines == [f"m.fits\text={k}\tbytes={size}" for k in (1, 3, 4)] + [
        "text.fits\tbytes=4600"], "of a file without readable headers the job says what is wrong"


def test_a_mosaic_of_odd_headers_is_a_failure_that_says_what_to_do(folder):
    odd = PLAIN.replace(b"GCOUNT  =                    1", b"GCOUNT  =                  1.0", 1)
    (folder / "odd.fits").write_bytes(odd)
    with pytest.raises(ImageFailure) as failure:
        image_units("odd.fits")
    assert failure.value.kind == "corrupt" and "ext=" in failure.value.message
