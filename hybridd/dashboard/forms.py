"""What rooms share: forms that only count with a login and a page of ours, numbers in addresses, pages of a list."""

from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.gate import forbidden, form_of
from hybridd.dashboard.language import gettext as _
from hybridd.dashboard.pages import fault
from hybridd.errors import DataError

PAGE = 25
LARGEST_ID = 2**63 - 1


async def fields_of(request: Request, scope: Scope) -> dict[str, str] | Response:
    """The fields of a form that was sent, or the refusal of one that may not be."""
    fields = await form_of(request)
    if forbidden(request, scope, fields):
        return fault(request, 403, _("You may not do this"), _("Log in, and use the form of this page."))
    return fields


def nothing_here(request: Request) -> Response:
    """There is no such thing."""
    return fault(request, 404, _("There is nothing here"), _("Look at the address again."))


def id_of(request: Request) -> int:
    """The number in the path; 0, which nothing has, for what is none or what no row can have."""
    return _number(str(request.path_params["id"]))


def known_id(request: Request) -> int:
    """The number in the path, for a program, which is told what is none. Raises DataError."""
    found = id_of(request)
    if not found:
        given = str(request.path_params["id"])[:40]
        raise DataError(f"{given!r} is no id", remedy="an id is a whole number above 0; the lists have them")
    return found


def number_in(request: Request, name: str) -> int | None:
    """A whole number above 0 in the query, None where there is none."""
    text = request.query_params.get(name, "")
    return _number(text) or None


def choice_in(request: Request, name: str, choices: frozenset[str] | tuple[str, ...]) -> str:
    """A word in the query, if it is one of the choices; else ""."""
    text = request.query_params.get(name, "")
    return text if text in choices else ""


def _number(text: str) -> int:
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) else 0
    return found if found <= LARGEST_ID else 0
