"""The bodies of Binance's public answers: klines, exchange information, refusals."""

from collections.abc import Mapping, Sequence

from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.timeframe import parse_timeframe

INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")


def refusal(code: int, message: str) -> tuple[int, object]:
    """What a wrong request gets."""
    return 400, {"code": code, "msg": message}


def klines(candles: Candles) -> list[list[object]]:
    """Rows of twelve fields: open time, OHLCV as text, close time, quote volume, trades, taker volumes, unused."""
    columns = (candles.open_time, candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows: list[list[object]] = []
    for opened, *prices, volume in zip(*(column.tolist() for column in columns), strict=True):
        turnover = prices[3] * volume
        texts = [f"{x:.8f}" for x in (*prices, volume)]
        taker = [f"{volume / 2:.8f}", f"{turnover / 2:.8f}"]
        rows.append([opened, *texts, opened + candles.step - 1, f"{turnover:.8f}", 1 + int(volume), *taker, "0"])
    return rows


def exchange_info(symbols: Sequence[str], now: int, futures: bool, padding: int, brief: bool) -> dict[str, object]:
    """The list of markets: `symbols`, and `padding` more as on a real exchange; `brief`: without permission sets."""
    instruments = [parse_instrument(symbol) for symbol in symbols]
    instruments += [Instrument(f"PAD{k}", "USDT") for k in range(padding)]
    entry = _future if futures else _spot
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [entry(instrument) | ({"permissionSets": []} if brief else {}) for instrument in instruments],
    }


SETTLEMENT_MS = 28_800_000


def funding_rates(query: Mapping[str, str], base: int, now: int) -> list[dict[str, object]]:
    """Settlements every eight hours from a year before the exchange opened on; rates that change with their number."""
    first = (base - 365 * 86_400_000) // SETTLEMENT_MS
    numbers = range(first, now // SETTLEMENT_MS + 1)
    limit = min(int(query.get("limit", 100)), 1000)
    rows = [
        {
            "symbol": query["symbol"],
            "fundingTime": k * SETTLEMENT_MS,
            "fundingRate": f"{funding_rate(k):.8f}",
            "markPrice": "30000.00000000",
        }
        for k in numbers
        if k * SETTLEMENT_MS >= int(query.get("startTime", 0))
    ]
    return rows[:limit] if "startTime" in query else rows[-limit:]


def funding_rate(number: int) -> float:
    """The rate of settlement `number` since 1970."""
    return round(0.0001 + 0.00005 * ((number * 7) % 11 - 5), 8)


def open_interest_past(query: Mapping[str, str], market: Candles, now: int) -> list[dict[str, object]]:
    """What open interest was at each whole period: 1000 of the base currency and one more a period."""
    step = parse_timeframe(query["period"]).ms
    since = int(query.get("startTime", now - 30 * step))
    until = min(int(query.get("endTime", now)), now)
    limit = min(int(query.get("limit", 30)), 500)
    stamps = list(range(-(-since // step) * step, until + 1, step))[:limit]
    return [
        {
            "symbol": query["symbol"],
            "sumOpenInterest": f"{1000 + at // step % 500:.8f}",
            "sumOpenInterestValue": f"{(1000 + at // step % 500) * 30_000:.8f}",
            "timestamp": at,
        }
        for at in stamps
    ]


def open_interest(query: Mapping[str, str], price: float, now: int) -> dict[str, object]:
    """What open interest is, in the base currency."""
    return {"openInterest": "1234.500", "symbol": query["symbol"], "time": now}


def premium_index(query: Mapping[str, str], price: float, now: int) -> dict[str, object]:
    """Mark and index price."""
    return {
        "symbol": query["symbol"],
        "markPrice": f"{price:.8f}",
        "indexPrice": f"{price / 1.0005:.8f}",
        "estimatedSettlePrice": f"{price:.8f}",
        "lastFundingRate": "0.00010000",
        "interestRate": "0.00010000",
        "nextFundingTime": (now // SETTLEMENT_MS + 1) * SETTLEMENT_MS,
        "time": now,
    }


def depth(price: float, tilt: float) -> dict[str, object]:
    """A hundred orders a side, 0.05 % apart, with `tilt` more bid than asked; those far off do not count."""
    near = [0.0003 + 0.0005 * k for k in range(100)]
    far = 50.0
    bids = [[f"{price * (1 - x):.8f}", f"{1 + tilt if x < 0.01 else far:.8f}"] for x in near]
    asks = [[f"{price * (1 + x):.8f}", f"{1 - tilt if x < 0.01 else far / 3:.8f}"] for x in near]
    return {"lastUpdateId": 1, "bids": bids, "asks": asks}


def _spot(instrument: Instrument) -> dict[str, object]:
    return {
        "symbol": instrument.compact,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [*_FILTERS],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN", *(f"TRD_GRP_{k:03}" for k in range(4, 260))]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _future(instrument: Instrument) -> dict[str, object]:
    return {
        "symbol": instrument.compact,
        "pair": instrument.compact,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle or instrument.quote,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "filters": [*_FILTERS],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC"],
    }


_FILTERS = (
    {"filterType": "PRICE_FILTER", "minPrice": "0.00000100", "maxPrice": "1000000.00000000", "tickSize": "0.00000100"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "87.85000000", "stepSize": "0.00000000"},
    {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000},
    {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "avgPriceMins": 5},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "avgPriceMins": 5},
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
)
