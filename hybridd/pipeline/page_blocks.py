"""Sections of reports as plain values, which pages set and another process can hand over."""

from typing import Any

from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.drawing import svg

Blocks = list[dict[str, Any]]


def plain_blocks(section: Section) -> Blocks:
    """Each block with its `kind`; a drawing is SVG whose words are escaped and whose colours are classes."""
    return [_plain(block) for block in section.blocks]


def _plain(block: Block) -> dict[str, Any]:
    if isinstance(block, Words):
        return {"kind": "words", "text": block.text, "tone": block.tone}
    if isinstance(block, Figures):
        return {"kind": "figures", "figures": [list(item) for item in block.items]}
    if isinstance(block, Grid):
        rows = [list(row) for row in block.rows]
        return {"kind": "grid", "title": block.title, "columns": list(block.columns), "rows": rows}
    return {"kind": "drawing", "svg": svg(block)}
