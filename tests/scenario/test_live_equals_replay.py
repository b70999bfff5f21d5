"""The watch, candle by candle over recorded markets, through restarts and an outage, says what a replay says."""

import numpy as np
import pytest

from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.delivery.memory import MemoryChannel
from hybridd.market.backoff import Backoff
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.recorded import RecordedFeed
from hybridd.model.instrument import parse_instrument
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.collect import HIGHER_HISTORY, Collector
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.observe import Origin, Past, observe
from hybridd.pipeline.watch import Watch
from hybridd.replay.run import market_of, replay
from hybridd.signals.signal import next_state
from hybridd.store.store import open_store
from hybridd.trading.follow import FollowRules
from tests.recorded_candles import recorded
from tests.unit.pipeline.house import rules

FRAME = parse_timeframe("5m")
HISTORY, STEPS, BEFORE = 2000, 60, 22_000
SYMBOLS = ("BTC/USDT",)
RULES = rules("memory")


class Live:
    """A watch over a folder of recorded candles."""

    def __init__(self, folder, start):
        self.folder, self.clock, self.channel = folder, ManualClock(start), MemoryChannel()
        self.watch = None
        self.restart()

    def restart(self):
        self.close()
        self.store = store = open_store(f"sqlite:///{self.folder}/state.db", clock=self.clock)
        feed = RecordedFeed(folder=self.folder, clock=self.clock)

        def stored(instrument, frame):
            limit = HISTORY if frame == FRAME else HIGHER_HISTORY
            return store.candles.load(instrument.symbol, frame.text, frame.ms, limit)

        collector = Collector(
            feed=feed, keeper=SeriesKeeper(feed=feed, history=HISTORY), backoff=Backoff(), clock=self.clock,
            timeframe=FRAME, stored=stored,
        )  # fmt: skip
        self.watch = Watch(
            store=store, feed=feed, collector=collector, analyst=analyst_of(Settings()), rules=RULES, symbols=SYMBOLS,
            timeframe=FRAME, channels={"memory": self.channel.recipients}, clock=self.clock,
        )  # fmt: skip
        self.courier = Courier(store=store, channel=self.channel, clock=self.clock, zone="UTC")

    def candle(self, count=1):
        self.clock.advance(count * FRAME.ms)
        self.watch.cycle()
        self.courier.round(lambda: False)

    def close(self):
        if self.watch is not None:
            self.watch.close()
            self.store.close()


def write(folder, symbol, candles):
    columns = (candles.open_time, candles.open, candles.high, candles.low, candles.close, candles.volume)
    lines = [",".join(map(repr, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    name = symbol.replace("/", "")
    (folder / f"{name}_5m.csv").write_text("ts,open,high,low,close,volume\n" + "\n".join(lines) + "\n")


def replayed(symbol, candles, first):
    """What the same candles give from the first live one on: analyses by close, and alerts as (close, reasons)."""
    market, analyst = market_of(parse_instrument(symbol), candles), analyst_of(Settings())
    origin = Origin(symbol=symbol, timeframe=FRAME, source="recorded", simulated=False)
    past, analyses, alerts = Past(), {}, {}
    for opinion in analyst.opinions(market, -1, explain=False):
        if opinion.candle_close < first:
            past = Past(state=next_state(past.state, opinion.score, RULES.signal))
            continue
        seen, past = observe(past, opinion, origin, RULES, (), opinion.candle_close)
        analyses[opinion.candle_close] = seen.analysis
        told = tuple(v.change.reason for v in seen.verdicts if v.suppressed is None)
        if told:
            alerts[opinion.candle_close] = told
    return analyses, alerts, replay(market, analyst, RULES, FollowRules(), keep=True)


def test_live_equals_replay_through_restarts_and_an_outage(tmp_path):
    offset = int(np.random.default_rng(3).integers(BEFORE, 60_000))
    markets = {symbol: recorded(symbol)[offset - BEFORE : offset + STEPS] for symbol in SYMBOLS}
    for symbol, candles in markets.items():
        write(tmp_path, symbol, candles)
    start = int(markets["BTC/USDT"].close_time[-STEPS - 1])
    live = Live(tmp_path, start)
    for k in range(STEPS - 2):
        if k in {20, 40}:
            live.restart()
        live.candle(3 if k == 30 else 1)  # an outage shorter than an alert's time to live
    for symbol, candles in markets.items():
        compare(live, symbol, candles, start + FRAME.ms)
    told = {alert.id for alert in live.store.alerts.list(999)}
    assert len(told) >= 2
    assert len({message.key for message in live.channel.sent}) == len(live.channel.sent) == len(told)
    assert live.store.changes.conservation().missing == 0
    live.close()


@pytest.mark.parametrize(("away", "restarted"), [(1_500, True), (2_600, False)])
def test_candles_missed_in_a_long_absence_are_judged_with_all_their_history(tmp_path, away, restarted):
    """Also longer than the history kept: the oldest of them knows as much as it would have in time."""
    candles = recorded("BTC/USDT")[30_000 - BEFORE : 30_000 + away + 10]
    write(tmp_path, "BTC/USDT", candles)
    start = int(candles.close_time[BEFORE - 1])
    live = Live(tmp_path, start)
    for k in range(6):
        if k == 3 and restarted:
            live.restart()
        live.candle(away if k == 3 else 1)
    stored = live.store.analyses.between("BTC/USDT", "5m", 0, 2**62)
    expected, _, _ = replayed("BTC/USDT", candles.closed_by(live.clock.now()), start + FRAME.ms)
    assert [a.candle_close for a in stored] == list(expected)
    wanted = list(expected.values())
    np.testing.assert_allclose([a.score for a in stored], [a.score for a in wanted], rtol=0, atol=1e-6)
    assert [(a.signal, a.missing) for a in stored] == [(a.signal, a.missing) for a in wanted]
    live.close()


def test_after_an_absence_too_long_to_make_up_for_nothing_is_judged_on_half_its_history(tmp_path):
    away = 3 * HISTORY + 700
    candles = recorded("BTC/USDT")[30_000 - BEFORE : 30_000 + away + 10]
    write(tmp_path, "BTC/USDT", candles)
    start = int(candles.close_time[BEFORE - 1])
    live = Live(tmp_path, start)
    for count in (1, away, 1):
        live.candle(count)
    stored = live.store.analyses.between("BTC/USDT", "5m", 0, 2**62)
    expected, _, _ = replayed("BTC/USDT", candles.closed_by(live.clock.now()), start + FRAME.ms)
    assert len(stored) == 1 + 2 * HISTORY + 1 + 1
    wanted = [expected[a.candle_close] for a in stored]
    np.testing.assert_allclose([a.score for a in stored], [a.score for a in wanted], rtol=0, atol=1e-6)
    assert [(a.signal, a.missing) for a in stored] == [(a.signal, a.missing) for a in wanted]
    live.close()


def compare(live, symbol, candles, first):
    stored = live.store.analyses.between(symbol, "5m", 0, 2**62)
    expected, alerts, whole = replayed(symbol, candles.closed_by(live.clock.now()), first)
    assert [a.candle_close for a in stored] == list(expected)
    scores = np.array([[a.score, a.confidence, a.price] for a in stored])
    wanted = np.array([[a.score, a.confidence, a.price] for a in expected.values()])
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-6)
    assert [a.signal for a in stored] == [a.signal for a in expected.values()]
    assert [a.signal for a in stored] == [a.signal for a in whole.analyses[-len(stored) :]]
    np.testing.assert_allclose(scores[:, 0], [a.score for a in whole.analyses[-len(stored) :]], rtol=0, atol=1e-6)
    found = {a.analysis.candle_close: a.reasons for a in live.store.alerts.list(999) if a.subject == symbol}
    assert found == alerts
