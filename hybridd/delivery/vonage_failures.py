"""What Vonage's refusals mean: a table of the statuses that its SMS API answers under HTTP 200.

Statuses: developer.vonage.com/messaging/sms/guides/troubleshooting-sms.
"""

from collections.abc import Sequence

from hybridd.model.delivery import Failure

STATUSES: dict[Failure, frozenset[int]] = {
    Failure.RETRY: frozenset({
        1,  # throttled
        5,  # internal error
        10,  # too many connections of this account
    }),
    Failure.ADDRESS: frozenset({
        6,  # an unknown prefix
        7,  # barred
        22,  # no such network
        33,  # de-activated
    }),
    Failure.MESSAGE: frozenset({
        2,  # a field is missing
        3,  # a field is invalid
        12,  # too long
        23,  # the address for receipts
    }),
    Failure.ACCOUNT: frozenset({
        4,  # wrong credentials
        8,  # suspended
        9,  # no credit
        11,  # not allowed to use HTTP
        14,  # wrong signature
        15,  # the sender is not allowed
        29,  # a trial account writes to listed numbers only
        32,  # signature and secret together
    }),
}  # fmt: skip
REMEDIES: dict[int, str] = {
    4: "check [sms] account_sid (the API key) and auth_token (the API secret)",
    8: "ask Vonage's support",
    9: "top up the account in Vonage's dashboard",
    15: "check [sms] from_number",
    29: "add the number to the test numbers in Vonage's dashboard, or top the account up",
}
_BY_STATUS = {status: failure for failure, statuses in STATUSES.items() for status in statuses}
_BY_HTTP = {429: Failure.RETRY, 503: Failure.RETRY, 401: Failure.ACCOUNT, 403: Failure.ACCOUNT, 404: Failure.ACCOUNT}


def classify(statuses: Sequence[int]) -> Failure | None:
    """The class of an answer with these statuses, one a segment; None when all of them were taken."""
    refused = [status for status in statuses if status != 0]
    if not refused and statuses:
        return None
    if len(refused) < len(statuses) or not statuses:
        return Failure.UNKNOWN  # half a message may be on its way
    return _BY_STATUS.get(refused[0], Failure.MESSAGE)


def of_http(status: int) -> Failure:
    """The class of an HTTP status that is not a 2xx."""
    if status in _BY_HTTP:
        return _BY_HTTP[status]
    if 300 <= status < 400:
        return Failure.RETRY
    return Failure.MESSAGE if 400 <= status < 500 else Failure.UNKNOWN


# https://api.support.vonage.com, "SMS Delivery Error Codes": what is not named is a refusal of this message.
_BY_REPORT: dict[int, Failure] = {
    **dict.fromkeys((1, 2, 7, 8, 99), Failure.RETRY),
    **dict.fromkeys((3, 4, 9, 12, 14), Failure.ADDRESS),
}


def of_receipt(code: int) -> Failure:
    """The class of what kept a message that was taken from arriving."""
    return _BY_REPORT.get(code, Failure.MESSAGE)
