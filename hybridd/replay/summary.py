"""What a replay came to, as plain values: the object that `replay --json` prints."""

from dataclasses import asdict
from typing import Any

from hybridd.replay.run import Replay


def summary(result: Replay) -> dict[str, Any]:
    """The summary of one symbol's replay, under the names that programs rely on."""
    seconds = max(result.seconds, 1e-9)
    return {
        "symbol": result.symbol,
        "timeframe": result.timeframe.text,
        "candles": result.candles,
        "seconds": result.seconds,
        "candles_per_second": (result.candles + result.warm_up) / seconds,
        "analyses": result.analysed,
        "changes": dict(result.changes),
        "alerts": result.alerts,
        "suppressed": dict(result.suppressed),
        "proposals": result.proposals,
        "trades": len(result.trades),
        "statistics": asdict(result.statistics) if result.statistics else {},
        "signals": {name: result.signals.get(name, 0) for name in ("LONG", "SHORT", "NEUTRAL")},
    }
