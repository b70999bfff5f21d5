"""What must hold between keys: thresholds in order, switched-on sections complete, routes that lead somewhere."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hybridd.config.keys import KeyPath, closest
from hybridd.config.problems import Kind, Level
from hybridd.config.schema import Settings
from hybridd.config.sections_tell import CHANNELS
from hybridd.config.toml_text import shortened
from hybridd.config.values import duration_text, is_within, parse_drill

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not hold, at a key; its place is looked up by the caller."""

    path: KeyPath
    kind: Kind
    message: str
    remedy: str
    level: Level = Level.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check with the keys that it reads: where one of them is bad already, it is not asked."""

    reads: frozenset[str]
    findings: Callable[[Settings], Iterable[Finding]]


def _rule(findings: Callable[[Settings], Iterable[Finding]], *reads: str) -> Rule:
    return Rule(reads=frozenset(reads), findings=findings)


def _symbols(settings: Settings) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, (written, instrument) in enumerate(zip(settings.monitor.symbols, settings.instruments, strict=True)):
        path = ("monitor", "symbols", index)
        if instrument.symbol in seen:
            message = f'"{written}" is the same market as one before it'
            yield Finding(path=path, kind=Kind.DUPLICATE, message=message, remedy="remove one of the two")
        seen.add(instrument.symbol)


def _recorded(settings: Settings) -> Iterator[Finding]:
    if settings.market.source == "recorded" and not settings.market.path:
        message = 'is empty, but market.source is "recorded"'
        remedy = "name the folder with the candle files"
        yield Finding(path=("market", "path"), kind=Kind.INCOMPLETE, message=message, remedy=remedy)


def _thresholds(settings: Settings) -> Iterator[Finding]:
    a = settings.analysis
    if a.short_threshold >= a.long_threshold:
        message = f"{a.short_threshold:g} must be below analysis.long_threshold ({a.long_threshold:g})"
        remedy = "for example short_threshold = 35.0 and long_threshold = 65.0"
        yield Finding(path=("analysis", "short_threshold"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)
    elif a.hysteresis >= (gap := (a.long_threshold - a.short_threshold) / 2):
        message = f"{a.hysteresis:g} must be below {gap:g}, half the gap between the thresholds"
        remedy = "lower it, or move the thresholds apart"
        yield Finding(path=("analysis", "hysteresis"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)


def _brain(settings: Settings) -> Iterator[Finding]:
    a, frame = settings.analysis, settings.monitor.timeframe
    if a.command and a.brain != "hybridd":
        message = "is set, but so is analysis.brain: only one of them can be the brain"
        remedy = 'remove it, or set brain = "hybridd"'
        yield Finding(path=("analysis", "command"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)
    if a.command and a.timeout >= frame.ms:
        message = f"{duration_text(a.timeout)} is not shorter than monitor.timeframe ({frame}): analyses may be late"
        path = ("analysis", "timeout")
        remedy = "shorten it"
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


def _email_needs(name: str) -> Rule:
    def findings(settings: Settings) -> Iterator[Finding]:
        if settings.email.enabled and not getattr(settings.email, name):
            message, remedy = "is empty, but email.enabled is true", "fill it in, or set email.enabled = false"
            yield Finding(path=("email", name), kind=Kind.INCOMPLETE, message=message, remedy=remedy)

    return _rule(findings, "email.enabled", f"email.{name}")


def _email_login(settings: Settings) -> Iterator[Finding]:
    email = settings.email
    if email.enabled and bool(email.username) != bool(email.password):
        empty, other = ("password", "username") if email.username else ("username", "password")
        message, remedy = f"is empty, but email.{other} is set", "fill in both, or neither for a server without login"
        yield Finding(path=("email", empty), kind=Kind.INCOMPLETE, message=message, remedy=remedy)
    if email.enabled and email.password and email.security == "none" and email.smtp_server not in _LOCAL:
        message, remedy = "the password travels unencrypted", 'set security = "starttls" or "tls"'
        path = ("email", "security")
        yield Finding(path=path, kind=Kind.EXPOSED, message=message, remedy=remedy, level=Level.WARNING)


def _email_route(settings: Settings) -> Iterator[Finding]:
    used = {channel for route in settings.alerts.route for step in route.steps for channel in step.channels}
    if settings.email.enabled and "email" not in used:
        message, remedy = "is true, but no route leads to email", 'add "email" to a step of alerts.route'
        path = ("email", "enabled")
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


def _channel_names(settings: Settings) -> Iterator[Finding]:
    known = [*CHANNELS, *(channel.name for channel in settings.channels)]
    for index, channel in enumerate(settings.channels):
        if known.index(channel.name) < len(CHANNELS) + index:
            message, remedy = f'there is a channel "{channel.name}" already', "choose another name"
            yield Finding(path=("channels", index, "name"), kind=Kind.DUPLICATE, message=message, remedy=remedy)
    for path, name in _routed(settings):
        if name not in known:
            guess = closest(name.lower(), known)[0]
            remedy = f'did you mean "{guess}"?' if guess else f"known are {', '.join(known)}"
            message = f"there is no channel {shortened(name)}"
            yield Finding(path=path, kind=Kind.UNKNOWN_CHANNEL, message=message, remedy=remedy)


def _routed(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for i, name in enumerate(settings.alerts.quiet_channels):
        yield ("alerts", "quiet_channels", i), name
    for i, route in enumerate(settings.alerts.route):
        for j, step in enumerate(route.steps):
            for k, name in enumerate(step.channels):
                yield ("alerts", "route", i, "steps", j, "channels", k), name


def _reserve(settings: Settings) -> Iterator[Finding]:
    kept, most = settings.alerts.sms_reserve, settings.alerts.daily_sms_segments
    if settings.sms.enabled and kept >= most:
        message = f"{kept} of {most} a day are kept for critical alerts: no other goes by SMS"
        remedy = "lower it, or raise alerts.daily_sms_segments"
        path = ("alerts", "sms_reserve")
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


def _routes(settings: Settings) -> Iterator[Finding]:
    taken: set[str] = set()
    for i, route in enumerate(settings.alerts.route):
        path = ("alerts", "route", i)
        yield from _repeated((*path, "severity"), route.severity)
        if taken.issuperset(route.severity):
            message, remedy = "is never reached: earlier routes take all of its severities", "remove it or move it up"
            yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)
        taken.update(route.severity)
        for j, step in enumerate(route.steps):
            yield from _repeated((*path, "steps", j, "channels"), step.channels)
            yield from _step_times(settings, i, j)


def _repeated(path: KeyPath, names: Iterable[str]) -> Iterator[Finding]:
    for name, count in Counter(names).items():
        if count > 1:
            message = f'"{name}" is there {count} times'
            yield Finding(path=path, kind=Kind.DUPLICATE, message=message, remedy="write it once")


def _step_times(settings: Settings, i: int, j: int) -> Iterator[Finding]:
    steps, life = settings.alerts.route[i].steps, settings.alerts.time_to_live
    path = ("alerts", "route", i, "steps", j, "after")
    after = duration_text(steps[j].after)
    if j and steps[j].after < steps[j - 1].after:
        message = f"{after} is before the step above it ({duration_text(steps[j - 1].after)})"
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy="put the steps in order of time")
    if steps[j].after >= life:
        message = f"{after} is not before alerts.time_to_live ({duration_text(life)}): this step is never sent"
        remedy = "shorten it, or lengthen time_to_live"
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


def _broker(settings: Settings) -> Iterator[Finding]:
    trading, market = settings.trading, settings.market
    path = ("trading", "broker")
    if trading.broker == "exchange" and not trading.live:
        message, remedy = 'is "exchange", but trading.live is false: no order would be sent', "set live = true"
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=f'{remedy}, or broker = "paper"')
    if trading.broker == "exchange" and market.source != "exchange":
        message = f'is "exchange", but market.source is "{market.source}": real orders need real prices'
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy='set broker = "paper"')
    if trading.broker != "manual" and not trading.account:
        message = f'is 0, but trading.broker is "{trading.broker}": proposals have no size, so none can be approved'
        path, remedy = ("trading", "account"), "say how much money there is"
        yield Finding(path=path, kind=Kind.INCOMPLETE, message=message, remedy=remedy, level=Level.WARNING)


def _live(settings: Settings) -> Iterator[Finding]:
    if settings.trading.live and settings.trading.broker != "exchange":
        message = f'is true, but trading.broker is "{settings.trading.broker}": no real order would be sent'
        remedy = 'set broker = "exchange", or live = false'
        yield Finding(path=("trading", "live"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)


def _auto(settings: Settings) -> Iterator[Finding]:
    if settings.trading.auto and settings.trading.broker == "manual":
        message = 'is true, but trading.broker is "manual": nobody would carry it out'
        remedy = 'set broker = "paper" first, to see what it does'
        yield Finding(path=("trading", "auto"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)


def _exchange_key(name: str) -> Rule:
    def findings(settings: Settings) -> Iterator[Finding]:
        if settings.trading.broker == "exchange" and not getattr(settings.trading, name):
            message, remedy = 'is empty, but trading.broker is "exchange"', 'fill it in, or set broker = "paper"'
            yield Finding(path=("trading", name), kind=Kind.INCOMPLETE, message=message, remedy=remedy)

    return _rule(findings, "trading.broker", f"trading.{name}")


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database.url.get_secret_value().startswith("sqlite:"):
        message, remedy = "this version has no PostgreSQL store yet", "use sqlite:////var/lib/hybridd/state.db"
        yield Finding(path=("database", "url"), kind=Kind.NOT_AVAILABLE, message=message, remedy=remedy)


def _drill(settings: Settings) -> Iterator[Finding]:
    when, quiet = parse_drill(settings.health.drill), settings.alerts.quiet_hours
    if when is not None and is_within(f"{when[1] // 60:02d}:{when[1] % 60:02d}", quiet):
        message = f"{settings.health.drill} lies in alerts.quiet_hours ({quiet}): no drill is made then"
        remedy, path = 'choose a waking hour, such as "sun 11:00"', ("health", "drill")
        yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


RULES = (
    _rule(_symbols, "monitor.symbols", "market.market_type"),
    _rule(_recorded, "market.source", "market.path"),
    _rule(_thresholds, "analysis.long_threshold", "analysis.short_threshold", "analysis.hysteresis"),
    _rule(_brain, "analysis.brain", "analysis.command", "analysis.timeout", "monitor.timeframe"),
    *(_email_needs(name) for name in ("smtp_server", "sender_email", "recipient_email")),
    _rule(_email_login, *(f"email.{name}" for name in ("enabled", "smtp_server", "username", "password", "security"))),
    _rule(_email_route, "email.enabled", "alerts.route"),
    _rule(_channel_names, "alerts.route", "alerts.quiet_channels", "channels"),
    _rule(_reserve, "sms.enabled", "alerts.daily_sms_segments", "alerts.sms_reserve"),
    _rule(_routes, "alerts.route", "alerts.time_to_live"),
    _rule(_drill, "health.drill", "alerts.quiet_hours"),
    _rule(_broker, *(f"trading.{name}" for name in ("broker", "live", "account")), "market.source"),
    _rule(_live, "trading.live", "trading.broker"),
    _rule(_auto, "trading.auto", "trading.broker"),
    _exchange_key("api_key"),
    _exchange_key("api_secret"),
    _rule(_database, "database.url"),
)
