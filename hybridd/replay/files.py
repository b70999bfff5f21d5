"""The files of a replay: read, named, and with what was found wrong in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridd.errors import DataError, UsageError
from hybridd.market.quality import Incident, IncidentKind
from hybridd.market.recorded import read_candles, symbol_of
from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument, parse_instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One file: its market, its candles, and a line for each kind of thing that was wrong in it."""

    path: Path
    instrument: Instrument
    candles: Candles
    notes: tuple[str, ...]


def open_recordings(paths: Sequence[Path], symbol: str | None) -> list[Recording]:
    """Read every file; raises DataError or UsageError that names the file."""
    for path in paths:
        if not path.is_file():
            reason = "it is a folder" if path.is_dir() and path != Path() else "there is no such file"
            raise DataError(f'cannot replay "{path if path != Path() else ""}": {reason}', remedy="name a candle file")
    if symbol is not None and len(paths) > 1:
        raise UsageError("--symbol names one market, but there are several files", remedy="replay them one by one")
    return [_open(path, symbol) for path in paths]


def _open(path: Path, symbol: str | None) -> Recording:
    instrument = _instrument(path, symbol)
    recorded = read_candles(path)
    if not len(recorded.candles):
        raise DataError(f"{path} holds no usable candle", remedy="give a file with rows ts,open,high,low,close,volume")
    kinds: dict[IncidentKind, list[Incident]] = {}
    for incident in recorded.incidents:
        kinds.setdefault(incident.kind, []).append(incident)
    notes = tuple(f"{path.name}: {len(found)} × {kind}, first {found[0].detail}" for kind, found in kinds.items())
    return Recording(path=path, instrument=instrument, candles=recorded.candles, notes=notes)


def _instrument(path: Path, symbol: str | None) -> Instrument:
    found = symbol or symbol_of(path)
    if not found:
        raise UsageError(f"the name of {path} does not say which market it is", remedy="say it: --symbol BTC/USDT")
    try:
        return parse_instrument(str(found))
    except ValueError as error:
        raise UsageError(str(error), remedy="write --symbol BTC/USDT") from None
