"""A delivery: one alert on its way to one recipient by one channel, and all that can become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hybridd.model.state import Table


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PLANNED = "planned"  # to be sent at next_at
    DEFERRED = "deferred"  # held back until next_at; what piles up by then goes as one digest
    LEASED = "leased"  # somebody is sending it now
    RETRY_WAIT = "retry_wait"  # certainly not sent; again at next_at
    UNKNOWN = "unknown"  # may have been sent: to be asked for or, where the channel takes a key, sent again
    ACCEPTED = "accepted"  # the provider took it
    DELIVERED = "delivered"  # the provider says that it reached the device
    SEEN = "seen"  # the person looked at it
    FAILED_PERMANENT = "failed_permanent"
    EXPIRED = "expired"  # too old to be worth sending: missed
    CANCELLED = "cancelled"  # acked or resolved before its turn, or told as a line of a digest


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    DEFER = "defer"
    LEASE = "lease"
    ACCEPT = "accept"
    RETRY = "retry"
    LOSE = "lose"  # the outcome is not known
    FAIL = "fail"
    EXPIRE = "expire"
    CANCEL = "cancel"
    RECEIPT = "receipt"
    SEE = "see"


_S, _E = DeliveryState, DeliveryEvent
DELIVERY_TABLE: Table[DeliveryState, DeliveryEvent] = {
    **{(state, _E.DEFER): _S.DEFERRED for state in (_S.PLANNED, _S.DEFERRED, _S.RETRY_WAIT)},
    **{(state, _E.LEASE): _S.LEASED for state in (_S.PLANNED, _S.DEFERRED, _S.RETRY_WAIT, _S.UNKNOWN)},
    **{(state, _E.EXPIRE): _S.EXPIRED for state in (_S.PLANNED, _S.DEFERRED, _S.RETRY_WAIT, _S.UNKNOWN)},
    **{(state, _E.CANCEL): _S.CANCELLED for state in (_S.PLANNED, _S.DEFERRED, _S.RETRY_WAIT)},
    (_S.LEASED, _E.ACCEPT): _S.ACCEPTED,
    (_S.LEASED, _E.RECEIPT): _S.DELIVERED,
    (_S.LEASED, _E.RETRY): _S.RETRY_WAIT,
    (_S.LEASED, _E.LOSE): _S.UNKNOWN,
    (_S.LEASED, _E.FAIL): _S.FAILED_PERMANENT,
    # What is said of it after all: by the provider, or by a send that outlived its lease.
    (_S.UNKNOWN, _E.ACCEPT): _S.ACCEPTED,
    (_S.UNKNOWN, _E.RECEIPT): _S.DELIVERED,
    (_S.UNKNOWN, _E.FAIL): _S.FAILED_PERMANENT,
    (_S.ACCEPTED, _E.RECEIPT): _S.DELIVERED,
    (_S.ACCEPTED, _E.RETRY): _S.RETRY_WAIT,
    (_S.ACCEPTED, _E.FAIL): _S.FAILED_PERMANENT,
    (_S.ACCEPTED, _E.SEE): _S.SEEN,
    (_S.DELIVERED, _E.SEE): _S.SEEN,
}

WAITS = frozenset({_S.PLANNED, _S.DEFERRED, _S.RETRY_WAIT, _S.UNKNOWN})
PENDING = frozenset({_S.PLANNED, _S.DEFERRED, _S.LEASED, _S.RETRY_WAIT, _S.UNKNOWN})
TOLD = frozenset({_S.ACCEPTED, _S.DELIVERED, _S.SEEN})
LOST = frozenset({_S.FAILED_PERMANENT, _S.EXPIRED, _S.CANCELLED})
REACHED_NOBODY = LOST - {_S.CANCELLED}


class Failure(StrEnum):
    """What went wrong with a send, by what must be done about it."""

    RETRY = "retry"  # certainly not sent: back off and try again
    UNKNOWN = "unknown"  # may have been sent
    ADDRESS = "address"  # the recipient is bad: disable it, tell by another channel
    MESSAGE = "message"  # this message is bad: tell the operator
    ACCOUNT = "account"  # the account is bad: open the breaker, fail over


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A row of the outbox. Times in ms UTC; `deadline` is when it stops being worth sending.

    `repeated`: the one repeat that a message of unknown fate may have was begun; `told_at`: when a provider took it.
    """

    id: int
    alert_id: int
    channel: str
    recipient: str
    step: int
    state: DeliveryState
    attempts: int
    next_at: int
    deadline: int
    provider_id: str = ""
    reason: str = ""
    repeated: bool = False
    told_at: int | None = None

    @property
    def key(self) -> str:
        """The idempotency key: alert:recipient:channel:step."""
        return f"{self.alert_id}:{self.recipient}:{self.channel}:{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button: what it says, and the words that come back when it is pressed ("ACK 42")."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a mail brings along. With `cid` it is shown inside of the HTML that names it, without it beside."""

    name: str
    kind: str
    content: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert rendered for one delivery: what a channel is given to send.

    `key` is the same at every attempt; `repeat` says that an earlier attempt may have arrived; `expires_at` and
    `created_at` in ms UTC; `fields` are the alert's facts for channels that carry data besides text. The same news in
    several lengths: `title` for a lock screen, `short` for one SMS segment, `body` in up to three lines below the title
    for push messages, `chat` in a few lines of Telegram's HTML with the title, `text` and `html` as mails. `image` is a
    chart (PNG), which `html` shows, empty without one; `link` is where it can be seen and answered, "" where nothing
    can be reached; `attachments` are for mails alone. For a provider that is asked whether it has the message:
    `forms` are all that `short` may have been, marked as a repeat or not; `others` its ids of other messages.
    """

    key: str
    recipient: str
    title: str
    text: str
    html: str
    created_at: int
    expires_at: int
    severity: str
    fields: dict[str, str]
    short: str = ""
    body: str = ""
    chat: str = ""
    link: str = ""
    actions: tuple[Action, ...] = ()
    image: bytes = b""
    thread: str = ""
    repeat: bool = False
    attachments: tuple[Attachment, ...] = ()
    forms: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a send came to: `failure` None means that the provider took it. `retry_after` in seconds, 0 if not said.

    `delivered` is for channels that know at once that the message has reached its place. `shown` is what a page is to
    show: it becomes an event in the transaction that writes the outcome down.
    """

    failure: Failure | None = None
    provider_id: str = ""
    detail: str = ""
    retry_after: float = 0.0
    delivered: bool = False
    shown: Mapping[str, object] = field(default_factory=dict)


ABSENT = Outcome(failure=Failure.RETRY, detail="the provider has no such message")
"""What a provider that was asked for a message can say besides what became of it."""
