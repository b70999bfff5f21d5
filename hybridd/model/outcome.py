"""An outcome: what stop and targets alone made of a proposal, as far as it is known."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How far an outcome is known."""

    FINAL = "final"
    OPEN = "open"  # neither stop nor last target has been met yet
    UNKNOWN = "unknown"  # candles are missing on the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What it came to, net of fees, in distances of the stop and in percent of the entry.

    While it is open both tell how it stands at the last close; None before the first candle. `exits` are the legs in
    their order ("target", "stop"), `ended_at` the open time of the candle of the last one, ms UTC. `fees`: both, in R.
    """

    standing: Standing
    r: float | None = None
    percent: float | None = None
    fees: float | None = None
    exits: tuple[str, ...] = ()
    ended_at: int | None = None
