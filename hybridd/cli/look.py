"""`hybridd analyze` and `hybridd status`: what the markets look like, and how the daemon is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hybridd.app import CONTEXT_PATIENCE_S, context_of, feed_of
from hybridd.cli.shared import (
    DEGRADED,
    AsJson,
    ConfigPath,
    ago,
    price,
    print_json,
    say,
    settings_of,
    state_of,
    table,
    waiting,
    when,
)
from hybridd.clock import SystemClock, iso
from hybridd.config.schema import Settings
from hybridd.errors import UsageError
from hybridd.model.analysis import Analysis, unreal_of
from hybridd.pipeline.heartbeat import NEVER
from hybridd.pipeline.now import Look, analyse_now, names_of
from hybridd.pipeline.report import status_report

DRAWN = 300
"""Candles in a picture."""
SHOWN = 10
"""Alerts of the last week that reached nobody; `--json` has all of them."""


def analyze(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Default: those of the settings.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw candles, score and layers as .png or .svg (one market).")
    ] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """One analysis now: score, signal, confidence, and every layer with its reason. Nothing is stored or sent."""
    settings = settings_of(config)
    wanted = symbols or [instrument.symbol for instrument in settings.instruments]
    if plot is not None and len(wanted) != 1:
        raise UsageError("a picture shows one market", remedy=f"name it: hybridd analyze {wanted[0]} --plot {plot}")
    clock = SystemClock()
    feed = feed_of(settings, clock)
    context = context_of(settings, feed, clock, names_of(settings, wanted), None)
    try:
        with waiting(f"asking {feed.name}"):
            context.gather(CONTEXT_PATIENCE_S)
            found, problems = analyse_now(settings, feed, wanted, context.around)
    finally:
        context.close()
        feed.close()
    if as_json:
        print_json([analysis_json(look.analysis) for look in found])
    else:
        for look in found:
            _show(look.analysis)
    if plot is not None and found:
        _draw(found[0], settings, plot)
        typer.echo(f"drawn to {plot}", err=as_json)
    for problem in problems:
        typer.echo(f"hybridd: {problem}", err=True)
    if problems:
        # A market that does not exist is a mistake of the person's, one that did not answer is a failure.
        raise typer.Exit(max(problem.exit_code for problem in problems))


def _draw(look: Look, settings: Settings, path: Path) -> None:
    from hybridd.pictures.draw import Scene, draw

    a, rules = look.analysis, settings.analysis
    candles = look.market.candles[-DRAWN:]
    scene = Scene(
        title=f"{a.symbol} {a.timeframe}: {a.signal} {a.score:.0f}, confidence {a.confidence:.2f}",
        candles=candles,
        score=look.score[-DRAWN:],
        layers={name: values[-DRAWN:] for name, values in look.layers.items()},
        long_threshold=rules.long_threshold,
        short_threshold=rules.short_threshold,
        marks=[turn for turn in look.turns if turn[0] > candles.open_time[0]],
        unreal=a.unreal,
    )
    with waiting("drawing"):
        draw(scene, path)


def analysis_json(a: Analysis) -> dict[str, Any]:
    """An analysis as INTERFACE promises it, with a little more."""
    odds = (
        None
        if a.odds is None
        else {"probability": a.odds.probability, "low": a.odds.low, "high": a.odds.high, "n": a.odds.n}
    )
    return {
        "symbol": a.symbol,
        "time": iso(a.made_at),
        "candle_close": iso(a.candle_close),
        "price": a.price,
        "score": a.score,
        "signal": a.signal.value,
        "confidence": a.confidence,
        "odds": odds,
        "degraded": a.degraded,
        "agreeing": a.agreeing,
        "answered": a.answered,
        "source": a.source,
        "simulated": a.simulated,
        "layers": {r.layer: {"score": r.score, "weight": r.weight, "reason": r.reason} for r in a.readings},
    }


def _show(a: Analysis) -> None:
    marks = [
        word
        for word, on in (("SIMULATED MARKET", a.simulated), ("RECORDED MARKET", a.recorded), ("degraded", a.degraded))
        if on
    ]
    head = f"{a.symbol}  {a.signal}  score {a.score:.0f}  confidence {a.confidence:.2f}"
    head += f"  {a.agreeing} of {a.answered} agree"
    say(head + (f"  ({', '.join(marks)})" if marks else ""), style="bold")
    say(f"price {price(a.price)}, {a.timeframe} candle closed {when(a.candle_close)}, from {a.source}")
    rows = [
        [r.layer, _bar(r.score), "–" if r.score is None else f"{r.score:.0f}", f"{r.weight:g}", r.reason]
        for r in a.readings
    ]
    table("", ["layer", "bear ─── bull", " score", " weight", "reason"], rows)
    say("")


def _bar(score: float | None) -> str:
    """A scale of eleven places: the middle is indifferent, the mark is where the layer stands."""
    if score is None:
        return "·····┊·····"
    place = min(10, max(0, round(score / 10)))
    return "".join("█" if i == place else "┊" if i == 5 else "─" for i in range(11))


def status(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """How the daemon is: health, last analysis of each symbol, next run, channels, outbox. Exit code 3 if degraded."""
    settings = settings_of(config)
    with state_of(settings) as store:
        report = status_report(store, SystemClock().now())
    if as_json:
        print_json(report)
    else:
        _show_status(report)
    if report["state"] != "ok":
        raise typer.Exit(DEGRADED)


def _show_status(report: dict[str, Any]) -> None:
    now = report["now"]
    unreal = unreal_of(report["source"], simulated=report["simulated"])
    say(_headline(report) + (f" on a {unreal} market" if unreal else ""), style="bold")
    for line in report["wrong"]:
        say(f"  ! {line}", style="red")
    if report["next_run"]:
        say(f"next run {when(report['next_run'])}, {report['timeframe']} candles from {report['source']}")
    rows = [
        [
            a["symbol"],
            a["signal"],
            f"{a['score']:.0f}",
            f"{a['confidence']:.2f}",
            price(a["price"]),
            when(a["candle_close"]),
            ago(now - a["candle_close"]),
        ]
        for a in report["analyses"]
    ]
    if rows:
        table("", ["symbol", "signal", " score", " confidence", " price", "candle closed", " age"], rows)
    else:
        say("no analysis yet")
    channels = [
        [c["name"], ", ".join(c["to"]), when(c["last_told"]), f"unproven: {c['unproven']}" if c["unproven"] else ""]
        for c in report["channels"]
    ]
    if channels:
        table("", ["channel", "reaches", "last told", ""], channels)
    for a in report["addresses"]:
        say(f"disabled since {when(a['since'])}: {a['channel']} to {a['address']} ({a['reason']})", style="red")
    for alert in report["missed"][-SHOWN:]:
        reasons = ", ".join(alert["reasons"])
        say(f"missed: alert {alert['id']}, {alert['subject']} {reasons} of {when(alert['created_at'])}", style="red")
    say("outbox: " + (", ".join(f"{n:,} {state}" for state, n in report["outbox"].items() if n) or "empty"))


def _headline(report: dict[str, Any]) -> str:
    if report["state"] == NEVER:
        return "the hybridd daemon has never run on this state"
    return f"hybridd {report['version']} is {report['state']}"
