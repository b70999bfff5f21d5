"""What `replay --out` writes: tables as CSV, and a report for people."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from hybridd.clock import iso
from hybridd.errors import UsageError
from hybridd.replay.run import Replay
from hybridd.replay.summary import summary
from hybridd.reports.charts import Mark, line_chart

SHOWN = 200
"""Rows of a table in the report; the CSV files have all of them."""


def write_out(folder: Path, results: Sequence[Replay]) -> None:
    """Write analyses.csv, changes.csv, trades.csv and report.html; raises UsageError where the folder refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _table(folder / "analyses.csv", *_analyses(results))
        _table(folder / "changes.csv", CHANGE_COLUMNS, (row for result in results for row in _changes(result)))
        _table(folder / "trades.csv", TRADE_COLUMNS, (row for result in results for row in _trades(result)))
        (folder / "report.html").write_text(report_html(results), "utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder}: {error.strerror}", remedy="name another folder: --out DIR"
        ) from None


def report_html(results: Sequence[Replay]) -> str:
    """One page without any outside request: charts, counts, trades."""
    pages = Environment(loader=PackageLoader("hybridd.replay", "."), autoescape=select_autoescape(default=True))
    parts = [_part(result) for result in results]
    return pages.get_template("report.html.j2").render(parts=parts, shown=SHOWN)


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _analyses(results: Sequence[Replay]) -> tuple[list[str], Iterable[list[Any]]]:
    layers = list(dict.fromkeys(name for result in results for name in result.layer_values))

    def rows() -> Iterable[list[Any]]:
        for result in results:
            place = {close: i for i, close in enumerate(result.close_times)}
            for a in result.analyses:
                values = [_number(result, name, place[a.candle_close]) for name in layers]
                yield [
                    iso(a.candle_close),
                    a.symbol,
                    a.price,
                    round(a.score, 6),
                    a.signal,
                    round(a.confidence, 6),
                    *values,
                ]

    return ["time", "symbol", "price", "score", "signal", "confidence", *layers], rows()


def _number(result: Replay, layer: str, i: int) -> float | str:
    value = float(result.layer_values[layer][i]) if layer in result.layer_values else float("nan")
    return "" if np.isnan(value) else round(value, 6)


CHANGE_COLUMNS = ("time", "symbol", "reason", "before", "after", "told")


def _changes(result: Replay) -> Iterable[list[Any]]:
    for v in result.verdicts:
        c = v.change
        yield [iso(c.at), c.subject, c.reason, c.before, c.after, v.suppressed or "yes"]


TRADE_COLUMNS = (
    "id", "symbol", "side", "entry_time", "entry_price", "stop_price", "target_price", "exit_time", "exit_price",
    "exit_reason", "pnl_percent",
)  # fmt: skip


def _trades(result: Replay) -> Iterable[list[Any]]:
    for t in result.trades:
        left = iso(t.exit_at) if t.exit_at is not None else ""
        yield [
            t.id, t.symbol, t.side, iso(t.entry_at), t.entry_price, t.stop_price, t.target_price, left, t.exit_price,
            t.exit_reason, t.pnl_percent,
        ]  # fmt: skip


def _part(result: Replay) -> dict[str, Any]:
    facts = summary(result)
    return {
        "symbol": result.symbol,
        "timeframe": result.timeframe.text,
        "facts": facts,
        "charts": [Markup(chart) for chart in _charts(result)],  # made here of numbers and escaped names
        "trades": list(_trades(result))[-SHOWN:],
        "changes": [row for row in _changes(result) if row[-1] == "yes"][-SHOWN:],
        "trade_columns": TRADE_COLUMNS,
        "change_columns": CHANGE_COLUMNS,
    }


def _charts(result: Replay) -> Iterable[str]:
    if not result.analyses:
        return
    times = np.array([a.candle_close for a in result.analyses])
    labels = (iso(int(times[0]))[:10], iso(int(times[-1]))[:10])
    price = {a.candle_close: a.price for a in result.analyses}
    told = [
        Mark(at=c.at, value=price[c.at], kind=str(c.after).lower(), title=f"{iso(c.at)} {c.before} to {c.after}")
        for c in result.told
        if c.reason == "SIGNAL_CHANGED"
    ][-SHOWN:]
    yield line_chart(times, np.array([a.price for a in result.analyses]), title="Price", marks=told, labels=labels)
    score = np.array([a.score for a in result.analyses])
    yield line_chart(times, score, title="Score", limits=(0.0, 100.0), guides=(35, 50, 65), labels=labels)
    if result.trades:
        left = np.array([t.exit_at or 0 for t in result.trades])
        equity = np.cumprod([1 + (t.pnl_percent or 0.0) / 100 for t in result.trades]).astype(np.float64) * 100
        yield line_chart(left, equity, title="What 100 became, trade by trade", guides=(100,), labels=labels)
