"""What all kinds of places promise: the five verbs, and failures by the same names.

A place that can be written is one fixture more: it gives a function from a name in it to
the URI of that name.
"""

import io
import random
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from mr_extract import storage
from mr_extract.failures import ImageFailure

DATA = random.Random(0).randbytes(20_000_000)
NAMES = ["a.fits", "a blank.fits", "ä ö 星.fits", "100%.fits", "%20.fits", "a+b.fits",
         "a&b=c;d,e.fits", "#1?.fits", "'q\"[x]*.fits"]


@pytest.fixture
def file_place(tmp_path):
    return lambda name: f"file://{quote(str(tmp_path))}/{quote(name)}"


@pytest.fixture
def hdfs_place(hdfs, request):
    return lambda name: f"{hdfs.filesystem}/contract/{request.node.name}/{name}"


@pytest.fixture
def webhdfs_place(hdfs, request):
    root = hdfs.webhdfs.replace("http", "webhdfs")
    return lambda name: f"{root}/contract/{request.node.name}/{name}"


@pytest.fixture(params=["file", *(pytest.param(one, marks=pytest.mark.needs("hdfs"))
                                  for one in ("hdfs", "webhdfs"))])
def place(request):
    return request.getfixturevalue(f"{request.param}_place")


def put(uri, data):
    storage.write(uri, io.BytesIO(data))


def fails(kind, function, *args):
    with pytest.raises(ImageFailure) as caught:
        function(*args)
    assert caught.value.kind == kind, caught.value
    assert "://" not in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_under_an_odd_name_is_read_found_and_listed(place, name):
    uri, data = place(name), DATA[:1000]
    put(uri, data)
    assert storage.read(uri) == data
    found = storage.stat(uri)
    assert (found.uri, found.size) == (uri, 1000)
    assert found.version and found.modified > 1.6e9
    assert list(storage.list_files(place(""))) == [found]
    assert list(storage.list_files(uri)) == [found]


def test_parts_of_a_file(place):
    uri = place("a.fits")
    put(uri, DATA[:1000])
    data, version = storage.read_range(uri, 0, 10)
    assert data == DATA[:10]
    assert storage.read_range(uri, 990, 100, version) == (DATA[990:1000], version)
    assert storage.read_range(uri, 500, 0, version) == (b"", version)
    for beyond in (1000, 2000):
        assert storage.read_range(uri, beyond, 10, version) == (b"", version)
    assert storage.stat(uri).version == version


def test_an_empty_file(place):
    uri = place("empty.fits")
    put(uri, b"")
    assert storage.read(uri) == b""
    assert storage.read_range(uri, 0, 10)[0] == b""
    assert storage.stat(uri).size == 0
    assert [found.size for found in storage.list_files(place(""))] == [0]


def test_a_large_file_comes_whole_at_once_and_in_parts(place):
    uri = place("large.fits")
    put(uri, DATA)
    assert storage.read(uri) == DATA
    parts, version, step = [], "", 3_000_001
    for offset in range(0, len(DATA), step):
        part, version = storage.read_range(uri, offset, step, version)
        parts.append(part)
    assert b"".join(parts) == DATA


def test_many_threads_read_at_once(place):
    wanted = {place(f"{k}.fits"): DATA[k * 100_000 : (k + 3) * 100_000] for k in range(20)}
    for uri, data in wanted.items():
        put(uri, data)
    with ThreadPoolExecutor(12) as pool:
        read = pool.map(storage.read, list(wanted) * 5)
        assert list(read) == list(wanted.values()) * 5
        parts = pool.map(lambda uri: storage.read_range(uri, 1000, 5000)[0], list(wanted) * 5)
        assert list(parts) == [data[1000:6000] for data in wanted.values()] * 5


def test_to_write_replaces_and_leaves_nothing_else(place):
    uri = place("a.fits")
    put(uri, DATA[:5000])
    put(uri, DATA[:7])
    assert storage.read(uri) == DATA[:7]
    assert [found.uri for found in storage.list_files(place(""))] == [uri]


def test_a_file_that_grows_aside_takes_its_place_and_leaves_nothing_there(place):
    uri, aside = place("a.fits"), place(".growing")
    storage.write(uri, io.BytesIO(DATA), aside)
    assert storage.read(uri) == DATA and list(storage.list_files(aside)) == []
    storage.remove_folder(aside)
    assert [found.uri for found in storage.list_files(place(""))] == [uri]


def test_a_source_that_breaks_leaves_the_file_as_it_was(place):
    class Breaks(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 0:
                raise RuntimeError("the source broke")
            return super().read(size)

    uri = place("a.fits")
    put(uri, DATA[:1000])
    with pytest.raises(RuntimeError, match="the source broke"):
        storage.write(uri, Breaks(DATA))
    assert storage.read(uri) == DATA[:1000]
    assert [found.uri for found in storage.list_files(place(""))] == [uri]


def test_folders_are_searched_to_the_bottom_hidden_ones_apart(place):
    seen = {"a.fits", "b/c.fits", "b/d e/f.fits"}
    for name in seen | {".hidden.fits", "b/.hidden/g.fits"}:
        put(place(name), DATA[:3])
    for root in ("", "b"):
        listed = [found.uri for found in storage.list_files(place(root))]
        below = {name for name in seen if name.startswith(root)}
        assert sorted(listed) == sorted(map(place, below))


def test_a_folder_is_made_and_removed_with_all_that_is_in_it(place):
    root = place("jobs")
    storage.make_folder(f"{root}/job")
    put(f"{root}/job/shards/a.txt", b"one\n")
    put(f"{root}/job/_b.txt", b"two\n")
    put(f"{root}/other/a.txt", b"three\n")
    storage.remove_folder(f"{root}/job")
    storage.remove_folder(f"{root}/job")  # it is gone already
    fails("fetch-not-found", storage.read, f"{root}/job/shards/a.txt")
    fails("fetch-not-found", storage.read, f"{root}/job/_b.txt")
    assert storage.read(f"{root}/other/a.txt") == b"three\n"


def test_nothing_is_there(place):
    put(place("a.fits"), b"x")
    for name in ("absent.fits", "a.fits/below.fits", "absent/a.fits"):
        fails("fetch-not-found", storage.read, place(name))
        fails("fetch-not-found", storage.read_range, place(name), 0, 10)
        fails("fetch-not-found", storage.stat, place(name))
        fails("fetch-not-found", list, storage.list_files(place(name)))


def test_a_folder_is_not_a_file(place):
    put(place("folder/a.fits"), b"x")
    fails("fetch-not-a-file", storage.read, place("folder"))
    fails("fetch-not-a-file", storage.read_range, place("folder"), 0, 10)
    fails("fetch-not-a-file", storage.stat, place("folder"))
    fails("fetch-not-a-file", put, place("folder"), b"x")
    assert storage.read(place("folder/a.fits")) == b"x"


def test_a_file_that_changes_between_parts_is_found_out(place):
    uri = place("a.fits")
    put(uri, DATA[:1000])
    _, version = storage.read_range(uri, 0, 10)
    put(uri, DATA[1000:2000])
    fails("fetch-changed", storage.read_range, uri, 10, 10, version)
    data, version = storage.read_range(uri, 10, 10)
    assert data == DATA[1010:1020]
    assert storage.read_range(uri, 20, 10, version)[0] == DATA[1020:1030]
