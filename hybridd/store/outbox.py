"""The outbox: deliveries wait here, are leased one at a time, and leave through the delivery table only."""

from collections.abc import Sequence

from peewee import BaseQuery, Expression, fn

from hybridd.errors import DataError
from hybridd.model.delivery import DELIVERY_TABLE, TOLD, Delivery, DeliveryEvent, DeliveryState
from hybridd.model.state import advance
from hybridd.store.database import Database, Record
from hybridd.store.tables import DeliveryRow

Plan = tuple[str, str, int, int, int]
"""Channel, recipient, step, next_at and deadline (ms UTC) of a delivery to be made."""

_COLUMNS = (
    "alert", "channel", "recipient", "step", "state", "attempts", "next_at", "deadline", "provider_id", "reason",
)  # fmt: skip


class Outbox:
    """The table of deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(self, alert_id: int, rows: Sequence[Plan]) -> int:
        """Plan deliveries of an alert and give how many are new: one of the same channel, recipient and step stays."""
        values = [
            (alert_id, channel, recipient, step, str(DeliveryState.PLANNED), 0, next_at, deadline, "", "")
            for channel, recipient, step, next_at, deadline in rows
        ]
        added = self._database.insert_all(
            DeliveryRow, _COLUMNS, values, unless=("alert", "channel", "recipient", "step")
        )
        return sum(row is not None for row in added)

    def due(self, channel: str, now: int, limit: int = 10) -> list[Delivery]:
        """Those of a channel whose turn has come, longest waiting first; also those that are beyond their deadline."""
        query = DeliveryRow.select().where((DeliveryRow.channel == channel) & _due(now))
        return self._list(query.order_by(DeliveryRow.next_at, DeliveryRow.id).limit(limit))

    def lease(self, delivery_id: int, now: int) -> Delivery | None:
        """Take a due delivery to send it now, one attempt more.

        None when somebody else was first, when its turn has not come, or when its deadline has.
        """
        changes = {
            DeliveryRow.state: str(DeliveryState.LEASED),
            DeliveryRow.attempts: DeliveryRow.attempts + 1,
            DeliveryRow.leased_at: now,
        }
        free = (DeliveryRow.id == delivery_id) & _due(now) & (DeliveryRow.deadline > now)
        with self._database.transaction():
            if not self._database.run(DeliveryRow.update(changes).where(free)):
                return None
            return self.get(delivery_id)

    def settle(
        self,
        delivery_id: int,
        event: DeliveryEvent,
        *,
        now: int,
        next_at: int | None = None,
        provider_id: str = "",
        reason: str = "",
    ) -> Delivery:
        """Let `event` happen to a delivery; gives it as it is then.

        `next_at` and `provider_id` stay what they were where they are not given; `reason` is that of the new state.
        Raises DataError where there is no such delivery, IllegalTransition where the table has no such step.
        """
        with self._database.transaction():
            delivery = self.get(delivery_id)
            if delivery is None:
                raise DataError(f"there is no delivery {delivery_id}", remedy="`hybridd alerts list` shows the alerts")
            state = advance(DELIVERY_TABLE, delivery.state, event)
            changes: dict[object, object] = {DeliveryRow.state: str(state), DeliveryRow.reason: reason}
            if next_at is not None:
                changes[DeliveryRow.next_at] = next_at
            if provider_id:
                changes[DeliveryRow.provider_id] = provider_id
            if state in TOLD and delivery.state not in TOLD:
                changes[DeliveryRow.told_at] = now
            self._database.run(DeliveryRow.update(changes).where(DeliveryRow.id == delivery_id))
            settled = self.get(delivery_id)
        assert settled is not None, "it was read in this very transaction"
        return settled

    def recover(self, now: int) -> int:
        """Call at a start: what was being sent when the program died may have been sent. Gives how many."""
        leased = DeliveryRow.state == str(DeliveryState.LEASED)
        return len(self._settle_all(leased, DeliveryEvent.LOSE, now, "the program stopped while it was sent", now))

    def expire_due(self, now: int) -> list[Delivery]:
        """Expire those that were not told by their deadline; gives them."""
        late = DeliveryRow.deadline <= now
        return self._settle_all(late, DeliveryEvent.EXPIRE, now, "not told before its deadline")

    def cancel_for(self, alert_id: int, now: int, reason: str) -> int:
        """Cancel what is still planned for an alert; one that may have been sent stays. Gives how many."""
        return len(self._settle_all(DeliveryRow.alert == alert_id, DeliveryEvent.CANCEL, now, reason))

    def _settle_all(
        self, which: Expression, event: DeliveryEvent, now: int, reason: str, next_at: int | None = None
    ) -> list[Delivery]:
        with self._database.transaction():
            query = DeliveryRow.select(DeliveryRow.id).where(which & DeliveryRow.state.in_(_before(event)))
            ids = [row["id"] for row in self._database.rows(query.order_by(DeliveryRow.id))]
            return [self.settle(one, event, now=now, next_at=next_at, reason=reason) for one in ids]

    def get(self, delivery_id: int) -> Delivery | None:
        """The delivery with this id."""
        return next(iter(self._list(DeliveryRow.select().where(DeliveryRow.id == delivery_id))), None)

    def of_alert(self, alert_id: int) -> list[Delivery]:
        """All of an alert, in the order of its steps."""
        query = DeliveryRow.select().where(DeliveryRow.alert == alert_id)
        return self._list(query.order_by(DeliveryRow.step, DeliveryRow.id))

    def of_alerts(self, first: int, last: int) -> dict[int, list[Delivery]]:
        """The deliveries of all alerts whose ids are from `first` to `last`, by alert."""
        found: dict[int, list[Delivery]] = {}
        query = DeliveryRow.select().where(DeliveryRow.alert.between(first, last)).order_by(DeliveryRow.id)
        for delivery in self._list(query):
            found.setdefault(delivery.alert_id, []).append(delivery)
        return found

    def counts(self) -> dict[DeliveryState, int]:
        """How many stand in each state; every state is there, if with 0."""
        query = DeliveryRow.select(DeliveryRow.state, fn.COUNT(DeliveryRow.id).alias("n")).group_by(DeliveryRow.state)
        found = {row["state"]: int(row["n"]) for row in self._database.rows(query)}
        return {state: found.get(str(state), 0) for state in DeliveryState}

    def last_told(self, channel: str) -> int | None:
        """When the channel last reached somebody, ms UTC."""
        query = DeliveryRow.select(fn.MAX(DeliveryRow.told_at)).where(DeliveryRow.channel == channel)
        return self._database.number(query)

    def next_due(self, channel: str) -> int | None:
        """When the channel has to work next, ms UTC; None when nothing waits."""
        waiting = DeliveryRow.state.in_(_before(DeliveryEvent.LEASE))
        query = DeliveryRow.select(fn.MIN(DeliveryRow.next_at)).where((DeliveryRow.channel == channel) & waiting)
        return self._database.number(query)

    def _list(self, query: BaseQuery) -> list[Delivery]:
        return [_delivery(row) for row in self._database.rows(query)]


def _before(event: DeliveryEvent) -> list[str]:
    return [str(state) for state, happening in DELIVERY_TABLE if happening is event]


def _due(now: int) -> Expression:
    waiting = DeliveryRow.state.in_(_before(DeliveryEvent.LEASE))
    return waiting & (DeliveryRow.next_at <= now)


def _delivery(row: Record) -> Delivery:
    return Delivery(
        id=row["id"],
        alert_id=row["alert"],
        channel=row["channel"],
        recipient=row["recipient"],
        step=row["step"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        deadline=row["deadline"],
        provider_id=row["provider_id"],
        reason=row["reason"],
    )
