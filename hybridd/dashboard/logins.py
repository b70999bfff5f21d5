"""Logins: a one-time token printed at the start becomes a session, which lasts as long as this process."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hybridd.dashboard.api_tokens import Scope

SESSION_S = 12 * 3600.0
LOGIN_S = 3600.0
MOST_SESSIONS = 100
COOKIE = "hybridd_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who asks: for the audit trail, what they may do, and what their forms must bring along ("" for programs)."""

    actor: str
    scopes: frozenset[Scope]
    csrf: str = field(default="", repr=False)


class Logins:
    """The one-time token and the sessions; hashed, so that a dump of this process opens nothing for long."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens: dict[str, float] = {}
        self._sessions: dict[str, tuple[float, Who]] = {}

    def token(self) -> str:
        """A new one-time token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._tokens[_hash(token)] = self._monotonic() + LOGIN_S
        return token

    def enter(self, token: str) -> str | None:
        """A session for a one-time token, which is used up by that; None for one that does not count."""
        hashed, now = _hash(token), self._monotonic()
        with self._lock:
            ends = next((ends for known, ends in self._tokens.items() if hmac.compare_digest(known, hashed)), 0.0)
            self._tokens.pop(hashed, None)
            if ends <= now:
                return None
            session, who = secrets.token_urlsafe(32), Who(
                actor="dashboard", scopes=frozenset(Scope), csrf=secrets.token_urlsafe(24)
            )  # fmt: skip
            self._sessions = {key: kept for key, kept in self._sessions.items() if kept[0] > now}
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[_hash(session)] = (now + SESSION_S, who)
            return session

    def who(self, session: str) -> Who | None:
        """Whose session this is."""
        with self._lock:
            ends, who = self._sessions.get(_hash(session), (0.0, None))
        return who if ends > self._monotonic() else None

    def leave(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_hash(session), None)


def _hash(token: str) -> str:
    return hashlib.sha256(f"login:{token}".encode(errors="replace")).hexdigest()
