"""Which broker the settings make: real orders come about in exactly one way, and whoever acts unasked says so."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec import structs

from hybridd.alerts.compose import health_alert
from hybridd.alerts.routing import JOURNAL
from hybridd.app import feed_of
from hybridd.brokerage import broker_of, desk_of, quotes_of
from hybridd.brokers.dialects import DIALECTS, dialect_of
from hybridd.brokers.fitness import incapable
from hybridd.clock import ManualClock, SystemClock
from hybridd.config.load import load
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text
from hybridd.errors import ConfigError
from hybridd.market.library import open_exchange
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.candle import Candles
from hybridd.model.change import Reason
from hybridd.model.proposal import ProposalEvent, ProposalState
from hybridd.model.trade import AUTO, Side
from hybridd.pipeline.conditions import _broker
from hybridd.pipeline.decide import Answer, Result, decide
from hybridd.pipeline.propose import post
from hybridd.pipeline.quotes import fresh_quote
from hybridd.pipeline.record import post as record_post
from hybridd.pipeline.rules import rules_of
from hybridd.pipeline.standing import set_pause
from hybridd.store.store import open_store
from hybridd.trading.risk import Pause
from tests.fakes.binance_orders import Account
from tests.makers import STEP, analysis
from tests.unit.brokers.exchange_house import SPOT, SWAP, D, an_exchange
from tests.unit.pipeline.trade_house import proposal, wish

KEY, SECRET = "key-of-the-test", "secret-of-the-test"
COMBINATIONS = list(
    itertools.product(
        ("manual", "paper", "exchange"), (False, True), (False, True), ("", KEY), ("", SECRET),
        ("exchange", "recorded", "simulated"),
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def fake():
    with an_exchange() as made:
        yield made[0]


@pytest.fixture
def account(fake):
    fake.heal()
    fake.account = Account()
    return fake.account


def facts(fake, folder, *, broker, live, auto, key, secret, source):
    return {
        "monitor": {"symbols": ["BTC/USDT"], "timeframe": "5m"},
        "market": {"source": source, "base_url": fake.url, "path": str(folder)},
        "trading": {
            "broker": broker, "live": live, "auto": auto, "api_key": key, "api_secret": secret, "account": 100_000.0,
        },
        "database": {"url": f"sqlite:///{folder}/state.db"},
    }  # fmt: skip


class Room:
    """A state, and the trade job that the settings make of it; the signal is LONG and fresh."""

    def __init__(self, folder, clock=None, **settings):
        (folder / "BTCUSDT-5m.csv").write_text("ts,open,high,low,close,volume\n1750000200000,1,1,1,1,1\n")
        self.clock = clock or SystemClock()
        self.settings = Settings.model_validate(settings)
        self.store = open_store(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.rules = rules_of(self.settings)
        self.feed = feed_of(self.settings, self.clock)
        self.desk = desk_of(
            self.settings, self.store, self.feed, self.clock, self.rules.trading, self.rules.routes,
            {JOURNAL: [JOURNAL]},
        )  # fmt: skip

    def propose(self, made=None):
        made, now = made or wish(), self.clock.now()
        seen = analysis(
            80.0 if made.side is Side.LONG else 20.0, made.side.value, at=now // STEP * STEP, price=float(made.price),
            symbol=made.symbol, made_at=now,
        )  # fmt: skip
        self.store.analyses.add_many([seen])
        fresh = {"created_at": now, "expires_at": now + 900_000, "candle_close": seen.candle_close}
        with self.store.transaction():
            return post(self.store, replace(made, **fresh), self.rules.trading, (), now)

    def approve(self, made):
        answer = Answer(proposal_id=made.id, event=ProposalEvent.APPROVE, actor="cli:me", channel="cli")
        return decide(self.store, answer, self.rules.trading, self.clock.now())

    def turns(self, count=4):
        for _ in range(count if self.desk else 0):
            self.desk.turn()

    def told(self):
        return [a.changes[0] for a in reversed(self.store.alerts.list(state=AlertState.FIRING))]

    def close(self):
        if self.desk:
            self.desk.close()
        self.feed.close()
        self.store.close()


@pytest.fixture
def room(fake, account, tmp_path):
    made = []

    def make(clock=None, **changes):
        settings = {"broker": "paper", "live": False, "auto": False, "key": "", "secret": "", "source": "exchange"}
        made.append(Room(tmp_path, clock, **facts(fake, tmp_path, **(settings | changes))))
        return made[-1]

    yield make
    for one in made:
        one.close()


LIVE = {"broker": "exchange", "live": True, "key": KEY, "secret": SECRET}


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_real_orders_come_about_in_exactly_one_way(room, account, combination):
    broker, live, auto, key, secret, source = combination
    made = room(broker=broker, live=live, auto=auto, key=key, secret=secret, source=source)
    wanted = made.propose()
    if not auto:
        made.approve(wanted)
    made.turns()
    real = (broker, live, key, secret, source) == ("exchange", True, KEY, SECRET, "exchange")
    assert bool(account.posts) is real
    assert bool(account.orders) is real


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_settings_that_would_not_do_what_they_say_are_refused(fake, tmp_path, combination):
    names = ("broker", "live", "auto", "key", "secret", "source")
    sections = facts(fake, tmp_path, **dict(zip(names, combination, strict=True)))
    path = tmp_path / "hybridd.toml"
    lines = [
        [f"[{name}]", *(f"{key} = {toml_text(value)}" for key, value in keys.items())]
        for name, keys in sections.items()
    ]
    path.write_text("\n".join(itertools.chain(*lines)))
    broker, live, auto, key, secret, source = combination
    whole = live and bool(key) and bool(secret) and source == "exchange"
    fine = whole if broker == "exchange" else not live and not (auto and broker == "manual")
    lines = refused(path)
    assert bool(lines) is not fine, lines
    assert all("[H01" in line and "→" in line for line in lines)
    assert SECRET not in "".join(lines)


def refused(path):
    try:
        load(path, {})
    except ConfigError as error:
        return error.lines
    return ()


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        ("kraken", "no orders can be sent to kraken (spot): ccxt cannot find an order by a name of our own there"),
        ("coinbase", "no orders can be sent to coinbase (spot): ccxt cannot send an order by a name of our own there"),
        ("bybit", "no orders can be sent to bybit (spot): its stops wait beside the book"),
        ("okx", "no orders can be sent to okx (spot): it needs trading.api_password as well"),
    ],
)
def test_an_exchange_that_lacks_what_safety_needs_is_refused_in_one_line(room, exchange, why):
    made = room(**LIVE)
    other = made.settings.model_copy(update={"market": made.settings.market.model_copy(update={"exchange": exchange})})
    with pytest.raises(ConfigError) as refused:
        broker_of(other, made.store, made.feed, made.clock)
    assert str(refused.value).startswith(why)
    assert "\n" not in str(refused.value)
    assert 'set trading.broker = "paper"' in refused.value.remedy


@pytest.mark.parametrize("perpetual", [False, True])
@pytest.mark.parametrize("exchange", sorted(DIALECTS))
def test_an_exchange_with_a_dialect_of_its_own_can_do_all_of_it(exchange, perpetual):
    def opened():
        made = open_exchange(
            exchange=exchange, market_type="swap" if perpetual else "spot", base_url="", timeout=1.0
        )  # fmt: skip
        made.apiKey, made.secret, made.password = "k", "c2VjcmV0", "p"
        return made

    if exchange != "binanceus" or not perpetual:
        assert incapable(opened, perpetual, dialect_of(exchange)) == ""


def test_keys_stand_in_no_broker(room):
    made = room(**LIVE)
    assert KEY not in repr(broker_of(made.settings, made.store, made.feed, made.clock))


def test_what_the_broker_did_is_told_by_alerts_that_add_up(room, account):
    made = room(**LIVE)
    assert made.approve(made.propose()).result is Result.DONE
    made.turns()
    (change,) = made.told()
    assert (change.reason, change.subject) == (Reason.TRADE_OPENED, "trade 1")
    assert change.detail == "LONG BTC/USDT, 0.3 @ 30000 (binance)"
    assert made.store.changes.conservation().missing == 0
    account.refuse(-2010, "Account has insufficient balance for requested action.")
    made.store.trades.update(structs.replace(made.store.trades.get(1), stop_price=29_500.0))
    made.store.events.append("test", "", {}, 0)
    made.turns()
    assert [c.reason for c in made.told()] == [Reason.TRADE_OPENED, Reason.ORDER_REJECTED]
    assert "look at the account's balance" in made.told()[-1].detail


def test_by_itself_a_proposal_is_taken_with_all_checks_and_every_message_says_so(room, account):
    made = room(**LIVE, auto=True)
    wanted = made.propose(wish(SWAP))
    made.turns(6)
    decision = made.store.proposals.decision(wanted.id)
    assert (decision.event, decision.actor) == (ProposalEvent.APPROVE, AUTO)
    account.move("BTCUSDT", 28_000)
    made.store.events.append("test", "", {}, 0)
    made.turns(6)
    told = made.told()
    assert [c.reason for c in told] == [Reason.TRADE_OPENED, Reason.TRADE_CLOSED]
    assert all(c.detail.endswith("by itself (auto)") for c in told)
    assert made.store.trades.get(1).auto is True


def _paused(made):
    set_pause(made.store, Pause.PAUSED, "me", made.clock.now())


def _moved(made):
    at = made.clock.now() // STEP * STEP + 1
    made.store.analyses.add_many([analysis(80.0, "LONG", at=at, price=30_400.0, symbol=SPOT)])


def _gone(made):
    at = made.clock.now() // STEP * STEP + 1
    made.store.analyses.add_many([analysis(50.0, "NEUTRAL", at=at, price=30_000.0, symbol=SPOT)])


@pytest.mark.parametrize("spoil", [_paused, _moved, _gone])
def test_what_fails_a_check_is_left_to_the_person(room, account, spoil):
    made = room(**LIVE, auto=True)
    made.propose()
    spoil(made)
    made.turns()
    assert account.posts == []
    assert [p.state for p in made.store.proposals.open_ones()] == [ProposalState.OPEN]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (wish(quantity="0"), "has no size"),
        (replace(wish(), simulated=True), "its market is made up"),
        (wish(SPOT, Side.SHORT), "nothing can be sold short"),
    ],
)
def test_a_proposal_of_which_no_real_order_can_come_is_not_approved(room, account, made, words):
    there = room(**LIVE)
    answered = there.approve(there.propose(made))
    assert answered.result is Result.REFUSED
    assert words in answered.why
    there.turns()
    assert (account.posts, there.store.orders.list()) == ([], [])


def test_the_quote_of_an_open_proposal_is_kept_for_whoever_answers(room, account):
    made = room(broker="manual")
    quotes = quotes_of(made.store, made.feed, made.clock)
    quotes.turn()
    assert fresh_quote(made.store, SPOT, made.clock.now()) is None
    wanted = made.propose()
    quotes.turn()
    kept = fresh_quote(made.store, SPOT, made.clock.now())
    assert (kept.bid < 30_000 < kept.ask, kept.spread_percent) == (True, pytest.approx(0.06, rel=0.01))
    account.prices["BTCUSDT"] = D(31_000)
    quotes.turn()
    again = made.approve(wanted)
    assert (again.result, again.renewed.price > 31_000) == (Result.AGAIN, True)


@pytest.mark.parametrize("source", ["recorded", "simulated"])
def test_a_market_that_is_not_of_today_has_no_quotes(room, source):
    made = room(source=source)
    assert quotes_of(made.store, made.feed, made.clock) is None


@pytest.mark.parametrize(
    ("reason", "subject", "why"),
    [
        (Reason.BROKER_DOWN, "binance", "binance cannot be asked about orders at the moment"),
        (Reason.BROKER_DIFFERS, SPOT, "the account at binance does not hold what the trades of BTC/USDT say"),
    ],
)
def test_a_yes_is_refused_while_the_broker_cannot_carry_it_out(room, account, reason, subject, why):
    made = room(**LIVE)
    wanted = made.propose()
    alert = health_alert(reason, subject, "it does not answer", made.clock.now(), 900_000, simulated=False)
    stored = record_post(made.store, alert, made.rules.routes, {JOURNAL: [JOURNAL]}, made.clock.now())
    refused = made.approve(wanted)
    assert (refused.result, made.store.proposals.get(wanted.id).state) == (Result.REFUSED, ProposalState.OPEN)
    assert why in refused.objections[0].detail
    assert account.posts == []
    made.store.alerts.advance(stored.id, AlertEvent.RESOLVE, now=made.clock.now(), actor="hybridd")
    assert made.approve(wanted).result is Result.DONE


def test_paper_trades_live_on_stored_candles(room, account):
    made = room()
    assert made.approve(made.propose(replace(proposal(), symbol=SPOT))).result is Result.DONE
    made.turns(2)
    now = made.clock.now()

    def candle(at, first, high, low):
        rows = [np.array([x], dtype=float) for x in (first, high, low, first, 1.0)]
        made.store.candles.save(SPOT, "5m", Candles(STEP, np.array([at]), *rows))
        made.store.events.append("analysis", SPOT, {}, at)
        made.turns(4)

    candle(now + STEP, 100, 100, 100)
    assert made.store.trades.get(1).entry_price == 100.05
    candle(now + 2 * STEP, 100, 121, 100)
    trade = made.store.trades.get(1)
    assert (trade.broker, trade.state, trade.exit_reason) == ("paper", "closed", "target")
    assert [c.detail.rsplit("(", 1)[1] for c in made.told()] == ["paper)", "paper)"]
    assert D(trade.realised) > 0
    assert account.posts == []


def test_a_broker_that_stays_away_and_an_account_that_differs_are_conditions(room, account, fake):
    clock = ManualClock(fake.time())
    made = room(clock, **LIVE)
    made.approve(made.propose())
    made.turns()
    fake.fail(500, path="/order")

    def found():
        clock.advance(20_000)
        made.desk.turn()
        return {(c.reason, c.subject) for c in _broker(SimpleNamespace(desk=made.desk))}

    assert found() == set()
    assert found() == set()
    assert found() == {(Reason.BROKER_DOWN, "binance")}
    fake.heal()
    account.balances["BTC"] = D("0.1")
    for _ in range(3):
        differs = found()
    assert differs == {(Reason.BROKER_DIFFERS, SPOT)}
    account.balances["BTC"] = D("0.3")
    for _ in range(4):
        differs = found()
    assert differs == set()
