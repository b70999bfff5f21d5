"""The interface for programs: whether hybridd's web is well, answers to proposals, acknowledgements."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.forms import known_id
from hybridd.dashboard.gate import forbidden, who_of
from hybridd.dashboard.pages import fault
from hybridd.errors import DataError
from hybridd.model.proposal import ProposalEvent
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.decide import Answered, Result
from hybridd.store.codec import plain

EVENTS = {"approve": ProposalEvent.APPROVE, "reject": ProposalEvent.REJECT, "hold": ProposalEvent.HOLD}
STATUS = {Result.DONE: 200, Result.AGAIN: 409, Result.LOST: 409, Result.REFUSED: 403}
FIELDS = frozenset({"reason", "content_hash"})


class Api:
    """/healthz and /api/v1"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def health(self, _: Request) -> Response:
        """Whether the web process can read the state; a state that cannot be read is a 503 of the guard's."""
        await run_in_threadpool(self._desk.is_well)
        return JSONResponse({"status": "ok"})

    async def decide(self, request: Request) -> Response:
        """Approve, reject or hold. 200: it counts; 409: somebody was quicker, or it has to be approved again."""
        if forbidden(request, Scope.DECIDE, {}):
            return fault(request, 403, "this token may not decide", "hybridd dashboard token add NAME --scope decide")
        words = await words_of(request)
        if words is None:
            return fault(
                request, 400, "the body is not what it should be", 'JSON: {"reason": "…", "content_hash": "…"}, or none'
            )
        who, event = who_of(request), EVENTS.get(request.path_params["verb"])
        if event is None:
            return fault(request, 404, "there is no such answer", "approve, reject or hold")
        try:
            answered = await run_in_threadpool(
                self._desk.decide,
                known_id(request),
                event,
                who.actor,
                "dashboard" if who.csrf else "api",
                words.get("reason", ""),
                words.get("content_hash", ""),
            )
        except DataError as error:
            return fault(request, 404, error.message, error.remedy)
        return JSONResponse(facts(answered), STATUS[answered.result])

    async def ack(self, request: Request) -> Response:
        """Acknowledge an alert."""
        if forbidden(request, Scope.ACK, {}):
            return fault(request, 403, "this token may not acknowledge", "hybridd dashboard token add NAME --scope ack")
        try:
            acked = await run_in_threadpool(self._desk.ack, known_id(request), who_of(request).actor)
        except DataError as error:
            return fault(request, 404, error.message, error.remedy)
        except IllegalTransition:
            return fault(request, 409, "the alert is not firing any more", "nothing is left to do")
        return JSONResponse({"id": acked.id, "state": acked.state.value})


def facts(answered: Answered) -> dict[str, Any]:
    """What became of an answer, as `hybridd approve --json` has it."""
    return {
        "result": answered.result.value,
        "objections": [plain(one) for one in answered.objections],
        "proposal": plain(answered.proposal),
        "decision": plain(answered.decision),
        "renewed": plain(answered.renewed),
        "why": answered.why,
    }


async def words_of(request: Request) -> Mapping[str, str] | None:
    """The fields of a JSON body, none without one; None for a body that is something else."""
    body = await request.body()
    if not body:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= FIELDS:
        return None
    return found if all(isinstance(value, str) for value in found.values()) else None
