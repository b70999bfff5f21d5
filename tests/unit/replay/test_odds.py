"""Learning odds: the regression, the purge, the choice, and the table that comes of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hybridd.analysis.calibration import calibration_from_json
from hybridd.analysis.odds import odds_of, why_no_odds
from hybridd.analysis.odds_table import odds_from_json
from hybridd.errors import DataError
from hybridd.pipeline.calibration_file import load_shipped
from hybridd.replay.odds import STRATA, choose, forecasts, isotonic, judge, learn_odds, strata_of
from hybridd.replay.walk_forward import Fold, Sample

STEP, HOUR, MONTH = 300_000, 3_600_000, 30 * 86_400_000


def sample(n=12_000, seed=1, slope=0.3, months=4) -> Sample:
    """Scores whose odds of a rise are 0.5 + slope·(score − 50)/100, spread over months that follow each other."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0, 100, n)
    rises = rng.uniform(0, 1, n) < 0.5 + slope * (score - 50) / 100
    times = np.sort(rng.integers(1, months * MONTH, n)) // STEP * STEP + STEP
    return Sample(
        horizon=HOUR,
        folds=tuple(Fold(learned=k * MONTH, until=(k + 1) * MONTH) for k in range(months)),
        score=score,
        confidence=rng.uniform(0, 1, n),
        move=np.where(rises, 0.01, -0.01),
        close_time=times,
        market=np.zeros(n, dtype=np.int64),
        fold=np.minimum((times - 1) // MONTH, months - 1),
    )


def pooled(shares, counts):
    """Pool adjacent violators, as in the textbook: merge neighbours while they fall."""
    blocks = [[share, count, 1] for share, count in zip(shares, counts, strict=True)]
    i = 0
    while i < len(blocks) - 1:
        (a, m, j), (b, n, k) = blocks[i], blocks[i + 1]
        if a > b:
            blocks[i : i + 2] = [[(a * m + b * n) / (m + n), m + n, j + k]]
            i = max(i - 1, 0)
        else:
            i += 1
    return [value for value, _, length in blocks for _ in range(length)]


@pytest.mark.parametrize("seed", range(5))
def test_the_regression_pools_adjacent_violators(seed):
    rng = np.random.default_rng(seed)
    shares, counts = np.linspace(0.4, 0.6, 30) + rng.normal(0, 0.1, 30), rng.integers(1, 500, 30).astype(float)
    assert isotonic(shares, counts, rising=True) == pytest.approx(pooled(shares, counts))
    assert isotonic(-shares, counts, rising=False) == pytest.approx(-np.array(pooled(shares, counts)))


def test_odds_are_the_shares_that_were_seen():
    known = sample(60_000)
    (stratum,) = strata_of(known, 1)
    said = forecasts([stratum], known.score, known.confidence)
    assert np.abs(said - (0.5 + 0.3 * (known.score - 50) / 100)).max() < 0.04
    assert sum(step.n for step in stratum.steps) == len(known)
    for step, following in zip(stratum.steps, [*stratum.steps[1:], None], strict=True):
        here = (known.score >= step.score) & (known.score < (following.score if following else 101))
        assert step.probability == pytest.approx(known.up[here].mean(), abs=6e-3)
        assert step.low < step.probability < step.high
        assert step.effective <= step.n == pytest.approx(here.sum(), abs=1)


def test_where_high_scores_were_followed_by_falls_odds_fall():
    (stratum,) = strata_of(sample(slope=-0.3), 1)
    assert stratum.steps[0].probability > 0.6 > 0.4 > stratum.steps[-1].probability


def test_odds_are_drawn_to_even_by_what_chance_explains():
    """Two groups, 60 % and 50 % of days that rose as one: by hand."""
    days = np.arange(400)
    rises = np.where(days < 200, days % 5 < 3, days % 2 == 0)
    known = replace(
        sample(0),
        score=np.repeat(np.where(days < 200, 30.0, 70.0), 2),
        confidence=np.zeros(800),
        move=np.repeat(np.where(rises, 0.01, -0.01), 2),
        close_time=np.repeat(days * 24 * HOUR, 2),
        market=np.tile([0, 1], 400),
        fold=np.zeros(800, dtype=np.int64),
    )
    (stratum,) = strata_of(known, 1)
    low, high = stratum.steps
    assert (low.n, high.n) == (400, 400)
    assert (low.effective, high.effective) == (pytest.approx(200, rel=0.01), pytest.approx(200, rel=0.01))
    kept = 1 - (0.25 / 200) / 0.05**2
    squared = 0.05**2 * 400 / 0.25
    middle = 0.5 + 0.05 * squared / (1 + squared)
    assert low.probability == pytest.approx(middle + kept * 0.05, abs=2e-3)
    assert high.probability == pytest.approx(middle - kept * 0.05, abs=2e-3)


def test_odds_of_dice_are_one_number_or_hardly_apart():
    spreads = []
    for seed in range(20):
        known = sample(8000, seed=seed, slope=0.0)
        said = forecasts(strata_of(known, 1), known.score, known.confidence)
        assert abs(said.mean() - 0.5) < abs(known.up.mean() - 0.5)
        spreads.append(np.ptp(said))
    assert sum(spread == 0 for spread in spreads) >= 8
    assert np.median(spreads) < 0.01


def test_what_rests_on_fewer_independent_outcomes_is_drawn_nearer_to_even():
    apart = sample(8000, slope=0.2)
    crowd = replace(apart, close_time=apart.close_time // (20 * HOUR) * 20 * HOUR)
    (free,), (drawn,) = strata_of(apart, 1), strata_of(crowd, 1)
    assert 0.5 <= drawn.steps[-1].probability < free.steps[-1].probability


def test_overlapping_outcomes_widen_the_interval():
    apart = sample(2000, slope=0.0)
    crowd = Sample(**{name: getattr(apart, name) for name in Sample.__slots__})
    crowd = replace(crowd, close_time=apart.close_time // (20 * HOUR) * 20 * HOUR)
    (wide,), (narrow,) = strata_of(crowd, 1), strata_of(apart, 1)
    assert max(step.effective for step in wide.steps) < 150
    assert wide.steps[0].high - wide.steps[0].low > narrow.steps[0].high - narrow.steps[0].low


def test_confidence_parts_the_table_as_far_as_ties_let_it():
    assert len(strata_of(sample(), 3)) == 3
    level = replace(sample(), confidence=np.full(12_000, 0.5))
    assert len(strata_of(level, 3)) == 1


def test_odds_of_a_month_know_nothing_of_it_or_of_what_was_open_when_it_began():
    known = sample()
    before = judge(known, 1, [2])
    changed = replace(known, move=np.where(known.close_time + HOUR > 2 * MONTH, -known.move, known.move))
    after = judge(changed, 1, [2])
    assert np.array_equal(before.forecast, after.forecast)
    assert (before.sample.close_time > 2 * MONTH + HOUR).all()
    assert (before.sample.fold == 2).all()


def test_the_first_month_has_no_odds():
    assert not len(judge(sample(), 1, [0]).forecast)
    assert len(judge(sample(), 1, range(4)).sample) == len(judge(sample(), 1, [1, 2, 3]).forecast)


def test_odds_of_months_that_came_after_are_calibrated():
    judged = choose(sample(40_000, slope=-0.3), STRATA, range(4))[1]
    assert judged.brier < 0.25
    assert judged.ece < 0.02


def test_confidence_parts_the_table_only_where_it_tells_more_beyond_doubt():
    alike = [choose(sample(20_000, seed=seed), STRATA, range(4))[0] for seed in range(6)]
    assert alike == [1] * 6
    told = sample(40_000)
    sure = np.random.default_rng(4).uniform(0, 1, len(told)) < 0.5 + told.confidence**2 * (told.score - 50) / 100
    assert choose(replace(told, move=np.where(sure, 0.01, -0.01)), STRATA, range(4))[0] > 1


def test_the_table_survives_being_written_and_is_looked_up_as_it_was_learned():
    known = sample()
    table = learn_odds(known, ("a", "b"), {"a": 2.0, "b": 1.0}, 1, STEP)
    assert table is not None
    assert odds_from_json(json.loads(json.dumps(table.to_json()))) == table
    assert (table.horizon, table.weights, table.n) == (12, {"a": 2.0}, len(known))
    calibration = replace(load_shipped(), odds=table)
    assert calibration_from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    said = forecasts(table.strata, known.score[:500], known.confidence[:500])
    found = [odds_of(calibration, *one) for one in zip(known.score[:500], known.confidence[:500], strict=True)]
    assert [one.probability for one in found if one] == said.tolist()


def test_too_few_analyses_give_no_odds():
    few = sample(150)
    assert learn_odds(few, ("a",), {}, 1, STEP) is None
    assert strata_of(few, 1)[0].steps[0].n < 200
    table = learn_odds(sample(), ("a",), {}, 1, STEP)
    assert table is not None
    calibration = replace(load_shipped(), odds=replace(table, strata=strata_of(few, 1)))
    assert odds_of(calibration, 70.0, 0.8) is None
    assert odds_of(replace(load_shipped(), odds=table), float("nan"), 0.8) is None
    assert odds_of(replace(load_shipped(), odds=None), 70.0, 0.8) is None


def test_odds_speak_only_for_the_brain_that_they_were_measured_with():
    table = learn_odds(sample(), ("a", "b"), {"a": 2.0}, 8, STEP)
    calibration = replace(load_shipped(), odds=table)
    assert why_no_odds(calibration, "5m", 12, ("b", "a"), {"a": 2.0, "b": 1.0}, 8) == ""
    assert "candles of 5m, not 15m" in why_no_odds(calibration, "15m", 12, ("a", "b"), {"a": 2.0}, 8)
    assert "12 candles ahead, not 24" in why_no_odds(calibration, "5m", 24, ("a", "b"), {"a": 2.0}, 8)
    assert "other layers" in why_no_odds(calibration, "5m", 12, ("a",), {"a": 2.0}, 8)
    assert "weights" in why_no_odds(calibration, "5m", 12, ("a", "b"), {}, 8)
    assert "min_layers = 8, not 3" in why_no_odds(calibration, "5m", 12, ("a", "b"), {"a": 2.0}, 3)
    assert "no odds" in why_no_odds(replace(calibration, odds=None), "5m", 12, ("a",), {}, 8)


@pytest.mark.parametrize(
    "broken",
    [
        {"strata": []},
        {"strata": [{"confidence": 0, "steps": []}]},
        {"strata": [{"confidence": 0, "steps": [[0, 0.5, 0.6, 0.7, 300, 20]]}]},
        {"strata": [{"confidence": 0, "steps": [[9, 0.5, 0.4, 0.6, 300, 20], [3, 0.5, 0.4, 0.6, 300, 20]]}]},
        {"horizon": "soon"},
    ],
)
def test_a_table_that_cannot_be_is_refused(broken):
    table = learn_odds(sample(), ("a",), {}, 1, STEP)
    assert table is not None
    data = {**load_shipped().to_json(), "odds": {**table.to_json(), **broken}}
    with pytest.raises(DataError, match="cannot be read"):
        calibration_from_json(data)
