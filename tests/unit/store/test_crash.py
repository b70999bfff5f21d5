"""What a killed process leaves behind, and what two processes do to each other."""

import signal
import subprocess
import sys
from pathlib import Path

from hybridd.clock import ManualClock
from hybridd.store.store import open_store
from tests.makers import T0, analysis

ROOT = Path(__file__).resolve().parents[3]
HEAD = """
import sys
from hybridd.clock import ManualClock
from hybridd.store.store import open_store
store = open_store(f"sqlite:///{sys.argv[1]}", clock=ManualClock(0))
"""
DIES = (
    HEAD
    + """
for i in range(200):
    store.events.append("unfinished", "s", {"filler": "x" * 20_000, "i": i}, 0) if i else None
    if i == 0:
        context = store.transaction()
        context.__enter__()
        store.bot_state.set("unfinished", 1)
print("inside", flush=True)
sys.stdin.read()
"""
)
COUNTS = (
    HEAD
    + """
sys.stdin.readline()
for i in range(25):
    with store.transaction():
        store.bot_state.set("n", store.bot_state.get("n", 0) + 1)
        store.audit.append(sys.argv[2], "count", "n", {"i": i}, 0)
store.close()
"""
)
OPENS = """
import sys
from hybridd.clock import ManualClock
from hybridd.store.store import open_store
sys.stdin.readline()
store = open_store(f"sqlite:///{sys.argv[1]}", clock=ManualClock(0))
store.events.append("started", sys.argv[2], {}, 0)
store.close()
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


def test_a_kill_inside_a_transaction_leaves_the_state_whole(tmp_path):
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    store.analyses.add_many([analysis(60.0)])
    with start(DIES, str(path)) as process:
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert store.bot_state.get("unfinished") is None
    assert store.events.after(0) == []
    store.bot_state.set("life", "goes on")
    store.close()
    again = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    assert (again.analyses.count(), again.bot_state.get("life"), again.verify()) == (1, "goes on", [])
    again.close()


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    path = tmp_path / "state.db"
    open_store(f"sqlite:///{path}", clock=ManualClock(T0)).close()
    finish([start(COUNTS, str(path), name) for name in ("one", "two")])
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    assert store.bot_state.get("n") == 50
    assert len(store.audit.list(100)) == 50
    assert store.verify() == []
    store.close()


def test_processes_that_find_no_state_make_one_between_them(tmp_path):
    path = tmp_path / "state.db"
    finish([start(OPENS, str(path), str(i)) for i in range(3)])
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    assert sorted(event.subject for event in store.events.after(0)) == ["0", "1", "2"]
    store.close()
