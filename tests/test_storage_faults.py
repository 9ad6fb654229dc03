"""Whatever happens on the way, the bytes are whole or there is one named failure."""

import os
from dataclasses import replace

import pytest
from fault_table import FAULTS, SCHEMES, markdown
from misbehaving import Files, Misbehaving
from pages import commands_of, read_page, shell_in
from remote_places import (
    BUDGET,
    FILE,
    OTHER,
    PATH,
    bare_client,
    bucket,
    impatient,
    moto_server,
    web,
)

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.access import Access

CASES = [
    pytest.param((scheme, fault), id=f"{scheme}: {fault.what}")
    for scheme in SCHEMES for fault in FAULTS if scheme in fault.schemes
]


@pytest.fixture(scope="module")
def moto():
    with moto_server() as port:
        yield port


@pytest.fixture
def place(request, moto, monkeypatch):
    """A server that misbehaves by script, and the URI of the file it has."""
    scheme, fault = request.param
    impatient(monkeypatch)
    with web() if scheme == "http" else bucket(moto) as (server, uri):
        access = Access(fetch_budget=60 if fault.outcome == "whole" else BUDGET,
                        s3_endpoint_url=server.url)
        storage.configure(access)
        assert storage.stat(uri).size == len(FILE)
        if fault.silent:
            storage.configure(replace(access, fetch_timeout=0.4))
        server.requests.clear()
        server.script[PATH] = list(fault.ways)
        yield server, uri, fault


@pytest.mark.parametrize("place", CASES, indirect=True)
def test_outcome(place):
    server, uri, fault = place
    if fault.outcome == "whole":
        assert storage.read(uri) == (OTHER if "changes" in fault.what else FILE)
    else:
        with pytest.raises(ImageFailure) as caught:
            fetch(fault.operation, uri)
        assert caught.value.kind == fault.outcome, caught.value
        assert "\n" not in caught.value.message and server.url not in caught.value.message
    if fault.requests:
        assert server.count(PATH) == fault.requests
    elif fault.outcome != "whole":
        assert server.count(PATH) > 1, "it was not tried again"


def fetch(operation, uri):
    if operation == "read":
        return storage.read(uri)
    _, version = storage.read_range(uri, 0, 1000)
    return storage.read_range(uri, 1000, 1000, version)


def test_the_page_has_the_table_that_is_tested():
    assert markdown() in read_page("docs/storage.md")


def test_the_commands_of_the_page_measure_what_they_say(night, moto, tmp_path):
    commands = commands_of(read_page("docs/storage.md"))[0]
    image = next(night.glob("*.fits"))
    client = bare_client(moto)
    client.create_bucket(Bucket="survey")
    client.put_object(Bucket="survey", Key="night/a.fits", Body=image.read_bytes(),
                      ACL="public-read")
    files = Files({"http://archive.example.org/night/b.fits": image.read_bytes()})
    with Misbehaving(files) as proxy:
        run = shell_in(tmp_path, {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{moto}", "http_proxy": proxy.url,
            "no_proxy": "127.0.0.1", "AWS_CONFIG_FILE": os.devnull,
        })(commands)
    assert run.status == 0, run.err
    first, second = ((tmp_path / name).read_text() for name in ("a.tsv", "b.tsv"))
    assert rows(first) == rows(second) != []


def rows(catalog):
    return [line.split("\t")[1:] for line in catalog.splitlines()
            if not line.startswith(("#", "image"))]
