"""What fees leave of a proposal: they do not shrink with the stop, so a near one can cost more than it could earn."""

from dataclasses import dataclass, replace
from decimal import Decimal

from hybridd.model.proposal import FEES, Proposal

HEAVY_R = 0.3
"""From here on the person is told: this much of what the stop would cost goes to the exchange in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """In distances of the stop, R: `at_stop` and `at_targets` the fees of both sides, `reward` what the targets earn
    before them.
    """

    at_stop: float
    at_targets: float
    reward: float

    @property
    def share(self) -> float:
        """Which part of the gain at the targets the fees take; 1 and above: nothing is left."""
        return self.at_targets / self.reward if self.reward > 0 else 1.0

    @property
    def needed(self) -> float:
        """How often the targets must be reached for the trade to break even: p · (reward − fees) = (1 − p)(1 + fees).

        1 where even that loses. For a trade that ends at its stop or at its targets.
        """
        gain, loss = self.reward - self.at_targets, 1 + self.at_stop
        return loss / (gain + loss) if gain > 0 else 1.0


def burden(proposal: Proposal, fee_percent: float) -> Burden:
    """The fees of a proposal at `fee_percent` of each side. A stop at the price itself leaves nothing to win."""
    rate, risk = Decimal(str(fee_percent)) / 100, abs(proposal.price - proposal.stop)
    if not risk:
        return Burden(at_stop=0.0, at_targets=0.0, reward=0.0)
    left = sum((target.price * target.share for target in proposal.targets), Decimal(0))
    share = sum((target.share for target in proposal.targets), Decimal(0))
    gain = proposal.side.sign * (left - proposal.price * share)
    return Burden(
        at_stop=float(rate * (proposal.price + proposal.stop) / risk),
        at_targets=float(rate * (proposal.price * share + left) / risk),
        reward=float(gain / risk),
    )


def with_fees_told(proposal: Proposal, found: Burden) -> Proposal:
    """The proposal with heavy fees as the first reason against it."""
    if found.at_stop < HEAVY_R:
        return proposal
    words = (
        f"{FEES}: they cost {found.at_stop:.2f} R whatever comes, {found.share:.0%} of the gain at the targets; "
        f"to break even the targets must be reached {found.needed:.0%} of the time"
    )
    return replace(proposal, reasons_against=(words, *proposal.reasons_against))
