"""Logins: a password, or the one-time token printed at the start, becomes a session that the state keeps as a hash."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.requests import Request

from hybridd.clock import Clock
from hybridd.dashboard import lockout, passwords, second_factor
from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.roles import SCOPES, Role
from hybridd.store.sessions import Session
from hybridd.store.store import Store

IDLE_MS = 7 * 86_400_000
LIFE_MS = 30 * 86_400_000
"""A session that nobody uses for IDLE_MS is over, and every one after LIFE_MS."""
SEEN_EVERY_MS = 60_000
LOGIN_S = 3600.0
MOST_SESSIONS = 100
MOST_TOKENS = 100
COOKIE = "hybridd_session"
DEVICE = "hybridd_device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who asks: for the audit trail, what they may do, and what their forms must bring along ("" for programs).

    `role` and `session` (the hash of the cookie) are those of a person, None and "" of a program.
    """

    actor: str
    scopes: frozenset[Scope]
    csrf: str = field(default="", repr=False)
    role: Role | None = None
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A try at the door: the new cookies `session` and `device`, "" where it failed; `wait_ms` before the next."""

    session: str = field(default="", repr=False)
    device: str = field(default="", repr=False)
    wait_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where a try comes from: the address that counts as one asker, the browser's name, the cookies that it has."""

    asker: str
    agent: str = ""
    session: str = field(default="", repr=False)
    device: str = field(default="", repr=False)


class Logins:
    """The one-time tokens of this process, the passwords and the sessions. Safe across threads.

    `hashes` are the passwords of the roles, "" for a role that has none. `clock` is the wall's.
    """

    def __init__(
        self, store: Store, clock: Clock, hashes: Mapping[Role, str] = MappingProxyType({}), idle_ms: int = IDLE_MS
    ) -> None:
        self._store, self.clock, self._idle_ms = store, clock, idle_ms
        self._hashes = {role: hashed for role, hashed in hashes.items() if hashed}
        self._lock = threading.Lock()
        self._tokens: dict[str, float] = {}

    @property
    def by_password(self) -> bool:
        """Whether there is a password to log in with."""
        return bool(self._hashes)

    @property
    def asks_code(self) -> bool:
        """Whether the form has to ask for a code."""
        return second_factor.is_any(self._store)

    def token(self) -> str:
        """A new one-time token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._tokens) >= MOST_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))
            self._tokens[_hash(token)] = self.clock.monotonic() + LOGIN_S
        return token

    def enter(self, token: str, caller: Caller) -> Entry:
        """By a one-time token, which is used up by that; an empty entry for one that does not count."""
        hashed = _hash(token)
        with self._lock:
            ends = next((ends for known, ends in self._tokens.items() if hmac.compare_digest(known, hashed)), 0.0)
            self._tokens.pop(hashed, None)
        if ends <= self.clock.monotonic():
            return Entry()
        return self._begin(Role.TRADER, caller, "token")

    def log_in(self, password: str, code: str, caller: Caller) -> Entry:
        """By a password, and a code where the role has a second factor. Slow by design."""
        now = self.clock.now()
        wait = lockout.admit(self._store, caller.asker, caller.device, now)
        if wait:
            return Entry(wait_ms=wait)
        # All of them are tried whichever it is: the time says nothing about that.
        role = next((r for r, right in [(r, self._is(r, password)) for r in self._hashes] if right), None)
        if role is None or not second_factor.passes(self._store, role, code, now):
            self._store.audit.append("dashboard", "login.refused", caller.asker, {}, now)
            return Entry()
        lockout.forgive(self._store, caller.asker, caller.device, now)
        return self._begin(role, caller, "password")

    def is_password(self, role: Role, password: str, caller: Caller) -> bool:
        """Whether somebody who is in knows the password too, before what is worth asking twice. Counted as a try."""
        now = self.clock.now()
        if lockout.admit(self._store, caller.asker, caller.device, now) or not self._is(role, password):
            return False
        lockout.forgive(self._store, caller.asker, caller.device, now)
        return True

    def has_password(self, role: Role) -> bool:
        """Whether this role has one."""
        return role in self._hashes

    def who(self, cookie: str) -> Who | None:
        """Whose session this is."""
        if not cookie:
            return None
        now, kept = self.clock.now(), self._store.sessions.get(_hash(cookie))
        if kept is None or kept.ends_at <= now or kept.role not in set(Role) or kept.proof != self._proof(kept):
            return None
        if now - kept.seen_at >= SEEN_EVERY_MS:
            self._store.sessions.seen(kept.hash, now, min(kept.created_at + LIFE_MS, now + self._idle_ms))
        role = Role(kept.role)
        actor = "dashboard" if role is Role.TRADER else f"dashboard:{role}"
        return Who(actor=actor, scopes=SCOPES[role], csrf=_csrf(cookie), role=role, session=kept.hash)

    def sessions(self, role: Role) -> list[Session]:
        """The logins of a role that count, last used first."""
        return self._store.sessions.list(self.clock.now(), role)

    def leave(self, who: Who) -> None:
        """End the session."""
        with self._store.transaction():
            if self._store.sessions.drop(who.session):
                self._store.audit.append(who.actor, "logout", str(who.role), {}, self.clock.now())

    def leave_everywhere(self, who: Who) -> int:
        """End all sessions of a role; gives how many."""
        with self._store.transaction():
            count = self._store.sessions.drop_all(who.role)
            self._store.audit.append(who.actor, "logout.everywhere", str(who.role), {"count": count}, self.clock.now())
        return count

    def _is(self, role: Role, password: str) -> bool:
        return role in self._hashes and passwords.matches(self._hashes[role], password)

    def _begin(self, role: Role, caller: Caller, by: str) -> Entry:
        """A session with a name of its own, whatever the browser brought: what somebody planted there opens nothing."""
        now, cookie, device = self.clock.now(), secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        proof = self._proof_of(role) if by == "password" else by
        with self._store.transaction():
            self._store.sessions.drop(_hash(caller.session))
            self._store.sessions.add(
                Session(
                    hash=_hash(cookie), role=role, proof=proof, address=caller.asker[:64], agent=caller.agent[:128],
                    created_at=now, seen_at=now, ends_at=now + min(self._idle_ms, LIFE_MS),
                )
            )  # fmt: skip
            self._store.sessions.prune(now, MOST_SESSIONS)
            if not lockout.is_known(self._store, caller.device):
                lockout.remember(self._store, device, now)
            else:
                device = caller.device
            self._store.audit.append("dashboard", "login", str(role), {"by": by, "from": caller.asker}, now)
        return Entry(session=cookie, device=device)

    def _proof(self, kept: Session) -> str:
        return kept.proof if kept.proof == "token" else self._proof_of(Role(kept.role))

    def _proof_of(self, role: Role) -> str:
        """A password that is changed ends what the old one opened."""
        return hashlib.sha256(f"proof:{self._hashes.get(role, '')}".encode()).hexdigest()


def cookie_of(request: Request, name: str = COOKIE) -> str:
    """What a cookie of ours holds, "" without it."""
    return request.cookies.get(cookie_name(request, name), "")


def cookie_name(request: Request, name: str = COOKIE) -> str:
    """The name of a cookie of ours. Behind TLS it is one that no other host of the same domain can set."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def _csrf(cookie: str) -> str:
    return hashlib.sha256(f"csrf:{cookie}".encode(errors="replace")).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(f"login:{token}".encode(errors="replace")).hexdigest()
