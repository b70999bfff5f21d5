"""A replay that passes over candles says what one says that takes every step, whatever scores, prices and rules do."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.alerts.compose import market_alert
from hybridd.alerts.policy import PolicyRules
from hybridd.analysis.brain import Scores
from hybridd.analysis.indicators import atr
from hybridd.config.schema import Settings
from hybridd.model.analysis import Analysis
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.analyze import LayerAnalyst
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.observe import Origin, Rules
from hybridd.pipeline.rules import rules_of
from hybridd.replay.run import Period, market_of, replay
from hybridd.replay.walk import every_step, telling_steps
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules
from hybridd.trading.follow import Follower, FollowRules
from hybridd.trading.statistics import statistics
from tests.makers import STEP, T0
from tests.recorded_candles import recorded

FRAME = parse_timeframe("5m")
WARM = 384  # candles that the true range needs before anything can be followed
ORIGIN = Origin(symbol="BTC/USDT", timeframe=FRAME, source="recorded", simulated=False)


@dataclass(frozen=True, slots=True)
class Path:
    """A walk of score, confidence and price, drawn from a seed; `lively`: points of score that a candle moves it."""

    seed: int
    n: int
    lively: float
    silent: float

    def draw(self):
        rng = np.random.default_rng(self.seed)
        score = np.zeros(self.n)
        for i in range(self.n):
            before = score[i - 1] if i else rng.uniform(30, 70)
            score[i] = np.clip(50 + (before - 50) * 0.97 + rng.standard_t(3) * self.lively, 0, 100)
        # Rounded, so that scores meet thresholds exactly.
        score = np.where(rng.random(self.n) < self.silent, np.nan, np.round(score, 1))
        score = np.r_[np.full(WARM, np.nan), score]
        confidence = np.round(np.clip(0.5 + np.cumsum(rng.normal(0, 0.1, self.n)) % 1 - 0.5, 0, 1), 2)
        return score, np.r_[np.zeros(WARM), confidence], rng.normal(0, 0.006, len(score))


paths = st.builds(
    Path,
    seed=st.integers(0, 2**32),
    n=st.integers(1, 400),
    lively=st.sampled_from([0.2, 0.6, 1.5, 6.0]),
    silent=st.sampled_from([0.0, 0.02, 0.5]),
)
pauses = st.sampled_from([0, STEP, 4 * STEP, 20 * STEP])
every_rule = st.builds(
    Rules,
    signal=st.builds(
        SignalRules,
        long_threshold=st.sampled_from([51.0, 54.0, 65.0]),
        short_threshold=st.sampled_from([49.0, 46.0, 35.0]),
        hysteresis=st.sampled_from([0.0, 1.0, 5.0]),
        confirm=st.integers(1, 3),
    ),
    change=st.builds(
        ChangeRules,
        score_jump=st.sampled_from([0.5, 5.0, 101.0]),
        score_drift=st.sampled_from([1.0, 10.0, 101.0]),
        confidence_high=st.sampled_from([0.3, 0.7, 2.0]),
        cooldown_ms=pauses,
    ),
    policy=st.builds(PolicyRules, cooldown_ms=pauses),
)
follows = st.builds(
    FollowRules,
    min_confidence=st.floats(0, 0.7),
    stop_atr=st.floats(0.3, 3),
    target_r=st.floats(0.3, 3),
)


@dataclass(slots=True)
class Said:
    """A brain whose scores are given."""

    score: np.ndarray
    confidence: np.ndarray
    layers: tuple = field(default=())
    names: tuple = ("one",)

    def score_series(self, market, after=None):
        n = len(market.candles)
        score, ones = self.score[:n], np.ones(n, dtype=np.int64)
        return Scores(
            close_time=market.candles.close_time, price=market.candles.close, score=score,
            confidence=self.confidence[:n], agreeing=ones, answered=ones, degraded=np.zeros(n, dtype=bool),
            values=score[None, :], abstain=np.isnan(score)[None, :].astype(np.int8), names=self.names,
            weights=np.ones(1),
        )  # fmt: skip


def market_and_analyst(path):
    score, confidence, returns = path.draw()
    close = 100 * np.exp(np.cumsum(returns))
    before = np.r_[100.0, close[:-1]]
    opened = T0 + STEP * np.arange(len(score), dtype=np.int64)
    high, low = np.maximum(before, close) * 1.001, np.minimum(before, close) * 0.999
    candles = Candles(STEP, opened, before, high, low, close, np.ones(len(score)))
    market = Market(instrument=parse_instrument("BTC/USDT"), candles=candles)
    return market, LayerAnalyst(Said(score, confidence))


def plain(market, analyst, rules, follow, after=0):
    """Every candle, one by one: steps, alerts and trades as the watch and a person who follows it would have them."""
    candles, follower, place, alerts = market.candles, Follower("BTC/USDT", follow), 0, 0
    ranges = atr(candles)
    rows = list(zip(*(getattr(candles, c).tolist() for c in ("open_time", "open", "high", "low")), strict=True))
    steps, before = list(every_step(analyst, market, ORIGIN, rules, after)), None
    for step in steps:
        while place < len(rows) and rows[place][0] + STEP <= step.now.candle_close:
            follower.candle(rows[place])
            place += 1
        follower.analysis(step.now, float(ranges[place - 1]))
        alerts += market_alert(step.verdicts, step.now, before, None, made_at=0, time_to_live_ms=1) is not None
        before = step.now
    for row in rows[place:]:
        follower.candle(row)
    return steps, follower, alerts


def compare(market, analyst, rules, follow, after=0):
    steps, follower, alerts = plain(market, analyst, rules, follow, after)
    told = [step for step in steps if step.verdicts]
    quick = list(telling_steps(analyst.columns(market, after), "BTC/USDT", rules))
    assert [s.verdicts for s in quick if s.verdicts] == [s.verdicts for s in told]
    assert [s.now.candle_close for s in quick if s.verdicts] == [s.now.candle_close for s in told]
    found = replay(market, analyst, rules, follow, period=Period(start=after))
    kept = replay(market, analyst, rules, follow, period=Period(start=after), keep=True)
    for result in (found, kept):
        assert result.analysed == len(steps)
        assert result.alerts == alerts
        assert result.proposals == follower.proposals
        assert result.trades == follower.trades
        assert result.statistics == statistics(follower.trades)
        signals = [step.now.signal.value for step in steps]
        assert +result.signals == {name: signals.count(name) for name in set(signals)}
        reasons = [v.change.reason.value for step in steps for v in step.verdicts]
        assert result.changes == {name: reasons.count(name) for name in set(reasons)}
        silent = [v.suppressed.value for step in steps for v in step.verdicts if v.suppressed]
        assert result.suppressed == {name: silent.count(name) for name in set(silent)}
    assert kept.analyses == [step.now for step in steps]
    assert all(isinstance(analysis, Analysis) for analysis in kept.analyses)
    return quick, steps


@settings(max_examples=300, deadline=None)
@given(path=paths, rules=every_rule, follow=follows)
def test_passing_over_candles_changes_no_verdict_no_trade_and_no_count(path, rules, follow):
    compare(*market_and_analyst(path), rules, follow)


@settings(max_examples=100, deadline=None)
@given(path=paths, rules=every_rule, follow=follows, warm=st.integers(0, 40))
def test_a_period_begins_without_a_past_and_counts_its_own_candles_only(path, rules, follow, warm):
    market, analyst = market_and_analyst(path)
    compare(market, analyst, rules, follow, T0 + (WARM + warm) * STEP)
    result = replay(market, analyst, rules, follow, period=Period(start=T0 + (WARM + warm) * STEP))
    assert (result.candles, result.warm_up) == (max(0, path.n - warm), WARM + min(warm, path.n))


def test_the_paths_of_these_tests_are_followed_through_stop_target_and_turn():
    market, analyst = market_and_analyst(Path(seed=1, n=400, lively=1.5, silent=0.02))
    rules = Rules(signal=SignalRules(long_threshold=54, short_threshold=46))
    trades = replay(market, analyst, rules, FollowRules(min_confidence=0.2)).trades
    assert {trade.exit_reason for trade in trades} == {"stop", "target", "signal turned"}
    assert {trade.side.value for trade in trades} == {"LONG", "SHORT"}


def test_on_recorded_candles_with_all_layers_nine_candles_in_ten_are_passed_over():
    market, settings = market_of(parse_instrument("BTC/USDT"), recorded("BTC/USDT")[:20_000]), Settings()
    quick, steps = compare(market, analyst_of(settings), rules_of(settings), FollowRules())
    assert len(steps) > 19_000
    assert len(quick) < len(steps) / 10
    assert sum(len(step.verdicts) for step in quick) > 1000
