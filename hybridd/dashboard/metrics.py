"""/metrics: how the watch is, as numbers in Prometheus' text form."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.clock import SystemClock
from hybridd.dashboard.desk import Desk
from hybridd.model.analysis import Signal
from hybridd.pipeline.heartbeat import heartbeat, state_of, wrong_with
from hybridd.store.store import Store

KIND = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("ok", "degraded", "stopped", "silent", "never started")
SIGNS = {Signal.LONG: 1, Signal.NEUTRAL: 0, Signal.SHORT: -1}
PER_SYMBOL = ("score", "confidence", "price")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name, what it means, and its values, each under labels."""

    name: str
    help: str
    values: tuple[tuple[Mapping[str, str], float], ...]
    kind: str = "gauge"


class MetricsPage:
    """/metrics"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What is reached here."""
        return [Route("/metrics", self.metrics, methods=["GET"])]

    async def metrics(self, _: Request) -> Response:
        """All of them, read at this moment."""
        store = self._desk.store
        text = await run_in_threadpool(lambda: written(metrics(store, SystemClock().now())))
        return Response(text, media_type=KIND)


def metrics(store: Store, wall: int) -> Iterator[Metric]:
    """What is measured; `wall` is the wall's time, ms UTC."""
    service, gauges = heartbeat(store), store.gauges()
    state = state_of(service, wall)
    yield Metric(
        name="state", help="1 for how the watch is, 0 for how it is not.",
        values=tuple(({"state": name}, float(name == state)) for name in STATES),
    )  # fmt: skip
    yield _one("wrong", "Things that are wrong.", len(wrong_with(service, wall)))
    yield _one("simulated", "1 for a market that does not exist.", bool(service.get("simulated")))
    if "heartbeat_at" in service:
        yield _one("heartbeat_age_seconds", "Since the watch gave a sign of life.", _age(wall, service["heartbeat_at"]))
    yield from _of_symbols(store, wall + int(service.get("ahead_ms", 0)))
    yield from _of_channels(store, service, wall + int(service.get("ahead_ms", 0)))
    yield _by("outbox", "Deliveries on their way.", "state", gauges.deliveries)
    yield _by("alerts", "Alerts that are not over.", "state", gauges.alerts)
    yield _one("proposals_open", "Proposals that wait for an answer.", gauges.open_proposals)
    yield _one("trades_open", "Trades that are open.", gauges.open_trades)
    yield _by("rows_total", "Rows ever written.", "table", gauges.written, "counter")
    if store.path is not None:
        yield _one("state_bytes", "Size of the state's file.", store.path.stat().st_size)
        yield _one("disk_free_bytes", "Space left on its disk.", store.free_bytes())


def _of_symbols(store: Store, now: int) -> Iterator[Metric]:
    found = store.analyses.latest()

    def of(value: Any) -> tuple[tuple[Mapping[str, str], float], ...]:  # noqa: ANN401 - a function of an analysis
        return tuple(({"symbol": a.symbol, "timeframe": a.timeframe}, float(value(a))) for a in found)

    yield Metric(
        name="analysis_age_seconds",
        help="Since the close of the newest candle that was analysed.",
        values=of(lambda a: _age(now, a.candle_close)),
    )
    for name in PER_SYMBOL:
        yield Metric(name=name, help=f"The newest {name} of each market.", values=of(lambda a, n=name: getattr(a, n)))
    yield Metric(name="signal", help="1 long, -1 short, 0 neither.", values=of(lambda a: SIGNS[a.state.signal]))
    yield Metric(name="degraded", help="1 where layers were missing.", values=of(lambda a: a.degraded))


def _of_channels(store: Store, service: Mapping[str, Any], now: int) -> Iterator[Metric]:
    told = {name: store.outbox.last_told(name) for name in service.get("channels", {})}
    ages = {name: _age(now, at) for name, at in told.items() if at is not None}
    yield _by("channel_told_age_seconds", "Since a channel last reached somebody.", "channel", ages)


def written(found: Iterator[Metric]) -> str:
    """The text; what has no value is left out, and what nothing is known of has its heading alone."""
    lines: list[str] = []
    for metric in found:
        name = f"hybridd_{metric.name}"
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
        for labels, value in metric.values:
            if math.isfinite(value):
                inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
                lines.append(f"{name}{{{inside}}} {value:.12g}" if inside else f"{name} {value:.12g}")
    return "\n".join(lines) + "\n"


def _one(name: str, help_: str, value: float) -> Metric:
    return Metric(name=name, help=help_, values=(({}, float(value)),))


def _by(name: str, help_: str, label: str, values: Mapping[str, float], kind: str = "gauge") -> Metric:
    return Metric(name=name, help=help_, kind=kind, values=tuple(({label: key}, float(n)) for key, n in values.items()))


def _age(now: int, at: int) -> float:
    return max(0.0, (now - at) / 1000)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
