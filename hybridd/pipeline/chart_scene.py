"""What an alert's chart shows, out of the state: candles, scores, this alert and earlier ones, every label in words."""

import math
from datetime import tzinfo

from hybridd.clock import as_datetime
from hybridd.delivery.figures import price, score
from hybridd.delivery.sentences import unreal
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis
from hybridd.model.candle import Candles
from hybridd.model.timeframe import parse_timeframe
from hybridd.pictures.alert_chart import AlertChart, Kind, Mark, Tick
from hybridd.store.store import Store

SHOWN = 100
"""Candles: about eight hours of five minutes, and still four pixels each on a phone."""
_PRICE_TICKS, _TIME_TICKS = 5, 5
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_TIME_STEPS = (
    *(n * 1_000 for n in (5, 10, 20, 30)), *(n * _MINUTE for n in (1, 2, 5, 10, 20, 30)),
    *(n * _HOUR for n in (1, 2, 3, 4, 6, 12)), *(n * _DAY for n in (1, 2, 5, 10, 20, 30, 60, 120, 240, 480)),
)  # fmt: skip


def chart_of(store: Store, alert: Alert, zone: tzinfo, thresholds: tuple[float, float]) -> AlertChart | None:
    """The chart of a market alert, times in `zone`; None for others and where there are too few candles to see."""
    now = alert.analysis
    if now is None:
        return None
    step = parse_timeframe(now.timeframe).ms
    start = now.candle_close - SHOWN * step
    candles = store.candles.between(now.symbol, now.timeframe, step, start, now.candle_close)
    if len(candles) < 2 or candles.last_close != now.candle_close:
        return None
    analyses = store.analyses.between(now.symbol, now.timeframe, start + step, now.candle_close)
    return AlertChart(
        title=_ascii(f"{now.symbol} {now.timeframe}"),
        foot=_foot(candles, zone),
        step=step,
        candles=_rows(candles),
        scores=tuple((a.candle_close, a.score) for a in analyses if math.isfinite(a.score)),
        thresholds=thresholds,
        prices=_price_ticks(float(candles.low.min()), float(candles.high.max())),
        times=_time_ticks(candles, zone),
        price_label=price(float(candles.close[-1])),
        score_label=score(now.score),
        marks=_marks(store, now, analyses),
        unreal=unreal(alert),
    )


def _rows(candles: Candles) -> tuple[tuple[int, float, float, float, float], ...]:
    columns = (candles.open_time, candles.open, candles.high, candles.low, candles.close)
    return tuple(zip(*(column.tolist() for column in columns), strict=True))


def _marks(store: Store, now: Analysis, analyses: list[Analysis]) -> tuple[Mark, ...]:
    """This alert and those that were told before it: at most one a candle."""
    signals: dict[int, Kind] = {a.candle_close: a.signal.value for a in analyses}
    told = {v.change.at for v in store.changes.list(SHOWN, now.symbol) if v.suppressed is None}
    earlier = [
        Mark(at=at, kind=signals[at], this=False) for at in sorted(told) if at in signals and at < now.candle_close
    ]
    return (*earlier, Mark(at=now.candle_close, kind=now.signal.value, this=True))


def _price_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Round prices between the lowest and the highest."""
    if not high > low:
        return ()
    rough = (high - low) / _PRICE_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    return tuple(
        (i * step, price(float(f"{i * step:.12g}"))) for i in range(math.ceil(low / step), math.floor(high / step) + 1)
    )


def _time_ticks(candles: Candles, zone: tzinfo) -> tuple[Tick, ...]:
    """Round hours of the reader's day, or days."""
    first, last = int(candles.open_time[0]), candles.last_close
    step = next((s for s in _TIME_STEPS if s >= (last - first) / _TIME_TICKS), _TIME_STEPS[-1])
    offset = as_datetime(last).astimezone(zone).utcoffset()
    ahead = round(offset.total_seconds()) * 1000 if offset else 0
    written = "%d %b" if step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    # A label stands in the middle under its line: none where it would leave the picture.
    edge = (last - first) // 20
    local = range(-(-(first + edge + ahead) // step) * step, last - edge + ahead + 1, step)
    return tuple((at - ahead, format(as_datetime(at - ahead).astimezone(zone), written)) for at in local)


def _foot(candles: Candles, zone: tzinfo) -> str:
    """The days shown, and whose clock it is."""
    first, last = (as_datetime(at).astimezone(zone) for at in (int(candles.open_time[0]), candles.last_close))
    days = f"{last:%d %b %Y}" if first.date() == last.date() else f"{first:%d %b} to {last:%d %b %Y}"
    return _ascii(f"{days}, times in {last.tzname()}")


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)
