"""Commands around brokers: orders, exits, approvals; and that demo and replay never reach an exchange."""

import pytest

from hybridd.app import read_settings
from hybridd.clock import SystemClock
from hybridd.pipeline.fills import book
from hybridd.pipeline.orders import order_entry
from hybridd.pipeline.propose import post
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from tests.fakes.binance import FakeBinance
from tests.fakes.binance_orders import Account
from tests.makers import T0
from tests.unit.market.exchange_parts import a_market
from tests.unit.pipeline.trade_house import D, proposal


@pytest.fixture
def paper(own):
    own.write_text(own.read_text() + '\n[trading]\nbroker = "paper"\naccount = 10000.0\n')
    return own


@pytest.fixture
def store(paper):
    made = open_store(read_settings(paper).database.url.get_secret_value(), clock=SystemClock())
    yield made
    made.close()


def entered(store, *, filled=True):
    from hybridd.model.order import Fill

    with store.transaction():
        order = order_entry(store, post(store, proposal(), TradingRules(), (), T0), "paper", T0)
        if filled:
            fill = Fill(id="1", at=T0, buy=True, quantity=D("0.3"), price=D(100))
            book(store, order, fill, "paper", 0.1, lambda *_: None, T0)
    return order


def test_orders_are_listed_with_the_last_word_on_each(hybridd, paper, store):
    assert hybridd("orders", "list", "--config", paper).out == "no orders\n"
    order = entered(store)
    (listed,) = hybridd("orders", "list", "--config", paper, "--json").json
    assert (listed["client_id"], listed["state"], listed["broker"], listed["trade"]) == (
        order.client_id, "new", "paper", 1,
    )  # fmt: skip
    assert order.client_id in hybridd("orders", "list", "--trade", "1", "--config", paper).out
    assert hybridd("orders", "list", "--trade", "2", "--config", paper, "--json").json == []


def test_an_exit_is_written_down_once_for_the_broker(hybridd, paper, store):
    entered(store)
    said = hybridd("trades", "exit", "1", "--config", paper)
    assert said.out == "the exit order to sell 0.3 of BTC/USDT goes to paper; hybridd must be running to send it\n"
    again = hybridd("trades", "exit", "1", "--config", paper)
    assert "on its way out already" in again.complaint
    assert "does not exist" in hybridd("trades", "exit", "9", "--config", paper).complaint


def test_a_price_of_ones_own_is_for_orders_of_ones_own(hybridd, paper, store):
    made = post(store, proposal(), TradingRules(), (), SystemClock().now())
    said = hybridd("approve", made.id, "--price", "100", "--config", paper)
    assert 'trading.broker is "paper"' in said.complaint
    assert store.proposals.decision(made.id) is None


LIVE = {
    "HYBRIDD_TRADING__BROKER": "exchange",
    "HYBRIDD_TRADING__LIVE": "true",
    "HYBRIDD_TRADING__AUTO": "true",
    "HYBRIDD_TRADING__API_KEY": "key-of-the-test",
    "HYBRIDD_TRADING__API_SECRET": "secret-of-the-test",
    "HYBRIDD_TRADING__ACCOUNT": "100000",
}


@pytest.fixture
def exchange(monkeypatch):
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    with FakeBinance({"BTC/USDT": a_market()}, account=Account()) as fake:
        yield fake
        assert fake.requests == []


def test_a_demo_with_live_settings_around_it_does_not_start(hybridd, exchange, tmp_path):
    said = hybridd("demo", "--folder", tmp_path / "demo")
    assert said.code == 2
    assert 'market.source is "simulated": real orders need real prices' in said.err


def test_a_replay_with_live_settings_asks_no_exchange(hybridd, exchange, fresh, write_candles):
    text = fresh.read_text().replace('source = "simulated"', f'source = "exchange"\nbase_url = "{exchange.url}"')
    fresh.write_text(text)
    said = hybridd("replay", write_candles("BTCUSDT.csv", 1500), "--config", fresh, "--json")
    assert said.code == 0
    assert said.json["candles"] == 1500


def test_a_plain_analysis_with_live_settings_sends_no_order(hybridd, fresh, monkeypatch):
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    with FakeBinance({"BTC/USDT": a_market(), "ETH/USDT": a_market(seed=2)}, account=Account()) as fake:
        text = fresh.read_text().replace('source = "simulated"', f'source = "exchange"\nbase_url = "{fake.url}"')
        fresh.write_text(text + '\n[market.context]\nsentiment_url = ""\nmacro_url = ""\n')
        assert hybridd("analyze", "BTC/USDT", "--config", fresh, "--json").code == 0
        assert (fake.account.posts, fake.asked("/order")) == ([], [])


@pytest.mark.parametrize("words", [("config", "check"), ("run", "--no-dashboard"), ("doctor",)])
def test_settings_that_want_orders_where_none_can_be_asked_for_are_told_before_anything_else(
    hybridd, fresh, monkeypatch, words
):
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    text = fresh.read_text().replace('source = "simulated"', 'source = "exchange"\nexchange = "kraken"')
    fresh.write_text(text.replace("[market]", '[market]\nbase_url = "http://127.0.0.1:9"', 1))
    said = hybridd(*words, "--config", fresh)
    assert said.code == (3 if words == ("doctor",) else 2)
    line = "no orders can be sent to kraken (spot): ccxt cannot find an order by a name of our own there"
    assert line in " ".join((said.out + said.err).split())
