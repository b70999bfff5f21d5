"""What an external brain may answer, and nothing else."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from hybridd.errors import BrainError
from hybridd.model.analysis import Signal

KEYS = ("final_score", "signal", "confidence", "layers")
LONGEST_NAME = 64
MOST_LAYERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAnswer:
    """An external brain's analysis: score 0 to 100, its signal, confidence 0 to 1, and its layers' scores or None."""

    score: float
    signal: Signal
    confidence: float
    layers: Mapping[str, float | None] = field(default_factory=dict)


def answer_from(data: object, brain: str) -> ExternalAnswer:
    """Read {"final_score", "signal", "confidence", "layers"}; raises BrainError naming `brain` and what is wrong."""
    if not isinstance(data, Mapping):
        raise _wrong(brain, f"answered {_shown(data)} where an object belongs")
    missing = [key for key in KEYS if key not in data]
    if missing:
        raise _wrong(brain, f"answered without {', '.join(missing)}")
    signal = data["signal"]
    if not isinstance(signal, str) or signal not in set(Signal):
        raise _wrong(brain, f"answered the signal {_shown(signal)}, not LONG, NEUTRAL or SHORT")
    return ExternalAnswer(
        score=_number(data["final_score"], 100, "final_score", brain),
        signal=Signal(signal),
        confidence=_number(data["confidence"], 1, "confidence", brain),
        layers=_layers(data["layers"], brain),
    )


def _layers(data: object, brain: str) -> dict[str, float | None]:
    if not isinstance(data, Mapping):
        raise _wrong(brain, f"answered {_shown(data)} where layers is an object of names and scores")
    if len(data) > MOST_LAYERS:
        raise _wrong(brain, f"answered {len(data):,} layers, more than {MOST_LAYERS}")
    layers: dict[str, float | None] = {}
    for name, value in data.items():
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise _wrong(brain, f"answered a layer called {_shown(name)}")
        layers[name] = None if value is None else _number(value, 100, f"layers.{name}", brain)
    return layers


def _number(value: object, most: float, key: str, brain: str) -> float:
    number = math.nan
    # NumPy's scalars are welcome from a function; True and "75" are mistakes.
    if not isinstance(value, bool) and hasattr(value, "__float__"):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(value)
    if not 0 <= number <= most:
        raise _wrong(brain, f"answered {key} {_shown(value)}, not a number from 0 to {most:g}")
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _wrong(brain: str, what: str) -> BrainError:
    return BrainError(
        f"the brain {brain} {what}",
        remedy='it must answer {"final_score": 0–100, "signal": …, "confidence": 0–1, "layers": {name: score or null}}',
    )
