"""A layer of inputs that change seldom: evaluated where one of them becomes known or stale, and held in between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from hybridd.analysis.as_known import Part, as_known, bent, joined, known_now, stacked, turning_points
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import Raw, leaning, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.model.candle import FloatArray, IntArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

Parts = Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Source:
    """A series: `says` of its newest values, each in the light of no more than the `need` values up to it."""

    says: Callable[[FloatArray, int], FloatArray]
    need: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContextFormula:
    """What one such layer is made of.

    `sources` by name of the series; `priced`: parts that hang on the candles as well; `silence`: sentences for reasons
    to abstain; `words` of the parts that answer at the newest candle; `verdicts`: bullish, bearish, neither.
    """

    name: str
    inputs: frozenset[Input]
    sources: Mapping[str, Source]
    silence: Mapping[Abstain, str]
    words: Callable[[View, Parts], list[str]]
    verdicts: tuple[str, str, str]
    priced: Callable[[View], Parts] = lambda _: {}


class _Steps(Struct, frozen=True, eq=False):
    """The sources' parts at the candles where one of them turns, and for how many candles each holds."""

    parts: Parts
    held: IntArray


_ONE = np.ones(1, dtype=np.int64)
_ONE.flags.writeable = False


class ContextLayer:
    """Says what its formula says of the series known and fresh at each candle."""

    lookback = 1

    def __init__(self, formula: ContextFormula, calibration: Calibration) -> None:
        self._formula = formula
        self._calibration = calibration
        self.name = formula.name
        self.inputs = formula.inputs

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - all are in their own spreads already
        return {}

    def raw(self, market: Market) -> Raw:
        return self._raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        scale = self._calibration.scale(self.name)
        if view.last == 1 or view.once(self._formula.priced):
            return scored(self._raw(view), scale)
        steps = view.once(self._steps)[0]
        series = scored(stacked(list(steps.parts.values())), scale)
        if len(steps.held) == view.last:
            return series
        return LayerSeries(np.repeat(series.values, steps.held), np.repeat(series.abstain, steps.held))

    def why(self, view: View) -> str:
        series = view.once(self.said)
        code = Abstain(series.abstain[-1])
        if code in self._formula.silence:
            return self._formula.silence[code]
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        parts = {name: part for one in view.once(self._steps) for name, part in one.parts.items()}
        parts |= view.once(self._formula.priced)
        said = self._formula.words(view, {name: part for name, part in parts.items() if not part.abstain[-1]})
        return f"{', '.join(said)}: {leaning(float(series.values[-1]), *self._formula.verdicts)}"

    def _raw(self, view: View) -> Raw:
        steps, priced = view.once(self._steps), view.once(self._formula.priced)
        if view.last == 1:
            return stacked([*(part for one in steps for part in one.parts.values()), *priced.values()])
        held = (_held(part, one.held, view.last) for one in steps for part in one.parts.values())
        return joined([*held, *(_bent(part) for part in priced.values())])

    def _steps(self, view: View) -> list[_Steps]:
        """All sources at the turns of any of them; with a part for each candle each source at its own."""
        sources = self._formula.sources
        if view.last > 1 and view.once(self._formula.priced):
            return [_steps(view, {name: source}) for name, source in sources.items()]
        return [_steps(view, sources)]


def _steps(view: View, sources: Mapping[str, Source]) -> _Steps:
    known = view.market.context
    if view.last == 1:
        moment = view.candles.last_close
        return _Steps(
            {name: known_now(known.get(name), one.says, one.need, moment) for name, one in sources.items()}, _ONE
        )
    now = view.closed
    points = turning_points(now, [known.get(name) for name in sources])
    parts = {name: as_known(known.get(name), one.says, one.need, now[points]) for name, one in sources.items()}
    return _Steps(parts, np.append(points[1:], len(now)) - points if len(points) else points)


def _held(part: Part, held: IntArray, last: int) -> Part:
    """Bent, and then held: what is held for many candles is bent once."""
    values = bent(part.values)
    if len(values) == last:
        return Part(values, part.abstain)
    return Part(np.repeat(values, held), np.repeat(part.abstain, held))


def _bent(part: Part) -> Part:
    return Part(bent(part.values), part.abstain)
