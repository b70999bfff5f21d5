"""Addresses that were given up: brought back by a person."""

from hybridd.store.store import Store


def enable_address(store: Store, channel: str, address: str, actor: str, now: int) -> bool:
    """Send to an address again; False when it was not disabled. From the next alert on: what was given up stays so."""
    with store.transaction():
        if not store.addresses.enable(channel, address, f"enabled by {actor}", now):
            return False
        store.audit.append(actor, "address.enable", address, {"channel": channel}, now)
        store.events.append("address", address, {"channel": channel, "state": "enabled"}, now)
    return True
