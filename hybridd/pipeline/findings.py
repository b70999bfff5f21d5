"""What the doctor's checks say, as values."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


Report = tuple[Level, str, str]
"""Level, detail, remedy ("" where nothing needs to be done)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `id` is stable; `remedy` is empty where nothing needs to be done."""

    id: str
    title: str
    level: Level
    detail: str
    remedy: str = ""
