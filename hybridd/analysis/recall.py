"""Answers that are given again while the numbers that they rest on are the same.

A live cycle asks at each candle what a day, a spectrum or a value area said that the newest candle has not touched, and
asks it for every symbol anew where all share a benchmark or an index. Who asks gives the very numbers, and nothing else
decides: what is recalled is what would have been computed.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

import numpy as np

from hybridd.model.candle import FloatArray

Answer = TypeVar("Answer")

KEPT = 4_096
"""Answers: several for each of 500 symbols, of a few KB of numbers each."""


def recalled(formula: Callable[..., Answer], *columns: FloatArray) -> Answer:
    """`formula(*columns)` of arrays of shape (n,), which it must not change; nor must anybody the answer."""
    return cast(Answer, _answer(formula, *(column.tobytes() for column in columns)))


@lru_cache(maxsize=KEPT)
def _answer(formula: Callable[..., object], *columns: bytes) -> object:
    return formula(*(np.frombuffer(column, dtype=np.float64) for column in columns))
