"""The logins of the web that outlive its process, and the tries at one: both kept as hashes or addresses alone."""

from dataclasses import dataclass

from hybridd.store.database import Database, Record
from hybridd.store.tables_web import AskerRow, SessionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login: the hash of its cookie, the role, a mark of the password that let it in, from where; times in ms UTC."""

    hash: str
    role: str
    proof: str
    address: str
    agent: str
    created_at: int
    seen_at: int
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who tries to log in: failures since `since`, shut out until when (ms UTC). `known`: was in before."""

    asker: str
    known: bool = False
    failures: int = 0
    since: int = 0
    locked_until: int = 0


_COLUMNS = ("hash", "role", "proof", "address", "agent", "created_at", "seen_at", "ends_at")


class Sessions:
    """The table of logins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, session: Session) -> None:
        """Store a login."""
        rows = [tuple(getattr(session, name) for name in _COLUMNS)]
        self._database.put_all(SessionRow, _COLUMNS, rows, key=("hash",))

    def get(self, hashed: str) -> Session | None:
        """The login whose cookie has this hash."""
        found = self._database.row(SessionRow.select().where(SessionRow.hash == hashed))
        return None if found is None else Session(**found)

    def seen(self, hashed: str, at: int, ends_at: int) -> None:
        """Somebody has used it."""
        later = {SessionRow.seen_at: at, SessionRow.ends_at: ends_at}
        self._database.run(SessionRow.update(later).where(SessionRow.hash == hashed))

    def drop(self, hashed: str) -> bool:
        """Forget a login; whether there was one."""
        return self._database.run(SessionRow.delete().where(SessionRow.hash == hashed)) == 1

    def drop_all(self, role: str | None = None) -> int:
        """Forget all logins, or those of one role; gives how many."""
        query = SessionRow.delete()
        return self._database.run(query if role is None else query.where(SessionRow.role == role))

    def prune(self, now: int, keep: int) -> None:
        """Forget those that are over, and the oldest of more than `keep`."""
        newest = SessionRow.select(SessionRow.hash).order_by(SessionRow.created_at.desc()).limit(keep)
        over = (SessionRow.ends_at <= now) | SessionRow.hash.not_in(newest)
        self._database.run(SessionRow.delete().where(over))

    def list(self, now: int, role: str | None = None) -> "list[Session]":
        """Those that count, last used first."""
        query = SessionRow.select().where(SessionRow.ends_at > now).order_by(SessionRow.seen_at.desc())
        if role is not None:
            query = query.where(SessionRow.role == role)
        return [Session(**row) for row in self._database.rows(query)]


class Askers:
    """The table of tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, asker: str) -> Asker | None:
        """What is kept of this one."""
        found = self._database.row(AskerRow.select().where(AskerRow.asker == asker))
        return None if found is None else _asker(found)

    def put(self, asker: Asker) -> None:
        """Keep it, in place of what was kept."""
        columns = ("asker", "known", "failures", "since", "locked_until")
        row = (asker.asker, int(asker.known), asker.failures, asker.since, asker.locked_until)
        self._database.put_all(AskerRow, columns, [row], key=("asker",))

    def drop(self, asker: str) -> None:
        """Forget this one."""
        self._database.run(AskerRow.delete().where(AskerRow.asker == asker))

    def prune(self, before: int, known_before: int, keep: int) -> None:
        """Forget strangers counted before `before`, known ones before `known_before`, the oldest beyond `keep`."""
        newest = AskerRow.select(AskerRow.asker).order_by(AskerRow.known.desc(), AskerRow.since.desc()).limit(keep)
        old = (AskerRow.known == 0) & (AskerRow.since < before) & (AskerRow.locked_until < before)
        forgotten = (AskerRow.known == 1) & (AskerRow.since < known_before)
        self._database.run(AskerRow.delete().where(old | forgotten | AskerRow.asker.not_in(newest)))


def _asker(row: Record) -> Asker:
    return Asker(**row | {"known": bool(row["known"])})
