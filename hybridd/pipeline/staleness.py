"""When a market's newest candle is too old to go by: one measure for those who tell of it and those it silences."""

from hybridd.model.timeframe import TimeFrame


def patience_ms(timeframe: TimeFrame, settle_ms: int) -> int:
    """How old the newest close may be before the feed counts as stale."""
    return timeframe.ms + settle_ms + min(max(timeframe.ms // 2, 2_000), 300_000)
