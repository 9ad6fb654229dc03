"""Objects of an S3 service: parts, keys, lists, writing, and whom the service takes us for."""

import io
import os
import random

import pytest
from misbehaving import Misbehaving, s3_error
from remote_places import BUDGET, FILE, bare_client, bucket, impatient, moto_server

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.access import Access
from mr_extract.storage.found import Found
from mr_extract.storage.ranges import Ranges
from mr_extract.storage.s3 import clients as s3_client

LARGE = random.Random(4).randbytes(1 << 20) * 9 + b"end"  # more than one part of an upload
URI = "s3://bucket/a.fits"


@pytest.fixture(scope="module")
def port():
    with moto_server() as port:
        yield port


@pytest.fixture
def client(port):
    client = bare_client(port)
    yield client
    for one in client.list_objects_v2(Bucket="bucket", MaxKeys=1000).get("Contents", ()):
        client.delete_object(Bucket="bucket", Key=one["Key"])


@pytest.fixture
def server(monkeypatch, port, client):
    impatient(monkeypatch)
    with bucket(port) as (server, _):
        configure(server)
        yield server


def configure(server, **settings):
    storage.configure(Access(s3_endpoint_url=server.url, fetch_budget=BUDGET, **settings))


def failure(call, *arguments):
    with pytest.raises(ImageFailure) as caught:
        call(*arguments)
    for secret in ("AKIATEST", "secretsecret"):
        assert secret not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n", "S3"])
def test_an_object_its_parts_and_its_facts(server, client, scheme):
    uri = f"{scheme}://bucket/a.fits"
    found = storage.stat(uri)
    assert storage.read(uri) == FILE
    data, version = storage.read_range(uri, 1000, 500)
    assert data == FILE[1000:1500]
    head = client.head_object(Bucket="bucket", Key="a.fits")
    assert found == Found(uri, len(FILE), head["LastModified"].timestamp(), head["ETag"])
    assert version == head["ETag"]
    end = len(FILE) - 10
    assert storage.read_range(uri, end, 500, version) == (FILE[end:], version)
    assert storage.read_range(uri, len(FILE) + 5, 500) == (b"", version)
    assert storage.read_range(uri, 7, 0, version) == (b"", version)


def test_an_object_without_bytes(server, client):
    client.put_object(Bucket="bucket", Key="empty.fits", Body=b"")
    uri = "s3://bucket/empty.fits"
    assert storage.read(uri) == b"" and storage.stat(uri).size == 0
    assert storage.read_range(uri, 0, 100) == (b"", storage.stat(uri).version)


def test_a_header_is_read_without_the_rest_of_the_object(server):
    parts = Ranges(URI)
    assert parts.read(0, 2880) + parts.read(2880, 2880) == FILE[:5760]
    assert server.sent["/bucket/a.fits"] == 1 << 16 and len(server.requests) == 1


KEYS = ["a+b.fits", "a b.fits", "100%.fits", "%41.fits", "x#1.fits", "what?.fits", "é/ü[1].fits",
        "a&b=c;d,e'f\"g<h>.fits", "deep/er/z.fits", "~!@$^*(){}|.fits"]


def test_keys_are_what_they_are(server, client):
    for key in KEYS:
        client.put_object(Bucket="bucket", Key="odd/" + key, Body=key.encode())
    found = {one.uri: one for one in storage.list_files("s3://bucket/odd/")}
    assert sorted(found) == sorted("s3://bucket/odd/" + key for key in KEYS)
    for key in KEYS:
        uri = "s3://bucket/odd/" + key
        assert storage.read(uri).decode() == key
        assert storage.stat(uri) == found[uri]


def test_a_list_is_of_files_below_the_place(server, client):
    for key in ("n/1.fits", "n/", "n/s/", "n/s/2.fits", "n/.hid", "n/.d/3.fits", "n2/4.fits",
                "n.x"):
        client.put_object(Bucket="bucket", Key=key, Body=b"x")
    below = ["s3a://bucket/n/1.fits", "s3a://bucket/n/s/2.fits"]
    assert [f.uri for f in storage.list_files("s3a://bucket/n/")] == below
    assert [f.uri for f in storage.list_files("s3a://bucket/n")] == below
    assert [f.uri for f in storage.list_files("s3a://bucket/n/1.fits")] == below[:1]
    every = ["a.fits", "n.x", "n/1.fits", "n/s/2.fits", "n2/4.fits"]
    for root in ("s3://bucket", "s3://bucket/"):
        assert [f.uri for f in storage.list_files(root)] == ["s3://bucket/" + k for k in every]
    assert failure(list, storage.list_files("s3://bucket/none")).kind == "fetch-not-found"
    assert failure(list, storage.list_files("s3://nowhere/")).kind == "fetch-not-found"


def test_a_list_comes_page_by_page_and_a_page_that_fails_comes_again(server, client, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
    names = [f"many/{number:02}.fits" for number in range(10)]
    for key in names:
        client.put_object(Bucket="bucket", Key=key, Body=b"x")
    pages = storage.list_files("s3://bucket/many/")
    first = next(pages)
    assert len(server.requests) == 1
    server.script["/bucket"] = [s3_error(503, "SlowDown"), lambda e: e.send(e.response())]
    assert [f.uri for f in (first, *pages)] == ["s3://bucket/" + key for key in names]
    assert len(server.requests) == 4


@pytest.mark.parametrize("content", [b"", b"small", LARGE], ids=["empty", "small", "large"])
def test_writing(server, client, content):
    client.put_object(Bucket="bucket", Key="new/a+b.fits", Body=b"old")
    source = io.BytesIO(content)
    storage.write("s3://bucket/new/a+b.fits", source)
    assert storage.read("s3://bucket/new/a+b.fits") == content
    assert not source.closed
    if len(content) > 8 << 20:
        assert any("partNumber" in request.target for request in server.requests)


def test_what_is_below_a_prefix_is_removed_and_nothing_beside_it(server, client):
    storage.make_folder("s3://bucket/jobs/one")
    for key in ("jobs/one/shards/a.txt", "jobs/one/_b", "jobs/one/.c", "jobs/one-more/a.txt"):
        storage.write(f"s3a://bucket/{key}", io.BytesIO(b"x"))
    storage.remove_folder("s3a://bucket/jobs/one/")
    storage.remove_folder("s3a://bucket/jobs/one")
    assert [one["Key"] for one in client.list_objects_v2(Bucket="bucket")["Contents"]] == [
        "a.fits", "jobs/one-more/a.txt"]


def test_what_was_not_written_whole_is_not_there(server, client):
    refuse = s3_error(403, "AccessDenied")

    def no_second_part(exchange):
        second = "partNumber=2" in exchange.request.target
        return refuse(exchange) if second else exchange.send(exchange.response())

    server.script["/bucket/new.fits"] = [no_second_part]
    assert failure(storage.write, "s3://bucket/new.fits", io.BytesIO(LARGE)).kind == (
        "fetch-forbidden")
    assert failure(storage.read, "s3://bucket/new.fits").kind == "fetch-not-found"
    assert "Uploads" not in client.list_multipart_uploads(Bucket="bucket")


def test_a_write_that_fails_on_the_way_is_tried_again(server):
    server.script["/bucket/new.fits"] = [s3_error(503, "SlowDown"), lambda e: e.send(e.response())]
    storage.write("s3://bucket/new.fits", io.BytesIO(b"content"))
    assert storage.read("s3://bucket/new.fits") == b"content"


def test_the_reader_pays_where_told(server):
    operations = (storage.read, storage.stat, lambda uri: list(storage.list_files("s3://bucket")),
                  lambda uri: storage.write("s3://bucket/new.fits", io.BytesIO(b"x")))
    for pays in (False, True):
        configure(server, s3_requester_pays=pays)
        server.requests.clear()
        for operation in operations:
            operation(URI)
        said = {request.headers.get("x-amz-request-payer") for request in server.requests}
        assert said == {"requester" if pays else None} and len(server.requests) == 4


def test_anonymous_requests_carry_nothing(server, client, monkeypatch):
    storage.read(URI)
    assert "AKIATESTTESTTESTTEST" in server.requests[0].headers["authorization"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    configure(server, s3_anonymous=True)
    server.requests.clear()
    assert "access denied" in failure(storage.read, URI).message
    assert "access denied" in failure(storage.stat, URI).message
    client.put_object_acl(Bucket="bucket", Key="a.fits", ACL="public-read")
    assert storage.read(URI) == FILE
    assert not any("authorization" in request.headers for request in server.requests)


def test_without_credentials_it_says_what_to_do(server, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    missing = failure(storage.read, URI)
    assert missing.kind == "fetch-forbidden" and not server.requests
    assert missing.message.startswith("no credentials") and "--s3-anonymous" in missing.message
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    configure(server, s3_requester_pays=True)  # another client
    assert failure(storage.read, URI).kind == "fetch-forbidden"


def test_a_profile_and_the_role_that_it_assumes(server, monkeypatch, tmp_path):
    settings = tmp_path / "config"
    settings.write_text("""
[profile kim]
aws_access_key_id = AKIAKIMKIMKIMKIMKIM
aws_secret_access_key = of-kim
[profile survey]
role_arn = arn:aws:iam::123456789012:role/survey
source_profile = kim
region = us-east-1
""")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    configure(server, s3_profile="kim")
    assert storage.read(URI) == FILE
    assert "AKIAKIMKIMKIMKIMKIM" in server.requests[-1].headers["authorization"]
    configure(server, s3_profile="survey")
    assert storage.read(URI) == FILE
    assert b"AssumeRole" in server.requests[-2].body
    assert "x-amz-security-token" in server.requests[-1].headers
    configure(server, s3_profile="nobody")
    assert failure(storage.read, URI).kind == "fetch-forbidden"


def test_what_makes_no_sense(server, monkeypatch):
    assert failure(storage.read, "s3://bucket").kind == "fetch-not-a-file"
    assert failure(storage.read, "s3://bucket/").kind == "fetch-not-a-file"
    assert failure(storage.read, "s3:///a.fits").kind == "fetch-not-found"
    storage.configure(Access(s3_endpoint_url="nonsense"))
    assert "--s3-endpoint-url" in failure(storage.read, URI).message
    with Misbehaving(server.origin) as gone:
        pass
    configure(gone)
    refused = failure(storage.read, URI)
    assert refused.kind == "fetch-failed" and "refused" in refused.message
    storage.configure(Access(s3_endpoint_url="http://no-such-host.invalid", fetch_budget=0))
    assert "not known" in failure(storage.read, URI).message


def test_the_service_can_come_from_the_environment(server, monkeypatch):
    monkeypatch.setattr(s3_client, "_clients", {})  # an environment is read once
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    storage.configure(Access())
    assert storage.read(URI) == FILE and server.requests
    assert os.environ["AWS_ENDPOINT_URL_S3"] == server.url
