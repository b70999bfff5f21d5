"""Learns the brain's constants from recorded candles: scales, correlations, and the records of patterns."""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np

from hybridd.analysis.brain import Brain
from hybridd.analysis.calibration import Calibration, Scale
from hybridd.analysis.registry import shipped_layers
from hybridd.analysis.scoring import MeasuredLayer
from hybridd.clock import as_ms
from hybridd.errors import DataError, HybriddError
from hybridd.market.recorded import read_candles, symbol_of
from hybridd.model.candle import FloatArray
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import timeframe_of
from hybridd.replay.pattern_records import pattern_records
from hybridd.replay.run import market_of

MakeLayers = Callable[[Calibration], Sequence[MeasuredLayer]]
LEAST_CANDLES = 5_000
STRONG = 15.0  # points from 50: the default thresholds of LONG and SHORT
STRONG_SHARE = 0.175  # the middle of the 10 % to 25 % of the time that a score is meant to be that strong


def learn(markets: Sequence[tuple[str, Market]], make_layers: MakeLayers = shipped_layers) -> Calibration:
    """The constants measured over all the markets together; the same candles always give the same.

    In this order, since each step needs those before it: the records of patterns, the spread of the parts that
    layers mix, centre and spread of each layer's raw value, the correlation of the layers' scores, the gain.
    Raises DataError for too few candles, for several time frames, and for a layer that never answered.
    """
    _check(markets)
    candles = [market.candles for _, market in markets]
    learned = Calibration(
        version=version("hybridd"),
        fingerprint=fingerprint(markets),
        symbols=tuple(symbol for symbol, _ in markets),
        timeframe=str(timeframe_of(candles[0].step)),
        candles=sum(len(one) for one in candles),
        first=min(int(one.open_time[0]) for one in candles),
        last=max(one.last_close for one in candles),
        patterns=pattern_records(candles),
    )
    inputs = [market for _, market in markets]
    learned = replace(learned, scales=_part_scales(make_layers(learned), inputs))
    learned = replace(learned, scales={**learned.scales, **_layer_scales(make_layers(learned), inputs)})
    learned = replace(learned, correlation=_correlation(make_layers(learned), inputs))
    return replace(learned, gain=_gain(make_layers(learned), learned, inputs))


def learn_files(paths: Sequence[Path], end: int) -> Calibration:
    """The constants learned from candle files, of candles that closed by `end` (ms UTC); raises DataError."""
    return learn([_recorded(path, end) for path in paths])


def _recorded(path: Path, end: int) -> tuple[str, Market]:
    symbol = symbol_of(path)
    if not symbol:
        raise DataError(f"{path.name} names no symbol", remedy="call it like BTCUSDT_5m.csv")
    return symbol, market_of(parse_instrument(symbol), read_candles(path).candles.closed_by(end))


def fingerprint(markets: Sequence[tuple[str, Market]]) -> str:
    """SHA-256 over the symbols and the little-endian bytes of their candles' columns, in the order given."""
    digest = hashlib.sha256()
    for symbol, market in markets:
        digest.update(symbol.encode())
        candles = market.candles
        digest.update(candles.open_time.astype("<i8").tobytes())
        for column in (candles.open, candles.high, candles.low, candles.close, candles.volume):
            digest.update(column.astype("<f8").tobytes())
    return digest.hexdigest()


def robust_scale(name: str, values: FloatArray) -> Scale:
    """Median and 1.4826 × median absolute deviation (F. Hampel, JASA 69 (1974)) of what is not NaN, to 6 digits."""
    known = values[~np.isnan(values)]
    centre = float(np.median(known)) if len(known) else 0.0
    spread = 1.4826 * float(np.median(np.abs(known - centre))) if len(known) else 0.0
    if not spread > 0:
        raise DataError(f'"{name}" never moves on these candles', remedy="calibrate on longer or livelier markets")
    return Scale(centre=float(f"{centre:.6g}"), spread=float(f"{spread:.6g}"))


def _part_scales(layers: Sequence[MeasuredLayer], markets: Sequence[Market]) -> dict[str, Scale]:
    scales: dict[str, Scale] = {}
    for layer in layers:
        measured = [layer.parts(market) for market in markets]
        for name in measured[0]:
            scales[name] = robust_scale(name, np.concatenate([parts[name] for parts in measured]))
    return scales


def _layer_scales(layers: Sequence[MeasuredLayer], markets: Sequence[Market]) -> dict[str, Scale]:
    return {
        layer.name: robust_scale(layer.name, np.concatenate([layer.raw(market).values for market in markets]))
        for layer in layers
    }


def _correlation(layers: Sequence[MeasuredLayer], markets: Sequence[Market]) -> dict[tuple[str, str], float]:
    """Pearson's correlation of two layers' scores where both answered, by pair in alphabetical order."""
    scores = {
        layer.name: np.concatenate([layer.evaluate(market).values for market in markets])
        for layer in sorted(layers, key=lambda layer: layer.name)
    }
    return {(a, b): _pearson(scores[a], scores[b]) for a, b in combinations(scores, 2)}


def _gain(layers: Sequence[MeasuredLayer], learned: Calibration, markets: Sequence[Market]) -> float:
    """What brings the share of scores beyond 65 or under 35 to its aim, all layers weighing the same."""
    brain = Brain(layers, learned, {}, min_layers=1)
    away = np.concatenate([np.abs(brain.score_series(market).score - 50) for market in markets])
    return float(f"{STRONG / np.quantile(away[~np.isnan(away)], 1 - STRONG_SHARE):.6g}")


def _pearson(a: FloatArray, b: FloatArray) -> float:
    both = ~np.isnan(a) & ~np.isnan(b)
    if np.count_nonzero(both) < 2:
        return 0.0
    return round(float(np.corrcoef(a[both], b[both])[0, 1]), 4)


def _check(markets: Sequence[tuple[str, Market]]) -> None:
    if not markets:
        raise DataError("no candles to calibrate on", remedy="name at least one candle file")
    for symbol, market in markets:
        if len(market.candles) < LEAST_CANDLES:
            raise DataError(
                f"{symbol}: {len(market.candles):,} candles are too few to calibrate on",
                remedy=f"give at least {LEAST_CANDLES:,}",
            )
    steps = {market.candles.step for _, market in markets}
    if len(steps) > 1:
        frames = ", ".join(str(timeframe_of(step)) for step in sorted(steps))
        raise DataError(f"candles of {frames} cannot be calibrated together", remedy="give files of one time frame")


def main(arguments: Sequence[str]) -> int:
    """Print as JSON what is learned: `python -m hybridd.replay.calibrate END FILE… > calibration.json`."""
    try:
        end, *paths = arguments
        moment = as_ms(datetime.fromisoformat(end).replace(tzinfo=UTC))
    except ValueError:
        sys.stderr.write(
            "usage: python -m hybridd.replay.calibrate END FILE… (END: 2025-10-01, candles closed by then)\n"
        )
        return 2
    try:
        learned = learn_files([Path(path) for path in paths], moment)
    except HybriddError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(as_text(learned))
    return 0


def as_text(learned: Calibration) -> str:
    """JSON with one scale, pair or record a line, so that a new calibration can be read as a difference."""
    text = json.dumps(learned.to_json(), indent=1)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda row: "[" + re.sub(r"\s+", " ", row[1]) + "]", text) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
