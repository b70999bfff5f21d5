"""The state: one object that holds a repository for each noun, over one database."""

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridd.clock import Clock
from hybridd.store.addresses import Addresses
from hybridd.store.alerts import Alerts
from hybridd.store.analyses import Analyses
from hybridd.store.attempts import Attempts
from hybridd.store.audit import Audit
from hybridd.store.bot_state import BotState
from hybridd.store.changes import Changes
from hybridd.store.course import Course
from hybridd.store.database import Database, open_database
from hybridd.store.events import Events
from hybridd.store.fills import Fills
from hybridd.store.gauges import Gauges, gauges
from hybridd.store.history import History
from hybridd.store.holds import Holds
from hybridd.store.inbox import Inbox
from hybridd.store.listing import Listing
from hybridd.store.migrations import migrate as bring_up
from hybridd.store.migrations import require_current
from hybridd.store.missed import MissedAlerts
from hybridd.store.orders import Orders
from hybridd.store.outbox import Outbox
from hybridd.store.proposals import Proposals
from hybridd.store.sessions import Askers, Sessions
from hybridd.store.silences import Silences
from hybridd.store.sqlite import BUSY_SECONDS
from hybridd.store.sqlite_errors import free_bytes
from hybridd.store.trades import Trades
from hybridd.store.verify import verify

if TYPE_CHECKING:  # both bring numpy, which the web process does without
    from hybridd.store.candles import CandleStore
    from hybridd.store.context import ContextStore


class Store:
    """The state database. Safe across threads; several may be open at once, in this process and in others.

    `path` is its file, None for a passing state.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.path: Path | None = None if database.engine.passing else database.path
        self.audit = Audit(database)
        self.analyses = Analyses(database)
        self.course = Course(database)
        self.changes = Changes(database)
        self.alerts = Alerts(database, self.audit)
        self.outbox = Outbox(database)
        self.missed = MissedAlerts(database)
        self.addresses = Addresses(database)
        self.inbox = Inbox(database)
        self.holds = Holds(database)
        self.silences = Silences(database, self.audit)
        self.proposals = Proposals(database)
        self.attempts = Attempts(database)
        self.orders = Orders(database)
        self.trades = Trades(database, clock)
        self.fills = Fills(database)
        self.bot_state = BotState(database, clock)
        self.events = Events(database)
        self.history = History(database)
        self.listing = Listing(database)
        self.sessions = Sessions(database)
        self.askers = Askers(database)

    @cached_property
    def candles(self) -> "CandleStore":
        """The candles, closed and believed."""
        from hybridd.store.candles import CandleStore

        return CandleStore(self._database)

    @cached_property
    def context(self) -> "ContextStore":
        """What was known beyond candles."""
        from hybridd.store.context import ContextStore

        return ContextStore(self._database)

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is committed together or not at all; an inner one joins the outer."""
        return self._database.transaction()

    def gauges(self) -> Gauges:
        """Counts of what is under way, and of all that was ever written."""
        return gauges(self._database)

    def verify(self, pinned: str = "") -> list[str]:
        """Everything wrong with the state, one line each; nothing when all is well. Reads the whole file.

        `pinned`: a head of the audit trail, "COUNT:HASH", that it must have had.
        """
        return verify(self._database, pinned)

    def backup(self, path: Path) -> None:
        """Copy what is committed to `path` while others work on; only a good copy replaces an older file there."""
        self._database.engine.backup(path)

    def free_bytes(self) -> int:
        """Space left on the disk that holds the state."""
        return free_bytes(self._database.path)

    def close(self) -> None:
        """Close all connections, of every thread; safe to call twice."""
        self._database.close()


def open_store(url: str, *, clock: Clock, migrate: bool = True, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open the state of a URL such as "sqlite:////var/lib/hybridd/state.db"; "sqlite://:memory:" is a passing one.

    With `migrate` a missing state is made and an older one brought up to date; without, it must be there and current.
    `busy_seconds` is how long a write waits for other writers. Raises ConfigError, StoreUnusable, StoreBusy, StoreFull.
    """
    database = open_database(url, create=migrate, busy_seconds=busy_seconds)
    try:
        if migrate:
            bring_up(database, clock.now())
        else:
            require_current(database)
    except BaseException:
        database.close()
        raise
    return Store(database, clock)
