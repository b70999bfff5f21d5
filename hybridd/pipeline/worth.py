"""What decisions, odds and layers were worth, for pages: worked out by a child, since it takes arrays and seconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hybridd.errors import DataError
from hybridd.pictures import children
from hybridd.pipeline.overrides import in_force
from hybridd.pipeline.page_blocks import Blocks
from hybridd.store.store import Store

TIMEOUT_S = 45.0
_CHILD = "hybridd.pipeline.worth_child"


class Topic(StrEnum):
    """What can be asked."""

    JOURNAL = "journal"
    BRAIN = "brain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What it was worth in a period that ended at `end`, ms UTC; `calibration`: what the brain was taught, if asked."""

    blocks: Blocks
    end: int
    calibration: Mapping[str, object] = field(default_factory=dict)


def worth_of(store: Store, topic: Topic, days: float, now: int) -> Worth:
    """Ask the child, by the settings that the watch goes by. Raises DataError where it cannot be had."""
    if store.path is None:
        raise DataError("a passing state is seen by nobody else", remedy="name a file in [database] url")
    settings = in_force(store)
    scene = {
        "path": str(Path(store.path).resolve()), "topic": topic.value, "days": days, "now": now,
        "settings": settings.values if settings else {},
    }  # fmt: skip
    found = json.loads(children.run(_CHILD, scene=scene, timeout=TIMEOUT_S))
    return Worth(blocks=found["blocks"], end=found["end"], calibration=found["calibration"])
