"""What a layer reads and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np

from hybridd.model.candle import Candles, FloatArray
from hybridd.model.context import ContextSeries
from hybridd.model.instrument import Instrument


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


class Abstain(IntEnum):
    """Why a layer has no value at a candle; ANSWERS means that it has one."""

    ANSWERS = 0
    WARM_UP = 1  # fewer candles than the formula needs
    NO_DATA = 2  # an input is absent
    STALE = 3  # an input is too old
    UNDEFINED = 4  # the formula has no value here (a price that never moved, a volume of nothing)
    NOTHING_SEEN = 5  # the layer looks for events and none happened
    FAILED = 6  # the layer itself broke; the journal has the error


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


@dataclass(frozen=True, slots=True, eq=False)
class LayerSeries:
    """One value a candle, shape (n,): `values` from 0 (bearish) to 100 (bullish) or NaN; `abstain` says why not."""

    values: FloatArray
    abstain: np.ndarray[tuple[int], np.dtype[np.int8]]

    def __post_init__(self) -> None:
        if not np.array_equal(np.isnan(self.values), self.abstain != Abstain.ANSWERS):
            raise ValueError("a layer must answer with a number or say why not, never both or neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one layer said at one candle: a score in [0, 100], or None and the reason."""

    layer: str
    score: float | None
    weight: float
    reason: str
    abstain: Abstain = Abstain.ANSWERS
