"""What is true of a candle by itself and beside those before it: the words that candlestick patterns are told in.

A word compares two measures, the second perhaps of a candle before: "o>c1", it opened above the close of the one
before. It may end in how long ago that was: "o>c1.2". What a word is true of is one whole number for all candles, bit i
for candle i: so a pattern costs a handful of operations on whole numbers, however many candles there are.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hybridd.analysis.windows import rolling_sum
from hybridd.model.candle import BoolArray, FloatArray

Bits = int

_BODY, _RANGE, _NEAR = 10, 10, 5
_FEW = 512  # candles up to which comparisons are quicker made all at once
_MEASURES = (
    "o", "h", "l", "c", "top", "bottom", "body", "twice", "wick", "tail", "mean", "tenth", "shadows",
    "c+e", "c-e", "l+e", "l-e", "o+e", "o-e", "bottom-n", "top+n", "l+n", "h-n", "c-n", "o+body",
    "body-f", "body+n", "body-n", "c+half", "c-half", "c+third", "c-third", "middle+n", "middle-n",
)  # fmt: skip
_PLACE: Mapping[str, int] = {name: row for row, name in enumerate(_MEASURES)}
_WORD = re.compile(r"(\D+?)([<>]=?)(\D+)(\d*)")
_COMPARE: Mapping[str, Callable[..., BoolArray]] = {
    ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal,
}  # fmt: skip


def measures(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """A row for each measure of candles that follow each other, prices as whole numbers so that every sum is exact.

    By TA-Lib's settings (ta_global.c): `mean` is that of the 10 bodies before, `shadows` half that of their shadows,
    `tenth` a tenth of that of their ranges; n, f and e (near, far and equal) are 0.2, 0.6 and 0.05 of the mean range of
    the 5 before. Each is rounded as TA-Lib rounds it: a tie falls on the same side.
    """
    found = np.empty((len(_MEASURES), len(opened)))
    at = dict(zip(_MEASURES, found, strict=True))
    at["o"][:], at["h"][:], at["l"][:], at["c"][:] = opened, high, low, close
    top, bottom = np.maximum(opened, close, out=at["top"]), np.minimum(opened, close, out=at["bottom"])
    body, spread = np.subtract(top, bottom, out=at["body"]), high - low
    np.add(body, body, out=at["twice"])
    np.subtract(high, top, out=at["wick"]), np.subtract(bottom, low, out=at["tail"])
    at["mean"][:] = _before(body, _BODY)
    np.multiply(_before(spread, _RANGE), 0.1, out=at["tenth"])
    np.divide(_before(spread - body, _RANGE), 2, out=at["shadows"])
    five = _before(spread, _NEAR)
    near, far, equal, half, third, middle = (
        0.2 * five,
        0.6 * five,
        0.05 * five,
        0.5 * body,
        0.3 * body,
        low + spread / 2,
    )
    for name, one, other in (
        ("c+e", close, equal), ("l+e", low, equal), ("o+e", opened, equal), ("top+n", top, near), ("l+n", low, near),
        ("o+body", opened, body), ("body+n", body, near), ("c+half", close, half), ("c+third", close, third),
        ("middle+n", middle, near),
    ):  # fmt: skip
        np.add(one, other, out=at[name])
    for name, one, other in (
        ("c-e", close, equal), ("l-e", low, equal), ("o-e", opened, equal), ("bottom-n", bottom, near),
        ("h-n", high, near), ("c-n", close, near), ("body-f", body, far), ("body-n", body, near),
        ("c-half", close, half), ("c-third", close, third), ("middle-n", middle, near),
    ):  # fmt: skip
        np.subtract(one, other, out=at[name])
    return found


def _before(x: FloatArray, n: int) -> FloatArray:
    """Mean of the `n` values before each; 0 where there are fewer."""
    out = np.zeros(len(x))
    if len(x) > n:
        np.divide(rolling_sum(x, n)[n - 1 : -1], n, out=out[n:])
    return out


def true_of(found: FloatArray, words: Sequence[str]) -> dict[str, Bits]:
    """Which candles each word is true of, by `measures`. Where there is no candle so long before, none is true."""
    base, groups, places = _groups(tuple(words))
    n = found.shape[1]
    rows = np.zeros((base, n), dtype=np.bool_)
    for compare, ago, left, right, where in groups:
        end = max(0, n - ago)
        if n <= _FEW:
            rows[where, n - end :] = compare(found[left, n - end :], found[right, :end])
        else:
            for one, other, row in zip(left.tolist(), right.tolist(), where.tolist(), strict=True):
                compare(found[one, n - end :], found[other, :end], out=rows[row, n - end :])
    packed, size = np.packbits(rows, axis=1, bitorder="little").tobytes(), -(-n // 8)
    bits = [int.from_bytes(packed[row * size : (row + 1) * size], "little") for row in range(base)]
    return {word: bits[of] << ago for word, of, ago in places}


_Group = tuple[Callable[..., BoolArray], int, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


@cache
def _groups(words: tuple[str, ...]) -> tuple[int, tuple[_Group, ...], tuple[tuple[str, int, int], ...]]:
    """How many comparisons the words are made of; how to make them: which, how long ago the second measure was, the
    rows of both measures, and the rows of the answers; and for each word the row of its answer and how long ago."""
    asked = [(word, *word.partition(".")[::2]) for word in words]
    base = {comparison: row for row, comparison in enumerate(dict.fromkeys(one for _, one, _ in asked))}
    alike: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    for comparison, row in base.items():
        parts = _WORD.fullmatch(comparison)
        if parts is None:
            raise ValueError(f'"{comparison}" compares nothing')
        left, sign, right, before = parts.groups()
        alike.setdefault((sign, int(before or 0)), []).append((_PLACE[left], _PLACE[right], row))
    groups = tuple((_COMPARE[sign], before, *np.array(rows).T) for (sign, before), rows in alike.items())
    return len(base), groups, tuple((word, base[one], int(ago or 0)) for word, one, ago in asked)


def spelled(names: Mapping[str, str], text: str) -> tuple[str, ...]:
    """The words of a text, with those that are names written out: "long.2" by what "long" stands for."""
    return tuple(_words(names, text.split()))


def _words(names: Mapping[str, str], text: Iterable[str]) -> Iterable[str]:
    for one in text:
        name, _, ago = one.partition(".")
        for word in names.get(name, name).split():
            yield f"{word}.{ago}" if ago else word
