"""The rooms of the journal and of the brain: what decisions, odds and layers were worth, worked out when asked."""

import time
from collections.abc import Callable
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard.desk import Desk
from hybridd.dashboard.forms import choice_in
from hybridd.dashboard.language import later
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.pipeline.worth import Topic, Worth, worth_of

PERIODS = {"7": later("a week"), "30": later("a month"), "90": later("three months"), "365": later("a year")}
KEPT_S = 60.0

Ask = Callable[[Topic, float], Worth]


class Answers:
    """Answers of a minute ago are good enough; at most one is worked out at a time, beside the threads of pages."""

    def __init__(self, ask: Ask, monotonic: Callable[[], float]) -> None:
        self._ask, self._monotonic = ask, monotonic
        self._kept: dict[tuple[Topic, float], tuple[float, Worth]] = {}
        self._one: CapacityLimiter | None = None

    async def of(self, topic: Topic, days: float) -> Worth:
        """Raises DataError where it cannot be had."""
        self._one = self._one or CapacityLimiter(1)
        return await to_thread.run_sync(partial(self._of, topic, days), limiter=self._one)

    def _of(self, topic: Topic, days: float) -> Worth:
        at, kept = self._kept.get((topic, days), (0.0, None))
        if kept is None or self._monotonic() - at > KEPT_S:
            kept = self._ask(topic, days)
            self._kept[topic, days] = (self._monotonic(), kept)
        return kept


def routes(desk: Desk) -> list[Route]:
    """Where the two rooms are."""
    answers = Answers(lambda topic, days: worth_of(desk.store, topic, days, desk.clock.now()), time.monotonic)

    def show(topic: Topic) -> Route:
        async def page(request: Request) -> Response:
            days, trouble, worth = choice_in(request, "days", tuple(PERIODS)) or "30", "", None
            try:
                worth = await answers.of(topic, float(days))
            except DataError as error:
                trouble = error.message
            facts = {"worth": worth, "trouble": trouble, "days": days, "periods": PERIODS}
            return await room(request, desk, topic.value, lambda: facts)

        return Route(f"/{topic.value}", page, methods=["GET"])

    return [show(topic) for topic in Topic]
