"""A log handler that never blocks the program: a bounded queue in front of one that may."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

_CLOSE_TIMEOUT_S = 2.0


class Target(Protocol):
    """A handler that may block. `handleError` is called with a record that it could not write."""

    handleError: Callable[[logging.LogRecord], None]  # noqa: N815 - logging's own name

    def handle(self, record: logging.LogRecord) -> object:
        """Write the record."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class BoundedHandler(logging.Handler):
    """Hands records to `target` in a thread of its own; when `size` wait already, new ones are dropped and counted.

    The count is written as a record of its own as soon as there is room again. `prepare` makes the record that the
    target gets, in the thread of the caller.
    """

    def __init__(
        self, target: Target, *, prepare: Callable[[logging.LogRecord], logging.LogRecord], size: int = 2000
    ) -> None:
        super().__init__()
        self.dropped = 0
        self._count_lock = threading.Lock()
        self._target = target
        self._prepare = prepare
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(size)
        self._thread: threading.Thread | None = threading.Thread(target=self._drain, name="journal", daemon=True)
        target.handleError = self._lose
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, or count it as dropped; never waits."""
        try:
            self._queue.put_nowait(self._prepare(record))
        except queue.Full:
            self._lose(record)

    def close(self) -> None:
        """Write what waits, for a few seconds at most: a journal that stands still must not keep the daemon alive."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=_CLOSE_TIMEOUT_S)
                thread.join(_CLOSE_TIMEOUT_S)
        super().close()

    def _lose(self, _record: logging.LogRecord) -> None:
        with self._count_lock:
            self.dropped += 1

    def _drain(self) -> None:
        while (record := self._queue.get()) is not None:
            self._target.handle(record)
            if self.dropped and not self._queue.full():
                self._target.handle(self._confession())
        self._target.close()

    def _confession(self) -> logging.LogRecord:
        with self._count_lock:
            dropped, self.dropped = self.dropped, 0
        text = f"{dropped} log lines were dropped: the journal did not take them in time"
        return logging.LogRecord("hybridd.journal", logging.WARNING, __file__, 0, text, None, None, "_confession")
