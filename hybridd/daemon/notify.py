"""What systemd is told of the daemon's state, and the heartbeat that decides whether the watchdog is fed."""

import os
import threading
import time
from collections.abc import Mapping
from typing import Protocol

from sdnotify import SystemdNotifier

_SEND_TIMEOUT_S = 1.0


class Notifier:
    """The state protocol of sd_notify(3); without NOTIFY_SOCKET every call does nothing, as outside of systemd."""

    def __init__(self) -> None:
        # Without the variable sdnotify makes a socket all the same and forgets to close it.
        self._systemd = SystemdNotifier() if os.environ.get("NOTIFY_SOCKET") else None
        if self._systemd is not None and self._systemd.socket is not None:
            self._systemd.socket.settimeout(_SEND_TIMEOUT_S)

    def ready(self) -> None:
        """Start-up, or the reload announced before, is complete."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={' '.join(text.split())}")

    def watchdog(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The settings are being read again; `ready()` ends it. The time stamp is what Type=notify-reload asks for."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The orderly end has begun."""
        self._send("STOPPING=1")

    def extend(self, usec: int) -> None:
        """Ask for `usec` microseconds more, from now on, to start or to stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={usec}")

    def close(self) -> None:
        """Let go of the socket; safe to call twice."""
        if self._systemd is not None and self._systemd.socket is not None:
            self._systemd.socket.close()
        self._systemd = None

    def _send(self, state: str) -> None:
        if self._systemd is not None:
            # sdnotify encodes as latin-1 and swallows the error that an arrow in a status line then makes.
            self._systemd.notify(state.encode().decode("latin-1"))


class Feedable(Protocol):
    """The part of a Notifier that a watchdog needs."""

    def watchdog(self) -> None:
        """Feed the watchdog."""
        ...


class Heartbeat:
    """When each round last went well. Times are monotonic seconds; called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rounds: dict[str, tuple[float, float]] = {}

    def register(self, name: str, max_age_s: float, now: float) -> None:
        """Watch the round `name`: it must go well at least every `max_age_s`, the first time counted from `now`."""
        with self._lock:
            self._rounds[name] = (max_age_s, now)

    def good(self, name: str, now: float) -> None:
        """The round went well. One that nobody registered is a defect: KeyError."""
        with self._lock:
            max_age_s, before = self._rounds[name]
            self._rounds[name] = (max_age_s, max(before, now))

    def forget(self, name: str) -> None:
        """Stop watching a round that is no more, as after a reload."""
        with self._lock:
            self._rounds.pop(name, None)

    def overdue(self, now: float) -> list[str]:
        """The rounds whose last good one is too long ago, by name."""
        with self._lock:
            return sorted(name for name, (age, last) in self._rounds.items() if now - last > age)


def feed(heartbeat: Heartbeat, notifier: Feedable, now: float) -> list[str]:
    """Feed the watchdog if no round is overdue; returns those that are, so that somebody can say why it starves."""
    late = heartbeat.overdue(now)
    if not late:
        notifier.watchdog()
    return late


def watchdog_usec(environ: Mapping[str, str] | None = None, pid: int | None = None) -> int | None:
    """How often (microseconds) systemd wants to be fed, None where it does not watch process `pid` (by default us)."""
    environ = os.environ if environ is None else environ
    usec, owner = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (usec.isascii() and usec.isdigit()) or int(usec) == 0:
        return None
    return int(usec) if owner in {"", str(os.getpid() if pid is None else pid)} else None
