"""The points at which the self-test kills the daemon: a table, and what carries it out inside the daemon."""

import os
import random
import re
import signal
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hybridd.delivery.channel import Channel
from hybridd.model.delivery import Message, Outcome


class Where(StrEnum):
    """Who kills, and on what occasion."""

    STATEMENT = "statement"  # the daemon itself, before a statement that matches
    AFTER_COMMIT = "after_commit"  # the same, after the commit of a transaction that held such a statement
    BEFORE_SEND = "before_send"
    AFTER_SEND = "after_send"
    MIGRATION = "migration"  # while a step changes the form of the state
    SINK = "sink"  # the service, when it has taken a message and not said so yet
    MOMENT = "moment"  # somebody outside, whenever


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point with its name. It is met several times in a life: the kill comes the n-th time, n up to `most`."""

    name: str
    where: Where
    pattern: str = ""
    most: int = 4


POINTS: tuple[Point, ...] = (
    Point(name="while it starts", where=Where.STATEMENT, most=60),
    Point(name="while the state changes its form", where=Where.MIGRATION, most=8),
    Point(name="while an alert is written", where=Where.STATEMENT, pattern='INSERT INTO "deliveries"', most=18),
    Point(name="before a commit", where=Where.STATEMENT, pattern="COMMIT", most=60),
    Point(name="after an alert is written", where=Where.AFTER_COMMIT, pattern='INSERT INTO "deliveries"', most=3),
    Point(name="while a lease is written", where=Where.STATEMENT, pattern='INSERT INTO "attempts"', most=16),
    Point(name="after the lease, before the send", where=Where.BEFORE_SEND, most=16),
    Point(name="sent, and not answered yet", where=Where.SINK, most=16),
    Point(name="after the send, before it is written", where=Where.AFTER_SEND, most=16),
    Point(name="while the outcome is written", where=Where.STATEMENT, pattern='UPDATE "attempts"', most=16),
    Point(name="after the outcome is written", where=Where.AFTER_COMMIT, pattern='UPDATE "attempts"', most=16),
    Point(name="at any moment", where=Where.MOMENT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: at which point, at its how many-th occasion; `after_s` for the one that comes whenever."""

    point: Point
    count: int
    after_s: float

    def order(self) -> dict[str, Any]:
        """What the daemon must know of it."""
        return {"where": self.point.where.value, "pattern": self.point.pattern, "count": self.count}


def plan(kills: int, seed: int) -> list[Kill]:
    """That many kills, spread evenly over the points and in no order; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nobody has to guess it
    points = [POINTS[i % len(POINTS)] for i in range(kills)]
    chance.shuffle(points)
    return [
        Kill(point=point, count=chance.randint(1, point.most), after_s=chance.uniform(0.005, 0.4)) for point in points
    ]


def die() -> None:
    """End this process as `kill -9` does: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies at the n-th call."""

    def __init__(self, count: int) -> None:
        self._left = count

    def __call__(self) -> None:
        self._left -= 1
        if self._left <= 0:
            die()


def _never() -> None:
    """No death here."""


def around(channel: Channel, order: Mapping[str, Any]) -> Channel:
    """The channel with the death that the order wants, before it sends or after. It stays what it is otherwise."""
    countdown, send = Countdown(order.get("count", 0)), channel.send
    before = countdown if order.get("where") == Where.BEFORE_SEND else _never
    after = countdown if order.get("where") == Where.AFTER_SEND else _never

    def mortal(message: Message) -> Outcome:
        before()
        outcome = send(message)
        after()
        return outcome

    setattr(channel, "send", mortal)  # noqa: B010 - a method may not be assigned to
    return channel


def trace(order: Mapping[str, Any]) -> None:
    """Die at a statement, where the order wants that: every connection that is opened from now on is watched."""
    where = order.get("where")
    if where not in {Where.STATEMENT, Where.AFTER_COMMIT}:
        return
    countdown, pattern = Countdown(order["count"]), re.compile(re.escape(order["pattern"]))

    class Watched(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the library's shape
            super().__init__(*arguments, **options)
            self.met = self.committed = False
            self.set_trace_callback(self.look)

        def look(self, statement: str) -> None:
            if where == Where.STATEMENT:
                if pattern.search(statement):
                    countdown()
                return
            if self.committed:
                self.committed = False
                countdown()
            self.committed = self.met and statement == "COMMIT"
            self.met = not self.committed and (self.met or pattern.search(statement) is not None)

    # The driver's own class is the door that every connection goes through; the daemon's code stays as it is.
    setattr(sqlite3, "Connection", Watched)  # noqa: B010 - a type may not be assigned to
