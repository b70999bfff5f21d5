"""Lockout: whoever fails to log in waits, ever longer, and a browser that was in before is not locked out by others."""

import hashlib
from dataclasses import replace

from hybridd.store.sessions import Asker
from hybridd.store.store import Store

FREE = 5
"""Failures of one asker within WINDOW_MS that cost nothing; each further one locks for twice as long as the last."""
FREE_OF_ALL = 50
"""Failures of all strangers together within WINDOW_MS: then all of them wait, as a password is guessed by many."""
WINDOW_MS = 3_600_000
FIRST_MS, LONGEST_MS, ALL_MS = 60_000, 3_600_000, 900_000
EVERYBODY = "everybody"
STRANGER_KEPT_MS, KNOWN_KEPT_MS = 86_400_000, 180 * 86_400_000
MOST_ASKERS = 5_000


def admit(store: Store, address: str, device: str, now: int) -> int:
    """Count a try before it is looked at; gives how long this asker has to wait instead (ms), 0 for who may try.

    `device` is the token of a browser that was in before, "" for none. A try that was right is taken back by `forgive`:
    counted first, a thousand tries at once are a thousand tries.
    """
    if wait := _wait(store, address, device, now):  # asked first without a right to write: a flood keeps nobody waiting
        return wait
    with store.transaction():
        if wait := _wait(store, address, device, now):
            return wait
        askers = [_asker(store, name, now) for name in _names(store, address, device)]
        for asker in askers:
            store.askers.put(_failed(asker, now))
        store.askers.prune(now - STRANGER_KEPT_MS, now - KNOWN_KEPT_MS, MOST_ASKERS)
    return 0


def forgive(store: Store, address: str, device: str, now: int) -> None:
    """The try was right: it was no failure, and those before it were a person's."""
    with store.transaction():
        for name in _names(store, address, device):
            asker = _asker(store, name, now)
            if name == EVERYBODY:
                store.askers.put(replace(asker, failures=max(0, asker.failures - 1), locked_until=0))
            elif asker.known:
                store.askers.put(Asker(asker=name, known=True, since=now))
            else:
                store.askers.drop(name)


def remember(store: Store, device: str, now: int) -> None:
    """A browser that has been let in."""
    store.askers.put(Asker(asker=_device(device), known=True, since=now))


def is_known(store: Store, device: str) -> bool:
    """Whether this browser has been let in before."""
    return bool(device) and store.askers.get(_device(device)) is not None


def _wait(store: Store, address: str, device: str, now: int) -> int:
    until = (_asker(store, name, now).locked_until for name in _names(store, address, device))
    return max(0, max(until) - now)


def _names(store: Store, address: str, device: str) -> tuple[str, ...]:
    return (_device(device),) if is_known(store, device) else (f"address:{address}"[:128], EVERYBODY)


def _asker(store: Store, name: str, now: int) -> Asker:
    kept = store.askers.get(name) or Asker(asker=name, since=now)
    if now - kept.since < WINDOW_MS or kept.locked_until > now:
        return kept
    return replace(kept, failures=0, since=now)


def _failed(asker: Asker, now: int) -> Asker:
    failures = asker.failures + 1
    if asker.asker == EVERYBODY:
        until = now + ALL_MS if failures >= FREE_OF_ALL else 0
    else:
        until = now + min(LONGEST_MS, FIRST_MS * 2 ** min(failures - FREE, 10)) if failures >= FREE else 0
    return replace(asker, failures=failures, locked_until=until)


def _device(token: str) -> str:
    return "device:" + hashlib.sha256(f"device:{token}".encode(errors="replace")).hexdigest()
