"""The ledger of the self-test: what people would have on their devices."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message that was taken: by which lane, under which key, what stands in it."""

    lane: str
    key: str
    content: str


class Ledger:
    """All copies. `trap` is called when a copy has been kept and not been answered yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: list[Copy] = []
        self.trap: Callable[[], None] = lambda: None

    def keep(self, copy: Copy) -> int:
        """Keep a copy; gives its number."""
        with self._lock:
            self._copies.append(copy)
            number = len(self._copies)
        self.trap()
        return number

    def copies(self, lane: str) -> list[Copy]:
        """What a lane has taken, in the order of coming."""
        with self._lock:
            return [copy for copy in self._copies if copy.lane == lane]

    def write(self, path: Path) -> None:
        """All of it, a line of JSON each, for whoever looks for what went wrong."""
        with self._lock:
            lines = [json.dumps([copy.lane, copy.key, copy.content]) for copy in self._copies]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
