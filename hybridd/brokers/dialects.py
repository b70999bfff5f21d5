"""What differs between exchanges where ccxt's common words do not say it: names of orders, stops, refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hybridd.brokers.refusals import Meaning

Market = Mapping[str, Any]
"""A market as ccxt describes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one exchange is spoken to about orders.

    `plain_names`: its names of orders are letters and digits only. `aside`: where its stops wait beside the book (spot
    False, perpetuals True), under a name that `stop_name` holds too if it is not "", to become an order of their own
    whose id stands in `became`. `spot_stop`: what a stop of spot needs to be one. `trades_by`: by what the trades of an
    order are asked for. `codes`: refusals that mean something else than ccxt takes them for; `own_codes`: they all are
    sorted by `refusals`. `window`: it refuses what reaches it late. `position`: what is held of a perpetual, in
    contracts.
    """

    plain_names: bool = True
    aside: frozenset[bool] = frozenset()
    stop_name: str = ""
    became: str = ""
    spot_stop: Mapping[str, object] = field(default_factory=dict)
    trades_by: str = ""
    codes: Mapping[str, Meaning] = field(default_factory=dict)
    own_codes: bool = False
    window: bool = False
    position: Callable[[Any, Market], Decimal]

    def name(self, client_id: str) -> str:
        """Our name of an order as this exchange takes it; two of ours never become one."""
        return client_id.replace("-", "") if self.plain_names else client_id


def _common(exchange: Any, market: Market) -> Decimal:  # noqa: ANN401 - an exchange object is untyped
    total = Decimal(0)
    for row in exchange.fetch_positions([market["symbol"]]):
        if row.get("symbol") == market["symbol"]:
            amount = Decimal(str(row.get("contracts") or 0))
            total += -amount if row.get("side") == "short" else amount
    return total


def _binance(exchange: Any, market: Market) -> Decimal:  # noqa: ANN401 - an exchange object is untyped
    # Not by ccxt's common name, which reads the margin brackets of every market first.
    rows = exchange.fapiPrivateV3GetPositionRisk({"symbol": market["id"]})
    return sum((Decimal(str(row["positionAmt"])) for row in rows), Decimal(0))


BINANCE = Dialect(
    plain_names=False,
    aside=frozenset({True}),
    became="actualOrderId",
    trades_by="orderId",
    own_codes=True,
    window=True,
    position=_binance,
)
OKX = Dialect(
    aside=frozenset({False, True}),
    stop_name="algoClOrdId",
    became="ordId",
    # ccxt would make it a margin order.
    spot_stop={"tdMode": "cash"},
    trades_by="ordId",
    codes={"50112": Meaning.NOT_TAKEN, "51016": Meaning.THERE, "51065": Meaning.THERE},
    window=True,
    position=_common,
)
COMMON = Dialect(position=_common)
DIALECTS = {"binance": BINANCE, "binanceus": BINANCE, "okx": OKX}


def dialect_of(name: str) -> Dialect:
    """That of an exchange by its ccxt id; what all have in common for one that nobody has looked at closely."""
    return DIALECTS.get(name, COMMON)
