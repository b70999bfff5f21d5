"""Each layer on markets whose answer is plain, and in words."""

import numpy as np
import pytest

from hybridd.analysis.calibration import PatternRecord
from hybridd.analysis.layers.timeframes import VERDICT_LOOKBACK, Timeframes, verdict
from hybridd.analysis.registry import LAYERS, shipped_layers
from hybridd.model.candle import Candles, resample
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Input, Market
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_candles import recorded_market, replayed, walk

CALIBRATION = load_shipped()


def drifting(per_candle: float, n: int = 1500) -> Candles:
    """Prices that rise or fall steadily, with a little noise and more volume on the side of the drift."""
    noise = np.random.default_rng(5).normal(0, 0.0005, n)
    close = 100 * np.exp(np.cumsum(per_candle + noise))
    before = np.r_[100.0, close[:-1]]
    volume = np.where(np.sign(close - before) == np.sign(per_candle), 10.0, 3.0)
    opened = 1_750_000_200_000 // 300_000 * 300_000 + 300_000 * np.arange(n, dtype=np.int64)
    return Candles(
        300_000, opened, before, np.maximum(before, close) * 1.0001, np.minimum(before, close) * 0.9999, close, volume
    )


@pytest.mark.parametrize("name", ["trend", "volume", "timeframes"])
def test_a_steady_rise_is_bullish_and_a_steady_fall_bearish(name):
    layer = LAYERS[name](CALIBRATION)
    assert layer.evaluate(replayed("BTC/USDT", drifting(+0.0008))).values[-1] > 65
    assert layer.evaluate(replayed("BTC/USDT", drifting(-0.0008))).values[-1] < 35


@pytest.mark.parametrize(("sign", "side"), [(1, "up"), (-1, "down")])
def test_a_quickening_move_is_momentum(sign, side):
    calm, burst = drifting(0.0, 1400), drifting(sign * 0.003, 20)
    last = float(calm.close[-1]) / 100
    moved = [column * last for column in (burst.open, burst.high, burst.low, burst.close)]
    opened = calm.open_time[-1] + 300_000 * (1 + np.arange(20, dtype=np.int64))
    prices = (np.r_[a, b] for a, b in zip((calm.open, calm.high, calm.low, calm.close), moved, strict=True))
    candles = Candles(300_000, np.r_[calm.open_time, opened], *prices, np.full(1420, 5.0))
    value = LAYERS["momentum"](CALIBRATION).evaluate(replayed("BTC/USDT", candles)).values[-1]
    assert value > 65 if side == "up" else value < 35


@pytest.mark.parametrize("sign", [1, -1])
def test_leaving_a_squeeze_upward_is_bullish_and_downward_bearish(sign):
    candles = squeezed_then_moving(sign)
    layer = LAYERS["volatility"](CALIBRATION)
    market = replayed("BTC/USDT", candles)
    value = layer.evaluate(market).values[-1]
    assert value > 65 if sign > 0 else value < 35
    assert "squeeze" in layer.explain(market, len(candles) - 1)


def squeezed_then_moving(sign: int) -> Candles:
    """Wide ranges around one close (the bands inside the channel), then eight candles straight out."""
    close = np.r_[100 + 0.05 * (-1.0) ** np.arange(1000), 100 + sign * 0.6 * np.arange(1, 9)]
    before = np.r_[100.0, close[:-1]]
    opened = 1_749_999_900_000 + 300_000 * np.arange(len(close), dtype=np.int64)
    high, low = np.maximum(before, close) + 0.3, np.minimum(before, close) - 0.3
    return Candles(300_000, opened, before, high, low, close, np.full(len(close), 5.0))


def test_without_a_squeeze_to_leave_volatility_says_nothing():
    layer, market = LAYERS["volatility"](CALIBRATION), recorded_market("BTC/USDT")
    series = layer.evaluate(market)
    silent = np.flatnonzero(series.abstain == Abstain.NOTHING_SEEN)
    assert 0.05 < len(silent) / len(series.abstain) < 0.4
    assert "no squeeze in the last 72 candles" in layer.explain(market, int(silent[-1]))


def test_a_pattern_counts_by_its_record_and_fades():
    market = replayed("BTC/USDT", walk(1200))
    layer = LAYERS["patterns"](CALIBRATION)
    record = PatternRecord(pattern="CDLDOJI", sign=1, rising=True, n=900, mean=-0.4, t=-3.0)
    assert record.worth == pytest.approx(-0.36)
    reason = layer.explain(market, 1199)
    assert "ATR more than usual" in reason
    assert "cases" in reason


def test_frames_that_are_too_short_or_too_old_do_not_vote():
    layer, base = Timeframes(CALIBRATION), walk(3000)
    hours = resample(base, 3_600_000)
    instrument = parse_instrument("BTC/USDT")

    def code(higher):
        return layer.evaluate(Market(instrument=instrument, candles=base[-100:], higher=higher)).abstain[-1]

    assert code({}) == Abstain.NO_DATA
    assert code({"1h": hours}) == Abstain.ANSWERS
    assert code({"1h": hours[-VERDICT_LOOKBACK + 1 :]}) == Abstain.WARM_UP
    assert code({"1h": hours[:-3]}) == Abstain.STALE
    assert code({"1h": hours[:-3], "15m": resample(base, 900_000)}) == Abstain.ANSWERS


def test_a_frame_is_known_only_when_its_candle_has_closed():
    base = walk(3000)
    market = replayed("BTC/USDT", base)
    hours = market.higher["1h"]
    alone = Market(instrument=market.instrument, candles=base, higher={"1h": hours})
    raw = Timeframes(CALIBRATION).raw(alone).values
    said = verdict(hours)
    for i in (2000, 2005, 2011, 2500):
        newest = np.flatnonzero(hours.close_time <= base.close_time[i])[-1]
        assert raw[i] == said[newest]


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_explains_itself_in_one_sentence(name):
    layer, market = LAYERS[name](CALIBRATION), recorded_market("BTC/USDT")
    for i in (50_000, 60_001, 96_000):
        reason = layer.explain(market, i)
        assert 10 < len(reason) < 200
        assert "\n" not in reason
        assert "nan" not in reason


def test_a_layer_that_warms_up_says_how_much_is_missing():
    assert LAYERS["trend"](CALIBRATION).explain(replayed("BTC/USDT", walk(300)), 299) == (
        "needs 1,000 closed candles, has 300"
    )


def test_the_table_gives_each_layer_its_own_name_and_inputs():
    for name, layer in zip(LAYERS, shipped_layers(CALIBRATION), strict=True):
        assert layer.name == name
        assert Input.CANDLES in layer.inputs
