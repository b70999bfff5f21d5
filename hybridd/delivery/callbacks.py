"""What providers call us with: whether it is theirs, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

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

_TWILIO_ERRORS: dict[str, Failure] = {
    **dict.fromkeys(("30001", "30003", "30008"), Failure.RETRY),
    **dict.fromkeys(("21211", "21614", "21610", "30005", "30006"), Failure.ADDRESS),
    **dict.fromkeys(("21617", "30007"), Failure.MESSAGE),
    **dict.fromkeys(("20003", "21606", "21608", "30002"), Failure.ACCOUNT),
}
# https://api.support.vonage.com, "SMS Delivery Error Codes": what is not named is a refusal of this message.
_VONAGE_ERRORS: dict[str, Failure] = {
    **dict.fromkeys(("1", "2", "7", "8", "99"), Failure.RETRY),
    **dict.fromkeys(("3", "4", "9", "12", "14"), Failure.ADDRESS),
}


def receipt_of(kind: str, fields: Mapping[str, str], at: int) -> Receipt | None:
    """What a report says for certain; None while the message is under way, or where it says nothing. `at` ms UTC."""
    if kind == "twilio_status":
        sid, status, code = (fields.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
        return _receipt(sid, status, {"delivered", "read"}, {"undelivered", "failed"}, code, _TWILIO_ERRORS, at)
    message, status, code = (fields.get(name, "") for name in ("messageId", "status", "err-code"))
    return _receipt(message, status, {"delivered"}, {"failed", "rejected", "expired"}, code, _VONAGE_ERRORS, at)


def _receipt(
    provider_id: str,
    status: str,
    good: set[str],
    bad: set[str],
    code: str,
    errors: Mapping[str, Failure],
    at: int,
) -> Receipt | None:
    if not provider_id or status not in good | bad:
        return None
    failure = None if status in good else errors.get(code, Failure.MESSAGE)
    return Receipt(
        provider_id=provider_id, at=at, failure=failure, detail=f"{status}, error {code}" if code.strip("0") else status
    )
