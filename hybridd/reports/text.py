"""A report as plain text, for terminals and for mail programs that show no HTML."""

import textwrap
from collections.abc import Iterator, Sequence

from hybridd.reports.document import Document, Figures, Grid, Section, Words

WIDTH = 78
LEAST = 10
"""A column that has to give way keeps at least so many letters."""


def text(document: Document, width: int = WIDTH) -> str:
    """The whole document in lines of at most `width` letters, where its words allow it; without its drawings."""
    parts = [document.title, "=" * len(document.title), document.period, ""]
    for notice in document.notices:
        parts += [*_paragraph(notice, width), ""]
    for section in document.sections:
        parts += [*section_text(section, width), ""]
    return "\n".join([*parts, *_paragraph(document.foot, width)]).strip() + "\n"


def section_text(section: Section, width: int = WIDTH) -> Iterator[str]:
    """One section under its heading."""
    yield section.title
    yield "-" * len(section.title)
    for block in section.blocks:
        if isinstance(block, Words):
            yield from _paragraph(block.text, width)
        elif isinstance(block, Figures):
            yield from _figures(block)
        elif isinstance(block, Grid):
            yield from _grid(block, width)
        else:
            continue
        yield ""


def _paragraph(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)


def _figures(block: Figures) -> Iterator[str]:
    names = max(len(name) for name, _, _ in block.items)
    values = max(len(value) for _, value, _ in block.items)
    for name, value, note in block.items:
        yield f"  {name:<{names}}  {value:>{values}}  {note}".rstrip()


def _grid(block: Grid, width: int) -> Iterator[str]:
    if block.title:
        yield from _paragraph(block.title, width)
    heads = [column.strip() for column in block.columns]
    table = [heads, *block.rows]
    widths = _widths(table, width)
    for i, row in enumerate(table):
        yield from _row(row, block.columns, widths)
        if i == 0 and any(heads):
            yield "  ".join("-" * column for column in widths)


def _widths(table: Sequence[Sequence[str]], width: int) -> list[int]:
    """Of each column; the widest gives way until all have room."""
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    while over > 0 and max(widths) > LEAST:
        widest = widths.index(max(widths))
        # Down to the next widest, so that no column starves for another's sake.
        rest = max([LEAST, *(w for i, w in enumerate(widths) if i != widest)])
        cut = max(1, min(over, widths[widest] - rest))
        widths[widest] -= cut
        over -= cut
    return widths


def _row(row: Sequence[str], columns: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    for i in range(max(map(len, cells))):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        placed = [
            part.rjust(width) if column.startswith(" ") else part.ljust(width)
            for part, column, width in zip(parts, columns, widths, strict=True)
        ]
        yield "  ".join(placed).rstrip()
