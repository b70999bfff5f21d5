"""What a layer reads and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from msgspec import Struct

from hybridd.model.candle import Candles, FloatArray
from hybridd.model.context import ContextSeries
from hybridd.model.instrument import Instrument
from hybridd.model.said import ABSTAINS as ABSTAINS
from hybridd.model.said import Abstain as Abstain
from hybridd.model.said import Reading as Reading


class Input(StrEnum):
    """The kinds of data that a layer may need."""

    CANDLES = "candles"
    HIGHER = "higher"
    BENCHMARK = "benchmark"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    ORDER_BOOK = "order_book"
    SENTIMENT = "sentiment"
    MACRO = "macro"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """All that is known of one instrument at one moment: closed candles only.

    `higher` maps "15m", "1h", "4h", "1d" (those above the base time frame) to candles of their own; `benchmarks` maps
    symbols ("BTC/USDT", "ETH/USDT", "PAXG/USDT") to candles of the base time frame; `context` maps names to series.
    """

    instrument: Instrument
    candles: Candles
    higher: Mapping[str, Candles] = field(default_factory=dict)
    benchmarks: Mapping[str, Candles] = field(default_factory=dict)
    context: Mapping[str, ContextSeries] = field(default_factory=dict)


class LayerSeries(Struct, frozen=True, eq=False):
    """One value a candle, shape (n,): `values` from 0 (bearish) to 100 (bullish) or NaN; `abstain` says why not.

    Nobody can write into them any more: what a layer has said, others read. Raises ValueError for what is no answer.
    """

    values: FloatArray
    abstain: np.ndarray[tuple[int], np.dtype[np.int8]]

    def __post_init__(self) -> None:
        if self.values.shape != self.abstain.shape or self.values.dtype.kind != "f":
            raise ValueError("a layer must answer with floating-point numbers, and as many reasons")
        if _contradicts(self.values, self.abstain):
            raise ValueError("a layer must answer with a number or say why not, never both or neither")
        self.values.setflags(write=False)
        self.abstain.setflags(write=False)


def _contradicts(values: FloatArray, abstain: np.ndarray[tuple[int], np.dtype[np.int8]]) -> bool:
    """Whether a number comes with a reason, none without one, or something for a reason that is none."""
    if len(values) == 1:  # as in a live cycle, fifteen times
        one, code = values.item(0), abstain.item(0)
        return bool((one != one) != (code != 0)) or not 0 <= code < _CODES
    known = not len(abstain) or (np.minimum.reduce(abstain) >= 0 and np.maximum.reduce(abstain) < _CODES)
    return not known or bool(((values != values) != (abstain != 0)).any())


_CODES = len(Abstain)
