"""Whether something new may be begun: every limit that the person set, in the order in which it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.trade import Side, Trade


class Pause(StrEnum):
    """What the person has switched off."""

    NONE = "none"
    REDUCE_ONLY = "reduce_only"  # nothing new; what is open may be closed
    PAUSED = "paused"  # nothing is proposed
    KILLED = "killed"  # nothing is sent to any broker any more, and only the person ends that


class Veto(StrEnum):
    """Why nothing was proposed, or why an approval does not count now."""

    KILLED = "KILLED"
    PAUSED = "PAUSED"
    REDUCE_ONLY = "REDUCE_ONLY"
    OPEN_TRADES = "OPEN_TRADES"
    SYMBOL_TRADES = "SYMBOL_TRADES"
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    CONFIDENCE = "CONFIDENCE"
    FEES = "FEES"  # they take so much of the gain that nothing is left to win
    NO_RANGE = "NO_RANGE"  # the price does not move: there is no distance for a stop


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """Limits: numbers of open trades, and losses in percent of the account (0 for none)."""

    max_open_trades: int = 3
    max_symbol_trades: int = 1
    max_daily_loss_percent: float = 3.0
    max_drawdown_percent: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the person stands now: `lost_today` and `drawdown` in percent of the account, 0 or above."""

    open_trades: Sequence[Trade] = ()
    lost_today: float = 0.0
    drawdown: float = 0.0
    pause: Pause = Pause.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A veto, and the figures that made it as one line."""

    veto: Veto
    detail: str


def refusal(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:
    """The first limit that forbids a new trade; None where nothing does."""
    for check in _CHECKS:
        if found := check(symbol, side, standing, rules):
            return found
    return None


def _switched_off(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:  # noqa: ARG001
    words = {
        Pause.KILLED: (Veto.KILLED, "the kill switch is on"),
        Pause.PAUSED: (Veto.PAUSED, "proposing is paused"),
        Pause.REDUCE_ONLY: (Veto.REDUCE_ONLY, "only what reduces is allowed"),
    }
    return Refusal(veto=words[standing.pause][0], detail=words[standing.pause][1]) if standing.pause in words else None


def _too_many(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:  # noqa: ARG001
    count = len(standing.open_trades)
    if count < rules.max_open_trades:
        return None
    return Refusal(veto=Veto.OPEN_TRADES, detail=f"{count} trades are open, the limit is {rules.max_open_trades}")


def _too_many_here(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:  # noqa: ARG001
    count = sum(trade.symbol == symbol for trade in standing.open_trades)
    if count < rules.max_symbol_trades:
        return None
    detail = f"{count} of {symbol} open already, the limit is {rules.max_symbol_trades}"
    return Refusal(veto=Veto.SYMBOL_TRADES, detail=detail)


def _lost_today(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:  # noqa: ARG001
    return _beyond(Veto.DAILY_LOSS, "lost today", standing.lost_today, rules.max_daily_loss_percent)


def _fallen(symbol: str, side: Side, standing: Standing, rules: RiskRules) -> Refusal | None:  # noqa: ARG001
    return _beyond(Veto.DRAWDOWN, "under its highest", standing.drawdown, rules.max_drawdown_percent)


def _beyond(veto: Veto, words: str, figure: float, limit: float) -> Refusal | None:
    if not limit or figure < limit:
        return None
    return Refusal(veto=veto, detail=f"{figure:.2f} % {words}, the limit is {limit:g} %")


Check = Callable[[str, Side, Standing, RiskRules], Refusal | None]
_CHECKS: tuple[Check, ...] = (_switched_off, _lost_today, _fallen, _too_many, _too_many_here)
