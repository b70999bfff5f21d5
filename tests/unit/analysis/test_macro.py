"""The macro layer against slow, literal computation on recorded series, and where its answer is plain."""

import numpy as np
import pytest
from scipy.stats import percentileofscore

from hybridd.analysis.layers.macro import GAUGES, gauge_says, macro_layer
from hybridd.model.context import MACRO, ContextSeries
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from tests.recorded_candles import walk
from tests.recorded_context import CALIBRATION, informed_market

LAYER = macro_layer(CALIBRATION)
DAY = 86_400_000


def literal(name, values):
    """What the last of the values says, step by step."""
    scale = (lambda x: x) if name == "us10y" else np.log
    changes = [scale(values[k]) - scale(values[k - 5]) for k in range(len(values) - 60, len(values))]
    move = 3 * np.tanh(changes[-1] / np.std(changes) / 3)
    place = 2 * percentileofscore(values[-253:-1], values[-1], kind="mean") / 100 - 1
    return (+1 if name in ("sp500", "gold") else -1) * (move + 3**0.5 * place) / 2**0.5


@pytest.mark.parametrize("name", MACRO)
def test_each_series_says_what_its_formula_says(name):
    values = informed_market("BTC/USDT").context[name].values
    said = gauge_says(name, values)
    for k in (252, 900, 2_000, len(values) - 1):
        assert said[k] == pytest.approx(literal(name, values[: k + 1]), rel=1e-9)


def drifting(name, per_day, n=300):
    noise = np.random.default_rng(len(name)).normal(0, 0.002, n)
    values = 100 * np.exp(np.cumsum(noise) + per_day * np.maximum(np.arange(n) - (n - 30), 0))
    at = walk(1_000).close_time[-1] + DAY * np.arange(1 - n, 1)
    return ContextSeries(name, at, at, values, 7 * DAY)


def evaluated(*series):
    market = Market(
        instrument=parse_instrument("SOL/USDT"), candles=walk(1_000), context={one.name: one for one in series}
    )
    return LAYER.evaluate(market), LAYER.explain(market, 999)


@pytest.mark.parametrize("name", MACRO)
def test_stocks_and_gold_up_and_the_others_down_speak_for_risk(name):
    up, down = (evaluated(drifting(name, move))[0].values[-1] for move in (0.01, -0.01))
    if GAUGES[name].sign > 0:
        assert up > 65 > 35 > down
    else:
        assert down > 65 > 35 > up


def test_every_name_of_the_model_is_read():
    assert set(GAUGES) == set(MACRO)


def test_series_that_ended_drop_out_and_the_others_go_on():
    """In the record stocks, gold and notes end in May 2024; the dollar and VIX go on."""
    market = informed_market("BTC/USDT")
    i = len(market.candles) - 1
    series, words = LAYER.evaluate(market), LAYER.explain(market, i)
    assert series.abstain[i] == Abstain.ANSWERS
    assert words.startswith("dollar 99.6 (")
    assert "VIX" in words
    assert "S&P" not in words
    without = {name: market.context[name] for name in ("sp500", "gold", "us10y")}
    ended = Market(instrument=market.instrument, candles=market.candles[-10:], context=without)
    assert LAYER.evaluate(ended).abstain[-1] == Abstain.STALE


def test_a_year_is_needed():
    assert evaluated(drifting("vix", 0.01, n=253))[0].abstain[-1] == Abstain.ANSWERS
    short, words = evaluated(drifting("vix", 0.01, n=252))
    assert short.abstain[-1] == Abstain.WARM_UP
    assert words == "needs 253 days of a macro series"


def test_a_yield_below_nothing_is_a_yield_and_a_price_below_nothing_is_none():
    series = drifting("us10y", 0.0)
    below = ContextSeries("us10y", series.at, series.known_at, series.values - 100, 7 * DAY)
    assert evaluated(below)[0].abstain[-1] == Abstain.ANSWERS
    broken = ContextSeries("vix", series.at, series.known_at, -series.values, 7 * DAY)
    assert evaluated(broken)[0].abstain[-1] == Abstain.UNDEFINED
