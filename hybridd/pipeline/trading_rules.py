"""Every rule between an alert and a trade, as the settings decide it."""

from dataclasses import dataclass, field

from hybridd.config.schema import Settings
from hybridd.decisions.answers import AnswerRules
from hybridd.decisions.propose import ProposeRules
from hybridd.pipeline.orders import MANUAL
from hybridd.trading.position import exact
from hybridd.trading.risk import RiskRules
from hybridd.trading.sizing import SizeRules

GRACE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """`propose` off: no proposal is made. `zone`: where the person's day begins; `key`: what answers are made from.

    After `break_even_after` targets the stop moves to the entry, 0: never. `broker`: who carries approved proposals out
    ("manual": the person); `real`: with real money; `auto`: unasked.
    """

    making: bool = False
    propose: ProposeRules = field(default_factory=ProposeRules)
    size: SizeRules = field(default_factory=SizeRules)
    risk: RiskRules = field(default_factory=RiskRules)
    answer: AnswerRules = field(default_factory=AnswerRules)
    zone: str = "UTC"
    broker: str = MANUAL
    break_even_after: int = 1
    real: bool = False
    auto: bool = False
    key: bytes = field(default=b"", repr=False)


def trading_rules(settings: Settings, key: bytes = b"") -> TradingRules:
    """The rules of `[decisions]` and `[trading]`."""
    decisions, trading = settings.decisions, settings.trading
    settle = round(settings.monitor.settle_seconds * 1000)
    return TradingRules(
        making=decisions.propose,
        propose=ProposeRules(
            min_confidence=decisions.min_confidence,
            expires_ms=decisions.expires,
            stop_atr=trading.stop_atr,
            targets=tuple(trading.targets) or (trading.target_r,),
            most_fee_share=decisions.max_fee_share,
        ),
        size=SizeRules(
            account=exact(trading.account),
            risk_percent=trading.risk_percent,
            kelly_fraction=trading.kelly_fraction,
            fee_percent=trading.fee_percent,
        ),
        risk=RiskRules(
            max_open_trades=trading.max_open_trades,
            max_symbol_trades=trading.max_symbol_trades,
            max_daily_loss_percent=trading.max_daily_loss_percent,
            max_drawdown_percent=trading.max_drawdown_percent,
        ),
        answer=AnswerRules(
            price_band_percent=decisions.price_band_percent,
            most_spread_percent=decisions.max_spread_percent,
            fresh_ms=settings.monitor.timeframe.ms + settle + GRACE_MS,
        ),
        zone=settings.alerts.timezone,
        broker=settings.market.exchange if trading.broker == "exchange" else trading.broker,
        break_even_after=trading.break_even_after,
        real=trading.broker == "exchange",
        auto=trading.auto,
        key=key,
    )
