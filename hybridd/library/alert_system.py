"""`AlertSystem`: what fires, who was told, and whether the way to the person works."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridd.app import database_url, read_settings
from hybridd.clock import SystemClock
from hybridd.errors import DataError
from hybridd.library.trial import send_test
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis, Signal, SignalState
from hybridd.model.change import Change
from hybridd.model.delivery import Delivery
from hybridd.model.memory import Memory
from hybridd.pipeline.acknowledge import acknowledge
from hybridd.pipeline.rules import rules_of
from hybridd.signals.changes import market_changes
from hybridd.store.store import open_store


class AlertSystem:
    """Alerts with the settings of `config` (a path; None: the usual places)."""

    def __init__(self, config: str | Path | None = None) -> None:
        self._config = Path(config) if config is not None else None
        self._settings = read_settings(self._config, need_secrets=False)
        self._clock = SystemClock()

    def changes(self, previous: Mapping[str, Any] | None, current: Mapping[str, Any]) -> tuple[Change, ...]:
        """What fires between two analyses, each a mapping with score (0–100), signal and confidence (0–1).

        Nothing is stored or sent. `previous` None is the very first analysis. Raises DataError for nonsense.
        """
        rules = rules_of(self._settings)
        before = _analysis(previous) if previous is not None else None
        return market_changes(before, _analysis(current), Memory(), rules.change)

    def history(self, limit: int = 50) -> list[Alert]:
        """The newest alerts, newest first."""
        store = open_store(database_url(self._settings), clock=self._clock)
        try:
            return store.alerts.list(limit=limit)
        finally:
            store.close()

    def acknowledge(self, alert_id: int, actor: str = "library") -> Alert:
        """Somebody has seen it: no further steps are taken. Raises IllegalTransition if it is over already."""
        now = self._clock.now()
        store = open_store(database_url(self._settings), clock=self._clock)
        try:
            return acknowledge(store, alert_id, actor, now)
        finally:
            store.close()

    def test(self, *channels: str) -> list[Delivery]:
        """Send a test alert the real way, by the named channels or by all; what became of each delivery."""
        return send_test(read_settings(self._config), list(channels))


def _analysis(facts: Mapping[str, Any]) -> Analysis:
    try:
        score, confidence, signal = float(facts["score"]), float(facts["confidence"]), Signal(facts["signal"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"not an analysis: {error}", remedy="give score, signal and confidence") from None
    if not 0 <= score <= 100 or not 0 <= confidence <= 1:
        raise DataError(
            "a score lies in 0–100 and a confidence in 0–1", remedy=f"these are {score:g} and {confidence:g}"
        )
    return Analysis(
        symbol=str(facts.get("symbol", "")),
        timeframe="",
        candle_close=0,
        price=float(facts.get("price", float("nan"))),
        score=score,
        state=SignalState(signal=signal),
        confidence=confidence,
        agreeing=0,
        answered=0,
        layers=0,
        degraded=False,
    )
