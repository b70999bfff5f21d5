"""`hybridd analyze` and `hybridd status`: what the markets look like, and how the daemon is."""

from typing import Annotated, Any

import typer

from hybridd.app import feed_of
from hybridd.cli.shared import (
    DEGRADED,
    FAILED,
    AsJson,
    ConfigPath,
    ago,
    console,
    price,
    print_json,
    settings_of,
    state_of,
    table,
    when,
)
from hybridd.clock import SystemClock, iso
from hybridd.model.analysis import Analysis
from hybridd.pipeline.now import analyse_now
from hybridd.pipeline.report import status_report


def analyze(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Default: those of the settings.")
    ] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """One analysis now: score, signal, confidence, and every layer with its reason. Nothing is stored or sent."""
    settings = settings_of(config)
    wanted = symbols or [instrument.symbol for instrument in settings.instruments]
    feed = feed_of(settings, SystemClock())
    try:
        found, problems = analyse_now(settings, feed, wanted)
    finally:
        feed.close()
    if as_json:
        print_json([analysis_json(analysis) for analysis in found])
    else:
        for analysis in found:
            _show(analysis)
    for problem in problems:
        typer.echo(f"hybridd: {problem}", err=True)
    if problems:
        raise typer.Exit(FAILED)


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
    marks = [word for word, on in (("SIMULATED MARKET", a.simulated), ("degraded", a.degraded)) if on]
    head = f"{a.symbol}  {a.signal}  score {a.score:.0f}  confidence {a.confidence:.2f}"
    head += f"  {a.agreeing} of {a.answered} agree"
    console().print(f"[bold]{head}[/bold]" + (f"  ({', '.join(marks)})" if marks else ""))
    console().print(f"price {price(a.price)}, {a.timeframe} candle closed {when(a.candle_close)}, from {a.source}")
    rows = [
        [r.layer, _bar(r.score), "–" if r.score is None else f"{r.score:.0f}", f"{r.weight:g}", r.reason]
        for r in a.readings
    ]
    table("", ["layer", "bear ─── bull", " score", " weight", "reason"], rows)
    console().print()


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
    simulated = " on a SIMULATED market" if report["simulated"] else ""
    console().print(f"[bold]hybridd {report['version']} is {report['state']}[/bold]{simulated}")
    for line in report["wrong"]:
        console().print(f"  ! {line}", style="red")
    if report["next_run"]:
        console().print(f"next run {when(report['next_run'])}, {report['timeframe']} candles from {report['source']}")
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
    table("", ["symbol", "signal", " score", " confidence", " price", "candle closed", " age"], rows)
    channels = [[c["name"], ", ".join(c["to"]), when(c["last_told"])] for c in report["channels"]]
    table("", ["channel", "reaches", "last told"], channels)
    console().print("outbox: " + (", ".join(f"{n} {state}" for state, n in report["outbox"].items()) or "empty"))
