"""The HTTP door against a real server that dawdles, floods, lies and sends people away."""

import http.server
import socket
import ssl
import threading
import time

import pytest
import trustme

from hybridd.errors import HttpFailed
from hybridd.http_client import Response, fetch, mask_url


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        getattr(self, f"answer_{self.path.strip('/').split('/')[0]}")()

    do_POST = do_GET  # noqa: N815 - http.server's own name

    def _answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(body=b"hello " + sent + self.headers.get("X-Test", "").encode())

    def answer_busy(self):
        self._answer(429, Retry_After="17")

    def answer_flood(self):
        self._answer(body=b"x" * 3_000_000)

    def answer_packed(self):
        self._answer(body=b"\x1f\x8b", Content_Encoding="gzip")

    def answer_near(self):
        self._answer(302, Location="/ok")

    def answer_far(self):
        self._answer(302, Location="http://elsewhere.invalid/ok")

    def answer_round(self):
        self._answer(302, Location="/round")

    def answer_silence(self):
        self.server.released.wait(5)

    def answer_drip(self):
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 400:
            if self.server.released.wait(0.05):
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return

    def answer_garbage(self):
        self.wfile.write(b"SSH-2.0-nothing\r\n\r\n")

    def answer_drop(self):
        self.connection.close()


def serving(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.released = True, threading.Event()
    server.handle_error = lambda *_: None
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def server():
    running = serving()
    yield running
    running.released.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def url(server, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_an_answer_is_whole(url):
    response = fetch("post", f"{url}/ok", content=b"you", headers={"X-Test": "!"})
    assert (response.status, response.ok, response.text) == (200, True, "hello you!")


def test_a_refusal_is_an_answer_too(url):
    response = fetch("GET", f"{url}/busy")
    assert (response.status, response.ok, response.retry_after) == (429, False, 17.0)


@pytest.mark.parametrize("path", ["silence", "drip"])
def test_the_whole_takes_no_longer_than_was_said(url, path):
    begun = time.monotonic()
    with pytest.raises(HttpFailed, match=r"did not answer within 0\.3 s") as caught:
        fetch("GET", f"{url}/{path}", timeout=0.3)
    assert time.monotonic() - begun < 1.5
    assert caught.value.maybe_received


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("flood", "more than 2,000,000 bytes"),
        ("packed", "packed"),
        ("far", "redirects to http://elsewhere.invalid"),
        ("round", "redirects without end"),
        ("garbage", "did not answer in HTTP"),
        ("drop", "did not answer in HTTP"),
    ],
)
def test_what_is_no_usable_answer_is_told_in_one_line(url, path, words):
    with pytest.raises(HttpFailed, match=words) as caught:
        fetch("GET", f"{url}/{path}/secret-token")
    assert "secret-token" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_redirect_within_the_host_is_followed_for_reading_only(url):
    assert fetch("GET", f"{url}/near").text == "hello "
    assert fetch("POST", f"{url}/near").status == 302


def test_nobody_there_means_that_nothing_was_received():
    with pytest.raises(HttpFailed, match="cannot be reached") as caught:
        fetch("GET", "http://127.0.0.1:1/x")
    assert not caught.value.maybe_received


def test_certificates_are_checked_and_an_authority_can_be_named(tmp_path, monkeypatch, url):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = serving(context)
    try:
        address = f"https://127.0.0.1:{server.server_address[1]}/ok"
        with pytest.raises(HttpFailed, match=r"(?i)certificate"):
            fetch("GET", address)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert fetch("GET", address).ok
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("address", ["", "ftp://x/y", "file:///etc/passwd", "example.org/x", "http://", "https://[bad"])
def test_what_is_no_address_is_refused_without_asking(address):
    with pytest.raises(HttpFailed, match="http"):
        fetch("GET", address)


def test_a_header_that_cannot_be_sent_is_not_shown(url):
    with pytest.raises(HttpFailed) as caught:
        fetch("GET", f"{url}/ok", headers={"Authorization": "Bearer secret\r\nX: y"})
    assert "secret" not in str(caught.value)


def test_a_masked_address_keeps_the_host_only():
    masked = [mask_url(u) for u in ("https://u:p@h.org:8443/bot123/x?k=v#f", "https://h.org", "http://h.org/?k=v")]
    assert masked == ["https://h.org:8443/***", "https://h.org", "http://h.org/***"]


@pytest.mark.parametrize(
    ("wait", "date", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:29:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 90.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:29:30 GMT", "", 0.0),
        ("Wed, 99 Oct 2015 07:29:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("9" * 400, "", 604_800.0),
        ("-5", "", 0.0),
        ("soon", "", 0.0),
    ],
)
def test_a_date_to_wait_for_is_counted_by_the_servers_own_clock(wait, date, seconds):
    assert Response(status=503, headers={"retry-after": wait, "date": date}).retry_after == seconds


def test_what_was_given_up_before_it_was_sent_is_not_sent_later(house, monkeypatch):
    found, looked_up = threading.Event(), house.getaddrinfo

    def slow_name(*args, **kwargs):
        found.wait(5)
        return looked_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow_name)
    with pytest.raises(HttpFailed, match="did not answer") as caught:
        fetch("POST", "https://hooks.example.org/", timeout=0.1, content=b"x")
    assert not caught.value.maybe_received
    found.set()
    for thread in threading.enumerate():
        if thread.name == "http":
            thread.join(5)
    assert house.requests == []


def test_what_came_back_unreadable_may_have_been_received(url):
    for path in ("flood", "packed"):
        with pytest.raises(HttpFailed) as caught:
            fetch("POST", f"{url}/{path}", content=b"x")
        assert caught.value.maybe_received
