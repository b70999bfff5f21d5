"""Pages: templates filled in, files handed out, and one page for everything that cannot be."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hybridd.clock import as_datetime
from hybridd.dashboard.language import current, gettext, ngettext
from hybridd.pipeline.page_figures import clock_time, duration, percent, points, price, score, zone_of

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz")
"""Where errors are told in JSON."""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    # Everything is escaped, whatever a template's name: reasons and symbols come from outside.
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    made.filters.update(FILTERS)
    return made


@pass_context
def instant(context: Context, ms: int) -> Markup:
    """A time in the house's zone; a script makes it the reader's. The machine's form says it in any case."""
    text = clock_time(ms, zone_of(context["zone"]), context["now"])
    return Markup('<time datetime="{}">{}</time>').format(f"{as_datetime(ms):%Y-%m-%dT%H:%M:%SZ}", text)


@pass_context
def age(context: Context, ms: int) -> Markup:
    """How long ago a time was; a script lets it run."""
    text = duration(context["now"] - ms)
    return Markup('<time datetime="{}" data-age>{}</time>').format(f"{as_datetime(ms):%Y-%m-%dT%H:%M:%SZ}", text)


FILTERS = {
    # `said`: a text from a table, in the reader's language. `_()` is for texts that stand in the template.
    "said": gettext,
    "instant": instant,
    "age": age,
    "price": price,
    "score": score,
    "share": percent,
    "points": points,
    "duration": duration,
}


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
    """The page that the template `name` makes of `facts`, bare; `rooms.room` puts the frame around it.

    Links are relative: a proxy may put us below a path.
    """
    root = "../" * max(0, request.scope["path"].count("/") - 1) or "./"
    frame = {"root": root, "mark": mark(), "language": current(), "house": None}
    return HTMLResponse(_templates().get_template(f"{name}.html.j2").render({**frame, **facts}), status)


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
