"""The cross-asset layer: what Bitcoin, Ether and gold say about this market."""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.as_known import REACH, Part, answer, averaged, signed_root, silent, stacked
from hybridd.analysis.benchmarks import benchmarks_of, is_late, were_late
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.pairs import AVERAGES, LOOKBACK, Pair, lead, paired, place, place_now, shared, strength
from hybridd.analysis.recall import recalled
from hybridd.analysis.scoring import Codes, Raw, answering, leaning, scored, silenced, up_to, warming, why_not
from hybridd.analysis.tails import tails, tails_now
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import newest_by, rolling_mean, run
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

HISTORY = REACH
"""Closed candles that the layer needs of each benchmark."""
_LATE = Raw(silent(1, Abstain.STALE).values, silent(1, Abstain.STALE).abstain)
_WARMING = np.int8(Abstain.WARM_UP)


class CrossAsset:
    """Bullish when the benchmark ran ahead, this market outdoes it, they rise together, and the others rise.

    The benchmark is Bitcoin, for Bitcoin itself Ether, where there is neither gold. Parts, each in its own spreads:
    what the benchmark's last 12 candles foretell (its signed root), relative strength, upper less lower tail
    dependence, and breadth: the benchmark markets' mean place above their averages of 20, 50 and 200. raw = their sum
    over the square root of how many answer. Where a benchmark is late with a candle, the layer abstains: what the
    others say alone is not what it would have said.
    """

    name = "cross_asset"
    inputs = frozenset({Input.CANDLES, Input.BENCHMARK})
    lookback = LOOKBACK

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        return {name: part.values for name, part in whole(market).once(_parts).items()}

    def raw(self, market: Market) -> Raw:
        return self._raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        return scored(self._raw(view), self._calibration.scale(self.name))

    def why(self, view: View) -> str:
        series, others = view.once(self.said), view.once(benchmarks_of)
        code = Abstain(series.abstain[-1])
        if code is Abstain.NO_DATA:
            return "has no candles of another market to compare with"
        if code is Abstain.WARM_UP and len(view.candles) >= self.lookback:
            return f"shares too few candles with {next(iter(others))}, needs {self.lookback:,}"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        verdict = leaning(float(series.values[-1]), "they pull it up", "they drag it down", "no clear pull")
        return f"{', '.join(_said(view, others))}: {verdict}"

    def _raw(self, view: View) -> Raw:
        parts = view.once(_parts)
        raw = stacked(list(parts.values()), [self._calibration.scale(name).spread for name in parts])
        if view.last == 1:
            return raw if raw.abstain.item(0) or not is_late(view) else _LATE
        late = were_late(view) & answering(raw.abstain)
        return silenced(raw, late, Abstain.STALE) if late.any() else raw


def _parts(view: View) -> dict[str, Part]:
    others, last = view.once(benchmarks_of), view.last
    found = _pair_parts(view, next(iter(others.values()), None))
    found["cross_asset.breadth"] = _breadth(view, others)
    warm = warming(last, LOOKBACK, len(view.candles))
    return {name: _warmed(part, warm) for name, part in found.items()} if warm else found


def _warmed(part: Part, warm: int) -> Part:
    """A part that says nothing of its first `warm` candles."""
    values, codes = part.values.copy(), part.abstain.copy()
    values[:warm], codes[:warm] = np.nan, Abstain.WARM_UP
    return Part(values, codes)


def _pair_parts(view: View, other: Candles | None) -> dict[str, Part]:
    names, last = ("cross_asset.lead", "cross_asset.strength", "cross_asset.tails"), view.last
    if other is None:
        return {name: silent(last, Abstain.NO_DATA) for name in names}
    if last == 1:
        return dict(zip(names, _pair_now(view.candles, other), strict=True))
    own, other = _recent(view, other)
    pair = paired(own, other, last)
    places = pair.own_place - (len(own) - last)
    m = len(places) - int(places.searchsorted(0))
    codes, at = _absent(own, other, last), run(places[len(places) - m :])
    codes[at] = ~_near(pair, m) * _WARMING
    low, high = tails(pair, m)
    columns = zip(names, (signed_root(lead(pair, m)), strength(pair, m), high - low), strict=True)
    return {name: _spread_out(values, at, codes) for name, values in columns}


def _pair_now(own: Candles, other: Candles) -> tuple[Part, Part, Part]:
    """What the two markets say of the newest candle, of all that a daemon holds of them."""
    pair = paired(own, other, 1)
    if not len(pair.own_place) or pair.own_place.item(-1) < len(own) - 1:
        nothing = silent(1, Abstain.NO_DATA if own.open_time[-1] < other.open_time[0] else Abstain.STALE)
        return nothing, nothing, nothing
    if not _near_now(pair):
        warming_up = silent(1, Abstain.WARM_UP)
        return warming_up, warming_up, warming_up
    low, high = tails_now(pair)
    leading = answer(signed_root(lead(pair, 1).item(0)))
    return leading, answer(strength(pair, 1).item(0)), answer(high - low)


def _recent(view: View, other: Candles) -> tuple[Candles, Candles]:
    """What a daemon would hold of both markets at the oldest of the candles asked about, and all since."""
    own = view.candles[max(0, len(view.candles) - view.last - REACH) :]
    if not len(own):
        return own, other[:1]
    begun = own.open_time[len(own) - max(1, view.last)]
    begin, end = other.open_time.searchsorted((begun - other.step, own.open_time[-1]), side="right").tolist()
    begin = begin - REACH if view.last else 0
    # At least one, whose time says whether what is missing had begun.
    return own, other[max(0, min(begin, end - 1)) : max(1, end)]


def _absent(own: Candles, other: Candles, last: int) -> Codes:
    """Why those of the newest `last` candles that `other` lacks have no counterpart."""
    codes = np.full(last, Abstain.STALE, dtype=np.int8)
    codes[own.open_time[len(own) - last :] < other.open_time[0]] = Abstain.NO_DATA
    return codes


def _near(pair: Pair, last: int) -> BoolArray:
    """Whether the 624 shared candles up to each of the newest `last` lie within the reach of a daemon's history."""
    full, near = min(last, max(0, len(pair.own_place) - LOOKBACK + 1)), np.zeros(last, dtype=np.bool_)
    near[last - full :] = True
    for places in (pair.own_place, pair.other_place) if full else ():
        begun = len(places) - LOOKBACK + 1 - full
        near[last - full :] &= places[-full:] - places[begun : begun + full] < REACH
    return near


def _near_now(pair: Pair) -> bool:
    """`_near` at the newest of the shared candles."""
    places = pair.own_place, pair.other_place
    return all(len(one) >= LOOKBACK and one.item(-1) - one.item(-LOOKBACK) < REACH for one in places)


def _spread_out(values: FloatArray, places: IntArray | slice, codes: Codes) -> Part:
    """Values of shared candles put at their places; what is NaN all the same is UNDEFINED."""
    out = values
    if len(values) < len(codes):
        out = np.full(len(codes), np.nan)
        out[places] = values
    said, silent_there = codes.copy(), codes != 0
    said[np.isnan(out) & ~silent_there] = Abstain.UNDEFINED
    out[silent_there] = np.nan
    return Part(out, said)


def _breadth(view: View, others: Mapping[str, Candles]) -> Part:
    """The mean place of the benchmark markets that answer at each candle."""
    places = [_place_of(other, view) for other in others.values()]
    if not places:
        return silent(view.last, Abstain.NO_DATA)
    return averaged(places)


def _place_of(other: Candles, view: View) -> Part:
    """Where a benchmark stands at the candles that it shares with this market."""
    if view.last == 1:
        return _place_now(other, view.candles.open_time.item(-1))
    own = view.candles[len(view.candles) - view.last :]
    codes = _absent(own, other, view.last)
    mine, theirs = shared(own, other)
    if not len(mine):
        return Part(np.full(view.last, np.nan), codes)
    at, first, end = run(mine), int(theirs[0]), int(theirs[-1]) + 1
    codes[at] = (theirs < max(AVERAGES) - 1) * _WARMING
    return _spread_out(place(other[:end], end - first)[run(theirs - first)], at, codes)


def _place_now(other: Candles, opened: int) -> Part:
    """Where a benchmark stands at its candle that opened with this market's newest; the same for all markets."""
    at = newest_by(other.open_time, opened)
    if at < 0 or other.open_time.item(at) != opened:
        return silent(1, Abstain.NO_DATA if at < 0 else Abstain.STALE)
    if at < max(AVERAGES) - 1:
        return silent(1, Abstain.WARM_UP)
    return answer(recalled(place_now, other.close[at + 1 - max(AVERAGES) : at + 1]))


def _averages_below(close: FloatArray) -> int:
    """How many of the averages the newest close stands above."""
    return sum(bool(close[-1] > rolling_mean(close, n, 1)[0]) for n in AVERAGES)


def _said(view: View, others: Mapping[str, Candles]) -> list[str]:
    """What each part that answers says of the newest candle, with its number."""
    benchmark, now = next(iter(others)), view.candles.last_close
    newest = {name.partition(".")[2]: float(part.values[-1]) for name, part in view.once(_parts).items()}
    closes = [candles.closed_by(now).close for candles in others.values()]
    above = sum(recalled(_averages_below, close[-max(AVERAGES) :]) for close in closes)
    said = {
        "lead": f"{benchmark} foretells {newest['lead'] * abs(newest['lead']):+.2f}σ",
        "strength": f"strength against it {newest['strength']:+.1f}σ",
        "tails": f"shared rises less shared falls {newest['tails']:+.0%}",
        "breadth": f"{'/'.join(others)} above {above} of {len(others) * len(AVERAGES)} averages",
    }
    return [text for name, text in said.items() if newest[name] == newest[name]]
