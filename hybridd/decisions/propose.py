"""A signal that turned becomes a proposal: side, stop, targets, size, reasons; or the reason why not."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from hybridd.model.analysis import Analysis, Signal
from hybridd.model.order import MarketRules
from hybridd.model.proposal import Proposal
from hybridd.model.said import Reading
from hybridd.model.trade import Side, Target

REASONS = 3
"""How many layers are heard on each side."""
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRules:
    """`stop_atr`: the stop's distance in ATR(14); `targets`: theirs in distances of the stop, R; equal shares leave.

    Nothing is proposed of which fees take `most_fee_share` of the gain at the targets, or more.
    """

    min_confidence: float = 0.6
    expires_ms: int = 900_000
    stop_atr: float = 1.5
    targets: tuple[float, ...] = (2.0,)
    most_fee_share: float = 1.0


def levels(
    side: Side, price: Decimal, atr: Decimal, rules: ProposeRules, tick: Decimal
) -> tuple[Decimal, tuple[Target, ...]]:
    """Stop and targets for an entry at `price`, in whole ticks; the last target takes what is left of the position."""
    risk = Decimal(str(rules.stop_atr)) * atr
    stop = _in_ticks(price - side.sign * risk, tick)
    count = len(rules.targets)
    share = (Decimal(1) / count).quantize(Decimal("0.0001")) if count else Decimal(0)
    shares = [share] * (count - 1) + [1 - share * (count - 1)]
    targets = tuple(
        Target(r=Decimal(str(r)), price=_in_ticks(price + side.sign * risk * Decimal(str(r)), tick), share=part)
        for r, part in zip(sorted(rules.targets), shares, strict=False)
    )
    return stop, targets


def draft(analysis: Analysis, atr: float, rules: ProposeRules, market: MarketRules | None, now: int) -> Proposal:
    """What is to be proposed after `analysis`, whose signal is LONG or SHORT; its size is still 0 and its hash empty.

    `atr` is the ATR(14) of its candle in the quote currency, above 0; `now` in ms UTC.
    """
    side, price = Side(analysis.signal.value), Decimal(str(analysis.price))
    tick = market.tick if market else _fine(price)
    stop, targets = levels(side, price, Decimal(str(atr)), rules, tick)
    with_it, against = reasons(analysis.readings, analysis.signal)
    return Proposal(
        symbol=analysis.symbol,
        timeframe=analysis.timeframe,
        candle_close=analysis.candle_close,
        side=side,
        created_at=now,
        expires_at=now + rules.expires_ms,
        price=price,
        stop=stop,
        targets=targets,
        quantity=Decimal(0),
        risk_money=Decimal(0),
        score=analysis.score,
        confidence=analysis.confidence,
        reasons_for=with_it,
        reasons_against=against,
        odds=analysis.odds,
        simulated=analysis.simulated,
    )


def reasons(readings: Sequence[Reading], signal: Signal) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sentences of the layers that speak loudest for the signal, and of those that speak loudest against it."""
    sign = 1 if signal is Signal.LONG else -1
    heard = [(sign * (r.score - 50) * r.weight, r) for r in readings if r.score is not None and r.weight > 0]
    loudest = sorted(heard, key=lambda one: -abs(one[0]))
    with_it = tuple(f"{r.layer}: {r.reason}" for lean, r in loudest if lean > 0)[:REASONS]
    return with_it, tuple(f"{r.layer}: {r.reason}" for lean, r in loudest if lean < 0)[:REASONS]


def sealed(proposal: Proposal) -> Proposal:
    """The proposal with the hash of everything that the person is shown: an answer counts for exactly this."""
    hidden = {"id", "alert_id", "state", "content_hash"}
    shown = {name: value for name, value in asdict(proposal).items() if name not in hidden}
    text = json.dumps(shown, sort_keys=True, default=str)
    return replace(proposal, content_hash=hashlib.sha256(text.encode()).hexdigest())


def reward(proposal: Proposal) -> float:
    """What the targets earn together, in distances of the stop."""
    return float(sum((target.r * target.share for target in proposal.targets), Decimal(0)))


def _fine(price: Decimal) -> Decimal:
    """A step for prices of a market whose own is not known: six digits that count."""
    return Decimal(1).scaleb(min(0, price.adjusted() - _DIGITS + 1))


def _in_ticks(price: Decimal, tick: Decimal) -> Decimal:
    return max((price / tick).to_integral_value() * tick, tick)
