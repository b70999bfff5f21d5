"""An address that alerts go to, and whether anybody can be reached there."""

from dataclasses import dataclass
from enum import StrEnum


class AddressState(StrEnum):
    """Whether alerts are sent to an address."""

    ENABLED = "enabled"
    DISABLED = "disabled"  # its provider says that nobody is there


_KINDS = {"email": "mailbox", "sms": "phone", "push": "device", "telegram": "chat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What is known of one address of a channel: its state, the reason for it, and since when (ms UTC)."""

    channel: str
    address: str
    kind: str
    state: AddressState
    reason: str
    since: int


def kind_of(channel: str, address: str) -> str:
    """What an address is: a mailbox, a phone, a device (or a Firebase installation, "fid:…"), a chat."""
    return "installation" if address.startswith("fid:") else _KINDS.get(channel, "address")
