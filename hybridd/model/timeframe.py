"""Time frames: how long a candle is and when it closes."""

import re
from dataclasses import dataclass
from functools import lru_cache

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WEEK_OFFSET_MS = 4 * 86_400_000  # 1970 began on a Thursday, exchanges' weeks on a Monday


@dataclass(frozen=True, slots=True, order=True)
class TimeFrame:
    """A candle length of `ms` milliseconds, written `text` ("5m")."""

    ms: int
    text: str

    def open_at(self, now: int) -> int:
        """Open time (ms UTC) of the candle that is being drawn at `now`; every candle before it has closed."""
        offset = _WEEK_OFFSET_MS if self.text.endswith("w") else 0
        return (now - offset) // self.ms * self.ms + offset

    def next_close(self, now: int) -> int:
        """The first close strictly after `now`, ms UTC."""
        return self.open_at(now) + self.ms

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=64)  # asked for at each candle; what a browser may send must not fill the memory
def parse_timeframe(text: str) -> TimeFrame:
    """Read "1s", "5m", "4h", "1d", "1w". Raises ValueError; months have no fixed length and are refused."""
    match = re.fullmatch(r"([1-9]\d{0,4})([smhdw])", text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a time frame such as 1m, 5m, 1h, 1d')
    return TimeFrame(int(match[1]) * _UNIT_MS[match[2]], text.strip())


@lru_cache(maxsize=64)  # as above
def timeframe_of(ms: int) -> TimeFrame:
    """The time frame of a step in ms, in its largest whole unit: 900000 is "15m"."""
    for unit in ("w", "d", "h", "m", "s"):
        if ms >= _UNIT_MS[unit] and ms % _UNIT_MS[unit] == 0:
            return TimeFrame(ms, f"{ms // _UNIT_MS[unit]}{unit}")
    raise ValueError(f"{ms} ms is not a whole number of seconds")


HIGHER = tuple(parse_timeframe(text) for text in ("15m", "1h", "4h", "1d"))


def higher_than(base: TimeFrame) -> tuple[TimeFrame, ...]:
    """Those of 15m, 1h, 4h and 1d that whole candles of `base` fill."""
    return tuple(frame for frame in HIGHER if frame.ms > base.ms and frame.ms % base.ms == 0)
