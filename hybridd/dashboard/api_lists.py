"""The lists of the interface for programs: the question is checked, a page is read, and written as JSON or CSV."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hybridd.clock import SystemClock
from hybridd.dashboard.api_reads import READS, Found
from hybridd.dashboard.api_table import BY_NAME, Endpoint
from hybridd.dashboard.api_tables import lines
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.pages import fault
from hybridd.errors import DataError
from hybridd.model.trade import Side
from hybridd.pipeline.report import status_report
from hybridd.pipeline.trade_statistics import statistics_of

MOST_ROWS = 1_000_000
"""Of a download: it is read a page at a time, and ends all the same."""


class ApiLists:
    """GET /api/v1/…"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What is reached here."""
        names = {**dict.fromkeys(READS, self._list), "status": self._status, "statistics": self._statistics}
        routes = [Route(BY_NAME[name].path, how, methods=["GET"], name=name) for name, how in names.items()]
        return [*routes, Route("/openapi.json", self._document, methods=["GET"])]

    async def _list(self, request: Request) -> Response:
        endpoint = next(e for e in BY_NAME.values() if e.path == request.scope["path"])
        try:
            asked = _asked(request, endpoint)
            found = await run_in_threadpool(READS[endpoint.name], self._desk.store, asked)
        except DataError as error:
            return fault(request, 400, error.message, error.remedy)
        if getattr(asked, "format", "json") == "csv":
            return _download(endpoint, lines(self._pages(endpoint, asked, found)))
        # Written in the thread too: five hundred analyses with their layers are a megabyte.
        body = await run_in_threadpool(_json, {"items": found.rows, "next": _place(found)})
        return Response(body, media_type="application/json")

    async def _status(self, request: Request) -> Response:
        try:
            _asked(request, BY_NAME["status"])
        except DataError as error:
            return fault(request, 400, error.message, error.remedy)
        report = await run_in_threadpool(status_report, self._desk.store, SystemClock().now())
        return JSONResponse(report)

    async def _statistics(self, request: Request) -> Response:
        try:
            asked: Any = _asked(request, BY_NAME["statistics"])
        except DataError as error:
            return fault(request, 400, error.message, error.remedy)
        side = None if asked.side is None else Side(asked.side)
        figures = await run_in_threadpool(
            lambda: statistics_of(
                self._desk.store, self._desk.clock.now(), days=asked.days, symbol=asked.symbol, side=side
            )
        )
        return JSONResponse(figures)

    async def _document(self, _: Request) -> Response:
        from hybridd.dashboard.openapi import document  # here: the answers' models are nobody's need but its own

        return JSONResponse(await run_in_threadpool(document))

    def _pages(self, endpoint: Endpoint, asked: Any, first: Found) -> Iterator[Found]:  # noqa: ANN401 - one of many
        """The page that was read, and those after it where no limit was given: a download is the whole list."""
        yield first
        count = len(first.rows)
        while first.next is not None and "limit" not in asked.model_fields_set and count < MOST_ROWS:
            asked = asked.model_copy(update={"before": _place(first)})
            first = READS[endpoint.name](self._desk.store, asked)
            count += len(first.rows)
            yield first


def _asked(request: Request, endpoint: Endpoint) -> Any:  # noqa: ANN401 - the question of the call
    """The question of a request. Raises DataError for what cannot be asked."""
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) < len(given):
        raise DataError("a parameter is given twice", remedy="give each once")
    model: type[BaseModel] | None = endpoint.query
    if model is None:
        if values:
            raise DataError(f"there is no parameter {next(iter(values))[:40]}", remedy="/openapi.json has all of them")
        return None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))[:40]
        raise DataError(f"{name}: {first['msg']}", remedy="/openapi.json has all parameters") from None


def _place(found: Found) -> str | None:
    return None if found.next is None else "-".join(map(str, found.next))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def _download(endpoint: Endpoint, text: Iterator[str]) -> Response:
    headers = {"content-disposition": f'attachment; filename="hybridd-{endpoint.name}.csv"'}
    return StreamingResponse(text, media_type="text/csv; charset=utf-8", headers=headers)
