"""`hybridd trades stats`, `hybridd trades export`: what the ledger amounts to, and all of it for another program."""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from hybridd.cli.replay import moment
from hybridd.cli.shared import AsJson, ConfigPath, print_json, settings_of, state_of, table
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.errors import UsageError
from hybridd.model.instrument import parse_instrument
from hybridd.model.trade import Side, Trade, TradeState
from hybridd.store.store import Store
from hybridd.trading.plain import plain
from hybridd.trading.statistics import chosen, equity_curve, exposure, statistics

DAY_MS = 86_400_000
Days = Annotated[float | None, typer.Option(min=0.001, max=36_500, help="Only of the last days.")]
Symbol = Annotated[str | None, typer.Option(help="Only of one market.")]


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSON = "json"


def stats(
    config: ConfigPath = None,
    as_json: AsJson = False,
    days: Days = None,
    symbol: Symbol = None,
    side: Annotated[str | None, typer.Option(help="Only LONG or SHORT.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="Only closed since: 2025-06-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Only closed before.")] = None,
) -> None:
    """What the closed trades amount to; docs/state.md defines each figure."""
    settings, now = settings_of(config), SystemClock().now()
    if days is not None and start is not None:
        raise UsageError("--days and --from say it twice", remedy="give one of them")
    since = now - round(days * DAY_MS) if days is not None else moment(start, "--from", 0)
    until = moment(end, "--to", now + 1)
    if until <= since:
        raise UsageError("--to is not after --from", remedy="give a period that has a length")
    with state_of(settings) as store:
        every = store.trades.list()
    wanted = None if symbol is None else market(symbol, settings)
    sided = None if side is None else side_named(side)
    found = chosen(every, symbol=wanted, side=sided, start=since, end=until)
    figures = _figures(found, since, until)
    if as_json:
        print_json(figures)
        return
    curve = figures.pop("equity_curve")
    rows = [[name, "–" if value is None else f"{value:,.4g}"] for name, value in figures.items()]
    table("", ["statistic", " value"], [*rows, ["equity curve", _drawn([height for _, height in curve])]])


def _figures(found: list[Trade], since: int, until: int) -> dict[str, Any]:
    """By the library's names; `exposure` is the share (0–1) of the period, or since the first entry, in a trade."""
    first = max(since, min((trade.entry_at for trade in found), default=until))
    held = [trade for trade in found if trade.entry_at < until]
    return asdict(statistics(found)) | {
        "exposure": exposure(held, since or first, until) if found else None,
        "equity_curve": [list(point) for point in equity_curve(found)],
    }


def _drawn(heights: list[float], width: int = 40) -> str:
    """The curve in a line: each sign the height after a trade, thinned to `width`."""
    if len(heights) < 2:
        return "–"
    picked = (
        heights if len(heights) <= width else [heights[i * (len(heights) - 1) // (width - 1)] for i in range(width)]
    )
    low, high = min(picked), max(picked)
    steps = "▁▂▃▄▅▆▇█"
    return "".join(steps[round((height - low) / (high - low) * 7)] if high > low else steps[3] for height in picked)


def export(
    config: ConfigPath = None,
    form: Annotated[Format, typer.Option("--format", help="csv or json.")] = Format.CSV,
    days: Days = None,
    symbol: Symbol = None,
) -> None:
    """Every trade with all its figures, on standard output."""
    settings = settings_of(config)
    with state_of(settings) as store:
        rows = (plain(trade) for trade in trades_of(store, settings, days, symbol))
        _write_csv(rows) if form is Format.CSV else print_json(list(rows))


def _write_csv(rows: Iterator[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"targets": json.dumps(row["targets"]) if row["targets"] else ""})


_NONE = Trade(id=0, symbol="", side=Side.LONG, state=TradeState.OPEN, entry_price=0.0, entry_at=0)
COLUMNS = list(plain(_NONE))
"""Of an export without a trade too."""


def trades_of(store: Store, settings: Settings, days: float | None, symbol: str | None) -> list[Trade]:
    """Those of the last days and of a market, as the options say."""
    return store.trades.list(days, None if symbol is None else market(symbol, settings))


def market(text: str, settings: Settings) -> str:
    """The market that somebody means."""
    try:
        return parse_instrument(text, settings.market.market_type).symbol
    except ValueError as error:
        raise UsageError(str(error), remedy="name a market, such as BTC/USDT") from None


def side_named(text: str) -> Side:
    """The side that somebody means."""
    if text.upper() not in set(Side):
        raise UsageError(f'"{text}" is not a side', remedy="write LONG or SHORT")
    return Side(text.upper())
