"""A report as sections of sentences, figures, tables and drawings: said once, set in type by whoever shows it."""

from dataclasses import dataclass

from hybridd.reports.drawing import Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A paragraph. `tone` chooses how loud it is: "" plain, "strong", "quiet"."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A few numbers to be seen at one glance: (what it is, the number, a note beneath)."""

    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. Columns whose heading begins with a space are set to the right; every row has as many cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


Block = Words | Figures | Grid | Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report under its heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report. `notices` must be known before the rest is believed; `foot` closes it."""

    title: str
    period: str
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: str

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """All that is drawn, in order."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Drawing))
