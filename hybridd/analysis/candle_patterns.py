"""TA-Lib's 61 candlestick patterns, found the same way whatever the unit of price and wherever the history begins."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.analysis.candle_marks import WORD_SIZE, Bits, measures, true_of, true_of_few
from hybridd.analysis.candle_shapes import NAMES as NAMES
from hybridd.analysis.candle_shapes import WORDS, found_in, found_in_few
from hybridd.analysis.indicators import ema20, ema50
from hybridd.analysis.windows import any_of
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray

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

BLOCK = 512
WARM = 64
SEEN = 20  # TA-Lib's longest pattern with its running averages looks back 17 candles
LONGEST = 5
LOOKBACK = 14  # candles before which no pattern and its means are whole: five candles and the ten before the first
_GRID = 2.0**32

Hits = NDArray[np.int8]


class Sightings(Struct, frozen=True, eq=False):
    """Each pattern that was seen: its number in NAMES, at which candle it ended, and whether it is bullish."""

    pattern: IntArray
    at: IntArray
    bullish: BoolArray


def pattern_hits(candles: Candles) -> Hits:
    """Which pattern ends at which candle: shape (61, n), +1 bullish, −1 bearish, 0 none, rows in the order of NAMES.

    Exact from candle BLOCK + WARM on. A pattern that a gap in time runs through is none, nor is one that ends in a
    candle without any range.
    """
    seen, hits = sightings(candles), np.zeros((len(NAMES), len(candles)), dtype=np.int8)
    hits[seen.pattern, seen.at] = np.where(seen.bullish, 1, -1)
    return hits


def sightings(candles: Candles, last: int | None = None) -> Sightings:
    """The hits of the newest `last` candles, counted from the first of them."""
    wanted = len(candles) if last is None else last
    candles = candles[max(0, len(candles) - wanted - BLOCK - WARM) :]
    first = len(candles) - wanted
    columns, place = _on_grid(candles, first)
    kept = (place >= first) & ~_broken(candles, first).take(place - first, mode="clip")
    kept[:LOOKBACK] = False
    asked = int.from_bytes(np.packbits(kept, bitorder="little").tobytes(), "little")
    line, at = _found(measures(*columns), (1 << len(place)) - 1, asked)
    return Sightings(line >> 1, place[at] - first, line & 1 == 0)


def _found(marks: FloatArray, everywhere: Bits, asked: Bits) -> tuple[IntArray, IntArray]:
    """Line (as in `found_in`) and candle of each pattern."""
    n = marks.shape[1]
    if n > WORD_SIZE:
        return _unpacked(found_in(true_of(marks, WORDS), everywhere, asked), n)
    lines = found_in_few(true_of_few(marks, WORDS), everywhere, asked)
    some = lines.nonzero()[0]
    packed = lines.take(some).astype("<u8", copy=False).view(np.uint8).reshape(-1, WORD_SIZE // 8)
    of, at = np.unpackbits(packed, axis=1, bitorder="little").nonzero()
    return some.take(of), at


def _unpacked(lines: Sequence[Bits], n: int) -> tuple[IntArray, IntArray]:
    """Line and place of each bit, of lines of `n` bits."""
    size = -(-n // 8)
    packed = np.frombuffer(b"".join([bits.to_bytes(size, "little") for bits in lines]), dtype=np.uint8)
    some = np.flatnonzero(packed != 0)  # most bytes are 0
    of = np.flatnonzero(np.unpackbits(packed[some], bitorder="little").view(np.bool_))
    some *= 8
    at = some[of >> 3]
    at += of & 7
    # The places are counted on through all lines; how many bits are set in each says which line it is.
    line = np.repeat(np.arange(len(lines)), [bits.bit_count() for bits in lines])
    at -= 8 * size * line
    return line, at


def _broken(candles: Candles, first: int) -> BoolArray:
    """Of the candles from `first` on, where a pattern would run through a gap in time or end in one without a range."""
    before = max(0, first - LONGEST)
    opened = candles.open_time[before:]
    gap = np.zeros(len(opened), dtype=np.bool_)
    gap[1:] = opened[1:] - opened[:-1] != candles.step
    return np.asarray(any_of(gap, LONGEST - 1)[first - before :] | (candles.high[first:] == candles.low[first:]))


def rising(candles: Candles) -> BoolArray:
    """The trend that a pattern stands in: EMA(20) above EMA(50). Shape (n,), False until candle 249."""
    n = len(candles)
    return np.asarray(ema20(candles, n) > ema50(candles, n))


def _blocks(candles: Candles) -> list[tuple[int, int, int]]:
    """(start of the warm-up, start, end) of each run of candles that opened in one period of 512 candles of time.

    Keyed to the calendar and not to the first candle at hand, so that every history cuts time in the same places.
    """
    if not len(candles):
        return []
    period = candles.open_time // (BLOCK * candles.step)
    starts = [0, *((period[1:] != period[:-1]).nonzero()[0] + 1).tolist()]
    return [(max(0, start - WARM), start, end) for start, end in zip(starts, [*starts[1:], len(candles)], strict=True)]


def _on_grid(candles: Candles, first: int) -> tuple[FloatArray, IntArray]:
    """Open, high, low, close of the blocks from candle `first` on, one after the other, each with the candles before
    it that a pattern looks back at, and as whole numbers of 2⁻³² of the first close of its warm-up; shape (4, m). And
    which candle each is, −1 for those before.

    TA-Lib compares bodies with running averages of bodies. Where prices are few ticks apart the two are often equal,
    and rounding would decide, by where the sum began and by the unit of price. Sums of whole numbers are exact.
    """
    parts = []
    for begin, start, end in _blocks(candles):
        if first < end:
            wanted = max(start, first)
            parts.append((max(begin, wanted - SEEN), wanted, end, candles.close.item(begin) / _GRID))
    m = sum(end - start for start, _, end, _ in parts)
    columns, place, filled = np.empty((4, m)), np.empty(m, dtype=np.int64), 0
    source = (candles.open, candles.high, candles.low, candles.close)
    for start, wanted, end, unit in parts:
        part = slice(filled, filled + end - start)
        for column, price in zip(columns, source, strict=True):
            np.divide(price[start:end], unit, out=column[part])
        place[part] = np.arange(start, end)
        place[filled : filled + wanted - start] = -1
        filled = part.stop
    return np.rint(columns, out=columns), place
