"""The markets that another is compared with: which they are, and whether one is late with a candle."""

from functools import cache

import numpy as np

from hybridd.analysis.pairs import same_times
from hybridd.analysis.view import View
from hybridd.analysis.windows import newest_by
from hybridd.model.candle import BoolArray, Candles
from hybridd.model.instrument import parse_instrument

BENCHMARKS = ("BTC", "ETH", "PAXG")
LATE = 12
"""Candles for which a benchmark that has stopped is waited for; after that the others go on without it."""


def benchmarks_of(view: View) -> dict[str, Candles]:
    """The benchmarks that are not this market, by base currency, in order, of the same time frame."""
    market = view.market
    by_base = {_base(symbol): candles for symbol, candles in market.benchmarks.items()}
    return {
        base: by_base[base]
        for base in BENCHMARKS
        if base in by_base
        and base != market.instrument.base
        and len(by_base[base])
        and by_base[base].step == market.candles.step
    }


@cache
def _base(symbol: str) -> str:
    return parse_instrument(symbol).base


def were_late(view: View) -> BoolArray:
    """At which of the newest candles a benchmark has none yet and had one of the last LATE, shape (last,)."""
    opened = view.candles.open_time[len(view.candles) - view.last :]
    late = np.zeros(len(opened), dtype=np.bool_)
    for other in view.once(benchmarks_of).values():
        first = int(other.open_time.searchsorted(opened[0])) if len(opened) else 0
        if same_times(other.open_time[first : first + len(opened)], opened):
            continue
        newest = np.searchsorted(other.open_time, opened, side="right") - 1
        behind = opened - other.open_time[np.maximum(newest, 0)]
        late |= (newest >= 0) & (behind > 0) & (behind <= LATE * other.step)
    return late


def is_late(view: View) -> bool:
    """`were_late` at the newest candle."""
    opened = view.candles.open_time.item(-1)
    for other in view.once(benchmarks_of).values():
        newest = newest_by(other.open_time, opened)
        if newest >= 0 and 0 < opened - other.open_time.item(newest) <= LATE * other.step:
            return True
    return False
