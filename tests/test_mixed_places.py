"""One manifest of a disk, S3, HDFS and web servers: the catalog of the disk, byte for byte."""

import io
import shutil
from itertools import cycle

import numpy as np
import pytest
from astropy.io import fits
from conftest import job
from misbehaving import Files, Misbehaving, cut, reset, right, status
from remote_places import bare_client, moto_server

from mr_extract import storage

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
               "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def places(night, hdfs, tmp_path_factory):
    """Give places that all hold the night: name to what stands before the name of a file.

    A mask lies beside one of the images.
    """
    folder = tmp_path_factory.mktemp("mixed")
    for path in sorted(night.glob("*.fits")):
        shutil.copy(path, folder)
    first = min(folder.glob("*.fits"))
    mask = np.zeros(fits.getdata(first).shape, np.uint8)
    mask[100:200, 150:300] = 1
    fits.writeto(folder / f"{first.stem}.mask.fits", mask)
    files = {path.name: path.read_bytes() for path in folder.glob("*.fits")}
    with moto_server() as port, Misbehaving(Files({f"/n/{k}": v for k, v in files.items()})) as web:
        client = bare_client(port)
        client.create_bucket(Bucket="night")
        for name, data in files.items():
            client.put_object(Bucket="night", Key=name, Body=data)
            storage.write(f"{hdfs.filesystem}/mixed/{name}", io.BytesIO(data))
        yield {
            "disk": str(folder), "s3": "s3://night", "hdfs": f"{hdfs.filesystem}/mixed",
            "webhdfs": hdfs.webhdfs.replace("http", "webhdfs") + "/mixed", "http": f"{web.url}/n",
        }, ["--s3-endpoint-url", f"http://127.0.0.1:{port}"], web


def lines_of(night, prefixes):
    names = sorted(path.name for path in night.glob("*.fits"))
    return "".join(f"{prefix}/{name}\tid={name}\n" for prefix, name in zip(cycle(prefixes), names))


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_catalog_is_that_of_the_disk(places, night, tmp_path, runner):
    prefixes, access, web = places
    web.script = {
        f"/n/{name}": ways for name, ways in zip(
            (path.name for path in sorted(night.glob("*.fits"))),
            cycle([[status(503, Retry_After="1"), right], [cut(9999), right], [reset(9999), right]])
        )
    } if runner == "local" else {}
    here, there = tmp_path / "here.txt", tmp_path / "there.txt"
    here.write_text(lines_of(night, [prefixes["disk"]]))
    there.write_text(lines_of(night, list(prefixes.values())))
    rule = ["--mask-image", "{stem}.mask.fits?"]
    clean = job("-r", "inline", *rule, here)
    mixed = job("-r", runner, *rule, *access, there, env=CREDENTIALS)
    assert clean.status == mixed.status == 0, mixed.err
    assert mixed.out == clean.out
    assert mixed.out.count(b"mask_sha256=") == 1


def test_manifest_and_catalog_can_be_there_too(places, night, tmp_path):
    prefixes, access, _ = places
    here = tmp_path / "here.txt"
    here.write_text(lines_of(night, [prefixes["disk"]]))
    clean = job(here).out
    for place in ("s3", "hdfs", "webhdfs"):
        text = lines_of(night, list(prefixes.values())).encode()
        manifest, catalog = f"{prefixes['hdfs']}/list.txt", f"{prefixes[place]}/out/catalog.tsv"
        storage.write(manifest, io.BytesIO(text))
        run = job(*access, "--catalog", catalog, manifest, env=CREDENTIALS)
        assert run.status == 0, run.err
        assert run.out == b""
        copied = job(*access, "--catalog", tmp_path / "copy.tsv", manifest, env=CREDENTIALS)
        assert copied.status == 0
        assert (tmp_path / "copy.tsv").read_bytes() == clean
        assert _read(catalog, access) == clean


def _read(uri, access):
    """Read by another client where there is one."""
    if not uri.startswith("s3://"):
        return storage.read(uri)
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    port = int(access[1].rpartition(":")[2])
    return bare_client(port).get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_catalog_never_takes_the_place_of_an_input(places, night, tmp_path):
    prefixes, access, _ = places
    name = sorted(path.name for path in night.glob("*.fits"))[0]
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{prefixes['s3']}/{name}\n")
    for place, why in ((f"{prefixes['s3']}/{name}", "needed for something else"),
                       (f"{prefixes['http']}/c.tsv", "nothing can be written to http"),
                       ("gopher://host/c.tsv", "nothing can be written to gopher")):
        run = job(*access, "--catalog", place, manifest, env=CREDENTIALS)
        assert run.status == 2 and why in run.err, run.err


def test_a_catalog_that_cannot_be_sent_is_kept_here(places, night, tmp_path):
    prefixes, access, _ = places
    manifest = tmp_path / "list.txt"
    manifest.write_text(lines_of(night, [prefixes["disk"]]))
    run = job(*access, "--fetch-budget", "0", "--catalog", "s3://no-such-bucket/c.tsv", manifest,
              env=CREDENTIALS, cwd=tmp_path)
    assert run.status == 1
    kept, = tmp_path.glob("catalog-*.tsv")
    assert kept.name in run.err and "no-such-bucket" in run.err
    assert kept.read_bytes() == job(manifest).out
