"""A layer of one's own: how Saturdays and Sundays went lately, on a Saturday or Sunday."""

import numpy as np

from hybridd.model.reading import Abstain, Input, LayerSeries, Market

WINDOW = 1000  # candles


class Weekend:
    """Bullish when the weekend candles among the last 1,000 rose more than their own spread lets expect.

    score = 50 + 50·tanh(0.3·t), t the mean of their log returns over its standard error (Student, 1908). On other
    days, and with fewer than 30 weekend candles in the window, it abstains.
    """

    name = "weekend"
    inputs = frozenset({Input.CANDLES})
    lookback = WINDOW

    def evaluate(self, market: Market) -> LayerSeries:
        candles = market.candles
        returns = np.diff(np.log(candles.close), prepend=np.log(candles.close[:1]))
        weekend = (candles.open_time // 86_400_000 + 3) % 7 >= 5  # 1970 began on a Thursday
        n, total, squares = (_window_sum(x) for x in (weekend * 1.0, weekend * returns, weekend * returns**2))
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (squares - total**2 / n) / (n - 1)
            t = np.where(weekend & (n >= 30) & (variance > 1e-18), total / n / np.sqrt(variance / n), np.nan)
        codes = np.where(np.isnan(t), np.where(weekend, Abstain.UNDEFINED, Abstain.NOTHING_SEEN), Abstain.ANSWERS)
        codes[: WINDOW - 1], t[: WINDOW - 1] = Abstain.WARM_UP, np.nan
        return LayerSeries(50 + 50 * np.tanh(0.3 * t), codes.astype(np.int8))

    def explain(self, market: Market, i: int) -> str:
        series = self.evaluate(Market(instrument=market.instrument, candles=market.candles[: i + 1]))
        if np.isnan(series.values[-1]):
            return "it is no weekend, or too few weekend candles are known"
        side = "rose" if series.values[-1] > 50 else "fell"
        return f"weekend candles {side} lately, score {series.values[-1]:.0f}"


def _window_sum(x: np.ndarray) -> np.ndarray:
    """Of the last 1,000 values at each place."""
    running = np.cumsum(np.r_[np.zeros(WINDOW), x])
    return running[WINDOW:] - running[:-WINDOW]


LAYER = Weekend
