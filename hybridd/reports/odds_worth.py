"""How good the odds and the layers were: what they said at each candle against what price did by the horizon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hybridd.model.analysis import Analysis
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray
from hybridd.reports.calibration import (
    brier_score,
    effective_n,
    expected_calibration_error,
    expected_chance_error,
    reliability,
    wilson_interval,
)
from hybridd.reports.document import Block, Figures, Section, Words
from hybridd.reports.outcomes import clusters, independent
from hybridd.reports.plots import Range, hit_plot, reliability_plot
from hybridd.reports.words import counted, listed, share, span

COMBINED = "all together"
LEAST = 30
"""Fewer forecasts make no curve."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """n forecasts of one kind and what happened: shape (n,) each; `close` ms UTC, `market` a number for each market."""

    forecast: FloatArray
    happened: BoolArray
    close: IntArray
    market: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BinFacts:
    """A bin of the reliability curve: odds given, share that came true, its 95 % interval, how many."""

    forecast: float
    observed: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsFacts:
    """The odds of a period. `base` is the Brier score of always saying the share of rises, `chance` the calibration
    error that perfect odds would have had; None where there are too few."""

    n: int
    horizon_ms: int
    brier: float | None = None
    base: float | None = None
    ece: float | None = None
    chance: float | None = None
    curve: tuple[BinFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """How often a layer that leaned to one side was right by the horizon; `effective` is what the `n` are worth as
    independent cases, which the interval counts."""

    layer: str
    n: int
    hits: int
    share: float
    low: float
    high: float
    effective: float


def rises(analyses: Sequence[Analysis], candles: Candles, horizon: int) -> FloatArray:
    """The move of price by `horizon` candles after each analysis, as a share; NaN where not known or across a gap."""
    found = np.full(len(analyses), np.nan)
    if not len(candles):
        return found
    closes = np.array([a.candle_close for a in analyses], dtype=np.int64)
    here = np.searchsorted(candles.close_time, closes)
    there = here + horizon
    inside = there < len(candles)
    found[inside] = [
        later / now - 1 if whole else np.nan
        for now, later, whole in zip(
            candles.close[here[inside]],
            candles.close[there[inside]],
            (candles.close_time[here[inside]] == closes[inside])
            & (candles.close_time[there[inside]] == closes[inside] + horizon * candles.step),
            strict=True,
        )
    ]
    return found


def odds_of(analyses: Sequence[Analysis], moved: FloatArray, market: int) -> Judged:
    """The odds of those analyses that had some and whose outcome is known."""
    said = np.array([np.nan if a.odds is None else a.odds.probability for a in analyses], dtype=np.float64)
    return _judged(analyses, said, moved, moved > 0, market)


def layers_of(analyses: Sequence[Analysis], moved: FloatArray, market: int) -> dict[str, Judged]:
    """What every layer said, and the score of all together, where it leaned to a side and price did not stand still."""
    names = list(dict.fromkeys(r.layer for a in analyses for r in a.readings))
    columns = {COMBINED: [a.score for a in analyses]} | {name: [np.nan] * len(analyses) for name in names}
    for i, analysis in enumerate(analyses):
        for reading in analysis.readings:
            if reading.score is not None:
                columns[reading.layer][i] = reading.score
    still = np.where(moved == 0, np.nan, moved)
    return {name: _leaning(analyses, np.array(said, dtype=np.float64), still, market) for name, said in columns.items()}


def together(parts: Sequence[Judged]) -> Judged:
    """Those of several markets as one."""
    if not parts:
        empty = np.zeros(0)
        return Judged(empty, empty > 0, empty.astype(np.int64), empty.astype(np.int64))
    rows = zip(*((p.forecast, p.happened, p.close, p.market) for p in parts), strict=True)
    forecast, happened, close, market = (np.concatenate(column) for column in rows)
    return Judged(forecast, happened, close, market)


def odds_facts(judged: Judged, horizon_ms: int) -> OddsFacts:
    """The curve and its errors; only the number where there are fewer than LEAST."""
    n = len(judged.forecast)
    if n < LEAST:
        return OddsFacts(n=n, horizon_ms=horizon_ms)
    which = clusters(judged.close, horizon_ms)
    base = np.full(n, judged.happened.mean())
    return OddsFacts(
        n=n,
        horizon_ms=horizon_ms,
        brier=brier_score(judged.forecast, judged.happened),
        base=brier_score(base, judged.happened),
        ece=expected_calibration_error(judged.forecast, judged.happened),
        chance=expected_chance_error(judged.forecast, judged.happened, which),
        curve=tuple(_bins(judged, which)),
    )


def layer_facts(name: str, judged: Judged, horizon_ms: int) -> LayerFacts | None:
    """How often it was right; None of a layer that never leaned."""
    hits = (judged.forecast > 50) == judged.happened
    n = len(hits)
    if not n:
        return None
    worth = independent(hits, judged.close, judged.market, horizon_ms)
    right = float(np.mean(hits))
    interval = wilson_interval(right, worth)
    return LayerFacts(
        layer=name,
        n=n,
        hits=int(hits.sum()),
        share=right,
        low=interval.low,
        high=interval.high,
        effective=worth,
    )


def section(odds: OddsFacts, layers: Sequence[LayerFacts]) -> Section:
    """Odds and layers as a part of a report."""
    return Section(title="Was the brain right?", blocks=tuple(_blocks(odds, layers)))


def _blocks(odds: OddsFacts, layers: Sequence[LayerFacts]) -> Iterator[Block]:
    ahead = span(odds.horizon_ms)
    yield from _odds(odds, ahead)
    if not layers:
        yield Words(text=f"No layer can be judged yet: price {ahead} after an analysis is not known for any.")
        return
    able = [row.layer for row in layers if row.low > 0.5]
    wrong = [row.layer for row in layers if row.high < 0.5]
    yield Words(
        text=f"Better than a coin {ahead} ahead, more than luck explains: {listed(able) or 'none'}. "
        f"Worse than a coin: {listed(wrong) or 'none'}.",
        tone="strong",
    )
    rows = [
        Range(name=row.layer, value=row.share, low=row.low, high=row.high, note=f"{share(row.share)}") for row in layers
    ]
    drawn = hit_plot(rows, f"How often each layer was right {ahead} ahead, with 95 % intervals.")
    if drawn is not None:
        yield drawn
    yield Words(
        text="Right: price went by then to the side that the layer leaned to. Outcomes that overlap, or share a day, "
        "count as one case in the intervals (95 %).",
        tone="quiet",
    )


def _odds(odds: OddsFacts, ahead: str) -> Iterator[Block]:
    if odds.brier is None or odds.base is None or odds.ece is None or odds.chance is None:
        many = counted(odds.n, "analysis", "analyses")
        yield Words(text=f"Too few odds to judge: {many} with odds whose outcome {ahead} ahead is known.")
        return
    yield Figures(
        items=(
            ("Calibration error", f"{odds.ece:.3f}", f"perfect odds: about {odds.chance:.3f}"),
            ("Brier score", f"{odds.brier:.4f}", f"without odds: {odds.base:.4f}"),
            ("Odds judged", f"{odds.n:,}", f"{ahead} ahead"),
        )
    )
    honest = "as good as perfect odds look by chance" if odds.ece <= 1.5 * odds.chance else "further off than chance"
    better = "beat" if odds.brier < odds.base else "do not beat"
    yield Words(text=f"The odds are {honest}, and {better} a forecast that knows only how often price rose.")
    curve = [(b.forecast, b.observed, b.low, b.high) for b in odds.curve]
    drawn = reliability_plot(curve, f"Odds given against what happened, over {odds.n:,} analyses.")
    if drawn is not None:
        yield drawn


def _bins(judged: Judged, which: IntArray) -> Iterator[BinFacts]:
    """The bins of the curve, with intervals that count outcomes which go together once."""
    order = np.argsort(judged.forecast, kind="stable")
    start = 0
    for one in reliability(judged.forecast, judged.happened):
        chosen = order[start : start + one.n]
        start += one.n
        interval = wilson_interval(one.observed, effective_n(judged.happened[chosen], which[chosen]))
        yield BinFacts(forecast=one.forecast, observed=one.observed, low=interval.low, high=interval.high, n=one.n)


def _leaning(analyses: Sequence[Analysis], said: FloatArray, moved: FloatArray, market: int) -> Judged:
    return _judged(analyses, np.where(said == 50, np.nan, said), moved, moved > 0, market)


def _judged(
    analyses: Sequence[Analysis], said: FloatArray, moved: FloatArray, happened: BoolArray, market: int
) -> Judged:
    known = ~np.isnan(said) & ~np.isnan(moved)
    closes = np.array([a.candle_close for a in analyses], dtype=np.int64)
    return Judged(said[known], happened[known], closes[known], np.full(int(known.sum()), market, dtype=np.int64))
