"""Tokens and codes of answers: bound to a proposal as it was shown, to a channel and to a recipient.

They are made from a key that lies outside the state: who reads the state finds hashes and cannot answer.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from hybridd.model.proposal import Proposal

TOKEN_BYTES = 16
CODE_LENGTH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What one recipient answers with: `token` in a link (128 bits), `code` typed from the message (two hex digits)."""

    token: str = field(repr=False)
    code: str = field(repr=False)


def credential(key: bytes, proposal: Proposal, channel: str, recipient: str) -> Credential:
    """The same for the same proposal, channel and recipient, however often it is asked for: retries send one link."""
    bound = f"{proposal.id}\n{proposal.content_hash}\n{channel}\n{recipient}".encode()
    token = hmac.digest(key, b"token\n" + bound, "sha256")[:TOKEN_BYTES]
    code = hmac.digest(key, b"code\n" + bound, "sha256").hex()[:CODE_LENGTH].upper()
    return Credential(token=base64.urlsafe_b64encode(token).decode().rstrip("="), code=code)


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(f"token:{token}".encode(errors="replace")).hexdigest()


def code_hash(token: str, code: str) -> str:
    """What is stored of a code: useless to whoever has not got the token as well."""
    return hashlib.sha256(f"code:{token}:{code.strip().upper()}".encode(errors="replace")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
