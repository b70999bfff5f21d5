"""The lanes of the self-test: every channel that is tried, where its messages go, and what it owes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.delivery.channel import Channel
from hybridd.delivery.mail import message_id
from hybridd.selftest.sinks import HOST
from hybridd.selftest.stand_in import StandIn

Ports = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One channel. `settings` switch it on where hybridd has it; `stand_in` takes its place where it has not.

    `takes_key`: copies under one key are one message to whoever gets them; else a second copy must be marked, and
    there may be no third. `key` makes the sink's key of the delivery's.
    """

    name: str
    takes_key: bool
    settings: Callable[[Ports], Mapping[str, Any]] = lambda _: {}
    stand_in: Callable[[Ports], Channel] | None = None
    key: Callable[[str], str] = str


def _email(ports: Ports) -> Mapping[str, Any]:
    return {
        "email": {
            "enabled": True,
            "smtp_server": HOST,
            "smtp_port": ports["smtp"],
            "security": "none",
            "sender_email": "hybridd@selftest.example",
            "recipient_email": "somebody@selftest.example",
        }
    }


def _webhook(ports: Ports) -> Mapping[str, Any]:
    return {"channels": ({"name": "webhook", "url": f"http://{HOST}:{ports['http']}/webhook"},)}


def _http(name: str, *, idempotent: bool, askable: bool) -> Callable[[Ports], Channel]:
    def made(ports: Ports) -> Channel:
        return StandIn(name=name, url=f"http://{HOST}:{ports['http']}/{name}", idempotent=idempotent, askable=askable)

    return made


LANES: tuple[Lane, ...] = (
    Lane(
        name="email",
        takes_key=True,
        settings=_email,
        key=lambda key: message_id("alert", key, "selftest.example"),
    ),
    Lane(name="webhook", takes_key=True, settings=_webhook, stand_in=_http("webhook", idempotent=True, askable=False)),
    # Named as no channel of hybridd's: its own reach hosts that are not on this machine.
    Lane(name="sms-like", takes_key=False, stand_in=_http("sms-like", idempotent=False, askable=True)),
)
