"""The derivatives layer against slow, literal computation on recorded series, and where its answer is plain."""

from dataclasses import replace

import numpy as np
import pytest

from hybridd.analysis.layers.derivatives import DAY, HISTORY, derivatives_layer
from hybridd.model.candle import Candles
from hybridd.model.context import BASIS, FUNDING, OPEN_INTEREST, ContextSeries
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from tests.recorded_candles import walk
from tests.recorded_context import CALIBRATION, informed_market, part_of

LAYER = derivatives_layer(CALIBRATION)


def bent(x):
    return 3 * np.tanh(x / 3)


def only(market, *names):
    return replace(market, context={name: market.context[name] for name in names})


@pytest.mark.parametrize("i", [500, 1_777, 4_000])
def test_each_part_is_what_its_formula_says(i):
    market = part_of(informed_market("BTC/USDT"), 91_000, 96_000)
    now = int(market.candles.close_time[i])
    rates = market.context[FUNDING].known_by(now).values
    funding = np.array([rates[len(rates) - k - 3 : len(rates) - k].mean() for k in range(89, -1, -1)])
    assert LAYER.raw(only(market, FUNDING)).values[i] == pytest.approx(
        bent(-(funding[-1] - funding.mean()) / funding.std()), rel=1e-9
    )
    premium = market.context[BASIS].known_by(now).values
    means = np.array([premium[len(premium) - k - 12 : len(premium) - k].mean() for k in range(287, -1, -1)])
    assert LAYER.raw(only(market, BASIS)).values[i] == pytest.approx(
        bent(-(means[-1] - means.mean()) / means.std()), rel=1e-6
    )


@pytest.mark.parametrize("i", [1_500, 2_345, 4_999])
def test_open_interest_is_seen_with_the_price_of_its_own_day(i):
    market = part_of(informed_market("ETH/USDT"), 91_480, 96_480)
    candles = market.candles
    now = int(candles.close_time[i])
    known = market.context[OPEN_INTEREST].known_by(now)
    last, first = int(known.at[-1]), int(known.at[-2])
    assert last - first == DAY
    price = np.log(price_at(candles, last) / price_at(candles, first))
    coins = np.log(known.values[-1] / known.values[-2]) - price
    returns = np.diff(np.log(candles.close[: i + 1]))[-288:]
    unit = np.sqrt(np.mean(returns**2) * DAY / candles.step)
    product = price * coins / unit**2
    expected = bent(bent(np.sign(product) * np.sqrt(abs(product))))
    assert LAYER.raw(only(market, OPEN_INTEREST)).values[i] == pytest.approx(expected, rel=1e-9)


def price_at(candles, moment):
    return candles.close[np.flatnonzero(candles.close_time <= moment)[-1]]


def market_with(*series, n=1_000, rise=0.0):
    c = walk(n)
    tilt = np.exp(rise * np.arange(n))
    candles = Candles(c.step, c.open_time, *(x * tilt for x in (c.open, c.high, c.low, c.close)), c.volume)
    return Market(instrument=parse_instrument("SOL/USDT"), candles=candles, context={one.name: one for one in series})


def funding(newest, n=100):
    at = walk(1_000).open_time[0] + 28_800_000 * np.arange(-n + 9, 9)
    rates = 0.0001 + 0.00002 * np.sin(np.arange(n))
    rates[-4:] = newest
    return ContextSeries(FUNDING, at, at, rates, DAY)


def interest(growth):
    """Open interest every five minutes, growing by `growth` a day in the quote currency."""
    at = walk(1_000).close_time
    return ContextSeries(OPEN_INTEREST, at, at, 1e9 * np.exp(growth * (at - at[0]) / DAY), 3_600_000)


def test_a_crowd_that_pays_much_speaks_for_the_other_side():
    assert LAYER.evaluate(market_with(funding(0.001))).values[-1] < 35
    assert LAYER.evaluate(market_with(funding(-0.001))).values[-1] > 65


@pytest.mark.parametrize(
    ("rise", "growth", "bullish"),
    [(+0.0004, +0.4, True), (-0.0004, +0.2, False), (+0.0004, -0.2, False), (-0.0004, -0.4, True)],
    ids=["new longs", "new shorts", "shorts cover", "longs give up"],
)
def test_open_interest_says_who_moved_the_price(rise, growth, bullish):
    value = LAYER.evaluate(market_with(interest(growth), rise=rise)).values[-1]
    assert (value > 55) if bullish else (value < 45)


def test_parts_that_are_absent_drop_out_and_none_is_no_data():
    both, one = market_with(funding(0.001), interest(0.3)), market_with(funding(0.001))
    assert LAYER.evaluate(both).abstain[-1] == LAYER.evaluate(one).abstain[-1] == Abstain.ANSWERS
    assert LAYER.evaluate(both).values[-1] != LAYER.evaluate(one).values[-1]
    assert LAYER.evaluate(market_with()).abstain[-1] == Abstain.NO_DATA
    assert LAYER.explain(market_with(), 999) == "has neither funding nor open interest nor a perpetual's premium"


def test_a_month_of_settlements_is_needed():
    assert LAYER.evaluate(market_with(funding(0.001, n=94))).abstain[-1] == Abstain.ANSWERS
    short = market_with(funding(0.001, n=91))
    assert LAYER.evaluate(short).abstain[-1] == Abstain.WARM_UP
    assert LAYER.explain(short, 999) == "needs 92 funding rates, a day of open interest or 299 premiums"


def test_a_funding_rate_that_never_changes_has_no_extremes():
    same = funding(0.0001)
    market = market_with(replace(same, values=np.full(len(same), 0.0001)))
    assert LAYER.evaluate(market).abstain[-1] == Abstain.UNDEFINED


def test_a_day_of_five_minutes_fits_into_what_a_daemon_keeps():
    series = interest(0.4)
    kept = HISTORY[OPEN_INTEREST]
    cut = ContextSeries(OPEN_INTEREST, series.at[-kept:], series.known_at[-kept:], series.values[-kept:], 3_600_000)
    whole, less = (LAYER.evaluate(market_with(one)) for one in (series, cut))
    assert whole.values[-1] == pytest.approx(less.values[-1], rel=1e-12)


def test_open_interest_of_too_short_a_past_warms_up():
    series = interest(0.4)
    late = ContextSeries(OPEN_INTEREST, series.at[-200:], series.known_at[-200:], series.values[-200:], 3_600_000)
    assert LAYER.evaluate(market_with(late)).abstain[-1] == Abstain.WARM_UP


def test_the_sentence_names_each_part_with_its_numbers():
    words = LAYER.explain(market_with(funding(0.001), interest(0.4), rise=0.0004), 999)
    assert words.startswith("funding +0.1000% says -")
    assert "open interest with price says +" in words
