"""The settings as rules: the one place where keys of the file become arguments of the core."""

from hybridd.alerts.flapping import FlapRules
from hybridd.alerts.policy import PolicyRules
from hybridd.alerts.quiet import QuietHours
from hybridd.alerts.restraint import RestraintRules
from hybridd.alerts.routing import Route, Step
from hybridd.config.schema import Settings
from hybridd.delivery.figures import zone_of
from hybridd.model.change import Severity
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline.observe import Rules
from hybridd.pipeline.trading_rules import trading_rules
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules


def rules_of(settings: Settings, timeframe: TimeFrame | None = None, key: bytes = b"") -> Rules:
    """Every rule that the settings decide. `timeframe`: of the candles, where they are not those of the settings.

    `key` is what answers to proposals are made from.
    """
    analysis, alerts = settings.analysis, settings.alerts
    step = (timeframe or settings.monitor.timeframe).ms
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
        policy=PolicyRules(
            cooldown_ms=alerts.cooldown,
            flapping=FlapRules(
                turns=alerts.flapping_turns,
                window_ms=alerts.flapping_window * step,
                calm_ms=alerts.flapping_calm * step,
            ),
        ),
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
        trading=trading_rules(settings, key),
        time_to_live_ms=alerts.time_to_live,
    )


def restraint_of(settings: Settings) -> RestraintRules:
    """Which messages must wait, as the settings have it."""
    alerts = settings.alerts
    return RestraintRules(
        quiet=quiet_hours(alerts.quiet_hours, alerts.timezone),
        quiet_channels=frozenset(alerts.quiet_channels),
        rate=alerts.rate,
        rate_critical=max(alerts.rate, alerts.rate_critical) if alerts.rate_critical else 0,
        rate_window_ms=alerts.rate_window,
        daily_segments=alerts.daily_sms_segments,
        reserve=alerts.sms_reserve,
        zone=zone_of(alerts.timezone),
    )


def quiet_hours(text: str, zone: str) -> QuietHours | None:
    """The hours of "23:00-07:00" in a zone; None for ""."""
    if not text:
        return None
    (start, end) = (60 * int(hour) + int(minute) for hour, minute in (part.split(":") for part in text.split("-")))
    return QuietHours(start=start, end=end, zone=zone_of(zone))
