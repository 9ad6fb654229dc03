"""SequenceFiles: what is written is read, what is damaged is named, and Hadoop agrees."""

import io
import os
import struct
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mr_extract.packed import sequencefile
from mr_extract.packed.framed import framed, read_framed
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.packed.sequencefile import Lost, Record, read_record, scan
from mr_extract.packed.sequencefile_writer import Writer

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300).map(str.encode)
PAIRS = st.lists(st.tuples(KEYS, st.binary(max_size=3000)), max_size=8)


def written(pairs, seed=b"seed", **metadata):
    """A file, and where its records are."""
    file = io.BytesIO()
    writer = Writer(file, seed, metadata)
    places = [writer.add(key, [value[:7], value[7:]]) for key, value in pairs]
    assert writer.size == len(file.getvalue())
    return file.getvalue(), places


def reader(data):
    return lambda offset, size: data[offset : offset + size]


def contents(data):
    """Keys and values of the whole records, and what was lost."""
    found, lost = [], []
    for one in scan(reader(data)):
        if isinstance(one, Lost):
            lost.append(one)
        else:
            found.append((one.key, data[one.value : one.value + one.value_size]))
    return found, lost


@given(PAIRS, st.dictionaries(st.text(max_size=200), st.text(max_size=200), max_size=3))
def test_what_is_written_is_read_and_is_the_same_bytes_each_time(pairs, metadata):
    metadata = {k.encode("utf-8", "replace").decode(): v.encode("utf-8", "replace").decode()
                for k, v in metadata.items()}
    file = io.BytesIO()
    writer = Writer(file, b"seed", metadata)
    places = [writer.add(key, [value]) for key, value in pairs]
    data = file.getvalue()
    assert contents(data) == (pairs, [])
    assert sequencefile.read_header(reader(data)).metadata == metadata
    records = list(scan(reader(data)))
    assert [(r.offset, r.size) for r in records] == places
    for (offset, size), pair in zip(places, pairs):
        key, value = read_record(data[offset : offset + size])
        assert (key, bytes(value)) == pair
    again = io.BytesIO()
    second = Writer(again, b"seed", metadata)
    for key, value in pairs:
        second.add(key, [value])
    assert again.getvalue() == data


def test_the_marker_depends_on_the_seed_alone():
    one, other = written([], b"one")[0], written([], b"other")[0]
    assert one[:-16] == other[:-16] and one[-16:] != other[-16:]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(KEYS, st.binary(min_size=1, max_size=300)), min_size=2, max_size=6),
       st.data())
def test_a_flipped_byte_costs_its_own_record_and_no_other(pairs, data):
    whole, places = written(pairs)
    header = sequencefile.read_header(reader(whole)).end
    at = data.draw(st.integers(header, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    # The record with the marker before it.
    hit = next(k for k, (offset, size) in enumerate(places) if at < offset + size)
    found, lost = contents(bytes(flipped))
    kept = [pair for k, pair in enumerate(pairs) if k != hit]
    if len(found) == len(pairs):  # the lengths agree: the key or the value is another
        assert [pair for k, pair in enumerate(found) if k != hit] == kept
        assert lost == []
        key, value = found[hit]
        assert sum(map(len, found[hit])) == sum(map(len, pairs[hit])) and found[hit] != pairs[hit]
    else:
        assert found == kept
        stop = places[hit + 1][0] - 20 if hit + 1 < len(places) else len(whole)
        assert [one.stop for one in lost] == [stop]
        assert places[hit][0] - 20 <= lost[0].start <= places[hit][0]
        assert lost[0].reason


@given(PAIRS.filter(len), st.data())
def test_a_cut_file_gives_the_records_before_the_cut(pairs, data):
    whole, places = written(pairs)
    header = sequencefile.read_header(reader(whole)).end
    cut = data.draw(st.integers(header, len(whole) - 1))
    found, lost = contents(whole[:cut])
    before = sum(offset + size <= cut for offset, size in places)
    assert found == pairs[:before]
    end = places[before - 1][0] + places[before - 1][1] if before else header
    # Whether something is missing cannot be seen where a record ends, or its marker.
    assert bool(lost) == (cut not in (end, places[before][0]))
    assert all(one.stop == cut for one in lost)


def test_a_long_damaged_stretch_is_passed_over_to_the_next_marker():
    pairs = [(b"a", b"x" * 10), (b"b", os.urandom(3 << 20)), (b"c", b"y" * 10)]
    whole, places = written(pairs)
    broken = bytearray(whole)
    broken[places[1][0] : places[1][0] + 4] = struct.pack(">i", 77)
    found, lost = contents(bytes(broken))
    assert found == [pairs[0], pairs[2]]
    assert lost == [Lost(places[1][0], places[2][0] - 20, "the lengths of a record do not agree")]


def test_values_are_not_read_to_find_the_keys():
    whole, _ = written([(b"name-%d" % k, bytes(1 << 20)) for k in range(8)])
    read = 0

    def counting(offset, size):
        nonlocal read
        read += len(whole[offset : offset + size])
        return whole[offset : offset + size]

    assert all(isinstance(one, Record) for one in scan(counting))
    assert read < 200_000


@pytest.mark.parametrize("data, reason", [
    (b"SIMPLE  =", "no SequenceFile"),
    (b"", "no SequenceFile"),
    (b"SEQ\x04" + bytes(100), "of version 4"),
    (b"SEQ\x06\x19org.apache", "ends inside its header"),
    (written([])[0].replace(b"io.Text", b"io.Test"), "are of org.apache.hadoop.io.Test"),
    (written([])[0].replace(b"Writable\0\0", b"Writable\1\0"), "compressed"),
])
def test_another_file_is_said_to_be_one(data, reason):
    with pytest.raises(Damaged, match=reason):
        list(scan(reader(data)))


def test_a_record_larger_than_an_array_of_java_is_refused():
    class Large(bytes):
        def __len__(self):
            return 1 << 31

    with pytest.raises(ValueError, match="2,147,.* bytes; Hadoop reads no more"):
        Writer(io.BytesIO(), b"").add(b"key", [Large()])


@given(PAIRS)
def test_frames_of_hadoop_streaming_are_read(pairs):
    stream = b"".join(framed(*pair) for pair in pairs)
    found = read_framed(io.BytesIO(stream))
    assert list(found) == pairs


def test_frames_that_break_off_or_are_none_are_errors():
    whole = framed(b"key", b"value")
    assert whole == b"\0\0\0\4\3key\0\0\0\5value"
    for cut in range(1, len(whole)):
        with pytest.raises(Damaged, match="ends inside a record"):
            list(read_framed(io.BytesIO(whole[:cut])))
    with pytest.raises(Damaged, match="is stream.map.input=rawbytes set"):
        list(read_framed(io.BytesIO(b"\xf0\x9f\x94\xad a line\n")))


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    """Run the program hadoop over files of this machine, without any daemon."""
    from myhadoop import jars
    from myhadoop.configuration import JVM

    folder = tmp_path_factory.mktemp("java")
    for name in ("core", "hdfs", "mapred", "yarn"):
        (folder / f"{name}-site.xml").write_text("<configuration/>")
    names = {"fs": "org.apache.hadoop.fs.FsShell", "jar": "org.apache.hadoop.util.RunJar"}

    def run(command, *arguments):
        return subprocess.run(
            [jars.java(), "-Xmx256m", *JVM, "-cp", f"{folder}:{jars.fetch()}/*", names[command],
             *map(str, arguments)],
            cwd=folder, capture_output=True, timeout=200)

    run.streaming = jars.streaming(jars.fetch())
    return run


PAIRS_FOR_JAVA = [(f"night/frame-{k}é.fits".encode() + b"x" * (40 * k), os.urandom(60 * k))
                  for k in range(1, 9)]


@pytest.mark.needs("hadoop")
def test_hadoop_reads_what_is_written(java, tmp_path):
    (tmp_path / "ours.seq").write_bytes(written(PAIRS_FOR_JAVA, answer="42")[0])
    shown = java("fs", "-text", f"file://{tmp_path}/ours.seq")
    assert shown.returncode == 0, shown.stderr.decode()
    lines = [line.split(b"\t") for line in shown.stdout.splitlines()]
    assert [(key, bytes.fromhex(value.decode())) for key, value in lines] == PAIRS_FOR_JAVA


@pytest.mark.needs("hadoop")
def test_what_hadoop_splits_and_writes_is_read(java, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pairs = [(b"%03d" % k, os.urandom(30_000)) for k in range(40)]
    (folder / "ours.seq").write_bytes(written(pairs)[0])
    done = java(
        "jar", java.streaming,
        *("-D" + one for one in (
            f"hadoop.tmp.dir={tmp_path}/tmp", "fs.local.block.size=250000",
            f"mapreduce.job.output.key.class={sequencefile.TEXT}",
            f"mapreduce.job.output.value.class={sequencefile.BYTES}")),
        "-input", folder, "-output", tmp_path / "out",
        "-mapper", "org.apache.hadoop.mapred.lib.IdentityMapper", "-reducer", "NONE",
        "-inputformat", "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "-outputformat", "org.apache.hadoop.mapred.SequenceFileOutputFormat")
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert len(parts) == 5
    found = []
    for part in parts:
        data = part.read_bytes()
        assert data[:3] == b"SEQ"
        pairs_of_part, lost = contents(data)
        assert lost == [] and pairs_of_part
        found += pairs_of_part
    assert sorted(found) == pairs
