"""`hybridd trades`: the ledger of what the person took, and what came of it."""

import getpass
import re
from decimal import Decimal
from typing import Annotated, Any

import typer
from msgspec import structs

from hybridd.cli.replay import moment
from hybridd.cli.shared import AsJson, ConfigPath, price, print_json, say, settings_of, state_of, table, when
from hybridd.cli.trade_figures import Days, Symbol, export, market, side_named, stats, trades_of
from hybridd.config.schema import Settings
from hybridd.errors import DataError, UsageError
from hybridd.model.trade import Trade, TradeState
from hybridd.pipeline.booking import book_entry, book_exit, move_stop
from hybridd.pipeline.heartbeat import clock_of
from hybridd.pipeline.orders import order_exit, order_facts, order_words
from hybridd.pipeline.plan import entered_at
from hybridd.store.store import Store
from hybridd.trading.ledger import open_trade, size_of
from hybridd.trading.plain import plain
from hybridd.trading.position import exact

app = typer.Typer(name="trades", help="What you took, and what came of it.", no_args_is_help=True)

TradeId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="As `hybridd trades list` shows it.")]
_GROUPED = re.compile(r"\$?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    days: Days = None,
    symbol: Symbol = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
) -> None:
    """Trades in the order of their entries; open ones with what they earn at the newest price."""
    settings = settings_of(config)
    with state_of(settings) as store:
        prices = _prices(store)
        found = [t for t in trades_of(store, settings, days, symbol) if not only_open or t.state is TradeState.OPEN]
    if as_json:
        print_json([plain(trade, prices.get(trade.symbol)) for trade in found])
        return
    if not found:
        say("no trades")
        return
    columns = [" id", "market", "side", "state", "entry", " price", " left", " exit", " earned"]
    table("", columns, [_row(trade, prices.get(trade.symbol)) for trade in found])


@app.command("open")
def open_command(
    symbol: Annotated[str, typer.Argument(help="A market, such as BTC/USDT.")],
    side: Annotated[str, typer.Argument(help="LONG or SHORT.")],
    at_price: Annotated[str, typer.Argument(metavar="PRICE", help="What you entered at.")],
    quantity: Annotated[
        str | None, typer.Option(help="In the base currency; without it only percentages are known.")
    ] = None,
    stop: Annotated[str | None, typer.Option(help="Price of the stop.")] = None,
    target: Annotated[str | None, typer.Option(help="Price of the target.")] = None,
    proposal: Annotated[int, typer.Option(min=0, help="The approved proposal that it comes from, with its plan.")] = 0,
    at: Annotated[str | None, typer.Option(metavar="T", help="When: 2025-06-01T12:00 (UTC); by default now.")] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Record a trade that you have entered."""
    settings = settings_of(config)
    trade = open_trade(
        symbol=market(symbol, settings),
        side=side_named(side),
        entry_price=_amount("the price", at_price),
        entry_at=0,
        quantity=0.0 if quantity is None else _amount("the quantity", quantity),
        stop_price=None if stop is None else _amount("the stop", stop),
        target_price=None if target is None else _amount("the target", target),
        fee_percent=settings.trading.fee_percent,
        simulated=settings.market.source == "simulated",
        proposal_id=proposal,
    )
    with state_of(settings) as store:
        now = clock_of(store).now()
        trade = structs.replace(trade, entry_at=_past(at, now))
        if proposal:
            size = None if quantity is None else exact(_amount("the quantity", quantity))
            trade = _planned(store, trade, proposal, size, settings)
        stored = book_entry(store, trade, _actor(), now)
    if as_json:
        print_json(plain(stored))
        return
    typer.echo(f"Trade ID #{stored.id}, {stored.side} {stored.symbol}, Entry @ {price(stored.entry_price)}")


@app.command("close")
def close(
    trade_id: TradeId,
    at_price: Annotated[str, typer.Argument(metavar="PRICE", help="What you left at.")],
    quantity: Annotated[str | None, typer.Option(help="Only so much, in the base currency.")] = None,
    percent: Annotated[float | None, typer.Option(min=0.01, max=100, help="Only so much of what is left.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    at: Annotated[str | None, typer.Option(metavar="T", help="When: 2025-06-01T12:00 (UTC); by default now.")] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Record that you have left a trade, or a part of it."""
    settings = settings_of(config)
    if quantity is not None and percent is not None:
        raise UsageError("--quantity and --percent say it twice", remedy="give one of them")
    with state_of(settings) as store:
        now = clock_of(store).now()
        part = _part(store.trades.get(trade_id), quantity, percent)
        left = exact(_amount("the price", at_price))
        when_left = None if at is None else _past(at, now)
        done = book_exit(
            store, trade_id, price=left, actor=_actor(), now=now, at=when_left, quantity=part, reason=reason
        )
    if as_json:
        print_json(plain(done))
        return
    typer.echo(_said(done))


@app.command("exit")
def exit_command(trade_id: TradeId, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Have the broker close all that is left of a trade, at market."""
    with state_of(settings_of(config)) as store:
        order = order_exit(store, trade_id, clock_of(store).now())
        kept = store.orders.get(order.client_id)
    assert kept is not None, "an order is written down"
    if as_json:
        print_json(order_facts(order) | {"broker": kept.broker, "state": order.state.value})
        return
    typer.echo(f"{order_words(order)} goes to {kept.broker}; hybridd must be running to send it")


@app.command("stop")
def stop_command(
    trade_id: TradeId,
    at_price: Annotated[str, typer.Argument(metavar="PRICE", help='Where it is from now on; "none" takes it away.')],
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Move the stop of an open trade."""
    new = None if at_price.lower() == "none" else _amount("the stop", at_price)
    with state_of(settings_of(config)) as store:
        moved = move_stop(store, trade_id, new, _actor(), clock_of(store).now())
    if as_json:
        print_json(plain(moved))
        return
    typer.echo(f"trade {moved.id} has {'no stop' if new is None else f'its stop at {price(new)}'}")


app.command("stats")(stats)
app.command("export")(export)


def _prices(store: Store) -> dict[str, float]:
    """The newest price of each market that is watched."""
    return {a.symbol: a.price for a in sorted(store.analyses.latest(), key=lambda a: a.candle_close)}


def _row(trade: Trade, newest: float | None) -> list[Any]:
    facts = plain(trade, newest)
    earned = trade.pnl_percent if trade.pnl_percent is not None else facts["running_percent"]
    left = f"{float(trade.remaining) * 100:.0f} %" if trade.state is TradeState.OPEN else "–"
    shown = "–" if earned is None else f"{earned:+.2f} %" + (" now" if trade.pnl_percent is None else "")
    exit_price = "–" if trade.exit_price is None else price(trade.exit_price)
    entry = price(trade.entry_price)
    return [trade.id, trade.symbol, trade.side, trade.state, when(trade.entry_at), entry, left, exit_price, shown]


def _planned(store: Store, trade: Trade, number: int, size: Decimal | None, settings: Settings) -> Trade:
    """The trade with the size, stop and targets of its proposal, where the person gave no others."""
    proposal = store.proposals.get(number)
    if proposal is None:
        raise UsageError(f"there is no proposal {number}", remedy="`hybridd proposals list` shows them")
    if (proposal.symbol, proposal.side) != (trade.symbol, trade.side):
        is_of = f"proposal {number} is {proposal.side} {proposal.symbol}, not {trade.side} {trade.symbol}"
        raise UsageError(is_of, remedy="leave --proposal out for a trade of your own")
    price = exact(trade.entry_price)
    plan = entered_at(proposal, price, quantity=size, at=trade.entry_at, fee_percent=settings.trading.fee_percent)
    if trade.stop_price is not None:
        plan = structs.replace(plan, stop_price=trade.stop_price)
    return plan if trade.target_price is None else structs.replace(plan, target_price=trade.target_price, targets=())


def _said(trade: Trade) -> str:
    if trade.pnl_percent is None:
        left = f"{float(trade.remaining) * 100:.4g} %"
        money = f", earned so far {trade.realised:+,.2f}" if trade.realised is not None else ""
        return f"trade {trade.id}: {left} of it is left{money}"
    money = f" ({trade.realised:+,.2f})" if trade.realised is not None else ""
    return f"trade {trade.id} is closed @ {price(trade.exit_price or 0)}: {trade.pnl_percent:+.2f} %{money}"


def _part(trade: Trade | None, quantity: str | None, percent: float | None) -> Decimal | None:
    if quantity is not None:
        if trade is not None and not trade.quantity:
            raise UsageError(f"nobody knows how large trade {trade.id} is", remedy="say how much leaves by --percent")
        return exact(quantity)
    if percent is None or trade is None or percent == 100:
        return None
    return size_of(trade) * trade.remaining * exact(percent) / 100


def _amount(what: str, text: str) -> float:
    # "45,250" is the guide's own way to write; a comma anywhere else may be a decimal one, and nobody guesses money.
    plainly = text.replace(",", "").removeprefix("$") if _GROUPED.fullmatch(text) else text.removeprefix("$")
    try:
        return float(exact(plainly))
    except DataError:
        raise UsageError(f'{what} "{text}" is not a number', remedy="write it like 45250.50") from None


def _past(text: str | None, now: int) -> int:
    at = moment(text, "--at", now)
    if at > now:
        raise UsageError(f"--at {text} has not come yet", remedy="give a moment in the past")
    return at


def _actor() -> str:
    return f"cli:{getpass.getuser()}"
