"""How the score moved in a window."""

import math
from collections.abc import Sequence

from hybridd.model.analysis import Direction, Trend

MOVED = 5.0
"""Score points beyond which a window is UP or DOWN and not STABLE."""


def trend_of(scores: Sequence[float]) -> Trend:
    """The trend of the scores in a window, oldest first: last minus first, over +5 UP, under −5 DOWN, else STABLE.

    Fewer than two scores are INSUFFICIENT_DATA, with None for what cannot be said. A score of 0 is a score; only the
    change in percent of it, or of next to it, is undefined and None.
    """
    if len(scores) < 2:
        only = float(scores[0]) if scores else None
        return Trend(
            trend=Direction.INSUFFICIENT_DATA,
            change=None,
            percent_change=None,
            first_score=only,
            last_score=only,
            samples=len(scores),
        )
    first, last = float(scores[0]), float(scores[-1])
    change = last - first
    percent = change / first * 100 if first else math.inf
    return Trend(
        trend=Direction.UP if change > MOVED else Direction.DOWN if change < -MOVED else Direction.STABLE,
        change=change,
        percent_change=percent if math.isfinite(percent) else None,
        first_score=first,
        last_score=last,
        samples=len(scores),
    )
