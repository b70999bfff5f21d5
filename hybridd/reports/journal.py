"""The decision journal: of every proposal what came of it, or what the same rules would have made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hybridd.model.outcome import Outcome, Standing
from hybridd.model.proposal import Decision, Proposal, ProposalState
from hybridd.model.trade import Trade, TradeState


class Fate(StrEnum):
    """What became of a proposal."""

    TAKEN = "taken"
    UNRECORDED = "unrecorded"  # approved, but nobody told of an entry
    REJECTED = "rejected"
    HELD = "held"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    OPEN = "open"


VETOED = frozenset({Fate.REJECTED, Fate.HELD})
"""The person said no, or not now."""
PASSED = VETOED | {Fate.EXPIRED}
"""Nothing was entered."""
JUDGED = PASSED | {Fate.TAKEN}
"""Somebody, or the clock, decided, and it is known what followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A proposal, the answer, its trade if there is one, and what stop and targets alone would have made of it."""

    proposal: Proposal
    fate: Fate
    rules: Outcome
    decision: Decision | None = None
    trade: Trade | None = None

    @property
    def made(self) -> float | None:
        """What the person earned with it, in R: 0 where nothing was entered, None while that is not known."""
        if self.fate in PASSED:
            return 0.0
        if self.trade is None or self.trade.pnl_percent is None:
            return None
        return self.trade.pnl_percent / 100 * self.trade.entry_price / float(risk(self.proposal))

    @property
    def added(self) -> float | None:
        """What the person's judgement added to the rules alone, in R; None while either is not final."""
        if self.fate not in JUDGED or self.made is None or self.rules.standing is not Standing.FINAL:
            return None
        return self.made - (self.rules.r or 0.0)

    @property
    def waited(self) -> int | None:
        """How long the person took to answer, ms; None where nobody answered."""
        if self.decision is None or self.fate in {Fate.EXPIRED, Fate.SUPERSEDED, Fate.OPEN}:
            return None
        return max(0, self.decision.at - self.proposal.created_at)

    @property
    def waiting_cost(self) -> float | None:
        """By how much price had run away when a yes came, in R; below 0 where waiting gave the better price."""
        if self.fate not in {Fate.TAKEN, Fate.UNRECORDED} or self.decision is None or self.decision.price is None:
            return None
        moved = (self.decision.price - self.proposal.price) * self.proposal.side.sign
        return float(moved / risk(self.proposal))


def risk(proposal: Proposal) -> Decimal:
    """R: the distance from price to stop, in the quote currency."""
    return abs(proposal.price - proposal.stop)


def fate_of(proposal: Proposal, trade: Trade | None) -> Fate:
    """What became of it. An approval whose trade is not known is its own kind: nobody may guess what was done."""
    if proposal.state is ProposalState.APPROVED:
        return Fate.UNRECORDED if trade is None else Fate.TAKEN
    return Fate(proposal.state.value)


def cases(
    proposals: Iterable[Proposal], decisions: Iterable[Decision], trades: Iterable[Trade], outcomes: Sequence[Outcome]
) -> tuple[Case, ...]:
    """One case for each proposal, in their order; `outcomes` are in the same order."""
    said = {decision.proposal_id: decision for decision in decisions}
    # Somebody may have entered in two steps, as two trades: the first one is the answer to the proposal.
    taken = {trade.proposal_id: trade for trade in reversed(list(trades)) if trade.proposal_id}
    return tuple(
        Case(
            proposal=proposal,
            fate=fate_of(proposal, taken.get(proposal.id)),
            rules=outcome,
            decision=said.get(proposal.id),
            trade=taken.get(proposal.id),
        )
        for proposal, outcome in zip(proposals, outcomes, strict=True)
    )


def is_over(case: Case) -> bool:
    """Whether nothing more can come of it."""
    closed = case.trade is None or case.trade.state is TradeState.CLOSED
    return case.fate is not Fate.OPEN and case.rules.standing is Standing.FINAL and closed
