"""What the trades of a period earned: together, by market, by side, and those that are open still."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hybridd.model.trade import Trade
from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.plots import equity
from hybridd.reports.words import NONE, ROWS, counted, figure, foremost, percent, price, share

Figure = Mapping[str, float | None]
"""The statistics of some trades, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFacts:
    """A trade that is open: what it has earned so far and would if it left now, in percent; None without a price."""

    id: int
    symbol: str
    side: str
    entry_price: float
    price: float | None
    running_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesFacts:
    """The trades closed in a period and those open at its end. `curve` is what 1 became after each exit (ms UTC);
    `exposure` the share of the period in which some trade was open; `money` what those of known size earned, net."""

    all: Figure
    symbols: Mapping[str, Figure]
    sides: Mapping[str, Figure]
    curve: tuple[tuple[int, float], ...]
    exposure: float | None
    money: Decimal | None
    open: tuple[OpenFacts, ...]


def earned(trades: Sequence[Trade]) -> Decimal | None:
    """What the trades of known size earned, exactly; None where the size of none is known."""
    known = [trade.realised for trade in trades if trade.realised is not None]
    return sum(known, Decimal(0)) if known else None


def section(found: TradesFacts) -> Section:
    """The trades as a part of a report."""
    return Section(title="Your trades", blocks=tuple(_blocks(found)))


def _blocks(found: TradesFacts) -> Iterator[Block]:
    all_, n = found.all, found.all["total_trades"]
    if not n:
        yield Words(text="No trade was closed in this period.")
    else:
        money = f"{found.money:+,.2f} in money" if found.money is not None else "sizes are not known"
        yield Figures(
            items=(
                ("Earned", percent(all_["total_return"]), money),
                ("Win rate", _rate(all_["win_rate"]), f"of {counted(int(n), 'trade')}"),
                ("Profit factor", figure(all_["profit_factor"]), "gains over losses"),
                ("Drawdown", _fall(all_["max_drawdown"]), "deepest fall"),
            )
        )
        drawn = equity(found.curve)
        if drawn is not None:
            yield drawn
        symbols = foremost(list(found.symbols.items()), lambda row: row[1]["total_trades"] or 0.0)
        rows = [("all", all_), *symbols, *found.sides.items()]
        # With one market and one side the rows would say the same thing three times.
        kept = rows if len(found.symbols) > 1 or len(found.sides) > 1 else rows[:1]
        yield Grid(
            columns=("", " trades", " won", " mean", " best", " worst", " factor", " Sharpe"),
            rows=tuple(_row(name, figures) for name, figures in kept),
        )
        if len(found.symbols) > ROWS:
            yield Words(text=f"Of {len(found.symbols)} markets the {ROWS} with the most trades.", tone="quiet")
        yield Words(
            text="Net of fees, as if all the money had been in each trade. At least one trade was open "
            f"{share(found.exposure)} of the time. Sharpe is per trade, not per year.",
            tone="quiet",
        )
    if found.open:
        yield Grid(
            title="Open now",
            columns=("", "market", "side", " entry", " price", " now"),
            rows=tuple(
                (f"#{t.id}", t.symbol, t.side, price(t.entry_price), price(t.price), percent(t.running_percent))
                for t in found.open
            ),
        )


def _row(name: str, figures: Figure) -> tuple[str, ...]:
    parts = (percent(figures[key]) for key in ("avg_pnl", "max_pnl", "min_pnl"))
    rate, factor, sharpe = _rate(figures["win_rate"]), figure(figures["profit_factor"]), figure(figures["sharpe"])
    return (name, figure(figures["total_trades"]), rate, *parts, factor, sharpe)


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f} %"


def _fall(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f} %"
