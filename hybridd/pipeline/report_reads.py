"""What reports and the decision journal read of the state: small questions, each answered in one place."""

from collections.abc import Mapping, Sequence

from hybridd.model.candle import Candles, no_candles
from hybridd.model.outcome import Outcome
from hybridd.model.proposal import Proposal
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.report_trades import Span
from hybridd.reports.journal import Case, cases
from hybridd.store.store import Store
from hybridd.trading.rules_alone import FollowRules, rules_alone


def cases_of(store: Store, span: Span, rules: FollowRules) -> tuple[Case, ...]:
    """One case for every proposal made in the period, walked through the candles that there are by now."""
    proposals = store.proposals.between(span.start, span.end)
    ids = {p.id for p in proposals}
    since = min((p.created_at for p in proposals), default=span.end)
    decisions = [found for found in store.proposals.decisions(since) if found.proposal_id in ids]
    return cases(proposals, decisions, store.trades.list(), _outcomes(store, proposals, span.end, rules))


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
