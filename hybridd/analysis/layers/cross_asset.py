"""The cross-asset layer: what Bitcoin, Ether and gold say about this market."""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.as_known import REACH, Part, joint_code, seen_at, signed_root, silent, stacked
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.pairs import AVERAGES, LOOKBACK, Pair, lead, paired, place, shared, strength, tails
from hybridd.analysis.scoring import Codes, Raw, leaning, scored, why_not
from hybridd.analysis.windows import ratio, rolling_mean
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

BENCHMARKS = ("BTC", "ETH", "PAXG")
HISTORY = REACH
"""Closed candles that the layer needs of each benchmark."""


class CrossAsset:
    """Bullish when the benchmark ran ahead, this market outdoes it, they rise together, and the others rise.

    The benchmark is Bitcoin, for Bitcoin itself Ether, where there is neither gold. Parts, each in its own spreads:
    what the benchmark's last 12 candles foretell (its signed root), relative strength, upper less lower tail
    dependence, and breadth: the benchmark markets' mean place above their averages of 20, 50 and 200. raw = their sum
    over the square root of how many answer. A candle that a benchmark lacks stays without it.
    """

    name = "cross_asset"
    inputs = frozenset({Input.CANDLES, Input.BENCHMARK})
    lookback = LOOKBACK

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        return {name: part.values for name, part in self._parts(market).items()}

    def raw(self, market: Market) -> Raw:
        scaled = [
            Part(part.values / self._calibration.scale(name).spread, part.abstain)
            for name, part in self._parts(market).items()
        ]
        return stacked(scaled)

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        here = seen_at(market, i)
        series = self.evaluate(here)
        code = Abstain(series.abstain[-1])
        others = _others(here)
        if code is Abstain.NO_DATA:
            return "has no candles of another market to compare with"
        if code is Abstain.WARM_UP and len(here.candles) >= self.lookback:
            return f"shares too few candles with {next(iter(others))}, needs {self.lookback:,}"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        verdict = leaning(float(series.values[-1]), "they pull it up", "they drag it down", "no clear pull")
        return f"{', '.join(_said(others, self.parts(here)))}: {verdict}"

    def _parts(self, market: Market) -> dict[str, Part]:
        others = _others(market)
        n = len(market.candles)
        warm = np.arange(n) < self.lookback - 1
        found = _pair_parts(market.candles, next(iter(others.values()), None))
        found["cross_asset.breadth"] = _breadth(market.candles, others)
        return {name: _after(warm, part) for name, part in found.items()}


def _others(market: Market) -> dict[str, Candles]:
    """The benchmarks that are not this market, by base currency, in order, of the same time frame."""
    by_base = {parse_instrument(symbol).base: candles for symbol, candles in market.benchmarks.items()}
    return {
        base: by_base[base]
        for base in BENCHMARKS
        if base in by_base
        and base != market.instrument.base
        and len(by_base[base])
        and by_base[base].step == market.candles.step
    }


def _pair_parts(own: Candles, other: Candles | None) -> dict[str, Part]:
    names = ("cross_asset.lead", "cross_asset.strength", "cross_asset.tails")
    if other is None:
        return dict.fromkeys(names, silent(len(own), Abstain.NO_DATA))
    pair = paired(own, other)
    low, high = tails(pair)
    codes = _codes(own, other, pair)
    columns = zip(names, (signed_root(lead(pair)), strength(pair), high - low), strict=True)
    return {name: _spread_out(values, pair.own_place, codes) for name, values in columns}


def _codes(own: Candles, other: Candles, pair: Pair) -> Codes:
    """Why a candle of `own` has no pair, or too few before it within what a daemon keeps; ANSWERS elsewhere."""
    codes = _absent(own, other)
    enough = _near(pair.own_place) & _near(pair.other_place)
    codes[pair.own_place] = np.where(enough, Abstain.ANSWERS, Abstain.WARM_UP)
    return codes


def _absent(own: Candles, other: Candles) -> Codes:
    """Why a candle of `own` that `other` lacks has no counterpart."""
    return np.where(own.open_time < other.open_time[0], Abstain.NO_DATA, Abstain.STALE).astype(np.int8)


def _near(places: IntArray) -> BoolArray:
    """Whether the 624 shared candles up to each lie within the reach of a daemon's history."""
    near = np.zeros(len(places), dtype=np.bool_)
    if len(places) >= LOOKBACK:
        near[LOOKBACK - 1 :] = places[LOOKBACK - 1 :] - places[: len(places) - LOOKBACK + 1] < REACH
    return near


def _spread_out(values: FloatArray, places: IntArray, codes: Codes) -> Part:
    """Values of shared candles put at their places among this market's; what is NaN all the same is UNDEFINED."""
    out = np.full(len(codes), np.nan)
    out[places] = values
    undefined = (codes == Abstain.ANSWERS) & np.isnan(out)
    codes = np.where(undefined, np.int8(Abstain.UNDEFINED), codes)
    return Part(np.where(codes == Abstain.ANSWERS, out, np.nan), codes)


def _breadth(own: Candles, others: Mapping[str, Candles]) -> Part:
    """The mean place of the benchmark markets that answer at each candle."""
    places = [_place_of(candles, own) for candles in others.values()]
    if not places:
        return silent(len(own), Abstain.NO_DATA)
    total, count = np.zeros(len(own)), np.zeros(len(own))
    for part in places:
        answers = part.abstain == Abstain.ANSWERS
        total = total + np.where(answers, part.values, 0.0)
        count = count + answers
    return Part(ratio(total, count), joint_code(places))


def _place_of(other: Candles, own: Candles) -> Part:
    """Where a benchmark stands at the candles that it shares with `own`."""
    mine, theirs = shared(own, other)
    codes = _absent(own, other)
    codes[mine] = np.where(theirs >= max(AVERAGES) - 1, Abstain.ANSWERS, Abstain.WARM_UP)
    return _spread_out(place(other)[theirs], mine, codes)


def _after(warm: BoolArray, part: Part) -> Part:
    return Part(np.where(warm, np.nan, part.values), np.where(warm, np.int8(Abstain.WARM_UP), part.abstain))


def _said(others: Mapping[str, Candles], parts: Mapping[str, FloatArray]) -> list[str]:
    """What each part that answers says of the newest candle, with its number."""
    benchmark = next(iter(others))
    newest = {name.partition(".")[2]: float(values[-1]) for name, values in parts.items()}
    above = sum(bool(c.close[-1] > rolling_mean(c.close, n)[-1]) for c in others.values() for n in AVERAGES)
    said = {
        "lead": f"{benchmark} foretells {newest['lead'] * abs(newest['lead']):+.2f}σ",
        "strength": f"strength against it {newest['strength']:+.1f}σ",
        "tails": f"shared rises less shared falls {newest['tails']:+.0%}",
        "breadth": f"{'/'.join(others)} above {above} of {len(others) * len(AVERAGES)} averages",
    }
    return [text for name, text in said.items() if newest[name] == newest[name]]
