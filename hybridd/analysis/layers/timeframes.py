"""The time frames layer: do 15 minutes, an hour, four hours and a day point the same way?"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.as_known import Part, answer, averaged, nearness, silent
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import cutler_rsi, ema, true_range
from hybridd.analysis.recall import recalled
from hybridd.analysis.scoring import Raw, scored, tanh, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import newest_by, ratio, rolling_mean
from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

FAST, SLOW, SPAN = 8, 21, 14
VERDICT_LOOKBACK = 5 * SLOW
RSI_UNIT = 20.0
OLDEST = 2  # steps of its own after which a frame's newest closed candle no longer counts


# A frame that has grown old was nearer to a vote than one that never had candles enough.
_NEARNESS = nearness(Abstain.WARM_UP, Abstain.STALE, Abstain.UNDEFINED)


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
        return _raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        series = scored(_joined(view), self._calibration.scale(self.name))
        if len(series.values) == view.last:
            return series
        held = view.once(_moments).held
        return LayerSeries(np.repeat(series.values, held), np.repeat(series.abstain, held))

    def why(self, view: View) -> str:
        code = Abstain(view.once(self.said).abstain[-1])
        if code is Abstain.NO_DATA:
            return "has no candles of a higher time frame"
        if code is not Abstain.ANSWERS:
            now = view.candles.last_close
            longest = max(len(candles.closed_by(now)) for candles in view.market.higher.values())
            return why_not(code, VERDICT_LOOKBACK, longest)
        verdicts = {name: float(vote.values[-1]) for name, vote in view.once(_votes).items()}
        said = ", ".join(f"{name} {v:+.2f}" if v == v else f"{name} silent" for name, v in verdicts.items())
        up, down = (sum(sign * v > 0 for v in verdicts.values()) for sign in (1, -1))
        voters = sum(v == v for v in verdicts.values())
        side = f"{up} of {voters} up" if up >= down else f"{down} of {voters} down"
        return f"{said}: {side}"


def verdict(candles: Candles, last: int | None = None) -> FloatArray:
    """Trend and momentum of one time frame, shape (n,), in (−1, 1); NaN before candle 104.

    The mean of tanh((EMA8 − EMA21)/mean true range of 14) and tanh((Cutler's RSI(14) − 50)/20): windows of at most
    105 candles, so that half a year of days is enough.
    """
    last, close = len(candles) if last is None else last, candles.close
    unit = rolling_mean(true_range(candles, last + SPAN), SPAN, last)
    spread = ratio(ema(close, FAST, last=last) - ema(close, SLOW, last=last), unit)
    return (tanh(spread) + tanh((cutler_rsi(close, SPAN, last) - 50) / RSI_UNIT)) / 2


class _Moments(Struct, frozen=True, eq=False):
    """When the candles close at which a frame's newest one changes or grows old, and how many candles each holds."""

    at: IntArray
    held: IntArray


def _raw(view: View) -> Raw:
    raw, held = _joined(view), view.once(_moments).held
    return Raw(np.repeat(raw.values, held), np.repeat(raw.abstain, held))


def _joined(view: View) -> Raw:
    """The mean of the verdicts of those that vote at each of the moments."""
    votes = list(view.once(_votes).values())
    joint = averaged(votes, _NEARNESS) if votes else silent(len(view.once(_moments).at), Abstain.NO_DATA)
    return Raw(joint.values, joint.abstain)


def _moments(view: View) -> _Moments:
    now = view.closed
    if len(now) < 2:
        return _Moments(now, np.ones(len(now), dtype=np.int64))
    turns = np.zeros(len(now) + 1, dtype=np.bool_)
    turns[0] = True
    for candles in view.market.higher.values():
        recent = candles.since(int(now[0]) - (OLDEST + 2) * candles.step).closed_by(int(now[-1])).close_time
        turns[np.searchsorted(now, recent)] = True
        old = recent + OLDEST * candles.step
        unfollowed = np.append(old[:-1] < recent[1:], True)[: len(old)]
        turns[np.searchsorted(now, old[unfollowed], side="right")] = True
    points = np.flatnonzero(turns[:-1])
    return _Moments(now[points], np.append(points[1:], len(now)) - points)


def _votes(view: View) -> dict[str, Part]:
    """Each frame's verdict as known at each of the moments, in (−1, 1), or why it does not vote."""
    higher = view.market.higher.items()
    if view.last == 1:
        now = view.candles.last_close
        return {name: _vote_now(candles, now) for name, candles in higher}
    return {name: _vote(candles, view.once(_moments).at) for name, candles in higher}


def _vote_now(candles: Candles, now: int) -> Part:
    """`_vote` at one moment: of what a frame says nothing changes until its next candle closes."""
    newest = newest_by(candles.open_time, now - candles.step)
    if newest < VERDICT_LOOKBACK - 1:
        return silent(1, Abstain.WARM_UP)
    if now - candles.step - candles.open_time.item(newest) > OLDEST * candles.step:
        return silent(1, Abstain.STALE)
    seen = slice(max(0, newest - VERDICT_LOOKBACK), newest + 1)
    return answer(recalled(_verdict_of, candles.high[seen], candles.low[seen], candles.close[seen]))


def _verdict_of(high: FloatArray, low: FloatArray, close: FloatArray) -> float:
    """The verdict at the newest of candles of which these are the columns."""
    opened = np.arange(len(close))
    return verdict(Candles(1, opened, close, high, low, close, close), 1).item(0)


def _vote(candles: Candles, now: IntArray) -> Part:
    """The as-of join: at each moment the newest candle of the frame that had closed by then."""
    closed = candles.close_time
    newest = _newest(closed, now)
    enough = newest >= VERDICT_LOOKBACK - 1
    if not enough.any():
        return silent(len(now), Abstain.WARM_UP)
    newest = np.maximum(newest, 0)
    first, end = int(newest[0]), int(newest[-1]) + 1
    said = verdict(candles[:end], end - first)[newest - first]
    codes = np.isnan(said).view(np.int8) * np.int8(Abstain.UNDEFINED)
    codes[now - closed[newest] > OLDEST * candles.step] = Abstain.STALE
    codes[~enough] = Abstain.WARM_UP
    said[codes != 0] = np.nan
    return Part(said, codes)


def _newest(closed: IntArray, now: IntArray) -> IntArray:
    """The last of the closing times at or before each of the moments, which rise; −1 where there is none.

    Sought for each close and not for each moment: most frames have fewer of them.
    """
    if not len(now):
        return np.empty(0, dtype=np.int64)
    before = int(np.searchsorted(closed, now[0], side="right"))
    turns = np.searchsorted(now, closed[before : int(np.searchsorted(closed, now[-1], side="right"))])
    edges = np.zeros(len(turns) + 2, dtype=np.int64)
    edges[1:-1], edges[-1] = turns, len(now)
    return np.repeat(np.arange(before - 1, before + len(turns)), edges[1:] - edges[:-1])
