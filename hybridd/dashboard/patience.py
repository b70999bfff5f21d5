"""Patience with slow callers: whoever begins a request has to finish its head in time, or loses the connection."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0


class Patient:
    """uvicorn's connection with a clock beside it: a head that comes byte by byte does not hold it for ever.

    Between two requests uvicorn's own keep-alive counts, within one the guard's time for the body.
    """

    def __init__(self, inner: H11Protocol, head_s: float) -> None:
        self._inner, self._head_s = inner, head_s
        self._timer: asyncio.TimerHandle | None = None
        # What the event loop calls while a slow reader is waited for.
        self.pause_writing, self.resume_writing = inner.pause_writing, inner.resume_writing

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Somebody has called and has said nothing yet."""
        self._inner.connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or of several."""
        self._inner.data_received(data)
        if self._in_hand():
            self._stop()
        elif self._timer is None:
            self._wait()

    def eof_received(self) -> None:
        """The caller has nothing more to say."""
        self._inner.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._stop()
        self._inner.connection_lost(error)

    def _in_hand(self) -> bool:
        return self._inner.cycle is not None and not self._inner.cycle.response_complete

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._head_s, self._end)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if not self._in_hand() and not self._inner.transport.is_closing():
            self._inner.transport.close()


def patient(head_s: float = HEAD_S) -> Callable[..., Patient]:
    """What uvicorn makes of each connection."""

    def make(**how: Any) -> Patient:  # noqa: ANN401 - uvicorn's own arguments, handed on as they are
        return Patient(H11Protocol(**how), head_s)

    return make
