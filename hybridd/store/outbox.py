"""The outbox: deliveries wait here, are leased one at a time, and leave through the delivery table only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from peewee import BaseQuery, Expression, fn

from hybridd.errors import DataError
from hybridd.model.delivery import DELIVERY_TABLE, TOLD, Delivery, DeliveryEvent, DeliveryState
from hybridd.model.state import advance
from hybridd.store.attempts import Attempts
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_watch import AlertRow, DeliveryRow
from hybridd.store.turns import set_back

Plan = tuple[str, str, int, int, int]
"""Channel, recipient, step, next_at and deadline (ms UTC) of a delivery to be made."""

ABANDONED_MS = 6 * 3_600_000
"""How long after its time a delivery that was held back may wait for somebody to take it."""

_COLUMNS = (
    "alert", "channel", "recipient", "step", "state", "attempts", "next_at", "deadline", "provider_id", "reason",
)  # fmt: skip


def _before(event: DeliveryEvent) -> list[str]:
    return [str(state) for state, happening in DELIVERY_TABLE if happening is event]


_WAITING = DeliveryRow.state.in_(_before(DeliveryEvent.LEASE))
_IS_DUE = _WAITING & (DeliveryRow.next_at <= hole("now"))
_BY_ID = Prepared(DeliveryRow.select().where(DeliveryRow.id == hole("id")))
_OF_ALERT = Prepared(
    DeliveryRow.select().where(DeliveryRow.alert == hole("alert")).order_by(DeliveryRow.step, DeliveryRow.id)
)
_DUE = Prepared(
    DeliveryRow.select()
    .where((DeliveryRow.channel == hole("channel")) & _IS_DUE)
    .order_by(DeliveryRow.next_at, DeliveryRow.id)
    .limit(hole("limit"))
)
_NEXT = Prepared(
    DeliveryRow.select(fn.MIN(DeliveryRow.next_at)).where((DeliveryRow.channel == hole("channel")) & _WAITING)
)
_LATE = Prepared(
    DeliveryRow.select(DeliveryRow.id)
    .where((DeliveryRow.deadline <= hole("now")) & DeliveryRow.state.in_(_before(DeliveryEvent.EXPIRE)))
    .limit(1)
)
_STRANGERS = Prepared(DeliveryRow.select(DeliveryRow.channel, DeliveryRow.recipient).where(_WAITING).distinct())
_OVERDUE = Prepared(
    DeliveryRow.select(
        DeliveryRow.channel, fn.COUNT(DeliveryRow.id).alias("count"), fn.MIN(DeliveryRow.next_at).alias("since")
    )
    .where(_WAITING & (DeliveryRow.next_at < hole("since")))
    .group_by(DeliveryRow.channel)
    .order_by(DeliveryRow.channel)
)
_LEASE = Prepared(
    DeliveryRow.update(
        {
            DeliveryRow.state: str(DeliveryState.LEASED),
            DeliveryRow.attempts: DeliveryRow.attempts + 1,
            DeliveryRow.leased_at: hole("now"),
        }
    ).where((DeliveryRow.id == hole("id")) & _IS_DUE & (DeliveryRow.deadline > hole("now")))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Deliveries of a channel whose turn has come and that nobody takes; `since` the oldest's turn, ms UTC."""

    channel: str
    count: int
    since: int


class Outbox:
    """The table of deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attempts = Attempts(database)

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
        return [_delivery(row) for row in self._database.rows(_DUE, channel=channel, now=now, limit=limit)]

    def lease(self, delivery_id: int, now: int) -> Delivery | None:
        """Take a due delivery to send it now, one attempt more.

        None when somebody else was first, when its turn has not come, or when its deadline has.
        """
        with self._database.transaction():
            if not self._database.run(_LEASE, id=delivery_id, now=now):
                return None
            leased = self.get(delivery_id)
            assert leased is not None, "it was leased in this very transaction"
            self._attempts.begin(leased.id, leased.attempts, now)
            return leased

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
            changes: dict[str, object] = {"state": str(state), "reason": reason}
            if next_at is not None:
                changes["next_at"] = next_at
            if provider_id:
                changes["provider_id"] = provider_id
            if state in TOLD and delivery.state not in TOLD:
                changes["told_at"] = now
            self._database.change(DeliveryRow, delivery_id, changes)
            if delivery.state is DeliveryState.LEASED:
                self._attempts.end(delivery_id, state, now, reason, provider_id)
            settled = self.get(delivery_id)
        assert settled is not None, "it was read in this very transaction"
        return settled

    def recover(self, now: int) -> int:
        """Call at a start: what was being sent when the program died may have been sent. Gives how many."""
        leased = DeliveryRow.state == str(DeliveryState.LEASED)
        return len(self._settle_all(leased, DeliveryEvent.LOSE, now, "the program stopped while it was sent", now))

    def recover_old(self, now: int, longest_ms: int) -> list[Delivery]:
        """Call now and then: what has been under way for longer than any send takes was left by somebody. Gives it."""
        old = DeliveryRow.leased_at < now - longest_ms
        return self._settle_all(old, DeliveryEvent.LOSE, now, "nobody came back from sending it", now)

    def expire_due(self, now: int) -> list[Delivery]:
        """Expire those that were not told by their deadline; gives them.

        What is held back is told as past instead, unless its time has come and nobody works its channel any more.
        """
        if not self._database.rows(_LATE, now=now):  # as nearly always: nobody is kept from writing meanwhile
            return []
        waits = (DeliveryRow.state == str(DeliveryState.DEFERRED)) & (DeliveryRow.next_at > now - ABANDONED_MS)
        late = (DeliveryRow.deadline <= now) & ~waits
        return self._settle_all(late, DeliveryEvent.EXPIRE, now, "not told before its deadline")

    def cancel_for(self, alert_id: int, now: int, reason: str) -> int:
        """Cancel what is still planned for an alert; one that may have been sent stays. Gives how many."""
        return len(self._settle_all(DeliveryRow.alert == alert_id, DeliveryEvent.CANCEL, now, reason))

    def give_up(self, channel: str, recipient: str, now: int, reason: str) -> list[Delivery]:
        """Nothing more is sent to an address: what waits for it is settled, and given."""
        there = (DeliveryRow.channel == channel) & (DeliveryRow.recipient == recipient)
        cancelled = self._settle_all(there, DeliveryEvent.CANCEL, now, reason)
        return cancelled + self._settle_all(there, DeliveryEvent.EXPIRE, now, reason)

    def hurry(self, delivery_ids: Sequence[int], now: int) -> None:
        """Let planned deliveries be due at once."""
        planned = DeliveryRow.id.in_(list(delivery_ids)) & (DeliveryRow.state == str(DeliveryState.PLANNED))
        self._database.run(DeliveryRow.update({DeliveryRow.next_at: now}).where(planned))

    def set_back(self, by_ms: int, now: int) -> int:
        """The clock, `now`, was ahead by so many ms: what was planned by it comes earlier; gives how many."""
        return set_back(self._database, by_ms, now)

    def mark_repeated(self, delivery_id: int) -> None:
        """Before the one repeat of a message of unknown fate is sent: a crash must not lead to another."""
        self._database.run(DeliveryRow.update({DeliveryRow.repeated: True}).where(DeliveryRow.id == delivery_id))

    def ask_again(self, delivery_id: int, next_at: int) -> None:
        """When the provider is next asked what became of an accepted delivery."""
        accepted = (DeliveryRow.id == delivery_id) & (DeliveryRow.state == str(DeliveryState.ACCEPTED))
        self._database.run(DeliveryRow.update({DeliveryRow.next_at: next_at}).where(accepted))

    def unreported(self, channel: str, now: int, told_since: int, limit: int) -> list[Delivery]:
        """Accepted deliveries of a channel whose provider is to be asked now what became of them, oldest first."""
        which = (
            (DeliveryRow.channel == channel)
            & (DeliveryRow.state == str(DeliveryState.ACCEPTED))
            & (DeliveryRow.next_at <= now)
            & (DeliveryRow.told_at >= told_since)
            & (DeliveryRow.provider_id != "")
        )
        query = DeliveryRow.select().where(which)
        return self._list(query.order_by(DeliveryRow.next_at, DeliveryRow.id).limit(limit))

    def of_provider(self, channel: str, provider_id: str) -> Delivery | None:
        """The newest delivery of a channel that its provider knows by this id."""
        which = (DeliveryRow.channel == channel) & (DeliveryRow.provider_id == provider_id)
        return next(iter(self._list(DeliveryRow.select().where(which).order_by(DeliveryRow.id.desc()).limit(1))), None)

    def strangers(self, channels: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """Channels and addresses for which deliveries wait, and that are not among `channels`."""
        found = [(row["channel"], row["recipient"]) for row in self._database.rows(_STRANGERS)]
        return sorted(pair for pair in found if pair[1] not in channels.get(pair[0], ()))

    def overdue(self, since: int) -> list[Overdue]:
        """By channel: deliveries whose turn came before `since` (ms UTC) and that nobody has taken."""
        return [Overdue(**row) for row in self._database.rows(_OVERDUE, since=since)]

    def _settle_all(
        self, which: Expression, event: DeliveryEvent, now: int, reason: str, next_at: int | None = None
    ) -> list[Delivery]:
        with self._database.transaction():
            query = DeliveryRow.select(DeliveryRow.id).where(which & DeliveryRow.state.in_(_before(event)))
            ids = [row["id"] for row in self._database.rows(query.order_by(DeliveryRow.id))]
            return [self.settle(one, event, now=now, next_at=next_at, reason=reason) for one in ids]

    def get(self, delivery_id: int) -> Delivery | None:
        """The delivery with this id."""
        found = self._database.row(_BY_ID, id=delivery_id)
        return None if found is None else _delivery(found)

    def of_alert(self, alert_id: int) -> list[Delivery]:
        """All of an alert, in the order of its steps."""
        return [_delivery(row) for row in self._database.rows(_OF_ALERT, alert=alert_id)]

    def of_alerts(self, alert_ids: Sequence[int]) -> list[Delivery]:
        """All of some alerts, in the order of their steps."""
        query = DeliveryRow.select().where(DeliveryRow.alert.in_(list(alert_ids)))
        return self._list(query.order_by(DeliveryRow.step, DeliveryRow.id))

    def by_alert(self, first: int, last: int) -> dict[int, list[Delivery]]:
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

    def last_told(self, channel: str, besides: Collection[str] = ()) -> int | None:
        """When the channel last reached somebody, ms UTC; `besides`: with an alert that has none of these reasons."""
        query = DeliveryRow.select(DeliveryRow.told_at).where(
            (DeliveryRow.channel == channel) & DeliveryRow.told_at.is_null(False)
        )
        if besides:
            query = query.join(AlertRow, on=(DeliveryRow.alert == AlertRow.id))
            for reason in besides:
                query = query.where(~AlertRow.reasons.contains(f" {reason} "))
        return self._database.number(query.order_by(DeliveryRow.told_at.desc()).limit(1))

    def next_due(self, channel: str) -> int | None:
        """When the channel has to work next, ms UTC; None when nothing waits."""
        return self._database.number(_NEXT, channel=channel)

    def _list(self, query: BaseQuery) -> list[Delivery]:
        return [_delivery(row) for row in self._database.rows(query)]


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
        repeated=bool(row["repeated"]),
        told_at=row["told_at"],
    )
