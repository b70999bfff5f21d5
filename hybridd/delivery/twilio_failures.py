"""What Twilio's refusals mean: a table of its error codes, then one of HTTP statuses for codes that are not in it.

Codes: twilio.com/docs/api/errors. Those from 30001 on are told of a message that was taken and then not delivered.
"""

from hybridd.model.delivery import Failure

DAILY_LIMIT_PAUSE_S = 3600.0

CODES: dict[Failure, frozenset[int]] = {
    Failure.RETRY: frozenset({
        20429,  # too many requests: never processed
        21611,  # the sender's queue is full
        14107,  # sending too fast
        30001,  # queue overflow
        30003,  # handset unreachable: switched off
        30008,  # unknown error
        30017,  # the carrier's network is congested
        30022,  # the carrier's rate limit
        30036,  # not sent within its validity period
        63038,  # the account's daily limit: heals in a day
    }),
    Failure.ADDRESS: frozenset({
        21211,  # not a phone number
        21265,  # a short code
        21266,  # sender and recipient are the same
        21408,  # its country is not switched on: the other recipients can still be reached
        21610,  # the person sent STOP
        21612,  # cannot be reached from this sender
        21614,  # not a mobile number
        21635,  # a landline
        30004,  # the recipient's carrier or phone blocks it
        30005,  # unknown handset
        30006,  # a landline, or a carrier that cannot be reached
    }),
    Failure.MESSAGE: frozenset({
        21602,  # no text
        21605,  # too long
        21617,  # too long
        30007,  # filtered as unwanted
        30010,  # dearer than allowed
    }),
    Failure.ACCOUNT: frozenset({
        10001,  # not active
        20003,  # wrong credentials
        20005,  # not active
        20404,  # no such account
        21212,  # not a sender
        21267,  # a trial account cannot send by a name
        21603,  # no sender
        21606,  # the sender cannot send SMS there
        21608,  # a trial account writes to verified numbers only
        21659, 21660, 21661,  # not Twilio's number, not this account's, cannot send SMS
        21703,  # the messaging service has no sender
        30002,  # suspended
        30032, 30034,  # the sender is not registered with the carriers
    }),
}  # fmt: skip
REMEDIES: dict[int, str] = {
    20003: "check [sms] account_sid and auth_token",
    21408: "switch its country on in Twilio's console, under Messaging, Settings, Geo permissions",
    21606: "check [sms] from_number: a sender of this account that can send SMS to that country",
    21608: "verify the number in Twilio's console, or upgrade the account",
    21610: "the person has to send START to the sender",
    30034: "register the sender in Twilio's console (A2P 10DLC)",
}
_PAUSES = {63038: DAILY_LIMIT_PAUSE_S}
_BY_CODE = {code: failure for failure, codes in CODES.items() for code in codes}
# 429 and 503 come before a message is made; any other 5xx may come after.
_BY_STATUS = {429: Failure.RETRY, 503: Failure.RETRY, 401: Failure.ACCOUNT, 403: Failure.ACCOUNT, 404: Failure.ACCOUNT}


def classify(code: int, status: int) -> tuple[Failure, float]:
    """The class of error `code` (0: none) under HTTP `status`, and how many seconds to wait at least (0: none said)."""
    if code in _BY_CODE:
        return _BY_CODE[code], _PAUSES.get(code, 0.0)
    if status in _BY_STATUS:
        return _BY_STATUS[status], 0.0
    if 300 <= status < 400:
        return Failure.RETRY, 0.0  # nobody follows a redirect with a message in hand
    return (Failure.MESSAGE if 400 <= status < 500 else Failure.UNKNOWN), 0.0


def of_receipt(code: int) -> Failure:
    """The class of what kept a message that was taken from arriving; without a known code it is like 30008."""
    return _BY_CODE.get(code, Failure.RETRY)
