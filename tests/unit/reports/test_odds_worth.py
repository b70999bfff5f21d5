"""Odds and layers against what price did: recorded candles, and sums done slowly."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from hybridd.model.analysis import Odds
from hybridd.model.reading import Reading
from hybridd.reports.odds_worth import (
    COMBINED,
    LEAST,
    layer_facts,
    layers_of,
    odds_facts,
    odds_of,
    rises,
    section,
    together,
)
from hybridd.reports.text import section_text
from tests.makers import STEP, analysis
from tests.recorded_candles import recorded
from tests.unit.reports.cases import candles

HORIZON, HOUR = 12, 3_600_000
SEEN = slice(-1500, None)


def thought(c, every=1):
    """An analysis at each candle, whose odds and layers follow the last move: wrong or right, as the market has it."""
    made = []
    for i in range(12, len(c), every):
        lean = math.tanh(60 * (c.close[i] / c.close[i - 12] - 1))
        readings = (
            Reading(layer="momentum", score=50 + 40 * lean, weight=1.0, reason="it moves"),
            Reading(layer="contrary", score=50 - 30 * lean, weight=1.0, reason="it moved"),
            Reading(layer="silent", score=None, weight=1.0, reason="no data"),
        )
        odds = Odds(probability=round(0.5 + 0.1 * lean, 2), low=0.4, high=0.6, n=900)
        at = int(c.close_time[i])
        made.append(analysis(50 + 20 * lean, at=at, price=float(c.close[i]), readings=readings, odds=odds))
    return made


@pytest.fixture(scope="module")
def hours():
    c = recorded("BTC/USDT", "1h")[SEEN]
    return c, thought(c)


def literal(c, analyses):
    """Pairs of (odds, whether price was higher), one analysis at a time."""
    closes = dict(zip(c.close_time.tolist(), c.close.tolist(), strict=True))
    pairs = []
    for a in analyses:
        whole = all(a.candle_close + k * c.step in closes for k in range(HORIZON + 1))
        if whole:
            later = closes[a.candle_close + HORIZON * c.step]
            pairs.append((a.odds.probability, later > closes[a.candle_close], a))
    return pairs


def test_brier_and_calibration_error_equal_slow_sums_over_recorded_candles(hours):
    c, analyses = hours
    facts = odds_facts(odds_of(analyses, rises(analyses, c, HORIZON), 0), HORIZON * HOUR)
    pairs = literal(c, analyses)
    assert facts.n == len(pairs) > 1400
    assert facts.brier == pytest.approx(sum((p - y) ** 2 for p, y, _ in pairs) / len(pairs), rel=1e-12)
    rate = sum(y for _, y, _ in pairs) / len(pairs)
    assert facts.base == pytest.approx(sum((rate - y) ** 2 for _, y, _ in pairs) / len(pairs), rel=1e-12)
    # The bins: sorted odds, cut at the places of tenths, equal odds together.
    ordered = sorted(p for p, _, _ in pairs)
    edges = sorted({ordered[max(0, math.ceil(k / 10 * len(ordered)) - 1)] for k in range(1, 10)})
    bins = {}
    for p, y, _ in pairs:
        bins.setdefault(sum(p > edge for edge in edges), []).append((p, y))
    errors = [abs(sum(y for _, y in b) - sum(p for p, _ in b)) for b in bins.values()]
    assert facts.ece == pytest.approx(sum(errors) / len(pairs), rel=1e-9)
    assert [b.n for b in facts.curve] == [len(bins[k]) for k in sorted(bins)]
    for found, key in zip(facts.curve, sorted(bins), strict=True):
        assert found.observed == pytest.approx(sum(y for _, y in bins[key]) / len(bins[key]))
        assert 0 <= found.low <= found.observed <= found.high <= 1


def test_hit_rates_equal_slow_counts_over_recorded_candles(hours):
    c, analyses = hours
    judged = layers_of(analyses, rises(analyses, c, HORIZON), 0)
    closes = dict(zip(c.close_time.tolist(), c.close.tolist(), strict=True))
    for name, said in ((COMBINED, lambda a: a.score), ("contrary", lambda a: a.readings[1].score)):
        hits = n = 0
        for _, _, a in literal(c, analyses):
            move = closes[a.candle_close + HORIZON * c.step] - closes[a.candle_close]
            if said(a) != 50 and move != 0:
                n += 1
                hits += (said(a) > 50) == (move > 0)
        facts = layer_facts(name, judged[name], HORIZON * HOUR)
        assert (facts.hits, facts.n) == (hits, n)
        assert facts.low < facts.share < facts.high
        # Outcomes overlap: twelve analyses in a row are worth one, or less.
        assert facts.effective <= n / HORIZON + 2
    assert layer_facts("silent", judged["silent"], HORIZON * HOUR) is None


def test_markets_together_are_as_many_as_apart(hours):
    c, analyses = hours
    moved = rises(analyses, c, HORIZON)
    one = odds_of(analyses, moved, 0)
    both = together([one, odds_of(analyses, moved, 1)])
    assert len(both.forecast) == 2 * len(one.forecast)
    assert odds_facts(both, HOUR).brier == pytest.approx(odds_facts(one, HOUR).brier)
    assert len(together([]).forecast) == 0


def test_a_gap_between_an_analysis_and_its_horizon_leaves_it_unjudged():
    rows = [(100 + i,) * 4 for i in range(8)]
    whole, holed = candles(*rows), candles(*rows[:4], None, *rows[5:])
    made = [analysis(60, at=int(at)) for at in whole.close_time]
    assert rises(made, whole, 3)[:5] == pytest.approx([3 / (100 + i) for i in range(5)])
    assert np.isnan(rises(made, whole, 3)[5:]).all()
    assert np.isnan(rises(made, holed, 3)[1:]).all()
    assert rises(made, holed, 3)[0] == pytest.approx(0.03)
    assert np.isnan(rises(made, candles(), 3)).all()


def words(odds, layers):
    return " ".join("\n".join(section_text(section(odds, layers))).split())


def test_too_few_odds_make_no_curve():
    rows = [(100 + i % 3,) * 4 for i in range(LEAST)]
    c = candles(*rows)
    made = [replace(a, odds=Odds(probability=0.5, low=0.4, high=0.6, n=9)) for a in thought(c)]
    facts = odds_facts(odds_of(made, rises(made, c, 2), 0), 2 * STEP)
    assert facts.brier is None
    assert "Too few odds to judge" in words(facts, ())
    assert "No layer can be judged yet" in words(facts, ())


def test_a_layer_that_is_always_right_is_said_to_be_better_than_a_coin():
    # Up for an hour, down for an hour; one layer knows.
    close = [100 + (i % 24 if i % 24 < 12 else 24 - i % 24) for i in range(1200)]
    c = candles(*((x,) * 4 for x in close))
    moved = np.sign(np.array([close[min(i + 6, 1199)] - close[i] for i in range(1200)]))
    made = [
        analysis(50, at=int(at), readings=(Reading(layer="seer", score=50 + 10 * m, weight=1.0, reason=""),))
        for at, m in zip(c.close_time, moved, strict=True)
    ]
    judged = layers_of(made, rises(made, c, 6), 0)
    facts = layer_facts("seer", judged["seer"], 6 * STEP)
    assert facts.share == 1
    assert "more than luck explains: seer." in words(odds_facts(together([]), 6 * STEP), [facts])
