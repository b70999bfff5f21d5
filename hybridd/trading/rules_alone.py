"""What stop and targets alone would have made of a proposal: entered at its price, both fees paid."""

from dataclasses import dataclass
from decimal import Decimal

from hybridd.model.candle import Candles
from hybridd.model.outcome import Outcome, Standing
from hybridd.model.proposal import Proposal
from hybridd.trading.walk import Exit, Plan, begin, step

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRules:
    """`fee_percent` of each side; after `break_even_after` targets the stop moves to the entry, 0: never."""

    fee_percent: float = 0.1
    break_even_after: int = 1


def rules_alone(proposal: Proposal, candles: Candles, rules: FollowRules) -> Outcome:
    """Walk the candles, of which the first opens when the proposal's own closed, until nothing is held."""
    plan = Plan(
        side=proposal.side,
        entry=proposal.price,
        stop=proposal.stop,
        targets=proposal.targets,
        break_even_after=rules.break_even_after,
    )
    exits: list[Exit] = []
    progress, due, last = begin(plan), proposal.candle_close, None
    rows = (candles.open_time, candles.open, candles.high, candles.low, candles.close)
    for at, open_, high, low, close in zip(*(column.tolist() for column in rows), strict=True):
        if at != due:
            return Outcome(standing=Standing.UNKNOWN)
        found, progress = step(plan, progress, (at, open_, high, low))
        exits += found
        due, last = at + candles.step, Decimal(str(close))
        if progress.held <= 0:
            return _outcome(proposal, exits, ZERO, last, rules)
    return Outcome(standing=Standing.OPEN) if last is None else _outcome(proposal, exits, progress.held, last, rules)


def _outcome(proposal: Proposal, exits: list[Exit], held: Decimal, last: Decimal, rules: FollowRules) -> Outcome:
    entry, sign = proposal.price, proposal.side.sign
    received = sum((one.price * one.share for one in exits), ZERO) + last * held
    gain = sign * (received - entry * (sum((one.share for one in exits), ZERO) + held))
    fees = Decimal(str(rules.fee_percent)) / 100 * (entry + received)
    net, risk = gain - fees, abs(entry - proposal.stop)
    return Outcome(
        standing=Standing.OPEN if held else Standing.FINAL,
        r=float(net / risk),
        percent=float(100 * net / entry),
        fees=float(fees / risk),
        exits=tuple(one.leg.value for one in exits),
        ended_at=None if held else exits[-1].at,
    )
