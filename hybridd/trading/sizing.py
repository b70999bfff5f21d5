"""How large a position may be, so that its stop costs what the person wants to risk and no more."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from hybridd.model.analysis import Odds
from hybridd.model.order import MarketRules
from hybridd.model.trade import Side
from hybridd.trading.position import EXACT, exact

HUNDRED = Decimal(100)
ANY = MarketRules(tick=Decimal("0.00000001"), lot=Decimal("0.00000001"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """`account`: the money there is, in the quote currency, 0 where nobody said; `risk_percent` of it is lost at the
    stop; of Kelly's share at most `kelly_fraction` is staked.
    """

    account: Decimal = Decimal(0)
    risk_percent: float = 1.0
    kelly_fraction: float = 0.25
    fee_percent: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`quantity` in the base currency, `risk` the money lost at the stop with both fees; `why` what decided it."""

    quantity: Decimal
    risk: Decimal
    why: str


def kelly(probability: float, reward: float) -> float:
    """The share of the account that grows it fastest: p − (1 − p) / b, at 0 where it is a bad bet.

    `probability` of winning, `reward` b: what is won in units of what is lost (J. L. Kelly, "A New Interpretation of
    Information Rate", Bell System Technical Journal 35 (1956), p. 923, for a bet with two outcomes).
    """
    return max(0.0, probability - (1 - probability) / reward) if reward > 0 else 0.0


def size(
    side: Side,
    entry: Decimal,
    stop: Decimal,
    reward: float,
    odds: Odds | None,
    rules: SizeRules,
    market: MarketRules = ANY,
) -> Size:
    """The position for an entry with a stop; `reward` is the distance of its targets in distances of the stop.

    Quantity 0 where the account is not known, where the odds say that it is a bad bet, and where the market takes
    nothing so small. Never more than the account can buy.
    """
    if rules.account <= 0:
        return Size(quantity=Decimal(0), risk=Decimal(0), why="the account's size is not set")
    share, why = _share(side, reward, odds, rules)
    lost = _loss_of_one(entry, stop, exact(rules.fee_percent))
    wanted = EXACT.divide(EXACT.multiply(rules.account, share), lost)
    most = EXACT.divide(rules.account, EXACT.multiply(entry, 1 + exact(rules.fee_percent) / HUNDRED))
    if wanted > most:
        wanted, why = most, "the account buys no more"
    quantity = (wanted / market.lot).to_integral_value(rounding=ROUND_DOWN) * market.lot
    if quantity < market.least_quantity or quantity * entry < market.least_money:
        return Size(quantity=Decimal(0), risk=Decimal(0), why=f"{why}; the market takes nothing so small")
    return Size(quantity=quantity, risk=EXACT.multiply(quantity, lost), why=why)


def _share(side: Side, reward: float, odds: Odds | None, rules: SizeRules) -> tuple[Decimal, str]:
    """The share of the account to risk, and what set it. Without measured odds Kelly's formula has nothing to say."""
    wanted = exact(rules.risk_percent) / HUNDRED
    words = f"{rules.risk_percent:g} % of the account at risk"
    if odds is None:
        return wanted, words
    win = odds.probability if side is Side.LONG else 1 - odds.probability
    cap = exact(rules.kelly_fraction * kelly(win, reward))
    if cap >= wanted:
        return wanted, words
    return cap, f"{float(cap) * 100:.2g} % of the account at risk: the odds justify no more"


def _loss_of_one(entry: Decimal, stop: Decimal, fee_percent: Decimal) -> Decimal:
    """What one unit loses at the stop, with the fee of each side."""
    return abs(entry - stop) + (entry + stop) * fee_percent / HUNDRED
