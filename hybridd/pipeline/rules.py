"""The settings as rules: the one place where keys of the file become arguments of the core."""

from hybridd.alerts.policy import PolicyRules
from hybridd.alerts.routing import Route, Step
from hybridd.config.schema import Settings
from hybridd.model.change import Severity
from hybridd.pipeline.observe import Rules
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules


def rules_of(settings: Settings) -> Rules:
    """Every rule that the settings decide."""
    analysis, alerts = settings.analysis, settings.alerts
    return Rules(
        signal=SignalRules(
            long_threshold=analysis.long_threshold,
            short_threshold=analysis.short_threshold,
            hysteresis=analysis.hysteresis,
            confirm=analysis.confirm,
        ),
        change=ChangeRules(
            score_jump=alerts.score_jump,
            score_drift=alerts.score_drift,
            confidence_high=alerts.confidence_high,
            cooldown_ms=alerts.cooldown,
        ),
        policy=PolicyRules(cooldown_ms=alerts.cooldown),
        routes=tuple(
            Route(
                severities=frozenset(Severity(name) for name in route.severity),
                steps=tuple(
                    Step(after_ms=step.after, channels=tuple(step.channels), repeat_ms=step.repeat, times=step.times)
                    for step in route.steps
                ),
            )
            for route in alerts.route
        ),
        time_to_live_ms=alerts.time_to_live,
    )
