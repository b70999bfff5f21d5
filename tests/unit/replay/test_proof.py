"""The proof: it finds the skill that was put in, and none where there is none."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from msgspec import structs

from hybridd.analysis.brain import Brain
from hybridd.clock import as_ms
from hybridd.replay.calibrate import Study
from hybridd.replay.fit import fit_of
from hybridd.replay.proof import AGAINST, NONE, SKILL, Opinion, prove
from hybridd.replay.proof_page import page
from hybridd.replay.teach import Thinking, teach
from tests.unit.replay.markets import markets, two_layers

JULY = as_ms(datetime(2025, 7, 1, tzinfo=UTC))
THINKING = Thinking(horizon=1, min_layers=1)


@pytest.fixture(scope="module")
def proof():
    return prove(Study(markets(), two_layers), JULY, THINKING)


def opinion(proof, name, horizon=3_600_000) -> Opinion:
    return next(one for one in proof.opinions if (one.name, one.horizon) == (name, horizon))


def test_skill_that_is_there_is_found(proof):
    one = opinion(proof, "last")
    assert one.verdict == SKILL
    assert one.walked.hit > 0.55
    assert one.walked.hits.low > 0.5
    assert one.final.brier < one.final.base


def test_a_layer_that_knows_nothing_is_said_to(proof):
    one = opinion(proof, "dice")
    assert one.walked.verdict == NONE
    assert one.walked.hits.low < 0.5 < one.walked.hits.high


def test_a_layer_that_points_the_wrong_way_is_said_to():
    found = prove(Study(markets(pull=-0.5), two_layers), JULY, THINKING)
    assert opinion(found, "last").verdict == AGAINST
    assert opinion(found, "last").walked.hit < 0.45


def test_every_opinion_is_judged_at_an_hour_four_hours_and_a_day(proof):
    assert {one.name for one in proof.opinions} == {"combined", "last", "dice"}
    assert {one.horizon // 3_600_000 for one in proof.opinions} == {1, 4, 24}


def test_the_final_months_choose_nothing():
    """Turn the final months upside down: what is said of the walked ones stays, to the last digit."""
    turned = []
    for symbol, market in markets():
        candles = market.candles
        scale = np.where(candles.close_time > JULY, np.random.default_rng(1).uniform(0.9, 1.1, len(candles)), 1.0)
        close = candles.close * scale
        turned.append((symbol, replace(market, candles=structs.replace(candles, close=close))))
    one, other = (prove(Study(which, two_layers), JULY, THINKING) for which in (markets(), turned))
    for a, b in zip(one.opinions, other.opinions, strict=True):
        if a.horizon == 3_600_000:
            assert (a.walked.brier, a.walked.ece, a.walked.base) == (b.walked.brier, b.walked.ece, b.walked.base)
            assert a.final.brier != b.final.brier


def test_the_page_is_the_same_each_time_and_names_what_it_was_made_from(proof):
    text = page(proof, "hybridd proof here.csv")
    assert text == page(prove(Study(markets(), two_layers), JULY, THINKING), "hybridd proof here.csv")
    assert "    hybridd proof here.csv" in text
    assert proof.fingerprint in text
    assert "| last | skill |" in text
    assert "Layers with skill at some horizon: last." in text
    assert "nan" not in text


def test_odds_are_taught_with_the_constants():
    study = Study(markets(), two_layers)
    learned = teach(study, THINKING)
    assert learned.odds is not None
    assert learned.odds.horizon == 1
    assert learned.odds.layers == ("last", "dice")
    steps = learned.odds.strata[-1].steps
    assert steps[0].probability < 0.45 < 0.55 < steps[-1].probability
    assert learned.odds.ece < 0.05


def test_a_short_history_teaches_constants_without_odds():
    study = Study(markets(5000, pull=0.1), two_layers)
    short = Study([(s, replace(m, candles=m.candles[:5000])) for s, m in markets()], two_layers)
    assert teach(study, replace(THINKING, horizon=6000)).odds is None
    assert teach(short, THINKING).gain > 0


def test_constants_fit_what_they_were_learned_from_and_not_another_market():
    given = markets()
    calibration = teach(Study(given, two_layers), THINKING)
    brain = Brain(two_layers(calibration), calibration, {}, 1)
    assert all(check.fits for check in fit_of(given, brain, calibration, odds=True))
    wild = [
        (symbol, replace(market, candles=structs.replace(market.candles, close=market.candles.close**3)))
        for symbol, market in given
    ]
    failed = {check.name for check in fit_of(wild, brain, calibration, odds=True) if not check.fits}
    assert "last: spread" in failed
    assert len(fit_of(given, brain, calibration, odds=False)) == len(fit_of(given, brain, calibration, odds=True)) - 1
