"""The moving parts that the settings decide, made by the composition root and swapped whole at a reload."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hybridd.config.check import diff
from hybridd.config.schema import Settings
from hybridd.market.feed import Feed
from hybridd.pipeline.context_parts import Context
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import HealthBook
from hybridd.pipeline.observe import Rules
from hybridd.pipeline.quotes import Quotes
from hybridd.pipeline.trade_desk import TradeDesk
from hybridd.pipeline.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything between the settings and the schedule. `skew_ms` is None while the source's clock is not known."""

    settings: Settings
    rules: Rules
    feed: Feed
    watch: Watch
    context: Context
    couriers: Sequence[Courier]
    health: HealthBook
    channels: Mapping[str, Sequence[str]]
    source: str
    settle_ms: int
    ping_url: str
    skew_ms: Callable[[], int | None]
    desk: TradeDesk | None = None
    quotes: Quotes | None = None

    def close(self) -> None:
        """Let go of broker, channels and feed, last in, first out."""
        if self.desk is not None:
            self.desk.close()
        for courier in reversed(self.couriers):
            courier.close()
        self.context.close()
        self.watch.close()

    def differences(self, older: "Parts") -> tuple[str, ...]:
        """The keys whose values differ from an older set."""
        return diff(older.settings, self.settings)
