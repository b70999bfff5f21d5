"""What providers call us with: whether it is theirs, and what it says."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from hybridd.delivery import twilio_failures, vonage_failures
from hybridd.model.delivery import Failure
from hybridd.model.inbound import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A call as it is kept: `id` is the provider's own, and the same only when the same thing is told twice."""

    id: str
    sender: str
    text: str


def is_from_twilio(token: str, public_url: str, fields: Mapping[str, str], signature: str | None) -> bool:
    """Whether Twilio, who shares `token` with us, signed this form.

    `public_url` is the address that Twilio was told, with path and query: behind a proxy the one that arrives is
    another. `fields` are all of the form's, blank ones too. A form without a signature is nobody's.
    """
    if not token or not signature:
        return False
    # Imported late: whoever has no such hook does not load it.
    validator = import_module("twilio.request_validator").RequestValidator(token)
    return bool(validator.validate(public_url, dict(fields), signature))


def is_from_vonage(secret: str, fields: Mapping[str, str]) -> bool:
    """Whether Vonage, who shares the signature secret with us, signed these fields: HMAC with SHA-256 or SHA-512.

    developer.vonage.com/getting-started/concepts/signing-messages: over "&name=value" of all but "sig", by name, with
    what means something there replaced. The weaker methods that an account can choose are believed by nobody here.
    """
    given = fields.get("sig", "").lower()
    method = _METHODS.get(len(given))
    if not secret or method is None:
        return False
    signed = "".join(f"&{name}={_plain(fields[name])}" for name in sorted(fields) if name != "sig")
    made = hmac.new(secret.encode(), signed.encode(errors="replace"), method).hexdigest()
    return hmac.compare_digest(made.encode(), given.encode(errors="replace"))


_METHODS = {64: hashlib.sha256, 128: hashlib.sha512}


def _plain(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


def read_callback(kind: str, fields: Mapping[str, str]) -> Callback | None:
    """Who says what; None where the form lacks what it must have."""
    names = FIELDS[kind]
    ids = [fields.get(name, "") for name in names.id]
    if not all(ids):
        return None
    return Callback(id=":".join(ids), sender=fields.get(names.sender, ""), text=fields.get(names.text, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Which fields of a form make its id, and which hold the sender and the words."""

    id: tuple[str, ...]
    sender: str = ""
    text: str = ""


FIELDS: dict[str, _Names] = {
    "twilio_sms": _Names(id=("MessageSid",), sender="From", text="Body"),
    "twilio_status": _Names(id=("MessageSid", "MessageStatus"), sender="To"),
    "vonage_sms": _Names(id=("messageId",), sender="msisdn", text="text"),
    "vonage_dlr": _Names(id=("messageId", "status"), sender="msisdn"),
}

PATHS: dict[str, str] = {
    "twilio_sms": "/hooks/twilio/sms",
    "twilio_status": "/hooks/twilio/status",
    "vonage_sms": "/hooks/vonage/sms",
    "vonage_dlr": "/hooks/vonage/dlr",
}
"""Where each kind of call arrives, below `[dashboard] public_url`."""


def receipt_of(kind: str, fields: Mapping[str, str], at: int) -> Receipt | None:
    """What a report says for certain; None while the message is under way, or where it says nothing. `at` ms UTC."""
    report = _REPORTS[kind]
    provider_id, status, code = (fields.get(name, "") for name in report.fields)
    if not provider_id or status not in report.good | report.bad:
        return None
    failure = None if status in report.good else report.failure(int(code) if code.isascii() and code.isdigit() else 0)
    return Receipt(
        provider_id=provider_id, at=at, failure=failure, detail=f"{status}, error {code}" if code.strip("0") else status
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """How a provider reports: the fields with its id, the status and the code; which statuses are an end; its codes."""

    fields: tuple[str, str, str]
    good: frozenset[str]
    bad: frozenset[str]
    failure: Callable[[int], Failure]


_REPORTS = {
    "twilio_status": _Report(
        fields=("MessageSid", "MessageStatus", "ErrorCode"),
        good=frozenset({"delivered", "read"}),
        bad=frozenset({"undelivered", "failed", "canceled"}),
        failure=twilio_failures.of_receipt,
    ),
    "vonage_dlr": _Report(
        fields=("messageId", "status", "err-code"),
        good=frozenset({"delivered"}),
        bad=frozenset({"failed", "rejected", "expired"}),
        failure=vonage_failures.of_receipt,
    ),
}
