"""One feed out of two: the things themselves from one, their perpetuals from the other."""

from hybridd.errors import UnknownSymbol
from hybridd.market.feed import Feed, Row
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.timeframe import TimeFrame


class MixedFeed:
    """A Feed that sends each market to the one of two feeds which has it, for settings that name both kinds."""

    def __init__(self, *, spot: Feed, swap: Feed) -> None:
        self.name, self.simulated = spot.name, spot.simulated or swap.simulated
        self.spot, self.swap = spot, swap

    def now(self) -> int:
        """The clock of the first; one exchange has one clock."""
        return self.spot.now()

    def instrument(self, text: str) -> Instrument:
        """The market that `text` names: a perpetual if it says so ("BTC/USDT:USDT", "BTCUSDT.P")."""
        try:
            perpetual = bool(parse_instrument(text).settle)
        except ValueError:
            raise UnknownSymbol(f'"{text}" is not a symbol', remedy="write BTC/USDT, or BTC/USDT:USDT") from None
        return (self.swap if perpetual else self.spot).instrument(text)

    def rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        """As the feed that has the market gives them."""
        return (self.swap if instrument.settle else self.spot).rows(instrument, timeframe, since, limit)

    def close(self) -> None:
        """Close both."""
        self.spot.close()
        self.swap.close()
