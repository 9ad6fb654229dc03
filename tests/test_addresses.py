"""Claims about addresses: what is published of them opens nothing, and fetching still works."""

import gzip
import json
import logging
import os
import stat
import sys
from glob import glob
from pathlib import Path

import pytest
from bad_images import fits_bytes, good_pixels
from conftest import ROOT, command, job
from misbehaving import Files, Misbehaving, Response

from mr_extract.addresses import shown, shown_rule, shown_within
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.shards import write_shards
from mr_extract.jobs.skeleton.private_arguments import hidden, revealed
from mr_extract.settings.config import Config
from mr_extract.text.accounting import error_line, image_line
from mr_extract.text.blocks import DUPLICATE
from mr_extract.text.manifest import parse_line
from preprocess.__main__ import main

AMZ = ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=HUSH%2F1&X-Amz-Date=20260101T000000Z&"
       "X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=HUSH&X-Amz-Signature=HUSH")
AZURE = "sv=2022-11-02&st=2026-01-01&se=2027-01-01&sr=b&sp=r&spr=https&sig=HUSH%3D"

# What goes has HUSH in it.
SECRET = [
    ("http://kim:HUSH@host/a.fits", "http://host/a.fits"),
    ("https://HUSH@host/a.fits", "https://host/a.fits"),
    ("http://kim:HUSH@HUSH@host:80/a.fits?hdu=1", "http://host:80/a.fits?hdu=1"),
    ("http://kim:HU/S?H#HUSH@host/a.fits", "http://host/a.fits"),
    ("http://kim:HUSH@[::1]:8000/a.fits", "http://[::1]:8000/a.fits"),
    ("s3://AKIAHUSH:HUSH@bucket/key.fits", "s3://bucket/key.fits"),
    ("s3://HUSH@bucket/key.fits", "s3://bucket/key.fits"),
    ("hdfs://kim:HUSH@namenode/a.fits", "hdfs://namenode/a.fits"),
    ("ftp://kim:HUSH@host/a.fits", "ftp://host/a.fits"),
    (f"https://b.s3.amazonaws.com/a.fits?{AMZ}", "https://b.s3.amazonaws.com/a.fits"),
    (f"https://b.s3.amazonaws.com/a.fits?{AMZ}&versionId=7",
     "https://b.s3.amazonaws.com/a.fits?versionId=7"),
    (f"https://x.blob.core.windows.net/c/a.fits?{AZURE}", "https://x.blob.core.windows.net/c/a.fits"),
    ("https://h/a?AWSAccessKeyId=HUSH&Signature=HUSH&Expires=17", "https://h/a"),
    ("https://h/a?GoogleAccessId=HUSH&Expires=17&Signature=HUSH", "https://h/a"),
    ("https://h/a?Policy=HUSH&Signature=HUSH&Key-Pair-Id=HUSH", "https://h/a"),
    ("https://h/a?X-Goog-Credential=HUSH&x-goog-signature=HUSH", "https://h/a"),
    ("https://h/a?OSSAccessKeyId=HUSH&Expires=1&Signature=HUSH", "https://h/a"),
    ("http://nn:9870/webhdfs/v1/a.fits?op=OPEN&delegation=HUSH", "http://nn:9870/webhdfs/v1/a.fits?op=OPEN"),
    ("https://h/a.fits?token=HUSH", "https://h/a.fits"),
    ("https://h/a.fits?%74oken=HUSH", "https://h/a.fits"),
    ("https://h/a.fits?TOKEN=HUSH&hdu=2", "https://h/a.fits?hdu=2"),
    ("https://h/a.fits?hdu=2&access_token=HUSH", "https://h/a.fits?hdu=2"),
    ("https://h/a.fits?key=HUSH;apikey=HUSH&api_key=HUSH", "https://h/a.fits"),
    ("https://h/a.fits#access_token=HUSH", "https://h/a.fits"),
    ("malformed:http://kim:HUSH@host/a.fits", "malformed:http://host/a.fits"),
]
HARMLESS = [
    "a.fits", "/data/kim:x@home/a.fits?token=3", "file:///data/a?token=3", "s3://bucket/kim@home.fits",
    "http://[::1]:80/a.fits", "http://host:8080/kim@home/a.fits", "hdfs://kim@namenode/a.fits",
    "https://h/cutout?ra=10&dec=3&sr=0.1&size=3", "https://h/a.fits?plate=1;fiber=2#top",
    "https://h/get?file=monkey.fits&expires=never",
]


@pytest.mark.parametrize("address, public", SECRET, ids=[a for a, _ in SECRET])
def test_an_address_is_shown_without_what_opens_it(address, public):
    assert shown(address) == public == shown(public)
    assert shown_within(f"it says '{address}'.") == f"it says '{public}'."


@pytest.mark.parametrize("address", HARMLESS)
def test_an_address_that_opens_nothing_is_shown_letter_by_letter(address):
    assert shown(address) == address and shown_within(f"({address})") == f"({address})"


def test_a_rule_of_naming_is_shown_without_secrets_even_where_it_has_no_host():
    assert shown_rule(f"{{stem}}.m.fits?{AZURE} | https://k:HUSH@h/{{stem}}.fits?token=HUSH ?") == \
        "{stem}.m.fits | https://h/{stem}.fits ?"
    for rule in ("{stem}.weight.fits?", r"s/fpC-(\d+)/fpM-\1/", "ooi -> oow | [DQ] ?"):
        assert shown_rule(rule) == rule


# ---- ids


def test_the_id_of_an_image_is_the_same_when_its_address_is_signed_again():
    first, second = (parse_line(f"https://h/a.fits?{AMZ.replace('HUSH', key)}\text=2".encode())
                     for key in ("one", "two"))
    assert first.id == second.id == "https://h/a.fits[2]"
    assert first.uri != second.uri  # by which it is fetched
    # Which of them is meant nobody can say: `?key=1` and `?key=2` may be different images.
    plan = Plan()
    plan.add(first), plan.add(second)
    assert plan.refused == {first.id: ("duplicate-id", DUPLICATE)}


def test_an_id_and_what_travels_along_hold_no_secret():
    entry = parse_line(b"http://k:HUSH@h/a.fits\tid=http://k:HUSH@h/a.fits\t"
                       b"origin=see https://h/b?token=HUSH")
    assert entry.id == "http://h/a.fits"
    assert entry.carried == (("origin", "see https://h/b"),)
    assert parse_line(b"http://k:HUSH@h/a.fits\tnonsense").id == "malformed:http://h/a.fits%09nonsense"


def test_no_line_of_a_catalog_holds_a_secret():
    assert "HUSH" not in error_line("a", "fetch-failed", "weight http://k:HUSH@h/w?sig=HUSH: no")
    assert "HUSH" not in image_line("a", {"sources": 0, "remarks": "x:http://k:HUSH@h/w"})
    config = Config().updated(mask_image="https://k:HUSH@h/{name}?sig=HUSH")
    assert "HUSH" not in config.as_json()
    # Signed again, the settings are the same, and catalogs can be merged.
    assert config.hash() == Config().updated(mask_image="https://h/{name}").hash()


# ---- runs


@pytest.fixture
def site(tmp_path):
    """A web server that wants a password and a token; each request has a look at all processes."""
    image = fits_bytes(good_pixels())
    mask = fits_bytes(good_pixels().astype("i2") * 0)
    files = Files({"/a.fits": image, "/a.mask.fits": mask})
    seen = set()

    def guarded(request):
        for path in glob("/proc/[0-9]*/cmdline"):
            try:
                words = Path(path).read_bytes().split(b"\0")
            except OSError:
                continue
            if any(b"HUSH" in word for word in words):
                seen.add(b" ".join(words))
        if "authorization" not in {name.lower() for name in request.headers} or \
                "token=HUSH" not in request.target:
            return Response.of(b"", 401)
        return files(request)

    with Misbehaving(guarded) as server:
        server.commands = seen
        yield server


def addresses(site):
    begin = site.url.replace("//", "//kim:HUSH@")
    return f"{begin}/a.fits?token=HUSH", f"{begin}/{{stem}}", begin


@pytest.mark.parametrize("how", [
    "inline", "local", "bare pipe", pytest.param("spark", marks=pytest.mark.needs("spark"))])
def test_a_run_over_guarded_places_leaves_no_secret_behind(site, tmp_path, how):
    image, _, begin = addresses(site)
    (tmp_path / "list.txt").write_text(
        f"{image}\n{begin}/gone.fits?token=HUSH\tfield=1\n"
        f"{begin}/a.fits?token=HUSH&n=2\tweight={begin}/w.fits?token=HUSH\n"
        f"{begin}/a.fits?token=HUSH&n=3\tnonsense\n")
    options = f"--mask-image={begin}/a.mask.fits?token=HUSH\n"
    (tmp_path / "options").write_text(options)
    private = ("--private", str(tmp_path / "options"))
    if how == "bare pipe":
        done = job("--mapper", *private, stdin=(tmp_path / "list.txt").read_bytes())
        reduced = job("--reducer", stdin=b"".join(sorted(done.out.splitlines(True))))
        text, told = reduced.out, done.err + reduced.err
    else:
        done = job("-r", how, "--summary", str(tmp_path / "summary"), *private,
                   str(tmp_path / "list.txt"), "--verbose")
        text, told = done.out, done.err + (tmp_path / "summary").read_text()
    catalog = text.decode()
    said = {}
    for line in catalog.splitlines():
        word, name, *cells = line.split("\t")
        if word in ("#image", "#error"):
            said[name.removeprefix("malformed:").removeprefix(site.url)] = (word, cells[0])
    assert said.pop("/a.fits")[0] == "#image"
    assert said == {"/gone.fits": ("#error", "fetch-not-found"),
                    "/a.fits?n=2": ("#error", "fetch-not-found"),
                    "/a.fits?n=3%09nonsense": ("#error", "malformed-line")}
    assert "mask_sha256=" in catalog
    for secret in ("HUSH", "kim"):
        assert secret not in catalog and secret not in told
    assert site.commands == set()


def test_an_option_that_was_typed_shows_in_no_process_but_that_which_was_started(site, tmp_path):
    image, _, begin = addresses(site)
    (tmp_path / "list.txt").write_text(f"{image}\n")
    done = job("-r", "local", f"--mask-image={begin}/a.mask.fits?token=HUSH",
               str(tmp_path / "list.txt"))
    assert done.status == 0 and b"mask_sha256=" in done.out
    (own,) = site.commands
    assert str(tmp_path / "list.txt").encode() in own and b"--step-num" not in own


def test_what_tasks_need_to_fetch_is_in_files_that_nobody_else_can_read(tmp_path):
    seen, path = hidden(["--mask-image=https://h/{name}?sig=HUSH", "--thresh=3"], str(tmp_path))
    assert seen == ["--thresh=3"] and stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert revealed([*seen, "--private", path]) == ["--thresh=3",
                                                   "--mask-image=https://h/{name}?sig=HUSH"]
    plan = Plan()
    plan.add(parse_line(b"http://k:HUSH@h/a.fits"))
    (shard,) = write_shards(plan, 1, str(tmp_path / "shards"))
    assert "HUSH" in Path(shard).read_text()
    assert stat.S_IMODE(os.stat(shard).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "shards").st_mode) == 0o700


def test_a_file_of_options_that_is_not_there_is_told():
    done = job("--private", "nowhere", "a.fits")
    assert done.status == 2 and "--private nowhere: it cannot be read: No such file" in done.err


def test_settings_are_printed_without_secrets():
    done = job("--print-config", "--mask-image", "https://k:HUSH@h/{name}?sig=HUSH")
    assert "HUSH" not in done.out.decode() and "https://h/{name}" in done.out.decode()


def test_what_remains_is_found_by_an_address_that_was_signed_again(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = addresses(site)[0]
    Path("list.txt").write_text(f"{image}\n{image.replace('a.fits', 'b.fits')}\n")
    done = job("-r", "inline", "list.txt", "--catalog", "first.tsv")
    assert done.status == 1
    signed_again = Path("list.txt").read_text().replace("token=HUSH", "token=NEW")
    Path("new.txt").write_text(signed_again)
    assert main(["remaining", "new.txt", "first.tsv", "--failed", "-o", "rest.txt"]) == 0
    assert Path("rest.txt").read_text() == signed_again.splitlines(True)[1]


def test_tools_say_nothing_that_opens(site, tmp_path, capsys):
    image, _, begin = addresses(site)
    (tmp_path / "list.txt").write_text(f"{image}\tmask={begin}/m.fits?token=HUSH\n")
    assert main(["check", str(tmp_path / "list.txt")]) == 1
    assert main(["remaining", f"{begin}/list?token=HUSH", str(tmp_path / "list.txt")]) == 2
    assert main(["merge", f"{begin}/a.tsv?token=HUSH"]) == 2
    told = capsys.readouterr()
    assert "HUSH" not in told.out + told.err and "fetch-not-found" in told.out


def test_packed_images_have_no_secrets_and_are_measured_by_the_same_rule(site, tmp_path):
    image, _, begin = addresses(site)
    (tmp_path / "list.txt").write_text(f"{image}\n")
    rule = f"--mask-image={begin}/a.mask.fits?token=HUSH"
    done = command([sys.executable, "-m", "preprocess", "pack", tmp_path / "list.txt", "-o",
                    tmp_path / "packed", rule, "--jobs", "1"], cwd=ROOT)
    assert done.status == 0, done.err
    for path in (tmp_path / "packed").iterdir():
        data = path.read_bytes()
        data = gzip.decompress(data) if path.name == "_index.gz" else data
        assert b"HUSH" not in data and b"kim" not in data
    done = job("-r", "inline", "--packed", str(tmp_path / "packed"), rule)
    assert done.status == 0 and b"mask_sha256=" in done.out and b"HUSH" not in done.out
    other = job("-r", "inline", "--packed", str(tmp_path / "packed"), rule.replace("HUSH", "NEW"))
    assert other.out == done.out


def test_what_the_library_logs_of_a_request_holds_no_secret(site, caplog):
    from mr_extract import storage

    with caplog.at_level(logging.DEBUG, "urllib3"):
        storage.read(addresses(site)[0])
    assert "a.fits" in caplog.text and "HUSH" not in caplog.text


def test_the_summary_is_json_without_secrets(site, tmp_path):
    (tmp_path / "list.txt").write_text(addresses(site)[0].replace("a.fits", "b.fits") + "\n")
    job("-r", "inline", str(tmp_path / "list.txt"), "--summary", str(tmp_path / "s"))
    failure = json.loads((tmp_path / "s").read_text())["failures"]["fetch-not-found"]
    assert failure["first"] == f"{site.url}/b.fits"
