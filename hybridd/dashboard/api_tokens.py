"""Tokens for programs: who may call what. Only their hashes are kept, in the state."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hybridd.errors import UsageError
from hybridd.store.store import Store

KEY = "api_tokens"
PREFIX = "hyb_"
MOST = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"  # look at what there is
    METRICS = "metrics"  # fetch /metrics alone
    ACK = "ack"  # acknowledge alerts
    DECIDE = "decide"  # approve, reject and hold proposals


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token as it is kept; `created_at` in ms UTC."""

    name: str
    scopes: frozenset[Scope]
    created_at: int


def add(store: Store, name: str, scopes: frozenset[Scope], actor: str, now: int) -> str:
    """Make a token and give it: it is shown this once. Raises UsageError for a name that is taken or cannot be."""
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" cannot be the name of a token', remedy="small letters, digits, dots, dashes")
    if not scopes:
        raise UsageError("a token without a scope may do nothing", remedy="--scope decide, ack or read")
    token = PREFIX + secrets.token_urlsafe(32)
    with store.transaction():
        kept = _kept(store)
        if name in kept:
            raise UsageError(f'there is a token "{name}" already', remedy="`hybridd dashboard token revoke` it first")
        if len(kept) >= MOST:
            raise UsageError(f"there are {MOST} tokens already", remedy="`hybridd dashboard token revoke` some")
        row = {"hash": _hash(token), "scopes": sorted(scopes), "created_at": now}
        store.bot_state.set(KEY, {**kept, name: row})
        store.audit.append(actor, "token.add", name, {"scopes": sorted(scopes)}, now)
    return token


def listed(store: Store) -> list[ApiToken]:
    """All tokens, by name."""
    return [_token(name, row) for name, row in sorted(_kept(store).items())]


def revoke(store: Store, name: str, actor: str, now: int) -> None:
    """Let a token count no longer, from its next call on. Raises UsageError where there is none of that name."""
    with store.transaction():
        kept = _kept(store)
        if name not in kept:
            raise UsageError(f'there is no token "{name}"', remedy="`hybridd dashboard token list` shows them")
        store.bot_state.set(KEY, {other: row for other, row in kept.items() if other != name})
        store.audit.append(actor, "token.revoke", name, {}, now)


def find(store: Store, token: str) -> ApiToken | None:
    """Whose token this is; looks at all of them, so that the time says nothing."""
    hashed, found = _hash(token), None
    for name, row in _kept(store).items():
        if hmac.compare_digest(str(row["hash"]), hashed):
            found = _token(name, row)
    return found


def _kept(store: Store) -> Mapping[str, Mapping[str, object]]:
    kept = store.bot_state.get(KEY)
    return kept if isinstance(kept, Mapping) else {}


def _token(name: str, row: Mapping[str, object]) -> ApiToken:
    scopes, created = row["scopes"], row["created_at"]
    assert isinstance(scopes, list), "written by add"
    assert isinstance(created, int), "written by add"
    return ApiToken(name=name, scopes=frozenset(Scope(scope) for scope in scopes), created_at=created)


def _hash(token: str) -> str:
    return hashlib.sha256(f"api:{token}".encode(errors="replace")).hexdigest()
