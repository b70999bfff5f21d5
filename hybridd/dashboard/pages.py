"""Pages: templates filled in, files handed out, and one page for everything that cannot be."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz")
"""Where errors are told in JSON."""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    # Everything is escaped, whatever a template's name: reasons and symbols come from outside.
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


@lru_cache(maxsize=1)
def files() -> Mapping[str, tuple[str, bytes]]:
    """Name to media type and content of everything in static/; nothing else can be asked for."""
    return {
        path.name: (_KINDS[path.suffix], path.read_bytes())
        for path in sorted((_HERE / "static").iterdir())
        if path.suffix in _KINDS
    }


@lru_cache(maxsize=1)
def mark() -> str:
    """Changes with the files: browsers may then keep them."""
    return hashlib.sha256(b"".join(content for _, content in files().values())).hexdigest()[:12]


def page(request: Request, name: str, status: int = 200, **facts: object) -> HTMLResponse:
    """The page that the template `name` makes of `facts`. Links are relative: a proxy may put us below a path."""
    root = "../" * max(0, request.scope["path"].count("/") - 1) or "./"
    return HTMLResponse(_templates().get_template(f"{name}.html.j2").render(root=root, mark=mark(), **facts), status)


def fault(request: Request, status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """What cannot be, as a page or, for programs, as JSON."""
    if request.scope["path"].startswith(FOR_PROGRAMS):
        response: Response = JSONResponse({"error": title, "remedy": text}, status)
    else:
        response = page(request, "fault", status, title=title, text=text)
    response.headers.update(headers or {})
    return response


async def static(request: Request) -> Response:
    """A file of static/."""
    found = files().get(request.path_params["name"])
    if found is None:
        return fault(request, 404, "There is nothing here", "Look at the address again.")
    kind, content = found
    return Response(content, media_type=kind, headers={"cache-control": "public, max-age=86400"})
