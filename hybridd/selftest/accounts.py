"""The account of one lane: its deliveries as the daemon's books have them, against the copies that arrived."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from hybridd.delivery.render import message_for
from hybridd.model.alert import Alert, AlertState
from hybridd.model.delivery import TOLD, Delivery, DeliveryState
from hybridd.selftest.lanes import Lane
from hybridd.selftest.ledger import Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One lane: deliveries that were planned, told, let go (of trouble that was over); copies that the sink got.

    `unsure`: repeated once, and neither copy was answered: hybridd knows that it does not know, and says so.
    `folded`: copies under a key that the reader has already. `lost`: not planned, not told, or said to be told and not
    at the sink. `doubled`: a copy that its reader cannot tell from a new message. `repeats`: copies that are marked as
    such; `most_repeats` of one message.
    """

    lane: str
    planned: int
    told: int
    let_go: int
    unsure: int
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


LET_GO = frozenset({DeliveryState.CANCELLED, DeliveryState.EXPIRED, DeliveryState.PLANNED, DeliveryState.RETRY_WAIT})


@dataclass(slots=True)
class _Pile:
    """All that lies under one key. Several deliveries only where a lane has no keys, and two alerts the same words."""

    expected: int = 0
    told: int = 0
    plain: int = 0
    marked: int = 0

    def doubled(self, lane: Lane) -> int:
        """How many of the copies their reader takes for new messages."""
        if lane.takes_key and self.expected:
            # By its key a reader knows a second copy, also where the chart came in time for one of them only.
            return 0
        # The first to arrive may be marked itself: the one before was lost on its way.
        return max(0, self.plain - self.expected)


def account_of(
    lane: Lane, deliveries: Sequence[Delivery], alerts: Mapping[int, Alert], ours: Set[int], copies: Sequence[Copy]
) -> Account:
    """Compare. `ours` are the alerts of the market, which must all have been told."""
    mine = [delivery for delivery in deliveries if delivery.channel == lane.name]
    # News of the daemon's own health may be over before it was sent, or come up at the very end; the market's may not.
    let_go = [one for one in mine if one.state in LET_GO and one.alert_id not in ours]
    told = [one for one in mine if one.state in TOLD]
    unsure = len([one for one in mine if lane.gives_up(one)])
    piles = _piles(lane, mine, alerts, copies)
    planned = len({delivery.alert_id for delivery in mine} & ours)
    never_told = len(mine) - len(told) - len(let_go) - unsure
    return Account(
        lane=lane.name,
        planned=len(mine),
        told=len(told),
        let_go=len(let_go),
        unsure=unsure,
        copies=len(copies),
        folded=sum(max(0, pile.plain + pile.marked - pile.expected) for pile in piles) if lane.takes_key else 0,
        lost=len(ours) - planned + never_told + sum(max(0, p.told - p.plain - p.marked) for p in piles),
        doubled=sum(pile.doubled(lane) for pile in piles),
        repeats=sum(pile.marked for pile in piles),
        most_repeats=max((-(-pile.marked // max(1, pile.expected)) for pile in piles), default=0),
    )


def _piles(
    lane: Lane, mine: Sequence[Delivery], alerts: Mapping[int, Alert], copies: Sequence[Copy]
) -> Sequence[_Pile]:
    """What was to arrive and what did, by key. A copy of a message that nobody planned makes a pile of its own."""
    piles: dict[str, _Pile] = {}
    marks: dict[str, str] = {}
    for delivery in mine:
        plain, marked = (_key(lane, alerts[delivery.alert_id], delivery, repeat) for repeat in (False, True))
        pile = piles.setdefault(plain, _Pile())
        pile.expected += 1
        pile.told += delivery.state in TOLD
        marks[marked] = plain
    came = Counter((copy.key, is_marked(copy)) for copy in copies)
    for (key, marked_so), count in came.items():
        pile = piles.setdefault(marks.get(key, key), _Pile())
        pile.marked += count if marked_so else 0
        pile.plain += 0 if marked_so else count
    return list(piles.values())


def _key(lane: Lane, alert: Alert, delivery: Delivery, repeat: bool) -> str:
    # Sent while it was firing: since then it may have been resolved, and offers no answer any more.
    firing = replace(alert, state=AlertState.FIRING)
    return lane.key(message_for(firing, delivery, zone="UTC", repeat=repeat))


def is_marked(copy: Copy) -> bool:
    """Whether a copy says that an earlier one may have arrived."""
    return "(repeat)" in copy.content or '"repeat": true' in copy.content
