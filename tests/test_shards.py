"""Claims about ``python -m preprocess shards``: nothing lost, nothing doubled, balanced, small."""

import gzip
import io
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import peak_of

from mr_extract.text import sorting
from mr_extract.text.manifest import parse_line
from preprocess import parcels, shards
from preprocess.__main__ import main
from preprocess.localities import Field, Prefix
from preprocess.shards import write_shards


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tight(monkeypatch):
    """So little memory that a few lines already go through files, and their merging."""
    monkeypatch.setattr(sorting.SortedRecords.__init__, "__defaults__", (300,))
    monkeypatch.setattr(sorting, "RUNS", 3)
    monkeypatch.setattr(shards, "WAITING", 500)


def written(where):
    """Give the lines of each shard."""
    return [path.read_bytes().splitlines() for path in sorted(Path(where).iterdir())]


def load_of(lines, mean=0):
    sizes = {}
    for entry in map(parse_line, lines):
        key = entry.uri if entry.get("ext") else entry.id
        sizes[key] = int(entry.get("bytes") or mean)
    return sum(sizes.values())


SIZES = st.integers(1, 1000) | st.none()
LINES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), SIZES,
                           st.sampled_from(["", "ext", "detect", "nonsense"])), max_size=60)


def line_of(number, prefix, file, size, sort):
    parts = [f"s3://{prefix}/{file}-{number}.fits"]
    if sort == "ext":
        parts = [f"s3://{prefix}/{file}.fits", f"ext={number}"]
    elif sort == "detect":
        parts.append(f"detect={prefix}/{file}.fits")
    elif sort == "nonsense":
        parts.append("no field")
    if size is not None:
        parts.append(f"bytes={size}")
    return "\t".join(parts).encode()


@settings(max_examples=150, deadline=None)
@given(LINES, st.integers(1, 12), st.sampled_from([None, Prefix(), Field("filter")]))
def test_every_line_is_in_one_shard_as_it_was_whatever_the_manifest(lines, number, by):
    import tempfile

    lines = [line_of(k, *line) for k, line in enumerate(lines)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting.SortedRecords.__init__, "__defaults__", (300,))
        patch.setattr(sorting, "RUNS", 3)
        patch.setattr(shards, "WAITING", 500)
        where = f"{folder}/out"
        if not lines:
            with pytest.raises(shards.CommandError, match="no images"):
                write_shards(lines, where, number)
            assert not Path(where).exists()
            return
        told = write_shards([b"# one\n", *(line + b"\r\n" for line in lines)], where, number,
                            locality=by)
        found = written(where)
        assert Counter(line for shard in found for line in shard) == Counter(lines)
        assert len(found) == len(told.loads) <= number and all(found)
        names = [path.name for path in sorted(Path(where).iterdir())]
        assert names == [f"shard-{k:05d}.txt" for k in range(len(found))]
        write_shards(lines, f"{folder}/again", number, locality=by)
        assert written(f"{folder}/again") == found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=300, max_size=600), st.integers(2, 7),
       st.sampled_from([None, Prefix()]))
def test_the_worst_shard_is_within_the_bound_of_its_method(sizes, number, by):
    import tempfile

    lines = [f"s3://b/{k % 7}/{k}.fits\tbytes={size}".encode() for k, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        told = write_shards(lines, f"{folder}/out", number, locality=by)
        loads = [load_of(shard) for shard in written(f"{folder}/out")]
    assert loads == told.loads
    assert max(loads) <= sum(sizes) / number + max(sizes)
    assert told.excess == pytest.approx(max(loads) * number / sum(loads) - 1)


def test_images_smaller_than_shards_are_balanced_within_five_percent(folder):
    rng = random.Random(5)
    lines = [f"night-{k % 40}/{k}.fits\tbytes={int(rng.lognormvariate(16, 0.7))}".encode()
             for k in range(20_000)]
    for by in (None, Prefix()):
        where = folder / f"out-{by is None}"
        assert write_shards(lines, str(where), 50, locality=by).excess < 0.05
        loads = [load_of(shard) for shard in written(where)]
        assert max(loads) < 1.05 * sum(loads) / 50
    sizes = [[int(parse_line(line).get("bytes")) for line in shard]
             for shard in written(folder / "out-True")]
    assert all(shard == sorted(shard, reverse=True) for shard in sizes)


def test_by_prefix_a_shard_has_one_prefix_but_where_one_ends_and_the_next_begins(folder, tight):
    lines = [f"s3://b/run-{k % 10}/c/{k}.fits\tbytes={1 + k * 7919 % 97}".encode()
             for k in range(1000)]
    random.Random(1).shuffle(lines)
    for parts, by in ((1, Prefix()), (2, Prefix(2))):
        write_shards(lines, f"by-{parts}", 30, locality=by)
        pairs = {(k, line.split(b"/")[3]) for k, shard in enumerate(written(f"by-{parts}"))
                 for line in shard}
        assert len(pairs) <= 30 + 10 - 1
    write_shards([line + b"\tfilter=%d" % (k % 3) for k, line in enumerate(lines)], "field", 6,
                 locality=Field("filter"))
    pairs = {(k, line[-1]) for k, shard in enumerate(written("field")) for line in shard}
    assert len(pairs) <= 6 + 3 - 1


def test_images_of_one_file_and_of_one_detection_image_stay_together(folder, tight):
    lines = []
    for file in range(40):
        for k in range(8):
            lines.append(f"m{file}.fits\text={k}\tbytes=800".encode())
            lines.append(f"{'ugrizyJH'[k]}{file}.fits\tdetect=chi{file}.fits\tbytes=100".encode())
    random.Random(2).shuffle(lines)
    told = write_shards(lines, "out", 7)
    homes = {}
    for number, shard in enumerate(written("out")):
        for entry in map(parse_line, shard):
            homes.setdefault(entry.get("detect") or entry.uri, set()).add(number)
    assert len(homes) == 80 and all(len(numbers) == 1 for numbers in homes.values())
    assert sum(told.loads) == 40 * 800 + 40 * 8 * 100  # a file counts once


def test_a_file_that_is_more_than_a_shard_holds_is_cut(folder):
    lines = [b"m.fits\text=%d\tbytes=6000" % k for k in range(60)]
    assert [len(shard) for shard in written_after(lines, 6)] == [10] * 6


def test_more_images_of_one_file_than_memory_should_hold_are_parcels_of_their_own(
        folder, monkeypatch):
    monkeypatch.setattr(parcels, "MOST_TOGETHER", 5)
    lines = [b"m.fits\text=%d\tbytes=6000" % k for k in range(12)]
    assert sorted(sum(written_after(lines, 2), [])) == sorted(lines)


def written_after(lines, number):
    write_shards(lines, "out", number)
    return written("out")


def test_lines_without_bytes_count_as_the_mean_of_the_others(folder, capsys):
    Path("list.txt").write_text("".join(
        f"{k}.fits{'' if k % 2 else chr(9) + 'bytes=1000'}\n" for k in range(40)))
    assert main(["shards", "list.txt", "-n", "4", "-o", "out"]) == 0
    assert [len(shard) for shard in written("out")] == [10] * 4
    assert capsys.readouterr().err == (
        "40 images, 40.0 kB -> 4 shards in out; the largest is 0.00 % above the mean; "
        "20 without bytes= counted as 1.0 kB each\n")
    Path("alike.txt").write_text("".join(f"{k}.fits\n" for k in range(40)))
    assert main(["shards", "alike.txt", "-n", "8", "-o", "alike"]) == 0
    assert [len(shard) for shard in written("alike")] == [5] * 8


def test_so_many_bytes_a_shard(folder):
    Path("list.txt").write_text("".join(f"{k}.fits\tbytes=100\n" for k in range(95)))
    assert main(["shards", "list.txt", "--bytes", "1k", "-o", "out"]) == 0
    found = written("out")
    assert len(found) == 10 and max(map(len, found)) <= 10


def test_manifests_come_from_standard_input_and_from_gzip(folder, monkeypatch):
    lines = [b"%d.fits\tbytes=%d\n" % (k, k + 1) for k in range(30)]
    packed = gzip.compress(b"".join(lines))
    Path("list.txt.gz").write_bytes(packed)
    assert main(["shards", "list.txt.gz", "-n", "3", "-o", "file"]) == 0
    for name, text in (("plain", b"".join(lines)), ("packed", packed)):
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(text)))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["shards", "-", "-n", "3", "-o", name]) == 0
        assert written(name) == written("file")


@pytest.mark.parametrize("arguments, words", [
    (["no-such-list", "-n", "3", "-o", "out"], "no such file"),
    (["none.txt", "-n", "3", "-o", "out"], "no images"),
    (["cut.gz", "-n", "3", "-o", "out"], "breaks off"),
    (["list.txt", "-n", "3", "-o", "full"], "no empty folder"),
    (["list.txt", "-n", "3", "-o", "list.txt"], "no empty folder"),
    (["list.txt", "-n", "0", "-o", "out"], "number of shards"),
    (["list.txt", "--bytes", "many", "-o", "out"], "no size"),
    (["list.txt", "--bytes", "0", "-o", "out"], "too small"),
    (["list.txt", "-n", "1", "--bytes", "1G", "-o", "out"], "not allowed with"),
    (["list.txt", "-o", "out"], "required"),
    (["list.txt", "-n", "1", "--by", "host:a b", "-o", "out"], "prefix"),
])
def test_what_cannot_be_done_is_one_line_and_exit_2_and_leaves_nothing(
        folder, capsys, arguments, words):
    Path("list.txt").write_text("a.fits\n")
    Path("none.txt").write_text("# nothing\n")
    Path("cut.gz").write_bytes(gzip.compress(random.Random(1).randbytes(5000).hex().encode())[:-99])
    Path("full").mkdir()
    Path("full/shard-00007.txt").touch()
    before = sorted(folder.rglob("*"))
    assert main(["shards", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and words in error
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("by", [[], ["--by", "prefix"]])
def test_memory_does_not_grow_with_the_manifest(folder, by):
    peaks = {}
    for number in (100_000, 300_000):
        with open("list.txt", "w") as file:
            file.writelines(f"s3://a-bucket/release/night-{k % 99}/frame-{k:07d}.fits\t"
                            f"bytes={1 + k * 7919 % 99991}\tfilter=r\n" for k in range(number))
        peaks[number] = peak_of("shards", "list.txt", "-n", "64", *by, "-o", f"out-{number}")
    # The text alone grows by 15 MB, as Python objects by several times that.
    assert peaks[300_000] - peaks[100_000] < 12, peaks
    assert peaks[300_000] < 100, peaks
