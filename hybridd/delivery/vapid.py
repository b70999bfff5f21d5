"""VAPID keys: with one, a push service knows who sends, and a browser whom it subscribed to (RFC 8292)."""

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py_vapid import Vapid02

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Both in base64url without padding: 32 bytes of secret, and the point that browsers subscribe with."""

    private: str = field(repr=False)
    public: str


def new_keys() -> KeyPair:
    """A pair that nobody has seen before."""
    from py_vapid import Vapid02

    made = Vapid02()
    made.generate_keys()
    number = made.private_key.private_numbers().private_value
    return KeyPair(private=_text(number.to_bytes(_KEY_BYTES, "big")), public=_public(made))


def public_key(private: str) -> str:
    """The public half, as `applicationServerKey` wants it; raises ValueError for what is no key."""
    return _public(read_key(private))


def read_key(private: str) -> "Vapid02":
    """The key in base64url (32 bytes, or DER), or in PEM; raises ValueError, whose words hold nothing of it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from py_vapid import Vapid02

    text = private.strip()
    try:
        found = Vapid02.from_pem(text.encode()) if text.startswith("-----BEGIN") else Vapid02.from_string(text)
        key = found.private_key
    except (ValueError, TypeError, AttributeError, IndexError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("push.vapid_private_key is no VAPID key → make one: hybridd push keys")
    return found


def sign(private: str, *, audience: str, contact: str, expires_s: int) -> str:
    """The value of an Authorization header; raises ValueError for a key or a contact that cannot be used."""
    from py_vapid import VapidException

    key = read_key(private)
    try:
        return str(key.sign({"aud": audience, "sub": contact, "exp": expires_s})["Authorization"])
    except VapidException:
        raise ValueError(f'push.contact "{contact}" is no address → write mailto:you@example.org') from None


def _public(key: "Vapid02") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return _text(key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
