"""The brain with layers whose opinions are known."""

import numpy as np
import pytest

from hybridd.analysis.brain import Brain
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.timing import COMBINATION, SENTENCES, layer_seconds
from hybridd.model.reading import Abstain, Input, LayerSeries, Market
from tests.recorded_candles import replayed, walk

EMPTY = Calibration(version="", fingerprint="", symbols=(), timeframe="5m", candles=0, first=0, last=0)
MARKET = replayed("BTC/USDT", walk(4))


class Says:
    """A layer that says what it is told to: a number, None to abstain, or an error."""

    inputs = frozenset({Input.CANDLES})
    lookback = 1

    def __init__(self, name: str, said: object) -> None:
        self.name = name
        self.words = said
        self.asked = 0

    def evaluate(self, market: Market) -> LayerSeries:
        self.asked += 1
        if isinstance(self.words, BaseException):
            raise self.words
        n = len(market.candles)
        if self.words is None:
            return LayerSeries(np.full(n, np.nan), np.full(n, Abstain.NO_DATA, dtype=np.int8))
        values = np.broadcast_to(np.asarray(self.words, dtype=float), (n,)).copy()
        return LayerSeries(values, np.zeros(n, dtype=np.int8))

    def explain(self, market: Market, i: int) -> str:
        if self.name == "mute":
            raise LookupError("no words")
        return f"{self.name} at {i}"


def brain(*layers, weights=None, min_layers=1):
    return Brain(layers, EMPTY, weights or {}, min_layers)


@pytest.mark.parametrize(
    ("values", "codes"),
    [([50, 60], [0, 0]), ([50.0, np.nan], [0, 9]), ([np.nan], [-1]), ([50.0], [3]), ([np.nan], [0]), ([50.0], [0, 0])],
)
def test_what_is_no_answer_of_a_layer_is_refused(values, codes):
    with pytest.raises(ValueError, match="a layer must answer with"):
        LayerSeries(np.array(values), np.array(codes))


@pytest.mark.parametrize("n", [1, 5])
def test_nobody_writes_into_what_a_layer_said(n):
    series = LayerSeries(np.full(n, np.nan), np.full(n, int(Abstain.STALE), dtype=np.int8))
    for column in (series.values, series.abstain):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_one_layer_is_the_score():
    scores = brain(Says("a", [10, 50, 60, 100])).score_series(MARKET)
    np.testing.assert_allclose(scores.score, [10, 50, 60, 100])
    np.testing.assert_allclose(scores.confidence, [1, 0, 1, 1])
    assert scores.agreeing.tolist() == [1, 0, 1, 1]
    assert np.array_equal(scores.close_time, MARKET.candles.close_time)
    assert np.array_equal(scores.price, MARKET.candles.close)


def test_a_layer_of_weight_zero_does_not_run():
    off = Says("off", 90)
    scores = brain(Says("a", 60), off, weights={"off": 0}).score_series(MARKET)
    assert off.asked == 0
    assert scores.names == ("a",)


def test_a_layer_that_breaks_is_told_and_the_others_go_on():
    scores = brain(Says("a", 60), Says("broken", ZeroDivisionError("by zero"))).score_series(MARKET)
    np.testing.assert_allclose(scores.score, 60)
    assert scores.failures == {"broken": "ZeroDivisionError: by zero"}
    assert (scores.abstain[1] == Abstain.FAILED).all()
    assert scores.missing(-1) == ("broken",)
    assert scores.confidence[-1] == 0.5


@pytest.mark.parametrize("said", [101.0, -1.0])
def test_a_value_outside_the_scale_is_a_failure(said):
    scores = brain(Says("a", 60), Says("wild", said)).score_series(MARKET)
    assert "outside 0 to 100" in scores.failures["wild"]


def test_a_series_of_the_wrong_length_is_a_failure():
    class Short(Says):
        def evaluate(self, market):
            return super().evaluate(replayed("BTC/USDT", walk(2)))

    assert "values for 4 candles" in brain(Says("a", 60), Short("short", 70)).score_series(MARKET).failures["short"]


def test_a_stop_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        brain(Says("a", KeyboardInterrupt())).score_series(MARKET)


def test_few_answers_cap_the_confidence_and_mark_the_analysis():
    layers = [Says("a", 90), Says("b", 90), Says("c", None)]
    full = brain(*layers, min_layers=2).score_series(MARKET)
    thin = brain(*layers, min_layers=3).score_series(MARKET)
    assert full.confidence[0] == pytest.approx(2 / 3)
    assert not full.degraded.any()
    assert thin.confidence[0] == 0.5
    assert thin.degraded.all()


def test_when_nobody_answers_there_is_no_score():
    scores = brain(Says("a", None), Says("b", None)).score_series(MARKET)
    assert np.isnan(scores.score).all()
    assert (scores.confidence == 0).all()
    assert scores.degraded.all()


def test_readings_carry_score_weight_and_reason():
    layers = (Says("a", 60), Says("b", None), Says("mute", 40), Says("broken", ValueError("bad")))
    thinker = brain(*layers, weights={"a": 2.5})
    scores = thinker.score_series(MARKET)
    a, b, mute, broken = thinker.readings(MARKET, scores, -1)
    assert (a.score, a.weight, a.reason, a.abstain) == (60.0, 2.5, "a at 3", Abstain.ANSWERS)
    assert (b.score, b.abstain) == (None, Abstain.NO_DATA)
    assert mute.reason == "cannot explain itself: LookupError: no words"
    assert (broken.score, broken.reason) == (None, "failed: ValueError: bad")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"trendd": 1.0}, 'no layer "trendd", did you mean "trend"?'),
        ({"zzz": 1.0}, 'no layer "zzz"$'),
        ({"trend": -1.0}, "must be 0 or more"),
        ({"trend": float("nan")}, "must be 0 or more"),
        ({"trend": 0.0}, "nothing is left"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        brain(Says("trend", 50), weights=weights)


def test_two_layers_of_one_name_and_no_minimum_are_refused():
    with pytest.raises(ValueError, match="two layers are called a"):
        brain(Says("a", 50), Says("a", 50))
    with pytest.raises(ValueError, match="min_layers"):
        brain(Says("a", 50), min_layers=0)


def test_no_candles_no_scores():
    scores = brain(Says("a", 60)).score_series(replayed("BTC/USDT", walk(0)))
    assert len(scores) == 0
    assert scores.score.shape == (0,)


class Shares(Says):
    """The same, of the newest candles alone."""

    def said(self, view):
        series = self.evaluate(view.market)
        n = len(series.values)
        return LayerSeries(series.values[n - view.last :], series.abstain[n - view.last :])

    def why(self, view):
        return f"{self.name} of {view.last} at {len(view.candles) - 1}"


def test_only_the_candles_asked_about_are_scored():
    after = int(MARKET.candles.close_time[1])
    for layer in (Says("a", [10, 50, 60, 100]), Shares("a", [10, 50, 60, 100])):
        thinker = brain(layer)
        scores = thinker.score_series(MARKET, after)
        np.testing.assert_allclose(scores.score, [60, 100])
        assert scores.close_time.tolist() == MARKET.candles.close_time[2:].tolist()
        assert scores.price.tolist() == MARKET.candles.close[2:].tolist()
        assert len(thinker.score_series(MARKET, int(MARKET.candles.close_time[-1]))) == 0
        assert [one.reason for one in thinker.readings(MARKET, scores, 0)] in (["a at 2"], ["a of 1 at 2"])
        assert [one.reason for one in thinker.readings(MARKET, scores, -1)] in (["a at 3"], ["a of 2 at 3"])


def test_a_long_history_is_scored_in_pieces(monkeypatch):
    monkeypatch.setattr("hybridd.analysis.brain.CHUNK", 3)
    market = replayed("BTC/USDT", walk(8))

    scores = brain(Shares("a", 60)).score_series(market)
    assert scores.score.tolist() == [60] * 8
    assert scores.view is None


def test_what_was_computed_on_the_way_is_kept_of_few_candles_only(monkeypatch):
    monkeypatch.setattr("hybridd.analysis.brain.FEW", 8)
    one = brain(Shares("a", 60))
    few, many = (one.score_series(replayed("BTC/USDT", walk(n))) for n in (8, 9))
    assert few.view is not None
    assert many.view is None
    assert one.readings(replayed("BTC/USDT", walk(9)), many, 8)[0].score == 60


def test_a_layer_that_breaks_on_the_way_has_failed_from_end_to_end(monkeypatch):
    monkeypatch.setattr("hybridd.analysis.brain.CHUNK", 3)

    class Tires(Shares):
        def evaluate(self, market):
            if len(market.candles) > 4:
                raise ValueError("too many candles")
            return super().evaluate(market)

    scores = brain(Tires("tires", 80), Shares("b", 60)).score_series(replayed("BTC/USDT", walk(8)))
    assert scores.failures == {"tires": "ValueError: too many candles"}
    assert scores.score.tolist() == [60] * 8
    assert (scores.abstain[0] == Abstain.FAILED).all()


def test_the_time_that_each_layer_takes_is_told():
    now = iter(np.arange(100.0).tolist())
    spent = layer_seconds(brain(Says("a", 60), Shares("b", 40)), MARKET, lambda: next(now), explain=True)
    assert spent == {"a": 1.0, "b": 1.0, COMBINATION: 3.0, SENTENCES: 1.0}
    assert list(layer_seconds(brain(Shares("b", 40)), MARKET, lambda: 0.0)) == ["b", COMBINATION]


def test_other_layers_must_have_the_same_names():
    with pytest.raises(ValueError, match="the layers must be a"):
        brain(Says("a", 60)).with_layers([Says("b", 60)])
