"""A pause that every signal ends at once."""

import select
import signal
import socket
from contextlib import suppress
from types import TracebackType


class Doorbell:
    """Use as a context, in the main thread. The handlers of signals run before `wait` returns.

    A lock or an event would not do: a signal that comes while the main thread waits for its turn among the others, just
    before it lies down, is heard only when the pause is over by itself; and a handler must not take a lock.
    """

    def __enter__(self) -> "Doorbell":
        self._ear, self._button = socket.socketpair()
        for end in (self._ear, self._button):
            end.setblocking(False)
        signal.set_wakeup_fd(self._button.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        self._ear.close()
        self._button.close()

    def wait(self, seconds: float) -> None:
        """Until a signal comes or has come since the last time, at most `seconds`."""
        select.select([self._ear], [], [], seconds)
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass
