"""A silence: a person's wish not to hear of something for a while; and what else is true only of a live market."""

from dataclasses import dataclass

from msgspec import Struct

from hybridd.model.change import MARKET, Change, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """From `starts_at` until before `ends_at` (ms UTC). `subject` "" is any, `reason` None every market reason.

    What touches a person's money and hybridd's own health is silenced only by the name of its reason.
    """

    subject: str
    reason: Reason | None
    author: str
    comment: str
    starts_at: int
    ends_at: int
    id: int = 0

    def holds(self, now: int) -> bool:
        """Whether it is in force at `now`, ms UTC."""
        return self.starts_at <= now < self.ends_at

    def covers(self, change: Change) -> bool:
        """Whether it is about this change."""
        by_reason = change.reason in MARKET if self.reason is None else change.reason is self.reason
        # The detail of a trade's change begins with its market, its subject with its number.
        names = {"", change.subject, change.subject.partition(" target ")[0], change.detail.partition(",")[0]}
        return by_reason and self.subject in names


class Circumstances(Struct, frozen=True, kw_only=True):
    """What decides besides the analyses: silences in force, and whether the market's newest candle is too old.

    Replays have none of it: they take the same steps with the empty default.
    """

    silences: tuple[Silence, ...] = ()
    stale: bool = False

    def silence_of(self, change: Change) -> Silence | None:
        """The silence that covers a change, the one that lasts longest."""
        found = (silence for silence in self.silences if silence.covers(change))
        return max(found, key=lambda silence: silence.ends_at, default=None)


NO_CIRCUMSTANCES = Circumstances()
