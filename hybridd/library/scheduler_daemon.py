"""`SchedulerDaemon`: the daemon for programs that start it themselves."""

from pathlib import Path

from hybridd.app import daemon_settings, run_once, run_service
from hybridd.pipeline.watch import CycleReport


class SchedulerDaemon:
    """The daemon with the settings of `config` (a path; None: the usual places). Raises ConfigError for bad ones.

    SchedulerDaemon("hybridd.toml").run()
    """

    def __init__(self, config: str | Path | None = None) -> None:
        self._config = Path(config) if config is not None else None
        self.settings = daemon_settings(self._config)

    def run(self) -> None:
        """Watch until SIGTERM or SIGINT; SIGHUP reads the settings again. To be called from the main thread."""
        run_service(self.settings, lambda: daemon_settings(self._config))

    def run_once(self) -> CycleReport:
        """One cycle over all symbols, its alerts sent once: how many were analysed, who must wait, which alerts."""
        return run_once(self.settings)
