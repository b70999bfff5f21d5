"""The patterns layer: what followed candlestick patterns like the latest ones, as measured, not as told."""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.calibration import Calibration, PatternRecord
from hybridd.analysis.candle_patterns import BLOCK, NAMES, PATTERNS, WARM, Hits, pattern_hits, rising
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, raw_of, scored, tail, why_not
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

HORIZON = 12
"""Candles that a pattern's record looks ahead, and that the pattern counts for."""


class Patterns:
    """Bullish when patterns of the last 12 candles were, by their own record, followed by rises.

    Each of TA-Lib's 61 patterns has a record by direction and by trend: the mean move in the 12 candles after it, in
    ATR, above that after any candle of such a trend, shrunk by its t-statistic. A candle says the mean of what its
    patterns are worth; raw = Σ of that over the last 12 candles × (1 − age/12), the share that is still to come.
    """

    name = "patterns"
    inputs = CANDLES_ONLY
    lookback = BLOCK + WARM + HORIZON - 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._worth = _worth_table(calibration.patterns)

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - records share the unit ATR
        return {}

    def raw(self, market: Market) -> Raw:
        hits, up = pattern_hits(market.candles), rising(market.candles)
        row, at = np.nonzero(hits)
        n = len(market.candles)
        worth = self._worth[row, (hits[row, at] > 0).astype(np.int64), up[at].astype(np.int64)]
        count = np.bincount(at, minlength=n)
        said = np.bincount(at, weights=worth, minlength=n) / np.maximum(count, 1)
        raw = raw_of(_fading(said), self.lookback)
        seen = _fading(count.astype(np.float64)) > 0
        silent = ~seen & (raw.abstain == Abstain.ANSWERS)
        return Raw(
            np.where(silent, np.nan, raw.values),
            np.where(silent, np.int8(Abstain.NOTHING_SEEN), raw.abstain),
        )

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        recent = Market(instrument=market.instrument, candles=tail(market.candles, i, self.lookback))
        code = Abstain(self.evaluate(recent).abstain[-1])
        if code is Abstain.NOTHING_SEEN:
            return f"no candlestick pattern in the last {HORIZON} candles"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        hits, up = pattern_hits(recent.candles), rising(recent.candles)
        found = self._strongest(hits[:, -HORIZON:], up[-HORIZON:])
        if found is None:
            return f"the patterns of the last {HORIZON} candles have no record"
        record, age, others = found
        when = "now" if age == 0 else f"{age} candle{'s' if age > 1 else ''} ago"
        context = "a rising" if record.rising else "a falling"
        return (
            f"{self._called(record)} {when} in {context} market, followed by {record.mean:+.2f} ATR more "
            f"than usual in {HORIZON} candles ({record.n:,} cases, t {record.t:+.1f}), and {others} more"
        )

    def _called(self, record: PatternRecord) -> str:
        """The pattern's name; with its direction where it has two."""
        signs = {one.sign for one in self._calibration.patterns if one.pattern == record.pattern}
        side = "" if len(signs) == 1 else "bullish " if record.sign > 0 else "bearish "
        return side + PATTERNS[record.pattern]

    def _strongest(
        self, hits: Hits, up: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> tuple[PatternRecord, int, int] | None:
        """The record that weighs most in the last candles, its age, and how many other patterns there were."""
        records = {(record.pattern, record.sign, record.rising): record for record in self._calibration.patterns}
        found = []
        for row, at in np.argwhere(hits).tolist():
            record = records.get((NAMES[row], int(hits[row, at]), bool(up[at])))
            if record is not None:
                age = HORIZON - 1 - at
                found.append((abs(record.worth) * (1 - age / HORIZON), record, age))
        if not found:
            return None
        _, record, age = max(found, key=lambda item: item[0])
        return record, age, int(np.count_nonzero(hits)) - 1


def _worth_table(records: tuple[PatternRecord, ...]) -> FloatArray:
    """Shape (61, 2, 2): by pattern, bullish or not, rising or not; 0 where nothing was measured."""
    table = np.zeros((len(NAMES), 2, 2))
    for record in records:
        if record.pattern in PATTERNS:
            table[NAMES.index(record.pattern), int(record.sign > 0), int(record.rising)] = record.worth
    return table


def _fading(x: FloatArray) -> FloatArray:
    """Σ over the newest 12 values of x × (1 − age/12); shorter in front, where the caller's warm-up hides it."""
    total = x.copy()
    for age in range(1, min(HORIZON, len(x))):
        total[age:] += (1 - age / HORIZON) * x[:-age]
    return total
