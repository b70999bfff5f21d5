"""TA-Lib's 61 candlestick patterns, found the same way whatever the unit of price and wherever the history begins."""

import numpy as np
import talib
from numpy.typing import NDArray

from hybridd.analysis.indicators import ema
from hybridd.analysis.windows import rolling_max
from hybridd.model.candle import BoolArray, Candles

PATTERNS = {
    "CDL2CROWS": "two crows", "CDL3BLACKCROWS": "three black crows", "CDL3INSIDE": "three inside",
    "CDL3LINESTRIKE": "three-line strike", "CDL3OUTSIDE": "three outside",
    "CDL3STARSINSOUTH": "three stars in the south", "CDL3WHITESOLDIERS": "three white soldiers",
    "CDLABANDONEDBABY": "abandoned baby", "CDLADVANCEBLOCK": "advance block", "CDLBELTHOLD": "belt hold",
    "CDLBREAKAWAY": "breakaway", "CDLCLOSINGMARUBOZU": "closing marubozu",
    "CDLCONCEALBABYSWALL": "concealing baby swallow", "CDLCOUNTERATTACK": "counterattack",
    "CDLDARKCLOUDCOVER": "dark cloud cover", "CDLDOJI": "doji", "CDLDOJISTAR": "doji star",
    "CDLDRAGONFLYDOJI": "dragonfly doji", "CDLENGULFING": "engulfing", "CDLEVENINGDOJISTAR": "evening doji star",
    "CDLEVENINGSTAR": "evening star", "CDLGAPSIDESIDEWHITE": "side-by-side white lines",
    "CDLGRAVESTONEDOJI": "gravestone doji", "CDLHAMMER": "hammer", "CDLHANGINGMAN": "hanging man",
    "CDLHARAMI": "harami", "CDLHARAMICROSS": "harami cross", "CDLHIGHWAVE": "high wave", "CDLHIKKAKE": "hikkake",
    "CDLHIKKAKEMOD": "modified hikkake", "CDLHOMINGPIGEON": "homing pigeon",
    "CDLIDENTICAL3CROWS": "identical three crows", "CDLINNECK": "in-neck", "CDLINVERTEDHAMMER": "inverted hammer",
    "CDLKICKING": "kicking", "CDLKICKINGBYLENGTH": "kicking by length", "CDLLADDERBOTTOM": "ladder bottom",
    "CDLLONGLEGGEDDOJI": "long-legged doji", "CDLLONGLINE": "long line", "CDLMARUBOZU": "marubozu",
    "CDLMATCHINGLOW": "matching low", "CDLMATHOLD": "mat hold", "CDLMORNINGDOJISTAR": "morning doji star",
    "CDLMORNINGSTAR": "morning star", "CDLONNECK": "on-neck", "CDLPIERCING": "piercing line",
    "CDLRICKSHAWMAN": "rickshaw man", "CDLRISEFALL3METHODS": "three methods",
    "CDLSEPARATINGLINES": "separating lines", "CDLSHOOTINGSTAR": "shooting star", "CDLSHORTLINE": "short line",
    "CDLSPINNINGTOP": "spinning top", "CDLSTALLEDPATTERN": "stalled pattern", "CDLSTICKSANDWICH": "stick sandwich",
    "CDLTAKURI": "takuri", "CDLTASUKIGAP": "tasuki gap", "CDLTHRUSTING": "thrusting", "CDLTRISTAR": "tristar",
    "CDLUNIQUE3RIVER": "unique three river", "CDLUPSIDEGAP2CROWS": "upside gap two crows",
    "CDLXSIDEGAP3METHODS": "gap three methods",
}  # fmt: skip
NAMES = tuple(PATTERNS)
_FUNCTIONS = tuple(getattr(talib, name) for name in NAMES)

BLOCK = 512
WARM = 64  # TA-Lib's longest pattern with its running averages looks back 17 candles
LONGEST = 5
CONTEXT = (20, 50)
_GRID = 2.0**32

Hits = NDArray[np.int8]


def pattern_hits(candles: Candles) -> Hits:
    """Which pattern ends at which candle: shape (61, n), +1 bullish, −1 bearish, 0 none, rows in the order of NAMES.

    Exact from candle BLOCK + WARM on. A pattern that a gap in time runs through is none, nor is one that ends in a
    candle without any range.
    """
    found = np.zeros((len(NAMES), len(candles)), dtype=np.int32)  # TA-Lib's own type: copied in without a conversion
    for begin, start, end in _blocks(candles):
        columns = _on_grid(candles[begin:end])
        for row, function in zip(found, _FUNCTIONS, strict=True):
            row[start:end] = function(*columns)[start - begin :]
    gap = np.diff(candles.open_time, prepend=candles.open_time[:1] - candles.step) != candles.step
    broken = rolling_max(gap.astype(np.float64), LONGEST - 1) > 0
    found[:, broken | (candles.high == candles.low)] = 0
    return (found > 0).view(np.int8) - (found < 0).view(np.int8)


def rising(candles: Candles) -> BoolArray:
    """The trend that a pattern stands in: EMA(20) above EMA(50). Shape (n,), False until candle 249."""
    fast, slow = (ema(candles.close, n) for n in CONTEXT)
    return np.asarray(fast > slow)


def _blocks(candles: Candles) -> list[tuple[int, int, int]]:
    """(start of the warm-up, start, end) of each run of candles that opened in one period of 512 candles of time.

    Keyed to the calendar and not to the first candle at hand, so that every history cuts time in the same places.
    """
    if not len(candles):
        return []
    period = candles.open_time // (BLOCK * candles.step)
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]]).tolist()
    return [(max(0, start - WARM), start, end) for start, end in zip(starts, [*starts[1:], len(candles)], strict=True)]


def _on_grid(candles: Candles) -> tuple[NDArray[np.float64], ...]:
    """Open, high, low, close as whole numbers of 2⁻³² of the first close.

    TA-Lib compares bodies with running averages of bodies. Where prices are few ticks apart the two are often equal,
    and rounding would decide, by where the sum began and by the unit of price. Sums of whole numbers are exact.
    """
    unit = candles.close[0] / _GRID
    return tuple(np.rint(column / unit) for column in (candles.open, candles.high, candles.low, candles.close))
