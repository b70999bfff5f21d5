"""The guide's two stories through the public commands: a night in which the person acts, a day in which it holds."""

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import httpx
import numpy as np
import pytest

from hybridd.alerts.routing import Route, Step
from hybridd.brokerage import desk_of
from hybridd.cli.main import run
from hybridd.clock import ManualClock, SystemClock
from hybridd.config.schema import Settings
from hybridd.dashboard.app import Door, make_app
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.guard import Activity
from hybridd.dashboard.logins import Logins
from hybridd.dashboard.serve import Server, Serving, own_socket
from hybridd.decisions.propose import ProposeRules
from hybridd.delivery.memory import MemoryChannel
from hybridd.market.simulated import SimulatedFeed
from hybridd.model.candle import Candles
from hybridd.model.change import Severity
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.observe import Opinion, Origin, Past, Rules, observe
from hybridd.pipeline.past import recall
from hybridd.pipeline.record import Finding, record
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from hybridd.trading.sizing import SizeRules

FRAME, KEY = parse_timeframe("5m"), b"k" * 32
ORIGIN = Origin(symbol="BTC/USDT", timeframe=FRAME, source="binance", simulated=False)
ROUTE = Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=("memory",)),))
RULES = Rules(routes=(ROUTE,), trading=TradingRules(making=True, size=SizeRules(account=Decimal(10_000)), key=KEY))


class Life:
    """A watched market and a person at a terminal."""

    def __init__(self, folder, capsys):
        self.capsys, self.config = capsys, folder / "hybridd.toml"
        self.config.write_text(f'[database]\nurl = "sqlite:///{folder}/state.db"\n[trading]\naccount = 10000\n')
        # The commands live in the present, so the story ends now.
        self.clock, self.channel = ManualClock(SystemClock().now() - 60 * 60_000), MemoryChannel()
        self.store = open_store(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.courier = Courier(store=self.store, channel=self.channel, clock=self.clock, zone="UTC")
        self.past = recall(self.store, "BTC/USDT", "5m") or Past()
        self.rules = RULES

    def candle(self, score, price=45_250.0, confidence=0.87, at=None):
        self.clock.advance(5 * 60_000)
        if at is not None:
            self.clock.set(at)
        now = self.clock.now()
        opinion = Opinion(
            candle_close=now, price=price, high=price, low=price, score=score, confidence=confidence,
            agreeing=13, answered=15, layers=15, degraded=False,
        )  # fmt: skip
        trades = self.store.trades.open_trades("BTC/USDT")
        observation, self.past = observe(self.past, opinion, ORIGIN, self.rules, trades, now)
        finding = Finding(
            symbol="BTC/USDT", timeframe="5m", fresh={}, quarantined=(), observations=(observation,), past=self.past,
            seen_close=now, atr=150.0,
        )  # fmt: skip
        record(self.store, [finding], self.rules, {"memory": self.channel.recipients}, now)
        told = len(self.channel.sent)
        self.courier.round(lambda: False)
        return [message.title for message in self.channel.sent[told:]]

    def hybridd(self, *words):
        self.capsys.readouterr()
        code = run([*map(str, words), "--config", str(self.config)])
        said = self.capsys.readouterr()
        assert code == 0, said.err + said.out
        return said.out


@pytest.fixture
def life(tmp_path, capsys):
    made = Life(tmp_path, capsys)
    yield made
    made.store.close()


def test_a_trade_in_the_person_s_own_hands_follows_its_plan_from_target_to_target(life):
    three = ProposeRules(targets=(1, 1.618, 2.618))
    life.rules = replace(RULES, trading=replace(RULES.trading, propose=three))
    life.candle(55, at=now_ms() - 50_000)
    life.candle(82, at=now_ms() - 45_000)
    life.hybridd("approve", 1, "--price", "45260")  # ten above what was proposed: the distances stay
    (trade,) = json.loads(life.hybridd("trades", "list", "--json"))
    assert (trade["stop_price"], trade["target_price"]) == (45_035.0, 45_485.0)
    assert [t["share"] for t in trade["targets"]] == ["0.3333", "0.3333", "0.3334"]
    life.candle(82, price=45_490.0, at=now_ms() + 5_000)
    told = life.channel.sent[-1]
    assert "The target of trade 1 at 45,485.00 was reached" in told.text
    assert "Target 1 of 3: 33% of the trade leaves here." in told.text
    life.hybridd("trades", "close", "1", "45490", "--percent", "33.33")
    (trade,) = json.loads(life.hybridd("trades", "list", "--json"))
    assert (trade["stop_price"], trade["reached"]) == (45_260.0, 1)
    assert trade["target_price"] == pytest.approx(45_260 + 1.618 * 225, abs=0.06)  # in steps of 0.1
    life.candle(82, price=45_630.0, at=now_ms() + 10_000)
    assert "Target 2 of 3: 33% of the trade leaves here." in life.channel.sent[-1].text
    told = len(life.channel.sent)
    life.candle(82, price=45_640.0, at=now_ms() + 15_000)
    assert len(life.channel.sent) == told  # each target once
    life.candle(82, price=45_250.0, at=now_ms() + 20_000)
    assert "45,260.00" in life.channel.sent[-1].title  # the stop at the entry
    assert life.hybridd("trades", "close", "1", "45255").startswith("trade 1 is closed @ ")
    assert {row.action for row in life.store.audit.list(50)} >= {"target reached", "trade reduced", "trade closed"}


def test_an_entry_that_is_recorded_later_has_the_plan_of_its_proposal(life):
    life.candle(55, at=now_ms() - 50_000)
    life.candle(82, at=now_ms() - 45_000)
    life.hybridd("approve", 1)
    made = json.loads(life.hybridd("trades", "open", "BTC/USDT", "LONG", "45260", "--proposal", "1", "--json"))
    assert (made["stop_price"], made["target_price"], made["proposal_id"]) == (45_035.0, 45_710.0, 1)
    assert made["quantity"] == float(life.store.proposals.get(1).quantity)
    own = json.loads(
        life.hybridd(
            "trades", "open", "BTC/USDT", "LONG", "45260", "--proposal", "1", "--stop", "45000", "--quantity", "0.01",
            "--json",
        )
    )  # fmt: skip
    assert (own["stop_price"], own["quantity"], own["target_price"]) == (45_000.0, 0.01, 45_710.0)
    capture = run(["trades", "open", "BTC/USDT", "SHORT", "45260", "--proposal", "1", "--config", str(life.config)])
    assert capture == 2


def now_ms():
    return SystemClock().now()


def test_the_night_55_58_82_an_alert_a_yes_and_a_trade_that_is_recorded(life):
    assert life.candle(55) == []
    assert life.candle(58) == []
    (title,) = life.candle(82, at=now_ms())
    assert title.startswith("BTC/USDT LONG 82 (was NEUTRAL 58) @ 45,250.00")
    (proposal,) = json.loads(life.hybridd("proposals", "list", "--json"))["proposals"]
    assert (proposal["side"], proposal["state"]) == ("LONG", "open")
    assert "stop 45,025.00" in life.hybridd("proposals", "show", proposal["id"])
    said = life.hybridd("approve", proposal["id"], "--price", "45250", "--reason", "all agree")
    assert "Trade ID #1, LONG BTC/USDT, Entry @ 45,250.00" in said
    (trade,) = json.loads(life.hybridd("trades", "list", "--json"))
    assert (trade["status"], trade["proposal_id"], trade["stop_price"]) == ("open", proposal["id"], 45_025.0)
    assert life.hybridd("trades", "close", "1", "45700").startswith("trade 1 is closed @ 45,700.00: +")
    assert json.loads(life.hybridd("trades", "stats", "--json"))["winning_trades"] == 1


@contextmanager
def web_of(app):
    """A browser before the web process."""
    server, begun = Server(app, Activity(), Serving(head_s=1, keep_alive_s=1)), threading.Event()
    listening = own_socket("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listening], begun.set))
    thread.start()
    assert begun.wait(20)
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=20) as web:
        yield web
    server.end()
    thread.join(20)


def test_the_night_by_the_link_of_the_message_a_typed_code_and_a_broker(life):
    life.rules = replace(RULES, trading=replace(RULES.trading, broker="paper"))
    life.courier = Courier(
        store=life.store, channel=life.channel, clock=life.clock, zone="UTC", public_url="https://me.example", key=KEY
    )
    for score in (55, 58, 82):
        life.candle(score)
    told = life.channel.sent[-1]
    link = re.search(r"https://me\.example(/a/\S+)", told.text)[1]
    code = re.search(r"Your code, to be typed with your answer: ([0-9A-F]{2})\.", told.text)[1]
    desk = Desk(store=life.store, rules=replace(life.rules.trading, key=b""), clock=life.clock, broker="paper")
    app = make_app(desk, Door(hosts=frozenset({"127.0.0.1"})), Logins(life.store, life.clock), Activity())
    with web_of(app) as web:
        assert "LONG BTC/USDT @ 45,250.00" in web.get(link).text
        assert life.store.proposals.get(1).state == "open"  # looking changes nothing
        assert web.post(link, data={"code": "", "decision": "approve", "reason": ""}).status_code == 400
        said = web.post(link, data={"code": code, "decision": "approve", "reason": "all agree"})
        assert (said.status_code, "The paper broker carries it out" in said.text) == (200, True)
    settings = Settings.model_validate({"trading": {"broker": "paper", "account": 10_000.0}})
    watcher = desk_of(
        settings, life.store, SimulatedFeed(clock=life.clock, seed=1, timeframe=FRAME), life.clock,
        life.rules.trading, (ROUTE,), {"memory": life.channel.recipients},
    )  # fmt: skip
    watcher.turn()
    opened = life.clock.now() // FRAME.ms * FRAME.ms + FRAME.ms
    column = np.array([45_260.0])
    life.store.candles.save("BTC/USDT", "5m", Candles(FRAME.ms, np.array([opened]), *[column] * 4, np.ones(1)))
    life.clock.set(opened + FRAME.ms)
    for _ in range(3):
        life.store.events.append("test", "", {}, life.clock.now())
        watcher.turn()
    (trade,) = json.loads(life.hybridd("trades", "list", "--json"))
    entry = pytest.approx(45_260 * 1.0005)  # with slippage
    assert (trade["status"], trade["proposal_id"], trade["broker"], trade["entry_price"]) == ("open", 1, "paper", entry)
    life.courier.round(lambda: False)
    assert "Trade 1: LONG BTC/USDT" in life.channel.sent[-1].text
    listed = json.loads(life.hybridd("orders", "list", "--json"))
    assert sorted((o["leg"], o["state"]) for o in listed) == [("entry", "filled"), ("stop", "open"), ("target", "open")]


def test_the_day_holding_through_78_42_72(life):
    life.candle(60)
    assert life.candle(78, at=now_ms() - 20 * 60_000)
    life.store.proposals.list()
    first = life.store.proposals.list()[0]
    trade_id = json.loads(
        life.hybridd("trades", "open", "BTC/USDT", "LONG", "45250", "--stop", "44000", "--json")
    )["id"]  # fmt: skip
    assert any("NEUTRAL 42" in title for title in life.candle(42, price=45_100.0, at=now_ms() - 3_000))
    assert life.store.proposals.get(first.id).state == "superseded"
    life.hybridd("hold", "--trade", trade_id, "--reason", "the trend of the day is up")
    life.candle(72, price=45_600.0, at=now_ms())
    (trade,) = json.loads(life.hybridd("trades", "list", "--open", "--json"))
    assert trade["running_percent"] > 0.5
    held = [row for row in life.store.audit.list(50) if row.action == "trade held"]
    assert [(row.subject, row.data["reason"]) for row in held] == [(str(trade_id), "the trend of the day is up")]
