"""The answer page: looking changes nothing, a decision needs the code that the person types."""

import asyncio
import logging
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.desk import CODE, LONGEST_REASON, Desk, Told, is_dead_end
from hybridd.dashboard.gate import form_of
from hybridd.dashboard.guard import address_of, too_often
from hybridd.dashboard.pages import page
from hybridd.dashboard.rates import Rates, asker_of
from hybridd.model.proposal import ProposalEvent
from hybridd.pipeline.decide import Result
from hybridd.pipeline.page_words import ProposalWords

log = logging.getLogger("hybridd.dashboard")

DECISIONS = {"approve": ProposalEvent.APPROVE, "reject": ProposalEvent.REJECT, "hold": ProposalEvent.HOLD}
EVEN_S = 0.25
"""What leads nowhere takes this long, whatever the reason is: the time tells a guesser nothing."""
DEAD = 403
WHAT_NOW = {
    "manual": "Place the order yourself, then record it:",
    "paper": "The paper broker carries it out. No money moves.",
    "exchange": "hybridd carries it out at the exchange and tells you.",
}


class AnswerPage:
    """/a/{token}"""

    def __init__(self, desk: Desk, rates: Rates, even_s: float = EVEN_S) -> None:
        self._desk, self._rates, self._even_s = desk, rates, even_s

    async def look(self, request: Request) -> Response:
        """GET: the proposal as it was shown, the price of now, and the form. No effect whatever."""
        begun = time.monotonic()
        words = await run_in_threadpool(self._desk.look, request.path_params["token"])
        if words is None:
            return await self._dead(request, begun)
        return self._form(request, words)

    async def act(self, request: Request) -> Response:
        """POST: what the person decided, if the code was typed."""
        begun, token = time.monotonic(), str(request.path_params["token"])
        fields = await form_of(request)
        code, event = fields.get("code", "").strip(), DECISIONS.get(fields.get("decision", ""))
        if not CODE.fullmatch(code) or event is None:
            # Nobody typed: a machine that sends every form it finds. That is no guess and changes nothing.
            words = await run_in_threadpool(self._desk.look, token)
            if words is None:
                return await self._dead(request, begun)
            return self._form(request, words, 400, "Nothing was sent: type the two characters from your message.")
        asker = asker_of(address_of(request.scope))
        if not (self._rates.take("answer", asker) and self._rates.take("link", token)):
            return too_often(request)
        told = await run_in_threadpool(self._desk.answer, token, code, event, fields.get("reason", ""))
        if is_dead_end(told.answered) or told.words is None:
            return await self._dead(request, begun)
        return self._told(request, told, told.words)

    def _told(self, request: Request, told: Told, words: ProposalWords) -> Response:
        if told.answered.result in {Result.AGAIN, Result.REFUSED}:
            return self._form(request, words, 409, told=told, action=told.token)
        if told.answered.result is Result.LOST:
            return page(request, "decided", 409, words=words, title="Somebody was quicker", next_step="", record_by="")
        decision, proposal = told.answered.decision, told.answered.proposal
        step, record = "", ""
        if proposal and decision and decision.event is ProposalEvent.APPROVE:
            step = WHAT_NOW[self._desk.broker]
            record = f"hybridd trades open {proposal.symbol} {proposal.side} PRICE --proposal {proposal.id}"
        by_hand = record if self._desk.broker == "manual" else ""
        return page(request, "decided", words=words, title="Your answer counts", next_step=step, record_by=by_hand)

    def _form(
        self, request: Request, words: ProposalWords, status: int = 200, notice: str = "", told: Told | None = None,
        action: str = "",
    ) -> Response:  # fmt: skip
        if not words.is_open:
            return page(
                request, "decided", words=words, title="There is nothing left to decide", next_step="", record_by=""
            )
        left_s = self._desk.clock.real_seconds(words.ends_at - self._desk.clock.now())
        return page(
            request,
            "answer",
            status,
            words=words,
            notice=notice,
            objections=told.objections if told else (),
            impossible=told is not None and told.answered.result is Result.REFUSED,
            changed=told.changed if told else (),
            action=action,
            left_s=max(0, round(left_s)),
            longest=LONGEST_REASON,
        )

    async def _dead(self, request: Request, begun: float) -> Response:
        log.warning("an answer page that leads nowhere was asked for by %s", address_of(request.scope))
        response = page(request, "dead", DEAD)
        await asyncio.sleep(max(0.0, begun + self._even_s - time.monotonic()))
        return response
