"""The room of proposals: what waits, what was decided, and the two steps to a decision."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard.answer_page import DECISIONS, WHAT_NOW
from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import LONGEST_REASON, Desk
from hybridd.dashboard.forms import PAGE, fields_of, id_of, nothing_here, number_in
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.language import later
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.model.proposal import Proposal, ProposalEvent
from hybridd.pipeline.decide import Answered, Result
from hybridd.pipeline.page_words import ProposalWords, alert_words, difference, proposal_words

STATUS = {Result.DONE: 200, Result.AGAIN: 409, Result.LOST: 409, Result.REFUSED: 409}
ASKED = {
    "approve": (later("Approve?"), later("Yes, approve"), "yes"),
    "hold": (later("Hold?"), later("Yes, hold"), ""),
    "reject": (later("Reject?"), later("Yes, reject"), "no"),
}
TITLES = {
    Result.DONE: later("Your answer counts"),
    Result.LOST: later("Somebody was quicker"),
    Result.AGAIN: later("It needs your approval again"),
    Result.REFUSED: later("It cannot be carried out"),
}


class Told(NamedTuple):
    """What a page says after an answer."""

    title: str
    why: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]
    again: int
    next_step: str
    record_by: str


def routes(desk: Desk) -> list[Route]:
    """Where the room is."""
    found = ProposalsRoom(desk)
    return [
        Route("/proposals", found.all, methods=["GET"]),
        Route("/proposals/{id}", found.one, methods=["GET"]),
        Route("/proposals/{id}/{verb}", found.ask, methods=["GET"]),
        Route("/proposals/{id}/{verb}", found.answer, methods=["POST"]),
    ]


class ProposalsRoom:
    """/proposals"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def all(self, request: Request) -> Response:
        """Those that wait, then the others, newest first."""
        before = number_in(request, "before")

        def look() -> dict[str, object]:
            found = self._desk.store.proposals.list(PAGE + 1, before=before)
            waiting = [] if before else self._desk.open_proposals()
            there = {words.id for words in waiting}
            rows = [(p, self._words(p)) for p in found[:PAGE] if p.id not in there]
            older = f"proposals?before={found[PAGE - 1].id}" if len(found) > PAGE else ""
            return {"waiting": waiting, "rows": rows, "older": older, "newer": "proposals" if before else ""}

        return await room(request, self._desk, "proposals", look)

    async def one(self, request: Request) -> Response:
        """A proposal as it was shown, beside now. No effect whatever."""
        return await self._shown(request, "proposal", {})

    async def ask(self, request: Request) -> Response:
        """The step before a decision: the price of now, and one button. No effect whatever."""
        verb = str(request.path_params["verb"])
        if verb not in ASKED:
            return nothing_here(request)
        question, button, kind = ASKED[verb]
        facts = {"question": question, "button": button, "kind": kind, "verb": verb, "longest": LONGEST_REASON}
        return await self._shown(request, "proposal_ask", facts)

    async def answer(self, request: Request) -> Response:
        """What the person decided."""
        fields, event = await fields_of(request, Scope.DECIDE), DECISIONS.get(str(request.path_params["verb"]))
        if isinstance(fields, Response):
            return fields
        if event is None:
            return nothing_here(request)
        who, shown = who_of(request).actor, fields.get("shown", "")
        try:
            answered = await run_in_threadpool(
                self._desk.decide, id_of(request), event, who, "dashboard", fields.get("reason", ""), shown
            )
        except DataError:
            return nothing_here(request)
        facts = {"told": self._told(answered, event)}
        return await self._shown(request, "proposal", facts, STATUS[answered.result])

    async def _shown(self, request: Request, name: str, more: Mapping[str, object], status: int = 200) -> Response:
        desk = self._desk

        def look() -> dict[str, object]:
            proposal = desk.store.proposals.get(id_of(request))
            if proposal is None:
                raise DataError("there is no such proposal")
            now, alert = desk.clock.now(), desk.store.alerts.get(proposal.alert_id)
            words = self._words(proposal)
            left = max(0, round(desk.clock.real_seconds(words.ends_at - now)))
            changed = alert_words(desk.store, alert, desk.zone, now).sentences if alert else ()
            facts = {"proposal": proposal, "words": words, "left_s": left, "changed": changed, "told": None}
            return {**facts, "what_now": WHAT_NOW[desk.broker], **more}

        try:
            return await room(request, desk, name, look, status)
        except DataError:
            return nothing_here(request)

    def _told(self, answered: Answered, event: ProposalEvent) -> Told:
        then, now = answered.proposal, answered.renewed
        done = answered.result is Result.DONE and event is ProposalEvent.APPROVE and then is not None
        record = f"hybridd trades open {then.symbol} {then.side} PRICE --proposal {then.id}" if done and then else ""
        return Told(
            title=TITLES[answered.result],
            why=tuple(one.detail for one in answered.objections) or ((answered.why,) if answered.why else ()),
            changed=difference(then, now) if then and now else (),
            again=now.id if now else 0,
            next_step=WHAT_NOW[self._desk.broker] if done else "",
            record_by=record if self._desk.broker == "manual" else "",
        )

    def _words(self, proposal: Proposal) -> ProposalWords:
        return proposal_words(self._desk.store, proposal, self._desk.zone, self._desk.clock.now())
