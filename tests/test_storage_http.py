"""Files of web servers: parts, names, users, proxies, redirects, certificates, index pages."""

import base64
import functools
import http.server
import os
import random
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from misbehaving import Files, Misbehaving, labelled, packed, status, without_ranges
from remote_places import FILE, impatient

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.found import Found
from mr_extract.storage.http import client as http_client
from mr_extract.storage.http.index_pages import names_below
from mr_extract.storage.ranges import Ranges

LARGE = random.Random(3).randbytes(1 << 20) * 64


@pytest.fixture(autouse=True)
def access(monkeypatch):
    impatient(monkeypatch)


@pytest.fixture
def server():
    with Misbehaving(Files({"/a.fits": FILE, "/empty.fits": b"", "/large.fits": LARGE})) as server:
        yield server


def failure(uri, call=storage.read):
    with pytest.raises(ImageFailure) as caught:
        call(uri)
    return caught.value


def test_a_file_its_parts_and_its_facts(server):
    uri = server.url + "/a.fits"
    found = storage.stat(uri)
    assert storage.read(uri) == FILE
    data, version = storage.read_range(uri, 1000, 500)
    assert data == FILE[1000:1500]
    assert found == Found(uri, len(FILE), 1e9 + len(FILE), version)
    end = len(FILE) - 10
    assert storage.read_range(uri, end, 500, version) == (FILE[end:], version)
    assert storage.read_range(uri, len(FILE) + 5, 500, version) == (b"", version)
    assert storage.read_range(uri, 7, 0, version) == (b"", version)


def test_a_file_without_bytes(server):
    uri = server.url + "/empty.fits"
    assert storage.read(uri) == b"" and storage.stat(uri).size == 0
    data, version = storage.read_range(uri, 0, 100)
    assert (data, version) == (b"", storage.stat(uri).version)


def test_one_connection_serves_many_requests(server, monkeypatch):
    accepted = []
    serve = server._serve
    monkeypatch.setattr(server, "_serve", lambda client: (accepted.append(1), serve(client)))
    for _ in range(5):
        storage.read(server.url + "/a.fits")
        storage.read_range(server.url + "/a.fits", 5, 10)
    assert len(server.requests) == 10 and len(accepted) == 1


def test_a_header_is_read_without_the_rest_of_the_file(server):
    parts = Ranges(server.url + "/large.fits")
    assert parts.read(0, 2880) + parts.read(2880, 2880) == LARGE[:5760]
    assert server.sent["/large.fits"] == 1 << 16 and len(server.requests) == 1


def test_nor_from_a_server_that_sends_no_parts(server):
    server.script["/large.fits"] = [without_ranges]
    uri = server.url + "/large.fits"
    assert storage.read_range(uri, 2880, 2880)[0] == LARGE[2880:5760]
    # What was under way when the connection was closed: the buffers of both sockets.
    assert server.sent["/large.fits"] < len(LARGE) / 4


def test_a_server_may_send_less_than_was_asked_for(server):
    def at_most(size):
        def way(exchange):
            asked = exchange.request.headers.get("range", "bytes=0-")
            start = int(asked[6:].partition("-")[0])
            exchange.request.headers["range"] = f"bytes={start}-{start + size - 1}"
            return exchange.send(exchange.response())
        return way

    server.script["/a.fits"] = [at_most(70_000)]
    assert storage.read_range(server.url + "/a.fits", 10, 200_000)[0] == FILE[10:200_010]
    assert len(server.requests) == 3
    assert storage.read(server.url + "/a.fits") == FILE


@pytest.mark.parametrize("part", ["bytes 7-16/300000", "bytes 0-9", "nonsense", ""])
def test_a_part_that_is_not_the_one_asked_for(server, part):
    server.script["/a.fits"] = [status(206, FILE[:10], Content_Range=part)]
    with pytest.raises(ImageFailure) as caught:
        storage.read_range(server.url + "/a.fits", 0, 10)
    assert caught.value.kind == "fetch-failed" and "part" in caught.value.message


def test_threads_share_the_connections(server):
    uri = server.url + "/a.fits"
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda k: storage.read_range(uri, k, 5000)[0], range(200)))
    assert parts == [FILE[k : k + 5000] for k in range(200)]


def test_what_is_packed_on_the_way_is_the_file_again_and_a_packed_file_stays_packed(server):
    server.script["/a.fits"] = [packed]
    uri = server.url + "/a.fits"
    assert storage.read(uri) == FILE
    assert storage.read_range(uri, 1000, 500)[0] == FILE[1000:1500]
    assert storage.stat(uri).size in (None, len(FILE))
    assert server.requests[0].headers["accept-encoding"] == "identity"
    server.origin.files["/a.fits.gz"] = FILE
    server.script["/a.fits.gz"] = [labelled("x-gzip")]
    assert storage.read(server.url + "/a.fits.gz") == FILE


def test_a_server_that_knows_get_alone(server):
    server.script["/a.fits"] = [status(405), status(403), status(404)]
    server.script["/a.fits"].insert(1, lambda exchange: exchange.send(exchange.response()))
    assert storage.stat(server.url + "/a.fits").size == len(FILE)
    assert [request.method for request in server.requests] == ["HEAD", "GET"]
    assert failure(server.url + "/a.fits", storage.stat).kind == "fetch-not-found"


@pytest.mark.parametrize("name", ["a b.fits", "100%.fits", "é[1]~+&=,;'.fits", "%41.fits"])
def test_odd_names(server, name):
    meant = "A.fits" if name == "%41.fits" else name
    server.origin.files[f"/x/{meant}"] = FILE
    assert storage.read(f"{server.url}/x/{name}") == FILE


def test_the_query_is_sent(server):
    storage.read(server.url + "/a.fits?plate=3&name=a%20b")
    assert server.requests[0].target == "/a.fits?plate=3&name=a%20b"


def test_the_user_of_the_url_is_sent_to_that_server_alone_and_named_nowhere(server):
    with Misbehaving(Files({"/b.fits": FILE})) as other:
        server.script = {"/a.fits": [status(302, Location="/there.fits")],
                         "/there.fits": [status(307, Location=other.url + "/b.fits")]}
        uri = server.url.replace("//", "//kim:s%40cret€@") + "/a.fits"
        assert storage.read(uri) == FILE
        wanted = "Basic " + base64.b64encode("kim:s@cret€".encode()).decode()
        assert [r.headers.get("authorization") for r in server.requests] == [wanted] * 2
        assert "authorization" not in other.requests[0].headers
    assert server.requests[0].target == "/a.fits"
    for way in (status(401), status(404), status(500)):
        server.script["/a.fits"] = [way]
        assert "cret" not in str(failure(uri))


def test_a_password_can_stay_out_of_the_url(server, tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login kim password s@cret\n")
    monkeypatch.setenv("NETRC", str(file))
    storage.read(server.url + "/a.fits")
    storage.read(server.url.replace("127.0.0.1", "localhost") + "/a.fits")
    wanted = "Basic " + base64.b64encode(b"kim:s@cret").decode()
    assert [r.headers.get("authorization") for r in server.requests] == [wanted, None]
    other = tmp_path / "broken"
    other.write_text("machine")
    monkeypatch.setenv("NETRC", str(other))
    assert failure(server.url + "/a.fits").kind == "fetch-forbidden"


def test_what_cannot_be_reached():
    assert failure("http://no-such-host.invalid/a.fits").kind == "fetch-failed"
    with Misbehaving(Files({})) as gone:
        pass
    refused = failure(gone.url + "/a.fits")
    assert refused.kind == "fetch-failed" and "refused" in refused.message
    for nonsense in ("http:///a.fits", "http://host:port/a.fits", "http://[::1/a.fits"):
        assert "makes no sense" in failure(nonsense).message


def test_nothing_is_written(server):
    with pytest.raises(ImageFailure, match="only read"):
        storage.write(server.url + "/new.fits", None)


def test_a_proxy_is_used_where_the_environment_says_so(monkeypatch):
    files = Files({"http://archive.test/a.fits": FILE})
    with Misbehaving(files) as proxy, Misbehaving(Files({"/a.fits": FILE})) as near:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//kim:pass@"))
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//kim:pass@"))
        monkeypatch.setenv("no_proxy", "127.0.0.1,other.test")
        assert storage.read("http://archive.test/a.fits") == FILE
        said = proxy.requests[0].headers
        assert said["proxy-authorization"] == "Basic " + base64.b64encode(b"kim:pass").decode()
        assert storage.read(near.url + "/a.fits") == FILE and len(proxy.requests) == 1
        proxy.script["archive.test:443"] = [status(407)]
        monkeypatch.setenv("https_proxy", proxy.url)
        assert failure("https://archive.test/a.fits").kind == "fetch-forbidden"
    gone = failure("http://archive.test/a.fits")
    assert gone.kind == "fetch-failed" and "proxy" in gone.message
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    assert "no http proxy" in failure("http://archive.test/a.fits").message


def certificate(folder):
    """Write a certificate for 127.0.0.1 that nobody has signed but itself."""
    from datetime import datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    host = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day, now = timedelta(days=1), datetime.now()
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(host, False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return str(path)


def test_a_certificate_must_be_trusted(tmp_path, monkeypatch):
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    monkeypatch.setattr(http_client, "_pools", {})
    with Misbehaving(Files({"/a.fits": FILE}), context) as server:
        refused = failure(server.url + "/a.fits")
        assert refused.kind == "fetch-failed" and "SSL_CERT_FILE" in refused.message
        assert "tried" not in refused.message, "it was tried again"
        http_client._pools.clear()
        monkeypatch.setenv("SSL_CERT_FILE", path)
        assert storage.read(server.url + "/a.fits") == FILE
        with Misbehaving(Files({"/b.fits": FILE})) as plain:
            netrc = tmp_path / "netrc"
            netrc.write_text("machine 127.0.0.1 login kim password secret\n")
            monkeypatch.setenv("NETRC", str(netrc))
            server.script["/a.fits"] = [status(302, Location=plain.url + "/b.fits")]
            assert storage.read(server.url + "/a.fits") == FILE
            assert "authorization" in server.requests[-1].headers
            assert "authorization" not in plain.requests[0].headers


APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN"><html><body><h1>Index of /d</h1>
<pre><img src="/icons/blank.gif" alt="Icon "> <a href="?C=N;O=D">Name</a>
<img src="/icons/back.gif" alt="[PARENTDIR]"> <a href="/">Parent Directory</a>   -
<a href="night%201/"><img src="/icons/folder.gif"></a> <a href="night%201/">night 1/</a> 2020-01-02
<img src="/icons/image2.gif" alt="[IMG]"> <a href="a&amp;b.fits.fz">a&amp;b.fits.fz</a> 10:11  5.9M
</pre></body></html>"""
NGINX = """<html><head><title>Index of /d/</title></head><body><h1>Index of /d/</h1><hr><pre>
<a href="../">../</a>
<a href="night%201/">night 1/</a>                                  02-Jan-2020 10:11       -
<a href="a%26b.fits.fz">a&amp;b.fits.fz</a>                        02-Jan-2020 10:11 6154560
</pre><hr></body></html>"""
LIGHTTPD = """<!DOCTYPE html><html><body><div class="list"><table><tbody>
<tr class="d"><td class="n"><a href="../">..</a>/</td><td class="m">&nbsp;</td></tr>
<tr class="d"><td class="n"><a href="night%201/">night 1</a>/</td><td class="m">2020</td></tr>
<tr><td class="n"><a href="a%26b.fits.fz">a&amp;b.fits.fz</a></td><td class="s">5.9M</td></tr>
</tbody></table></div></body></html>"""


@pytest.mark.parametrize("page", [APACHE, NGINX, LIGHTTPD], ids=["Apache", "nginx", "lighttpd"])
def test_pages_of_usual_servers(page):
    names = names_below("http://kim:pass@host/d/", page)
    assert [name.replace("%26", "&") for name in names] == [
        "http://kim:pass@host/d/night%201/", "http://kim:pass@host/d/a&b.fits.fz"]


def test_only_links_below_the_page_are_followed():
    links = ["http://host/d/x.fits", "//host/d/x.fits#top", "http://host:80/d/y.fits", "./", "",
             "/d/", "/d", "../e/z.fits", "/dd/z.fits", "http://else/d/z.fits", "s/../../z.fits",
             "https://host/d/z.fits", "ftp://host/d/z.fits", "mailto:kim@host", ".hidden.fits",
             "s/.cache/z.fits", "z.fits?x=1", "http://[bad/", "%2e%2e/z.fits", "s/u.fits"]
    page = "".join(f'<a href="{link}">' for link in links)
    assert names_below("http://host/d/index.html", page) == [
        "http://host/d/x.fits", "http://host/d/y.fits", "http://host/d/s/u.fits"]


def test_a_folder_served_by_python(tmp_path):
    names = ["a b.fits", "100%.fits", "x#1.fits", "deep/er/é.fits", "deep/.hidden/no.fits", ".no"]
    for name in names:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    os.symlink("..", tmp_path / "data" / "deep" / "up.fits")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            uri = f"http://127.0.0.1:{server.server_address[1]}/data"
            os.unlink(tmp_path / "data" / "deep" / "up.fits")
            found = [found.uri for found in storage.list_files(uri)]
            assert all(one.startswith(uri + "/") for one in found)
            assert sorted(storage.read(one).decode() for one in found) == sorted(names[:4])
            assert [f.uri for f in storage.list_files(uri + "/a%20b.fits")] == [uri + "/a%20b.fits"]
            os.symlink("..", tmp_path / "data" / "deep" / "up")
            with pytest.raises(ImageFailure, match="back to itself"):
                list(storage.list_files(uri))
        finally:
            server.shutdown()


def test_a_page_seen_is_not_seen_again_and_one_that_is_missing_is_not_passed_over():
    pages = {"/d/": b'<a href="s/"><a href="a.fits"><a href="s/">',
             "/d/s/": b'<a href="../s/"><a href="/d/"><a href="b.fits"><a href="t/">'}
    with Misbehaving(Files(pages)) as server:
        assert failure(server.url + "/d/", lambda uri: list(storage.list_files(uri))).kind == (
            "fetch-not-found")
        server.origin.files["/d/s/t/"] = b""
        server.requests.clear()
        assert sorted(f.uri for f in storage.list_files(server.url + "/d/")) == [
            server.url + "/d/a.fits", server.url + "/d/s/b.fits"]
        assert server.count("/d/s/") == 1
