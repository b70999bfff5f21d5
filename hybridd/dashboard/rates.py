"""How often somebody may ask: counts in windows of a minute, for a bounded number of askers."""

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

WINDOW_S = 60.0
MOST_ASKERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of each kind in a minute, for each asker."""

    page: int = 240  # any request, by address
    answer: int = 20  # answers by a link, by address
    link: int = 10  # answers by a link, by its token
    stranger: int = 20  # tries at a login or with a token for programs that failed, by address
    hook: int = 600  # calls of a provider, by address: many messages have one sender

    def of(self) -> Mapping[str, int]:
        """By kind."""
        return MappingProxyType({name: getattr(self, name) for name in self.__dataclass_fields__})


class Rates:
    """Counts of the window that runs. `monotonic` gives seconds. Safe across threads."""

    def __init__(self, monotonic: Callable[[], float], limits: Limits | None = None) -> None:
        self._monotonic, self._most = monotonic, (limits or Limits()).of()
        self._counts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, kind: str, asker: str) -> bool:
        """Count one; False where that was one too many."""
        with self._lock:
            begun, count = self._current(kind, asker)
            self._counts[kind, asker] = (begun, count + 1)
            self._counts.move_to_end((kind, asker))
            while len(self._counts) > MOST_ASKERS:
                self._counts.popitem(last=False)
            return count < self._most[kind]

    def spent(self, kind: str, asker: str) -> bool:
        """Whether no more is left; counts nothing."""
        with self._lock:
            return self._current(kind, asker)[1] >= self._most[kind]

    def _current(self, kind: str, asker: str) -> tuple[float, int]:
        now = self._monotonic()
        begun, count = self._counts.get((kind, asker), (now, 0))
        return (begun, count) if now - begun < WINDOW_S else (now, 0)


def asker_of(address: str) -> str:
    """What counts as one asker: an IPv4 address, or the network of an IPv6 one, whose owner has 2**64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)
