"""The bodies of Binance's public answers: klines, exchange information, refusals."""

from collections.abc import Sequence

from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument, parse_instrument

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
