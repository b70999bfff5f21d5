"""Pages: templates filled in, files handed out, and one page for everything that cannot be."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
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
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz", "/openapi.json", "/metrics")
"""Where errors are told in JSON."""
WORKER = "worker.js"
"""It looks after all pages, not only after those of its folder."""


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


@dataclass(frozen=True, slots=True)
class File:
    """What can be asked for: its media type, itself, and itself compressed, where that is smaller."""

    kind: str
    content: bytes
    packed: bytes | None


@lru_cache(maxsize=1)
def files() -> Mapping[str, File]:
    """By name everything in static/; nothing else can be asked for."""
    return {path.name: _file(path) for path in sorted((_HERE / "static").iterdir()) if path.suffix in _KINDS}


def _file(path: Path) -> File:
    content = path.read_bytes()
    packed = gzip.compress(content, 9, mtime=0)
    return File(_KINDS[path.suffix], content, packed if len(packed) < 0.9 * len(content) else None)


@lru_cache(maxsize=1)
def mark() -> str:
    """Changes with the files: browsers may then keep them."""
    return hashlib.sha256(b"".join(file.content for file in files().values())).hexdigest()[:12]


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
    """A file of static/; where its address has the mark of these very files, the browser never asks for it again."""
    found = files().get(request.path_params["name"])
    if found is None:
        return fault(request, 404, "There is nothing here", "Look at the address again.")
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == mark() else "public, max-age=3600"
    headers = {"cache-control": kept, "vary": "accept-encoding"}
    if request.path_params["name"] == WORKER:
        headers |= {"service-worker-allowed": "../", "cache-control": "no-cache"}
    if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers={**headers, "content-encoding": "gzip"})
    return Response(found.content, media_type=found.kind, headers=headers)


async def offline(request: Request) -> Response:
    """What browsers keep for when they do not reach us."""
    return page(request, "offline")
