"""What goes into the interface for programs, checked before anybody works on it.

Instants are whole milliseconds since 1970, UTC.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hybridd.model.alert import AlertState
from hybridd.model.instrument import parse_instrument
from hybridd.model.proposal import ProposalState
from hybridd.model.trade import Side, TradeState

MOST, MOST_CANDLES = 500, 2_000
LATEST_MS = 253_402_300_799_000
"""The end of the year 9999."""
ONE, TWO = r"^[0-9]{1,15}$", r"^[0-9]{1,15}-[0-9]{1,15}$"
"""Where a page ended, by what its list is sorted by."""
Instant = Annotated[int, Field(ge=0, le=LATEST_MS)]


def as_kept(text: str) -> str:
    """A symbol as the state has it: "btcusdt" is understood as well; what is no symbol is looked for as it stands."""
    try:
        return parse_instrument(text).symbol
    except ValueError:
        return text


Symbol = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(as_kept)]


class Asked(BaseModel):
    """Base of questions: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Asked):
    """A page of a list, newest first; what does not fit is found by `next` of the answer, given as `before`."""

    limit: int = Field(100, ge=1, le=MOST, description="rows of a page")
    before: str | None = Field(None, pattern=ONE, description="`next` of the page before")
    format: Literal["json", "csv"] = Field("json", description="csv: a download, with times as text")


class Spanned(Paged):
    """A page of a span of time."""

    start: Instant | None = Field(None, description="not before this instant")
    end: Instant | None = Field(None, description="not after this instant")


class AskAnalyses(Spanned):
    """Analyses, by their candles."""

    before: str | None = Field(None, pattern=TWO, description="`next` of the page before")
    symbol: Symbol | None = Field(None, description="such as BTC/USDT")
    timeframe: str | None = Field(None, min_length=2, max_length=8, description="such as 5m")
    layers: bool = Field(True, description="with what each layer said")


class AskAlerts(Spanned):
    """Alerts."""

    subject: str | None = Field(None, min_length=1, max_length=128, description="a symbol, a channel, hybridd")
    state: AlertState | None = None


class AskProposals(Spanned):
    """Proposals."""

    symbol: Symbol | None = None
    state: ProposalState | None = None


class AskTrades(Spanned):
    """Trades, by their entry."""

    before: str | None = Field(None, pattern=TWO, description="`next` of the page before")
    symbol: Symbol | None = None
    state: TradeState | None = None


class AskCandles(Asked):
    """Candles of one market."""

    symbol: Symbol
    timeframe: str = Field(min_length=2, max_length=8, description="such as 5m")
    start: Instant | None = Field(None, description="opened not before this instant")
    end: Instant | None = Field(None, description="opened not after this instant")
    limit: int = Field(500, ge=1, le=MOST_CANDLES, description="rows of a page")
    before: str | None = Field(None, pattern=ONE, description="`next` of the page before")
    format: Literal["json", "csv"] = Field("json", description="csv: a download, with times as text")


class AskStatistics(Asked):
    """Figures of trades."""

    days: float | None = Field(None, gt=0, le=36_500, allow_inf_nan=False, description="of the last days alone")
    symbol: Symbol | None = None
    side: Side | None = None


class Decide(Asked):
    """An answer to a proposal; with `content_hash` a yes counts only for a proposal with that content."""

    reason: str = ""
    content_hash: str = ""
