"""The time frames layer: do 15 minutes, an hour, four hours and a day point the same way?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import cutler_rsi, ema, true_range
from hybridd.analysis.scoring import Raw, scored, why_not
from hybridd.analysis.windows import ratio, rolling_mean
from hybridd.model.candle import BoolArray, Candles, FloatArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

FAST, SLOW, SPAN = 8, 21, 14
VERDICT_LOOKBACK = 5 * SLOW
RSI_UNIT = 20.0
OLDEST = 2  # steps of its own after which a frame's newest closed candle no longer counts


@dataclass(frozen=True, slots=True, eq=False)
class _Vote:
    """One frame's verdict as known at each base candle, in (−1, 1); NaN where it does not vote, and the two reasons."""

    verdict: FloatArray
    enough: BoolArray
    fresh: BoolArray


class Timeframes:
    """Bullish when the frames above the base one are in rising trends with momentum.

    raw = mean of the verdicts of those that vote. A frame votes with its newest closed candle, when it has 105 of
    them and that one is not older than two of its steps.
    """

    name = "timeframes"
    inputs = frozenset({Input.CANDLES, Input.HIGHER})
    lookback = 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - verdicts share one scale already
        return {}

    def raw(self, market: Market) -> Raw:
        n = len(market.candles)
        votes = list(_votes(market).values())
        total, voters = np.zeros(n), np.zeros(n)
        enough, fresh = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
        for vote in votes:
            voting = ~np.isnan(vote.verdict)
            total = total + np.where(voting, vote.verdict, 0.0)
            voters = voters + voting
            enough |= vote.enough
            fresh |= vote.enough & vote.fresh
        codes = np.select(
            [voters > 0, np.full(n, not votes), ~enough, ~fresh],
            [Abstain.ANSWERS, Abstain.NO_DATA, Abstain.WARM_UP, Abstain.STALE],
            Abstain.UNDEFINED,
        )
        return Raw(ratio(total, voters), codes.astype(np.int8))

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        here = Market(instrument=market.instrument, candles=market.candles[i : i + 1], higher=market.higher)
        code = Abstain(self.raw(here).abstain[-1])
        if code is Abstain.NO_DATA:
            return "has no candles of a higher time frame"
        if code in (Abstain.WARM_UP, Abstain.STALE, Abstain.UNDEFINED):
            longest = max(len(candles.closed_by(here.candles.last_close)) for candles in market.higher.values())
            return why_not(code, VERDICT_LOOKBACK, longest)
        verdicts = {name: float(vote.verdict[-1]) for name, vote in _votes(here).items()}
        said = ", ".join(f"{name} {v:+.2f}" if v == v else f"{name} silent" for name, v in verdicts.items())
        up, down = (sum(sign * v > 0 for v in verdicts.values()) for sign in (1, -1))
        voters = sum(v == v for v in verdicts.values())
        side = f"{up} of {voters} up" if up >= down else f"{down} of {voters} down"
        return f"{said}: {side}"


def verdict(candles: Candles) -> FloatArray:
    """Trend and momentum of one time frame, shape (n,), in (−1, 1); NaN before candle 104.

    The mean of tanh((EMA8 − EMA21)/mean true range of 14) and tanh((Cutler's RSI(14) − 50)/20): windows of at most
    105 candles, so that half a year of days is enough.
    """
    spread = ratio(ema(candles.close, FAST) - ema(candles.close, SLOW), rolling_mean(true_range(candles), SPAN))
    return (np.tanh(spread) + np.tanh((cutler_rsi(candles.close, SPAN) - 50) / RSI_UNIT)) / 2


def _votes(market: Market) -> dict[str, _Vote]:
    now = market.candles.close_time
    return {name: _vote(candles, now) for name, candles in market.higher.items()}


def _vote(candles: Candles, now: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> _Vote:
    """The as-of join: at each moment the newest candle of the frame that had closed by then."""
    newest = np.searchsorted(candles.close_time, now, side="right") - 1
    enough = newest >= VERDICT_LOOKBACK - 1
    if not enough.any():
        nothing = np.zeros(len(now), dtype=np.bool_)
        return _Vote(np.full(len(now), np.nan), nothing, nothing)
    fresh = now - candles.close_time[np.maximum(newest, 0)] <= OLDEST * candles.step
    said = verdict(candles)[np.maximum(newest, 0)]
    return _Vote(np.where(enough & fresh, said, np.nan), enough, fresh)
