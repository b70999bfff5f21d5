"""Returns: how far log price moved from candle to candle."""

import numpy as np

from hybridd.analysis.windows import lagged
from hybridd.model.candle import FloatArray


def log_change(close: FloatArray, n: int = 1) -> FloatArray:
    """ln(close/close n candles ago), shape (n,), NaN in front; exactly 0 where the price is the same."""
    return np.log(close / lagged(close, n))
