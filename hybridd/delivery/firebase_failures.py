"""What Firebase's refusals mean: its own error codes first, then the status names and HTTP statuses of Google's APIs.

Codes: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hybridd.model.delivery import Failure

CODES: dict[str, Failure] = {
    "UNAVAILABLE": Failure.RETRY,
    "INTERNAL": Failure.RETRY,
    "QUOTA_EXCEEDED": Failure.RETRY,
    "UNREGISTERED": Failure.ADDRESS,
    "SENDER_ID_MISMATCH": Failure.ADDRESS,
    "INVALID_ARGUMENT": Failure.MESSAGE,
    "THIRD_PARTY_AUTH_ERROR": Failure.ACCOUNT,
    "APNS_AUTH_ERROR": Failure.ACCOUNT,
}
REMEDIES: dict[str, str] = {
    "UNREGISTERED": "the app was removed from that device, or has registered anew: put its new token into [push]",
    "SENDER_ID_MISMATCH": "that token belongs to another Firebase project: take one of the service account's project",
    "THIRD_PARTY_AUTH_ERROR": "check the APNs key or the web push certificate in Firebase's console",
    "UNAUTHENTICATED": "make a new key for the service account, and put its file where [push] credentials_file says",
    "PERMISSION_DENIED": "switch the Firebase Cloud Messaging API on, and give the service account its role",
}
_STATUSES = {
    "RESOURCE_EXHAUSTED": Failure.RETRY,
    "UNAUTHENTICATED": Failure.ACCOUNT,
    "PERMISSION_DENIED": Failure.ACCOUNT,
    "NOT_FOUND": Failure.ACCOUNT,  # without UNREGISTERED it is the project that is not there
}
_BY_HTTP = {
    400: Failure.MESSAGE, 401: Failure.ACCOUNT, 403: Failure.ACCOUNT, 404: Failure.ACCOUNT, 413: Failure.MESSAGE,
    429: Failure.RETRY, 500: Failure.RETRY, 503: Failure.RETRY,
}  # fmt: skip
_BY_HUNDREDS = {3: Failure.RETRY, 4: Failure.MESSAGE}
_TARGETS = ("message.token", "message.fid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What Firebase said: the most telling code that its answer holds, and its words."""

    failure: Failure
    code: str
    words: str


def classify(status: int, body: bytes) -> Refusal:
    """What an answer other than 2xx means."""
    error = _error(body)
    code = next(_codes(error), "") or str(error.get("status", "")) or f"HTTP {status}"
    failure = CODES.get(code) or _STATUSES.get(code) or _BY_HTTP.get(status)
    if failure is None:
        failure = _BY_HUNDREDS.get(status // 100, Failure.UNKNOWN)
    if failure is Failure.MESSAGE and any(field.startswith(_TARGETS) for field in _fields(error)):
        failure = Failure.ADDRESS  # it is the token that is no token, whatever the message says
    return Refusal(failure=failure, code=code, words=str(error.get("message", "")))


def _error(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    details = error.get("details")
    yield from (detail for detail in details if isinstance(detail, dict)) if isinstance(details, list) else ()


def _codes(error: Mapping[str, object]) -> Iterator[str]:
    return (str(detail["errorCode"]) for detail in _details(error) if detail.get("errorCode"))


def _fields(error: Mapping[str, object]) -> Iterator[str]:
    for detail in _details(error):
        violations = detail.get("fieldViolations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("field", ""))
