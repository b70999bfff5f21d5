"""The page of a market: its candles with the score beneath, what the layers say, and how all that was at any time."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.clock import as_ms
from hybridd.dashboard.cards import is_stale
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.drawings import chart
from hybridd.dashboard.marks import marks
from hybridd.dashboard.pages import fault, files
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.model.analysis import Analysis
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.heartbeat import heartbeat
from hybridd.store.course import Bar, Point
from hybridd.store.store import Store

DRAWN = 144
CHARTS = "lightweight-charts.js"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_MS = re.compile(r"\d{1,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a market's history somebody looks: an analysis, and the closes before and after it (None: no more)."""

    analysis: Analysis
    before: int | None
    after: int | None
    newest: int


class SymbolRoom:
    """/symbols/{symbol}"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look(self, request: Request) -> Response:
        """GET: as it is now, or with ?at= (ms UTC, or a time as a form sends it) as it was then."""
        asked = request.query_params.get("at", "")
        try:
            at = moment(asked, self._desk.zone)
            return await room(request, self._desk, "symbol", lambda: self._facts(request.path_params["symbol"], at))
        except DataError as error:
            return fault(request, 404, error.message, error.remedy)

    def _facts(self, symbol: str, at: int | None) -> dict[str, object]:
        store, now = self._desk.store, self._desk.clock.now()
        place = find(store, symbol, at)
        analysis = place.analysis
        step = parse_timeframe(analysis.timeframe).ms
        until = min(place.newest, analysis.candle_close + step * DRAWN // 3)
        points = store.course.points(symbol, analysis.timeframe, until, DRAWN)
        start = points[0].at
        bars = store.course.bars(symbol, analysis.timeframe, start - step, until - step)
        found = marks(store, symbol, start, until)
        return {
            "a": analysis,
            "place": place,
            "past": analysis.candle_close < place.newest,
            "stale": is_stale(analysis, now),
            "chart": chart(bars, points, found, step, analysis.candle_close),
            "chart_script": CHARTS if CHARTS in files() else "",  # it is fetched by `make web`
            "drawn": drawn(bars, points, step),
            "marks": tuple(reversed(found)),
            "layers": sorted(analysis.readings, key=lambda reading: (reading.score is None, -reading.weight)),
        }


def find(store: Store, symbol: str, at: int | None) -> Place:
    """The analysis of a market that was the newest one at `at`, or is now. Raises DataError where there is none."""
    frame = str(heartbeat(store).get("timeframe") or "")
    known = [a for a in store.analyses.latest() if a.symbol == symbol]
    newest = (store.analyses.last(symbol, frame) if frame else None) or next(iter(known), None)
    if newest is None:
        raise DataError(f"there is no analysis of {symbol}", remedy="The first page has the markets that are watched.")
    until = newest.candle_close if at is None else min(at, newest.candle_close)
    near = store.course.points(symbol, newest.timeframe, until, 2)
    if not near:  # before the first one: that is the nearest
        first = store.course.next_close(symbol, newest.timeframe, until)
        assert first is not None, "there is a newest one"
        near = store.course.points(symbol, newest.timeframe, first, 2)
    (analysis,) = store.analyses.between(symbol, newest.timeframe, near[-1].at, near[-1].at)
    return Place(
        analysis=analysis,
        before=near[-2].at if len(near) > 1 else None,
        after=store.course.next_close(symbol, newest.timeframe, analysis.candle_close),
        newest=newest.candle_close,
    )


def moment(text: str, zone: str) -> int | None:
    """The time that is asked for, ms UTC: a number, or a local time of the house's zone. Raises DataError."""
    if not text:
        return None
    if _MS.fullmatch(text):
        return int(text)
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        return as_ms(local.astimezone(UTC))
    except (ValueError, OverflowError):
        raise DataError("that is no time", remedy="Write it as 2026-01-31T14:05, or leave it out.") from None


def drawn(bars: list[Bar], points: list[Point], step_ms: int) -> str:
    """What a script draws, as JSON: candles by their closes, and scores; in seconds UTC."""
    found: Mapping[str, object] = {
        "candles": [[(b.opened + step_ms) // 1000, b.open, b.high, b.low, b.close] for b in bars],
        "scores": [[p.at // 1000, round(p.score, 2)] for p in points],
    }
    return json.dumps(found, allow_nan=False, separators=(",", ":"))


def routes(desk: Desk) -> list[Route]:
    """Where it is."""
    return [Route("/symbols/{symbol:path}", SymbolRoom(desk).look, methods=["GET"])]
