"""What the second watcher sees: one look at the state and the machine, nothing judged yet."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.clock import Clock
from hybridd.errors import StoreError
from hybridd.store.database import path_of
from hybridd.store.glance import Glance, damage, glance

SERVICE_KEY = "service"
PATIENCE_MS = 300_000
"""How long a delivery may be overdue, or leased, and an alert go on firing beyond its end."""
SOUND_FOR_MS = 6 * 3_600_000
"""A state that passed the quick check is not read as a whole again before this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that the invariants are judged by. Times in ms UTC.

    `damage`: what the quick check found, "" where nothing or where it was not made (`read_whole` says whether);
    `starts`: the daemon's starts of late; `synchronised` None where it cannot be told; `settings_trouble` "" when the
    settings can be used.
    """

    url: str
    now: int
    settle_ms: int
    glance: Glance | None
    store_trouble: StoreError | None
    damage: str
    read_whole: bool
    starts: int
    free_bytes: int | None
    synchronised: bool | None
    settings_trouble: str

    @property
    def service(self) -> Mapping[str, Any]:
        """What the daemon last wrote of itself."""
        return self.glance.service if self.glance else {}

    @property
    def own_time(self) -> bool:
        """Whether the daemon lives in the wall's time; a demo at speed does not."""
        return abs(int(self.service.get("ahead_ms", 0))) < 1000


def survey(
    url: str,
    clock: Clock,
    *,
    settle_ms: int,
    settings_trouble: str,
    sound_at: int,
    synchronised: bool | None,
    accounted: int = 0,
) -> Scene:
    """Look at the state and the machine once. `sound_at`: when the file last passed the quick check, 0 for never.

    `accounted`: up to which change none was missing at the last look.
    """
    found: Glance | None = None
    trouble: StoreError | None = None
    wrong = ""
    due = not 0 <= clock.now() - sound_at < SOUND_FOR_MS
    try:
        found = glance(url, clock=clock, patience_ms=PATIENCE_MS, service_key=SERVICE_KEY, accounted=accounted)
        if due:
            wrong = damage(url)
    except StoreError as error:
        trouble = error
    except OSError as error:
        trouble = StoreError(f"the state {path_of(url)} cannot be seen ({error.strerror})", remedy="run it as root")
    return Scene(
        url=url,
        now=clock.now(),
        settle_ms=settle_ms,
        glance=found,
        store_trouble=trouble,
        damage=wrong,
        read_whole=due and trouble is None,
        starts=0,
        free_bytes=_free(url),
        synchronised=synchronised,
        settings_trouble=settings_trouble,
    )


def _free(url: str) -> int | None:
    path = path_of(url)
    try:
        return shutil.disk_usage(path.absolute().parent).free if path else None
    except OSError:  # the state's own finding says more
        return None
