"""/openapi.json: the interface for programs in OpenAPI 3.1, made from the table of its calls."""

import re
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from hybridd.dashboard import api_answers, api_states
from hybridd.dashboard.api_table import ENDPOINTS, Endpoint

_REF = "#/components/schemas/{model}"
JSON, CSV = "application/json", "text/csv"
MEANING = {
    200: "Done.", 400: "Something of what was asked cannot be.", 401: "Nobody is logged in.",
    403: "This login or token may not do that.", 404: "There is none.",
    409: "Somebody was quicker, or it has to be approved again.", 429: "Too often; wait as Retry-After says.",
    503: "The state cannot be used right now.",
}  # fmt: skip


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hybridd", "version": version("hybridd"),
            "description": "Instants are whole milliseconds since 1970, UTC. Exact amounts of money are text.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _schemas() -> dict[str, Any]:
    answers = [_answer(name) for name in sorted({endpoint.answer for endpoint in ENDPOINTS} | {"Fault"})]
    bodies = [endpoint.body for endpoint in ENDPOINTS if endpoint.body]
    wanted = [*((model, "serialization") for model in answers), *((model, "validation") for model in set(bodies))]
    _, found = models_json_schema(wanted, ref_template=_REF)  # type: ignore[arg-type]  # its modes are literals
    return dict(found["$defs"])


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    statuses = {400} | ({401, 403, 429, 503} if endpoint.scope else {429, 503}) | set(endpoint.faults)
    fault = {JSON: {"schema": _ref("Fault")}}
    responses = {str(status): {"description": MEANING[status], "content": fault} for status in sorted(statuses)}
    content: dict[str, Any] = {JSON: {"schema": _ref(endpoint.answer)}}
    if endpoint.csv:
        content[CSV] = {"schema": {"type": "string"}}
    for status in (200, *endpoint.also):
        responses[str(status)] = {"description": MEANING[status], "content": content if status == 200 else {
            JSON: content[JSON]
        }}  # fmt: skip
    found: dict[str, Any] = {"operationId": endpoint.name, "summary": endpoint.summary, "responses": responses}
    if parameters := [*_in_path(endpoint), *_in_query(endpoint)]:
        found["parameters"] = parameters
    if endpoint.body:
        found["requestBody"] = {"required": False, "content": {JSON: {"schema": _ref(endpoint.body.__name__)}}}
    if endpoint.scope:
        found["security"] = [{"token": [str(endpoint.scope)]}]
    return found


def _in_path(endpoint: Endpoint) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": number}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _in_query(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(ref_template=_REF)
    return [
        {
            "name": name, "in": "query", "required": name in schema.get("required", ()),
            "description": value.get("description", ""), "schema": _plain(value, schema.get("$defs", {})),
        }
        for name, value in schema["properties"].items()
    ]  # fmt: skip


def _plain(value: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: one that may be left out is never sent as null, and stands for itself."""
    options = [option for option in value.get("anyOf", [value]) if option.get("type") != "null"]
    found = dict(options[0])
    if reference := found.pop("$ref", ""):
        found |= named[reference.rpartition("/")[2]]
    return {name: part for name, part in found.items() if name not in {"title", "default", "description"}}


def _answer(name: str) -> Any:  # noqa: ANN401 - a class of one of two modules
    return getattr(api_states, name, None) or getattr(api_answers, name)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=name)}
