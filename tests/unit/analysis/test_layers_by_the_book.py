"""The layers of plain indicators, put together a second time from TA-Lib's and by hand, one candle at a time."""

import math

import numpy as np
import pytest
import talib

from hybridd.analysis.registry import LAYERS
from hybridd.model.candle import Candles
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_candles import SYMBOLS, recorded, replayed

CALIBRATION = load_shipped()
AT = (2_990, 2_993, 2_994, 2_999)
CUT_OFF = 0.05
"""Points of score by which an average of five periods may differ from TA-Lib's endless one."""
TIES = 0.1
"""Points by which a body that is exactly as long as TA-Lib asks may count otherwise in the two."""


def spread(name: str) -> float:
    return CALIBRATION.scale(name).spread


def bent(value: float, name: str) -> float:
    return 3 * math.tanh(value / (3 * spread(name)))


def score(raw: float, name: str) -> float:
    return 50 + 50 * math.tanh(0.3 * (raw - CALIBRATION.scale(name).centre) / spread(name))


def candles_of(symbol: str) -> Candles:
    return recorded(symbol)[40_000:43_000]


def columns(c: Candles) -> tuple[np.ndarray, ...]:
    return c.high, c.low, c.close, c.volume


def trend(c: Candles) -> float:
    high, low, close, _ = columns(c)
    fast, middle, slow = (talib.EMA(close, n) for n in (20, 50, 200))
    unit, adx = talib.ATR(high, low, close, 14)[-1], talib.ADX(high, low, close, 14)[-1]
    parts = (
        bent((fast[-1] - middle[-1]) / unit, "trend.fast"),
        bent((middle[-1] - slow[-1]) / unit, "trend.slow"),
        bent((middle[-1] - middle[-11]) / unit, "trend.slope"),
    )
    return sum(parts) / 3 * 2 * adx / (adx + 25)


def momentum(c: Candles) -> float:
    high, low, close, _ = columns(c)
    histogram = talib.MACD(close, 12, 26, 9)[2][-1] / talib.ATR(high, low, close, 14)[-1]
    parts = (
        bent(talib.RSI(close, 14)[-1] - 50, "momentum.rsi"),
        bent(histogram, "momentum.macd"),
        bent(talib.STOCH(high, low, close, 14, 3, 0, 3, 0)[1][-1] - 50, "momentum.stochastic"),
    )
    return sum(parts) / 3


def volume(c: Candles) -> float:
    high, low, close, traded = columns(c)
    slope = talib.LINEARREG_SLOPE(talib.OBV(close, traded), 50)[-1] / traded[-50:].mean()
    flows = [v * ((x - lo) - (hi - x)) / (hi - lo) if hi > lo else 0.0 for hi, lo, x, v in zip(*(
        column[-20:].tolist() for column in (high, low, close, traded)), strict=True)]  # fmt: skip
    typical, weights = ((high + low + close) / 3)[-96:], traded[-96:]
    mean = float(np.average(typical, weights=weights))
    sigma = math.sqrt(float(np.average((typical - mean) ** 2, weights=weights)))
    parts = (
        bent(slope, "volume.obv"),
        bent(sum(flows) / float(traded[-20:].sum()), "volume.cmf"),
        bent(talib.MFI(high, low, close, traded, 14)[-1] - 50, "volume.mfi"),
        bent((close[-1] - mean) / sigma, "volume.vwap"),
    )
    return sum(parts) / 4


def volatility(c: Candles) -> float:
    high, low, close, _ = columns(c)
    upper, middle, _ = talib.BBANDS(close, 20, 2, 2)
    ranges = talib.TRANGE(high, low, close)
    channel = np.r_[np.full(20, np.nan), 1.5 * talib.SMA(ranges[1:], 20)[19:]]
    squeezed = upper - middle < channel
    total = counted = 0.0
    for age in range(48):
        j = len(close) - 1 - age
        if not squeezed[j]:
            weight = 0.9**age * squeezed[j - 24 : j].sum() / 24
            total += weight * (close[j] - middle[j]) / channel[j]
            counted += weight
    if counted == 0:
        return float("nan")
    ranked = talib.ATR(high, low, close, 14)[-289:]
    return total / counted * (0.5 + float((ranked[:-1] < ranked[-1]).mean()))


def timeframes(c: Candles) -> float:
    verdicts = []
    for frame in replayed("BTC/USDT", c).higher.values():
        if len(frame) < 105:
            continue
        high, low, close, _ = columns(frame)
        apart = talib.EMA(close, 8)[-1] - talib.EMA(close, 21)[-1]
        unit = talib.TRANGE(high, low, close)[-14:].mean()
        move = np.diff(close)[-14:]
        strength = 100 * move[move > 0].sum() / np.abs(move).sum()
        verdicts.append((math.tanh(apart / unit) + math.tanh((strength - 50) / 20)) / 2)
    return sum(verdicts) / len(verdicts)


def patterns(c: Candles) -> float:
    records = {
        (one.pattern, one.sign, one.rising): one.mean * one.t**2 / (1 + one.t**2) for one in CALIBRATION.patterns
    }
    rising = talib.EMA(c.close, 20) > talib.EMA(c.close, 50)
    seen: dict[int, list[float]] = {age: [] for age in range(12)}
    # In whole ticks, so that TA-Lib's running sums do not break ties by their rounding.
    ticks = [np.round(column * 10_000) for column in (c.open, c.high, c.low, c.close)]
    for name in talib.get_function_groups()["Pattern Recognition"]:
        found = getattr(talib, name)(*ticks)
        for age in range(12):
            at = len(c) - 1 - age
            if found[at]:
                seen[age].append(records.get((name, int(np.sign(found[at])), bool(rising[at])), 0.0))
    return sum((1 - age / 12) * sum(worth) / len(worth) for age, worth in seen.items() if worth)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("by_hand", [trend, momentum, volume, volatility, timeframes, patterns])
def test_a_layer_says_what_its_formula_says(by_hand, symbol):
    name, candles = by_hand.__name__, candles_of(symbol)
    said = LAYERS[name](CALIBRATION).evaluate(replayed(symbol, candles)).values
    for i in AT:
        expected = by_hand(candles[: i + 1])
        if math.isnan(expected):
            assert math.isnan(said[i])
        else:
            assert said[i] == pytest.approx(score(expected, name), abs=TIES if by_hand is patterns else CUT_OFF)
