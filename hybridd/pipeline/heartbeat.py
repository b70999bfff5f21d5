"""The daemon's sign of life in the state: what it wrote last, and whether it is to be taken for alive."""

from collections.abc import Mapping
from typing import Any

from hybridd.clock import SystemClock
from hybridd.daemon.process import gone
from hybridd.model.timeframe import parse_timeframe
from hybridd.store.store import Store

SERVICE_KEY = "service"
SILENT_AFTER_MS = 60_000
"""A daemon that has not written its heartbeat for this long (six ticks) is not taken for alive."""
NEVER = "never started"
ALIVE = frozenset({"ok", "degraded"})


def heartbeat(store: Store) -> Mapping[str, Any]:
    """What the daemon wrote last; nothing where none has ever run."""
    kept = store.bot_state.get(SERVICE_KEY)
    return kept if isinstance(kept, Mapping) else {}


def last_beat(service: Mapping[str, Any]) -> int:
    """When the daemon gave a sign of life last by its own clock, ms UTC; 0 where none has ever run."""
    return int(service.get("heartbeat_at", 0)) + int(service.get("ahead_ms", 0))


def clock_of(store: Store) -> SystemClock:
    """The clock that counts for this state: the running daemon's, which may be fast in a demo, else the machine's."""
    service, machine = heartbeat(store), SystemClock()
    alive = state_of(service, machine.now()) in ALIVE
    return SystemClock.of_line(str(service.get("clock", ""))) if alive else machine


def state_of(service: Mapping[str, Any], now: int) -> str:
    """ok, degraded, stopped, silent (dead or hanging) or never started; `now` is the wall's time, ms UTC."""
    if not service:
        return NEVER
    if service.get("state") == "stopped":
        return "stopped"
    if now - service["heartbeat_at"] > SILENT_AFTER_MS or _died(service):
        return "silent"
    return str(service.get("state"))


def _died(service: Mapping[str, Any]) -> bool:
    # Six ticks are a long time to be called alive after a SIGKILL.
    return gone(service.get("pid"), service.get("home"))


def next_run_of(service: Mapping[str, Any], now: int) -> int | None:
    """When the daemon looks at the candles next, ms of the wall's time; None where it does not live.

    What it wrote last may have come meanwhile, as it writes every ten seconds: then it is after the next close.
    """
    planned = service.get("next_run")
    if state_of(service, now) not in ALIVE or planned is None:
        return None
    if planned >= now:
        return int(planned)
    market, settle = now + int(service.get("ahead_ms", 0)), int(service.get("settle_ms", 0))
    fire = parse_timeframe(service["timeframe"]).next_close(market - settle) + settle
    return now + round(SystemClock.of_line(str(service.get("clock", ""))).real_seconds(fire - market) * 1000)


def wrong_with(service: Mapping[str, Any], now: int) -> list[str]:
    """What is wrong, a line each, the worst first."""
    wrong = list(service.get("wrong", ()))
    if state_of(service, now) == "silent":
        quiet = max(0, now - service["heartbeat_at"]) // 1000
        what = f"the daemon's process {service['pid']} has died" if _died(service) else "the daemon hangs or has died"
        wrong.insert(0, f"{what}: no sign of life for {quiet} s → look at `journalctl -u hybridd`")
    return wrong
