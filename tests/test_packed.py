"""Packed images: the same catalog as by path, and a damaged record costs its image alone."""

import bz2
import gzip
import io
import json
import shutil
import sys

import numpy as np
import pytest
from astropy.io import fits
from conftest import LAUNCHER, ROOT, command, job, program, two_jobs
from hypothesis import given
from hypothesis import strategies as st
from pages import commands_of, read_page, shell_in

from mr_extract.failures import ImageFailure
from mr_extract.packed import index, records, sequencefile, sequencefile_writer
from mr_extract.packed.framed import framed as framed_record
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import parse_line


def preprocess(*args, **keywords):
    return command([sys.executable, "-m", "preprocess", *args],
                   env={"PYTHONPATH": str(ROOT), **keywords.pop("env", {})}, **keywords)


@pytest.fixture(scope="module")
def frames(night, tmp_path_factory):
    """A folder with frames of all kinds, and a manifest with lines of all kinds."""
    folder = tmp_path_factory.mktemp("frames")
    paths = sorted(night.glob("*.fits"))
    (folder / "deep").mkdir()
    shutil.copy(paths[0], folder / "deep" / "plain é.fits")
    (folder / "packed.fits.gz").write_bytes(gzip.compress(paths[1].read_bytes(), mtime=0))
    (folder / "packed.fits.bz2").write_bytes(bz2.compress(paths[2].read_bytes()))
    with fits.open(paths[3]) as one, fits.open(paths[4]) as other:
        header = one[0].header.copy()
        fits.HDUList([
            fits.PrimaryHDU(), fits.ImageHDU(one[0].data, header, "CCD1"),
            fits.ImageHDU(other[0].data.astype("f4"), other[0].header, "CCD2"),
        ]).writeto(folder / "mosaic.fits")
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(other[0].data, other[0].header)]
                     ).writeto(folder / "tiled.fits.fz")
        mask = np.zeros(one[0].data.shape, "u1")
        mask[100:200, 100:200] = 1
        fits.writeto(folder / "mask.fits", mask)
        fits.writeto(folder / "weight.fits", np.ones(mask.shape, "f4"))
    (folder / "broken.fits").write_bytes(paths[5].read_bytes()[:100_000])
    (folder / "list.txt").write_text("\n".join([
        "# a comment", "deep/plain é.fits\tfilter=r\tbytes=402000", "packed.fits.gz",
        "packed.fits.bz2\tid=the second\tzero_point=28", "mosaic.fits\text=1", "mosaic.fits[CCD2]",
        "mosaic.fits\tid=without", "tiled.fits.fz\tmask=mask.fits\tnight=3",
        "tiled.fits.fz\tid=weighed\tweight=weight.fits", "tiled.fits.fz\tid=lost\tmask=none.fits",
        "broken.fits", "missing.fits", "packed.fits.gz", "x.fits\tno field",
        "twice.fits\tid=twice", "other.fits\tid=twice", "",
    ]))
    return folder


@pytest.fixture(scope="module")
def by_path(frames, each_job):
    run = job("-r", "inline", "list.txt", "--max-failures", "100%", cwd=frames)
    assert run.status == 0, run.err
    assert sorted(filter(None, run.accounts().values())) == [
        "duplicate-id", "fetch-not-found", "fetch-not-found", "malformed-line", "truncated"]
    assert list(run.accounts().values()).count("") == 8
    return run


@pytest.fixture(scope="module", params=["fz", "as-is"])
def packed(request, frames, tmp_path_factory):
    """A packed folder of the frames, which are no longer needed then."""
    folder = tmp_path_factory.mktemp("packed") / "frames.seq"
    run = preprocess("pack", "list.txt", "-o", folder, "--format", request.param,
                     "--size", "300K", cwd=frames)
    assert run.status == 1 and "packed as failures" in run.err, run.err
    assert len(list(folder.glob("packed-*.seq"))) > 1
    return folder


@two_jobs
def test_the_catalog_is_that_of_the_manifest_byte_for_byte(packed, by_path, frames):
    frames.rename(frames.parent / "away")
    try:
        for runner in ("inline", "local"):
            run = job("-r", runner, "--packed", packed, "--max-failures", "100%")
            assert run.status == 0, run.err
            assert run.out == by_path.out, runner
        run = job("--packed", *sorted(packed.glob("*.seq")), "--max-failures", "100%")
        assert run.out == by_path.out
    finally:
        (frames.parent / "away").rename(frames)


def test_what_hadoop_hands_to_a_mapper_gives_the_same_rows(packed, by_path):
    mapped = command([*program(), "--mapper", "--packed"], stdin=framed(packed))
    assert mapped.status == 0, mapped.err
    reduced = command([*program(), "--reducer"],
                      stdin=command(["sort"], stdin=mapped.out).out)
    assert reduced.out == by_path.body


def framed(folder):
    """The input of a mapper that gets all records of a folder."""
    frames = []
    for path in sorted(folder.glob("*.seq")):
        data = path.read_bytes()
        for one in sequencefile.scan(lambda offset, size, data=data: data[offset:offset + size]):
            value = data[one.value : one.value + one.value_size]
            frames.append(framed_record(one.key, value))
    return b"".join(frames)


def test_a_mapper_whose_input_is_not_framed_says_what_is_missing(night):
    run = command([*program(), "--mapper", "--packed"], stdin=b"a.fits\nb.fits\n")
    assert run.status != 0 and "stream.map.input=rawbytes" in run.err


def test_it_is_the_same_bytes_each_time_whatever_the_number_of_processes(frames, tmp_path):
    for name, jobs in (("one", "1"), ("three", "3")):
        preprocess("pack", "list.txt", "-o", tmp_path / name, "--jobs", jobs, cwd=frames)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["_index.gz", "packed-00000.seq"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


def test_all_extensions_are_packed_when_asked_for_and_the_job_must_mean_the_same(frames, tmp_path):
    options = ["--extensions", "all"]
    by_path = job("-r", "inline", "mosaic.fits", *options, cwd=frames)
    assert len(by_path.accounts()) == 2
    run = preprocess("pack", "mosaic.fits", "-o", tmp_path / "packed", *options, cwd=frames)
    assert (run.status, run.out) == (0, b""), run.err
    assert job("--packed", tmp_path / "packed", *options).out == by_path.out
    other = job("--packed", tmp_path / "packed")
    assert other.status == 2 and "was packed with --extensions all" in other.err


def test_companions_named_by_a_rule_are_packed(frames, tmp_path):
    rule = ["--mask-image", "{dir}/mask.fits"]
    by_path = job("tiled.fits.fz", *rule, cwd=frames)
    assert by_path.status == 0 and "mask_sha256=" in by_path.out.decode()
    preprocess("pack", "tiled.fits.fz", "-o", tmp_path / "packed", *rule, cwd=frames)
    names = [part["uri"] for part in keys(tmp_path / "packed")[0]["files"]]
    assert names == [f"{frames}/tiled.fits.fz", f"{frames}/mask.fits"]
    (frames / "mask.fits").rename(frames / "hidden.fits")
    try:
        run = job("--packed", tmp_path / "packed", *rule, cwd=frames)
    finally:
        (frames / "hidden.fits").rename(frames / "mask.fits")
    assert run.out == by_path.out


def keys(folder):
    _, rows = index.read_index((folder / index.INDEX).read_bytes())
    return [json.loads(key) for _, _, _, key in rows]


@pytest.fixture
def small(night, tmp_path):
    """Four frames in one packed file, their catalog, and where their records are."""
    preprocess("pack", *sorted(night.glob("*.fits"))[:4], "-o", tmp_path / "four")
    _, rows = index.read_index((tmp_path / "four" / index.INDEX).read_bytes())
    rows = list(rows)
    ids = [records.contents_of(key).entries[0].id for _, _, _, key in rows]
    whole = job("--packed", tmp_path / "four")
    assert whole.status == 0, whole.err
    return tmp_path / "four", rows, ids, whole


def blocks_of(run):
    """Map image id to the lines of its block."""
    found, image_id = {}, None
    for line in run.out.splitlines()[3:]:
        cells = line.split(b"\t")
        image_id = cells[1].decode() if line.startswith(b"#") else image_id
        found.setdefault(image_id, []).append(line)
    return found


@pytest.mark.parametrize("part", ["length", "key", "body"])
def test_a_flipped_byte_costs_its_image_alone(small, part):
    folder, rows, ids, whole = small
    _, offset, size, key = rows[1]
    at = offset + {"length": 1, "key": 60, "body": size - 20_000}[part]
    path = folder / "packed-00000.seq"
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    run = job("--packed", folder)
    assert run.status == 1
    assert run.accounts() == {name: "corrupt" if name == ids[1] else "" for name in ids}
    assert "packed record is damaged" in run.err
    kept, before = blocks_of(run), blocks_of(whole)
    assert all(kept[name] == before[name] for name in ids if name != ids[1])
    if part == "body":  # as Hadoop hands it over
        mapped = command([sys.executable, LAUNCHER, "--mapper", "--packed", "--reduce", "none"],
                         stdin=framed(folder))
        assert f"#error\t{ids[1]}\tcorrupt" in mapped.out.decode()
        assert mapped.out.count(b"#image") == 3
    if part == "length":  # without the index
        run = job("--packed", path)
        assert run.accounts() == {name: "" for name in ids if name != ids[1]}
        assert "are damaged" in run.err and "which images are lost cannot be said" in run.err


def test_a_cut_file_costs_the_images_behind_the_cut_alone(small):
    folder, rows, ids, whole = small
    path = folder / "packed-00000.seq"
    path.write_bytes(path.read_bytes()[: rows[2][1] + 500])
    run = job("--packed", folder)
    assert run.status == 1
    assert run.accounts() == dict(zip(ids, ["", "", "truncated", "truncated"]))
    assert f"has {path.stat().st_size:,} bytes; its index says" in run.err
    path.unlink()
    run = job("--packed", folder)
    assert set(run.accounts().values()) == {"fetch-not-found"} and "is not there" in run.err


def test_a_key_that_is_lost_on_its_way_loses_its_image_alone(small):
    folder, rows, ids, _ = small
    stream = framed(folder).replace(rows[1][3], b"x" * len(rows[1][3]))
    run = command([sys.executable, LAUNCHER, "--mapper", "--packed", "--reduce", "none"],
                  stdin=stream)
    assert run.status == 0 and run.out.count(b"#image") == 3
    assert "reporter:counter:packed,keys lost,1" in run.err


@pytest.mark.parametrize("arguments, said", [
    (["--packed"], "needs the name of a packed folder"),
    (["--packed", "{night}"], "has no _index.gz"),
    (["--packed", "{night}/none"], "has no _index.gz"),
    (["--packed", "{night}/manifest.txt"], "has no _index.gz"),
])
def test_what_is_not_packed_is_refused_in_a_line(night, arguments, said):
    run = job(*(text.format(night=night) for text in arguments))
    assert run.status == 2 and run.out == b""
    assert said in run.err and run.err.count("\n") == 1


def test_another_sequence_file_is_refused(tmp_path):
    file = io.BytesIO()
    sequencefile_writer.Writer(file, b"").add(b"key", [b"value"])
    (tmp_path / "a.seq").write_bytes(file.getvalue())
    (tmp_path / "b.seq").write_bytes(b"SIMPLE  =")
    for name in ("a.seq", "b.seq"):
        run = job("--packed", tmp_path / name)
        assert run.status == 2 and run.err.count("\n") == 1, run.err


def test_pack_refuses_what_makes_no_sense(night, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    name, tile = night / "manifest.txt", tmp_path / "tile.txt"
    tile.write_text(f"{sorted(night.glob('*.fits'))[0]}[0:100,0:100]\n")
    for arguments, said in (
        ([name, "-o", tmp_path / "full"], "name a new folder"),
        ([name, "-o", "http://somewhere/folder"], "nothing can be written to http://"),
        ([tmp_path / "none.txt", "-o", tmp_path / "new"], "cannot read the manifest"),
        ([name, "-o", tmp_path / "new", "--size", "many"], "'many' is not a size"),
        ([name, "-o", tmp_path / "new", "--extensions", "many"], "is none of first, all"),
        ([name, "-o", tmp_path / "new", "--jobs", "0"], "is not a number from 1 on"),
        ([tile, "-o", tmp_path / "new"], "means a region"),
    ):
        run = preprocess("pack", *arguments)
        assert run.status == 2 and said in run.err and run.err.count("\n") == 1, run.err
    assert not (tmp_path / "new").exists()


def test_the_commands_of_the_page_run(tmp_path):
    here, _, _ = commands_of(read_page("docs/packed.md"))  # the others are for Hadoop
    run = shell_in(tmp_path)(here)
    assert run.status == 0, run.err
    by_path = job("-r", "local", "night/manifest.txt", cwd=tmp_path)
    assert by_path.status == 0, by_path.err
    assert (tmp_path / "catalog.tsv").read_bytes() == by_path.out


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
PROBLEMS = st.sampled_from([("malformed-line", "of no form"), ("duplicate-id", "twice")])
ENTRIES = st.one_of(
    TEXT.map(lambda text: parse_line(f"/a/{text}.fits\tid={text}".encode())).filter(bool),
    st.builds(lambda text, why: Entry(text, (), why[1], why[0]), TEXT, PROBLEMS))
PARTS = st.one_of(
    st.builds(records.Part, TEXT, st.integers(0, 10), st.integers(0, 40),
              st.sampled_from(["fz", "as-is"]), st.just("0" * 64), st.integers(0, 1 << 32)),
    st.builds(lambda uri: records.Part(uri, failure=("corrupt", "it is")), TEXT))


@given(st.lists(ENTRIES, min_size=1, max_size=4), st.lists(PARTS, max_size=4,
                                                           unique_by=lambda part: part.uri))
def test_a_key_says_again_what_it_was_made_of(entries, parts):
    contents = records.Contents(tuple(entries), tuple(parts))
    key = records.key_of(contents)
    assert key.isascii() and b"\n" not in key and b"\t" not in key
    found = records.contents_of(key)
    assert found.parts == contents.parts
    good = [entry for entry in entries if not entry.problem]
    assert list(found.entries[: len(good)]) == good
    assert [(e.id, e.kind, e.problem) for e in found.entries[len(good) :]] == [
        (e.id, e.kind, e.problem) for e in entries if e.problem]
    value = bytes(range(256))[: sum(part.stored for part in parts)]
    files = found.files(value)
    assert list(files) == [part.uri for part in parts]
    stored = [file for file in files.values() if not isinstance(file, ImageFailure)]
    assert b"".join(file.body for file in stored) == value


KEY = records.key_of(records.Contents((parse_line(b"/a/b.fits\tid=b"),), (
    records.Part("/a/b.fits", 10, 5, "fz", "0" * 64, 7),)))


@given(st.integers(0, len(KEY) - 1), st.integers(1, 255))
def test_a_key_that_is_not_what_was_written_is_damaged(at, by):
    flipped = bytearray(KEY)
    flipped[at] ^= by
    for wrong in (bytes(flipped), KEY[:at], KEY[at + 1 :]):
        with pytest.raises(Damaged):
            records.contents_of(wrong)


@pytest.mark.parametrize("told", [
    {"lines": [3]}, {"lines": 3}, {"refused": [["a", "b"]]}, {"files": [{"colour": "red"}]}, [3]])
def test_a_key_of_another_version_is_damaged(told):
    key = records._summed(json.dumps(told).encode()[:-1])
    with pytest.raises(Damaged):
        records.contents_of(key)


def test_an_index_that_is_damaged_says_so():
    whole = index.write_index([("a.seq", 1, 2, b"{}")] * 100, "first")
    extensions, rows = index.read_index(whole)
    assert (extensions, len(list(rows))) == ("first", 100)
    for wrong in (whole[:40], whole[:-30] + bytes(30), b"", b"text", gzip.compress(b"#other\n"),
                  gzip.compress(b"#mr_extract.packed 1\tfirst\na line\n")):
        with pytest.raises(Damaged):
            list(index.read_index(wrong)[1])
