"""The language of the one who reads: English in the source, other languages from catalogues in locale/."""

import gettext as catalogues
import re
from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from hybridd.dashboard.catalogue import compiled

SOURCE = "en"
_FOLDER = Path(__file__).parent / "locale"
_WISH = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")
_MOST_WISHES = 20
_reading: ContextVar[str] = ContextVar("language", default=SOURCE)


@cache
def languages() -> tuple[str, ...]:
    """Those there are, the source's first."""
    return (SOURCE, *sorted(path.stem for path in _FOLDER.glob("*.po")))


def current() -> str:
    """The language of the request in hand."""
    return _reading.get()


def later(text: str) -> str:
    """Mark a text of a table, which is put into the reader's language where it is shown."""
    return text


def gettext(text: str) -> str:
    """`text` in the reader's language; itself where there is no such sentence."""
    return _catalogue(_reading.get()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form for `count` in the reader's language."""
    return _catalogue(_reading.get()).ngettext(one, many, count)


def chosen(wishes: str, there: Iterable[str]) -> str:
    """What suits best of an Accept-Language header; the source's where nothing does."""
    known, best, weight = frozenset(there), SOURCE, 0.0
    for wish in wishes.split(",")[:_MOST_WISHES]:
        found = _WISH.fullmatch(wish)
        if found and found[1].lower() in known and float(found[2] or 1) > weight:
            best, weight = found[1].lower(), float(found[2] or 1)
    return best


def spoken(app: ASGIApp) -> ASGIApp:
    """Let everything that is said in answer to a request be in the reader's language."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        wishes = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
        _reading.set(chosen(wishes.decode("latin-1"), languages()))
        await app(scope, receive, send)

    return layer


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    if language == SOURCE or language not in languages():
        return catalogues.NullTranslations()
    return catalogues.GNUTranslations(compiled((_FOLDER / f"{language}.po").read_text("utf-8")))
