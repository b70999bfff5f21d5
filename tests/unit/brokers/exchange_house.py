"""A local exchange with an account, and an exchange broker that talks to it through ccxt as it is."""

from contextlib import contextmanager
from decimal import Decimal

from hybridd.brokers.exchange import ExchangeBroker
from hybridd.clock import ManualClock
from hybridd.market.exchange import ExchangeFeed
from hybridd.market.library import open_exchange
from hybridd.model.order import Leg, Order, OrderKind
from tests.fakes.binance import FakeBinance
from tests.fakes.binance_orders import Account
from tests.unit.market.exchange_parts import a_market

D = Decimal
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


@contextmanager
def an_exchange():
    """The exchange with its lists of markets read once; each test gives it a fresh account."""
    candles = {SPOT: a_market(), SWAP: a_market(seed=3), "BNB/USDT": a_market(seed=4)}
    with FakeBinance(candles, account=Account()) as fake:
        clock = ManualClock(fake.time())
        feeds = {
            side: ExchangeFeed(
                exchange="binance", market_type="swap" if side else "spot", base_url=fake.url, clock=clock
            )
            for side in (False, True)
        }
        yield fake, feeds
        for feed in feeds.values():
            feed.close()


def broker_at(fake, feeds, clock=None, timeout=5.0):
    """A broker with the account's keys."""

    def opened(perpetual):
        made = open_exchange(
            exchange="binance", market_type="swap" if perpetual else "spot", base_url=fake.url, timeout=timeout
        )
        made.apiKey, made.secret = fake.account.key, fake.account.secret
        return made

    return ExchangeBroker(
        name="binance", opened=opened, market_of=lambda symbol: feeds[":" in symbol].market(symbol),
        clock=clock or ManualClock(fake.time()), fee_percent=0.1,
    )  # fmt: skip


def an_order(leg=Leg.ENTRY, *, buy=True, kind=OrderKind.MARKET, quantity="0.3", price=None, symbol=SPOT, number=0):
    return Order(
        client_id=f"hyb-abc123-p1-{leg.value[0]}{number}", symbol=symbol, buy=buy, kind=kind, leg=leg,
        quantity=D(quantity), price=None if price is None else D(price), reduce_only=leg is not Leg.ENTRY,
    )  # fmt: skip
