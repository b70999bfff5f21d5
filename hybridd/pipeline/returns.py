"""What comes back, on the schedule: listeners, the inbox, receipts; and the price that an answer is checked with."""

from collections.abc import Callable
from functools import partial

from hybridd.clock import Clock
from hybridd.daemon.scheduler import Scheduler
from hybridd.delivery.channel import Listens, Reports
from hybridd.pipeline.answers import work
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.hooks import hook_keys
from hybridd.pipeline.listen import Listener
from hybridd.pipeline.parts import Parts
from hybridd.pipeline.quotes import EVERY_S as QUOTES_EVERY_S
from hybridd.pipeline.receipts import ask
from hybridd.store.store import Store

ANSWERS = "answers"
QUOTES = "quotes"
ANSWERS_EVERY_S = 2.0
RECEIPTS_EVERY_S = 15.0


class Returns:
    """The jobs of one set of parts. `hurried` is called when deliveries have become due by what came."""

    def __init__(self, *, store: Store, clock: Clock, schedule: Scheduler, hurried: Callable[[], None]) -> None:
        self._store, self._clock, self._schedule, self._hurried = store, clock, schedule, hurried
        self._listeners: list[Listener] = []
        self._names: list[str] = []

    def begin(self, parts: Parts) -> None:
        """Listen to those channels that people answer by, and plan the rest."""
        self._every(ANSWERS, ANSWERS_EVERY_S, partial(self._work, parts))
        if parts.quotes is not None:
            self._every(QUOTES, QUOTES_EVERY_S, parts.quotes.turn)
        for courier in parts.couriers:
            if isinstance(courier.channel, Reports):
                self._every(f"receipts:{courier.name}", RECEIPTS_EVERY_S, partial(self._ask, courier))
            if isinstance(courier.channel, Listens):
                heard = partial(self._schedule.poke, ANSWERS)
                listener = Listener(
                    store=self._store, name=courier.name, channel=courier.channel, clock=self._clock, heard=heard
                )
                self._listeners.append(listener)
                listener.start()

    def end(self) -> None:
        """Stop all of it; what came stays in the inbox."""
        while self._listeners:
            self._listeners.pop().stop()
        while self._names:
            self._schedule.remove(self._names.pop())

    def _every(self, name: str, seconds: float, job: Callable[[], None]) -> None:
        self._names.append(name)
        self._schedule.every(name, seconds, job)

    def _work(self, parts: Parts) -> None:
        keys = hook_keys(parts.settings)
        if work(self._store, parts.channels, self._clock.now(), parts.rules.trading, keys).hurried:
            self._hurried()

    def _ask(self, courier: Courier) -> None:
        if isinstance(courier.channel, Reports) and ask(self._store, courier.name, courier.channel, self._clock.now()):
            self._hurried()


def is_optional(name: str) -> bool:
    """Whether the watchdog can do without this job: what comes back must not end the watch."""
    return name in {ANSWERS, QUOTES} or name.startswith("receipts:")
