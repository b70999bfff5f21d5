"""The StateManager that users of the original guide know."""

import math
from datetime import UTC, datetime

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import ConfigError, DataError
from hybridd.library.state_manager import StateManager
from hybridd.store.store import open_store
from tests.makers import T0

HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
def clock():
    return ManualClock(T0)


@pytest.fixture
def state(tmp_path, clock):
    with StateManager(f"sqlite:///{tmp_path}/state.db", clock=clock) as opened:
        yield opened


def test_an_analysis_is_stored_with_its_layers(state, tmp_path, clock):
    layers = {"trend": 71, "macro": None, "volume": {"score": 40.5, "weight": 1.5, "reason": "CMF -0.1"}}
    first = state.record_analysis(75, "LONG", 0.92, price=45_250.0, layers=layers)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock)
    found = store.analyses.last("BTC/USDT", "5m")
    store.close()
    assert isinstance(first, int)
    assert (found.score, found.signal, found.confidence, found.price) == (75, "LONG", 0.92, 45_250)
    assert (found.answered, found.layers, found.agreeing, found.missing) == (2, 3, 1, ("macro",))
    assert {r.layer: (r.score, r.weight, r.reason) for r in found.readings} == {
        "trend": (71, 1.0, ""),
        "macro": (None, 1.0, ""),
        "volume": (40.5, 1.5, "CMF -0.1"),
    }


def test_the_guides_story_has_its_trends(state, clock):
    for score in (62, 64, 75):
        state.record_analysis(score, "LONG", 0.8)
        clock.advance(300_000)
    up = state.get_trend(hours=24)
    assert up == {
        "trend": "UP", "change": 13, "percent_change": pytest.approx(20.9677, abs=1e-4),
        "first_score": 62, "last_score": 75, "samples": 3,
    }  # fmt: skip
    clock.advance(25 * HOUR)
    assert state.get_trend(hours=24)["trend"] == "INSUFFICIENT_DATA"


def test_a_score_of_nothing_is_a_score(state, clock):
    for score in (0, 10):
        state.record_analysis(score, "SHORT", 0)
    found = state.get_trend()
    assert (found["trend"], found["change"], found["percent_change"], found["first_score"]) == ("UP", 10, None, 0)


def test_two_analyses_in_one_millisecond_are_two(state):
    assert state.record_analysis(62, "LONG", 0.8) != state.record_analysis(75, "LONG", 0.8)
    assert state.get_trend()["samples"] == 2


def test_a_trend_is_of_one_symbol(state, clock):
    for symbol, score in (("BTCUSDT", 10), ("ETH/USDT", 50), ("BTC/USDT", 90), ("ETH/USDT", 51)):
        clock.advance(1)
        state.record_analysis(score, "NEUTRAL", 0.5, symbol=symbol)
    assert state.get_trend()["last_score"] == 51
    assert state.get_trend(symbol="BTC-USDT")["change"] == 80
    assert state.get_trend(symbol="SOL/USDT")["samples"] == 0


def test_a_moment_is_recorded_once(state):
    state.record_analysis(62, "LONG", 0.8, at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="has an analysis at"):
        state.record_analysis(63, "LONG", 0.8, at=1_767_225_600_000)


def test_an_empty_state_has_no_trend(state):
    assert state.get_trend() == {
        "trend": "INSUFFICIENT_DATA", "change": None, "percent_change": None,
        "first_score": None, "last_score": None, "samples": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((math.nan, "LONG", 0.5), "the score is nan → give a number from 0 to 100"),
        ((math.inf, "LONG", 0.5), "the score is inf"),
        ((-0.1, "LONG", 0.5), "the score is -0.1"),
        ((100.1, "LONG", 0.5), "the score is 100.1"),
        (("75", "LONG", 0.5), "the score is '75' → give a number from 0 to 100"),
        ((True, "LONG", 0.5), "the score is True"),
        ((75, "UP", 0.5), '"UP" is not a signal → give LONG, SHORT or NEUTRAL'),
        ((75, "LONG", 92), "the confidence is 92 → give a number from 0 to 1"),
        ((75, "LONG", 0.5, "???"), '"???" is not a symbol'),
        ((75, "LONG", 0.5, "BTC/USDT", "5x"), '"5x" is not a time frame'),
        ((75, "LONG", 0.5, "BTC/USDT", "5m", 0), "the price is 0 → give a number above 0"),
        ((75, "LONG", 0.5, "BTC/USDT", "5m", 1, "now"), "'now' is not a moment"),
        ((75, "LONG", 0.5, "BTC/USDT", "5m", 1, datetime(2026, 1, 1)), "names no instant"),  # noqa: DTZ001
        ((75, "LONG", 0.5, "BTC/USDT", "5m", 1, 1, {"trend": 101}), "the score of layer trend is 101"),
    ],
)
def test_refuses_an_analysis_that_cannot_be(state, arguments, line):
    with pytest.raises(DataError) as error:
        state.record_analysis(*arguments)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert state.get_trend()["samples"] == 0


def test_a_trade_is_recorded_closed_and_counted(state, clock):
    trade_id = state.record_trade("LONG", 100, stop_price=95, target_price=112)
    clock.advance(HOUR)
    closed = state.close_trade(trade_id, 110, reason="enough")
    assert (closed["id"], closed["side"], closed["status"], closed["pnl_percent"]) == (
        trade_id, "LONG", "closed", pytest.approx(10),
    )  # fmt: skip
    loser = state.record_trade("short", 100, symbol="ETHUSDT", fee_percent=0.1)
    assert state.close_trade(loser, 105)["pnl_percent"] == pytest.approx(-5.205)
    state.record_trade("LONG", 50)
    found = state.get_statistics()
    assert (found["total_trades"], found["winning_trades"], found["losing_trades"]) == (2, 1, 1)
    assert (found["win_rate"], found["open_trades"]) == (50, 1)
    assert found["profit_factor"] == pytest.approx(10 / 5.205)
    names = "avg_pnl max_pnl min_pnl profit_factor sharpe sortino max_drawdown expectancy total_return"
    assert set(names.split()) <= set(found)
    assert state.get_statistics(symbol="ETH/USDT")["total_trades"] == 1


def test_history_and_statistics_look_back_so_many_days(state, clock):
    old = state.record_trade("LONG", 100, at=T0 - 10 * DAY)
    state.close_trade(old, 110, at=T0 - 9 * DAY)
    straddles = state.record_trade("LONG", 100, at=T0 - 8 * DAY)
    state.close_trade(straddles, 90, at=T0 - DAY)
    assert [t["id"] for t in state.get_trade_history()] == [straddles]
    assert [t["id"] for t in state.get_trade_history(days=None)] == [old, straddles]
    assert state.get_statistics(days=7)["avg_pnl"] == pytest.approx(-10)
    assert state.get_statistics()["total_trades"] == 2


def test_refuses_a_trade_that_cannot_be(state):
    for arguments, line in {
        ("NEUTRAL", 100): "opens no trade",
        ("HOLD", 100): "is not a signal",
        ("LONG", 0): "the entry price is 0",
        ("LONG", math.nan): "the entry price is nan",
        ("LONG", "100"): "the entry price is '100'",
        ("LONG", 100, "BTC/USDT", -1): "the quantity is -1",
    }.items():
        with pytest.raises(DataError, match=line):
            state.record_trade(*arguments)
    assert state.get_trade_history() == []


def test_a_trade_closes_once(state):
    trade_id = state.record_trade("LONG", 100)
    state.close_trade(trade_id, 110)
    with pytest.raises(DataError, match=f"trade {trade_id} is closed already"):
        state.close_trade(trade_id, 120)
    with pytest.raises(DataError, match="there is no trade 99"):
        state.close_trade(99, 120)
    assert state.get_statistics()["avg_pnl"] == pytest.approx(10)


def test_values_survive_a_restart(tmp_path):
    url = f"sqlite:///{tmp_path}/state.db"
    with StateManager(url) as state:
        state.set_state("mode", {"paused": True})
    with StateManager(url) as state:
        assert state.get_state("mode") == {"paused": True}
        assert state.get_state("absent") is None
        assert state.get_state("absent", 5) == 5
        with pytest.raises(DataError, match='"mode" cannot be kept'):
            state.set_state("mode", {1, 2})


def test_another_database_is_refused():
    with pytest.raises(ConfigError, match=r"only sqlite:// in this version"):
        StateManager("postgresql://localhost/x")
