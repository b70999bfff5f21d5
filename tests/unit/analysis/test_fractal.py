"""The variance ratio against its definition, and what the fractal layer makes of persistence."""

import numpy as np
import pytest

from hybridd.analysis.persistence import LONG, WINDOW, hurst_exponent, moments, persistence, usual_moves
from hybridd.analysis.returns import log_change
from hybridd.model.candle import Candles
from tests.more_layers import alone, layer
from tests.recorded_candles import recorded


def lo_mackinlay(y: np.ndarray, q: int) -> tuple[float, float]:
    """VR(q) and z*(q) of T + 1 log prices, sum by sum as printed."""
    x = np.diff(y)
    t = len(x)
    mu = (y[-1] - y[0]) / t
    short = sum((value - mu) ** 2 for value in x) / (t - 1)
    m = q * (t - q + 1) * (1 - q / t)
    long = sum((y[k] - y[k - q] - q * mu) ** 2 for k in range(q, t + 1)) / m
    theta = 0.0
    for j in range(1, q):
        delta = sum((x[k] - mu) ** 2 * (x[k - j] - mu) ** 2 for k in range(j, t))
        theta += (2 * (q - j) / q) ** 2 * delta / sum((value - mu) ** 2 for value in x) ** 2
    return long / short, (long / short - 1) / theta**0.5


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BNB/USDT"])
@pytest.mark.parametrize("i", [576, 600, 1_777])
def test_ratio_and_z_are_lo_and_mackinlays(symbol, i):
    close = recorded(symbol)[60_000:62_000].close
    vr, z = lo_mackinlay(np.log(close[i - WINDOW : i + 1]), LONG)
    found = persistence(moments(log_change(close)))
    assert found.variance_ratio[i] == pytest.approx(vr, rel=1e-9)
    assert found.z[i] == pytest.approx(z, rel=1e-7)
    alone = persistence(moments(log_change(close[: i + 1]), 1))
    assert alone.variance_ratio.tolist() == pytest.approx([vr], rel=1e-9)
    assert alone.z.tolist() == pytest.approx([z], rel=1e-7)


@pytest.mark.parametrize("i", [576, 1_777])
def test_the_move_is_the_last_return_in_its_usual_sizes(i):
    close = recorded("BTC/USDT")[60_000:62_000].close
    step = np.diff(np.log(close[i - WINDOW : i + 1]))
    expected = (step[-LONG:].sum() - LONG * step.mean()) / (LONG**0.5 * step.std(ddof=1))
    assert usual_moves(moments(log_change(close)))[i] == pytest.approx(expected, rel=1e-9)


def made(memory: float, n: int = 40_000, quiet: bool = False) -> np.ndarray:
    rng, step = np.random.default_rng(8), np.zeros(n)
    shock = rng.normal(0, 1e-3, n) * (1 + 2 * (np.arange(n) // 200 % 2) if quiet else 1)
    for k in range(1, n):
        step[k] = memory * step[k - 1] + shock[k]
    return 100 * np.exp(np.cumsum(step))


@pytest.mark.parametrize("quiet", [False, True])
def test_a_random_walk_is_rejected_as_often_as_said_even_when_volatility_comes_and_goes(quiet):
    z = persistence(moments(log_change(made(0.0, quiet=quiet)))).z[WINDOW::97]
    assert 0.01 < np.mean(np.abs(z) > 1.96) < 0.11
    assert 0.85 < np.std(z) < 1.15


def test_persistence_is_above_one_and_turning_back_below():
    going, turning = persistence(moments(log_change(made(0.3)))), persistence(moments(log_change(made(-0.3))))
    assert np.nanmedian(going.z) > 3
    assert np.nanmedian(turning.z) < -2
    assert hurst_exponent(float(np.nanmedian(going.variance_ratio))) > 0.55
    assert hurst_exponent(float(np.nanmedian(turning.variance_ratio))) < 0.45
    assert hurst_exponent(1.0) == 0.5


@pytest.mark.parametrize("memory", [0.4, -0.4])
def test_a_persistent_rise_speaks_for_a_rise_and_an_unsteady_one_for_a_fall(memory):
    close = made(memory, 2_000)
    close = np.r_[close, close[-1] * np.exp(0.0015 * np.arange(1, 16))]
    opened = 300_000 * np.arange(len(close), dtype=np.int64)
    market = alone("BTC/USDT", Candles(300_000, opened, close, close, close, close, np.ones(len(close))))
    value, reason = layer("fractal").evaluate(market).values[-1], layer("fractal").explain(market, len(close) - 1)
    assert value > 65 if memory > 0 else value < 35
    assert ("goes on" if memory > 0 else "turns back") in reason
