"""The past of a symbol, out of the state database and back into it."""

from collections.abc import Mapping

from msgspec.structs import replace

from hybridd.model.memory import Memory, memory_from_json
from hybridd.pipeline.observe import Past
from hybridd.store.store import Store


def recall(store: Store, symbol: str, timeframe: str) -> Past | None:
    """What was known when the last analysis was stored, however long ago; None when there is none."""
    last = store.analyses.last(symbol, timeframe)
    if last is None:
        return None
    before = last if not last.late else store.analyses.last(symbol, timeframe, include_late=False)
    kept = store.bot_state.get(_key(symbol, timeframe))
    memory = memory_from_json(kept) if isinstance(kept, Mapping) else Memory()
    return Past(before=replace(before, readings=()) if before else None, state=last.state, memory=memory)


def remember(store: Store, symbol: str, timeframe: str, past: Past) -> None:
    """Keep what the person was told; the rest of the past stands in the analyses. Within the cycle's transaction."""
    store.bot_state.set(_key(symbol, timeframe), past.memory.to_json())


def _key(symbol: str, timeframe: str) -> str:
    return f"watch:{symbol}:{timeframe}"
