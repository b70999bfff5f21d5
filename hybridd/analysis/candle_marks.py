"""What is true of a candle by itself and beside those before it: the words that candlestick patterns are told in.

A word compares two measures, the second perhaps of a candle before: "o>c1", it opened above the close of the one
before. It may end in how long ago that was: "o>c1.2". What a word is true of is one whole number for all candles, bit i
for candle i: so a pattern costs a handful of operations on whole numbers, however many candles there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
import talib
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.model.candle import FloatArray, IntArray

Bits = int
Words = NDArray[np.uint64]
"""The same of several words where no more candles are asked about than one number of the machine has bits."""

_BODY, _RANGE, _NEAR = 10, 10, 5
WORD_SIZE = 64  # bits of one number of the machine
_LONGEST_AGO = 4
_PACKED = np.dtype("<u8")
_MEASURES = (
    "c", "o", "l", "top", "body", "middle", "bottom", "h", "close",
    "twice", "wick", "tail", "mean", "tenth", "shadows",
    "c+e", "o+e", "l+e", "c-e", "o-e", "l-e",
    "l+n", "top+n", "body+n", "middle+n", "body-n", "middle-n", "bottom-n", "h-n", "c-n",
    "c+half", "c+third", "c-half", "c-third", "o+body", "body-f",
)  # fmt: skip
_OF_FIVE, _OF_BODY = np.array([[0.2], [0.6], [0.05]]), np.array([[0.5], [0.3]])  # near, far, equal; half, third
_PLACE: Mapping[str, int] = {name: row for row, name in enumerate(_MEASURES)}
_WORD = re.compile(r"(\D+?)([<>]=?)(\D+)(\d*)")


def measures(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """A row for each measure of candles that follow each other, prices as whole numbers so that every sum is exact.

    By TA-Lib's settings (ta_global.c): `mean` is that of the 10 bodies before, `shadows` half that of their shadows,
    `tenth` a tenth of that of their ranges; n, f and e (near, far and equal) are 0.2, 0.6 and 0.05 of the mean range of
    the 5 before. Each is rounded as TA-Lib rounds it: a tie falls on the same side.
    """
    found = np.empty((len(_MEASURES), len(opened)))
    found[0], found[1], found[2], found[7] = close, opened, low, high
    top, body, middle, bottom = found[3:7]
    np.maximum(opened, close, out=top), np.minimum(opened, close, out=bottom)
    np.subtract(top, bottom, out=body)
    spread = high - low
    np.add(low, spread / 2, out=middle)
    found[8] = close
    ranges = _before(spread, _RANGE)
    _beside_bodies(found, body, _before(body, _BODY), ranges)
    near, far, equal = _OF_FIVE * (_before(spread, _NEAR) / _NEAR)
    shares = _OF_BODY * body
    # What is beside each other in the table is widened and narrowed in one go.
    np.add(found[0:3], equal, out=found[15:18]), np.subtract(found[0:3], equal, out=found[18:21])
    np.add(found[2:6], near, out=found[21:25]), np.subtract(found[4:9], near, out=found[25:30])
    np.add(close, shares, out=found[30:32]), np.subtract(close, shares, out=found[32:34])
    np.add(opened, body, out=found[34]), np.subtract(body, far, out=found[35])
    return found


def _beside_bodies(found: FloatArray, body: FloatArray, bodies: FloatArray, ranges: FloatArray) -> None:
    """Put down the measures that a body and its shadows are compared with."""
    np.add(body, body, out=found[9])
    np.subtract(found[7], found[3], out=found[10]), np.subtract(found[6], found[2], out=found[11])
    np.divide(bodies, _BODY, out=found[12])
    np.multiply(ranges / _RANGE, 0.1, out=found[13])
    shadows = np.subtract(ranges, bodies, out=found[14])
    shadows /= _RANGE
    shadows /= 2


def _before(x: FloatArray, n: int) -> FloatArray:
    """Sum of the `n` values before each; 0 where there are fewer."""
    out = np.zeros(len(x))
    if len(x) > n:
        out[n:] = talib.SUM(x, n)[n - 1 : -1]  # as it runs on: sums of whole numbers are exact
    return out


def true_of(found: FloatArray, words: Sequence[str]) -> list[Bits]:
    """Which candles each word is true of, by `measures`. Where there is no candle so long before, none is true."""
    asked, n = _asked(tuple(words)), found.shape[1]
    base, row = [], np.empty(n, dtype=np.bool_)
    for compare, left, left_ago, right, right_ago in asked.comparisons:
        ago = max(left_ago, right_ago)
        row[:ago] = False
        compare(
            found[left, ago - left_ago : n - left_ago], found[right, ago - right_ago : n - right_ago], out=row[ago:]
        )
        base.append(int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little"))
    return [base[of] << ago if ago else base[of] for of, ago in zip(asked.of.tolist(), asked.ago.tolist(), strict=True)]


def true_of_few(found: FloatArray, words: tuple[str, ...]) -> Words:
    """`true_of` no more candles than one number of the machine has bits: all comparisons at once."""
    asked, (m, n) = _asked(words), found.shape
    padded = np.empty((m, _LONGEST_AGO + WORD_SIZE))
    padded.fill(np.nan)  # no comparison with it is true
    padded[:, _LONGEST_AGO : _LONGEST_AGO + n] = found
    # Row 5·m + 4 − a: measure m as it was a candles ago.
    shape, (line, place) = (m, _LONGEST_AGO + 1, WORD_SIZE), padded.strides
    sides = np.ndarray(shape, buffer=padded, strides=(line, place, place)).reshape(-1, WORD_SIZE)
    one, other, strict = sides.take(asked.left, axis=0), sides.take(asked.right, axis=0), asked.strict
    rows = np.empty(one.shape, dtype=np.bool_)
    np.less(one[:strict], other[:strict], out=rows[:strict])
    np.less_equal(one[strict:], other[strict:], out=rows[strict:])
    said: Words = np.packbits(rows, bitorder="little").view(_PACKED).take(asked.of)
    said <<= asked.ago
    return said


Comparison = tuple[np.ufunc, int, int, int, int]
"""Less, or less or equal; the row of one measure and how long ago it was, and those of the other."""


class _Asked(Struct, frozen=True, eq=False):
    """The comparisons that words are made of, the `strict` ones first, and the rows of both their sides in a table of
    measures as they are and were; for each word the number of its comparison and how long ago it was true."""

    comparisons: tuple[Comparison, ...]
    strict: int
    left: IntArray
    right: IntArray
    of: IntArray
    ago: NDArray[np.uint64]


@cache
def _asked(words: tuple[str, ...]) -> _Asked:
    told = [word.partition(".")[::2] for word in words]
    made = {_comparison(one): None for one, _ in told}
    ordered = sorted(made, key=lambda one: one[0] is np.less_equal)
    row = {comparison: number for number, comparison in enumerate(ordered)}
    left = np.array([measure * (_LONGEST_AGO + 1) + _LONGEST_AGO - ago for _, measure, ago, _, _ in ordered])
    right = np.array([measure * (_LONGEST_AGO + 1) + _LONGEST_AGO - ago for _, _, _, measure, ago in ordered])
    return _Asked(
        tuple(ordered),
        sum(one[0] is np.less for one in ordered),
        left,
        right,
        np.array([row[_comparison(one)] for one, _ in told]),
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


def spelled(names: Mapping[str, str], text: str) -> tuple[str, ...]:
    """The words of a text, with those that are names written out: "long.2" by what "long" stands for."""
    return tuple(_words(names, text.split()))


def _words(names: Mapping[str, str], text: Iterable[str]) -> Iterable[str]:
    for one in text:
        name, _, ago = one.partition(".")
        for word in names.get(name, name).split():
            yield f"{word}.{ago}" if ago else word
