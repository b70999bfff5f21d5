"""The second factor: codes of an app, or one of ten written down; kept in the state, each code good for once."""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.dashboard.one_time_codes import bytes_of, digest, matching_step
from hybridd.store.store import Store

KEY = "second_factor"
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look like another."""
_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What is known of a role's second factor; `left` counts the recovery codes."""

    since: int
    left: int


def factor(store: Store, role: str) -> Factor | None:
    """The second factor of a role, None without one."""
    kept = _kept(store).get(role)
    return None if kept is None else Factor(since=int(kept["since"]), left=len(kept["recovery"]))


def is_any(store: Store) -> bool:
    """Whether anybody has one."""
    return bool(_kept(store))


def enrol(store: Store, role: str, secret: str, code: str, now: int) -> list[str] | None:
    """Take a secret whose app gives this code; gives the recovery codes, shown this once. None for a wrong code."""
    key = bytes_of(secret)
    step = matching_step(key, _digits(code), now) if key else None
    if step is None:
        return None
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)]
    kept = {"secret": secret, "step": step, "recovery": [digest(one) for one in codes], "since": now}
    with store.transaction():
        store.bot_state.set(KEY, {**_kept(store), role: kept})
        store.audit.append(f"dashboard:{role}", "second_factor.add", role, {}, now)
    return [f"{one[:5]}-{one[5:]}" for one in codes]


def passes(store: Store, role: str, code: str, now: int) -> bool:
    """Whether a code is the one of this moment or one that was written down, and use it up; True without a factor."""
    with store.transaction():
        kept = _kept(store)
        mine = kept.get(role)
        if mine is None:
            return True
        used = _used(mine, code, now)
        if used is None:
            return False
        store.bot_state.set(KEY, {**kept, role: used})
        if len(used["recovery"]) < len(mine["recovery"]):
            store.audit.append(
                f"dashboard:{role}", "second_factor.recovery", role, {"left": len(used["recovery"])}, now
            )
    return True


def remove(store: Store, role: str, actor: str, now: int) -> bool:
    """Ask for no code any more; whether one was asked for."""
    with store.transaction():
        kept = _kept(store)
        if role not in kept:
            return False
        store.bot_state.set(KEY, {name: row for name, row in kept.items() if name != role})
        store.audit.append(actor, "second_factor.remove", role, {}, now)
    return True


def _used(kept: Mapping[str, Any], code: str, now: int) -> dict[str, Any] | None:
    key = bytes_of(str(kept["secret"]))
    step = matching_step(key, _digits(code), now, after=int(kept["step"])) if key else None
    if step is not None:
        return {**kept, "step": step}
    wanted = digest(re.sub(r"[^a-z0-9]", "", code.lower()))
    rest = [one for one in kept["recovery"] if not hmac.compare_digest(str(one), wanted)]
    return {**kept, "recovery": rest} if len(rest) < len(kept["recovery"]) else None


def _digits(code: str) -> str:
    return re.sub(r"\s", "", code)


def _kept(store: Store) -> Mapping[str, Mapping[str, Any]]:
    kept = store.bot_state.get(KEY)
    return kept if isinstance(kept, Mapping) else {}
