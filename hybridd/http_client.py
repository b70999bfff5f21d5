"""The one HTTP door: every request has an end in time and in size, and no message shows a secret address.

Certificates are checked against the machine's store; SSL_CERT_FILE and SSL_CERT_DIR replace it, HTTPS_PROXY is obeyed.
"""

import queue
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx

from hybridd.errors import HttpFailed

MAX_REDIRECTS = 5
LONGEST_RETRY_AFTER_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a server answered. Names of `headers` are in lower case; `body` is whole, never cut."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8, with what is not UTF-8 replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def retry_after(self) -> float:
        """Seconds that the server asks us to wait, 0 when it does not say; a date counts from the server's own."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value), LONGEST_RETRY_AFTER_S)
        until, now = _instant(value), _instant(self.headers.get("date", ""))
        return min(max(0.0, until - now), LONGEST_RETRY_AFTER_S) if until and now else 0.0


def _instant(text: str) -> float:
    """A date of HTTP as seconds, 0 where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None
    timeout: float
    max_bytes: int
    ends_at: float
    gate: "_Gate"


class _Gate:
    """What a request passes before its first byte is written: so it is known whether anything can have arrived."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed = self._closed = False

    def trace(self, event: str, _: Mapping[str, object]) -> None:
        """httpcore says what it is about to do; once nobody waits for it any more it must not begin to write."""
        if event.endswith("send_request_headers.started"):
            with self._lock:
                if self._closed:
                    raise httpx.ConnectTimeout("given up before it was sent")
                self._passed = True

    def close(self) -> bool:
        """Let nothing through from now on; whether something went through before."""
        with self._lock:
            self._closed = True
            return self._passed


def fetch(
    method: str,
    url: str,
    *,
    timeout: float = 5.0,
    max_bytes: int = 2_000_000,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Response:
    """One request. All of it, name look-up and redirects included, takes at most `timeout` seconds.

    A status of 4xx or 5xx is an answer and is returned. GET and HEAD follow redirects within the same host. Raises
    HttpFailed where there is no answer, it is larger than `max_bytes`, or it sends us to another host.
    """
    request = _Request(
        method=method.upper(),
        url=_parsed(url),
        headers={"accept-encoding": "identity", "user-agent": "hybridd", **(headers or {})},
        content=content,
        timeout=timeout,
        max_bytes=max_bytes,
        ends_at=time.monotonic() + timeout,
        gate=_Gate(),
    )
    # httpx bounds each read, not their sum, and nobody bounds getaddrinfo: only a thread can be left behind.
    answer: queue.SimpleQueue[Response | HttpFailed] = queue.SimpleQueue()
    threading.Thread(target=_work, args=(request, answer), name="http", daemon=True).start()
    try:
        result = answer.get(timeout=timeout)
    except queue.Empty:
        raise _timed_out(request) from None
    if isinstance(result, HttpFailed):
        raise result
    return result


def mask_url(url: str) -> str:
    """An address without what may be secret in it: scheme and host stay, user, path and query go."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "an address that cannot be read"
    port = f":{parsed.port}" if parsed.port else ""
    hidden = "/***" if parsed.path.strip("/") or parsed.query else ""
    return f"{parsed.scheme}://{parsed.host}{port}{hidden}"


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise HttpFailed("the address is not a http or https one", remedy="write it as https://host/path")
    return parsed


def _work(request: _Request, answer: "queue.SimpleQueue[Response | HttpFailed]") -> None:
    words = f"{mask_url(str(request.url))} failed inside the HTTP client"
    result: Response | HttpFailed = HttpFailed(words, maybe_received=True)
    try:
        result = _exchange(request)
    except HttpFailed as error:
        result = error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        result = _failure(request, error)
    finally:
        answer.put(result)


def _exchange(request: _Request) -> Response:
    verify = ssl.create_default_context() if request.url.scheme == "https" else False
    with httpx.Client(verify=verify, timeout=request.timeout, follow_redirects=False) as client:
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            response = _one(client, request, url)
            onward = _onward(request, url, response)
            if onward is None:
                return response
            url = onward
    raise HttpFailed(f"{mask_url(str(request.url))} redirects without end", maybe_received=True)


def _one(client: httpx.Client, request: _Request, url: httpx.URL) -> Response:
    with client.stream(
        request.method,
        url,
        headers=dict(request.headers),
        content=request.content,
        extensions={"trace": request.gate.trace},
    ) as response:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            # A few packed kilobytes can unpack to gigabytes; the size limit holds for what was asked: plain bytes.
            words = f"{mask_url(str(url))} answered packed ({encoding[:20]}) though plain was asked for"
            raise HttpFailed(words, maybe_received=True)
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > request.max_bytes:
                words = f"{mask_url(str(url))} answered more than {request.max_bytes:,} bytes"
                raise HttpFailed(words, maybe_received=True)
            if time.monotonic() > request.ends_at:
                raise _timed_out(request)
        return Response(status=response.status_code, headers=dict(response.headers), body=bytes(body))


def _onward(request: _Request, url: httpx.URL, response: Response) -> httpx.URL | None:
    """Where a redirect leads, None when the response is the answer."""
    location = response.headers.get("location", "")
    if response.status not in {301, 302, 303, 307, 308} or not location or request.method not in {"GET", "HEAD"}:
        return None
    target = url.join(location)
    if target.host != url.host or (url.scheme == "https" and target.scheme != "https"):
        raise HttpFailed(
            f"{mask_url(str(url))} redirects to {target.scheme}://{target.host}",
            remedy="put the final address into the settings if you trust it",
        )
    return target


def _timed_out(request: _Request) -> HttpFailed:
    words = f"{mask_url(str(request.url))} did not answer within {request.timeout:g} s"
    return HttpFailed(words, maybe_received=request.gate.close())


# Before the request was written nothing can have happened at the other side.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


def _failure(request: _Request, error: Exception) -> HttpFailed:
    place = mask_url(str(request.url))
    if isinstance(error, httpx.TimeoutException):
        words = f"did not answer within {request.timeout:g} s"
    elif isinstance(error, httpx.ConnectError):
        words = f"cannot be reached: {error}"
    elif isinstance(error, httpx.LocalProtocolError):
        words = "cannot be asked: a header or the address holds a character that HTTP has no place for"
    elif isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        words = "broke off the connection or did not answer in HTTP"
    else:
        words = f"failed: {type(error).__name__}"
    unsent = isinstance(error, (*_NEVER_SENT, httpx.LocalProtocolError))
    return HttpFailed(f"{place} {words}", maybe_received=not unsent)
