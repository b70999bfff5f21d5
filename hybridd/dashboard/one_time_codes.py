"""One-time codes: RFC 4226 (by count) and RFC 6238 (by time), and the address that an app reads them from."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SLACK = 1
"""Steps before and after the present one that count: a telephone's clock is not ours."""
SECRET_BYTES = 20


def hotp(secret: bytes, count: int, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of a count (RFC 4226, section 5.3)."""
    mac = hmac.new(secret, struct.pack(">Q", count), algorithm).digest()
    start = mac[-1] & 0xF
    number = struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(now: int) -> int:
    """The step that an instant (ms UTC) lies in (RFC 6238, section 4.2)."""
    return now // 1000 // STEP_S


def matching_step(secret: bytes, code: str, now: int, after: int = 0) -> int | None:
    """The step whose code this is, of those that count and come after `after`; None for none.

    A code counts once (RFC 6238, section 5.2): the step that it gives is the next `after`.
    """
    found = None
    for step in range(step_of(now) - SLACK, step_of(now) + SLACK + 1):
        if hmac.compare_digest(hotp(secret, step).encode(), code.encode(errors="replace")) and step > after:
            found = step
    return found


def new_secret() -> str:
    """A secret as apps take it: base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def bytes_of(secret: str) -> bytes | None:
    """The bytes of a secret as `new_secret` makes it, None for anything else."""
    try:
        found = base64.b32decode(secret)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == SECRET_BYTES else None


def address(secret: str, account: str) -> str:
    """What the picture says to the app."""
    facts = {"secret": secret, "issuer": "hybridd", "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/hybridd:{quote(account)}?{urlencode(facts)}"


def digest(text: str) -> str:
    """How a code that counts once is kept."""
    return hashlib.sha256(f"recovery:{text}".encode(errors="replace")).hexdigest()
