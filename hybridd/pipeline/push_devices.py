"""Devices that registered themselves for push messages: the web writes them down, the watch sends to them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.errors import DataError
from hybridd.model.subscription import parse_subscription
from hybridd.store.store import Store

DEVICES_KEY = "push.devices"
OFFER_KEY = "push.offer"
MOST = 20
_FIREBASE = re.compile(r"[A-Za-z0-9:_-]{20,4096}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """By whom the watch can push: "web_push" with the key that browsers ask for, "firebase", or nobody ("")."""

    service: str = ""
    public_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One that registered: `text` is its subscription or token, which is for the sender's eyes; `at` in ms UTC."""

    name: str
    service: str
    text: str
    actor: str
    at: int

    def __repr__(self) -> str:
        return f"Device({self.name})"


def offer_of(store: Store) -> Offer:
    """What the watch said when it last read its settings."""
    kept = store.bot_state.get(OFFER_KEY)
    found = kept if isinstance(kept, Mapping) else {}
    return Offer(service=str(found.get("service", "")), public_key=str(found.get("public_key", "")))


def tell_offer(store: Store, offer: Offer) -> None:
    """Say by whom the watch pushes; written only where that is new."""
    if offer_of(store) != offer:
        store.bot_state.set(OFFER_KEY, {"service": offer.service, "public_key": offer.public_key})


def devices(store: Store) -> list[Device]:
    """Those that registered, the oldest first."""
    return [Device(**row) for row in _kept(store)["devices"]]


def registered(store: Store | None, service: str) -> tuple[str, ...]:
    """The subscriptions or tokens of the devices of a service."""
    return tuple(one.text for one in devices(store) if one.service == service) if store is not None else ()


def version(store: Store) -> int:
    """Another number after each change: whoever sends then looks again."""
    return int(_kept(store)["version"])


def register(store: Store, text: str, actor: str, now: int) -> Device:
    """Write a device down; one that is there already is taken anew. Raises DataError for what is none."""
    service = offer_of(store).service
    device = Device(name=_name(service, text), service=service, text=text, actor=actor, at=now)
    with store.transaction():
        others = [one for one in devices(store) if one.name != device.name]
        if len(others) >= MOST:
            raise DataError(f"there are {MOST} devices already", remedy="forget one that nobody uses")
        _keep(store, [*others, device])
        store.audit.append(actor, "push.register", device.name, {"service": service}, now)
        store.events.append("device", device.name, {"what": "registered", "by": actor}, now)
    return device


def forget(store: Store, name: str, actor: str, now: int) -> None:
    """Send to a device no more. Raises DataError where there is none of that name."""
    with store.transaction():
        found = devices(store)
        rest = [one for one in found if one.name != name]
        if len(rest) == len(found):
            raise DataError("there is no such device", remedy="look at the list again")
        _keep(store, rest)
        store.audit.append(actor, "push.forget", name, {}, now)
        store.events.append("device", name, {"what": "forgotten", "by": actor}, now)


def _name(service: str, text: str) -> str:
    if service == "web_push":
        try:
            return parse_subscription(text).name
        except ValueError as error:
            raise DataError(f"that {error}", remedy="register from the page of this device") from None
    if service == "firebase" and _FIREBASE.fullmatch(text):
        return f"firebase#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if service == "firebase":
        raise DataError("that is no token", remedy="copy it whole from the app")
    raise DataError("no push messages are sent from here", remedy="[push] enabled = true, then `systemctl reload`")


def _kept(store: Store) -> Mapping[str, Any]:
    kept = store.bot_state.get(DEVICES_KEY)
    return kept if isinstance(kept, Mapping) else {"version": 0, "devices": []}


def _keep(store: Store, found: list[Device]) -> None:
    rows = [{"name": d.name, "service": d.service, "text": d.text, "actor": d.actor, "at": d.at} for d in found]
    store.bot_state.set(DEVICES_KEY, {"version": version(store) + 1, "devices": rows})
