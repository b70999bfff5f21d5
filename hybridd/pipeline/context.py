"""The context worker: fetches what lies beyond candles, off the cycle's path, each source at its own pace."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hybridd.clock import Clock
from hybridd.errors import HybriddError, RateLimited, UnknownSymbol
from hybridd.market.backoff import Backoff
from hybridd.model.timeframe import TimeFrame

log = logging.getLogger("hybridd.context")

AT_ONCE = 6
"""Errands under way at the same time: sources that hang must not keep the others waiting for long."""
LONGEST_WAIT_S = 20.0
UNLISTED_S = 86_400.0
"""What an exchange does not list today is asked for again tomorrow."""
BACKOFF_BASE_S, BACKOFF_CAP_S = 5.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something to fetch again and again: every `interval_s`, or with 0 once in each `step_ms` of the source's clock
    (0: once a candle), `offset_ms` from its end.

    `run` stores what it gets; False: the source has it not yet. It may block, and raise HybriddError. `optional`: that
    the source does not list it is no news.
    """

    name: str
    run: Callable[[], bool]
    interval_s: float = 0.0
    step_ms: int = 0
    offset_ms: int = 0
    optional: bool = False


@dataclass(slots=True)
class _Plan:
    """When an errand is due: at an instant of the source's clock (ms UTC) or of the monotonic one (s)."""

    errand: Errand
    at_ms: int = 0
    at_s: float = float("-inf")
    running: bool = False
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class ContextWorker:
    """Carries out errands in threads of its own. `now` is the source's clock, ms UTC.

    The threads are left behind at the end of the program: what an errand stores, it stores in one transaction.
    """

    errands: Sequence[Errand]
    timeframe: TimeFrame
    now: Callable[[], int]
    clock: Clock
    seed: str = ""
    _plans: list[_Plan] = field(init=False)
    _backoff: Backoff = field(init=False)
    _state: threading.Condition = field(default_factory=threading.Condition)
    _busy: int = 0
    _closed: bool = False

    def __post_init__(self) -> None:
        self._plans = [_Plan(errand) for errand in self.errands]
        self._backoff = Backoff(base=BACKOFF_BASE_S, cap=BACKOFF_CAP_S, seed=self.seed)

    def round(self) -> float:
        """Begin what is due, wait for nothing; how many seconds (of this clock) may pass until the next round."""
        with self._state:
            due = sum(1 for plan in self._plans if self._due(plan))
            hands = 0 if self._closed else min(due, AT_ONCE - self._busy)
            self._busy += hands
            # What is under way may be due again as soon as it has ended.
            wait = min((1.0 if plan.running else self._wait(plan) for plan in self._plans), default=LONGEST_WAIT_S)
        for _ in range(hands):
            threading.Thread(target=self._work, name="context", daemon=True).start()
        return min(max(wait, 1.0 if due else 0.0), LONGEST_WAIT_S)

    def finish(self, seconds: float) -> bool:
        """Wait until nothing is under way, at most `seconds` of the wall; whether that came true."""
        with self._state:
            return self._state.wait_for(lambda: self._busy == 0, timeout=seconds)

    def close(self) -> None:
        """Begin nothing more; what is under way ends by its own time-out."""
        with self._state:
            self._closed = True

    def _work(self) -> None:
        """One pair of hands: errand after errand, as long as one is due."""
        try:
            while (plan := self._take()) is not None:
                self._carry_out(plan)
        finally:
            with self._state:
                self._busy -= 1
                self._state.notify_all()

    def _take(self) -> _Plan | None:
        with self._state:
            plan = None if self._closed else next((plan for plan in self._plans if self._due(plan)), None)
            if plan is not None:
                plan.running = True
            return plan

    def _carry_out(self, plan: _Plan) -> None:
        errand, done = plan.errand, False
        try:
            done = errand.run()
        except HybriddError as error:
            self._failed(plan, error)
        except Exception as error:
            # Whoever closes takes away what errands work with: what one meets then is no defect of its own.
            if not self._closed:
                raise
            log.debug("%s: ended with the rest: %s", errand.name, error)
        else:
            self._ended(plan, done)
        finally:
            with self._state:
                plan.running = False
                if not done and self._backoff.due(errand.name, self.clock.monotonic()):
                    # A defect, which Python reports by itself: the errand must not be repeated without a pause.
                    self._backoff.failed(errand.name, self.clock.monotonic())

    def _failed(self, plan: _Plan, error: HybriddError) -> None:
        with self._state:
            self._backoff.failed(plan.errand.name, self.clock.monotonic(), _pause(error))
        kind = type(error).__name__
        if self._closed or plan.trouble == kind:
            return  # that it goes on is told by the layers which abstain; repeated here, it would be noise
        plan.trouble = kind
        quiet = plan.errand.optional and isinstance(error, UnknownSymbol)
        log.log(logging.INFO if quiet else logging.WARNING, "%s: %s", plan.errand.name, error)

    def _ended(self, plan: _Plan, done: bool) -> None:
        name = plan.errand.name
        with self._state:
            if not done:
                self._backoff.failed(name, self.clock.monotonic(), 1.0)
                return
            self._backoff.succeeded(name)
            self._plan_next(plan)
        if plan.trouble:
            plan.trouble = ""
            log.info("%s: comes again", name)

    def _plan_next(self, plan: _Plan) -> None:
        errand = plan.errand
        if errand.interval_s:
            plan.at_s = self.clock.monotonic() + errand.interval_s
        else:
            since = self.now() - errand.offset_ms
            step = errand.step_ms
            plan.at_ms = (since // step * step + step if step else self.timeframe.next_close(since)) + errand.offset_ms

    def _due(self, plan: _Plan) -> bool:
        return not plan.running and self._wait(plan) <= 0

    def _wait(self, plan: _Plan) -> float:
        """Seconds until an errand is due."""
        held = self._backoff.wait(plan.errand.name, self.clock.monotonic())
        if plan.errand.interval_s:
            return max(held, plan.at_s - self.clock.monotonic())
        ahead = plan.at_ms - self.now()
        # A clock that was set back would keep it waiting for as long.
        longest = 2 * (plan.errand.step_ms or self.timeframe.ms)
        return max(held, ahead / 1000 if ahead <= longest else 0.0)


def _pause(error: HybriddError) -> float | None:
    if isinstance(error, RateLimited):
        return error.retry_after
    return UNLISTED_S if isinstance(error, UnknownSymbol) else None
