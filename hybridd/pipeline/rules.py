"""The settings as rules: the one place where keys of the file become arguments of the core."""

from hybridd.alerts.policy import PolicyRules
from hybridd.alerts.routing import Route, Step
from hybridd.config.schema import Settings
from hybridd.model.change import Severity
from hybridd.pipeline.observe import Rules
from hybridd.pipeline.trading_rules import trading_rules
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules


def rules_of(settings: Settings, key: bytes = b"") -> Rules:
    """Every rule that the settings decide; `key` is what answers to proposals are made from."""
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
                steps=tuple(Step(after_ms=step.after, channels=tuple(step.channels)) for step in route.steps),
            )
            for route in alerts.route
        ),
        trading=trading_rules(settings, key),
        time_to_live_ms=alerts.time_to_live,
    )
