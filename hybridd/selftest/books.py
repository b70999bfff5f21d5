"""The books of the self-test: what the daemon says that it told, against what the sinks were given."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hybridd.clock import SystemClock
from hybridd.model.change import MARKET
from hybridd.selftest import market
from hybridd.selftest.accounts import Account, account_of
from hybridd.selftest.lanes import Lane
from hybridd.selftest.ledger import Copy, Ledger
from hybridd.store.store import Store, open_store

SYMBOL, JUMP = "BTC/USDT", 5.0
EVERYTHING = 10_000_000
DASHBOARD = "dashboard"


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
        by_id = {alert.id: alert for alert in alerts}
        deliveries = [delivery for alert in alerts for delivery in store.outbox.of_alert(alert.id)]
        scores = [(a.candle_close, a.score) for a in store.analyses.between(SYMBOL, market.FRAME, 0, 2**62)]
        changed = {verdict.change.at for verdict in store.changes.list(EVERYTHING, SYMBOL)}
        return Books(
            accounts=tuple(
                account_of(lane, deliveries, by_id, ours, [*ledger.copies(lane.name), *_on_the_page(store, lane.name)])
                for lane in lanes
            ),
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


def _on_the_page(store: Store, lane: str) -> list[Copy]:
    """What the dashboard shows lies in the state itself."""
    shown = store.events.between("message", 0, 2**62) if lane == DASHBOARD else ()
    return [Copy(lane=lane, key=event.data["key"], content=event.data["title"]) for event in shown]
