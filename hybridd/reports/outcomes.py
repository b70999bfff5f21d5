"""What price did after each candle, and which outcomes are one and the same stretch of market."""

import numpy as np

from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray
from hybridd.reports.calibration import effective_n

DAY = 86_400_000
HORIZONS_APART = 3


def moves(candles: Candles, horizon: int) -> FloatArray:
    """Close `horizon` candles later over close, less 1, shape (n,); NaN where that is not known yet or across a gap."""
    found = np.full(len(candles), np.nan)
    if 0 < horizon < len(candles):
        whole = candles.open_time[horizon:] - candles.open_time[:-horizon] == horizon * candles.step
        later = candles.close[horizon:] / candles.close[:-horizon] - 1
        found[:-horizon] = np.where(whole, later, np.nan)
    return found


def clusters(close_time: IntArray, horizon_ms: int) -> IntArray:
    """Which stretch of time each analysis is in: days, or three horizons where those are longer, all markets alike.

    Outcomes within one overlap or share the day's news; across its edges only the few nearest to it do.
    """
    return close_time // max(DAY, HORIZONS_APART * horizon_ms)


def independent(hits: BoolArray, close_time: IntArray, market: IntArray, horizon_ms: int) -> float:
    """How many independent cases these are worth: by clusters, and never more than there are outcomes apart.

    Outcomes of one market that begin in the same stretch of one horizon overlap: they count once at most.
    """
    apart = len(np.unique(close_time // horizon_ms * 4096 + market))
    return min(float(apart), effective_n(hits, clusters(close_time, horizon_ms)))
