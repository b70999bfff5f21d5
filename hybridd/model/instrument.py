"""Instruments: what is traded, and every way that people write it."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

# Longest first, so that "BTCFDUSD" is BTC/FDUSD and not BTCFD/USD.
QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDE", "DAI", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "KRW", "AUD",
    "BTC", "ETH", "BNB",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrument:
    """A market: `base` priced in `quote`; a perpetual also has the currency that it settles in."""

    base: str
    quote: str
    settle: str = ""

    @property
    def symbol(self) -> str:
        """The name used everywhere: "BTC/USDT", or "BTC/USDT:USDT" for a perpetual."""
        return f"{self.base}/{self.quote}" + (f":{self.settle}" if self.settle else "")

    @property
    def compact(self) -> str:
        """The name without punctuation, as in file names: "BTCUSDT"."""
        return self.base + self.quote

    def __str__(self) -> str:
        return self.symbol


def parse_instrument(text: str, market_type: str = "spot") -> Instrument:
    """Read "BTCUSDT", "btc/usdt", "BTC-USDT", "BTC_USDT", "BTC/USDT:USDT" or "BTCUSDT.P"; raises ValueError.

    With `market_type` "swap" a name without a settlement currency is taken as the perpetual settled in its quote.
    """
    name = text.strip().upper()
    perpetual = bool(re.search(r"(\.P|[-_]?PERP)$", name))
    name = re.sub(r"(\.P|[-_]?PERP)$", "", name)
    pair, _, settle = name.partition(":")
    base, quote = _split(pair)
    if not base or not quote or (":" in name and not settle) or not re.fullmatch(r"[A-Z0-9]*", base + quote + settle):
        raise ValueError(f'"{text}" is not a symbol such as BTC/USDT or BTCUSDT')
    if not settle and (perpetual or market_type == "swap"):
        settle = quote
    return Instrument(base, quote, settle)


def _split(pair: str) -> tuple[str, str]:
    separated = re.fullmatch(r"([^/_-]+)[/_-]([^/_-]+)", pair)
    if separated:
        return separated[1], separated[2]
    for quote in QUOTES:
        if pair.endswith(quote) and len(pair) > len(quote):
            return pair[: -len(quote)], quote
    return "", ""


def nearest(symbol: str, known: Iterable[str]) -> str:
    """The name in `known` most similar to `symbol`, or "" when nothing is close."""
    wanted = symbol.upper()
    found = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""
