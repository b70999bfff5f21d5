"""What reports and the decision journal read of the state: small questions, each answered in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridd.model.candle import Candles, no_candles
from hybridd.model.outcome import Outcome
from hybridd.model.proposal import Proposal
from hybridd.model.timeframe import parse_timeframe
from hybridd.model.trade import Trade, TradeState
from hybridd.reports.journal import Case, cases
from hybridd.store.store import Store
from hybridd.trading.rules_alone import FollowRules, rules_alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period: from `start` to before `end`, ms UTC."""

    start: int
    end: int

    def holds(self, at: int | None) -> bool:
        """Whether an instant lies in it."""
        return at is not None and self.start <= at < self.end


def span_of(store: Store, days: float, now: int) -> Span:
    """The last `days` up to now; where the market's clock runs ahead of the wall's, as in a demo, up to its newest."""
    newest = max((a.candle_close + 1 for a in store.analyses.latest()), default=now)
    end = max(now, newest)
    return Span(start=end - round(days * 86_400_000), end=end)


def cases_of(store: Store, span: Span, rules: FollowRules) -> tuple[Case, ...]:
    """One case for every proposal made in the period, walked through the candles that there are by now."""
    proposals = store.proposals.between(span.start, span.end)
    decisions = [found for p in proposals if (found := store.proposals.decision(p.id)) is not None]
    return cases(proposals, decisions, store.trades.list(), _outcomes(store, proposals, span.end, rules))


def closed_in(store: Store, span: Span) -> tuple[Trade, ...]:
    """The trades that were closed in the period."""
    return tuple(trade for trade in store.trades.list() if span.holds(trade.exit_at))


def held_in(store: Store, span: Span) -> tuple[Trade, ...]:
    """The trades that were open at some moment of the period."""
    return tuple(
        trade
        for trade in store.trades.list()
        if trade.entry_at < span.end and (trade.state is TradeState.OPEN or (trade.exit_at or 0) >= span.start)
    )


def _outcomes(store: Store, proposals: Sequence[Proposal], end: int, rules: FollowRules) -> list[Outcome]:
    """Of each, in the same order; the candles of a market are read once."""
    first: dict[tuple[str, str], int] = {}
    for p in proposals:
        key = p.symbol, p.timeframe
        first[key] = min(p.candle_close, first.get(key, p.candle_close))
    candles = {key: candles_of(store, *key, start, end) for key, start in first.items()}
    return [_outcome(candles, p, rules) for p in proposals]


def _outcome(candles: Mapping[tuple[str, str], Candles], proposal: Proposal, rules: FollowRules) -> Outcome:
    return rules_alone(proposal, candles[proposal.symbol, proposal.timeframe].since(proposal.candle_close), rules)


def candles_of(store: Store, symbol: str, timeframe: str, start: int, end: int) -> Candles:
    """Those that opened from `start` and had closed by `end`; none of a time frame that cannot be read."""
    try:
        step = parse_timeframe(timeframe).ms
    except ValueError:
        return no_candles(1)
    return store.candles.between(symbol, timeframe, step, start, end - step + 1)
