"""Hooks: what a provider calls us with is kept as it came; the watcher, who has the keys, finds out if it is theirs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridd.config.schema import Settings
from hybridd.delivery.callbacks import PATHS, is_from_twilio, is_from_vonage, read_callback
from hybridd.store.inbox import Entry
from hybridd.store.store import Store

KINDS: Mapping[str, str] = {path: kind for kind, path in PATHS.items()}
"""The kind of call that arrives at each path."""
CHANNEL = "sms"
FIELDS, SIGNATURE, URL = "fields", "signature", "url"


class HookBox:
    """Keeps calls for the watcher. For the web process: it holds no key, and believes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, kind: str, fields: Mapping[str, str], signature: str, url: str, now: int) -> bool:
        """Keep a call; False for one that is there already or says nothing.

        `fields`: all of the form's, blank ones too; `url`: the address that the provider was told.
        """
        callback = read_callback(kind, fields)
        if callback is None:
            return False
        # The signature is part of the name: who forges a call cannot take the place of the one that is to come.
        signed = hashlib.sha256(f"{signature} {fields.get('sig', '')}".encode(errors="replace")).hexdigest()[:16]
        entry = Entry(
            channel=CHANNEL,
            kind=kind,
            provider_id=f"{callback.id[:200]}:{signed}",
            sender=callback.sender[:255],
            text=callback.text,
            received_at=now,
            data={FIELDS: dict(fields), SIGNATURE: signature, URL: url},
        )
        return self._store.inbox.add(entry) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookKeys:
    """What providers sign with; "" where there is nothing to check by, and so nothing to believe."""

    twilio: str = field(default="", repr=False)
    vonage: str = field(default="", repr=False)


def hook_keys(settings: Settings) -> HookKeys:
    """The keys of the provider that the settings name."""
    sms = settings.sms
    if not sms.enabled:
        return HookKeys()
    if sms.provider == "twilio":
        return HookKeys(twilio=sms.auth_token.get_secret_value())
    return HookKeys(vonage=sms.signature_secret.get_secret_value())


def why_forged(entry: Entry, keys: HookKeys) -> str:
    """Why a call is not believed; "" for one that is the provider's."""
    fields = fields_of(entry)
    if entry.kind.startswith("twilio"):
        if not keys.twilio:
            return "there is no auth_token of Twilio's to check it by"
        signature, url = str(entry.data.get(SIGNATURE, "")), str(entry.data.get(URL, ""))
        return "" if is_from_twilio(keys.twilio, url, fields, signature) else "Twilio did not sign it"
    if not keys.vonage:
        return "there is no [sms] signature_secret to check it by"
    return "" if is_from_vonage(keys.vonage, fields) else "Vonage did not sign it"


def fields_of(entry: Entry) -> Mapping[str, str]:
    """What a provider wrote."""
    found = entry.data.get(FIELDS)
    return found if isinstance(found, Mapping) else {}
