"""File hosts are strangers: links byte for byte, redirects judged, nothing of ours given away."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess

import aiohttp
import attrs
import pytest
from file_host import file_host
from videos import HALF, QUICK, VIDEO, is_whole

from a2e_async import A2EClient, DownloadError, Transfers
from a2e_async.engine.files.hosts import Hosts

SIGNED = "/a/video%27s%20%281%29.png?Credential=AK%2F2026%2Fs3&Policy=%7Eq'()*!&Signature=a%2Fb%2Bc%3D;x"
SECRET = "s3cr3t"


def local(**options):
    """Make a client of a service on this machine, which may follow links to this machine."""
    return A2EClient("sk_secret", base_url="http://127.0.0.1:1", **{"retry": QUICK, **options})


@pytest.mark.parametrize("link", [SIGNED, "/a/../b/./c.png", "//two.png", "/?x=1", "/a%2fb", "/a+b?c+d=%20&e=[f]"])
async def test_a_link_goes_out_byte_for_byte(a2e, host, tmp_path, link):
    """What a signature was made of is neither decoded nor tidied, in a link or in a redirect."""
    root = host.url.partition("/results")[0]
    assert is_whole(await a2e.download(root + link, tmp_path / "a", name="video"), tmp_path / "a")
    for location in (root + link, link if link != "//two.png" else f"//{host.url.split('/')[2]}{link}"):
        host.script = [{"status": 302, "body": b"", "head": [f"Location: {location}"]}]
        await a2e.download(host.url, tmp_path / "b", name="video")
    assert [target for target in host.targets if "video.mp4" not in target] == [link] * 3


async def test_only_what_cannot_stand_in_a_request_is_encoded(a2e, host, tmp_path):
    """Blanks and letters beyond ASCII are encoded, and a fragment is no business of the host."""
    root = host.url.partition("/results")[0]
    await a2e.download(f"{root}/ä b%2F.mp4?q=夕#part", tmp_path)
    assert host.targets == ["/%C3%A4%20b%2F.mp4?q=%E5%A4%95"]


REDIRECTS = {
    "round and round": ("/results/video.mp4?Signature=s3cr3t", "too many redirects"),
    "elsewhere": ("ftp://r.example/x?Signature=s3cr3t", "redirected to one that is no http or https URL"),
    "nowhere": ("http://a..b/x?Signature=s3cr3t", "redirected to one that names no host that can be asked"),
    "behind an address": ("http://[::1]x/y?Signature=s3cr3t", "redirected to one that (cannot be read|names no host)"),
    "broken": ("http://[bad/x?Signature=s3cr3t", "redirected to one that cannot be read"),
    "words": ("javascript:alert(1)", "redirected to one that is no http or https URL"),
}


@pytest.mark.parametrize("host_name", ["soft\u00adhyphen.example", "zero\u200bwidth.example", "[::1]x"])
async def test_a_host_that_the_url_library_refuses_is_told_as_such(a2e, tmp_path, host_name):
    """IDNA takes such names, so the error would blame the folder."""
    with pytest.raises(DownloadError, match=r"names no host that can be asked|cannot be read"):
        await a2e.download(f"http://{host_name}/x.png?Signature=s3cr3t", tmp_path)


@pytest.mark.parametrize("way", REDIRECTS)
async def test_a_redirect_that_leads_nowhere_is_said_without_its_signature(a2e, host, tmp_path, way):
    """Each step is judged like the first link; the error says what happened, and shows no query."""
    location, words = REDIRECTS[way]
    host.script = [{"status": 302, "body": b"", "head": [f"Location: {location}"]}] * 50
    with pytest.raises(DownloadError, match=words) as caught:
        await a2e.download(f"{host.url}&Signature={SECRET}", tmp_path, name="video")
    assert SECRET not in str(caught.value)
    assert len(host.requests) <= 11


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(a2e, host, tmp_path, status):
    """A few steps lead to the file, and each of them carries what a resumption needs."""
    host.script = [{"status": status, "body": b"", "head": ["Location: /results/video.mp4?2"]}] * 3
    host.script += [{"after": HALF, "then": "reset"}, {"status": status, "body": b"", "head": ["Location: ?3"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges[-2:] == [f"bytes={HALF}-"] * 2


async def test_an_answer_that_is_no_http_shows_nothing_of_it(a2e, tmp_path):
    """What a stranger sends instead of HTTP, which can repeat the link's signature, is in no text."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"NOT HTTP Signature=s3cr3t\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.png?Signature={SECRET}"
        with pytest.raises(DownloadError, match="cannot be read") as caught:
            await a2e.download(url, tmp_path)
    shown = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert SECRET not in " ".join(map(repr, shown))


PRIVATE = ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::ffff:127.0.0.1]"]
PRIVATE += ["0.0.0.0", "100.64.0.1", "127.1", "2130706433", "0x7f.1", "router.local", "printer", "localhost."]


@pytest.mark.parametrize("name", PRIVATE)
async def test_a_client_of_a_public_service_is_led_into_no_private_network(host, tmp_path, name):
    """Neither by the first link nor by a redirect, in whatever spelling; nothing is asked of such a host."""
    port = host.url.rpartition(":")[2].partition("/")[0]
    link = f"http://{name}:{port}/latest/meta-data/x.png"
    async with A2EClient("sk_x", base_url="https://service.example", retry=QUICK) as public:
        with pytest.raises(DownloadError, match="private network"):
            await public.download(link, tmp_path)
    assert not host.requests


async def test_a_redirect_into_a_private_network_is_refused(host):
    """A public host that redirects inwards is refused at that step, and so is one that leads from https to http."""
    way = Hosts(QUICK, Transfers(), inside=False, tls=None)
    with pytest.raises(DownloadError, match="is redirected to one that leads to this machine"):
        way.judge(host.url, "https://public.example/x")
    await way.aclose()


async def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch, tmp_path):
    """What a link's text hides, its address tells; nobody is asked twice."""
    asked = []

    async def resolve(_self, host, port=0, family=socket.AF_UNSPEC):
        asked.append(host)
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
    async with A2EClient("sk_x", base_url="https://service.example", retry=QUICK) as public:
        with pytest.raises(DownloadError, match="leads to this machine or a private network"):
            await public.download("http://rebinding.example/x.png", tmp_path)
    assert asked == ["rebinding.example"]


async def test_a_proxy_in_our_own_network_is_no_private_host(monkeypatch, host, tmp_path):
    """The proxy of the environment is trusted; it resolves names itself."""
    monkeypatch.setenv("http_proxy", host.url.partition("/results")[0].replace("127.0.0.1", "localhost"))
    async with A2EClient("sk_x", base_url="https://service.example", retry=QUICK) as public:
        (path,) = await public.download("http://files.example/video.mp4", tmp_path)
    assert path.read_bytes() == VIDEO
    assert host.targets == ["http://files.example/video.mp4"]


async def test_private_hosts_can_be_allowed(host, tmp_path):
    """Whoever has hosts of his own inside says so."""
    async with A2EClient("sk_x", base_url="https://service.example", allow_private_files=True) as public:
        assert is_whole(await public.download(host.url, tmp_path, name="video"), tmp_path)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate of our own for localhost; gives its file and its key."""
    folder = tmp_path_factory.mktemp("tls")
    words = (
        "req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True, cwd=folder)
    return folder / "c", folder / "k"


@pytest.fixture
async def secure(certificate):
    """Run a file host with a certificate that nobody else trusts; gives its link and what trusts it."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    async with file_host(VIDEO, tls=served) as host:
        yield host.url.replace("127.0.0.1", "localhost"), ssl.create_default_context(cafile=certificate[0]), host


@pytest.mark.parametrize("way", ["http", "ssl"])
async def test_certificates_of_ones_own_serve_files_too(secure, tmp_path, way):
    """Those of a session given as `http`, and those given as `ssl`."""
    url, trusted, _host = secure
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as http:
        given = {"http": http} if way == "http" else {"ssl": trusted}
        async with local(**given) as a2e:
            assert is_whole(await a2e.download(url, tmp_path, name="video"), tmp_path)
    async with local(retry=attrs.evolve(QUICK, attempts=1)) as a2e:
        with pytest.raises(DownloadError, match=r"(?i)certificate"):
            await a2e.download(url, tmp_path / "other", name="video")


async def test_no_redirect_leads_from_https_to_http(secure, host, tmp_path):
    """A link that was protected stays so."""
    url, trusted, protected = secure
    protected.script = [{"status": 302, "body": b"", "head": [f"Location: {host.url}"]}]
    async with local(ssl=trusted) as a2e:
        with pytest.raises(DownloadError, match="from https to http"):
            await a2e.download(url, tmp_path)
    assert not host.requests


async def test_a_long_header_of_a_stranger_is_no_fault(a2e, host, tmp_path):
    """A content security policy of 9 kB, and a long Location, belong to ordinary hosts."""
    host.script = [{"status": 302, "body": b"", "head": [f"Location: /x?{'y' * 9000}"]}]
    host.script += [{"head": [f"Content-Security-Policy: {'x' * 9000}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
