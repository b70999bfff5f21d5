"""What is true of a candle by itself and beside those before it: the words that candlestick patterns are told in.

A word compares two measures, the second perhaps of a candle before: "o>c1", it opened above the close of the one
before. It may end in how long ago that was: "o>c1.2". What a word is true of is one whole number for all candles, bit i
for candle i: so a pattern costs a handful of operations on whole numbers, however many candles there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
import talib
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.model.candle import FloatArray

Bits = int

_BODY, _RANGE, _NEAR = 10, 10, 5
_WORD_SIZE = 64  # bits of one number of the machine
_LONGEST_AGO = 4
_MEASURES = (
    "o", "h", "l", "c", "top", "bottom", "body", "twice", "wick", "tail", "mean", "tenth", "shadows",
    "c+e", "c-e", "l+e", "l-e", "o+e", "o-e", "bottom-n", "top+n", "l+n", "h-n", "c-n", "o+body",
    "body-f", "body+n", "body-n", "c+half", "c-half", "c+third", "c-third", "middle+n", "middle-n",
)  # fmt: skip
_PLACE: Mapping[str, int] = {name: row for row, name in enumerate(_MEASURES)}
_WORD = re.compile(r"(\D+?)([<>]=?)(\D+)(\d*)")


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
    bodies, ranges = _before(body, _BODY), _before(spread, _RANGE)
    np.divide(bodies, _BODY, out=at["mean"])
    np.multiply(ranges / _RANGE, 0.1, out=at["tenth"])
    shadows = np.subtract(ranges, bodies, out=at["shadows"])
    shadows /= _RANGE
    shadows /= 2
    five = _before(spread, _NEAR)
    five /= _NEAR
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
    """Sum of the `n` values before each; 0 where there are fewer."""
    out = np.zeros(len(x))
    if len(x) > n:
        out[n:] = talib.SUM(x, n)[n - 1 : -1]  # as it runs on: sums of whole numbers are exact
    return out


def true_of(found: FloatArray, words: Sequence[str]) -> list[Bits]:
    """Which candles each word is true of, by `measures`. Where there is no candle so long before, none is true."""
    asked, n = _asked(tuple(words)), found.shape[1]
    if n <= _WORD_SIZE:
        return _true_of_few(found, asked)
    base, row = [], np.empty(n, dtype=np.bool_)
    for compare, left, left_ago, right, right_ago in asked.comparisons:
        ago = max(left_ago, right_ago)
        row[:ago] = False
        compare(
            found[left, ago - left_ago : n - left_ago], found[right, ago - right_ago : n - right_ago], out=row[ago:]
        )
        base.append(int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little"))
    return [base[of] << ago if ago else base[of] for of, ago in zip(asked.of.tolist(), asked.ago.tolist(), strict=True)]


def _true_of_few(found: FloatArray, asked: "_Asked") -> list[Bits]:
    """`true_of` no more candles than one number of the machine has bits: all comparisons at once."""
    n = found.shape[1]
    padded = np.full((len(found), _LONGEST_AGO + n), np.nan)  # NaN: no comparison with it is true
    padded[:, _LONGEST_AGO:] = found
    left, right = _places(asked, n)
    one, other, strict = padded.take(left), padded.take(right), asked.strict
    rows = np.zeros((len(left), _WORD_SIZE), dtype=np.bool_)
    np.less(one[:strict], other[:strict], out=rows[:strict, :n])
    np.less_equal(one[strict:], other[strict:], out=rows[strict:, :n])
    bits = np.packbits(rows, axis=1, bitorder="little").view("<u8")[:, 0]
    said: list[Bits] = (bits[asked.of] << asked.ago).tolist()
    return said


Comparison = tuple[np.ufunc, int, int, int, int]
"""Less, or less or equal; the row of one measure and how long ago it was, and those of the other."""


class _Asked(Struct, frozen=True, eq=False):
    """The comparisons that words are made of, the `strict` ones first; for each word the number of its comparison and
    how long ago it was true."""

    comparisons: tuple[Comparison, ...]
    strict: int
    of: NDArray[np.uint64]
    ago: NDArray[np.uint64]


@cache
def _asked(words: tuple[str, ...]) -> _Asked:
    told = [word.partition(".")[::2] for word in words]
    made = {_comparison(one): None for one, _ in told}
    ordered = sorted(made, key=lambda one: one[0] is np.less_equal)
    row = {comparison: number for number, comparison in enumerate(ordered)}
    return _Asked(
        tuple(ordered),
        sum(one[0] is np.less for one in ordered),
        np.array([row[_comparison(one)] for one, _ in told], dtype=np.uint64),
        np.array([int(ago or 0) for _, ago in told], dtype=np.uint64),
    )


def _comparison(text: str) -> Comparison:
    """What is more than another is written as that being less, so that there are but two ways to compare."""
    parts = _WORD.fullmatch(text)
    if parts is None:
        raise ValueError(f'"{text}" compares nothing')
    left, sign, right, before = parts.groups()
    one, other = (_PLACE[left], 0), (_PLACE[right], int(before or 0))
    compare = np.less_equal if sign.endswith("=") else np.less
    return (compare, *one, *other) if sign.startswith("<") else (compare, *other, *one)


@lru_cache(maxsize=8)
def _places(asked: _Asked, n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where in the padded table of measures of `n` candles both sides of each comparison stand."""
    width, candle = _LONGEST_AGO + n, np.arange(n) + _LONGEST_AGO
    sides = np.array([one[1:] for one in asked.comparisons])[:, :, None]
    return sides[:, 0] * width + candle - sides[:, 1], sides[:, 2] * width + candle - sides[:, 3]


def spelled(names: Mapping[str, str], text: str) -> tuple[str, ...]:
    """The words of a text, with those that are names written out: "long.2" by what "long" stands for."""
    return tuple(_words(names, text.split()))


def _words(names: Mapping[str, str], text: Iterable[str]) -> Iterable[str]:
    for one in text:
        name, _, ago = one.partition(".")
        for word in names.get(name, name).split():
            yield f"{word}.{ago}" if ago else word
