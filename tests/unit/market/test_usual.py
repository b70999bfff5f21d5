"""Where few rows are told apart quickly, the columns would say the same of them."""

from itertools import product

import numpy as np
import pytest

from hybridd.market.quality import _sifted
from hybridd.market.usual import FEW, newer_rows
from hybridd.model.candle import COLUMNS, candles_from_rows
from tests.unit.market.rows import M5, T0, row, rows, run

FAR = T0 + 10_000 * M5.ms
CELLS = (
    -1.0, 0.0, 1e-300, 99.0, 101.0, 150.0, 1e9, float("inf"), float("nan"), None, T0 + 1, T0 + 2 * M5.ms,
    float(T0 + 3 * M5.ms), 100, True, 10**400, "100.0", np.float64(101.0),
)  # fmt: skip


def spoilt(place: int, column: int, cell: object) -> tuple:
    """A good row with one cell that may be wrong."""
    return tuple(cell if k == column else value for k, value in enumerate(row(place)))


def same(one, other):
    names = ("open_time", *COLUMNS)
    return all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and np.array_equal(getattr(one, name), getattr(other, name))
        for name in names
    )


@pytest.mark.parametrize("places", [[0, 1, 3, 4], [3, 1, 0], [2, 2], [1, 2, 3]], ids=str)
@pytest.mark.parametrize("known", [[0], [0, 1], [1, 2], [0, 2], [0, 1, 2, 3, 4]], ids=str)
@pytest.mark.parametrize("now", [T0 - 1, T0 + 3 * M5.ms, FAR], ids=["early", "midway", "late"])
def test_what_is_beyond_doubt_one_by_one_is_so_in_columns_too(places, known, now):
    before = run(known)
    for at, column, cell in product(range(len(places)), range(6), CELLS):
        sent = rows(places)
        sent[at] = spoilt(places[at], column, cell)
        newer = newer_rows(sent, M5, now, before)
        if newer is not None:
            candles, fresh, incidents = _sifted(sent, M5, now, before)
            assert incidents == []
            assert same(fresh, candles_from_rows(M5.ms, newer))
            assert same(candles, before.joined(fresh))


def test_good_rows_after_the_known_ones_need_no_columns():
    sent = rows([0, 1, 3, 4])
    assert newer_rows(sent, M5, FAR, run([0, 1])) == sent[2:]
    assert newer_rows([list(one) for one in sent], M5, FAR, run([0, 1])) == [list(one) for one in sent[2:]]
    assert newer_rows(np.array(sent), M5, FAR, run([0, 1])) == [list(one) for one in sent[2:]]
    assert newer_rows(sent, M5, T0 + 4 * M5.ms, run([0, 1])) == sent[2:3], "the last one is open"
    assert newer_rows([], M5, FAR, run([0])) == []


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (rows(range(FEW + 1)), [0]),
        (rows([0, 1]), []),
        (rows([1, 2]), [0, 2]),
        ([row(0), row(1, close=50.0), row(2)], [0, 1]),
        ([row(1), row(0)], [0]),
        ([row(1)[:5]], [0]),
        ([(*row(1), 1.0)], [0]),
        ([None], [0]),
        (np.zeros(6), [0]),
    ],
    ids=["many", "nothing known", "a hole is filled", "revised", "disorder", "short", "long", "nothing", "no table"],
)
def test_all_else_is_for_the_columns(sent, known):
    assert newer_rows(sent, M5, FAR, run(known)) is None
