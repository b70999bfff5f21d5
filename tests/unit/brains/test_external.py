"""External brains: real functions, real processes."""

import json
import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hybridd.brains import child
from hybridd.brains.external import CommandBrain, ExternalAnswer, ModuleBrain
from hybridd.errors import BrainError, ConfigError
from hybridd.model.analysis import Signal
from tests.recorded_candles import walk

GOOD = {"final_score": 75, "signal": "LONG", "confidence": 0.92, "layers": {"trend": 80.5, "macro": None}}
CANDLES = walk(2000)


def command(tmp_path, body, timeout=20.0):
    script = tmp_path / "ai_brain.py"
    script.write_text(textwrap.dedent(body))
    return CommandBrain([sys.executable, str(script)], timeout)


def ask(brain):
    return brain.ask("BTC/USDT", "5m", CANDLES)


def test_a_command_reads_candles_and_answers(tmp_path):
    brain = command(
        tmp_path,
        """
        import json, sys
        asked = json.load(sys.stdin)
        assert sorted(asked) == ["candles", "symbol", "timeframe"]
        assert len(asked["candles"]) == 2000 and len(asked["candles"][0]) == 6
        score = 100 if asked["candles"][-1][4] > 0 and asked["symbol"] == "BTC/USDT" else 0
        print("notes go here", file=sys.stderr)
        print(json.dumps({"final_score": score, "signal": "LONG", "confidence": 1, "layers": {"a": None}}))
        """,
    )
    assert ask(brain) == ExternalAnswer(score=100.0, signal=Signal.LONG, confidence=1.0, layers={"a": None})


def test_a_command_that_does_not_read_its_question_may_still_answer(tmp_path):
    assert ask(command(tmp_path, f"print({json.dumps(json.dumps(GOOD))})")).score == 75.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(3)", "ended with exit code 3: it said nothing"),
        ("raise ValueError('no model')", "exit code 1: ValueError: no model"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal 9"),
        ("print('score: 75')", "not JSON"),
        ("pass", "not JSON"),
        ("print('[' * 100000)", "nested too deeply|not JSON"),
        ("print('x' * 3_000_000)", "more than 1,000,000 bytes"),
        ('print(\'{"final_score": NaN, "signal": "LONG", "confidence": 1, "layers": {}}\')', "final_score nan"),
    ],
)
def test_what_is_no_answer_is_an_error_in_one_line(tmp_path, body, said):
    with pytest.raises(BrainError, match=said) as caught:
        ask(command(tmp_path, body))
    assert "\n" not in str(caught.value)


def test_a_slow_command_is_stopped_with_all_its_children(tmp_path):
    pid_file = tmp_path / "pid"
    brain = command(
        tmp_path,
        f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(pid_file)!r}, "w").write(str(child.pid))
        time.sleep(60)
        """,
        timeout=1.0,
    )
    start = time.monotonic()
    with pytest.raises(BrainError, match="no answer within 1 s"):
        ask(brain)
    assert time.monotonic() - start < 5
    assert gone(int(pid_file.read_text()))


def gone(pid: int) -> bool:
    """Whether it ends within three seconds: a signal takes a moment. Killed but not yet collected counts as gone."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        os.sched_yield()
    return False


def test_a_child_left_behind_is_killed_too(tmp_path):
    pid_file = tmp_path / "pid"
    brain = command(
        tmp_path,
        f"""
        import json, subprocess, sys
        quiet = subprocess.DEVNULL
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=quiet, stderr=quiet)
        open({str(pid_file)!r}, "w").write(str(child.pid))
        print(json.dumps({GOOD!r}))
        """,
    )
    assert ask(brain).score == 75.0
    assert gone(int(pid_file.read_text()))


def test_no_pipe_stays_open(tmp_path):
    brain = command(tmp_path, "raise SystemExit(1)")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(BrainError):
            ask(brain)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_program_that_cannot_start_is_a_brain_error():
    with pytest.raises(BrainError, match="does not start"):
        child.run_child(["/nowhere/at/all"], b"", 1.0, "x")


@pytest.mark.parametrize(
    ("words", "timeout", "said"),
    [
        (["no-such-program-here"], 1.0, "there is no program"),
        ([], 1.0, "command is empty"),
        ([""], 1.0, "command is empty"),
        ([sys.executable], 0.0, "time limit"),
    ],
)
def test_a_command_that_cannot_be_is_refused_at_once(words, timeout, said):
    with pytest.raises(ConfigError, match=said):
        CommandBrain(words, timeout)


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, body):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(body))
        return name

    yield write
    for name in [name for name in sys.modules if name.startswith("brain_under_test")]:
        del sys.modules[name]


def test_a_function_gets_candles_and_answers(module):
    name = module(
        "brain_under_test_good",
        """
        import numpy as np
        def think(symbol, timeframe, candles):
            score = np.float32(60) if len(candles) == 2000 and timeframe == "5m" else None
            return {"final_score": score, "signal": "NEUTRAL", "confidence": np.float64(0.5), "layers": {}}
        """,
    )
    answer = ask(ModuleBrain(f"{name}:think"))
    assert answer == ExternalAnswer(score=60.0, signal=Signal.NEUTRAL, confidence=0.5, layers={})
    assert type(answer.score) is float


@pytest.mark.parametrize("body", ["raise RuntimeError('two\\nlines')", "raise SystemExit(1)", "return 1 / 0"])
def test_a_function_that_breaks_is_a_brain_error(module, body):
    name = module(f"brain_under_test_{abs(hash(body))}", f"def think(**asked):\n    {body}\n")
    with pytest.raises(BrainError, match="failed on BTC/USDT") as caught:
        ask(ModuleBrain(f"{name}:think"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("think", "module:function"),
        ("no_such_module_here:think", "cannot be imported: ModuleNotFoundError"),
        ("json:no_such_function", "has no function"),
        ("json:__doc__", "has no function"),
    ],
)
def test_a_function_that_is_not_there_is_refused_at_once(path, said):
    with pytest.raises(ConfigError, match=said):
        ModuleBrain(path)


def test_a_module_that_breaks_on_import_is_refused_at_once(module):
    name = module("brain_under_test_broken", "raise SystemExit('no licence')")
    with pytest.raises(ConfigError, match="SystemExit: no licence"):
        ModuleBrain(f"{name}:think")
