"""The books of the self-test: what the daemon says that it told, against what the sinks were given."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hybridd.clock import SystemClock
from hybridd.model.change import MARKET
from hybridd.model.delivery import TOLD, Delivery, DeliveryState
from hybridd.selftest import market
from hybridd.selftest.lanes import Lane
from hybridd.selftest.sinks import Ledger
from hybridd.store.store import open_store

SYMBOL, JUMP = "BTC/USDT", 5.0
EVERYTHING = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One lane: deliveries that were planned, told, let go (of trouble that was over); copies that the sink got.

    `folded`: copies under a key that the reader has already. `lost`: not planned, not told, or said to be told and not
    at the sink. `doubled`: a copy that its reader cannot tell from a new message. `repeats`: copies that are marked as
    such; `most_repeats` of one message.
    """

    lane: str
    planned: int
    told: int
    let_go: int
    copies: int
    folded: int
    lost: int
    doubled: int
    repeats: int
    most_repeats: int

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, nothing repeated twice."""
        return not self.lost and not self.doubled and self.most_repeats <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All lanes, and the state itself: candles without an analysis, analyses that nothing came of, `findings`."""

    accounts: tuple[Account, ...]
    analyses: int
    alerts: int
    skipped: int
    unnoticed: int
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything agrees. Books without an alert prove nothing."""
        good = all(account.ok for account in self.accounts) and not self.findings
        return good and not self.skipped and not self.unnoticed and self.alerts > 0


def compare(folder: Path, lanes: Sequence[Lane], ledger: Ledger) -> Books:
    """Read the state in `folder` and compare it with what the sinks took."""
    store = open_store(f"sqlite:///{folder}/state.db", clock=SystemClock(), migrate=False)
    try:
        alerts = store.alerts.list(limit=EVERYTHING)
        ours = {alert.id for alert in alerts if MARKET.issuperset(alert.reasons)}
        deliveries = [delivery for alert in alerts for delivery in store.outbox.of_alert(alert.id)]
        scores = [(a.candle_close, a.score) for a in store.analyses.between(SYMBOL, market.FRAME, 0, 2**62)]
        changed = {verdict.change.at for verdict in store.changes.list(EVERYTHING, SYMBOL)}
        return Books(
            accounts=tuple(_account(lane, deliveries, ours, ledger.copies(lane.name)) for lane in lanes),
            analyses=len(scores),
            alerts=len(ours),
            skipped=sum((now[0] - before[0]) // market.STEP - 1 for before, now in pairwise(scores)),
            unnoticed=len([at for at in _jumps(scores) if at not in changed]),
            findings=tuple(store.verify()),
        )
    finally:
        store.close()


def _jumps(scores: Sequence[tuple[int, float]]) -> list[int]:
    """When the score moved by more than the settings let pass."""
    return [now[0] for before, now in pairwise(scores) if abs(now[1] - before[1]) >= JUMP]


LET_GO = frozenset({DeliveryState.CANCELLED, DeliveryState.EXPIRED, DeliveryState.PLANNED, DeliveryState.RETRY_WAIT})


def _account(
    lane: Lane, deliveries: Sequence[Delivery], ours: Set[int], copies: Mapping[str, Sequence[bytes]]
) -> Account:
    mine = [delivery for delivery in deliveries if delivery.channel == lane.name]
    told = {lane.key(delivery.key) for delivery in mine if delivery.state in TOLD}
    # News of the daemon's own health may be over before it was sent, or come up at the very end; the market's may not.
    let_go = [d for d in mine if d.state in LET_GO and d.alert_id not in ours]
    planned = len({delivery.alert_id for delivery in mine} & ours)
    never_told = len(mine) - len(told) - len(let_go)
    repeats = [sum(map(_is_marked, found)) for found in copies.values()]
    return Account(
        lane=lane.name,
        planned=len(mine),
        told=len(told),
        let_go=len(let_go),
        copies=sum(map(len, copies.values())),
        folded=sum(len(found) - 1 for found in copies.values()) if lane.takes_key else 0,
        lost=len(ours) - planned + never_told + len(told - copies.keys()),
        doubled=len(copies.keys() - {lane.key(d.key) for d in mine}) + sum(map(_doubles(lane), copies.values())),
        repeats=sum(repeats),
        most_repeats=max(repeats, default=0),
    )


def _doubles(lane: Lane) -> Callable[[Sequence[bytes]], int]:
    """How many of the copies under one key their reader takes for new messages."""
    if lane.takes_key:
        # By its key a reader knows a second copy, also where the chart came in time for one of them only.
        return lambda _: 0
    # The first to arrive may be marked itself: the one before was lost on its way.
    return lambda found: max(0, len([copy for copy in found if not _is_marked(copy)]) - 1)


def _is_marked(copy: bytes) -> bool:
    return b'"repeat": true' in copy
