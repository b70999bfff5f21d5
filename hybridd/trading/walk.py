"""What stops and targets bring in each candle: the same rules for paper trades and for trades nobody took."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from hybridd.model.order import Leg
from hybridd.model.trade import Side, Target
from hybridd.trading.position import EXACT

Candle = tuple[int, float, float, float]
"""Open time (ms UTC), open, high, low."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a trade is to end. `targets` in the order in which a price that earns meets them; their shares sum to 1 at
    most, what is over stays until the stop. After `break_even_after` targets the stop moves to the entry; 0: never.
    """

    side: Side
    entry: Decimal
    stop: Decimal
    targets: tuple[Target, ...] = ()
    break_even_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a trade has come: the stop in force, the targets reached, the share (0–1) still held."""

    stop: Decimal
    reached: int = 0
    held: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A share of the position that leaves at a price; `at` is the open time of the candle in which it happened."""

    at: int
    price: Decimal
    share: Decimal
    leg: Leg


def begin(plan: Plan) -> Progress:
    """A trade just entered."""
    return Progress(stop=plan.stop)


def step(plan: Plan, progress: Progress, candle: Candle) -> tuple[tuple[Exit, ...], Progress]:
    """What one candle brings.

    The order within a candle is not known, so the worse comes first: the stop, then the targets. What the candle opened
    beyond fills at its open. A stop that moves to the entry counts from the next candle on.
    """
    if progress.held <= 0:
        return (), progress
    at, open_, high, low = candle
    first = Decimal(str(open_))
    best, worst = (high, low) if plan.side is Side.LONG else (low, high)
    if _beyond(plan, progress.stop, Decimal(str(worst))):
        price = first if _beyond(plan, progress.stop, first) else progress.stop
        return (Exit(at=at, price=price, share=progress.held, leg=Leg.STOP),), replace(progress, held=Decimal(0))
    return _targets(plan, progress, at, first, Decimal(str(best)))


def walk(plan: Plan, candles: Iterable[Candle]) -> Iterator[Exit]:
    """Every exit that the candles bring, in order, until nothing is held any more."""
    progress = begin(plan)
    for candle in candles:
        exits, progress = step(plan, progress, candle)
        yield from exits
        if progress.held <= 0:
            return


def _targets(
    plan: Plan, progress: Progress, at: int, first: Decimal, best: Decimal
) -> tuple[tuple[Exit, ...], Progress]:
    exits = []
    for target in plan.targets[progress.reached :]:
        sign = plan.side.sign
        if sign * (best - target.price) < 0 or progress.held <= 0:
            break
        share = min(target.share, progress.held)
        price = first if sign * (first - target.price) > 0 else target.price
        exits.append(Exit(at=at, price=price, share=share, leg=Leg.TARGET))
        progress = replace(progress, reached=progress.reached + 1, held=EXACT.subtract(progress.held, share))
    if plan.break_even_after and progress.reached >= plan.break_even_after:
        progress = replace(progress, stop=_better(plan, progress.stop))
    return tuple(exits), progress


def _beyond(plan: Plan, stop: Decimal, price: Decimal) -> bool:
    return plan.side.sign * (price - stop) <= 0


def _better(plan: Plan, stop: Decimal) -> Decimal:
    return max(stop, plan.entry) if plan.side is Side.LONG else min(stop, plan.entry)
