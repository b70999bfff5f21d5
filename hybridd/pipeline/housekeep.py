"""Housekeep: what expired, what is unaccounted for, what is wrong, and a heartbeat that `status` can read."""

import logging
import os
from importlib.metadata import version

from hybridd.clock import Clock, SystemClock, as_ms, iso
from hybridd.daemon.scheduler import Scheduler
from hybridd.errors import HttpFailed
from hybridd.model.alert import Alert
from hybridd.pipeline.conditions import Scene, conditions, undecided
from hybridd.pipeline.parts import Parts
from hybridd.pipeline.propose import expire_due
from hybridd.pipeline.tell import log_delivery
from hybridd.pipeline.watch import CycleReport
from hybridd.store.store import Store

log = logging.getLogger("hybridd.health")

SERVICE_KEY = "service"
SERVICE = "service"
"""The kind of event that tells of starts and ends."""
ACCOUNTS_EVERY_MS = 60_000
SLOW_CYCLE_S = 5.0


class Housekeeper:
    """The tick of the daemon: short, local, never waiting for anything outside of this machine."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._started_at = clock.now()
        self._accounts_at, self._missing = -ACCOUNTS_EVERY_MS, 0
        self._late, self._missed = "", 0
        self._begun = self._filled = False
        self.status_line = "starting"

    def after_cycle(self, parts: Parts, report: CycleReport) -> None:
        """Note whether the cycle kept its time; the first one fills the history and may take longer."""
        if not self._begun:
            self._begun = self._filled = True
            return
        step_s = parts.watch.timeframe.ms / 1000
        slow = report.seconds > max(step_s / 2, SLOW_CYCLE_S)
        self._late = f"the last round took {report.seconds:.1f} s of a {step_s:g} s candle" if slow else ""

    def round(self, parts: Parts, schedule: Scheduler) -> bool:
        """One tick; whether it made alerts that should go out at once."""
        now = self._clock.now()
        for delivery in self._store.outbox.expire_due(now):
            log_delivery(delivery, None)
        self._store.alerts.expire_due(now)
        expire_due(self._store, now)
        self._account(now)
        scene = self._scene(parts, schedule)
        made = parts.health.reconcile(conditions(scene), undecided(scene))
        for alert in made:
            _log_health(alert)
        self._beat(parts, schedule, now)
        return bool(made)

    def ping(self, parts: Parts) -> None:
        """Tell the dead-man's switch that a round went well; that it cannot be reached is no reason to stop."""
        # Its library costs a third of a second to import: only those who have a switch pay for it, after READY.
        from hybridd.http_client import fetch

        try:
            fetch("GET", parts.ping_url)
        except HttpFailed as error:
            log.warning("the dead-man's switch was not reached: %s", error)

    def greet(self) -> None:
        """Write down that the watch begins."""
        self._store.events.append(
            SERVICE, "hybridd", {"what": "started", "version": version("hybridd")}, self._clock.now()
        )

    def farewell(self, parts: Parts) -> None:
        """Write down that the end was in order."""
        self._store.events.append(SERVICE, "hybridd", {"what": "stopped"}, self._clock.now())
        self._store.bot_state.set(SERVICE_KEY, {**self._facts(parts, self._clock.now()), "state": "stopped"})

    def _scene(self, parts: Parts, schedule: Scheduler) -> Scene:
        missed = schedule.jobs["cycle"].missed if "cycle" in schedule.jobs else 0
        if not self._begun or self._filled:
            self._missed, self._filled = missed, not self._begun
        late = self._late or ("a round was due while the one before still ran" if missed > self._missed else "")
        self._missed = missed
        return Scene(
            store=self._store,
            watch=parts.watch,
            couriers=parts.couriers,
            clock=self._clock,
            feed_now=parts.feed.now,
            settle_ms=parts.settle_ms,
            skew_ms=parts.skew_ms,
            late_cycle=late,
            missing_changes=self._missing,
        )

    def _account(self, now: int) -> None:
        if now - self._accounts_at >= ACCOUNTS_EVERY_MS:
            self._accounts_at = now
            self._missing = self._store.changes.conservation().missing

    def _beat(self, parts: Parts, schedule: Scheduler, now: int) -> None:
        wrong = parts.health.open_conditions()
        next_run = schedule.next_run("cycle")
        facts = {
            **self._facts(parts, now),
            "state": "degraded" if wrong else "ok",
            "next_run": as_ms(next_run) if next_run else None,
            "wrong": [f"{alert.reasons[0]} {alert.subject}: {alert.changes[0].detail}" for alert in wrong],
        }
        self._store.bot_state.set(SERVICE_KEY, facts)
        self.status_line = _status_line(parts, [f"{alert.reasons[0]} {alert.subject}" for alert in wrong])

    def _facts(self, parts: Parts, now: int) -> dict[str, object]:
        # The heartbeat is told in the wall's time, which others can compare with, also where a demo's clock runs fast.
        wall = SystemClock().now()
        return {
            "pid": os.getpid(),
            "version": version("hybridd"),
            "started_at": self._started_at,
            "heartbeat_at": wall,
            "ahead_ms": now - wall,
            "source": parts.source,
            "simulated": parts.feed.simulated,
            "timeframe": parts.watch.timeframe.text,
            "step_ms": parts.watch.timeframe.ms,
            "symbols": [status.symbol or status.text for status in parts.watch.symbols.values()],
            "channels": {name: list(to) for name, to in parts.channels.items()},
        }


def _status_line(parts: Parts, wrong: list[str]) -> str:
    analysed = [s.analysis for s in parts.watch.symbols.values() if s.analysis]
    scores = ", ".join(f"{a.symbol} {a.signal} {a.score:.0f}" for a in analysed[:5])
    more = f" and {len(analysed) - 5} more" if len(analysed) > 5 else ""
    newest = f", newest candle {iso(max(a.candle_close for a in analysed))}" if analysed else ""
    state = "DEGRADED: " + "; ".join(wrong[:3]) if wrong else "ok"
    simulated = "SIMULATED market, " if parts.feed.simulated else ""
    return f"{simulated}{state} | {scores or 'no analysis yet'}{more}{newest}"


def _log_health(alert: Alert) -> None:
    change = alert.changes[0]
    if alert.resolves:
        log.info("%s %s is over", change.reason, change.subject)
    else:
        log.error("%s %s: %s", change.reason, change.subject, change.detail)
