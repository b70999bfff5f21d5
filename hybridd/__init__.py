"""hybridd watches markets all night, tells a person what changed, and waits for the decision."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridd.library.alert_system import AlertSystem
    from hybridd.library.scheduler_daemon import SchedulerDaemon
    from hybridd.library.state_manager import StateManager

__all__ = ["AlertSystem", "SchedulerDaemon", "StateManager"]

_PLACES = {
    "AlertSystem": "hybridd.library.alert_system",
    "SchedulerDaemon": "hybridd.library.scheduler_daemon",
    "StateManager": "hybridd.library.state_manager",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # one of the names above
    # Handed on when asked for: `hybridd config check` need not wait for the analysis to be imported.
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
