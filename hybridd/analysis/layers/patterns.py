"""The patterns layer: what followed candlestick patterns like the latest ones, as measured, not as told."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.calibration import Calibration, PatternRecord
from hybridd.analysis.candle_patterns import BLOCK, NAMES, PATTERNS, WARM, Sightings, sightings
from hybridd.analysis.indicators import ema20, ema50
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, answering, raw_of, scored, silenced, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import any_of
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

HORIZON = 12
"""Candles that a pattern's record looks ahead, and that the pattern counts for."""
_FADING = 1 - np.arange(HORIZON - 1, -1, -1) / HORIZON


class _Seen(Struct, frozen=True, eq=False):
    """The patterns of the candles asked about and of the HORIZON before, and the trends that they stood in."""

    patterns: Sightings
    up: BoolArray


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
        seen = {(one.pattern, one.sign) for one in calibration.patterns}
        self._two_sided = {(pattern, sign) for pattern, sign in seen if (pattern, -sign) in seen}
        self._records = {
            (NAMES.index(one.pattern), one.sign > 0, one.rising): (abs(one.worth), one)
            for one in calibration.patterns
            if one.pattern in PATTERNS
        }

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - records share the unit ATR
        return {}

    def raw(self, market: Market) -> Raw:
        return self._raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        return scored(self._raw(view), self._calibration.scale(self.name))

    def why(self, view: View) -> str:
        code = Abstain(view.once(self.said).abstain[-1])
        if code is Abstain.NOTHING_SEEN:
            return f"no candlestick pattern in the last {HORIZON} candles"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        found = self._strongest(view.once(_seen))
        if found is None:
            return f"the patterns of the last {HORIZON} candles have no record"
        record, age, others = found
        when = "now" if age == 0 else f"{age} candle{'s' if age > 1 else ''} ago"
        context = "a rising" if record.rising else "a falling"
        return (
            f"{self._called(record)} {when} in {context} market, followed by {record.mean:+.2f} ATR more "
            f"than usual in {HORIZON} candles ({record.n:,} cases, t {record.t:+.1f}), and {others} more"
        )

    def _raw(self, view: View) -> Raw:
        seen, n = view.once(_seen), view.last
        pattern, at, bullish = seen.patterns.pattern, seen.patterns.at, seen.patterns.bullish
        worth = self._worth[pattern, bullish.view(np.int8), seen.up[at].view(np.int8)]
        count = np.bincount(at, minlength=len(seen.up))
        said = np.bincount(at, weights=worth, minlength=len(seen.up)) / np.maximum(count, 1)
        raw = raw_of(_fading(said)[len(said) - n :], self.lookback, len(view.candles))
        silent = ~any_of(count > 0, HORIZON)[len(said) - n :] & answering(raw.abstain)
        return silenced(raw, silent, Abstain.NOTHING_SEEN)

    def _called(self, record: PatternRecord) -> str:
        """The pattern's name; with its direction where it has two."""
        both = (record.pattern, record.sign) in self._two_sided
        side = "" if not both else "bullish " if record.sign > 0 else "bearish "
        return side + PATTERNS[record.pattern]

    def _strongest(self, seen: _Seen) -> tuple[PatternRecord, int, int] | None:
        """The record that weighs most in the last candles, its age, and how many other patterns there were."""
        n, patterns, up = len(seen.up), seen.patterns, seen.up.tolist()
        latest = np.flatnonzero(patterns.at >= n - HORIZON)
        found = []
        for row, at, bullish in zip(
            *(x[latest].tolist() for x in (patterns.pattern, patterns.at, patterns.bullish)), strict=True
        ):
            known = self._records.get((row, bullish, up[at]))
            if known is not None:
                worth, record = known
                age = n - 1 - at
                found.append((worth * (1 - age / HORIZON), record, age))
        if not found:
            return None
        _, record, age = max(found, key=lambda item: item[0])
        return record, age, len(latest) - 1


def _seen(view: View) -> _Seen:
    last = min(view.last + HORIZON, len(view.candles))
    up = view.newest(ema20, last) > view.newest(ema50, last)  # as in `rising`
    return _Seen(sightings(view.candles, last), up)


def _worth_table(records: tuple[PatternRecord, ...]) -> FloatArray:
    """Shape (61, 2, 2): by pattern, bullish or not, rising or not; 0 where nothing was measured."""
    table = np.zeros((len(NAMES), 2, 2))
    for record in records:
        if record.pattern in PATTERNS:
            table[NAMES.index(record.pattern), int(record.sign > 0), int(record.rising)] = record.worth
    return table


def _fading(x: FloatArray) -> FloatArray:
    """Σ over the newest 12 values of x × (1 − age/12), those before the first being 0."""
    padded = np.concatenate([np.zeros(HORIZON - 1), x])
    # The newest apart: numpy is three times as quick with no more than 11 weights.
    return np.asarray(np.correlate(padded[:-1], _FADING[:-1]) + x) if len(x) else x
