"""The market of the self-test: every candle is worth an alert, unless it is to be quiet."""

from collections.abc import Mapping
from typing import Any

from hybridd.model.candle import Candles

FRAME, STEP = "7s", 7_000
"""No longer time frame is filled by sevens of seconds: none has to be fetched, which would take most of a life."""
_SCORES = (40.0, 50.0, 60.0, 50.0)
"""A jump with every candle and never another signal: what flutters is held back, and nothing here shall be."""

quiet = False


def brain(*, symbol: str, timeframe: str, candles: Candles) -> Mapping[str, Any]:  # noqa: ARG001 - a brain's shape
    """The answer of a brain (`[analysis] brain`) for the last candle, the same whenever it is asked."""
    turn = int(candles.close_time[-1]) // STEP
    score = 50.0 if quiet else _SCORES[turn % len(_SCORES)]
    return {"final_score": score, "signal": "NEUTRAL", "confidence": 0.5, "layers": {"scripted": score}}
