"""The basis: how far a perpetual stands above the thing itself."""

import numpy as np

from hybridd.market.release_times import basis_known
from hybridd.model.candle import Candles
from hybridd.model.context import BASIS, ContextSeries


def basis_series(perpetual: Candles, spot: Candles) -> ContextSeries:
    """Perpetual over spot as a share of spot, at each close that both have; known with the next close."""
    _, mine, theirs = np.intersect1d(perpetual.close_time, spot.close_time, assume_unique=True, return_indices=True)
    at = spot.close_time[theirs]
    values = perpetual.close[mine] / spot.close[theirs] - 1
    return ContextSeries(BASIS, at, basis_known(at, spot.step), values, 2 * spot.step)
