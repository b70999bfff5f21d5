"""A market looked at for the sake of its newest candles; what several layers need of it is computed once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from msgspec import Struct, field

from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.reading import Market

Found = TypeVar("Found")

SPARE = 4
"""Values of an indicator that are computed beyond those asked for, at least."""

Indicator = TypeVar("Indicator", bound=Callable[..., FloatArray])
_AT_ONCE: dict[Callable[..., FloatArray], int] = {}


def at_once(values: int) -> Callable[[Indicator], Indicator]:
    """Marks an indicator of which a view computes so many values at least: a little more than any layer looks back."""

    def mark(indicator: Indicator) -> Indicator:
        _AT_ONCE[indicator] = values
        return indicator

    return mark


class View(Struct, frozen=True, eq=False):
    """A market, and how many of its newest candles are asked about: all in a replay, mostly one in a live cycle.

    It lives as long as one call of the brain, and holds what has been computed in it.
    """

    market: Market
    last: int
    _found: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def candles(self) -> Candles:
        return self.market.candles

    @property
    def closed(self) -> IntArray:
        """When each of the newest `last` candles closed, ms UTC."""
        return self.candles.open_time[len(self.candles) - self.last :] + self.candles.step

    def once(self, formula: Callable[["View"], Found]) -> Found:
        """What the formula makes of this view; computed at the first time of asking."""
        found: Found | None = self._found.get(formula)
        if found is None:  # which no formula makes
            found = self._found[formula] = formula(self)
        return found

    def newest(self, formula: Callable[[Candles, int], FloatArray], last: int | None = None) -> FloatArray:
        """The newest `last` values of an indicator (`self.last` by default), at most one for each candle."""
        candles, n = self.market.candles, len(self.market.candles)
        last = self.last if last is None else last
        last = last if last < n else n
        found: FloatArray | None = self._found.get(formula)
        if found is None or len(found) < last:
            # The next to ask mostly looks a little further back: cheaper now than to begin again. One value is cheap.
            reach = last if last == 1 else last + max(SPARE, last // 64)
            found = self._found[formula] = formula(candles, min(max(reach, _AT_ONCE.get(formula, 0)), n))
        return found[len(found) - last :]


def whole(market: Market) -> View:
    """Every candle is asked about."""
    return View(market, len(market.candles))
