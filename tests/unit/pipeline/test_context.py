"""Inputs beyond candles reach the layers by a worker of their own: late, broken or absent ones hold up nobody."""

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.app import context_of
from hybridd.clock import ManualClock, as_ms
from hybridd.config.schema import Settings
from hybridd.errors import FeedUnavailable, RateLimited, UnknownSymbol
from hybridd.market.backoff import Backoff
from hybridd.market.context import Given
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.publication import PUBLICATIONS
from hybridd.model.context import BASIS, FEAR_GREED, FUNDING, IMBALANCE, OPEN_INTEREST
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.collect import Collector
from hybridd.pipeline.context import AT_ONCE, UNLISTED_S, ContextWorker, Errand
from hybridd.pipeline.errands import benchmark_errands, other_side_errands, series_errands
from hybridd.pipeline.surroundings import Surroundings, empty_drawer
from hybridd.store.store import open_store
from tests.fakes.faults import FaultKind
from tests.fakes.indices import FakeIndices
from tests.makers import STEP, T0
from tests.unit.market.exchange_parts import NOW, an_exchange, feed_to
from tests.unit.pipeline.house import House, ScriptFeed, walk

M5 = parse_timeframe("5m")


def worker_of(clock, *errands):
    return ContextWorker(errands=errands, timeframe=M5, now=clock.now, clock=clock)


def all_done(worker):
    """One round, to its end; how long until the next."""
    wait = worker.round()
    assert worker.finish(20)
    return wait


class Counted:
    """An errand's work: counts, and does what the script says."""

    def __init__(self, *script):
        self.runs, self.script = 0, list(script)

    def __call__(self):
        self.runs += 1
        step = self.script.pop(0) if self.script else True
        if isinstance(step, Exception):
            raise step
        return step


def test_each_errand_has_its_own_pace():
    clock, often, rarely = ManualClock(T0), Counted(), Counted()
    worker = worker_of(
        clock, Errand(name="often", run=often, interval_s=300), Errand(name="rarely", run=rarely, interval_s=3600)
    )
    for _ in range(13):
        all_done(worker)
        clock.advance(300_000)
    assert (often.runs, rarely.runs) == (13, 2)


def test_an_errand_of_the_candle_is_done_once_a_candle_at_its_offset():
    clock, book = ManualClock(T0 + 5_000), Counted()
    worker = worker_of(clock, Errand(name="book", run=book, offset_ms=-10_000))
    all_done(worker)
    clock.set(T0 + STEP - 10_001)
    all_done(worker)
    assert book.runs == 1
    clock.set(T0 + STEP - 10_000)
    all_done(worker)
    all_done(worker)
    assert book.runs == 2
    clock.set(T0 + 2 * STEP - 9_000)
    all_done(worker)
    assert book.runs == 3


def test_a_clock_that_was_set_back_stops_nothing():
    clock, book = ManualClock(T0), Counted()
    worker = worker_of(clock, Errand(name="book", run=book))
    all_done(worker)
    clock.set(T0 - 86_400_000)
    all_done(worker)
    assert book.runs == 2


def test_what_failed_is_tried_again_with_a_pause_that_grows_to_five_minutes(caplog):
    clock, down = ManualClock(T0), Counted(*[FeedUnavailable("the index did not answer")] * 500)
    worker = worker_of(clock, Errand(name="the index", run=down, interval_s=3600))
    with caplog.at_level(logging.INFO, "hybridd.context"):
        for _ in range(3600):
            all_done(worker)
            clock.advance(1000)
        assert 10 < down.runs < 100
        assert [r.getMessage() for r in caplog.records] == ["the index: the index did not answer"]
        down.script.clear()
        clock.advance(300_000)
        all_done(worker)
    assert caplog.records[-1].getMessage() == "the index: comes again"
    before = down.runs
    clock.advance(3_500_000)
    all_done(worker)
    assert down.runs == before


def test_a_source_that_asks_for_a_pause_gets_it():
    clock, limited = ManualClock(T0), Counted(RateLimited("slowly", retry_after=900))
    worker = worker_of(clock, Errand(name="x", run=limited, interval_s=60))
    all_done(worker)
    clock.advance(899_000)
    all_done(worker)
    assert limited.runs == 1
    clock.advance(1_000)
    all_done(worker)
    assert limited.runs == 2


def test_what_is_not_listed_is_asked_for_again_tomorrow_and_is_no_warning_where_optional(caplog):
    clock, gold = ManualClock(T0), Counted(UnknownSymbol("no PAXG/USDT"))
    worker = worker_of(clock, Errand(name="gold", run=gold, optional=True))
    with caplog.at_level(logging.INFO, "hybridd.context"):
        all_done(worker)
    assert [r.levelname for r in caplog.records] == ["INFO"]
    clock.advance(round(UNLISTED_S * 1000) - 1)
    all_done(worker)
    assert gold.runs == 1
    clock.advance(1)
    all_done(worker)
    assert gold.runs == 2


def test_what_has_not_come_yet_is_looked_for_soon_and_without_a_word(caplog):
    clock, late = ManualClock(T0), Counted(False)
    worker = worker_of(clock, Errand(name="late", run=late))
    all_done(worker)
    clock.advance(6_000)
    all_done(worker)
    assert late.runs == 2
    assert caplog.records == []


def test_a_source_that_hangs_holds_up_neither_the_round_nor_the_others():
    clock, release, others = ManualClock(T0), threading.Event(), Counted()
    hanging = [Errand(name=f"h{i}", run=release.wait, interval_s=60) for i in range(AT_ONCE - 1)]
    worker = worker_of(clock, *hanging, Errand(name="good", run=others, interval_s=60))
    for _ in range(50):
        assert worker.round() <= 1.0
        if others.runs:
            break
        worker.finish(0.05)
    for _ in range(3):
        clock.advance(60_000)
        worker.round()
        worker.finish(0.05)
    assert others.runs == 4
    worker.close()
    release.set()
    assert worker.finish(5)


@pytest.mark.parametrize("closed", [True, False], ids=["after the end", "before it"])
def test_a_defect_is_told_unless_everything_was_taken_away_under_the_errand(monkeypatch, caplog, closed):
    told, release, clock = [], threading.Event(), ManualClock(T0)
    monkeypatch.setattr(threading, "excepthook", lambda given: told.append(given.exc_type))

    def run():
        assert release.wait(20)
        raise RuntimeError("the state is closed")

    worker = worker_of(clock, Errand(name="x", run=run, interval_s=60))
    worker.round()
    if closed:
        worker.close()
    release.set()
    assert worker.finish(20)
    for thread in threading.enumerate():
        if thread.name == "context":
            thread.join(20)
    assert told == ([] if closed else [RuntimeError])
    assert [r for r in caplog.records if r.levelno >= logging.INFO] == []


def test_after_the_end_nothing_is_begun():
    clock, run = ManualClock(T0), Counted()
    worker = worker_of(clock, Errand(name="x", run=run, interval_s=60))
    worker.close()
    all_done(worker)
    assert run.runs == 0


# ── with sources ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Scripted:
    """A source that gives what it is told to."""

    name, series, per_market, interval_s, offset_s = "macro", ("vix", "sp500"), False, 3600, 0

    def __init__(self):
        self.values, self.asked, self.refused = {}, [], ""

    def fetch(self, symbol, newest, now):
        self.asked.append((symbol, newest))
        return Given(values=self.values, refused=self.refused)


def scripted(clock, drawer=None):
    around = Surroundings(drawer=drawer or empty_drawer(M5), timeframe=M5, of_all=("vix", "sp500"))
    source = Scripted()
    return source, around, worker_of(clock, *series_errands([source], ["BTC/USDT"], around, M5, clock.now))


DAY = 86_400_000
MONDAY = 1_789_948_800_000


def test_values_are_joined_to_those_known_and_the_first_that_was_seen_stands():
    clock = ManualClock(MONDAY + 10 * DAY)
    source, around, worker = scripted(clock)
    source.values = {"vix": [(MONDAY, 17.0), (MONDAY + DAY, 18.0)]}
    all_done(worker)
    source.values = {"vix": [(MONDAY + DAY, 99.0), (MONDAY + 2 * DAY, 19.0)]}
    clock.advance(3_600_000)
    all_done(worker)
    series = around.context("BTC/USDT", walk(5))["vix"]
    assert series.values.tolist() == [17.0, 18.0, 19.0]
    assert "sp500" not in around.context("BTC/USDT", walk(5))
    assert source.asked == [("", -1), ("", MONDAY + DAY)]


def test_a_value_found_late_is_known_from_then_on_and_an_older_one_never_after_a_younger():
    clock = ManualClock(MONDAY + 3 * DAY)
    source, around, worker = scripted(clock)
    all_done(worker)
    source.values = {"vix": [(MONDAY, 17.0), (MONDAY + 2 * DAY, 18.0)]}
    clock.advance(3_600_000)
    all_done(worker)
    series = around.context("BTC/USDT", walk(5))["vix"]
    assert series.known_at.tolist() == [MONDAY + 3 * DAY + 3_600_000, MONDAY + 4 * DAY]
    assert series.as_known(series.known_at - 1).tolist()[1:] == [17.0]


def test_a_refusal_is_said_once(caplog):
    clock = ManualClock(MONDAY + 10 * DAY)
    source, _, worker = scripted(clock)
    source.refused = "macro gave vix -5: left out"
    for _ in range(3):
        all_done(worker)
        clock.advance(3_600_000)
    assert [r.getMessage() for r in caplog.records] == ["macro gave vix -5: left out"]


# ── with everything ──────────────────────────────────────────────────────────────────────────────────────────────────


def settings(fake, indices, **context):
    urls = {"sentiment_url": indices.sentiment_url, "macro_url": indices.macro_url}
    return Settings.model_validate(
        {
            "monitor": {"symbols": ["BTC/USDT"], "settle_seconds": 2},
            "market": {"base_url": fake.url, "history": 400, "context": {**urls, **context}},
        }
    )


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock) as fake:
        yield fake


@pytest.fixture(scope="module")
def indices(clock):
    with FakeIndices(time=clock.now) as indices:
        yield indices


@pytest.fixture
def feed(fake, clock):
    feed = feed_to(fake, clock)
    yield feed
    feed.close()
    fake.heal()


def candles_of(feed):
    return SeriesKeeper(feed=feed, history=400).update(feed.instrument("BTC/USDT"), M5).candles


def test_everything_that_is_switched_on_comes_and_is_kept(fake, indices, feed, clock, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock)
    context = context_of(settings(fake, indices), feed, clock, ["BTC/USDT"], store)
    requests = len(fake.requests) + len(indices.asked)
    context.gather(60)
    found = context.around.context("BTC/USDT", candles_of(feed))
    assert set(found) == {
        FUNDING, OPEN_INTEREST, IMBALANCE, FEAR_GREED, BASIS, "dxy", "vix", "sp500", "us10y",
    }  # fmt: skip
    assert set(context.around.benchmarks()) == {"BTC/USDT", "ETH/USDT"}
    assert all(len(candles) == 400 for candles in context.around.benchmarks().values())
    assert len(found[BASIS]) > 350
    assert len(fake.requests) + len(indices.asked) - requests < 40
    kept = store.context.load(OPEN_INTEREST, "BTC/USDT", 5000, stale_after=1)
    assert kept.values.tolist() == found[OPEN_INTEREST].values.tolist()
    assert len(store.candles.load("BTC/USDT:USDT", "5m", M5.ms, 1000)) == 400
    context.close()

    # After a restart all series are there before anybody has been asked.
    again = context_of(settings(fake, indices), feed, clock, ["BTC/USDT"], store)
    requests = len(fake.requests), len(indices.asked)
    known = again.around.context("BTC/USDT", candles_of(feed))
    assert (len(fake.requests) - requests[0], len(indices.asked) - requests[1]) == (1, 0)  # the test's own candles
    for name in set(found) - {BASIS}:
        for column in ("at", "known_at", "values"):
            assert getattr(known[name], column).tolist() == getattr(found[name], column).tolist()
        assert known[name].stale_after == found[name].stale_after
    again.close()
    store.close()


@pytest.mark.parametrize("begin", ["2026-09-21T15:51", "2026-09-21T23:51"])
def test_what_an_analysis_in_time_knew_is_what_a_replay_says_was_known(begin):
    """Across a settlement and across midnight: in memory at each cycle, on record afterwards, and by the rule alone."""
    clock = ManualClock(as_ms(datetime.fromisoformat(begin).replace(tzinfo=UTC)))
    with an_exchange(clock) as fake, FakeIndices(time=clock.now) as indices:
        feed = feed_to(fake, clock)
        context = context_of(settings(fake, indices), feed, clock, ["BTC/USDT"], None)
        context.gather(60)
        began, held = clock.now(), {}
        while clock.now() < began + 30 * 60_000:
            clock.advance(1_000 if clock.now() % 60_000 < 3_000 else 1_000 * (10 - clock.now() // 1000 % 10))
            all_done(context.worker)
            if clock.now() % STEP // 1000 == 2:  # a cycle, two seconds after the close
                held[clock.now() // STEP * STEP] = context.around.context("BTC/USDT", candles_of(feed))
        closes, later = np.array(list(held)), context.around.context("BTC/USDT", candles_of(feed))
        assert len(closes) >= 5
        for name in (FUNDING, OPEN_INTEREST, FEAR_GREED, BASIS):
            then = [float(held[close][name].as_known(np.array([close]))[0]) for close in closes.tolist()]
            assert then == later[name].as_known(closes).tolist()
            if name != BASIS:
                ruled = replace(later[name], known_at=PUBLICATIONS[name].known(later[name].at))
                assert then == ruled.as_known(closes).tolist()
            assert len(set(then)) > 1 or (name == FEAR_GREED and "15:" in begin), "nothing was published"
        context.close()
        feed.close()


def test_what_is_switched_off_is_not_asked_for(fake, indices, feed, clock):
    off = {"funding": False, "open_interest": False, "order_book": False, "sentiment_url": "", "macro_url": ""}
    context = context_of(settings(fake, indices, **off), feed, clock, ["BTC/USDT"], None)
    before, asked = len(fake.requests), len(indices.asked)
    context.gather(60)
    assert context.around.context("BTC/USDT", candles_of(feed)) == {}
    assert {r.path for r in fake.requests[before:]} <= {"/api/v3/exchangeInfo", "/api/v3/time", "/api/v3/klines"}
    assert len(indices.asked) == asked
    context.close()


def test_sources_that_are_down_leave_the_others_alone(fake, indices, feed, clock):
    fake.fail(503, path="/fundingRate")
    fake.fail(FaultKind.SHAPE, path="/depth")
    indices.fail(FaultKind.HTML, path="/fng/")
    context = context_of(settings(fake, indices), feed, clock, ["BTC/USDT"], None)
    context.gather(60)
    found = context.around.context("BTC/USDT", candles_of(feed))
    assert set(found) == {OPEN_INTEREST, BASIS, "dxy", "vix", "sp500", "us10y"}
    indices.heal()
    fake.heal()
    clock.advance(300_000)
    context.gather(60)
    found = context.around.context("BTC/USDT", candles_of(feed))
    assert {FUNDING, IMBALANCE, FEAR_GREED} <= set(found)
    context.close()


def test_a_perpetual_that_is_watched_has_the_basis_over_its_spot_market():
    clock = ManualClock(T0)
    feed = ScriptFeed(
        clock, {"BTC/USDT": walk(90, start=T0 - 90 * STEP), "BTC/USDT:USDT": walk(90, start=T0 - 90 * STEP)}
    )
    around = Surroundings(drawer=empty_drawer(M5), timeframe=M5)
    all_done(worker_of(clock, *other_side_errands(feed, ["BTC/USDT:USDT", "BTC/USDT"], around, 50, 2_000)))
    candles = feed.markets["BTC/USDT"]
    for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
        assert around.context(symbol, candles)[BASIS].values.tolist() == [0.0] * 50


# ── and the cycle ────────────────────────────────────────────────────────────────────────────────────────────────────


class Seen:
    """A brain that keeps what it was shown."""

    cheap = True

    def __init__(self, inner):
        self.inner, self.markets = inner, []

    def opinions(self, market, after, *, explain=True):
        self.markets.append(market)
        return self.inner.opinions(market, after, explain=explain)

    def failures(self):
        return {}


def with_surroundings(house, around):
    house.watch.close()
    collector = Collector(
        feed=house.feed, keeper=SeriesKeeper(feed=house.feed, history=100), backoff=Backoff(), clock=house.clock,
        timeframe=house.frame, stored=house._stored, around=around,
    )  # fmt: skip
    house.watch._collector = collector
    house.watch._analyst = seen = Seen(house.brain)
    return seen


def test_a_cycle_takes_what_there_is_and_waits_for_no_source(tmp_path):
    house, release = House(tmp_path), threading.Event()
    around = Surroundings(drawer=empty_drawer(M5), timeframe=M5, of_all=("vix", "sp500"))
    seen = with_surroundings(house, around)
    source = Scripted()
    source.fetch = lambda *_: release.wait(60) and Given(values={"vix": [(MONDAY, 17.0)]})
    errands = series_errands([source], ["BTC/USDT"], around, M5, house.clock.now)
    errands += benchmark_errands(house.feed, around, 100, 2_000)
    worker = worker_of(house.clock, *errands)
    worker.round()
    for _ in range(100):
        if len(around.benchmarks()) == 2:
            break
        worker.finish(0.05)
    house.candles(3)
    assert house.closes() == [T0, T0 + STEP, T0 + 2 * STEP, T0 + 3 * STEP][-len(house.closes()) :]
    assert len(house.closes()) >= 3
    assert seen.markets[-1].context == {}
    assert set(seen.markets[-1].benchmarks) == {"BTC/USDT", "ETH/USDT"}
    release.set()
    assert worker.finish(20)
    house.candles(1)
    assert seen.markets[-1].context["vix"].values.tolist() == [17.0]
    house.close()
