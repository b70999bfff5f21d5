"""Learning the constants, and what ships."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.analysis.calibration import Scale, calibration_from_json
from hybridd.analysis.registry import LAYERS, shipped_layers
from hybridd.clock import as_ms
from hybridd.errors import DataError
from hybridd.model.context import ContextSeries
from hybridd.pipeline.calibration_file import calibration_from_text, load_calibration, load_shipped
from hybridd.replay.calibrate import Study, as_text, context_fingerprint, fingerprint, learn, scale_of
from hybridd.replay.pattern_records import pattern_records
from tests.recorded_candles import SYMBOLS, recorded, replayed, walk
from tests.unit.replay.markets import Last, Mute
from tests.unit.replay.markets import markets as quick

END = as_ms(datetime(2025, 10, 1, tzinfo=UTC))


def market(symbol, n=6000, seed=1):
    return symbol, replayed(symbol, walk(n, seed))


def test_the_same_candles_teach_the_same():
    markets = [market("BTC/USDT", seed=1), market("ETH/USDT", seed=2)]
    one, two = learn(markets, base=load_shipped()), learn(markets, base=load_shipped())
    assert as_text(one) == as_text(two)
    assert one.candles == 12_000
    assert set(LAYERS) <= set(one.scales)
    assert len(one.correlation) == len(LAYERS) * (len(LAYERS) - 1) // 2


def test_what_is_learned_survives_being_written():
    learned = learn([market("BTC/USDT")], base=load_shipped())
    assert calibration_from_json(json.loads(as_text(learned))) == learned


def test_the_shipped_constants_are_those_of_the_named_candles():
    shipped = load_shipped()
    markets = [(symbol, replayed(symbol, recorded(symbol).closed_by(END))) for symbol in SYMBOLS]
    assert shipped.symbols == SYMBOLS
    assert shipped.last == END
    assert shipped.candles == sum(len(m.candles) for _, m in markets)
    assert shipped.fingerprint == fingerprint(markets)


def test_one_changed_number_is_another_fingerprint():
    one, other = market("BTC/USDT"), market("BTC/USDT")
    assert fingerprint([one]) == fingerprint([other])
    other[1].candles.volume[17] += 1e-9
    assert fingerprint([one]) != fingerprint([other])


def test_a_robust_scale_forgets_outliers():
    values = np.random.default_rng(1).normal(3, 2, 50_000)
    values[::100] = 1e6
    scale = scale_of(np.r_[values, np.nan])
    assert scale is not None
    assert scale.centre == pytest.approx(3, abs=0.1)
    assert scale.spread == pytest.approx(2, abs=0.1)
    assert scale_of(np.zeros(10)) is None
    assert scale_of(np.full(10, np.nan)) is None


def test_a_layer_scores_its_raw_value_by_its_scale():
    """What calibration relies on where it scales a raw value that it has already."""
    learned = Study([market("BTC/USDT")])
    found = learned.learn(learned.last)
    for layer in shipped_layers(found.calibration):
        if layer.name in found.calibration.scales:
            again = layer.evaluate(learned.markets[0])
            assert np.array_equal(found.series[0][layer.name].values, again.values, equal_nan=True), layer.name


def test_a_layer_that_these_candles_say_nothing_of_keeps_its_scale_or_is_refused():
    def layers(calibration):
        return [Last(calibration), Mute(calibration)]

    base = replace(load_shipped(), scales={"mute": Scale(centre=0.0, spread=2.0)}, correlation={("last", "mute"): 0.25})
    learned = learn(quick(), layers, base)
    assert learned.kept == ("mute",)
    assert learned.scale("mute").spread == 2.0
    assert learned.correlation == {("last", "mute"): 0.25}
    with pytest.raises(DataError, match='"mute" never moves'):
        learn(quick(), layers)


def test_what_is_around_the_candles_has_a_fingerprint_of_its_own():
    _, one = market("BTC/USDT")
    times = one.candles.close_time[::100]
    series = ContextSeries("funding", times, times, np.arange(len(times), dtype=float), 10**9)
    around = replace(one, context={"funding": series}, benchmarks={"ETH/USDT": one.candles})
    assert context_fingerprint([one]) == ""
    assert len(context_fingerprint([around])) == 64
    series.values[3] += 1
    assert context_fingerprint([around]) != context_fingerprint([replace(around, context={})])
    assert fingerprint([("BTC/USDT", one)]) == fingerprint([("BTC/USDT", around)])


def test_on_noise_few_patterns_have_a_record_worth_the_name():
    records = pattern_records([walk(30_000, seed) for seed in (1, 2)])
    assert len(records) > 30
    assert all(record.n >= 100 for record in records)
    assert np.mean([abs(record.t) > 2 for record in records]) < 0.15


@pytest.mark.parametrize(
    ("markets", "said"),
    [
        ([], "no candles"),
        ([market("BTC/USDT", 400)], "too few"),
        ([market("BTC/USDT"), ("ETH/USDT", replayed("ETH/USDT", walk(6000, step=900_000)))], "5m, 15m"),
    ],
)
def test_what_cannot_teach_is_refused(markets, said):
    with pytest.raises(DataError, match=said):
        learn(markets)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "format None"),
        ('{"format": 1}', "KeyError 'version'"),
    ],
)
def test_a_broken_file_is_named(text, said):
    with pytest.raises(DataError, match=said):
        calibration_from_text(text, "here")


@pytest.mark.parametrize(
    ("key", "value"),
    [("scales", {"trend": [0, 0]}), ("scales", {"trend": [1]}), ("gain", 0), ("candles", "many"), ("patterns", [[1]])],
)
def test_a_number_that_cannot_be_is_refused(key, value):
    data = {**load_shipped().to_json(), key: value}
    with pytest.raises(DataError, match="cannot be read"):
        calibration_from_json(data)


def test_a_missing_scale_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DataError, match='no scale for "mine"'):
        load_shipped().scale("mine")
    with pytest.raises(DataError, match="cannot read"):
        load_calibration(tmp_path / "none.json")
