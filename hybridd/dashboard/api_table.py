"""The interface for programs as one table: routes, checks and /openapi.json are all made from it."""

from dataclasses import dataclass

from pydantic import BaseModel

from hybridd.dashboard import api_questions as ask
from hybridd.dashboard.api_tokens import Scope

V1 = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One call: what it does, the scope that it needs (None: no login), what goes in, and what comes out by name.

    `also` are further states whose answer has the same form; `csv`: it can be downloaded as a table.
    """

    name: str
    path: str
    summary: str
    answer: str
    method: str = "GET"
    scope: Scope | None = Scope.READ
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    also: tuple[int, ...] = ()
    faults: tuple[int, ...] = ()
    csv: bool = False


ENDPOINTS = (
    Endpoint(name="health", path="/healthz", summary="Whether the state can be read", answer="Healthy", scope=None),
    Endpoint(name="status", path=f"{V1}/status", summary="How the watch is", answer="Status"),
    Endpoint(
        name="analyses", path=f"{V1}/analyses", summary="What the brain concluded, newest first", answer="Analyses",
        query=ask.AskAnalyses, csv=True,
    ),
    Endpoint(
        name="alerts", path=f"{V1}/alerts", summary="What a person was told, newest first", answer="Alerts",
        query=ask.AskAlerts, csv=True,
    ),
    Endpoint(
        name="proposals", path=f"{V1}/proposals", summary="What was proposed, and the answers, newest first",
        answer="Proposals", query=ask.AskProposals, csv=True,
    ),
    Endpoint(
        name="trades", path=f"{V1}/trades", summary="The ledger, newest entry first", answer="Trades",
        query=ask.AskTrades, csv=True,
    ),
    Endpoint(
        name="statistics", path=f"{V1}/statistics", summary="What the trades amount to", answer="Statistics",
        query=ask.AskStatistics,
    ),
    Endpoint(
        name="candles", path=f"{V1}/candles", summary="Closed candles, newest first", answer="Candles",
        query=ask.AskCandles, csv=True,
    ),
    *(
        Endpoint(
            name=verb, path=f"{V1}/proposals/{{id}}/{verb}", method="POST", summary=f"{verb.capitalize()} a proposal",
            answer="Answered", scope=Scope.DECIDE, body=ask.Decide, also=(409,), faults=(404,),
        )
        for verb in ("approve", "reject", "hold")
    ),
    Endpoint(
        name="ack", path=f"{V1}/alerts/{{id}}/ack", method="POST", summary="Acknowledge an alert; it approves nothing",
        answer="Acked", scope=Scope.ACK, faults=(404, 409),
    ),
)  # fmt: skip
"""Every call there is."""
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
