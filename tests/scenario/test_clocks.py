"""A clock that is wrong delays nothing and hides nothing: ages are told by the clock that closed the candles."""

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.market.backoff import Backoff
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.simulated import SimulatedFeed
from hybridd.model.candle import no_candles
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.collect import Collector
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.observe import Opinion, Rules
from hybridd.pipeline.watch import Watch
from hybridd.store.store import open_store
from tests.makers import STEP, T0
from tests.scenario.test_guide import ROUTE

FRAME = parse_timeframe("5m")


class Waking:
    """A brain that has no opinion until it is told one."""

    cheap = True
    score = 50.0

    def opinions(self, market, after, *, explain=True):
        close = market.candles.last_close
        if close > after:
            yield Opinion(
                candle_close=close, price=1.0, high=1.0, low=1.0, score=self.score, confidence=0.5, agreeing=1,
                answered=1, layers=1, degraded=False,
            )  # fmt: skip

    def failures(self):
        return {}


@pytest.mark.parametrize("skew_minutes", [-600, -20, 0, 20, 600])
def test_an_alert_is_sent_whatever_the_local_clock_says(tmp_path, skew_minutes):
    market_clock, local = ManualClock(T0), ManualClock(T0 + skew_minutes * 60_000)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=local)
    feed = SimulatedFeed(clock=market_clock, seed=1, timeframe=FRAME)
    collector = Collector(
        feed=feed, keeper=SeriesKeeper(feed=feed, history=100), backoff=Backoff(), clock=local, timeframe=FRAME,
        stored=lambda _, frame: no_candles(frame.ms),
    )  # fmt: skip
    brain, channel = Waking(), MemoryChannel()
    watch = Watch(
        store=store, feed=feed, collector=collector, analyst=brain, rules=Rules(routes=(ROUTE,)), symbols=["BTC/USDT"],
        timeframe=FRAME, channels={"memory": channel.recipients}, clock=local,
    )  # fmt: skip
    courier = Courier(store=store, channel=channel, clock=local, zone="UTC")
    try:
        for score in (50.0, 70.0):
            brain.score = score
            market_clock.advance(STEP)
            local.advance(STEP)
            watch.cycle()
            courier.round(lambda: False)
        assert len(channel.sent) == 1
        assert "LONG" in channel.sent[0].title
    finally:
        watch.close()
        store.close()
