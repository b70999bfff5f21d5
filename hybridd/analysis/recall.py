"""Answers that are given again while the numbers that they rest on are the same.

A live cycle asks at each candle what a day, a spectrum or a value area said that the newest candle has not touched, and
asks it for every symbol anew where all share a benchmark or an index. Who asks gives the very numbers, and nothing else
decides: what is recalled is what would have been computed.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar, cast

import numpy as np

from hybridd.model.candle import FloatArray

Answer = TypeVar("Answer")

KEPT = 4_096
"""Answers: several for each of 500 symbols."""


def recalled(formula: Callable[..., Answer], *columns: FloatArray) -> Answer:
    """`formula(*columns)` of arrays of shape (n,), which it must not change; nor must anybody the answer."""
    digest = sha256()  # of the library's digests the one that processors have an instruction for
    for column in columns:
        digest.update(np.ascontiguousarray(column))  # type: ignore[arg-type] # its types do not say: a buffer
    question = _Question((formula, digest.digest(), *map(len, columns)))
    question.columns = columns
    return cast(Answer, _answer(question))


class _Question(tuple[Any, ...]):
    """A formula, and the digest and the lengths of its numbers, which are let go once it has been answered."""

    columns: tuple[FloatArray, ...]


@lru_cache(maxsize=KEPT)
def _answer(question: _Question) -> object:
    columns, question.columns = question.columns, ()
    return cast(object, question[0](*columns))
