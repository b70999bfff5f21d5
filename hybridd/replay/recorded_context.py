"""Recorded inputs beyond a market's own candles, each value with the moment at which it became public."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hybridd.market.recorded import read_candles, symbol_of, timeframe_in
from hybridd.market.release_times import (
    DAY,
    basis_known,
    fear_greed_known,
    funding_known,
    macro_known,
    open_interest_known,
)
from hybridd.market.tables import SUFFIXES as CANDLE_ENDINGS
from hybridd.model.candle import Candles, FloatArray, IntArray, resample
from hybridd.model.context import BASIS, FEAR_GREED, FUNDING, MACRO, OPEN_INTEREST, ContextSeries
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.reading import Market
from hybridd.replay.context_tables import column, files_named, header

BENCHMARKS = ("BTC/USDT", "ETH/USDT", "PAXG/USDT")

FUNDING_STALE = DAY  # three settlements of eight hours
OPEN_INTEREST_STALE = 2 * DAY
FEAR_GREED_STALE = 2 * DAY
MACRO_STALE = 7 * DAY  # a week-end with a holiday on either side, and a day to spare
BASIS_STALE_STEPS = 2

_COUPON = 6.0  # percent: the notional bond of the ten-year note future (CBOT rulebook, chapter 19)
_HALF_YEARS = 20
_YIELDS = (-5.0, 50.0)


def with_context(market: Market, folder: Path) -> Market:
    """The market with all that the folder's files say around it; raises DataError for a file that cannot be read."""
    return replace(
        market,
        benchmarks=read_benchmarks(folder, market.candles.step),
        context=read_context(folder, market.instrument, market.candles),
    )


def read_benchmarks(folder: Path, step: int) -> dict[str, Candles]:
    """Spot candles of Bitcoin, Ether and gold in candles of `step` ms, by symbol; those that the folder has.

    Where there is no file of that time frame they are drawn from the longest shorter one that fills it.
    """
    found = {}
    for symbol in BENCHMARKS:
        candles = _candles_of(folder, symbol, step)
        if candles is not None:
            found[symbol] = candles
    return found


def read_context(folder: Path, instrument: Instrument, candles: Candles) -> dict[str, ContextSeries]:
    """The series that the folder has for a market, by name; raises DataError for a file that cannot be read.

    Files, found by what their names hold: `…BTCUSDT_funding….csv` (ts,funding_rate), `open_interest….csv` (ts, one
    column a base currency: btc_oi_usd), `…fear_greed….csv` (ts,fng), `macro_NAME….csv` (ts and the name or close).
    The premium of the perpetual is drawn from its candles and the market's own. `us10y` is a yield in percent: the
    recorded price of the note future is turned into the yield of its notional bond.
    """
    series = [
        _funding(folder, instrument),
        _open_interest(folder, instrument),
        _premium(folder, instrument, candles),
        _daily(folder, "fear_greed", FEAR_GREED, ("fng",), fear_greed_known, FEAR_GREED_STALE),
        *(_daily(folder, f"macro_{name}", name, (name, "close"), macro_known, MACRO_STALE) for name in MACRO),
    ]
    return {one.name: _as_yield(one) if one.name == "us10y" else one for one in series if one is not None}


def implied_yield(price: FloatArray) -> FloatArray:
    """Yield in percent of the future's notional bond, ten years of 6 % paid half-yearly, at `price` for 100.

    By bisection of P(y) = Σ 3/(1 + y/2)ᵏ + 100/(1 + y/2)²⁰. The bond that is really delivered is shorter, so the level
    is not the market's; direction, change and rank, which are what is read, are.
    """
    low, high = (np.full(len(price), edge) for edge in _YIELDS)
    for _ in range(60):
        middle = (low + high) / 2
        dear = _bond_price(middle) > price
        low, high = np.where(dear, middle, low), np.where(dear, high, middle)
    return np.asarray((low + high) / 2)


def _bond_price(percent: FloatArray) -> FloatArray:
    growth = 1 + percent / 200
    periods = np.arange(1, _HALF_YEARS + 1)[:, None]
    return np.asarray((_COUPON / 2 * growth**-periods).sum(axis=0) + 100 * growth**-_HALF_YEARS)


def _as_yield(note: ContextSeries) -> ContextSeries:
    return replace(note, values=implied_yield(note.values))


def _funding(folder: Path, instrument: Instrument) -> ContextSeries | None:
    for path in files_named(folder, "_funding"):
        symbol = symbol_of(path)
        if symbol and _same_market(symbol, instrument):
            at, values = column(path, ("funding_rate",))
            return _series(FUNDING, at, funding_known(at), values, FUNDING_STALE)
    return None


def _open_interest(folder: Path, instrument: Instrument) -> ContextSeries | None:
    wanted = f"{instrument.base.lower()}_oi_usd"
    for path in files_named(folder, "open_interest"):
        if wanted in header(path):
            at, values = column(path, (wanted,))
            return _series(OPEN_INTEREST, at, open_interest_known(at), values, OPEN_INTEREST_STALE)
    return None


def _premium(folder: Path, instrument: Instrument, candles: Candles) -> ContextSeries | None:
    """The perpetual's close over spot's, less 1, public with the close after both."""
    spot = (
        candles if not instrument.settle else _candles_of(folder, f"{instrument.base}/{instrument.quote}", candles.step)
    )
    symbol = f"{instrument.base}/{instrument.quote}:{instrument.settle or instrument.quote}"
    perpetual = candles if instrument.settle else _candles_of(folder, symbol, candles.step)
    if spot is None or perpetual is None:
        return None
    opened, one, other = np.intersect1d(perpetual.open_time, spot.open_time, assume_unique=True, return_indices=True)
    closed = opened + candles.step
    premium = perpetual.close[one] / spot.close[other] - 1
    return ContextSeries(BASIS, closed, basis_known(closed, candles.step), premium, BASIS_STALE_STEPS * candles.step)


def _daily(
    folder: Path,
    named: str,
    name: str,
    columns: tuple[str, ...],
    known: Callable[[IntArray], IntArray],
    stale_after: int,
) -> ContextSeries | None:
    for path in files_named(folder, named):
        at, values = column(path, columns)
        return _series(name, at, known(at), values, stale_after)
    return None


def _series(name: str, at: IntArray, known_at: IntArray, values: FloatArray, stale_after: int) -> ContextSeries:
    order = np.lexsort((at, known_at))
    return ContextSeries(name, at[order], known_at[order], values[order], stale_after)


def _candles_of(folder: Path, symbol: str, step: int) -> Candles | None:
    """Candles of a symbol, of `step` itself or of the longest step that fills it."""
    frames: dict[int, Path] = {}
    for path in files_named(folder, "", CANDLE_ENDINGS):
        frame = timeframe_in(path)
        if frame is not None and step % frame.ms == 0 and symbol_of(path) == symbol:
            frames.setdefault(frame.ms, path)
    if not frames:
        return None
    candles = read_candles(frames[max(frames)]).candles
    return candles if candles.step == step else resample(candles, step)


def _same_market(symbol: str, instrument: Instrument) -> bool:
    found = parse_instrument(symbol)
    return (found.base, found.quote) == (instrument.base, instrument.quote)
