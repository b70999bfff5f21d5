"""The attempts: every try to send a delivery, when it began and ended, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from hybridd.model.delivery import Delivery, DeliveryState
from hybridd.store.database import Database, Record
from hybridd.store.tables_watch import AttemptRow, DeliveryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. Times in ms UTC; `ended_at` and `outcome` are None while it is under way or was broken off.

    `outcome` is the state that the delivery was left in, `detail` what the provider or the network said.
    """

    delivery_id: int
    number: int
    started_at: int
    ended_at: int | None
    outcome: DeliveryState | None
    detail: str
    provider_id: str


class Attempts:
    """The table of attempts: written by the outbox with every lease and its end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, delivery_id: int, number: int, now: int) -> None:
        """Note that a send begins. Part of the transaction that leases the delivery."""
        row = {"delivery": delivery_id, "number": number, "started_at": int(now), "detail": "", "provider_id": ""}
        self._database.insert(AttemptRow, row, unless=("delivery", "number"))

    def end(self, delivery_id: int, outcome: DeliveryState, now: int, detail: str, provider_id: str) -> None:
        """Note what the send under way came to. Part of the transaction that settles the delivery."""
        changes = {
            AttemptRow.ended_at: int(now),
            AttemptRow.outcome: str(outcome),
            AttemptRow.detail: detail,
            AttemptRow.provider_id: provider_id,
        }
        under_way = (AttemptRow.delivery == delivery_id) & AttemptRow.ended_at.is_null()
        self._database.run(AttemptRow.update(changes).where(under_way))

    def ids_of_others(self, delivery: Delivery, since: int) -> frozenset[str]:
        """Under which ids the provider has what was sent to the same address from `since` (ms UTC) on, all but this."""
        there = (DeliveryRow.channel == delivery.channel) & (DeliveryRow.recipient == delivery.recipient)
        query = (
            AttemptRow.select(AttemptRow.provider_id)
            .join(DeliveryRow, on=(AttemptRow.delivery == DeliveryRow.id))
            .where(there & (DeliveryRow.id != delivery.id) & (AttemptRow.started_at >= since))
            .where(AttemptRow.provider_id != "")
        )
        return frozenset(row["provider_id"] for row in self._database.rows(query))

    def before(self, delivery: Delivery) -> int:
        """When the try before the present one began, ms UTC; 0 for a first one."""
        earlier = (AttemptRow.delivery == delivery.id) & (AttemptRow.number < delivery.attempts)
        # By its number, not the latest instant: that may be of a clock that has been set back since.
        query = AttemptRow.select(AttemptRow.started_at).where(earlier).order_by(AttemptRow.number.desc()).limit(1)
        return self._database.number(query) or 0

    def of_alert(self, alert_id: int) -> list[Attempt]:
        """Those of all deliveries of an alert, oldest first."""
        return self.of_alerts([alert_id])

    def of_alerts(self, alert_ids: Sequence[int]) -> list[Attempt]:
        """Those of all deliveries of some alerts, oldest first."""
        query = (
            AttemptRow.select()
            .join(DeliveryRow, on=(AttemptRow.delivery == DeliveryRow.id))
            .where(DeliveryRow.alert.in_(list(alert_ids)))
            .order_by(AttemptRow.id)  # not by their times: a clock may have been set back between two
        )
        return [_attempt(row) for row in self._database.rows(query)]


def _attempt(row: Record) -> Attempt:
    return Attempt(
        delivery_id=row["delivery"],
        number=row["number"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=None if row["outcome"] is None else DeliveryState(row["outcome"]),
        detail=row["detail"],
        provider_id=row["provider_id"],
    )
