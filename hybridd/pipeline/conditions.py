"""What is wrong now: each check looks at one part of the daemon and names its conditions. A table, not a branch."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridd.clock import Clock, iso
from hybridd.errors import UnknownSymbol
from hybridd.model.change import Reason
from hybridd.model.said import Abstain
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import Condition
from hybridd.pipeline.proof import failed_drills
from hybridd.pipeline.staleness import patience_ms
from hybridd.pipeline.trade_desk import TradeDesk
from hybridd.pipeline.watch import SymbolStatus, Watch
from hybridd.store.store import Store

DISK_LOW_BYTES = 200 * 1024 * 1024
CLOCK_SKEW_MS = 2_000


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything that the checks may look at. `skew_ms` is the source's clock minus ours, None when it is not known."""

    store: Store
    watch: Watch
    couriers: Sequence[Courier]
    clock: Clock
    feed_now: Callable[[], int]
    settle_ms: int
    skew_ms: Callable[[], int | None]
    late_cycle: str = ""
    missing_changes: int = 0
    unaccounted: Sequence[str] = ()
    desk: TradeDesk | None = None


Check = Callable[[Scene], Iterator[Condition]]


def conditions(scene: Scene) -> list[Condition]:
    """All that is wrong now."""
    return [condition for check in CHECKS for condition in check(scene)]


def undecided(scene: Scene) -> set[tuple[Reason, str]]:
    """What nobody can call over yet, because nothing has been seen of it since the start."""
    found: set[tuple[Reason, str]] = set()
    for status in scene.watch.symbols.values():
        asked = status.seen_close >= 0
        analysed = status.analysis is not None
        known = {
            Reason.FEED_STALE: asked,
            Reason.SYMBOL_UNKNOWN: asked or status.symbol != "",
            Reason.LAYERS_MISSING: analysed and _supplied(scene),
            Reason.BRAIN_FAILED: analysed,
        }
        subjects = {status.text, status.symbol}
        found |= {(reason, subject) for reason, decided in known.items() if not decided for subject in subjects}
    found |= {(Reason.CHANNEL_DOWN, courier.name) for courier in scene.couriers if not courier.heard}
    if scene.desk is not None and not scene.desk.heard:
        found.add((Reason.BROKER_DOWN, scene.desk.name))
    if scene.skew_ms() is None:
        found.add((Reason.CLOCK_SKEW, "hybridd"))
    return found


def _feeds(scene: Scene) -> Iterator[Condition]:
    now, patience = scene.feed_now(), patience_ms(scene.watch.timeframe, scene.settle_ms)
    for status in scene.watch.symbols.values():
        if isinstance(status.feed_error, UnknownSymbol):
            continue
        last = max(status.seen_close, status.last_close)
        since = last if last >= 0 else scene.watch.started_at
        if now - since > patience:
            yield Condition(
                reason=Reason.FEED_STALE, subject=status.symbol or status.text, detail=_stale_detail(status, last)
            )


def _stale_detail(status: SymbolStatus, last: int) -> str:
    seen = f"the newest candle closed at {iso(last)}" if last >= 0 else "no candle has come since the start"
    return f"{seen}; {status.feed_error}" if status.feed_error else seen


def _symbols(scene: Scene) -> Iterator[Condition]:
    for status in scene.watch.symbols.values():
        if isinstance(status.feed_error, UnknownSymbol):
            yield Condition(reason=Reason.SYMBOL_UNKNOWN, subject=status.text, detail=str(status.feed_error))


SUPPLY_MS = 120_000
"""What lies around a market is asked for at the start and counts from the candle after its coming."""


def _supplied(scene: Scene) -> bool:
    return scene.clock.now() - scene.watch.started_at >= scene.watch.timeframe.ms + SUPPLY_MS


_BROKEN = frozenset({Abstain.NO_DATA, Abstain.STALE, Abstain.FAILED})


def _layers(scene: Scene) -> Iterator[Condition]:
    for status in scene.watch.symbols.values():
        readings = status.analysis.readings if status.analysis else ()
        broken = _BROKEN if _supplied(scene) else {Abstain.FAILED}
        silent = [r for r in readings if r.abstain in broken and r.layer not in scene.watch.unfed]
        gone = [f"{r.layer} ({r.reason})" for r in silent]
        if gone:
            yield Condition(reason=Reason.LAYERS_MISSING, subject=status.symbol, detail="; ".join(gone))


def _brains(scene: Scene) -> Iterator[Condition]:
    for status in scene.watch.symbols.values():
        if status.brain_error is not None:
            yield Condition(reason=Reason.BRAIN_FAILED, subject=status.symbol, detail=str(status.brain_error))


def _cycles(scene: Scene) -> Iterator[Condition]:
    if scene.late_cycle:
        yield Condition(reason=Reason.CYCLE_LATE, subject="hybridd", detail=scene.late_cycle)


def _channels(scene: Scene) -> Iterator[Condition]:
    for courier in scene.couriers:
        if courier.trouble:
            yield Condition(reason=Reason.CHANNEL_DOWN, subject=courier.name, detail=courier.trouble)


def _drills(scene: Scene) -> Iterator[Condition]:
    for channel, detail in failed_drills(scene.store):
        yield Condition(reason=Reason.CHANNEL_DOWN, subject=channel, detail=detail)


def _broker(scene: Scene) -> Iterator[Condition]:
    if scene.desk is None:
        return
    if trouble := scene.desk.trouble:
        yield Condition(reason=Reason.BROKER_DOWN, subject=scene.desk.name, detail=trouble)
    for symbol, figures in scene.desk.differing.items():
        yield Condition(reason=Reason.BROKER_DIFFERS, subject=symbol, detail=figures)


def _disk(scene: Scene) -> Iterator[Condition]:
    if scene.store.path is None:
        return
    folder = Path(scene.store.path).parent
    free = shutil.disk_usage(folder).free
    if free < DISK_LOW_BYTES:
        yield Condition(reason=Reason.DISK_LOW, subject=str(folder), detail=f"{free // 1_048_576} MB are free")


def _skew(scene: Scene) -> Iterator[Condition]:
    skew = scene.skew_ms()
    if skew is not None and abs(skew) > CLOCK_SKEW_MS:
        way = "behind" if skew > 0 else "ahead of"
        yield Condition(
            reason=Reason.CLOCK_SKEW,
            subject="hybridd",
            detail=f"this clock is {abs(skew) / 1000:.1f} s {way} the source's",
        )


def _accounts(scene: Scene) -> Iterator[Condition]:
    lost = f"{scene.missing_changes} changes were neither told, nor suppressed, nor are they on their way"
    found = [*([lost] if scene.missing_changes else []), *scene.unaccounted]
    if found:
        yield Condition(reason=Reason.ALERTS_UNACCOUNTED, subject="hybridd", detail="; ".join(found))


def _addresses(scene: Scene) -> Iterator[Condition]:
    for address in scene.store.addresses.disabled():
        yield Condition(
            reason=Reason.ADDRESS_BAD, subject=f"{address.channel} {address.address}", detail=address.reason
        )


CHECKS: tuple[Check, ...] = (
    _feeds,
    _symbols,
    _layers,
    _brains,
    _cycles,
    _drills,
    _channels,
    _broker,
    _disk,
    _skew,
    _accounts,
    _addresses,
)
