"""The ways in which an exchange can fail to answer."""

import socket
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class FaultKind(StrEnum):
    """What the answer becomes, beside a plain HTTP status."""

    SLOW = "slow"  # it comes, but late
    GARBAGE = "garbage"  # 200 and half a JSON
    SHAPE = "shape"  # 200 and JSON of another kind
    HTML = "html"  # 200 and a page
    DROP = "drop"  # the connection closes without an answer
    HALF = "half"  # the connection closes in the middle of the body


PAGE = b"<!DOCTYPE html><html><head><title>Attention Required!</title></head><body>checking your browser</body></html>"


@dataclass
class Fault:
    """One scripted fault; `times` counts down, None: until healed."""

    kind: FaultKind | int
    path: str = ""
    symbol: str = ""
    times: int | None = None
    retry_after: int | None = None
    seconds: float = 30.0
    method: str = ""

    def strikes(self, path: str, symbol: str, method: str = "") -> bool:
        """Whether it hits this request; counts if it does."""
        if self.method and self.method != method:
            return False
        if not path.endswith(self.path) or (self.symbol and self.symbol != symbol) or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Handler(Protocol):
    """What of a request handler is needed here."""

    connection: socket.socket
    close_connection: bool

    def reply(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None: ...


def break_answer(handler: Handler, fault: Fault, body: bytes, healed: threading.Event) -> bool:
    """Answer as the fault has it; False where the right answer is still to be sent (after a delay)."""
    json_type = {"Content-Type": "application/json"}
    html_type = {"Content-Type": "text/html"}
    if fault.kind == FaultKind.SLOW:
        healed.wait(fault.seconds)
        return False
    if fault.kind == FaultKind.GARBAGE:
        handler.reply(200, body[: max(1, len(body) // 2)] + b"\x00}{", json_type)
    elif fault.kind == FaultKind.SHAPE:
        handler.reply(200, b'[["when", "how much"], 7]', json_type)
    elif fault.kind == FaultKind.HTML:
        handler.reply(200, PAGE, html_type)
    elif fault.kind == FaultKind.DROP:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
    elif fault.kind == FaultKind.HALF:
        handler.reply(200, body[: len(body) // 2], json_type, length=len(body))
        handler.close_connection = True
    else:
        _status(handler, fault, html_type)
    return True


def _status(handler: Handler, fault: Fault, html_type: dict[str, str]) -> None:
    extra = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.kind in (429, 418):
        body = b'{"code":-1003,"msg":"Too much request weight used; current limit is 6000 per 1 MINUTE."}'
        handler.reply(int(fault.kind), body, {"Content-Type": "application/json", **extra})
    else:
        handler.reply(int(fault.kind), PAGE, {**html_type, **extra})
