"""The whole daemon with an exchange broker between commands and a local account; killed while an order is out."""

import json
from dataclasses import replace

import pytest

from hybridd.clock import SystemClock
from hybridd.model.trade import Target
from hybridd.pipeline.orders import order_entry
from hybridd.pipeline.propose import post
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from tests.e2e.house import Daemon, wait_for
from tests.fakes.binance import FakeBinance
from tests.fakes.binance_orders import Account, D
from tests.fakes.faults import FaultKind
from tests.recorded_candles import recorded
from tests.unit.pipeline.trade_house import wish

pytestmark = pytest.mark.xdist_group("daemon")

SETTINGS = """
[monitor]
symbols = ["BTC/USDT"]
timeframe = "1s"
settle_seconds = 0

[market]
base_url = "{exchange}"

[trading]
broker = "exchange"
live = true
account = 100000.0
api_key = {{env = "EXCHANGE_KEY"}}
api_secret = {{env = "EXCHANGE_SECRET"}}
"""


@pytest.fixture
def fake():
    with FakeBinance({"BTC/USDT": recorded("BTC/USDT")}, step="1s", ready=4000, account=Account()) as made:
        yield made


@pytest.fixture
def daemon(tmp_path, fake):
    environ = {"EXCHANGE_KEY": fake.account.key, "EXCHANGE_SECRET": fake.account.secret}
    with Daemon(tmp_path, SETTINGS.format(exchange=fake.url), environ) as made:
        yield made


def approved(daemon, fake):
    """An approval as any other process writes it: with its order, in one transaction; stop and targets far away."""
    clock = SystemClock()
    now = D(round(fake._last(fake.markets["BTC/USDT"])))
    fake.account.prices["BTCUSDT"] = now
    targets = tuple(Target(r=D(k), price=now * (10 + k) / 10, share=D("0.5")) for k in (1, 2))
    wanted = replace(wish(), price=now, stop=now * 9 / 10, targets=targets)
    store = open_store(f"sqlite:///{daemon.state}", clock=clock, migrate=False)
    with store.transaction():
        order = order_entry(store, post(store, wanted, TradingRules(), (), clock.now()), "binance", clock.now())
    store.close()
    return order


def test_a_daemon_killed_while_an_order_is_out_finds_it_and_ends_the_trade(daemon, fake):
    daemon.start()
    wait_for(lambda: daemon.count("analyses"))
    fake.fail(FaultKind.SLOW, method="POST", path="/order", times=1, seconds=60)
    order = approved(daemon, fake)
    wait_for(lambda: fake.account.orders)
    daemon.kill()
    fake.heal()
    assert daemon.rows("SELECT state FROM orders") == [("sent",)]
    daemon.start()
    wait_for(lambda: daemon.count("orders", "leg = 'stop' AND state = 'open'"))
    assert len(fake.account.of(order.client_id)) == fake.account.posts.count(order.client_id) == 1
    said = daemon.command("trades", "exit", "1")
    assert (said.returncode, "goes to binance" in said.stdout) == (0, True)
    wait_for(lambda: daemon.count("trades", "state = 'closed'"))
    listed = json.loads(daemon.command("orders", "list", "--json").stdout)
    assert [(o["leg"], o["state"]) for o in listed] == [("exit", "filled"), ("stop", "cancelled"), ("entry", "filled")]
    assert fake.account.balances["BTC"] == 0
    assert daemon.stop() == 0
    reasons = {row[0] for row in daemon.rows("SELECT reason FROM changes")}
    assert {"TRADE_OPENED", "TRADE_CLOSED"} <= reasons
    text = daemon.log.read_text() + repr(listed)
    assert fake.account.key not in text
    assert fake.account.secret not in text
