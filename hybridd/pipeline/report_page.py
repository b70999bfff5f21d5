"""The page of a report: its document as HTML, with drawings inside of it or as pictures that a mail brings along."""

import re
from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from hybridd.reports.document import Document
from hybridd.reports.drawing import Drawing, svg

_MOMENT = re.compile(r"^\d\d-\d\d \d\d:\d\d$")
_GAIN = re.compile(r"^\+(?!0\.?0* )\d")
_TOGETHER = re.compile(r"(?<=\d) (?=(?:R|d|h|min|s)\b|%)|(?<=\d\d-\d\d) (?=\d\d:)|(?<=\bn) (?== )|(?<=\bn =) ")
"""Where no line may end: between a number and its unit, a date and its time."""
_LOSS = re.compile(r"^-\d")


def html(document: Document) -> str:
    """One page that asks nobody for anything: for a browser, for print, for an archive."""
    # Markup is right here: a drawing is made of numbers and of words that were escaped.
    return _page(document, lambda drawing: Markup(svg(drawing)))


def mail_html(document: Document, image_of: Callable[[Drawing], str]) -> str:
    """The page for mail programs, which show no SVG: `image_of` names the picture of a drawing, "" where there is none
    and its words have to do."""

    def picture(drawing: Drawing) -> Markup:
        name = image_of(drawing)
        if not name:
            return Markup('<p class="quiet">{}</p>').format(drawing.title)
        size = f"{round(drawing.height / 480 * 552)}"
        return Markup('<img class="chart" width="552" height="{}" alt="{}" src="{}">').format(size, drawing.title, name)

    return _page(document, picture)


def _page(document: Document, picture: Callable[[Drawing], Markup]) -> str:
    return _environment().get_template("report.html.j2").render(d=document, picture=picture).strip() + "\n"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hybridd.reports", "."),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["kind"] = lambda block: type(block).__name__
    made.filters["sign"] = _sign
    made.filters["glue"] = lambda text: _TOGETHER.sub("\u00a0", text)
    return made


def _sign(text: str) -> str:
    """Which class a cell has: a figure's by its sign, none where nothing is gained or lost; a time is never broken."""
    if _MOMENT.match(text):
        return "whole"
    return "gain" if _GAIN.match(text) else "loss" if _LOSS.match(text) else ""
