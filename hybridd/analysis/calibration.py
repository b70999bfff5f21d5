"""What was measured on recorded candles: how layers spread, how they go together, and what followed patterns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from hybridd.analysis.odds_table import OddsTable, odds_from_json
from hybridd.errors import DataError

FORMAT = 1
_REMEDY = "run `hybridd calibrate` on candle files, or remove the file to use the shipped one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Median and robust standard deviation (1.4826 × median absolute deviation) of a raw value."""

    centre: float
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternRecord:
    """What followed one candlestick pattern, seen `n` times, with `sign` (+1 or −1) and in a `rising` trend or not.

    `mean`: close 12 candles later less close, in ATR(14), above what followed any candle of such a trend; `t`: that
    mean over its standard error, days taken as the independent units.
    """

    pattern: str
    sign: int
    rising: bool
    n: int
    mean: float
    t: float

    @property
    def worth(self) -> float:
        """The mean shrunk toward 0 by how uncertain it is: mean·t²/(1+t²).

        The posterior mean of a normal effect with a normal prior around 0 (C. Stein, 1956; B. Efron and C. Morris,
        "Stein's estimation rule and its competitors", JASA 1973, sec. 2), the prior's variance taken as mean².
        """
        return self.mean * self.t**2 / (1 + self.t**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The measured constants of the brain and where they come from.

    `scales`: by layer ("trend") and by part of a layer ("momentum.rsi"). `correlation`: of the layers' scores, by
    pair of names in alphabetical order. `gain`: what the combined opinion is multiplied by, so that the score is
    beyond 65 or under 35 as often as it should be (17.5 % of the time). `first` and `last`: open time of the first
    and close time of the last candle, ms UTC. `fingerprint`: SHA-256 of all the candles learned from; `context`: of the
    inputs beyond candles, "" without any. `kept`: layers that these data said nothing of, whose scales were taken over.
    """

    version: str
    fingerprint: str
    symbols: tuple[str, ...]
    timeframe: str
    candles: int
    first: int
    last: int
    scales: Mapping[str, Scale] = field(default_factory=dict)
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)
    patterns: tuple[PatternRecord, ...] = ()
    gain: float = 1.0
    context: str = ""
    kept: tuple[str, ...] = ()
    odds: OddsTable | None = None

    def scale(self, name: str) -> Scale:
        """The scale of a layer or of a part; raises DataError where it was never measured."""
        found = self.scales.get(name)
        if found is None:
            raise DataError(f'the calibration holds no scale for "{name}"', remedy=_REMEDY)
        return found

    def to_json(self) -> dict[str, object]:
        """Plain values, to be read again by `calibration_from_json`."""
        return {
            "format": FORMAT,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "context": self.context,
            "symbols": list(self.symbols),
            "timeframe": self.timeframe,
            "candles": self.candles,
            "first": self.first,
            "last": self.last,
            "gain": self.gain,
            "kept": list(self.kept),
            "scales": {name: [scale.centre, scale.spread] for name, scale in self.scales.items()},
            "correlation": [[a, b, value] for (a, b), value in self.correlation.items()],
            "patterns": [[p.pattern, p.sign, p.rising, p.n, p.mean, p.t] for p in self.patterns],
            "odds": None if self.odds is None else self.odds.to_json(),
        }


def calibration_from_json(data: Mapping[str, object]) -> Calibration:
    """The Calibration of what `to_json` gave; raises DataError, naming what is wrong."""
    if data.get("format") != FORMAT:
        raise DataError(f"the calibration has format {data.get('format')!r}, not {FORMAT}", remedy=_REMEDY)
    try:
        return Calibration(
            version=str(data["version"]),
            fingerprint=str(data["fingerprint"]),
            context=str(data.get("context", "")),
            symbols=tuple(str(symbol) for symbol in cast(list[object], data["symbols"])),
            timeframe=str(data["timeframe"]),
            candles=_whole(data["candles"]),
            first=_whole(data["first"]),
            last=_whole(data["last"]),
            gain=_positive(data["gain"]),
            kept=tuple(str(name) for name in cast(list[object], data.get("kept", []))),
            scales={name: _scale(pair) for name, pair in cast(dict[str, list[float]], data["scales"]).items()},
            correlation={
                (a, b): float(value) for a, b, value in cast(list[tuple[str, str, float]], data["correlation"])
            },
            patterns=tuple(
                _record(*row) for row in cast(list[tuple[str, int, bool, int, float, float]], data["patterns"])
            ),
            odds=_odds(data.get("odds")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the calibration cannot be read: {type(error).__name__} {error}", remedy=_REMEDY) from error


def _odds(data: object) -> OddsTable | None:
    return None if data is None else odds_from_json(cast(dict[str, object], data))


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _positive(value: object) -> float:
    number = float(cast(float, value))
    if not 0 < number < float("inf"):
        raise ValueError(f"a gain of {number}")
    return number


def _scale(pair: list[float]) -> Scale:
    centre, spread = (float(number) for number in pair)
    if not 0 < spread < float("inf") or not abs(centre) < float("inf"):
        raise ValueError(f"a scale of {centre} ± {spread}")
    return Scale(centre=centre, spread=spread)


def _record(pattern: str, sign: int, rising: bool, n: int, mean: float, t: float) -> PatternRecord:
    return PatternRecord(pattern=pattern, sign=int(sign), rising=bool(rising), n=int(n), mean=float(mean), t=float(t))
