"""What a task fetches ahead: once, in time, within its bounds; from a server on the loopback."""

import functools
import http.server
import shutil
import threading
from collections import Counter

import pytest
from conftest import job

from mr_extract.failures import ImageFailure
from mr_extract.jobs.task.fetching import fetch_ahead
from mr_extract.settings.config import Config
from mr_extract.text.manifest import parse_line


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked[self.path.lstrip("/")] += 1
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory, night):
    """Serve the frames of the night; `asked` counts the requests for each file."""
    folder = tmp_path_factory.mktemp("served")
    for path in night.glob("*.fits"):
        shutil.copy(path, folder)
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked, server.folder = Counter(), folder
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _forgotten(server):
    server.asked.clear()


def names(night):
    return sorted(path.name for path in night.glob("*.fits"))


def entries(lines):
    return [parse_line(line.encode()) for line in lines]


def test_images_come_in_order_with_their_bytes(server, night):
    lines = [f"{server.url}/{name}" for name in names(night)]
    got = list(fetch_ahead(entries(lines)))
    assert [entry.uri for entry, _ in got] == lines
    for (entry, files), name in zip(got, names(night)):
        assert files == {entry.uri: (night / name).read_bytes()}


def test_local_images_and_bad_lines_fetch_nothing(server, night):
    lines = [str(night / names(night)[0]), f"{server.url}/{names(night)[0]}\tbytes=many"]
    assert [files for _, files in fetch_ahead(entries(lines))] == [{}, {}]
    assert not server.asked


def test_no_more_is_held_than_allowed(server, night):
    name = names(night)[0]
    size = (night / name).stat().st_size
    lines = [f"{server.url}/{name}?{k}\tbytes={size}" for k in range(9)]
    images = fetch_ahead(entries(lines), most_bytes=3 * size)
    for k in range(3):
        next(images)
        asked = sum(server.asked.values())
        assert asked <= k + 3, "three were let in, and one more for each that was taken"
    assert len(list(images)) == 6
    images = fetch_ahead(entries(lines), most_bytes=1)
    next(images)
    assert sum(server.asked.values()) == 9 + 1, "one is always let through"


def test_companions_come_along_and_a_missing_one_is_named(server, night):
    first, second = names(night)[:2]
    lines = [f"{server.url}/{first}\tweight={server.url}/{second}",
             f"{server.url}/{second}\tmask={server.url}/none.fits"]
    (_, with_weight), (_, without) = fetch_ahead(entries(lines))
    assert with_weight == {f"{server.url}/{name}": (night / name).read_bytes()
                           for name in (first, second)}
    assert without[f"{server.url}/none.fits"].kind == "fetch-not-found"


def test_of_a_rule_the_first_that_is_there_is_fetched(server, night):
    name = names(night)[0]
    config = Config().updated(weight_image="{stem}.wht.fits", weight_type="map_weight")
    weight = f"{server.url}/{name.removesuffix('.fits')}.wht.fits"
    shutil.copy(night / name, server.folder / f"{name.removesuffix('.fits')}.wht.fits.gz")
    (_, files), = fetch_ahead(entries([f"{server.url}/{name}"]), config)
    assert isinstance(files[weight], ImageFailure)
    assert files[f"{weight}.gz"] == (night / name).read_bytes()
    stem = weight.rpartition("/")[2]
    assert server.asked[f"{stem}.gz"] == 1
    assert not server.asked[f"{stem}.bz2"], "what follows is not looked for"


def test_what_images_in_turn_share_is_fetched_once(server, night):
    first, second = names(night)[:2]
    weight = f"weight={server.url}/{second}[0]"
    lines = [f"{server.url}/{first}\text=0\tid={k}\t{weight}" for k in range(4)]
    got = list(fetch_ahead(entries(lines)))
    assert all(len(files) == 2 for _, files in got)
    assert server.asked == {first: 1, second: 1}


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_job_asks_for_each_file_once_and_gives_the_local_catalog(server, night, tmp_path,
                                                                   runner):
    there = tmp_path / "there.txt"
    here = tmp_path / "here.txt"
    weights = "\tweight={0}/" + names(night)[0]
    for path, place in ((there, server.url), (here, night)):
        path.write_text("".join(f"{place}/{name}\tid={name}{weights.format(place)}\n"
                                for name in names(night)))
    local, remote = job("-r", runner, here), job("-r", runner, "--jobs", "1", there)
    assert local.status == remote.status == 0, remote.err
    assert remote.out == local.out
    wanted = Counter(names(night)) + Counter({names(night)[0]: len(names(night))})
    assert server.asked == wanted


def test_access_options_reach_the_process_that_measures(server, night, tmp_path):
    """A host that answers nothing: with a budget of 0 it is tried once, and the image fails."""
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{server.url}/{names(night)[0]}\tweight={server.url}/none.fits\n"
                        "http://127.0.0.1:9/closed.fits\n")
    run = job("-r", "local", "--fetch-budget", "0", "--max-failures", "2", manifest)
    assert run.status == 0, run.err
    assert set(run.accounts().values()) == {"fetch-not-found", "fetch-failed"}
    assert "(tried once)" in run.out.decode()
