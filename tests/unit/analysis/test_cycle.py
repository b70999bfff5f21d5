"""The dominant cycle against a Fourier sum written out, and against noise."""

import numpy as np
import pytest
from scipy import stats

from hybridd.analysis.spectra import AHEAD, EVERY, LEVEL, TURNS, WINDOW, cycles
from hybridd.model.candle import Candles
from hybridd.model.reading import Abstain
from tests.more_layers import alone, layer
from tests.recorded_candles import recorded


def written_out(y: np.ndarray, age: int = 0) -> tuple[float, float, float, float]:
    """Period, strength, phase and move ahead of the strongest wave in WINDOW log prices, gone on for `age` candles."""
    t = np.arange(WINDOW)
    x = y - np.polyval(np.polyfit(t, y, 1), t)
    variance, alpha = np.mean(x**2), np.sum(x[1:] * x[:-1]) / np.sum(x**2)
    taper = np.sin(np.pi * (t + 0.5) / WINDOW) ** 2
    best = (0.0, 0.0, 0.0, 0.0)
    for k in TURNS:
        wave = sum(x[n] * taper[n] * np.exp(-2j * np.pi * k * n / WINDOW) for n in t)
        power = abs(wave) ** 2 / np.sum(taper**2) / variance
        noise = (1 - alpha**2) / (1 + alpha**2 - 2 * alpha * np.cos(2 * np.pi * k / WINDOW))
        strength = power / (noise * stats.chi2.ppf(1 - LEVEL / len(TURNS), 2) / 2)
        if strength > best[1]:
            now = 2 * wave / np.sum(taper) * np.exp(2j * np.pi * k * (WINDOW - 1 + age) / WINDOW)
            ahead = (now * np.exp(2j * np.pi * k * AHEAD / WINDOW)).real - now.real
            best = (WINDOW / k, strength, float(np.angle(now)), ahead)
    return best


def seen(close: np.ndarray, last: int | None = None):
    return cycles(close, np.arange(len(close)), last)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "SOL/USDT"])
@pytest.mark.parametrize("i", [260, 264, 269, 700, 735, 736, 1_999])
def test_the_dominant_cycle_is_that_of_the_fourier_sum_drawn_last(symbol, i):
    close = recorded(symbol)[70_000:72_000].close
    y, age = np.log(close[: i + 1]), i % EVERY
    period, strength, phase, ahead = written_out(y[i - age - WINDOW + 1 : i - age + 1], age)
    usual = np.sqrt(AHEAD * np.mean(np.diff(y[-WINDOW:]) ** 2))
    for found, at in ((seen(close), i), (seen(close[: i + 1], 1), 0), (seen(close[: i + 1], 9), 8)):
        assert found.strength[at] == pytest.approx(strength, rel=1e-6)
        assert found.swing[at] == pytest.approx(ahead / usual, abs=1e-6)
    now = seen(close[: i + 1])
    assert now.period == period
    assert now.phase == pytest.approx(phase, abs=1e-6)


def test_a_spectrum_is_drawn_with_the_first_candle_in_each_six_of_the_clock():
    close, number = recorded("BTC/USDT")[:600].close, np.r_[0:300, 303:603]
    strength = cycles(close, number).strength
    changed = np.flatnonzero(np.diff(strength[300:]) != 0) + 301
    assert (np.diff(number[changed] // EVERY) == 1).all()
    assert (number[changed] // EVERY != number[changed - 1] // EVERY).all()


def red(memory: float, n: int = 256 * 400) -> np.ndarray:
    noise, y = np.random.default_rng(1).normal(0, 1e-3, n), np.zeros(n)
    for k in range(1, n):
        y[k] = memory * y[k - 1] + noise[k]
    return np.exp(y)


@pytest.mark.parametrize("memory", [0.5, 0.97, 1.0])
def test_noise_shows_a_cycle_in_about_one_window_of_twenty(memory):
    strength = seen(red(memory)).strength[WINDOW + EVERY :: 64]
    assert 0.025 < np.mean(strength > 1) < 0.075


@pytest.mark.parametrize(("turn", "side"), [(np.pi, "rise"), (0.0, "fall")])
def test_a_cycle_at_its_bottom_is_bullish_and_at_its_top_bearish(turn, side):
    n = 1_500
    angle = 2 * np.pi * (np.arange(n) - (n - 1)) / 51.2 + turn
    close = red(1.0, n) * np.exp(0.015 * np.cos(angle))
    opened = 300_000 * np.arange(n, dtype=np.int64)
    market = alone("BTC/USDT", Candles(300_000, opened, close, close, close, close, np.ones(n)))
    value, reason = layer("cycle").evaluate(market).values[-1], layer("cycle").explain(market, n - 1)
    assert value > 55 if side == "rise" else value < 45
    assert "cycle of 51 candles" in reason
    assert f"due to {side}" in reason
    assert seen(close).period == 51.2


def test_where_noise_explains_it_the_layer_is_silent_and_says_how_much_is_missing():
    market = alone("BTC/USDT", recorded("BTC/USDT")[:30_000])
    series = layer("cycle").evaluate(market)
    silent = np.flatnonzero(series.abstain == Abstain.NOTHING_SEEN)
    assert len(silent) / len(series.values) > 0.8
    assert "no cycle beyond noise" in layer("cycle").explain(market, int(silent[-1]))


def test_a_straight_line_is_no_cycle():
    found = seen(100 * np.exp(0.001 * np.arange(400)))
    assert not (found.strength > 1).any()
