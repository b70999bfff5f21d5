"""The statistics of trades against a library that others wrote, and that shares no line with ours."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hybridd.model.trade import Side, Trade, TradeState
from hybridd.trading.statistics import chosen, equity_curve, exposure, statistics

ROOT = Path(__file__).resolve().parents[3]
PINS = ROOT / "requirements" / "oracle.txt"
FOLDER = ROOT / "build" / "oracle"
# It asks for two fetchers of prices when it is imported; none of its sums does.
SCRIPT = """
import json, sys, types
sys.modules["yfinance"] = types.ModuleType("yfinance")
sys.modules["pandas_datareader"] = types.ModuleType("pandas_datareader")
sys.modules["pandas_datareader"].data = None
import numpy as np
import empyrical as e
answers = []
for returns in json.load(sys.stdin):
    r = np.array(returns)
    answers.append({
        "curve": (1 + e.cum_returns(r)).tolist(),
        "total_return": 100 * float(e.cum_returns_final(r)),
        "max_drawdown": -100 * float(e.max_drawdown(r)),
        "sharpe": float(e.sharpe_ratio(r, annualization=1)),
        "sortino": float(e.sortino_ratio(r, annualization=1)),
    })
print(json.dumps(answers))
"""
START, DAY = 1_750_000_000_000, 86_400_000


def install() -> None:
    """The library in a folder of its own, by its hashes; once for each state of the pins."""
    stamp = FOLDER / "pins.sha256"
    wanted = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    part = FOLDER.with_name(f"oracle.{os.getpid()}")
    command = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(part),
    ]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(PINS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except OSError as error:
        pytest.skip(f"the library to compare with cannot be installed: {error}")
    if done.returncode:
        shutil.rmtree(part, ignore_errors=True)
        assert "hash" not in done.stderr.lower(), done.stderr
        pytest.skip(f"the library to compare with cannot be fetched here: {done.stderr.strip().splitlines()[-1]}")
    (part / stamp.name).write_text(wanted)
    shutil.rmtree(FOLDER, ignore_errors=True)
    part.rename(FOLDER)


@pytest.fixture(scope="module")
def oracle():
    install()

    def ask(histories):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], input=json.dumps(histories), capture_output=True, text=True, timeout=120,
            env={"PYTHONPATH": str(FOLDER), "PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def histories():
    random = np.random.default_rng(20)
    normal = [random.normal(0.003, spread, n) for n in (2, 7, 40, 500) for spread in (0.005, 0.02, 0.1)]
    rare = [np.where(random.random(300) < 0.9, 0.001, -0.03), random.standard_t(3, 400) * 0.01]
    return [np.clip(r, -0.9, None).tolist() for r in (*normal, *rare)]


def trades(returns, **changes):
    return [
        Trade(
            **{"id": i, "symbol": "BTC/USDT", "side": Side.LONG, "state": TradeState.CLOSED, "entry_price": 100.0,
               "entry_at": START + i * DAY, "exit_at": START + i * DAY + DAY // 2, "pnl_percent": 100 * r} | changes
        )
        for i, r in enumerate(returns)
    ]  # fmt: skip


@pytest.mark.xdist_group("oracle")
def test_statistics_equal_those_of_an_independent_library(oracle):
    every = histories()
    for returns, expected in zip(every, oracle(every), strict=True):
        made = trades(returns)
        found = statistics(made)
        assert [height for _, height in equity_curve(made)] == pytest.approx(expected["curve"], rel=1e-9)
        for name in ("total_return", "max_drawdown", "sharpe"):
            assert getattr(found, name) == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name
        if min(returns) < 0:
            assert found.sortino == pytest.approx(expected["sortino"], rel=1e-9)


@pytest.mark.xdist_group("oracle")
def test_a_part_of_the_trades_has_the_statistics_of_that_part(oracle):
    random = np.random.default_rng(3)
    returns = np.clip(random.normal(0, 0.02, 300), -0.9, None)
    made = [
        trade
        for i, r in enumerate(returns.tolist())
        for trade in trades(
            [r], id=i, symbol=("BTC/USDT", "ETH/USDT")[i % 2], side=(Side.LONG, Side.SHORT)[i % 3 == 0],
            entry_at=START + i * DAY, exit_at=START + i * DAY + DAY // 2,
        )
    ]  # fmt: skip
    parts = [
        {"symbol": "ETH/USDT"},
        {"side": Side.SHORT},
        {"symbol": "BTC/USDT", "side": Side.LONG},
        {"start": START + 50 * DAY, "end": START + 120 * DAY},
    ]
    picked = [chosen(made, **part) for part in parts]
    assert [len(part) for part in picked] == [150, 100, 100, 70]
    answers = oracle([[trade.pnl_percent / 100 for trade in part] for part in picked])
    for part, expected in zip(picked, answers, strict=True):
        assert statistics(part).sharpe == pytest.approx(expected["sharpe"], rel=1e-9)
        assert statistics(part).max_drawdown == pytest.approx(expected["max_drawdown"], rel=1e-9)


def test_a_loss_beyond_everything_ends_the_curve():
    assert [height for _, height in equity_curve(trades([0.5, -1.2, 3.0]))] == [1.5, 0.0, 0.0]


def test_the_curve_follows_the_exits_not_the_order_given():
    made = trades([0.1, -0.5])
    assert equity_curve(made[::-1]) == equity_curve(made)


def test_exposure_counts_time_in_several_trades_once():
    end = START + 10 * DAY
    spans = [(0, 2), (1, 3), (2.5, 2.75), (6, 7)]
    made = [
        trades([0.01], entry_at=START + round(a * DAY), exit_at=START + round(b * DAY), id=i)[0]
        for i, (a, b) in enumerate(spans)
    ]
    assert exposure(made, START, end) == pytest.approx(0.4)
    assert exposure([], START, end) == 0
    assert exposure(made, START, START) is None


def test_exposure_equals_a_count_of_minutes():
    random = np.random.default_rng(11)
    minutes = 3 * 1440
    for _ in range(40):
        held = np.zeros(minutes, dtype=bool)
        made = []
        for i in range(int(random.integers(0, 12))):
            a, b = sorted(random.integers(-500, minutes + 500, 2).tolist())
            still_open = random.random() < 0.2
            held[max(0, a) : max(0, minutes if still_open else b)] = True
            made += trades(
                [0.01], id=i, entry_at=START + a * 60_000, exit_at=None if still_open else START + b * 60_000,
                state=TradeState.OPEN if still_open else TradeState.CLOSED,
            )  # fmt: skip
        assert exposure(made, START, START + minutes * 60_000) == pytest.approx(held.mean())
