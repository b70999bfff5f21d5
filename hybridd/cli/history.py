"""`hybridd history`: what was found of a symbol, as a trend, a sparkline and a list."""

from itertools import pairwise
from typing import Annotated

import typer

from hybridd.cli.shared import AsJson, ConfigPath, price, print_json, say, settings_of, state_of, table, when
from hybridd.clock import SystemClock
from hybridd.errors import UsageError
from hybridd.model.analysis import Analysis, Trend
from hybridd.model.instrument import nearest, parse_instrument
from hybridd.signals.trend import trend_of

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60


def history(
    symbol: Annotated[str, typer.Argument(help="A market, such as BTC/USDT.")],
    hours: Annotated[float, typer.Option(min=0.01, max=87_600, help="How far back.")] = 24.0,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Analyses of one market in the last hours: where the score came from, and where it went."""
    settings = settings_of(config)
    with state_of(settings) as store:
        latest = store.analyses.latest()
        name = _known(symbol, settings.market.market_type, [a.symbol for a in latest])
        newest = next(a for a in latest if a.symbol == name)
        end = max(SystemClock().now(), newest.candle_close)
        found = store.analyses.between(name, newest.timeframe, end - round(hours * 3_600_000), end)
    trend = trend_of([a.score for a in found])
    if as_json:
        print_json(_as_json(name, hours, trend, found))
        return
    _show(name, hours, trend, found)


def _known(text: str, market_type: str, known: list[str]) -> str:
    try:
        name = parse_instrument(text, market_type).symbol
    except ValueError as error:
        raise UsageError(str(error), remedy="name a market, such as BTC/USDT") from None
    if name not in known:
        close = nearest(name, known)
        raise UsageError(
            f"there is no analysis of {name}",
            remedy=f"did you mean {close}?" if close else _others(known),
        )
    return name


def _others(known: list[str]) -> str:
    return f"there are some of: {', '.join(sorted(set(known)))}" if known else "start hybridd, and wait for a candle"


def _as_json(name: str, hours: float, trend: Trend, found: list[Analysis]) -> dict[str, object]:
    return {
        "symbol": name,
        "hours": hours,
        "trend": trend.trend.value,
        "change": trend.change,
        "percent_change": trend.percent_change,
        "first_score": trend.first_score,
        "last_score": trend.last_score,
        "samples": trend.samples,
        "analyses": [
            {
                "candle_close": a.candle_close,
                "price": a.price,
                "score": a.score,
                "signal": a.signal.value,
                "confidence": a.confidence,
                "degraded": a.degraded,
                "late": a.late,
            }
            for a in found
        ],
    }


def _show(name: str, hours: float, trend: Trend, found: list[Analysis]) -> None:
    change = f" ({trend.change:+.1f} points)" if trend.change is not None else ""
    simulated = "SIMULATED " if any(a.simulated for a in found) else ""
    say(f"{simulated}{name}, last {hours:g} h: {trend.trend}{change}, {trend.samples} analyses", style="bold")
    if not found:
        return
    say(sparkline([a.score for a in found]))
    rows = [
        [
            when(a.candle_close),
            a.signal,
            f"{a.score:.1f}",
            f"{a.confidence:.2f}",
            price(a.price),
            "late" if a.late else "",
        ]
        for a in found[-20:]
    ]
    table("", ["candle closed", "signal", " score", " confidence", " price", ""], rows)
    if len(found) > len(rows):
        say(f"the last {len(rows)} of {len(found):,}; all of them: --json")


def sparkline(scores: list[float]) -> str:
    """The scores from 0 to 100 as bars, oldest first; many are averaged into sixty."""
    width = min(WIDTH, len(scores))
    edges = [round(i * len(scores) / width) for i in range(width + 1)]
    means = [sum(scores[a:b]) / (b - a) for a, b in pairwise(edges)]
    return "".join(BARS[min(7, int(mean / 12.5))] for mean in means)
