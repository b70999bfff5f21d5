"""Hooks: what a provider calls us with is kept as it came; the watcher works on it. For the web process."""

from collections.abc import Mapping

from hybridd.delivery.callbacks import read_callback
from hybridd.store.inbox import Entry
from hybridd.store.store import Store


def take_hook(store: Store, channel: str, kind: str, fields: Mapping[str, str], now: int) -> bool:
    """Keep a form that has been found to be the provider's; False for one that is there already or says nothing.

    `kind`: twilio_sms, twilio_status, vonage_sms or vonage_dlr; `fields`: all of the form's, blank ones too.
    """
    callback = read_callback(kind, fields)
    if callback is None:
        return False
    entry = Entry(
        channel=channel,
        kind=kind,
        provider_id=callback.id,
        sender=callback.sender,
        text=callback.text,
        received_at=now,
        data=dict(fields),
    )
    return store.inbox.add(entry) is not None
