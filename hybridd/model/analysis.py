"""An analysis: what the brain concluded when one candle closed."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from hybridd.model.members import plain_members
from hybridd.model.said import Reading


@plain_members
class Signal(StrEnum):
    """What the score amounts to."""

    LONG = "LONG"
    NEUTRAL = "NEUTRAL"
    SHORT = "SHORT"

    @property
    def opposite(self) -> "Signal":
        """LONG for SHORT and the reverse; NEUTRAL has none and stays."""
        return {Signal.LONG: Signal.SHORT, Signal.SHORT: Signal.LONG}.get(self, Signal.NEUTRAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """P(price higher after the horizon) after such an analysis, its 95 % interval, and how many it was learned from."""

    probability: float
    low: float
    high: float
    n: int


SIMULATED, RECORDED = "SIMULATED", "RECORDED"
"""What stands before all that is told of a made-up market, and of one that comes out of files."""


def is_recorded(source: str) -> bool:
    """Whether a feed of this name reads files: "recorded candles", by the folder."""
    return source.startswith("recorded")


def unreal_of(source: str, *, simulated: bool) -> str:
    """What a market of this source is, where it is none of now: "SIMULATED", "RECORDED" or ""."""
    if simulated:
        return SIMULATED
    return RECORDED if is_recorded(source) else ""


class SignalState(Struct, frozen=True, kw_only=True):
    """Where the signal stands: the signal, and the one that waits for confirmation with its count of analyses."""

    signal: Signal = Signal.NEUTRAL
    candidate: Signal | None = None
    streak: int = 0


class Analysis(Struct, frozen=True, kw_only=True):
    """One analysis. Times are ms UTC; `price` is the candle's close; `missing` names the layers that did not answer.

    `late` marks one that was made up for after an outage, too old to tell anybody of.
    """

    symbol: str
    timeframe: str
    candle_close: int
    price: float
    score: float
    state: SignalState
    confidence: float
    agreeing: int
    answered: int
    layers: int
    degraded: bool
    missing: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    odds: Odds | None = None
    source: str = ""
    simulated: bool = False
    made_at: int = 0
    late: bool = False
    high: float = float("nan")
    low: float = float("nan")

    @property
    def signal(self) -> Signal:
        """LONG, NEUTRAL or SHORT."""
        return self.state.signal

    @property
    def unreal(self) -> str:
        """What it is of, where that is no market of now: "SIMULATED", "RECORDED" or ""."""
        return unreal_of(self.source, simulated=self.simulated)

    @property
    def recorded(self) -> bool:
        """Whether its candles come out of files and not from a market of now."""
        return is_recorded(self.source)


class Glimpse(Struct, frozen=True):
    """What the rules read of an analysis: all that a replay makes of most candles, two hundred thousand a second."""

    symbol: str
    candle_close: int
    price: float
    score: float
    signal: Signal
    confidence: float


Seen = Analysis | Glimpse


class Direction(StrEnum):
    """Which way the score went in a window."""

    UP = "UP"
    DOWN = "DOWN"
    STABLE = "STABLE"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How the score moved in a window; `percent_change` is relative to the first score, None when that was 0."""

    trend: Direction
    change: float | None
    percent_change: float | None
    first_score: float | None
    last_score: float | None
    samples: int
