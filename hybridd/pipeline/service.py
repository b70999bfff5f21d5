"""The service: jobs on a schedule, signals, the watchdog, reload and an orderly end."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType

from hybridd.clock import Clock
from hybridd.daemon.doorbell import Doorbell
from hybridd.daemon.journal import fields
from hybridd.daemon.notify import Heartbeat, Notifier, feed, watchdog_usec
from hybridd.daemon.scheduler import Scheduler
from hybridd.errors import HybriddError, StoreError
from hybridd.pipeline import overrides, push_devices
from hybridd.pipeline.context import LONGEST_WAIT_S
from hybridd.pipeline.housekeep import Housekeeper
from hybridd.pipeline.parts import Parts
from hybridd.pipeline.returns import Returns, is_optional
from hybridd.store.store import Store

log = logging.getLogger("hybridd.service")

PATIENCE_S = 3.5
"""How long the end waits for work in hand: under the five seconds that stopping may take, on a slow machine too."""
RETRY_S = 5.0
"""A round that failed is tried again after this long, and may go on failing for SICK_S before the watchdog starves."""
SICK_S = 30.0
COURIER_EVERY_S = 20.0
TRADE_EVERY_S = 1.0
"""How soon an approval from anywhere becomes an order; a turn without news asks nobody but the state."""
CLOCK_EVERY_S = 15.0
CLOCK_JUMP_S = 2.0
PING_EVERY_S = 60.0
TICK_EVERY_S = 10.0


class Service:
    """The daemon. `assemble` makes the parts anew from the settings, for a reload."""

    def __init__(
        self, *, parts: Parts, store: Store, clock: Clock, assemble: Callable[[], Parts], environ: Mapping[str, str],
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._parts, self._store, self._clock, self._assemble = parts, store, clock, assemble
        self._notifier, self._heartbeat = Notifier(), Heartbeat()
        self._on_ready = on_ready
        self._usec = watchdog_usec(environ, os.getpid())
        self._housekeeper = Housekeeper(store=store, clock=clock)
        self._schedule = Scheduler(clock=clock, workers=32, on_good=self._good, on_failed=self._failed)
        self._returns = Returns(store=store, clock=clock, schedule=self._schedule, hurried=self._poke_couriers)
        self._sick: set[str] = set()
        self._doorbell = Doorbell()
        self._ahead = time.time() - time.monotonic()
        self._stop, self._reload = False, False
        self._starved: list[str] = []
        self._ping_due = False
        self._wanted, self._devices = overrides.wanted_of(store).version, push_devices.version(store)

    def run(self) -> bool:
        """Work until SIGTERM or SIGINT; whether all work in hand has ended by then (`stop`).

        READY is told before anything outside of this machine has been asked.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with self._doorbell:
            self.start()
            while not self._stop:
                self._doorbell.wait(CLOCK_EVERY_S)
                self._watch_clock()
                if self._reload:
                    self._reload = False
                    self.reload()
        return self.stop()

    def start(self) -> None:
        """Begin the schedule and say READY."""
        self._housekeeper.follow_clock(self._parts)
        recovered = self._store.outbox.recover(self._clock.now())
        if recovered:
            log.warning(
                "%d deliveries were under way when hybridd last ended: their outcome is being found out", recovered
            )
        self._housekeeper.greet()
        self._plan()
        self._tell_settings()
        self._schedule.start()
        self._notifier.ready()
        self._on_ready()
        names = ", ".join(self._parts.watch.symbols)
        log.info(
            "watching %s at %s candles from %s; alerts go to %s",
            names,
            self._parts.watch.timeframe,
            self._parts.source,
            ", ".join(f"{name} ({', '.join(to)})" for name, to in self._parts.channels.items()),
            extra=fields("started"),
        )

    def stop(self) -> bool:
        """End in order: no new work, what is in hand is finished within PATIENCE_S, the rest stands in the state.

        False when a thread still waits for somebody outside: Python itself would wait for it before it exits.
        """
        self._notifier.stopping()
        self._returns.end()
        self._schedule.stop()
        ended = self._schedule.wait_idle(PATIENCE_S)
        if not ended:
            log.warning("work in hand did not end within %g s; it is taken up again at the next start", PATIENCE_S)
        try:
            self._housekeeper.farewell(self._parts)
        except StoreError as error:
            log.warning("the end is not written down: %s", error)
        self._parts.close()
        log.info("stopped", extra=fields("stopped"))
        self._notifier.close()
        return ended

    def reload(self) -> None:
        """Read the settings again; a bad file leaves the running ones and says so."""
        self._notifier.reloading()
        try:
            fresh = self._assemble()
        except HybriddError as error:
            lines = getattr(error, "lines", ()) or (str(error),)
            for line in lines:
                log.error("settings not taken: %s", line, extra=fields("reload_refused"))
            log.error("the settings from before stay in force", extra=fields("reload_refused"))
            self._tell_settings(lines)
        else:
            self._swap(fresh)
            self._tell_settings()
        self._notifier.ready()

    def _tell_settings(self, refused: Sequence[str] = ()) -> None:
        try:
            self._wanted = overrides.tell(self._store, self._parts.settings, self._clock.now(), refused)
        except StoreError as error:  # the next tick finds the wish again
            log.warning("which settings are in force is not written down: %s", error)

    def _watch_clock(self) -> None:
        """Plan anew when the wall's time was set: jobs are planned in it, and would sleep until it has caught up."""
        ahead = time.time() - time.monotonic()
        if abs(ahead - self._ahead) > CLOCK_JUMP_S:
            log.warning("this machine's clock was set by %+.0f s: the schedule is made anew", ahead - self._ahead)
            with contextlib.suppress(StoreError):  # the tick does it again, and counts as failed where it cannot
                self._housekeeper.follow_clock(self._parts)
            self._schedule.poke_all()
        self._ahead = ahead

    def poke(self) -> None:
        """Look at the candles now, without waiting for the next close."""
        self._schedule.poke("cycle")

    def _swap(self, fresh: Parts) -> None:
        old = self._parts
        self._returns.end()
        for name in [*self._names(old), "context"]:
            self._schedule.remove(name)
            self._heartbeat.forget(name)
        self._schedule.wait_idle(PATIENCE_S)
        self._parts = fresh
        self._plan()
        old.close()
        changed = ", ".join(fresh.differences(old)) or "nothing"
        log.info("settings read again; changed: %s", changed, extra=fields("reload_ok"))

    def _names(self, parts: Parts) -> list[str]:
        trade = ["trade"] if parts.desk is not None else []
        return ["cycle", *trade, *(f"deliver:{courier.name}" for courier in parts.couriers)]

    def _plan(self) -> None:
        parts, now = self._parts, time.monotonic()
        tick = min(TICK_EVERY_S, self._usec / 3_000_000) if self._usec else TICK_EVERY_S
        self._sick.clear()
        self._heartbeat.register("ping", PING_EVERY_S * 5, now)
        self._heartbeat.register("tick", max(3 * tick, SICK_S), now)
        for name in self._names(parts):
            self._heartbeat.register(name, self._max_age(name), now)
        if "tick" not in self._schedule.jobs:
            self._schedule.every("tick", tick, self._tick)
        if "ping" not in self._schedule.jobs:
            self._schedule.every("ping", PING_EVERY_S, self._ping)
        self._schedule.at_closes("cycle", parts.watch.timeframe, parts.settle_ms, self._cycle)
        if parts.desk is not None:
            self._schedule.every("trade", TRADE_EVERY_S, self._trade)
        # Optional inputs: no READY, no watchdog and no cycle waits for them.
        self._schedule.every("context", LONGEST_WAIT_S, self._context)
        for courier in parts.couriers:
            self._schedule.every(f"deliver:{courier.name}", COURIER_EVERY_S, partial(self._deliver, courier.name))
        self._housekeeper.settle_in(parts)
        self._returns.begin(parts)

    def _max_age(self, name: str) -> float:
        if name == "cycle":
            return self._clock.real_seconds(self._parts.watch.timeframe.ms) + 120.0
        # One send after the round's end may still take each of its time-outs in turn.
        return 300.0

    def _cycle(self) -> None:
        watch = self._parts.watch
        report = watch.cycle(lambda: self._good("cycle"))
        if report.alerts:
            self._poke_couriers()
        if report.wait_s is not None:
            # Somebody's candle has not come: look again when the first of those who wait may be asked.
            wait = self._clock.real_seconds(round(max(report.wait_s, 1.0) * 1000))
            self._schedule.poke("cycle", max(0.2, wait))
        self._schedule.poke("trade")
        self._housekeeper.after_cycle(self._parts, report)
        if report.analysed and self._parts.ping_url:
            self._ping_due = True
            self._schedule.poke("ping")

    def _context(self) -> None:
        wait = self._clock.real_seconds(round(self._parts.context.worker.round() * 1000))
        if wait < LONGEST_WAIT_S:
            self._schedule.poke("context", max(wait, 0.2))

    def _poke_couriers(self) -> None:
        for courier in self._parts.couriers:
            self._schedule.poke(f"deliver:{courier.name}")

    def _deliver(self, name: str) -> None:
        courier = next((c for c in self._parts.couriers if c.name == name), None)
        if courier is None:
            return
        done = courier.round(self._schedule.stopping.is_set)
        if done.hurried:
            self._poke_couriers()
        if done.next_at is not None:
            wait = self._clock.real_seconds(max(0, done.next_at - self._clock.now()))
            if wait < COURIER_EVERY_S:
                self._schedule.poke(f"deliver:{name}", max(wait, 0.05))

    def _trade(self) -> None:
        desk = self._parts.desk
        if desk is not None and desk.turn(self._schedule.stopping.is_set):
            self._poke_couriers()

    def _ping(self) -> None:
        if self._ping_due and self._parts.ping_url:
            self._ping_due = False
            self._housekeeper.ping(self._parts)

    def _tick(self) -> None:
        if self._housekeeper.round(self._parts, self._schedule):
            self._poke_couriers()
        devices, before = push_devices.version(self._store), self._devices
        self._devices = devices
        # Somebody changed settings in the web, or a device wants messages.
        if overrides.wanted_of(self._store).version != self._wanted or devices != before:
            self._reload = True
            self._doorbell.ring()
        self._notifier.status(self._housekeeper.status_line)
        starved = feed(self._heartbeat, self._notifier, time.monotonic())
        if starved and starved != self._starved:
            log.critical("the watchdog is not fed: no good round of %s for too long", ", ".join(starved))
        self._starved = starved

    def _good(self, name: str) -> None:
        now = time.monotonic()
        if name in self._sick:
            self._sick.discard(name)
            self._heartbeat.register(name, self._max_age(name), now)
        with contextlib.suppress(KeyError):  # a round that ended while a reload took its name away
            self._heartbeat.good(name, now)

    def _failed(self, name: str) -> None:
        if name not in self._schedule.jobs:
            return  # a round that outlived its job, which a reload took away: nobody waits for it to be well again
        if name not in {"tick", "context"} and not is_optional(name) and name not in self._sick:
            self._sick.add(name)
            self._heartbeat.register(name, SICK_S, time.monotonic())
        self._schedule.poke(name, RETRY_S)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        elif self._stop:
            os._exit(1)  # asked twice: somebody is in a hurry, and nothing is lost by a crash
        else:
            self._stop = True
