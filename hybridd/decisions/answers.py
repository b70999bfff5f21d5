"""Whether a yes still counts: the proposal is looked at again at the moment of the answer."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hybridd.model.analysis import Signal
from hybridd.model.proposal import Proposal


class Objection(StrEnum):
    """Why a yes does not count as it stands."""

    PRICE = "PRICE"  # the price has moved beyond the band
    STALE = "STALE"  # nobody knows the price of now
    SIGNAL = "SIGNAL"  # the signal that it was made for is gone
    SPREAD = "SPREAD"  # buyers and sellers stand too far apart
    LIMIT = "LIMIT"  # a limit forbids it
    BROKER = "BROKER"  # who would carry it out cannot


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """`price_band_percent` around the price shown; a price older than `fresh_ms` is none; the widest spread."""

    price_band_percent: float = 0.5
    fresh_ms: int = 420_000
    most_spread_percent: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """How things stand at the answer. `price_at` (ms UTC) is when `price` was; None where nothing is known.

    `spread_percent` is None where no order book is known. `limit` is the limit that forbids a new trade in words, ""
    where none does.
    """

    now: int
    price: Decimal | None
    price_at: int
    signal: Signal
    spread_percent: float | None = None
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objected:
    """An objection with its figures as one line."""

    objection: Objection
    detail: str


def objections(proposal: Proposal, scene: Scene, rules: AnswerRules) -> tuple[Objected, ...]:
    """Everything that speaks against taking `proposal` now; nothing where it may be taken as it was shown."""
    found = []
    if scene.price is None or scene.now - scene.price_at > rules.fresh_ms:
        age = "unknown" if scene.price is None else f"{(scene.now - scene.price_at) // 1000} s old"
        found.append(Objected(objection=Objection.STALE, detail=f"the price is {age}"))
    elif abs(moved := moved_percent(proposal, scene.price)) > rules.price_band_percent:
        detail = f"{proposal.price.normalize():f} then, {scene.price.normalize():f} now ({moved:+.2f} %)"
        found.append(Objected(objection=Objection.PRICE, detail=f"the price was {detail}"))
    if scene.signal.value != proposal.side.value:
        detail = f"the signal is {scene.signal}, no longer {proposal.side}"
        found.append(Objected(objection=Objection.SIGNAL, detail=detail))
    if scene.spread_percent is not None and scene.spread_percent > rules.most_spread_percent:
        detail = (
            f"buyers and sellers stand {scene.spread_percent:.2f} % apart, the limit is {rules.most_spread_percent:g} %"
        )
        found.append(Objected(objection=Objection.SPREAD, detail=detail))
    if scene.limit:
        found.append(Objected(objection=Objection.LIMIT, detail=scene.limit))
    return tuple(found)


def moved_percent(proposal: Proposal, price: Decimal) -> float:
    """How far the price has gone since the proposal, in percent."""
    return float((price - proposal.price) / proposal.price * 100)
