"""A pause that every signal ends at once, and so does another thread that rings."""

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

    _button: socket.socket | None = None

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
        if self._button is not None:
            self._button.close()

    def ring(self) -> None:
        """End the pause, from any thread; without effect where nobody waits any more, or not yet."""
        if self._button is not None:
            with suppress(OSError):
                self._button.send(b"!")

    def wait(self, seconds: float) -> None:
        """Until a signal or a ring comes, or has come since the last time, at most `seconds`."""
        select.select([self._ear], [], [], seconds)
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass
