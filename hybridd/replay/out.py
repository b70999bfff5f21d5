"""What `replay --out` writes: tables as CSV, and a report for people."""

import csv
import math
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from hybridd.clock import iso
from hybridd.errors import UsageError
from hybridd.model.change import Reason
from hybridd.replay.run import Replay
from hybridd.replay.summary import summary
from hybridd.reports.charts import Mark, line_chart

SHOWN = 200
"""Rows of a table and marks of a chart in the report; the CSV files have all of them."""
_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z$")


def prepare_out(folder: Path) -> None:
    """Make the folder; raises UsageError where it cannot be written to, before any work is done for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _refused(folder, error) from None


def write_out(folder: Path, results: Sequence[Replay]) -> None:
    """Write analyses.csv, changes.csv, trades.csv and report.html; raises UsageError where the folder refuses."""
    try:
        _table(folder / "analyses.csv", *_analyses(results))
        _table(folder / "changes.csv", CHANGE_COLUMNS, (row for result in results for row in _changes(result)))
        _table(folder / "trades.csv", TRADE_COLUMNS, (row for result in results for row in _trades(result)))
        (folder / "report.html").write_text(report_html(results), "utf-8")
    except OSError as error:
        raise _refused(folder, error) from None


def _refused(folder: Path, error: OSError) -> UsageError:
    reason = "it is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
    return UsageError(f"cannot write to {folder}: {reason}", remedy="name another folder: --out DIR")


def report_html(results: Sequence[Replay]) -> str:
    """One page without any outside request: charts, counts, trades."""
    pages = Environment(loader=PackageLoader("hybridd.replay", "."), autoescape=select_autoescape(default=True))
    pages.filters["figure"] = _figure
    parts = [_part(result) for result in results]
    return pages.get_template("report.html.j2").render(parts=parts, shown=SHOWN)


def _figure(cell: Any) -> str:  # noqa: ANN401  # whatever stands in a row
    """A cell for people: prices with the digits that their size deserves, times without a T."""
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) >= 100 else f"{cell:.5g}"
    return "" if cell is None else _TIME.sub(r"\1 \2", str(cell))


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _analyses(results: Sequence[Replay]) -> tuple[list[str], Iterable[list[Any]]]:
    layers = list(dict.fromkeys(name for result in results for name in result.layer_values))

    def rows() -> Iterable[list[Any]]:
        for result in results:
            said = dict(zip(result.close_times, zip(*_layer_columns(result, layers), strict=True), strict=True))
            for a in result.analyses:
                head = [iso(a.candle_close), a.symbol, a.price, round(a.score, 6), a.signal, round(a.confidence, 6)]
                yield [*head, *said[a.candle_close]]

    return ["time", "symbol", "price", "score", "signal", "confidence", *layers], rows()


def _layer_columns(result: Replay, layers: Sequence[str]) -> Iterable[list[float | None]]:
    """What each layer said at each candle, None where it was silent."""
    silent = np.full(len(result.close_times), np.nan)
    for name in layers:
        values = result.layer_values.get(name, silent)
        yield [None if math.isnan(value) else value for value in np.round(values, 6).tolist()]


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
        "charts": list(_charts(result)),
        "trades": list(_trades(result))[-SHOWN:],
        "changes": [row for row in _changes(result) if row[-1] == "yes"][-SHOWN:],
        "trade_columns": TRADE_COLUMNS,
        "change_columns": CHANGE_COLUMNS,
    }


def _charts(result: Replay) -> Iterable[dict[str, Any]]:
    """Charts as SVG that is made here, of numbers and escaped names."""
    if not result.analyses:
        return
    times = np.array([a.candle_close for a in result.analyses])
    labels = (iso(int(times[0]))[:10], iso(int(times[-1]))[:10])
    marks = _turns(result)
    many = len(marks) > SHOWN
    note = (
        f"{len(marks):,} changes of signal are too many to be marked here; changes.csv has all of them." if many else ""
    )
    prices = np.array([a.price for a in result.analyses])
    svg = line_chart(times, prices, title="Price", marks=() if many else marks, labels=labels)
    title = "Price" if many or not marks else "Price, with the changes of signal that were told"
    yield {"title": title, "note": note, "marks": bool(marks) and not many, "svg": Markup(svg)}
    score = np.array([a.score for a in result.analyses])
    svg = line_chart(times, score, title="Score", limits=(0.0, 100.0), guides=(0, 35, 50, 65, 100), labels=labels)
    yield {"title": "Score", "note": "", "svg": Markup(svg)}
    if result.trades:
        title = "What 100 became, trade by trade"
        yield {"title": title, "note": "", "svg": Markup(_equity(result, title))}


def _turns(result: Replay) -> list[Mark]:
    price = {a.candle_close: a.price for a in result.analyses}
    return [
        Mark(at=c.at, value=price[c.at], kind=str(c.after).lower(), title=f"{iso(c.at)} {c.before} to {c.after}")
        for c in result.told
        if c.reason is Reason.SIGNAL_CHANGED
    ]


def _equity(result: Replay, title: str) -> str:
    left = np.array([t.exit_at or 0 for t in result.trades])
    equity = np.cumprod([1 + (t.pnl_percent or 0.0) / 100 for t in result.trades]).astype(np.float64) * 100
    return line_chart(left, equity, title=title, labels=(iso(int(left[0]))[:10], iso(int(left[-1]))[:10]))
