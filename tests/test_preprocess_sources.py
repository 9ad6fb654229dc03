"""Manifests of remote places and text lists: what is listed, in which order, at what cost."""

import functools
import glob
import gzip
import http.server
import io
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import ROOT
from misbehaving import Files, Forwarder, Misbehaving, status, without_ranges
from remote_places import bare_client, impatient, moto_server

from preprocess.__main__ import main
from preprocess.listing.found_images import Tally
from preprocess.listing.local_files import local_images, natural_key
from preprocess.listing.remote_places import place_of


def fits_bytes(band, shape=(2, 2), extensions=0):
    """Return a FITS file: an image, or an empty primary and images."""
    header = fits.Header([("FILTER", band), ("MJD-OBS", 56297.28)])
    data = np.random.default_rng(1).integers(0, 30000, shape).astype("i2")
    hdus = [fits.PrimaryHDU(None if extensions else data, header)]
    hdus += [fits.ImageHDU(data, name=f"CCD{k + 1}") for k in range(extensions)]
    file = io.BytesIO()
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()


LARGE = fits_bytes("i", (1500, 2000))  # 6 MB
MOSAIC = fits_bytes("z", (1000, 500), 6)


@pytest.fixture(autouse=True)
def access(monkeypatch):
    impatient(monkeypatch, fetch_timeout=20.0, fetch_budget=1.0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def moto():
    with moto_server() as port:
        yield port


@pytest.fixture
def bucket(moto, monkeypatch):
    """An empty bucket, as a function that puts objects there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{moto}")
    client = bare_client(moto)
    client.create_bucket(Bucket="sky")

    def put(**files):
        for key, content in files.pop("files", files).items():
            client.put_object(Bucket="sky", Key=key, Body=content)

    yield put
    for one in client.list_objects_v2(Bucket="sky").get("Contents", ()):
        client.delete_object(Bucket="sky", Key=one["Key"])
    client.delete_bucket(Bucket="sky")


def page(*names):
    links = "".join(f'<a href="{name}">{name}</a>' for name in names)
    return f"<html><a href='?C=M'>sort</a><a href='../'>up</a>{links}</html>".encode()


@pytest.fixture
def web():
    """A web server with a night of images."""
    files = {
        "/night/": page("b10.fits", "b2.fits", "deep/", "log.txt", "b2.fits"),
        "/night/deep/": page("mosaic.fits", "packed.fits.gz"),
        "/night/b2.fits": fits_bytes("g"), "/night/b10.fits": LARGE,
        "/night/deep/mosaic.fits": MOSAIC,
        "/night/deep/packed.fits.gz": gzip.compress(LARGE, 1),
    }
    with Misbehaving(Files(files)) as server:
        yield server


def manifest(capsys, *arguments, expect=0):
    """Run the command, and return its lines and what it said."""
    assert main(["manifest", *map(str, arguments)]) == expect
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def test_a_prefix_is_listed_in_its_own_order_with_sizes(bucket, capsys):
    bucket(files={"n/b10.fits": b"12345", "n/b2.fits": b"123", "n/log.txt": b"x",
                  "n2/c.fits": b"1", "n/.hidden.fits": b"1"})
    lines, said = manifest(capsys, "s3://sky/n")
    assert lines == ["s3://sky/n/b10.fits\tbytes=5", "s3://sky/n/b2.fits\tbytes=3"]
    assert said == ["2 images, 8 bytes -> stdout; 1 other file left out"]


def test_local_images_come_first_and_places_in_the_order_given(bucket, here, capsys):
    bucket(files={"z/1.fits": b"1", "a/1.fits": b"1"})
    Path("frame10.fits").write_bytes(b"1")
    Path("frame2.fits").write_bytes(b"1")
    Path("list.txt").write_text("# a list\nfar/away.fits\tbytes=7\tid=one\n")
    lines, _ = manifest(capsys, "s3://sky/z/", "list.txt", "s3://sky/a/", "frame*.fits")
    assert [line.split("\t")[0] for line in lines] == [
        "frame2.fits", "frame10.fits", "s3://sky/z/1.fits", "far/away.fits", "s3://sky/a/1.fits"]
    assert lines[3] == "far/away.fits\tid=one\tbytes=7"


def test_what_two_places_cover_is_listed_once(bucket, capsys):
    bucket(files={f"n/{name}.fits": b"1" for name in ("a1", "a2", "b1", "deep/c1")})
    lines, said = manifest(
        capsys, "s3://sky/n/a*.fits", "s3://sky/n/deep/", "s3://sky/n", "s3://sky/n/b1.fits")
    names = [line.split("\t")[0].removeprefix("s3://sky/n/") for line in lines]
    assert names == ["a1.fits", "a2.fits", "deep/c1.fits", "b1.fits"]
    assert said[-1].endswith("4 met again, listed once")


PATTERNS = ["*.fits", "n?/*.fits", "**/*.fits", "n[12]/**/x*.fits*", "n[!1]/*", "n1/**", "*/x.*",
            "[]n]1/x.fits", "n1/[x-z].fits"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_in_a_bucket_what_it_means_in_a_folder(pattern, here):
    for name in ("x.fits", "n1/x.fits", "n2/x1.fits.gz", "n2/deep/x.fits", "n3/y.fits", "n1/y.txt",
                 "n1/deep/deeper/x.fits"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    every = [path for path in glob.glob("**", recursive=True) if os.path.isfile(path)]
    place = place_of(f"s3://sky/{pattern}")
    assert all(f"s3://sky/{path}".startswith(place.root) for path in glob.glob(pattern))
    assert {path for path in every if place.covers(f"s3://sky/{path}")} == {
        path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)}


@pytest.mark.parametrize("source, said", [
    ("s3://sky/none/", "cannot list 's3://sky/none/'"), ("s3://sky/n/*.fts", "nothing matches"),
    ("s3://no-such-bucket/n/", "cannot list"), ("s3://sk*/n/", "host or bucket"),
    ("ftp://host/n/", "unsupported-scheme"),
])
def test_a_place_with_nothing_in_it_is_one_line_and_exit_2(source, said, bucket, here, capsys):
    bucket(files={"n/a.fits": b"1"})
    lines, errors = manifest(capsys, "s3://sky/n/", source, "-o", "list.txt", expect=2)
    assert len(errors) == 1 and said in errors[0], errors
    assert not os.path.exists("list.txt")


def test_a_page_that_stops_answering_leaves_no_half_a_list(web, here, capsys):
    web.script["/night/deep/"] = [status(500)]
    _, errors = manifest(capsys, web.url + "/night/", "-o", "list.txt", "--fetch-budget", "0.3",
                         expect=2)
    assert len(errors) == 1 and "cannot list" in errors[0] and "answered 500" in errors[0]
    assert not os.path.exists("list.txt")


def test_pages_are_followed_and_sizes_asked_for_in_their_order(web, capsys):
    lines, said = manifest(capsys, web.url + "/night/", "--jobs", "3")
    sizes = {path: len(content) for path, content in web.origin.files.items()}
    names = ["/night/b10.fits", "/night/b2.fits", "/night/deep/mosaic.fits",
             "/night/deep/packed.fits.gz"]
    assert lines == [f"{web.url}{name}\tbytes={sizes[name]}" for name in names]
    assert said[-1].endswith("1 other file left out")
    assert sorted(request.path for request in web.requests if request.method == "HEAD") == names


def test_without_bytes_a_page_costs_no_request_for_each_image(web, capsys):
    lines, _ = manifest(capsys, web.url + "/night/", "--no-bytes")
    assert len(lines) == 4 and not any("bytes=" in line for line in lines)
    assert not any(request.method == "HEAD" for request in web.requests)
    assert not any(request.path.endswith((".fits", ".gz")) for request in web.requests)


def test_a_filter_of_sizes_asks_although_bytes_are_not_written(web, capsys):
    lines, said = manifest(capsys, web.url + "/night/", "--no-bytes", "--min-size", "6MB")
    assert lines == [f"{web.url}/night/b10.fits", f"{web.url}/night/deep/mosaic.fits"]
    assert "2 not chosen" in said[-1]


def test_an_image_whose_size_is_not_told_stays_and_is_named(web, capsys):
    web.script["/night/b2.fits"] = [status(403)]
    lines, said = manifest(capsys, web.url + "/night/")
    assert f"{web.url}/night/b2.fits" in lines and len(lines) == 4
    assert "b2.fits" in said[0] and "fetch-forbidden" in said[0]
    assert "1 without what was asked of it" in said[-1]
    lines, said = manifest(capsys, web.url + "/night/", "--min-size", "1", expect=1)
    assert len(lines) == 3 and "left out" in said[0] and said[-1].endswith("1 refused")


def test_a_pattern_behind_a_host_is_for_pages(web, capsys):
    lines, _ = manifest(capsys, web.url + "/night/**/*.gz", web.url + "/night/b*")
    assert [line.split("/")[-1].split("\t")[0] for line in lines] == [
        "packed.fits.gz", "b10.fits", "b2.fits"]


def test_the_server_of_pythons_own_library_is_listed(here, capsys, monkeypatch):
    os.makedirs("www/night one")
    Path("www/night one/a b.fits").write_bytes(b"12345")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory="www")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        lines, _ = manifest(capsys, url)
        server.shutdown()
    assert lines == [f"{url}night%20one/a%20b.fits\tbytes=5"]


def taken(server, name):
    """Return the bytes that were sent of a file."""
    return server.sent.get(name, 0)


@pytest.mark.parametrize("way", [None, without_ranges])
def test_header_fields_of_a_remote_image_cost_its_first_block(way, web, capsys):
    if way:
        web.script["/night/b10.fits"] = [way]
    lines, _ = manifest(capsys, web.url + "/night/b10.fits", "--header",
                        "FILTER=filter,MJD-OBS,NAXIS1=width_pixels,NOSUCH")
    assert lines == [f"{web.url}/night/b10.fits\tfilter=i\tmjd_obs=56297.28\twidth_pixels=2000"
                     f"\tbytes={len(LARGE)}"]
    # A server without ranges sends on until the connection is closed: what fills the buffers.
    assert taken(web, "/night/b10.fits") < (200_000 if way is None else len(LARGE))


def test_every_extension_of_a_remote_mosaic_costs_its_header(web, capsys):
    uri = web.url + "/night/deep/mosaic.fits"
    lines, _ = manifest(capsys, uri, "--extensions", "/CCD[1-4]/", "--header", "FILTER,EXTNAME=ccd")
    assert lines == [f"{uri}\text={k}\tfilter=z\tccd=CCD{k}\tbytes={len(MOSAIC)}"
                     for k in (1, 2, 3, 4)]
    assert taken(web, "/night/deep/mosaic.fits") < 8 * 70_000 < len(MOSAIC) / 10


def test_a_packed_remote_image_is_fetched_as_far_as_its_header(web, capsys):
    uri = web.url + "/night/deep/packed.fits.gz"
    lines, _ = manifest(capsys, uri, "--header", "FILTER")
    assert "\tfilter=i\t" in lines[0]
    assert taken(web, "/night/deep/packed.fits.gz") < 200_000 < len(gzip.compress(LARGE, 1))


def test_all_extensions_of_a_packed_remote_image_cost_few_requests(web, capsys):
    uri = web.url + "/night/deep/packed.fits.gz"
    lines, _ = manifest(capsys, uri, "--extensions", "all")
    size = len(web.origin.files["/night/deep/packed.fits.gz"])
    assert lines == [f"{uri}\text=0\tbytes={size}"]
    # Of 64 kB, and twice as many each time: 7 for 4 to 8 MB; and HEAD.
    assert web.count("/night/deep/packed.fits.gz") <= 8
    assert taken(web, "/night/deep/packed.fits.gz") <= size + 3


def test_headers_of_objects_are_read_in_the_order_of_the_listing(bucket, capsys):
    bands = {f"n/{k:02d}.fits": "ugriz"[k % 5] for k in range(30)}
    bucket(files={key: fits_bytes(band) for key, band in bands.items()})
    lines, _ = manifest(capsys, "s3://sky/n/", "--header", "FILTER=filter", "--jobs", "8")
    assert [line.split("\t")[:2] for line in lines] == [
        [f"s3://sky/{key}", f"filter={band}"] for key, band in bands.items()]


def test_a_remote_header_that_is_none_leaves_a_line_without_fields(bucket, capsys):
    bucket(files={"n/a.fits": fits_bytes("g"), "n/b.fits": b"no image at all" * 300})
    lines, said = manifest(capsys, "s3://sky/n/", "--header", "FILTER")
    assert lines[1] == "s3://sky/n/b.fits\tbytes=4500"
    assert "b.fits" in said[0] and "not-fits" in said[0]
    assert said[-1].endswith("1 without what was asked of it")


DECAM = [f"c4d_{k}_{kind}_r_v1.fits.fz" for k in (1, 2) for kind in ("ood", "ooi", "oow")]


def test_companions_in_a_bucket_are_found_in_the_listing_alone(moto, bucket, capsys, monkeypatch):
    bucket(files={f"n/{name}": b"1" for name in DECAM} | {"n/c4d_3_ooi_r_v1.fits.fz": b"1"})
    with Misbehaving(Forwarder(moto)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        lines, said = manifest(capsys, "s3://sky/n/", "--weights", "ooi -> oow", "--masks",
                               "ooi -> ood", expect=1)
        assert not any(request.method == "HEAD" for request in server.requests)
    assert lines == [
        f"s3://sky/n/c4d_{k}_ooi_r_v1.fits.fz\tweight=s3://sky/n/c4d_{k}_oow_r_v1.fits.fz"
        f"\tmask=s3://sky/n/c4d_{k}_ood_r_v1.fits.fz\tbytes=1" for k in (1, 2)]
    assert "c4d_3_ooi" in said[0] and "there is no weight" in said[0]
    assert said[-1].endswith("4 companions not listed; 1 refused")


def test_companions_elsewhere_are_asked_for(bucket, capsys):
    bucket(files={"images/a.fits": b"1", "images/b.fits": b"1", "masks/a.fits.fz": b"1"})
    rule = "/images/ -> /masks/"
    lines, _ = manifest(capsys, "s3://sky/images/", "--masks", rule, expect=1)
    assert lines == ["s3://sky/images/a.fits\tmask=s3://sky/masks/a.fits.fz\tbytes=1"]
    lines, _ = manifest(capsys, "s3://sky/images/", "--masks", rule + "?")
    assert len(lines) == 2 and lines[1] == "s3://sky/images/b.fits\tbytes=1"


def test_lists_come_from_standard_input_pipes_packed_and_remote(web, here):
    text = f"# night\n{web.url}/night/b2.fits\tid=b\n"
    web.origin.files["/lists/night.txt"] = text.encode()
    Path("night.txt.gz").write_bytes(gzip.compress(text.encode()))
    want = f"{web.url}/night/b2.fits\tid=b\tbytes={len(web.origin.files['/night/b2.fits'])}\n"
    command = f"{sys.executable} -m preprocess manifest"
    for shell in (f"printf '{text}' | {command} -", f"{command} <(printf '{text}')",
                  f"{command} night.txt.gz", f"{command} {web.url}/lists/night.txt"):
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=240,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.stdout == want, (shell, done.stderr)


def test_a_line_of_a_list_that_makes_no_sense_is_refused_and_the_rest_stays(here, capsys):
    Path("a.fits").write_bytes(b"12")
    Path("list.txt").write_text("a.fits\tfilter=r\na.fits\twhat\nno-such.fits\n")
    lines, said = manifest(capsys, "list.txt", expect=1)
    assert lines == ["a.fits\tfilter=r\tbytes=2", "no-such.fits"]
    assert any("what" in line and "left out" in line for line in said)
    assert "1 without what was asked of it; 1 refused" in said[-1]


def test_a_text_that_is_no_list_is_another_file(here, capsys):
    Path("a.fits").write_bytes(b"12")
    Path("notes.txt").write_text("the seeing was bad\n")
    lines, said = manifest(capsys, "a.fits", "notes.txt")
    assert lines == ["a.fits\tbytes=2"] and said[-1].endswith("1 other file left out")


def test_file_uris_are_spelled_as_such(here, capsys):
    (here / "a night").mkdir()
    (here / "a night" / "b.fits").write_bytes(b"1")
    uri = f"file://{here}/a%20night"
    assert manifest(capsys, uri)[0] == [f"{uri}/b.fits\tbytes=1"]
    lines, said = manifest(capsys, "a night/b.fits", uri)
    assert len(lines) == 1 and said[-1].endswith("1 met again, listed once")


def test_the_natural_order_of_a_walk_is_that_of_sorted_paths(here):
    chance = random.Random(5)
    for _ in range(300):
        parts = [f"{chance.choice('ab')}{chance.choice(['1', '01', '2', '10', ''])}"
                 for _ in range(chance.randint(1, 4))]
        folder = Path(*[f"{part}.d" for part in parts[:-1]])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{parts[-1]}.fits").touch()
    found = [image.uri for image in local_images(["."], Tally())]
    assert len(found) > 100
    assert found == sorted(found, key=natural_key)


LISTING = r'''
import re, sys, types
from mr_extract.storage.found import Found

def list_files(uri):
    for k in range(int(sys.argv[1])):
        kind = ("ooi", "oow", "ood")[k % 3]
        name = f"{uri}{k // 30000:04d}/c4d_{k // 3:09d}_{kind}_r.fits.fz"
        yield Found(name, 10**8 + k, 1.7e9, "x")

place = types.ModuleType("mr_extract.storage.s3")
place.list_files = list_files
sys.modules["mr_extract.storage.s3"] = place
from preprocess.__main__ import main

status = main(["manifest", "s3://bucket/", "-o", *sys.argv[2:]])
# Of getrusage a child gets what its parent took before it.
print(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])
sys.exit(status)
'''


@pytest.mark.parametrize("keys, options, images", [
    (300_000, (), 300_000),
    (90_000, ("--weights", "ooi -> oow", "--masks", "ooi -> ood"), 30_000)])
def test_however_many_keys_are_listed_in_little_memory(keys, options, images, here):
    peaks = []
    for number in (3_000, keys):
        done = subprocess.run(
            [sys.executable, "-c", LISTING, str(number), "list.txt", *options], text=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=280)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]) / 1024)  # MB
    with open("list.txt", "rb") as file:
        assert sum(1 for _ in file) == images
    assert peaks[1] < 300
    # Without rules nothing is kept, where an object of each key would take 20 MB; with them at
    # most 24 bytes of each file and companion, and half as much again while the tables grow.
    assert peaks[1] - peaks[0] < (15 if options else 7), peaks
