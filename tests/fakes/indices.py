"""A local server that speaks as alternative.me (/fng/) and FRED (/graph/fredgraph.csv) do, with faults on demand.

In a test:    with FakeIndices(time=clock.now) as fake: ... fake.sentiment_url, fake.macro_url ...
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.faults import Fault, FaultKind, break_answer

DAY_MS = 86_400_000
SENTIMENT, MACRO = "/fng/", "/graph/fredgraph.csv"


def fear_greed(day: int) -> int:
    """The index of day number `day` since 1970."""
    return 20 + day * 7 % 61


def macro_value(series: str, day: int) -> str:
    """What FRED shows for a day: "." at weekends."""
    return "." if (day + 3) % 7 >= 5 else f"{sum(map(ord, series)) % 90 + 20 + day % 13 / 10:.4f}"


@dataclass
class FakeIndices:
    """The server. `time`: its clock, ms UTC. `late_days`: how many of the newest days FRED has not filled in yet.

    `said`: instead of its own, bodies by path; to let it talk nonsense.
    """

    time: Callable[[], int]
    late_days: int = 1
    days: int = 500
    said: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.healed = threading.Event()
        fake = self

        class Handler(_Handler):
            indices = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def sentiment_url(self) -> str:
        return self.url + SENTIMENT

    @property
    def macro_url(self) -> str:
        return self.url + MACRO

    def __enter__(self) -> "FakeIndices":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.healed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def fail(
        self,
        kind: FaultKind | int,
        *,
        path: str = "",
        times: int | None = None,
        retry_after: int | None = None,
        seconds: float = 30.0,
    ) -> None:
        """From now on break answers of a `path` ending, `times` or until heal."""
        self.faults.append(Fault(kind, path, "", times, retry_after, seconds))

    def heal(self) -> None:
        """End all faults and all nonsense; answers that are being slow come at once."""
        self.faults.clear()
        self.said.clear()
        self.healed.set()
        self.healed = threading.Event()

    def body(self, path: str, query: Mapping[str, str]) -> tuple[int, str, str]:
        """Status, content type and text of an answer."""
        today = self.time() // DAY_MS
        if path == SENTIMENT:
            return 200, "application/json", self.said.get(path) or self._sentiment(today, int(query.get("limit", 1)))
        if path == MACRO:
            return 200, "application/csv", self.said.get(path) or self._macro(today, query)
        return 404, "text/plain", "no such page"

    def _sentiment(self, today: int, limit: int) -> str:
        rows = [
            {"value": str(fear_greed(day)), "value_classification": "Fear", "timestamp": str(day * 86_400)}
            for day in range(today, today - (limit or self.days), -1)
        ]
        rows[0]["time_until_update"] = "3600"
        return json.dumps({"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}})

    def _macro(self, today: int, query: Mapping[str, str]) -> str:
        names = query["id"].split(",")
        start = int(datetime.fromisoformat(query["cosd"]).replace(tzinfo=UTC).timestamp()) // 86_400
        lines = [",".join(["observation_date", *names])]
        for day in range(max(start, today - self.days), today - self.late_days + 1):
            date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
            lines.append(",".join([date, *(macro_value(name, day) for name in names)]))
        return "\n".join(lines) + "\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    indices: FakeIndices

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        indices = self.indices
        indices.asked.append((parts.path, query))
        status, kind, text = indices.body(parts.path, query)
        fault = next((f for f in indices.faults if f.strikes(parts.path, "")), None)
        if fault is not None and break_answer(self, fault, text.encode(), indices.healed):
            return
        self.reply(status, text.encode(), {"Content-Type": kind})

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
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in `asked`."""
