"""The room of alerts: what was told and why, what nobody wants to hear of for a while, and that one has seen it."""

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk, tidy
from hybridd.dashboard.forms import PAGE, choice_in, fields_of, id_of, nothing_here, number_in
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.language import gettext as _
from hybridd.dashboard.language import later
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.model.alert import AlertState
from hybridd.model.silence import Silence
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.heartbeat import heartbeat
from hybridd.pipeline.page_alerts import why_of
from hybridd.pipeline.page_words import alert_words

MINUTE_MS = 60_000
LENGTHS = {
    "30": later("30 minutes"),
    "60": later("1 hour"),
    "120": later("2 hours"),
    "480": later("8 hours"),
    "1440": later("1 day"),
}
STATES = tuple(state.value for state in AlertState)
LONGEST_SUBJECT = 80
SILENCES = 50


def routes(desk: Desk) -> list[Route]:
    """Where the room is."""
    found = AlertsRoom(desk)
    return [
        Route("/alerts", found.all, methods=["GET"]),
        Route("/alerts/{id}", found.one, methods=["GET"]),
        Route("/alerts/{id}", found.ack, methods=["POST"]),
        Route("/silences", found.silence, methods=["POST"]),
        Route("/silences/{id}/end", found.end, methods=["POST"]),
    ]


class AlertsRoom:
    """/alerts and /silences"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def all(self, request: Request) -> Response:
        """The alerts, newest first, and the silences in force."""
        return await self._all(request, 200, "")

    async def one(self, request: Request) -> Response:
        """GET: an alert as it was told, and why."""
        return await self._one(request, 200, "")

    async def ack(self, request: Request) -> Response:
        """POST: somebody has seen it."""
        fields = await fields_of(request, Scope.ACK)
        if isinstance(fields, Response):
            return fields
        try:
            await run_in_threadpool(self._desk.ack, id_of(request), who_of(request).actor)
        except DataError:
            return nothing_here(request)
        except IllegalTransition:
            return await self._one(request, 409, _("It is not firing any more: nothing is left to do."))
        return await self._one(request, 200, _("Acknowledged: nothing more of it is sent."))

    async def silence(self, request: Request) -> Response:
        """POST: nothing about a market, or about any, for a while."""
        fields = await fields_of(request, Scope.DECIDE)
        if isinstance(fields, Response):
            return fields
        length, subject = fields.get("length", ""), fields.get("subject", "")
        if length not in LENGTHS or (subject and subject not in self._symbols()):
            return await self._all(request, 400, _("Nothing was changed: choose a market and a time from the lists."))
        now = self._desk.clock.now()
        made = Silence(
            subject=subject, reason=None, author=who_of(request).actor, comment=tidy(fields.get("comment", "")),
            starts_at=now, ends_at=now + int(length) * MINUTE_MS,
        )  # fmt: skip
        await run_in_threadpool(self._desk.store.silences.add, made, now)
        return RedirectResponse("alerts", 303)

    async def end(self, request: Request) -> Response:
        """POST: let a silence end now; one that is over already stays so."""
        fields = await fields_of(request, Scope.DECIDE)
        if isinstance(fields, Response):
            return fields
        silences, now = self._desk.store.silences, self._desk.clock.now()
        if silences.get(id_of(request)) is None:
            return nothing_here(request)
        try:
            await run_in_threadpool(silences.end, id_of(request), now, who_of(request).actor)
        except DataError as error:
            return await self._all(request, 409, error.message)
        return RedirectResponse("../../alerts", 303)

    async def _all(self, request: Request, status: int, notice: str) -> Response:
        desk, before = self._desk, number_in(request, "before")
        state, missed = choice_in(request, "state", STATES), choice_in(request, "missed", ("1",))
        subject = request.query_params.get("subject", "")[:LONGEST_SUBJECT]
        asked = {name: value for name, value in (("state", state), ("subject", subject), ("missed", missed)) if value}

        def look() -> dict[str, object]:
            now = desk.clock.now()
            wanted = AlertState(state) if state else None
            found = desk.store.history.find(
                PAGE + 1, state=wanted, subject=subject or None, missed=bool(missed), before=before
            )
            older = urlencode({**asked, "before": found[PAGE - 1].id}) if len(found) > PAGE else ""
            return {
                "rows": [(alert, alert_words(desk.store, alert, desk.zone, now)) for alert in found[:PAGE]],
                "older": f"alerts?{older}" if older else "",
                "newer": "alerts" + (f"?{urlencode(asked)}" if asked else "") if before else "",
                "silences": [s for s in desk.store.silences.list(SILENCES, ending_after=now) if s.holds(now)],
                "symbols": self._symbols(),
                "lengths": LENGTHS,
                "states": STATES,
                "asked": {"state": state, "subject": subject, "missed": missed},
                "notice": notice,
            }

        return await room(request, desk, "alerts", look, status)

    async def _one(self, request: Request, status: int, notice: str) -> Response:
        desk = self._desk

        def look() -> dict[str, object]:
            alert = desk.store.alerts.get(id_of(request))
            if alert is None:
                raise DataError("there is no such alert")
            words = alert_words(desk.store, alert, desk.zone, desk.clock.now())
            proposal = desk.store.proposals.of_alert(alert.id)
            why = why_of(desk.store, alert)
            return {"alert": alert, "words": words, "why": why, "notice": notice, "proposal": proposal}

        try:
            return await room(request, desk, "alert", look, status)
        except DataError:
            return nothing_here(request)

    def _symbols(self) -> list[str]:
        store = self._desk.store
        return [str(s) for s in heartbeat(store).get("symbols", ())] or sorted(
            {a.symbol for a in store.analyses.latest()}
        )
