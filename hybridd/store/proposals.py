"""The proposals: stored whole, answered once; the vetoes of those that were not made; the links to answer by."""

from dataclasses import dataclass, replace
from decimal import Decimal

from hybridd.errors import DataError
from hybridd.model.proposal import PROPOSAL_TABLE, Decision, Proposal, ProposalEvent, ProposalState
from hybridd.model.state import advance
from hybridd.store.codec import read_as, to_text
from hybridd.store.database import Database, Prepared, Query, Record, hole
from hybridd.store.tables_trade import ProposalRow, TokenRow, VetoRow

_IS_OPEN = ProposalRow.state == str(ProposalState.OPEN)
_OPEN = Prepared(ProposalRow.select().where(_IS_OPEN).order_by(ProposalRow.id))
_OPEN_OF = Prepared(
    ProposalRow.select().where(_IS_OPEN & (ProposalRow.symbol == hole("symbol"))).order_by(ProposalRow.id)
)
_ANSWERS = {str(PROPOSAL_TABLE[ProposalState.OPEN, event]): event for event in ProposalEvent}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoed:
    """A proposal that was not made; `at` in ms UTC."""

    symbol: str
    side: str
    veto: str
    detail: str
    at: int
    alert_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way to answer one proposal: hashes of its token and code, for whom it is, until when, whether it was used."""

    hash: str
    proposal_id: int
    channel: str
    recipient: str
    code: str
    content_hash: str
    expires_at: int
    used_at: int | None = None
    guesses: int = 0


class Proposals:
    """The table of proposals, and the two that belong to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, proposal: Proposal) -> Proposal:
        """Store a new one; gives it with its id."""
        last = proposal.targets[-1].price if proposal.targets else None
        row_id = self._database.insert(
            ProposalRow,
            {
                "alert": proposal.alert_id or None,
                "symbol": proposal.symbol,
                "side": str(proposal.side),
                "state": str(proposal.state),
                "created_at": proposal.created_at,
                "expires_at": proposal.expires_at,
                "entry_price": float(proposal.price),
                "stop_price": float(proposal.stop),
                "target_price": None if last is None else float(last),
                "quantity": float(proposal.quantity),
                "facts": to_text(proposal),
                "content_hash": proposal.content_hash,
            },
        )
        assert row_id is not None, "an insert without a condition always has an id"
        return replace(proposal, id=row_id)

    def get(self, proposal_id: int) -> Proposal | None:
        """The proposal with this id."""
        return next(iter(self._read(ProposalRow.select().where(ProposalRow.id == proposal_id))), None)

    def of_alert(self, alert_id: int) -> Proposal | None:
        """The newest that goes out with an alert."""
        query = ProposalRow.select().where(ProposalRow.alert == alert_id).order_by(ProposalRow.id.desc()).limit(1)
        return next(iter(self._read(query)), None)

    def open_ones(self, symbol: str | None = None) -> list[Proposal]:
        """Those that wait for an answer, oldest first."""
        return self._read(_OPEN) if symbol is None else self._read(_OPEN_OF, symbol=symbol)

    def between(self, start: int, end: int) -> list[Proposal]:
        """Those made from `start` to before `end` (ms UTC), oldest first."""
        inside = (ProposalRow.created_at >= start) & (ProposalRow.created_at < end)
        return self._read(ProposalRow.select().where(inside).order_by(ProposalRow.id))

    def decide(self, decision: Decision) -> bool:
        """Let the decision stand if nobody was quicker; whether it does."""
        state = advance(PROPOSAL_TABLE, ProposalState.OPEN, decision.event)
        query = ProposalRow.update(
            {
                "state": str(state),
                "decided_at": decision.at,
                "decided_by": decision.actor,
                "decided_via": decision.channel,
                "decided_price": None if decision.price is None else str(decision.price),
                "reason": decision.reason,
            }
        ).where((ProposalRow.id == decision.proposal_id) & _IS_OPEN)
        return self._database.run(query) == 1

    def decision(self, proposal_id: int) -> Decision | None:
        """What became of a proposal, None while it is open."""
        row = self._database.row(ProposalRow.select().where(ProposalRow.id == proposal_id))
        if row is None:
            raise DataError(f"there is no proposal {proposal_id}", remedy="`hybridd proposals list` shows them")
        return _decision(row) if row["decided_at"] is not None else None

    def decisions(self, since: int = 0) -> list[Decision]:
        """Everything that was decided at or after `since` (ms UTC), oldest first."""
        query = ProposalRow.select().where(ProposalRow.decided_at >= since).order_by(ProposalRow.decided_at)
        return [_decision(row) for row in self._database.rows(query)]

    def veto(self, vetoed: Vetoed) -> None:
        """Store why a proposal was not made."""
        row = {name: getattr(vetoed, name) for name in ("symbol", "side", "veto", "detail", "at")}
        self._database.insert(VetoRow, row | {"alert": vetoed.alert_id or None})

    def vetoes(self, limit: int = 50) -> list[Vetoed]:
        """The newest, newest first."""
        rows = self._database.rows(VetoRow.select().order_by(VetoRow.id.desc()).limit(limit))
        names = ("symbol", "side", "veto", "detail", "at")
        return [Vetoed(**{name: row[name] for name in names}, alert_id=row["alert"] or 0) for row in rows]

    def add_link(self, link: Link) -> None:
        """Store a way to answer; the same one twice is one."""
        row = {
            "hash": link.hash, "proposal": link.proposal_id, "channel": link.channel, "recipient": link.recipient,
            "code": link.code, "content_hash": link.content_hash, "expires_at": link.expires_at, "guesses": 0,
        }  # fmt: skip
        self._database.run(TokenRow.insert(row).on_conflict_ignore())

    def link(self, hashed: str) -> Link | None:
        """The way to answer that has this hash."""
        return next(iter(self._links(TokenRow.select().where(TokenRow.hash == hashed))), None)

    def links(self, proposal_id: int, channel: str | None = None) -> list[Link]:
        """Those of a proposal; by one channel only if it is given."""
        query = TokenRow.select().where(TokenRow.proposal == proposal_id)
        return self._links(query if channel is None else query.where(TokenRow.channel == channel))

    def use(self, hashed: str, now: int) -> bool:
        """Use up a way to answer; False where somebody has before."""
        query = TokenRow.update({TokenRow.used_at: now}).where((TokenRow.hash == hashed) & TokenRow.used_at.is_null())
        return self._database.run(query) == 1

    def guess(self, hashed: str) -> None:
        """Count a wrong code."""
        self._database.run(TokenRow.update({TokenRow.guesses: TokenRow.guesses + 1}).where(TokenRow.hash == hashed))

    def _read(self, query: Query, **values: object) -> list[Proposal]:
        return [read_proposal(row) for row in self._database.rows(query, **values)]

    def _links(self, query: Query) -> list[Link]:
        return [_link(row) for row in self._database.rows(query)]

    def list(self, limit: int = 50, symbol: str | None = None, before: int | None = None) -> list[Proposal]:
        """The newest, newest first; only those with an id below `before` if it is given."""
        query = ProposalRow.select().order_by(ProposalRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(ProposalRow.id < before)
        return self._read(query if symbol is None else query.where(ProposalRow.symbol == symbol))


def read_proposal(row: Record) -> Proposal:
    """The proposal of a row of its table."""
    state = ProposalState(row["state"])
    return replace(read_as(Proposal, row["facts"]), id=row["id"], state=state, alert_id=row["alert"] or 0)


def read_decision(row: Record) -> Decision | None:
    """What became of the proposal of a row, None while it is open."""
    return None if row["decided_at"] is None else _decision(row)


def _decision(row: Record) -> Decision:
    return Decision(
        proposal_id=row["id"],
        event=_ANSWERS[row["state"]],
        actor=row["decided_by"] or "",
        channel=row["decided_via"] or "",
        at=row["decided_at"],
        reason=row["reason"] or "",
        price=None if row["decided_price"] is None else Decimal(row["decided_price"]),
    )


def _link(row: Record) -> Link:
    return Link(**{"proposal_id" if name == "proposal" else name: value for name, value in row.items()})
