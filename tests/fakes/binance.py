"""A local exchange that speaks Binance's public REST API out of recorded candles, with faults on demand.

In a test:    with FakeBinance({"BTC/USDT": candles}, step="1s") as fake: ... fake.url ...
By itself:    python -m tests.fakes.binance --data FILE --symbol BTC/USDT --step 1s --port 0
"""

import argparse
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from hybridd.market.recorded import read_candles
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.timeframe import parse_timeframe
from tests.fakes import binance_answers as answers
from tests.fakes.binance_orders import Account
from tests.fakes.faults import Fault, FaultKind, break_answer
from tests.fakes.market_of_today import as_served, moved


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; `at` in ms UTC by the exchange's clock."""

    path: str
    query: dict[str, str]
    at: int
    method: str = "GET"


def wall_ms() -> int:
    """The machine's time, ms UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class FakeBinance:
    """The exchange. `candles`: symbol → recorded market; a symbol such as "BTC/USDT:USDT" trades at /fapi.

    `step`: the time frame as which each recorded candle is served; `ready`: how many of them have closed when the
    exchange opens (the others close as time passes); `time`: its clock, ms UTC, which may differ from everybody
    else's; `padding`: further markets to list, as many as a real exchange has; `tls`: certificates for https;
    `tilt`: the imbalance of its order books; `account`: who may send orders.
    """

    candles: Mapping[str, Candles]
    step: str = "5m"
    ready: int = 3000
    time: Callable[[], int] = wall_ms
    port: int = 0
    padding: int = 0
    tls: ssl.SSLContext | None = None
    tilt: float = 0.2
    account: Account | None = None
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.step_ms = parse_timeframe(self.step).ms
        self.base = (self.time() // self.step_ms - self.ready) * self.step_ms
        self.markets = {symbol: moved(run, self.step_ms, self.base) for symbol, run in self.candles.items()}
        self.healed = threading.Event()
        self.one_at_a_time = threading.Lock()
        fake = self

        class Handler(_Handler):
            exchange = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Scheme and host to put in place of the real ones."""
        host = "localhost" if self.tls else "127.0.0.1"
        return f"{'https' if self.tls else 'http'}://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeBinance":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.healed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self) -> None:
        """Answer until interrupted."""
        self._server.serve_forever()

    def fail(
        self,
        kind: FaultKind | int,
        *,
        path: str = "",
        symbol: str = "",
        times: int | None = None,
        retry_after: int | None = None,
        seconds: float = 30.0,
        method: str = "",
    ) -> Fault:
        """From now on break answers: all, or those of a `path` ending and a symbol ("BTCUSDT"), `times` or until heal.

        `kind`: an HTTP status, or a FaultKind. `seconds`: how long a slow answer takes.
        """
        fault = Fault(kind, path, symbol, times, retry_after, seconds, method)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """End all faults; answers that are being slow come at once."""
        self.faults.clear()
        self.healed.set()
        self.healed = threading.Event()

    def asked(self, path: str = "") -> list[Request]:
        """The requests so far whose path ends so."""
        return [request for request in self.requests if request.path.endswith(path)]

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, object]:
        """Status and body for one request."""
        futures = path.startswith("/fapi/")
        markets = {symbol: run for symbol, run in self.markets.items() if (":" in symbol) == futures}
        if path.endswith("/ping"):
            return 200, {}
        if path.endswith("/time"):
            return 200, {"serverTime": self.time()}
        if path.endswith("/exchangeInfo"):
            brief = query.get("showPermissionSets") == "false"
            return 200, answers.exchange_info(list(markets), self.time(), futures, self.padding, brief)
        if path.endswith("/klines"):
            return self._klines(markets, query)
        if path.endswith("/depth"):
            there = self.account.prices.get(query["symbol"]) if self.account else None
            return self._about(
                markets, query, lambda market: answers.depth(float(there or self._last(market)), self.tilt)
            )
        if path.startswith(("/fapi/", "/futures/data/")):
            return self._derivative(path, query)
        return 404, {"code": -1, "msg": f"no such path {path}"}

    def _derivative(self, path: str, query: dict[str, str]) -> tuple[int, object]:
        perpetuals = {symbol: run for symbol, run in self.markets.items() if ":" in symbol}
        made: dict[str, Callable[[Candles], object]] = {
            "/fundingRate": lambda run: answers.funding_rates(query, self.base, self.time()),
            "/openInterest": lambda run: answers.open_interest(query, self._last(run), self.time()),
            "/openInterestHist": lambda run: answers.open_interest_past(query, run, self.time()),
            "/premiumIndex": lambda run: answers.premium_index(query, self._last(run), self.time()),
        }
        body = next((made[ending] for ending in made if path.endswith(ending)), None)
        if body is None:
            return 404, {"code": -1, "msg": f"no such path {path}"}
        return self._about(perpetuals, query, body)

    def _about(
        self, markets: Mapping[str, Candles], query: dict[str, str], body: Callable[[Candles], object]
    ) -> tuple[int, object]:
        market = next((run for s, run in markets.items() if parse_instrument(s).compact == query.get("symbol")), None)
        return answers.refusal(-1121, "Invalid symbol.") if market is None else (200, body(market))

    def _last(self, market: Candles) -> float:
        """The price now."""
        return float(as_served(market, market.step, self.time()).close[-1])

    def _klines(self, markets: Mapping[str, Candles], query: dict[str, str]) -> tuple[int, object]:
        if "symbol" not in query:
            return answers.refusal(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        market = next((run for s, run in markets.items() if parse_instrument(s).compact == query["symbol"]), None)
        if market is None:
            return answers.refusal(-1121, "Invalid symbol.")
        if query.get("interval") not in answers.INTERVALS:
            return answers.refusal(-1120, "Invalid interval.")
        step = parse_timeframe(query["interval"]).ms
        if step % self.step_ms:
            return 200, []
        shown = as_served(market, step, self.time())
        shown = shown.since(int(query.get("startTime", 0)))
        end = int(query.get("endTime", 2**62))
        shown = shown.masked(shown.open_time <= end)
        limit = min(int(query.get("limit", 500)), 1000)
        part = shown[:limit] if "startTime" in query else shown[max(0, len(shown) - limit) :]
        return 200, answers.klines(part)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    exchange: FakeBinance

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        raw, method = sent or parts.query, self.command
        query = dict(parse_qsl(raw))
        exchange, account = self.exchange, self.exchange.account
        exchange.requests.append(Request(parts.path, query, exchange.time(), method))
        fault = next((f for f in exchange.faults if f.strikes(parts.path, query.get("symbol", ""), method)), None)
        if account is not None and account.takes(parts.path):
            with exchange.one_at_a_time:
                status, body = account.answer(method, parts.path, raw, self.headers, exchange.time())
        else:
            status, body = exchange.answer(parts.path, query)
        if not status:
            self.close_connection = True
            return
        text = json.dumps(body).encode()
        if fault is not None and break_answer(self, fault, text, exchange.healed):
            return
        self.reply(status, text, {"Content-Type": "application/json;charset=UTF-8", "x-mbx-used-weight-1m": "2"})

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def reply(self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None) -> None:
        """Send one whole answer; `length` may promise more than is sent."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.exchange.time() / 1000)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in the exchange's own log."""


def main() -> None:
    """Serve recorded files until interrupted; prints the address first."""
    parser = argparse.ArgumentParser(description="a local exchange out of recorded candles")
    parser.add_argument("--data", action="append", type=Path, required=True, help="recorded candles; may be repeated")
    parser.add_argument("--symbol", action="append", required=True, help="the symbol of each --data, in their order")
    parser.add_argument("--step", default="1s", help="the time frame as which each recorded candle is served")
    parser.add_argument("--ready", type=int, default=3000, help="candles that have closed at the start")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    candles = {s: read_candles(path).candles for s, path in zip(options.symbol, options.data, strict=True)}
    fake = FakeBinance(candles, step=options.step, ready=options.ready, port=options.port)
    print(fake.url, flush=True)
    fake.serve()


if __name__ == "__main__":
    main()
