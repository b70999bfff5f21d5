"""The sentiment layer against slow, literal computation on the recorded index, and where its answer is plain."""

import numpy as np
import pytest
from scipy.stats import percentileofscore

from hybridd.analysis.layers.sentiment import fear_greed, order_book, sentiment_layer
from hybridd.model.context import FEAR_GREED, IMBALANCE, ContextSeries
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from tests.recorded_candles import walk
from tests.recorded_context import CALIBRATION, informed_market

LAYER = sentiment_layer(CALIBRATION)
DAY = 86_400_000


def literal(values):
    """What the last of the values says, step by step."""
    place = 2 * percentileofscore(values[-366:-1], values[-1], kind="mean") / 100 - 1
    changes = [values[k] - values[k - 7] for k in range(len(values) - 90, len(values))]
    trend = 3 * np.tanh(changes[-1] / np.std(changes) / 3)
    wrong = min(max((abs(place) - 0.6) / 0.4, 0.0), 1.0)
    return (1 - wrong) * trend - wrong * np.sign(place) * 2


def test_the_index_says_what_its_formula_says():
    values = informed_market("BTC/USDT").context[FEAR_GREED].values
    said = fear_greed(values)
    for k in (365, 700, 1_111, 2_222, len(values) - 1):
        assert said[k] == pytest.approx(literal(values[: k + 1]), rel=1e-9)


def test_the_book_says_its_rank():
    imbalance = np.tanh(np.random.default_rng(1).normal(0, 0.5, 300))
    means = [imbalance[k - 2 : k + 1].mean() for k in range(2, 300)]
    rank = percentileofscore(means[-97:-1], means[-1], kind="mean") / 100
    assert order_book(imbalance)[-1] == pytest.approx(3**0.5 * (2 * rank - 1), rel=1e-9)


def mood(*end, n=400):
    """A year of values around 50, then those of `end`."""
    values = np.r_[50 + 15 * np.sin(np.arange(n) / 3), end]
    at = walk(1_000).close_time[-1] + DAY * np.arange(1 - len(values), 1)
    return ContextSeries(FEAR_GREED, at, at, values, 2 * DAY)


def book(newest):
    at = walk(1_000).close_time[-300:]
    seen = 0.2 * np.sin(np.arange(300.0))
    seen[-3:] = newest
    return ContextSeries(IMBALANCE, at, at, seen, 600_000)


def evaluated(*series):
    market = Market(
        instrument=parse_instrument("SOL/USDT"), candles=walk(1_000), context={one.name: one for one in series}
    )
    return LAYER.evaluate(market), LAYER.explain(market, 999)


def test_the_crowd_is_wrong_at_the_ends():
    assert evaluated(mood(90, 92, 95))[0].values[-1] < 35
    assert evaluated(mood(9, 7, 4))[0].values[-1] > 65


def test_in_between_its_trend_counts():
    rising, falling = mood(44, 46, 48, 50, 52, 53, 54, 55), mood(56, 54, 52, 50, 48, 47, 46, 45)
    assert evaluated(rising)[0].values[-1] > evaluated(falling)[0].values[-1]


def test_bids_that_outweigh_asks_are_bullish():
    assert evaluated(book(0.9))[0].values[-1] > 65
    assert evaluated(book(-0.9))[0].values[-1] < 35
    assert evaluated(book(0.9))[1] == "order book +90% to the bids: a mood to buy"


def test_each_of_the_two_speaks_without_the_other():
    index, both = evaluated(mood(50, 55, 60))[0], evaluated(mood(50, 55, 60), book(0.9))[0]
    assert index.abstain[-1] == both.abstain[-1] == Abstain.ANSWERS
    assert both.values[-1] > index.values[-1]


def test_a_year_is_needed():
    assert evaluated(mood(50, n=365))[0].abstain[-1] == Abstain.ANSWERS
    short, words = evaluated(mood(50, n=364))
    assert short.abstain[-1] == Abstain.WARM_UP
    assert words == "needs 366 days of Fear & Greed or 99 looks at the order book"


def test_an_index_that_never_moves_has_no_extremes():
    same = mood()
    flat = ContextSeries(FEAR_GREED, same.at, same.known_at, np.full(len(same), 50.0), 2 * DAY)
    assert evaluated(flat)[0].abstain[-1] == Abstain.UNDEFINED


def test_the_sentence_gives_rank_and_change():
    assert evaluated(mood(90, 92, 95))[1].startswith("Fear & Greed 95, above 100% of its last 365 days, +")
