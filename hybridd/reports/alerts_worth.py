"""What the alerts were worth: how many of which kind, whether they arrived, and what price did after them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from hybridd.model.alert import Alert
from hybridd.model.analysis import Signal
from hybridd.model.candle import Candles
from hybridd.model.change import MARKET
from hybridd.reports.calibration import wilson_interval
from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.words import NONE, counted, listed, percent, share

AHEAD = (3_600_000, 4 * 3_600_000)
"""How long after an alert price is looked at: an hour, and four."""
HOUR_WORDS = ("1 h", "4 h")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """One alert that was told or should have been.

    `after`: the move of price 1 h and 4 h after its candle in percent, None where not known; `signal` is the side that
    it spoke for, "" for none. `told`: it reached somebody beyond the journal; `missed`: it should have and never will.
    """

    id: int
    at: int
    subject: str
    reasons: tuple[str, ...]
    severity: str
    market: bool
    signal: str
    after: tuple[float | None, ...]
    told: bool
    missed: bool
    acked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFacts:
    """The alerts of one kind: `right` of `judged` went the way of their signal, 1 h and 4 h after; `moves` are the
    medians of how far price went, whichever way, in percent."""

    reason: str
    n: int
    acked: int
    missed: int
    judged: tuple[int, ...]
    right: tuple[int, ...]
    moves: tuple[float | None, ...]


def alert_facts(alert: Alert, candles: Candles | None, *, told: bool, missed: bool, acked: bool) -> AlertFacts:
    """The facts of one alert; `candles` are its market's, None where it has none."""
    now = alert.analysis
    signal = now.signal.value if now is not None and now.signal is not Signal.NEUTRAL else ""
    after: tuple[float | None, ...] = (None,) * len(AHEAD)
    if now is not None and candles is not None:
        after = tuple(_move(candles, now.candle_close, ahead) for ahead in AHEAD)
    return AlertFacts(
        id=alert.id,
        at=alert.created_at,
        subject=alert.subject,
        reasons=tuple(reason.value for reason in alert.reasons),
        severity=alert.severity.value,
        market=bool(MARKET & set(alert.reasons)),
        signal=signal,
        after=after,
        told=told,
        missed=missed,
        acked=acked,
    )


def kinds(alerts: Sequence[AlertFacts]) -> tuple[KindFacts, ...]:
    """By their first reason, most frequent first: every alert is counted once."""
    names = list(dict.fromkeys(alert.reasons[0] for alert in alerts))
    found = [_kind(name, [alert for alert in alerts if alert.reasons[0] == name]) for name in names]
    return tuple(sorted(found, key=lambda kind: (-kind.n, kind.reason)))


def section(alerts: Sequence[AlertFacts], suppressed: Mapping[str, int]) -> Section:
    """The alerts as a part of a report; `suppressed` counts what was told to nobody, by the reason why."""
    return Section(title="The alerts", blocks=tuple(_blocks(alerts, suppressed)))


def _blocks(alerts: Sequence[AlertFacts], suppressed: Mapping[str, int]) -> Iterator[Block]:
    held = listed([f"{n} for {name}" for name, n in suppressed.items()])
    if not alerts:
        more = f" {counted(sum(suppressed.values()), 'change')} stayed untold: {held}." if suppressed else ""
        yield Words(text=f"Nothing was worth an alert in this period.{more}")
        return
    missed, acked = sum(a.missed for a in alerts), sum(a.acked for a in alerts)
    yield Figures(
        items=(
            ("Alerts", str(len(alerts)), f"{sum(suppressed.values())} more held back" if suppressed else ""),
            ("Acknowledged", str(acked), share(acked / len(alerts))),
            ("Missed", str(missed), "reached nobody" if missed else "none"),
        )
    )
    if sentence := _usefulness(alerts):
        yield Words(text=sentence, tone="strong")
    yield Grid(
        columns=(
            "alert",
            " n",
            " acked",
            " missed",
            *(f" {words}" for words in HOUR_WORDS),
            *(f" right {words}" for words in HOUR_WORDS),
        ),
        rows=tuple(_row(kind) for kind in kinds(alerts)),
    )
    yield Words(
        text="1 h and 4 h: how far price had gone by then, either way (median). Right: how many went the way of the "
        "signal they came with, after 1 h and after 4 h." + (f" Held back: {held}." if held else ""),
        tone="quiet",
    )


def _usefulness(alerts: Sequence[AlertFacts]) -> str:
    """Whether price followed the signal, with the interval that so few cases deserve."""
    parts = []
    for i, words in enumerate(HOUR_WORDS):
        judged = [right for alert in alerts if (right := _right(alert, i)) is not None]
        if judged:
            hits = wilson_interval(sum(judged) / len(judged), len(judged))
            parts.append(
                f"{sum(judged)} of {len(judged)} after {words} (95 %: {share(hits.low)} to {share(hits.high)})"
            )
    return f"Price went the way of the signal in {listed(parts)}." if parts else ""


def _kind(reason: str, alerts: Sequence[AlertFacts]) -> KindFacts:
    def each(i: int) -> list[bool]:
        return [right for alert in alerts if (right := _right(alert, i)) is not None]

    def moved(i: int) -> float | None:
        sizes = [abs(move) for alert in alerts if (move := alert.after[i]) is not None]
        return median(sizes) if sizes else None

    places = range(len(AHEAD))
    return KindFacts(
        reason=reason,
        n=len(alerts),
        acked=sum(alert.acked for alert in alerts),
        missed=sum(alert.missed for alert in alerts),
        judged=tuple(len(each(i)) for i in places),
        right=tuple(sum(each(i)) for i in places),
        moves=tuple(moved(i) for i in places),
    )


def _row(kind: KindFacts) -> tuple[str, ...]:
    right = (f"{r} of {n}" if n else NONE for r, n in zip(kind.right, kind.judged, strict=True))
    moves = (percent(move).lstrip("+") for move in kind.moves)
    name = kind.reason.replace("_", " ").capitalize()
    return (name, str(kind.n), str(kind.acked), str(kind.missed), *moves, *right)


def _right(alert: AlertFacts, i: int) -> bool | None:
    """Whether price went the way of the signal; None for an alert without one, or a price that stood still."""
    move = alert.after[i]
    if not alert.market or not alert.signal or not move:
        return None
    return (move > 0) == (alert.signal == Signal.LONG.value)


def _move(candles: Candles, close: int, ahead: int) -> float | None:
    """Price `ahead` ms after the candle that closed at `close`, in percent; None where either candle is missing."""
    closes = candles.close_time
    places = [int(i) for i in closes.searchsorted((close, close + ahead))]
    if any(i >= len(closes) or closes[i] != at for i, at in zip(places, (close, close + ahead), strict=True)):
        return None
    first, later = (float(candles.close[i]) for i in places)
    return (later / first - 1) * 100
