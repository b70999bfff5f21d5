"""What is held back and why, what has gone out of late, and what it cost: the outbox as restraint sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import Expression, fn

from hybridd.model.alert import AlertState
from hybridd.model.change import Reason, Severity, Suppression
from hybridd.model.delivery import DELIVERY_TABLE, DeliveryEvent, DeliveryState
from hybridd.model.state import advance
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_watch import AlertRow, ChargeRow, DeliveryRow, HoldRow

_MAY_HAVE_GONE = tuple(
    str(state)
    for state in (
        DeliveryState.LEASED,
        DeliveryState.UNKNOWN,
        DeliveryState.ACCEPTED,
        DeliveryState.DELIVERED,
        DeliveryState.SEEN,
    )
)
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A delivery whose turn has come, with what restraint must know of its alert. Times in ms UTC."""

    id: int
    alert_id: int
    recipient: str
    state: DeliveryState
    next_at: int
    deadline: int
    subject: str
    created_at: int
    severity: Severity
    asked: bool
    alive: bool
    is_digest: bool

    @property
    def critical(self) -> bool:
        """Whether it may pass where others wait."""
        return self.severity is Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One time that a delivery was held back: why, by what, when, and until when (ms UTC)."""

    delivery_id: int
    reason: Suppression
    because: str
    at: int
    until: int


class Holds:
    """The deliveries' restraint: table `holds`, and `charges` for what was spent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, channel: str, now: int, after: tuple[int, int] = (-1, 0), limit: int = _CHUNK) -> list[Waiting]:
        """Those of a channel whose turn has come, longest waiting first, from beyond `after` (next_at, id) on."""
        at, last = after
        rows = self._database.rows(_DUE, channel=channel, now=now, at=at, last=last, limit=limit)
        return [_row(row, now) for row in rows]

    def released(self, channel: str, now: int) -> dict[str, int]:
        """How many of each address have been held back long enough."""
        query = (
            DeliveryRow.select(DeliveryRow.recipient, fn.COUNT(DeliveryRow.id).alias("n"))
            .where((DeliveryRow.channel == channel) & _deferred(now))
            .group_by(DeliveryRow.recipient)
            .order_by(DeliveryRow.recipient)
        )
        return {row["recipient"]: int(row["n"]) for row in self._database.rows(query)}

    def members(self, channel: str, recipient: str, now: int) -> Iterator[Waiting]:
        """Those of one address that have been held back long enough, in order, a few hundred at a time."""
        last = 0
        which = (DeliveryRow.channel == channel) & (DeliveryRow.recipient == recipient) & _deferred(now)
        while page := self._database.rows(
            _waiting().where(which & (DeliveryRow.id > last)).order_by(DeliveryRow.id).limit(_CHUNK)
        ):
            yield from (_row(row, now) for row in page)
            last = page[-1]["id"]

    def causes(self, channel: str, recipient: str, now: int) -> list[Suppression]:
        """Why those of one address were held back, each reason once."""
        query = (
            HoldRow.select(HoldRow.reason)
            .join(DeliveryRow, on=(HoldRow.delivery == DeliveryRow.id))
            .where((DeliveryRow.channel == channel) & (DeliveryRow.recipient == recipient) & _deferred(now))
            .distinct()
            .order_by(HoldRow.reason)
        )
        return [Suppression(row["reason"]) for row in self._database.rows(query)]

    def sent(self, channel: str, recipient: str, since: int, limit: int) -> list[int]:
        """When the newest messages to an address went out, or may have, after `since`; rising, ms UTC."""
        query = (
            DeliveryRow.select(DeliveryRow.leased_at)
            .where(
                (DeliveryRow.channel == channel)
                & (DeliveryRow.leased_at > since)
                & (DeliveryRow.recipient == recipient)
                & DeliveryRow.state.in_(_MAY_HAVE_GONE)
            )
            .order_by(DeliveryRow.leased_at.desc())
            .limit(limit)
        )
        return [int(row["leased_at"]) for row in reversed(self._database.rows(query))]

    def spent(self, channel: str, since: int) -> int:
        """The segments that a channel has sent from `since` (ms UTC) on."""
        query = ChargeRow.select(fn.SUM(ChargeRow.segments)).where(
            (ChargeRow.channel == channel) & (ChargeRow.at >= since)
        )
        return self._database.number(query) or 0

    def charge(self, delivery_id: int, channel: str, segments: int, now: int) -> None:
        """Note what a try to send costs; in the transaction that leases it."""
        self._database.insert(
            ChargeRow, {"delivery": delivery_id, "channel": channel, "at": int(now), "segments": int(segments)}
        )

    def refund(self, delivery_id: int) -> None:
        """The last try did certainly not go out: it costs nothing."""
        last = ChargeRow.select(fn.MAX(ChargeRow.id)).where(ChargeRow.delivery == delivery_id)
        self._database.run(ChargeRow.delete().where(ChargeRow.id == last))

    def defer(self, which: Sequence[Waiting], reason: Suppression, until: int, now: int) -> None:
        """Hold some deliveries back until an instant (ms UTC), with a row for each that says why."""
        text = f"held back: {reason}"
        self._move(which, DeliveryEvent.DEFER, {DeliveryRow.next_at: until, DeliveryRow.reason: text})
        self._note(which, reason, "", now, until)

    def drop(self, which: Sequence[Waiting], reason: Suppression, because: str, now: int) -> None:
        """Give some deliveries up for a reason that no waiting mends; what may have gone out already expires."""
        text = f"{reason}: {because}" if because else str(reason)
        lost = [one for one in which if one.state is DeliveryState.UNKNOWN]
        self._move(lost, DeliveryEvent.EXPIRE, {DeliveryRow.reason: text})
        self._move([one for one in which if one not in lost], DeliveryEvent.CANCEL, {DeliveryRow.reason: text})
        self._note(which, reason, because, now, now)

    def absorb(self, which: Sequence[Waiting], digest_id: int) -> None:
        """Some deliveries are told as lines of a digest from here on; so is what they themselves summed up."""
        changes: dict[object, object] = {
            DeliveryRow.digest: digest_id,
            DeliveryRow.reason: f"told in a digest: alert {digest_id}",
        }
        self._move(which, DeliveryEvent.CANCEL, changes)
        for part in _chunks([one.alert_id for one in which]):
            self._database.run(DeliveryRow.update({DeliveryRow.digest: digest_id}).where(DeliveryRow.digest.in_(part)))

    def of_alert(self, alert_id: int) -> list[Held]:
        """Every time that a delivery of an alert was held back, in order."""
        query = (
            HoldRow.select(HoldRow.delivery, HoldRow.reason, HoldRow.because, HoldRow.at, HoldRow.until)
            .join(DeliveryRow, on=(HoldRow.delivery == DeliveryRow.id))
            .where(DeliveryRow.alert == alert_id)
            .order_by(HoldRow.id)
        )
        return [
            Held(
                delivery_id=row["delivery"],
                reason=Suppression(row["reason"]),
                because=row["because"],
                at=row["at"],
                until=row["until"],
            )
            for row in self._database.rows(query)
        ]

    def digest_of(self, delivery_id: int) -> int | None:
        """The id of the alert that tells of this delivery in its place, if there is one."""
        return self._database.number(DeliveryRow.select(DeliveryRow.digest).where(DeliveryRow.id == delivery_id))

    def _move(self, which: Sequence[Waiting], event: DeliveryEvent, changes: dict[object, object]) -> None:
        by_state: dict[DeliveryState, list[int]] = {}
        for one in which:
            by_state.setdefault(one.state, []).append(one.id)
        for state, ids in by_state.items():
            after = advance(DELIVERY_TABLE, state, event)
            for part in _chunks(ids):
                # Only where it still stands so: somebody may have answered since it was looked at.
                same = DeliveryRow.id.in_(part) & (DeliveryRow.state == str(state))
                self._database.run(DeliveryRow.update({DeliveryRow.state: str(after), **changes}).where(same))

    def _note(self, which: Sequence[Waiting], reason: Suppression, because: str, now: int, until: int) -> None:
        rows = [(one.id, str(reason), because, int(now), int(until)) for one in which]
        self._database.insert_all(HoldRow, ("delivery", "reason", "because", "at", "until"), rows)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[i : i + _CHUNK] for i in range(0, len(ids), _CHUNK))


def _waiting() -> Any:  # noqa: ANN401 - peewee's queries have no common type that its stubs know
    columns = (DeliveryRow.id, DeliveryRow.alert, DeliveryRow.recipient, DeliveryRow.state, DeliveryRow.next_at)
    facts = (AlertRow.subject, AlertRow.created_at, AlertRow.severity, AlertRow.resolves, AlertRow.reasons)
    found = DeliveryRow.select(*columns, DeliveryRow.deadline, *facts, AlertRow.state.alias("alert_state"))
    return found.join(AlertRow, on=(DeliveryRow.alert == AlertRow.id))


_READY = DeliveryRow.state.in_([str(state) for state, event in DELIVERY_TABLE if event is DeliveryEvent.LEASE])
_BEYOND = (DeliveryRow.next_at > hole("at")) | ((DeliveryRow.next_at == hole("at")) & (DeliveryRow.id > hole("last")))
_DUE = Prepared(
    _waiting()
    .where((DeliveryRow.channel == hole("channel")) & _READY & (DeliveryRow.next_at <= hole("now")) & _BEYOND)
    .order_by(DeliveryRow.next_at, DeliveryRow.id)
    .limit(hole("limit"))
)


def _row(row: Record, now: int) -> Waiting:
    return Waiting(
        id=row["id"],
        alert_id=row["alert"],
        recipient=row["recipient"],
        state=DeliveryState(row["state"]),
        next_at=row["next_at"],
        deadline=row["deadline"],
        subject=row["subject"],
        created_at=row["created_at"],
        severity=Severity.INFO if row["resolves"] else Severity(row["severity"]),
        asked=f" {Reason.TEST} " in row["reasons"],
        alive=row["alert_state"] == AlertState.FIRING and row["deadline"] > now,
        is_digest=f" {Reason.DIGEST} " in row["reasons"],
    )


def _deferred(now: int) -> Expression:
    return (DeliveryRow.state == str(DeliveryState.DEFERRED)) & (DeliveryRow.next_at <= now)
