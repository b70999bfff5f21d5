"""The tail of the events: one reader of the state for everybody who listens, and what they have missed."""

import asyncio
import json
import logging
import threading
from collections import deque

from starlette.concurrency import run_in_threadpool

from hybridd.errors import StoreError
from hybridd.store.codec import to_text
from hybridd.store.events import Event
from hybridd.store.store import Store

log = logging.getLogger("hybridd.dashboard")

LOOK_S = 0.1
KEPT = 1000
BATCH = 200
MOST_MISSED = 5000
"""Whoever has missed more is told to begin anew: reading the page again is less than hearing all of it."""
RESET = "reset"


class Listener:
    """Somebody who listens: woken by news, by their own going, and by the end of the house."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.gone = False

    def leave(self) -> None:
        """They have gone, or we end."""
        self.gone = True
        self.news.set()


class Tail:
    """Looks whether the state has changed, ten times a second, while at least one listens; keeps the newest events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._before = 0  # the id before the oldest that is kept
        self.newest = 0
        self._stop: threading.Event | None = None
        self._beginning = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._listeners)

    async def join(self) -> Listener:
        """Listen. The first one starts the reader."""
        async with self._beginning:
            if self._stop is None:
                newest = await run_in_threadpool(self._store.events.last_id)
                self._kept.clear()
                self._before = self.newest = newest
                self._stop = threading.Event()
                arguments = (asyncio.get_running_loop(), self._stop, newest)
                threading.Thread(target=self._read, args=arguments, name="tail", daemon=True).start()
            listener = Listener()
            self._listeners.add(listener)
            return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more. The last one ends the reader."""
        self._listeners.discard(listener)
        if not self._listeners and self._stop is not None:
            self._stop.set()
            self._stop = None

    def end(self) -> None:
        """The house ends: everybody is sent home."""
        for listener in self._listeners:
            listener.leave()

    async def since(self, seen: int) -> tuple[int, bytes]:
        """What came after event `seen`, at most a batch, as it is sent; and the id of its last."""
        if seen < self._before:
            if self._before - seen > MOST_MISSED:
                return self.newest, _reset(self.newest)
            missed = await run_in_threadpool(self._store.events.after, seen, BATCH)
            return (missed[-1].id, b"".join(map(encoded, missed))) if missed else (self._before, b"")
        if seen > self.newest:  # the state was put back to an earlier one
            return self.newest, _reset(self.newest)
        found = [(number, text) for number, text in self._kept if number > seen]
        return (found[-1][0], b"".join(text for _, text in found)) if found else (seen, b"")

    def _read(self, loop: asyncio.AbstractEventLoop, stop: threading.Event, newest: int) -> None:
        version = -1
        while not stop.wait(LOOK_S):
            try:
                # First the version, then the events: what comes between is looked for once more, never missed.
                changed, version = version != (now := self._store.events.version()), now
                found = self._store.events.after(newest, BATCH) if changed else []
            except StoreError as error:
                log.warning("the events cannot be read: %s", error)
                version = -1
                continue
            if len(found) == BATCH:
                version = -1
            if found:
                newest = found[-1].id
                try:
                    loop.call_soon_threadsafe(self._publish, stop, [(event.id, encoded(event)) for event in found])
                except RuntimeError:
                    return  # the loop has been closed: nobody is left to tell

    def _publish(self, reader: threading.Event, found: list[tuple[int, bytes]]) -> None:
        if reader is not self._stop:
            return  # of a reader that has ended
        for one in found:
            if len(self._kept) == KEPT:
                self._before = self._kept[0][0]
            self._kept.append(one)
        self.newest = found[-1][0]
        for listener in self._listeners:
            listener.news.set()


def encoded(event: Event) -> bytes:
    """An event as a server-sent one. All have one name, so that a reader hears of kinds that it does not know too."""
    facts = {"kind": event.kind, "subject": event.subject, "at": event.at, "data": json.loads(to_text(event.data))}
    return _sent(event.id, facts)


def _sent(number: int, facts: dict[str, object]) -> bytes:
    return f"id: {number}\ndata: {json.dumps(facts)}\n\n".encode()


def _reset(newest: int) -> bytes:
    return _sent(newest, {"kind": RESET})
