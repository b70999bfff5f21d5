"""Learns the brain's constants from recorded candles: scales, correlations, the gain and the records of patterns."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import combinations

import numpy as np

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.calibration import Calibration, Scale
from hybridd.analysis.registry import shipped_layers
from hybridd.analysis.scoring import MeasuredLayer, Raw, scored
from hybridd.errors import DataError
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market
from hybridd.model.timeframe import TimeFrame, timeframe_of
from hybridd.replay.pattern_records import pattern_records

MakeLayers = Callable[[Calibration], Sequence[MeasuredLayer]]
Named = Sequence[tuple[str, Market]]
LEAST_CANDLES = 5_000
STRONG = 15.0  # points from 50: the default thresholds of LONG and SHORT
STRONG_SHARE = 0.175  # the middle of the 10 % to 25 % of the time that a score is meant to be that strong


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Constants learned, and what each layer says with them: for each market its candles' series by layer name.

    A layer that could not be scaled is in no series. `counts`: how many candles of each market were learned from.
    """

    calibration: Calibration
    markets: tuple[Market, ...]
    counts: tuple[int, ...]
    series: tuple[Mapping[str, LayerSeries], ...]

    def scores(self, position: int, names: Sequence[str], weights: Mapping[str, float], min_layers: int) -> Scores:
        """What a brain of the layers `names` says of one of the markets."""
        market = self.markets[position]
        given = [_Given(name, self.series[position].get(name) or _silent(len(market.candles))) for name in names]
        return Brain(given, self.calibration, weights, min_layers).score_series(market)


class Study:
    """Recorded markets to learn from, again and again up to different moments.

    Layers are causal, so what they mix is measured once over everything and cut: a value never changes with what
    comes later. Raises DataError for too few candles, for several time frames, and for a layer that never answered.
    """

    def __init__(self, markets: Named, make_layers: MakeLayers = shipped_layers) -> None:
        _check(markets)
        self.symbols = tuple(symbol for symbol, _ in markets)
        self.markets = tuple(market for _, market in markets)
        self.step = self.markets[0].candles.step
        self.first = min(int(market.candles.open_time[0]) for market in self.markets)
        self.last = max(market.candles.last_close for market in self.markets)
        self.fingerprint = fingerprint(markets)
        self.context = context_fingerprint(self.markets)
        self._make_layers = make_layers
        blank = make_layers(self._blank(0))
        self.names = tuple(layer.name for layer in blank)
        self._parts = {layer.name: [layer.parts(market) for market in self.markets] for layer in blank}

    def learn(self, end: int, until: int | None = None, base: Calibration | None = None) -> Learned:
        """The constants of candles that closed by `end`, and the layers' scores up to `until` (ms UTC).

        In this order, since each step needs those before it: the records of patterns, the spread of the parts that
        layers mix, centre and spread of each layer's raw value, the correlation of the layers' scores, the gain.
        What these candles say nothing of is taken from `base`, where there is one.
        """
        markets = tuple(closed_by(market, end if until is None else until) for market in self.markets)
        counts = tuple(len(market.candles.closed_by(end)) for market in self.markets)
        found = replace(
            self._blank(end),
            candles=sum(counts),
            patterns=pattern_records([market.candles[:n] for market, n in zip(self.markets, counts, strict=True) if n]),
        )
        found = replace(found, scales=self._part_scales(counts, base))
        scales, series, kept = self._layers(found, markets, counts, base)
        found = replace(found, scales={**found.scales, **scales}, kept=kept)
        learned = Learned(calibration=found, markets=markets, counts=counts, series=series)
        pairs = _correlation(learned, base)
        return replace(learned, calibration=_with_gain(replace(learned, calibration=replace(found, correlation=pairs))))

    def _blank(self, end: int) -> Calibration:
        return Calibration(
            version=version("hybridd"),
            fingerprint=self.fingerprint,
            context=self.context,
            symbols=self.symbols,
            timeframe=str(timeframe_of(self.step)),
            candles=0,
            first=self.first,
            last=min(end, self.last),
        )

    def _part_scales(self, counts: Sequence[int], base: Calibration | None) -> dict[str, Scale]:
        scales = {}
        for by_market in self._parts.values():
            for name in by_market[0]:
                known = [parts[name][:n] for parts, n in zip(by_market, counts, strict=True)]
                scale = scale_of(np.concatenate(known)) or (base.scales.get(name) if base else None)
                if scale is not None:
                    scales[name] = scale
        return scales

    def _layers(
        self, found: Calibration, markets: Sequence[Market], counts: Sequence[int], base: Calibration | None
    ) -> tuple[dict[str, Scale], tuple[dict[str, LayerSeries], ...], tuple[str, ...]]:
        scales: dict[str, Scale] = {}
        series: tuple[dict[str, LayerSeries], ...] = tuple({} for _ in markets)
        kept = []
        for layer in self._make_layers(found):
            if not all(part in found.scales for part in self._parts[layer.name][0]):
                continue
            raws = [layer.raw(market) for market in markets]
            scale = scale_of(np.concatenate([raw.values[:n] for raw, n in zip(raws, counts, strict=True)]))
            if scale is None and base is not None and layer.name in base.scales:
                scale = base.scales[layer.name]
                kept.append(layer.name)
            if scale is not None:
                scales[layer.name] = scale
                _put(layer.name, raws, scale, series)
        return scales, series, tuple(kept)


def _put(name: str, raws: Sequence[Raw], scale: Scale, series: Sequence[dict[str, LayerSeries]]) -> None:
    for raw, by_name in zip(raws, series, strict=True):
        by_name[name] = scored(raw, scale)


def learn(markets: Named, make_layers: MakeLayers = shipped_layers, base: Calibration | None = None) -> Calibration:
    """The constants measured over all the markets together; the same candles always give the same. No odds.

    Layers that never answered keep their scales from `base`; without one they raise DataError.
    """
    study = Study(markets, make_layers)
    return complete(study, study.learn(study.last, base=base).calibration)


def complete(study: Study, found: Calibration) -> Calibration:
    """The calibration as it is; raises DataError where a layer has no scale."""
    for name in study.names:
        if name not in found.scales:
            raise DataError(
                f'"{name}" never moves on these candles',
                remedy="calibrate on longer or livelier markets, with --context for what is not in candles",
            )
    return found


def closed_by(market: Market, end: int) -> Market:
    """The market with its own candles up to `end` (ms UTC); what is around it is known to be later by its times."""
    return replace(market, candles=market.candles.closed_by(end))


def fingerprint(markets: Named) -> str:
    """SHA-256 over the symbols and the little-endian bytes of their candles' columns, in the order given."""
    digest = hashlib.sha256()
    for symbol, market in markets:
        digest.update(symbol.encode())
        candles = market.candles
        digest.update(candles.open_time.astype("<i8").tobytes())
        for column in (candles.open, candles.high, candles.low, candles.close, candles.volume):
            digest.update(column.astype("<f8").tobytes())
    return digest.hexdigest()


def context_fingerprint(markets: Sequence[Market]) -> str:
    """SHA-256 over benchmarks and context series by name, as far as known at each market's end; "" without any."""
    digest, anything = hashlib.sha256(), False
    for market in markets:
        end = market.candles.last_close
        for name, candles in sorted(market.benchmarks.items()):
            anything = True
            digest.update(fingerprint([(name, replace(market, candles=candles.closed_by(end)))]).encode())
        for name, series in sorted(market.context.items()):
            anything, known = True, series.known_by(end)
            digest.update(name.encode())
            digest.update(known.known_at.astype("<i8").tobytes() + known.values.astype("<f8").tobytes())
    return digest.hexdigest() if anything else ""


def scale_of(values: FloatArray) -> Scale | None:
    """Median and 1.4826 × median absolute deviation (F. Hampel, JASA 69 (1974)) of what is not NaN, to 6 digits.

    None where that is no scale: of nothing, and of what hardly ever moves.
    """
    known = values[~np.isnan(values)]
    centre = float(np.median(known)) if len(known) else 0.0
    spread = 1.4826 * float(np.median(np.abs(known - centre))) if len(known) else 0.0
    return Scale(centre=float(f"{centre:.6g}"), spread=float(f"{spread:.6g}")) if spread > 0 else None


@dataclass(slots=True)
class _Given:
    """A layer whose series is known already."""

    name: str
    series: LayerSeries
    inputs: frozenset[Input] = frozenset()
    lookback: int = 1

    def evaluate(self, market: Market) -> LayerSeries:
        n = len(market.candles)
        return LayerSeries(self.series.values[:n], self.series.abstain[:n])

    def explain(self, market: Market, i: int) -> str:  # noqa: ARG002  # nobody asks a measurement for its reasons
        return ""


def _silent(n: int) -> LayerSeries:
    return LayerSeries(np.full(n, np.nan), np.full(n, Abstain.NO_DATA, dtype=np.int8))


def _correlation(learned: Learned, base: Calibration | None) -> dict[tuple[str, str], float]:
    """Pearson's correlation of two layers' scores where both answered, by pair in alphabetical order."""
    names = sorted(learned.series[0])
    values = {
        name: np.concatenate([by[name].values[:n] for by, n in zip(learned.series, learned.counts, strict=True)])
        for name in names
    }
    before = base.correlation if base is not None else {}
    pairs = {(a, b): _pearson(values[a], values[b], before.get((a, b))) for a, b in combinations(names, 2)}
    return {pair: value for pair, value in pairs.items() if value is not None}


def _pearson(a: FloatArray, b: FloatArray, otherwise: float | None) -> float | None:
    both = ~np.isnan(a) & ~np.isnan(b)
    x, y = a[both], b[both]
    if len(x) < 2 or not x.std() > 0 or not y.std() > 0:
        return otherwise
    return round(float(np.corrcoef(x, y)[0, 1]), 4)


def _with_gain(learned: Learned) -> Calibration:
    """With what brings the share of scores beyond 65 or under 35 to its aim, all layers weighing the same."""
    names = list(learned.series[0])
    away = [np.abs(learned.scores(i, names, {}, 1).score[:n] - 50) for i, n in enumerate(learned.counts) if n and names]
    known = np.concatenate(away) if away else np.zeros(0)
    known = known[~np.isnan(known)]
    edge = float(np.quantile(known, 1 - STRONG_SHARE)) if len(known) else 0.0
    return replace(learned.calibration, gain=float(f"{STRONG / edge:.6g}") if edge > 0 else 1.0)


def _check(markets: Named) -> None:
    if not markets:
        raise DataError("no candles to calibrate on", remedy="name at least one candle file")
    for symbol, market in markets:
        if len(market.candles) < LEAST_CANDLES:
            raise DataError(
                f"{symbol}: {len(market.candles):,} candles are too few to calibrate on",
                remedy=f"give at least {LEAST_CANDLES:,}",
            )
    one_timeframe(markets)


def one_timeframe(markets: Named) -> TimeFrame:
    """The time frame of all the markets; raises DataError where they differ."""
    steps = {market.candles.step for _, market in markets}
    if len(steps) > 1:
        frames = ", ".join(str(timeframe_of(step)) for step in sorted(steps))
        raise DataError(f"candles of {frames} cannot be measured together", remedy="give files of one time frame")
    return timeframe_of(steps.pop())


def as_text(learned: Calibration) -> str:
    """JSON with one scale, pair or record a line, so that a new calibration can be read as a difference."""
    text = json.dumps(learned.to_json(), indent=1)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda row: "[" + re.sub(r"\s+", " ", row[1]) + "]", text) + "\n"
