"""Simulated paths against a simulation one step at a time."""

import numpy as np
import pytest

from hybridd.analysis.paths import (
    BLOCK,
    DECAY,
    FAR,
    HORIZON,
    MEMORY,
    PATHS,
    PIECES,
    POOL,
    SHUFFLES,
    blocks,
    draws,
    outlook,
    path_ends,
    volatility,
)  # fmt: skip
from hybridd.analysis.returns import log_change
from hybridd.model.candle import Candles
from tests.more_layers import alone, layer
from tests.recorded_candles import recorded

SYMBOL = "SOL/USDT"


def chart() -> Candles:
    return recorded(SYMBOL)[80_000:82_500]


def numbers(c: Candles) -> np.ndarray:
    return c.open_time // c.step


def risk_metrics(step: np.ndarray) -> float:
    """The variance forecast after the last of MEMORY squared returns, weighed one by one."""
    weights = DECAY ** np.arange(MEMORY)
    return float(np.sum(weights * step[::-1][:MEMORY] ** 2) / np.sum(weights))


def simulated(step: np.ndarray, number: int) -> np.ndarray:
    """Where the paths from the newest candle end, each return at the volatility that its path has led to."""
    unit = {}
    for k in range(len(step) - POOL - BLOCK, len(step)):
        unit[k] = step[k] / risk_metrics(step[:k]) ** 0.5
    now, ends = risk_metrics(step), []
    for path in draws(SYMBOL).tolist():
        variance, total = now, 0.0
        for piece in path:
            newest = len(step) - 1 - (number - piece) % POOL
            for k in range(newest - BLOCK + 1, newest + 1):
                move = variance**0.5 * unit[k]
                total += move
                variance = DECAY * variance + (1 - DECAY) * move * move
        ends.append(total)
    return np.array(ends)


@pytest.mark.parametrize("i", [1_400, 1_999, 2_399])
def test_the_outlook_counts_the_paths_of_a_simulation_step_by_step(i):
    c = chart()
    step = log_change(c.close)
    ends = simulated(step[1 : i + 1], int(numbers(c)[i]))
    found = outlook(step, numbers(c), SYMBOL)
    assert found.up[i] == np.mean(ends > 0) + np.mean(ends == 0) / 2
    far = FAR * HORIZON**0.5 * risk_metrics(step[1 : i + 1]) ** 0.5
    assert found.tails[i] == pytest.approx(np.mean(ends > far) - np.mean(ends < -far), abs=1e-12)
    shown = path_ends(step[: i + 1], numbers(c)[: i + 1], SYMBOL)
    np.testing.assert_allclose(np.sort(shown), np.sort(ends), rtol=1e-8)
    known = outlook(step[: i + 1], numbers(c)[: i + 1], SYMBOL, 1)
    assert path_ends(step[: i + 1], numbers(c)[: i + 1], SYMBOL, known).tolist() == shown.tolist()


def test_the_paths_agree_with_a_hundred_times_as_many():
    step = log_change(chart().close)
    found, piece = outlook(step, numbers(chart()), SYMBOL), blocks(step)
    rng, errors = np.random.default_rng(2), []
    for i in range(1_000, 2_500, 50):
        age = i - rng.integers(0, POOL, (100_000, PIECES))
        move, growth = piece.move[age].T, piece.growth[age].T
        many = move[0] + growth[0] * (move[1] + growth[1] * move[2])
        errors.append(found.up[i] - np.mean(many > 0))
    assert np.std(errors) < 0.012
    assert abs(np.mean(errors)) < 0.012


def test_every_block_of_the_pool_is_drawn_alike_and_every_symbol_draws_its_own():
    drawn = draws(SYMBOL)
    assert drawn.shape == (PATHS, PIECES)
    for column in drawn.T:
        assert (np.bincount(column, minlength=POOL) == SHUFFLES).all()
    assert not np.array_equal(drawn, draws("BTC/USDT"))
    assert drawn[:4].tolist() == [[157, 113, 148], [7, 106, 279], [167, 204, 247], [394, 210, 7]]


def test_the_outlook_moves_with_the_market_and_not_with_the_dice():
    up = outlook(log_change(chart().close), numbers(chart()), SYMBOL).up
    up = up[~np.isnan(up)]
    assert np.abs(np.diff(up)).max() < 0.01
    assert np.std(up) > 0.03


def test_volatility_is_that_of_risk_metrics():
    step = log_change(chart().close)
    assert volatility(step)[900] == pytest.approx(risk_metrics(step[1:901]) ** 0.5, rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_after_a_day_and_a_half_of_rises_more_paths_rise(sign):
    step = sign * 0.0004 + np.random.default_rng(6).normal(0, 0.002, 2_000)
    close = 100 * np.exp(np.cumsum(step))
    opened = 300_000 * np.arange(2_000, dtype=np.int64)
    market = alone(SYMBOL, Candles(300_000, opened, close, close, close, close, np.ones(2_000)))
    value, reason = layer("monte_carlo").evaluate(market).values[-1], layer("monte_carlo").explain(market, 1_999)
    assert value > 65 if sign > 0 else value < 35
    assert "of 1,920 paths end higher in 12 candles" in reason
    assert ("leans up" if sign > 0 else "leans down") in reason
