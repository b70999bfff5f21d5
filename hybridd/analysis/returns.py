"""Returns: how far log price moved from candle to candle."""

import numpy as np

from hybridd.analysis.indicators import step
from hybridd.analysis.view import at_once
from hybridd.model.candle import Candles, FloatArray


def log_change(close: FloatArray, last: int | None = None) -> FloatArray:
    """How far each of the newest `last` log prices lies above the one before; NaN for the first of all.

    Exactly 0 where the price is the same.
    """
    return step(np.log(close if last is None else close[max(0, len(close) - last - 1) :]), last)


@at_once(900)
def changes(candles: Candles, last: int) -> FloatArray:
    """`log_change` of the newest `last` closes of a market."""
    return log_change(candles.close, last)
