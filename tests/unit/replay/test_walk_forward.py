"""Walking forward: what is learned when, and that nothing looks ahead."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from msgspec import structs

from hybridd.analysis.brain import Brain
from hybridd.clock import as_ms
from hybridd.replay.calibrate import Study
from hybridd.replay.walk_forward import Fold, months, sample_of, walk_forward
from tests.unit.replay.markets import HOUR, START, markets, two_layers

MAY = as_ms(datetime(2025, 5, 1, tzinfo=UTC))
JUNE = as_ms(datetime(2025, 6, 1, tzinfo=UTC))


def test_a_month_is_judged_once_ninety_days_were_learned_from():
    folds = months(START, as_ms(datetime(2025, 6, 11, tzinfo=UTC)))
    assert [datetime.fromtimestamp(fold.learned / 1000, UTC).month for fold in folds] == [4, 5, 6]
    assert [fold.until for fold in folds[:-1]] == [fold.learned for fold in folds[1:]]
    assert folds[-1].until == as_ms(datetime(2025, 6, 11, tzinfo=UTC))
    assert months(START, START + 80 * 24 * HOUR) == ()


def test_years_are_judged_in_twelve_blocks_at_most():
    folds = months(START, as_ms(datetime(2031, 1, 1, tzinfo=UTC)))
    assert len(folds) <= 12
    assert folds[-1].until == as_ms(datetime(2031, 1, 1, tzinfo=UTC))


def test_what_comes_later_changes_nothing_that_was_learned_before():
    true = markets()
    turned = []
    for symbol, market in true:
        candles = market.candles
        later = candles.close_time > MAY
        upside_down = {c: np.where(later, 200 - getattr(candles, c), getattr(candles, c)) for c in ("open", "close")}
        turned.append((symbol, replace(market, candles=structs.replace(candles, **upside_down))))
    one, other = (Study(which, two_layers).learn(MAY).calibration for which in (true, turned))
    assert one.scales == other.scales
    assert (one.gain, one.correlation, one.patterns) == (other.gain, other.correlation, other.patterns)
    assert one.fingerprint != other.fingerprint
    whole = Study(true, two_layers).learn(JUNE).calibration
    assert whole.scales != one.scales


def test_a_judged_score_is_the_one_that_a_brain_would_have_given():
    given = markets()
    study = Study(given, two_layers)
    rows = walk_forward(study, [Fold(learned=MAY, until=JUNE)], {"last": 2.0}, 1)
    calibration = study.learn(MAY).calibration
    brain = Brain(two_layers(calibration), calibration, {"last": 2.0}, 1)
    for position, (_, market) in enumerate(given):
        scores = brain.score_series(replace(market, candles=market.candles.closed_by(JUNE)))
        here = rows.market == position
        assert np.array_equal(rows.score[here], scores.score[rows.at[here]])
        assert np.array_equal(rows.confidence[here], scores.confidence[rows.at[here]])
        assert np.array_equal(rows.values[:, here], scores.values[:, rows.at[here]])
    assert rows.close_time.min() == MAY + HOUR
    assert rows.close_time.max() == JUNE


def test_progress_is_told_fold_by_fold():
    told: list[tuple[int, int]] = []
    folds = [Fold(learned=MAY, until=MAY + 24 * HOUR), Fold(learned=MAY + 24 * HOUR, until=MAY + 48 * HOUR)]
    walk_forward(Study(markets(), two_layers), folds, {}, 1, lambda done, of: told.append((done, of)))
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_layer_of_weight_nothing_is_not_judged():
    rows = walk_forward(Study(markets(), two_layers), [Fold(learned=MAY, until=JUNE)], {"dice": 0.0}, 1)
    assert rows.names == ("last",)


def test_opinions_come_with_what_followed_them():
    study = Study(markets(), two_layers)
    rows = walk_forward(study, [Fold(learned=MAY, until=JUNE)], {}, 1)
    brain, layer = sample_of(study, rows, 4), sample_of(study, rows, 4, "last")
    candles = study.markets[0].candles
    at = int(rows.at[0])
    assert brain.move[0] == pytest.approx(candles.close[at + 4] / candles.close[at] - 1)
    assert brain.horizon == 4 * HOUR
    assert np.array_equal(layer.score, rows.values[0])
    assert (brain.judged(0).close_time > MAY + 4 * HOUR).all()
    assert (brain.known_by(MAY + 10 * HOUR).close_time <= MAY + 6 * HOUR).all()
    assert not len(sample_of(study, walk_forward(study, [], {}, 1), 4))
