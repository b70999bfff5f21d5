"""Listening: a channel that must be asked for what people answered is asked in a thread of its own."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from hybridd.clock import Clock
from hybridd.delivery.channel import Listens
from hybridd.errors import ChannelError, StoreError
from hybridd.model.inbound import Inbound
from hybridd.pipeline.answers import keep
from hybridd.store.store import Store

log = logging.getLogger("hybridd.listen")

PAUSE_S = 1.0
"""Between two questions; a channel that waits for an answer itself is asked again at once after that."""
LONGEST_PAUSE_S = 60.0


class Listener:
    """Asks one channel, keeps what came, and calls `heard`. No courier waits for it, nor does the end of the daemon."""

    def __init__(
        self, *, store: Store, name: str, channel: Listens, clock: Clock, heard: Callable[[], None] = lambda: None
    ) -> None:
        self._store, self._name, self._channel, self._clock, self._heard = store, name, channel, clock, heard
        self._unkept: deque[Inbound] = deque()
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listen:{name}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; a question that is under way is not waited for."""
        self._stopping.set()

    def round(self) -> int:
        """Ask once; how many new answers came. What the state does not take now is kept for the next round."""
        if not self._unkept:
            self._unkept.extend(self._channel.poll())
        new = 0
        while self._unkept:
            new += keep(self._store, self._unkept[0], self._clock.now())
            self._unkept.popleft()
        if new:
            self._heard()
        return new

    def pause(self) -> float:
        """Ask once, whatever happens; how long to wait before the next question (s)."""
        try:
            self.round()
        except (ChannelError, StoreError) as error:
            self._trouble("%s cannot be listened to: %s", error)
        except Exception as error:  # noqa: BLE001 - the worker shell: a defect of a channel must not end the listening
            self._trouble("listening to %s failed: %s", error)
        else:
            if self._failures:
                log.info("%s can be listened to again", self._name)
            self._failures = 0
        return min(PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)

    def _trouble(self, text: str, error: Exception) -> None:
        self._failures += 1
        if self._stopping.is_set():
            return
        known = isinstance(error, ChannelError | StoreError)
        # Told at the first time and then seldom: a channel may be down for a day.
        level = logging.WARNING if self._failures in {1, 10} or self._failures % 100 == 0 else logging.DEBUG
        log.log(level, text, self._name, error, exc_info=None if known else error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self.pause())
