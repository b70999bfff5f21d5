"""Whatever the scores do: every change has one verdict, nothing is told too often, and nothing stays untold."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridd.alerts.flapping import FlapRules
from hybridd.alerts.policy import PolicyRules
from hybridd.clock import ManualClock
from hybridd.model.analysis import Signal
from hybridd.model.change import Reason
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.observe import Opinion, Origin, Past, Rules, observe
from hybridd.pipeline.past import recall
from hybridd.pipeline.record import Finding, record
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules
from hybridd.store.store import open_store
from tests.makers import STEP, T0, trade

ORIGIN = Origin(symbol="BTC/USDT", timeframe=parse_timeframe("5m"), source="binance", simulated=False)
COOL = 3 * STEP

scores = st.one_of(
    st.floats(0, 100), st.sampled_from([0.0, 30.0, 35.0, 40.0, 40.1, 50.0, 59.9, 60.0, 64.9, 65.0, 70.0, 100.0])
)
candle = st.tuples(scores, st.floats(0, 1), st.floats(90, 110), st.integers(1, 3), st.booleans())
"""Score, confidence, price, candles since the one before, whether it was found too late to be told."""
paths = st.lists(candle, min_size=1, max_size=40)
confirms = st.integers(1, 3)
TRADES = (
    trade("LONG", id=1, stop_price=95.0, target_price=105.0, at=T0 - STEP),
    trade("SHORT", id=2, stop_price=105.0, target_price=95.0, at=T0 + 4 * STEP),
)


FLAPS = FlapRules(turns=2, window_ms=8 * STEP, calm_ms=4 * STEP)


def rules_with(confirm, flapping=None):
    return Rules(
        signal=SignalRules(confirm=confirm),
        change=ChangeRules(cooldown_ms=COOL),
        policy=PolicyRules(cooldown_ms=COOL, flapping=flapping or FlapRules()),
    )


def walk(path, confirm, past=None, close=T0, trades=TRADES, flapping=None):
    """The observation of each candle, and the past after it."""
    past, rules = past or Past(), rules_with(confirm, flapping)
    for score, confidence, price, apart, late in path:
        close += apart * STEP
        opinion = Opinion(
            candle_close=close, price=price, high=price, low=price, score=score, confidence=confidence, agreeing=1,
            answered=1, layers=1, degraded=False,
        )  # fmt: skip
        now = close + (rules.time_to_live_ms + 1 if late else 0)
        seen, past = observe(past, opinion, ORIGIN, rules, trades, now)
        yield seen, past


def told(seen):
    return [v.change for v in seen.verdicts if v.suppressed is None]


@settings(max_examples=80, deadline=None)
@given(path=paths, confirm=confirms)
def test_every_change_has_exactly_one_verdict_and_a_late_analysis_none(path, confirm):
    for seen, _ in walk(path, confirm):
        named = [(v.change.reason, v.change.subject) for v in seen.verdicts]
        assert len(named) == len(set(named))
        assert not (seen.analysis.late and named)


@settings(max_examples=80, deadline=None)
@given(path=paths, confirm=confirms)
def test_no_reason_is_told_twice_within_its_cool_down_and_of_a_trade_only_once(path, confirm):
    last = {}
    for seen, _ in walk(path, confirm):
        for change in told(seen):
            key = (change.reason, change.subject)
            if key in last:
                assert not change.subject.startswith("trade"), "a trade is told of once"
                assert change.at - last[key] >= COOL
            last[key] = change.at


@settings(max_examples=120, deadline=None)
@given(path=paths, confirm=confirms)
def test_a_signal_that_the_person_does_not_know_is_told_at_latest_one_cool_down_later(path, confirm):
    """Told of: by an alert that says that the signal has changed, not by one that mentions it among other things."""
    known, unknown_since = Signal.NEUTRAL, None
    for seen, past in walk(path, confirm, trades=()):
        analysis = seen.analysis
        if analysis.late:
            continue
        if any(change.reason is Reason.SIGNAL_CHANGED for change in told(seen)):
            known = analysis.signal
        if analysis.signal is known:
            unknown_since = None
        elif unknown_since is None:
            unknown_since = analysis.candle_close
        assert past.memory.told_signal is known
        if unknown_since is not None:
            assert analysis.candle_close - unknown_since < COOL, "the signal has changed and nobody was told"


JUMP_HIDES_A_TURN = [(65.0, 0.0, 90.0, 1, False), *[(0.0, 0.0, 90.0, 1, False)] * 3]
"""The second turn cools down while news of its jump goes out, and is told as a turn when it may be."""


@settings(max_examples=80, deadline=None)
@given(path=paths, confirm=confirms)
@example(path=JUMP_HIDES_A_TURN, confirm=1)
def test_what_is_said_to_have_been_before_is_what_was_last_told_or_analysed(path, confirm):
    """Told as a change of signal: news of another kind mentions the signal, and nobody reads a turn from that."""
    known, before = Signal.NEUTRAL, None
    for seen, _ in walk(path, confirm, trades=()):
        for change in told(seen):
            if change.reason is Reason.SIGNAL_CHANGED:
                assert change.after == seen.analysis.signal
                assert change.before != change.after
                was = before.signal.value if before else "NEUTRAL"
                assert change.before == (known.value if change.deferred_from is not None else was)
                known = seen.analysis.signal
        if not seen.analysis.late:
            before = seen.analysis


@settings(max_examples=100, deadline=None)
@given(path=paths, confirm=confirms)
def test_memory_holds_nothing_of_trades_that_are_closed(path, confirm):
    past = Past()
    for _, after in walk(path, confirm):
        past = after
    assert {key.partition(":")[2] for key in past.memory.told_at} <= {"BTC/USDT", "trade 1", "trade 2"}
    end = [(50.0, 0.5, 100.0, 1, False)]
    for _, after in walk(end, confirm, past, T0 + 200 * STEP, trades=TRADES[1:]):
        assert "trade 1" not in {key.partition(":")[2] for key in after.memory.told_at}
        kept = {k: v for k, v in past.memory.told_at.items() if k.endswith("trade 2")}
        assert kept.items() <= after.memory.told_at.items()


def stored(store, clock, path, confirm, cuts, flapping=None):
    """The verdicts of a walk that forgets everything but the state before the candles in `cuts`."""
    past, close, found = Past(), T0, []
    for i, step in enumerate(path):
        if i in cuts:
            past = recall(store, "BTC/USDT", "5m") or Past()
        ((seen, past),) = walk([step], confirm, past, close, flapping=flapping)
        close = seen.analysis.candle_close
        finding = Finding(
            symbol="BTC/USDT", timeframe="5m", fresh={}, quarantined=(), observations=(seen,), past=past,
            seen_close=close,
        )  # fmt: skip
        clock.set(seen.analysis.made_at)
        record(store, [finding], rules_with(confirm, flapping), {}, clock.now())
        found.append((seen.verdicts, seen.analysis.state, seen.analysis.late))
    return found


@settings(max_examples=25, deadline=None)
@given(
    path=st.lists(candle, min_size=1, max_size=15),
    confirm=confirms,
    cuts=st.sets(st.integers(0, 14)),
    flapping=st.sampled_from([None, FLAPS]),
)
def test_a_restart_at_any_point_changes_no_verdict(path, confirm, cuts, flapping):
    clock = ManualClock(T0)
    store = open_store("sqlite://:memory:", clock=clock)
    try:
        found = stored(store, clock, path, confirm, cuts, flapping)
        assert store.changes.conservation().missing == 0
    finally:
        store.close()
    assert found == [
        (seen.verdicts, seen.analysis.state, seen.analysis.late) for seen, _ in walk(path, confirm, flapping=flapping)
    ]


@settings(max_examples=120, deadline=None)
@given(path=paths, confirm=confirms)
def test_whoever_was_told_that_it_flaps_is_told_the_outcome_when_it_has_kept_still(path, confirm):
    still = [(50.0, 0.5, 100.0, 1, False)] * 12
    seen = [(one, past) for one, past in walk(path + still, confirm, trades=(), flapping=FLAPS)]
    last = seen[-1][1].memory
    assert last.flapping_at is None
    assert last.told_signal is seen[-1][0].analysis.signal
    told_of = [change.reason for one, _ in seen for change in told(one)]
    assert told_of.count(Reason.SIGNAL_CALM) >= (1 if Reason.SIGNAL_FLAPPING in told_of else 0)


def test_the_walk_of_these_tests_finds_something():
    path = [(score, score / 100, 100.0, 1, False) for score in (50, 90, 50, 50, 50, 50, 20, 90)]
    seen = [change.reason for one, _ in walk(path, 1) for change in told(one)]
    assert {Reason.SIGNAL_CHANGED, Reason.SCORE_JUMP, Reason.CONFIDENCE_HIGH} <= set(seen)
