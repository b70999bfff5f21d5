"""The broker that the settings name, and the job that works it. Part of the root."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hybridd.alerts.routing import Route
from hybridd.brokers.dialects import dialect_of
from hybridd.brokers.exchange import ExchangeBroker
from hybridd.brokers.fitness import unable
from hybridd.brokers.paper import Candle, PaperBroker
from hybridd.brokers.protocol import Broker
from hybridd.clock import Clock
from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.market.exchange import ExchangeFeed
from hybridd.market.feed import Feed
from hybridd.market.library import open_exchange
from hybridd.market.mixed import MixedFeed
from hybridd.market.order_book import quote_at
from hybridd.model.order import Order
from hybridd.model.trade import TradeState
from hybridd.pipeline.quotes import Quotes
from hybridd.pipeline.trade import Trader
from hybridd.pipeline.trade_desk import TradeDesk
from hybridd.pipeline.trade_news import teller
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import Store
from hybridd.trading.ledger import held_of

TIMEOUT_S = 10.0
"""For each wait on the exchange about an order."""


def desk_of(
    settings: Settings, store: Store, feed: Feed, clock: Clock, rules: TradingRules, routes: Sequence[Route],
    channels: Mapping[str, Sequence[str]],
) -> TradeDesk | None:  # fmt: skip
    """The trade job, None where the person carries everything out."""
    broker = broker_of(settings, store, feed, clock)
    if broker is None:
        return None
    trader = Trader(
        store=store,
        broker=broker,
        clock=clock,
        tell=teller(store, routes, channels, clock, simulated=feed.simulated),
        fee_percent=settings.trading.fee_percent,
        break_even_after=settings.trading.break_even_after,
        rules=rules.answer,
    )
    return TradeDesk(store=store, trader=trader, rules=rules, clock=clock)


def quotes_of(store: Store, feed: Feed, clock: Clock) -> Quotes | None:
    """The quotes of open proposals, None where the market has no order book of today."""
    sides = _sides(feed)
    if not sides:
        return None
    return Quotes(store=store, ask=lambda symbol, now: quote_at(sides[":" in symbol], symbol, now), clock=clock)


def broker_of(settings: Settings, store: Store, feed: Feed, clock: Clock) -> Broker | None:
    """The broker, which talks to nobody yet. One with real money comes about in exactly one way: see `may_trade`."""
    if settings.trading.broker == "paper":
        return _paper(settings, store, clock)
    return _exchange(settings, feed, clock) if may_trade(settings) and not feed.simulated else None


def may_trade(settings: Settings) -> bool:
    """Whether every setting that real orders need says so. Checked here too: settings may come from elsewhere."""
    trading, market = settings.trading, settings.market
    real = trading.broker == "exchange" and trading.live
    keys = bool(trading.api_key.get_secret_value()) and bool(trading.api_secret.get_secret_value())
    return real and keys and market.source == "exchange"


def _paper(settings: Settings, store: Store, clock: Clock) -> PaperBroker:
    frame, history = settings.monitor.timeframe, settings.market.history

    def candles_since(symbol: str, at: int) -> list[Candle]:
        found = store.candles.load(symbol, frame.text, frame.ms, history).since(at)
        columns = (found.open_time, found.open, found.high, found.low)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def made_at(order: Order) -> int:
        kept = store.orders.get(order.client_id)
        return clock.now() if kept is None else kept.sent_at or kept.created_at

    def left_of(order: Order) -> Decimal:
        trade = store.trades.get(order.trade_id) if order.trade_id and order.reduce_only else None
        if trade is None:
            return order.quantity
        return held_of(trade) if trade.state is TradeState.OPEN else Decimal(0)

    return PaperBroker(
        candles_since=candles_since,
        clock=clock,
        fee_percent=settings.trading.fee_percent,
        slippage_percent=settings.trading.slippage_percent,
        made_at=made_at,
        left_of=left_of,
    )


def _exchange(settings: Settings, feed: Feed, clock: Clock) -> ExchangeBroker:
    market = settings.market
    sides = _sides(feed)

    def kind(perpetual: bool) -> str:
        return "swap" if perpetual else "spot"

    def market_of(symbol: str) -> Mapping[str, Any]:
        perpetual = ":" in symbol
        if perpetual not in sides:  # a trade of a market that is no longer watched still has to end
            sides[perpetual] = ExchangeFeed(
                exchange=market.exchange, market_type=kind(perpetual), base_url=market.base_url, clock=clock
            )
        return sides[perpetual].market(symbol)

    def opened(perpetual: bool) -> Any:  # noqa: ANN401 - an exchange object is untyped
        made = open_exchange(
            exchange=market.exchange, market_type=kind(perpetual), base_url=market.base_url, timeout=TIMEOUT_S
        )
        made.apiKey = settings.trading.api_key.get_secret_value()
        made.secret = settings.trading.api_secret.get_secret_value()
        made.password = settings.trading.api_password.get_secret_value()
        return made

    for perpetual in sorted({bool(instrument.settle) for instrument in settings.instruments}):
        if why := unable(lambda perpetual=perpetual: opened(perpetual), perpetual, dialect_of(market.exchange)):  # type: ignore[misc]
            raise ConfigError(
                f"no orders can be sent to {market.exchange} ({kind(perpetual)}): {why}",
                remedy='set trading.broker = "paper" or "manual", or choose another market.exchange',
            )
    return ExchangeBroker(
        name=market.exchange,
        opened=opened,
        market_of=market_of,
        clock=clock,
        fee_percent=settings.trading.fee_percent,
    )


def _sides(feed: Feed) -> dict[bool, ExchangeFeed]:
    """The feeds that are there already, by whether they are of perpetuals."""
    parts = (feed.spot, feed.swap) if isinstance(feed, MixedFeed) else (feed,)
    return {part.market_type == "swap": part for part in parts if isinstance(part, ExchangeFeed)}
