"""`hybridd orders`: what was asked of a broker, and what became of it."""

from typing import Annotated

import typer

from hybridd.cli.shared import AsJson, ConfigPath, price, print_json, say, settings_of, state_of, table, when
from hybridd.pipeline.orders import order_facts
from hybridd.store.orders import Kept

app = typer.Typer(name="orders", help="What was asked of a broker, and what became of it.", no_args_is_help=True)


@app.callback()
def _together() -> None:
    """What was asked of a broker, and what became of it."""


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    trade_id: Annotated[int, typer.Option("--trade", min=0, help="Only those of one trade.")] = 0,
) -> None:
    """Orders, newest first, with the last word on each."""
    with state_of(settings_of(config)) as store:
        found = store.orders.of_trade(trade_id)[::-1][:limit] if trade_id else store.orders.list(limit)
    if as_json:
        print_json([_facts(kept) for kept in found])
        return
    if not found:
        say("no orders")
        return
    columns = ["client id", "made at", "broker", "market", "", " amount", " price", "state", "last word"]
    table("", columns, [_row(kept) for kept in found])


def _row(kept: Kept) -> list[object]:
    order = kept.order
    at = "market" if order.price is None else price(float(order.price))
    what = f"{order.leg}: {'buy' if order.buy else 'sell'}"
    amount = f"{order.quantity.normalize():f}"
    made = when(kept.created_at)
    return [order.client_id, made, kept.broker, order.symbol, what, amount, at, order.state, kept.detail]


def _facts(kept: Kept) -> dict[str, object]:
    return {
        **order_facts(kept.order),
        "symbol": kept.order.symbol,
        "broker": kept.broker,
        "state": kept.order.state.value,
        "broker_id": kept.order.broker_id,
        "created_at": kept.created_at,
        "sent_at": kept.sent_at or None,
        "detail": kept.detail,
    }
