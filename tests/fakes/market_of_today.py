"""Recorded candles moved to the present: candle j of a 5m file becomes candle j of any step, from a base instant on."""

import numpy as np

from hybridd.model.candle import Candles, resample


def moved(candles: Candles, step: int, base: int) -> Candles:
    """The same market with candles of `step` ms, the first opening at `base` (ms UTC); its gaps stay gaps."""
    places = (candles.open_time - candles.open_time[0]) // candles.step
    return Candles(step, base + places * step, candles.open, candles.high, candles.low, candles.close, candles.volume)


def as_served(market: Candles, step: int, now: int) -> Candles:
    """What an exchange shows of `market` at `now` in candles of `step` ms: closed ones, and the one being drawn.

    The candle that is open now shows only what has happened: of a base candle its opening, with a little volume.
    """
    seen = market[: int(np.searchsorted(market.open_time, now, side="right"))]
    if len(seen) and seen.open_time[-1] + market.step > now:
        seen = _just_opened(seen)
    if step == market.step or not len(seen):
        return seen
    closed = resample(seen, step)
    opened = now // step * step
    part = seen.since(opened)
    if not len(part) or (len(closed) and closed.open_time[-1] >= opened):
        return closed
    drawn = Candles(
        step,
        np.array([opened]),
        part.open[:1],
        np.array([part.high.max()]),
        np.array([part.low.min()]),
        part.close[-1:],
        np.array([part.volume.sum()]),
    )
    return closed.joined(drawn)


def _just_opened(seen: Candles) -> Candles:
    high, low, close, volume = (column.copy() for column in (seen.high, seen.low, seen.close, seen.volume))
    high[-1] = low[-1] = close[-1] = seen.open[-1]
    volume[-1] = round(float(volume[-1]) / 8, 8)
    return Candles(seen.step, seen.open_time, seen.open, high, low, close, volume)
