"""The form to log in by, wherever somebody stands before a shut door; and where it leads afterwards."""

import re

from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.logins import Logins
from hybridd.dashboard.pages import page

_OURS = re.compile(r"(?!.*(//|\.\.))/[A-Za-z0-9/_.~-]{0,200}")


def login_form(request: Request, logins: Logins, status: int, notice: str = "", then: str = "/") -> Response:
    """The form; `then` is the page that was wanted. Without a password it says how else to come in."""
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    response = page(
        request, "password", status, notice=notice, then=here(then), by_password=logins.by_password,
        asks_code=logins.by_password and logins.asks_code,
    )  # fmt: skip
    response.headers.update(headers)
    return response


def here(path: str) -> str:
    """A path that leads nowhere but to a page of ours; the first page in place of any other."""
    return path if _OURS.fullmatch(path) else "/"
