"""What fires: the rules that compare an analysis with the one before and with what the person was last told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hybridd.model.analysis import Analysis, Seen, Signal
from hybridd.model.change import TRADE, Change, Reason
from hybridd.model.memory import Held, Memory, told_key
from hybridd.model.trade import BY_ITSELF, Trade

FIRST = "the first analysis"
"""What a drift is measured from while nothing was told yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """`score_jump` and `score_drift` in score points, `confidence_high` in [0, 1], `cooldown_ms` a pause in ms."""

    score_jump: float = 5.0
    score_drift: float = 10.0
    confidence_high: float = 0.85
    cooldown_ms: int = 900_000


def market_changes(before: Seen | None, now: Seen, memory: Memory, rules: ChangeRules) -> tuple[Change, ...]:
    """What fired in `now`. `before` is the last analysis that could be told of, however old; None at the very first."""
    return tuple([change for rule in MARKET_RULES if (change := rule(before, now, memory, rules)) is not None])


def _signal_changed(before: Seen | None, now: Seen, memory: Memory, rules: ChangeRules) -> Change | None:
    # Before the first analysis nobody has an opinion: a market that is hot from the start is news.
    was = before.signal if before else Signal.NEUTRAL
    if now.signal is was:
        return _held_back(now, memory, rules)
    return _change(now, Reason.SIGNAL_CHANGED, was.value, now.signal.value)


def _held_back(now: Seen, memory: Memory, rules: ChangeRules) -> Change | None:
    """The change of signal that the cool-down hid, told once it is over, if the person still knows the old one."""
    if memory.held_at is None or memory.flapping_at is not None or now.signal is memory.told_signal:
        return None
    if _cools(Reason.SIGNAL_CHANGED, now, memory, rules):
        return None
    return Change(
        subject=now.symbol,
        reason=Reason.SIGNAL_CHANGED,
        at=now.candle_close,
        before=memory.told_signal.value,
        after=now.signal.value,
        deferred_from=memory.held_at,
    )


def _cools(reason: Reason, now: Seen, memory: Memory, rules: ChangeRules) -> bool:
    told = memory.last_told(reason, now.symbol)
    return told is not None and now.candle_close - told < rules.cooldown_ms


def _score_jump(before: Seen | None, now: Seen, memory: Memory, rules: ChangeRules) -> Change | None:
    if before is not None and abs(now.score - before.score) >= rules.score_jump:
        return _change(now, Reason.SCORE_JUMP, before.score, now.score)
    held, anchor = memory.held_back(Reason.SCORE_JUMP, now.symbol), memory.anchor_score
    if held is None or anchor is None or _cools(Reason.SCORE_JUMP, now, memory, rules):
        return None
    # Nobody was told of the jump: it is news as long as the score stays that far from what they know.
    if abs(now.score - anchor) < rules.score_jump:
        return None
    return replace(_change(now, Reason.SCORE_JUMP, anchor, now.score), deferred_from=held.at)


def _score_drift(_: Seen | None, now: Seen, memory: Memory, rules: ChangeRules) -> Change | None:
    if memory.anchor_score is None or abs(now.score - memory.anchor_score) < rules.score_drift:
        return None
    change = _change(now, Reason.SCORE_DRIFT, memory.anchor_score, now.score)
    # Before the first alert the anchor is the first score that there was.
    return change if memory.told_at else replace(change, detail=FIRST)


def _confidence_high(before: Seen | None, now: Seen, memory: Memory, rules: ChangeRules) -> Change | None:
    if now.confidence < rules.confidence_high or now.signal is Signal.NEUTRAL:
        return None
    was = before.confidence if before else 0.0
    if was < rules.confidence_high:
        return _change(now, Reason.CONFIDENCE_HIGH, was, now.confidence)
    held = memory.held_back(Reason.CONFIDENCE_HIGH, now.symbol)
    if held is None or _cools(Reason.CONFIDENCE_HIGH, now, memory, rules):
        return None
    return replace(_change(now, Reason.CONFIDENCE_HIGH, held.before, now.confidence), deferred_from=held.at)


def _change(now: Seen, reason: Reason, before: str | float, after: str | float) -> Change:
    return Change(subject=now.symbol, reason=reason, at=now.candle_close, before=before, after=after)


MarketRule = Callable[[Seen | None, Seen, Memory, ChangeRules], Change | None]
# The order in which a message names them: the first is its headline.
MARKET_RULES: tuple[MarketRule, ...] = (_signal_changed, _score_jump, _score_drift, _confidence_high)


def trade_changes(now: Analysis, trades: Sequence[Trade], memory: Memory, step: int) -> tuple[Change, ...]:
    """Targets and stops that were reached and trades that the signal turned against, each told once a trade.

    `step` is the candle's length in ms: a candle that opened before the entry counts with its close only, because its
    high and low may be older than the trade. What was reached unheard before this candle is told with its moment.
    """
    mine = [trade for trade in trades if trade.symbol == now.symbol and now.candle_close > trade.entry_at]
    found = {
        (c.reason, c.subject): c
        for trade in mine
        for c in (*_of_trade(now, trade, step), *_unheard(now, trade, memory))
    }
    return tuple(c for key, c in found.items() if memory.last_told(*key) is None)


def _unheard(now: Analysis, trade: Trade, memory: Memory) -> Iterator[Change]:
    for reason in (Reason.TRADE_STOP, Reason.TRADE_TARGET):
        held = memory.held_back(reason, _subject(trade, reason))
        if held is not None:
            yield replace(_trade_change(now, reason, trade, held.before, held.after), deferred_from=held.at)


def keep_touched(now: Analysis, trades: Sequence[Trade], memory: Memory, step: int) -> Memory:
    """`memory` with the stops and targets that a candle reached of which nobody is told: the next one tells it."""
    touched = {
        told_key(c.reason, c.subject): Held(at=c.at, before=c.before, after=c.after)
        for c in trade_changes(now, trades, memory, step)
        if isinstance(c.before, float) and isinstance(c.after, float)
    }
    new = touched.keys() - memory.held.keys()
    return replace(memory, held={**memory.held, **{key: touched[key] for key in new}}) if new else memory


def forget_closed(memory: Memory, trades: Sequence[Trade]) -> Memory:
    """`memory` without what was told of trades that are not among the open `trades`: else it would grow for ever."""
    closed = _of_closed(memory.told_at, trades), _of_closed(memory.held, trades)
    if not any(closed):
        return memory
    told_at = {key: at for key, at in memory.told_at.items() if key not in closed[0]}
    return replace(memory, told_at=told_at, held={key: h for key, h in memory.held.items() if key not in closed[1]})


def _of_closed(keys: Iterable[str], trades: Sequence[Trade]) -> set[str]:
    of_trades = [key for key in keys if key.startswith(_TRADE_KEYS)]
    if not of_trades:
        return set()
    open_ones = {str(trade.id) for trade in trades}
    return {key for key in of_trades if key.partition(":trade ")[2].partition(" ")[0] not in open_ones}


_TRADE_KEYS = tuple(f"{reason}:" for reason in TRADE)


def _of_trade(now: Analysis, trade: Trade, step: int) -> Iterator[Change]:
    whole = now.candle_close - step >= trade.entry_at
    best, worst = _reach(now, trade, whole)
    sign = trade.side.sign
    if trade.stop_price is not None and sign * (worst - trade.stop_price) <= 0:
        yield _trade_change(now, Reason.TRADE_STOP, trade, trade.stop_price, worst)
    if trade.target_price is not None and sign * (best - trade.target_price) >= 0:
        yield _trade_change(now, Reason.TRADE_TARGET, trade, trade.target_price, best)
    if now.signal.value == Signal(trade.side.value).opposite.value:
        yield _trade_change(now, Reason.TRADE_AGAINST, trade, trade.side.value, now.signal.value)


def _reach(now: Analysis, trade: Trade, whole: bool) -> tuple[float, float]:
    high, low = (now.high, now.low) if whole and now.high == now.high else (now.price, now.price)
    return (high, low) if trade.side.sign > 0 else (low, high)


def _trade_change(now: Analysis, reason: Reason, trade: Trade, before: str | float, after: str | float) -> Change:
    part = _part(trade) if reason is Reason.TRADE_TARGET and len(trade.targets) > 1 else ""
    # Whoever reads of a trade that nobody was asked about must see that.
    detail = ", ".join(filter(None, (now.symbol, part, BY_ITSELF if trade.auto else "")))
    subject = _subject(trade, reason)
    return Change(subject=subject, reason=reason, at=now.candle_close, before=before, after=after, detail=detail)


def _subject(trade: Trade, reason: Reason) -> str:
    """Each of several targets is news of its own."""
    later = reason is Reason.TRADE_TARGET and trade.reached
    return f"trade {trade.id} target {trade.reached + 1}" if later else f"trade {trade.id}"


def _part(trade: Trade) -> str:
    share = trade.targets[min(trade.reached, len(trade.targets) - 1)].share
    return f"target {trade.reached + 1} of {len(trade.targets)}: {share:.0%} of the trade leaves here"
