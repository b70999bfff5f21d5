"""Housekeep: what expired, what is unaccounted for, what is wrong, and a heartbeat that `status` can read."""

import logging
import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

from hybridd.clock import Clock, SystemClock, as_ms, iso
from hybridd.daemon.process import home
from hybridd.daemon.scheduler import Scheduler
from hybridd.errors import HttpFailed
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis, unreal_of
from hybridd.pipeline.aftermath import follow, give_up
from hybridd.pipeline.auditor import audit
from hybridd.pipeline.conditions import Scene, conditions, undecided
from hybridd.pipeline.drill import drill_when_due
from hybridd.pipeline.heartbeat import SERVICE_KEY, heartbeat, last_beat
from hybridd.pipeline.missed import tell_missed
from hybridd.pipeline.parts import Parts
from hybridd.pipeline.proof import unproven
from hybridd.pipeline.propose import expire_due
from hybridd.pipeline.tell import log_delivery
from hybridd.pipeline.watch import CycleReport
from hybridd.store.store import Store

log = logging.getLogger("hybridd.health")

ACCOUNTS_KEY = "accounts"
"""Up to which change none is missing."""
SERVICE = "service"
"""The kind of event that tells of starts and ends."""
ACCOUNTS_EVERY_MS = 60_000
SLOW_CYCLE_S = 5.0
CLOCK_STEP_MS = 1000
"""A heartbeat further ahead of the clock than this means that the clock was set back."""


class Housekeeper:
    """The tick of the daemon: short, local, never waiting for anything outside of this machine."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._started_at = clock.now()
        self._beaten_at, self._following = last_beat(heartbeat(store)), threading.Lock()
        self._accounts_at, self._missing = -ACCOUNTS_EVERY_MS, 0
        self._unaccounted: tuple[str, ...] = ()
        self._late, self._missed = "", 0
        self._begun = self._filled = False
        self._recalled: dict[str, Analysis] | None = None
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
        hurried = self.follow_clock(parts) | self._expire(now)
        expire_due(self._store, now)
        self._account(parts, now)
        scene = self._scene(parts, schedule)
        made = parts.health.reconcile(conditions(scene), undecided(scene))
        for alert in made:
            _log_health(alert)
        missed = tell_missed(self._store, parts.rules.routes, parts.channels, now, simulated=parts.feed.simulated)
        drilled = drill_when_due(self._store, parts.settings, parts.channels, now)
        self._beat(parts, schedule, self._clock.now())
        return bool(made) or missed is not None or hurried or drilled

    def follow_clock(self, parts: Parts) -> bool:
        """Where the clock was set back, also while nobody watched, what was planned by it must not wait as long.

        Whether deliveries have become due by that. Safe to call from any thread, and before the schedule begins.
        """
        with self._following:
            now = self._clock.now()
            back = self._beaten_at - now
            if back <= CLOCK_STEP_MS:
                return False
            with self._store.transaction():
                moved = self._store.outbox.set_back(back, now)
                self._store.audit.append("hybridd", "clock", "set back", {"ms": back, "deliveries": moved}, now)
                # With the turns themselves: a crash before the next heartbeat must not lead to moving them again.
                self._store.bot_state.set(SERVICE_KEY, {**heartbeat(self._store), **self._facts(parts, now)})
            self._beaten_at = now
        log.warning("the clock was set back by %.0f s: %d planned deliveries come earlier", back / 1000, moved)
        return moved > 0

    def settle_in(self, parts: Parts) -> None:
        """With new settings: what waits for somebody whom they do not name is given up, and may go to others."""
        now, channels = self._clock.now(), {courier.name: courier.recipients for courier in parts.couriers}
        with self._store.transaction():
            for channel, recipient in self._store.outbox.strangers(channels):
                log.warning("nothing more is sent to %s by %s, which is not set up any more", recipient, channel)
                give_up(self._store, channel, recipient, now, "not in the settings that hybridd runs with")
            for address in self._store.addresses.forget_others(channels):
                facts = {"channel": address.channel}
                self._store.audit.append("hybridd", "address.forget", address.address, facts, now)

    def _expire(self, now: int) -> bool:
        """Let go of what came too late; whether other deliveries have become due by that."""
        with self._store.transaction():
            expired = self._store.outbox.expire_due(now)
            for delivery in expired:
                facts = {"alert": delivery.alert_id, "channel": delivery.channel, "state": delivery.state.value}
                self._store.audit.append("hybridd", "delivery", str(delivery.id), facts, now)
                self._store.events.append("delivery", "", facts, now)
            hurried = [follow(self._store, delivery, None, now) for delivery in expired]
            self._store.alerts.expire_due(now)
        for delivery in expired:
            log_delivery(delivery, None)
        return any(hurried)

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
        self.follow_clock(parts)
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
            unaccounted=self._unaccounted,
            desk=parts.desk,
        )

    def _account(self, parts: Parts, now: int) -> None:
        if not 0 <= now - self._accounts_at < ACCOUNTS_EVERY_MS:
            self._accounts_at = now
            verified = self._store.bot_state.get(ACCOUNTS_KEY, 0)
            self._missing, sound = self._store.changes.unaccounted(verified)
            if sound > verified:
                self._store.bot_state.set(ACCOUNTS_KEY, sound)
            self.settle_in(parts)
            self._unaccounted = audit(self._store, parts.couriers, now)

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
        self._beaten_at = now
        analysed = self._newest(parts)
        self.status_line = _status_line(parts, analysed, [f"{alert.reasons[0]} {alert.subject}" for alert in wrong])

    def _newest(self, parts: Parts) -> list[Analysis]:
        """The newest analysis of each symbol that has one, be it from before the start."""
        if self._recalled is None:
            self._recalled = {a.symbol: a for a in self._store.analyses.latest()}
        now = (parts.watch.timeframe.text, parts.feed.simulated)
        statuses = parts.watch.symbols.values()
        found = [status.analysis or self._recalled.get(status.text) for status in statuses]
        # What was made of another time frame, or of a market that was made up, is no news of this one.
        return [a for a in found if a is not None and (a.timeframe, a.simulated) == now]

    def _facts(self, parts: Parts, now: int) -> dict[str, object]:
        # The heartbeat is told in the wall's time, which others can compare with, also where a demo's clock runs fast.
        wall = SystemClock().now()
        return {
            "pid": os.getpid(),
            "home": home(),
            "version": _version(),
            "started_at": self._started_at,
            "heartbeat_at": wall,
            "ahead_ms": now - wall,
            "clock": getattr(self._clock, "line", ""),
            "source": parts.source,
            "simulated": parts.feed.simulated,
            "timeframe": parts.watch.timeframe.text,
            "step_ms": parts.watch.timeframe.ms,
            "settle_ms": parts.settle_ms,
            "symbols": [status.symbol or status.text for status in parts.watch.symbols.values()],
            "channels": {name: list(to) for name, to in parts.channels.items()},
            "unproven": unproven(self._store, parts.couriers, now, parts.settings.health.proof_lasts),
        }


@cache
def _version() -> str:
    return version("hybridd")  # read from the disk, and parsed as a letter


def _status_line(parts: Parts, analysed: Sequence[Analysis], wrong: Sequence[str]) -> str:
    scores = ", ".join(f"{a.symbol} {a.signal} {a.score:.0f}" for a in analysed[:5])
    more = f" and {len(analysed) - 5} more" if len(analysed) > 5 else ""
    newest = f", newest candle {iso(max(a.candle_close for a in analysed))}" if analysed else ""
    state = "DEGRADED: " + "; ".join(wrong[:3]) if wrong else "ok"
    unreal = unreal_of(parts.source, simulated=parts.feed.simulated)
    return f"{f'{unreal} market, ' if unreal else ''}{state} | {scores or 'no analysis yet'}{more}{newest}"


def _log_health(alert: Alert) -> None:
    change = alert.changes[0]
    if alert.resolves:
        log.info("%s %s is over", change.reason, change.subject)
    else:
        log.error("%s %s: %s", change.reason, change.subject, change.detail)
