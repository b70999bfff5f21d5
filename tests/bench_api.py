"""The interface for programs over a state with ten million analyses: how long an answer takes.

python -m tests.bench_api [COUNT]     COUNT analyses, 10,000,000 by default, fewer where the disk has no room
"""

import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from hybridd.clock import SystemClock
from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.app import Door, make_app
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.guard import Activity
from hybridd.dashboard.logins import Logins
from hybridd.dashboard.rates import Limits
from hybridd.dashboard.serve import Server, Serving, own_socket
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store

COUNT, BYTES_A_ROW = 10_000_000, 1_000
ALERTS = 100_000
STEP, T0 = 300_000, 1_000_000_200_000
SYMBOLS = [f"{name}{n}/USDT" for name in ("BTC", "ETH", "SOL", "XRP", "ADA") for n in range(4)]
LAYERS = 15
ROUNDS = 200
REASON = "the price stands 1.2 average ranges above its mean of 200 candles and has risen for six"

Question = Callable[[random.Random, int], tuple[str, dict[str, object]]]
QUESTIONS: dict[str, Question] = {
    "status": lambda _, __: ("status", {}),
    "analyses, newest of all": lambda _, __: ("analyses", {}),
    "analyses, anywhere of all": lambda dice, last: ("analyses", {"end": dice.randint(T0, last)}),
    "analyses of a symbol": lambda dice, last: (
        "analyses", {"symbol": dice.choice(SYMBOLS), "end": dice.randint(T0, last)},
    ),
    "analyses of none": lambda _, __: ("analyses", {"symbol": "NONE/USDT"}),
    "analyses, 500 without layers": lambda dice, last: (
        "analyses", {"symbol": dice.choice(SYMBOLS), "limit": 500, "layers": False, "end": dice.randint(T0, last)},
    ),
    "alerts": lambda _, __: ("alerts", {}),
    "alerts that fire": lambda _, __: ("alerts", {"state": "firing"}),
    "proposals": lambda _, __: ("proposals", {}),
    "trades": lambda _, __: ("trades", {}),
    "statistics": lambda _, __: ("statistics", {}),
    "candles": lambda dice, last: ("candles", {"symbol": SYMBOLS[0], "timeframe": "5m", "end": dice.randint(T0, last)}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a question takes, in ms: of the wall's time, and of the processor's."""

    median: float
    p99: float
    processor_median: float
    processor_p99: float


def main() -> None:
    """Measure and print."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder:
        count = min(wanted, shutil.disk_usage(folder).free // 2 // BYTES_A_ROW)
        for what, times in measure(Path(folder), count).items():
            of_it = f"of the processor {times.processor_p99:.1f}, median {times.processor_median:.1f}"
            print(f"{what:64} {times.p99:12,.3f} ms median {times.median:.1f}; {of_it}; goal ≤ 50", flush=True)


def measure(folder: Path, count: int) -> dict[str, Times]:
    """What each question takes, by what it is."""
    path, begun = folder / "state.db", time.monotonic()
    store = open_store(f"sqlite:///{path}", clock=SystemClock())
    given = api_tokens.add(store, "bench", frozenset(Scope), "bench", T0)
    store.close()
    last = fill(path, count)
    size = path.stat().st_size / 2**30
    print(f"state with {count:,} analyses, {size:.1f} GiB, made in {time.monotonic() - begun:.0f} s", flush=True)
    command = [sys.executable, "-m", "tests.bench_api", "--serve", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            headers = {"Authorization": f"Bearer {given}"}
            with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
                return asked(client, last, process.pid)
        finally:
            process.terminate()


def asked(client: httpx.Client, last: int, pid: int) -> dict[str, Times]:
    """Every question ROUNDS times, in turn."""
    dice, times = random.Random(1), {what: list[tuple[float, float]]() for what in QUESTIONS}
    for _ in range(ROUNDS):
        for what, question in QUESTIONS.items():
            path, query = question(dice, last)
            before, begun = processor_ms(pid), time.perf_counter()
            answer = client.get(f"/api/v1/{path}", params=query)
            took = (time.perf_counter() - begun) * 1000
            times[what].append((took, processor_ms(pid) - before))
            assert answer.status_code == 200, answer.text
    everything = [pair for found in times.values() for pair in found]
    rows = {f"api, p99: {what}": found for what, found in times.items()} | {"api, p99 of all of these": everything}
    return {what: _times(found) for what, found in rows.items()}


def processor_ms(pid: int) -> float:
    """What a process has had of the processor: where others want it too, the wall's time says little."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def _times(pairs: list[tuple[float, float]]) -> Times:
    wall, processor = sorted(pair[0] for pair in pairs), sorted(pair[1] for pair in pairs)
    at = int(len(pairs) * 0.99)
    return Times(
        median=statistics.median(wall),
        p99=wall[at],
        processor_median=statistics.median(processor),
        processor_p99=processor[at],
    )


def serve(path: Path) -> None:
    """The web over a state, as it runs but for its patience: one caller asks more than a minute allows."""
    store = open_store(f"sqlite:///{path}", clock=SystemClock(), migrate=False)
    desk, activity = Desk(store=store, rules=TradingRules(), clock=SystemClock()), Activity()
    door = Door(hosts=frozenset({"127.0.0.1"}), limits=Limits(page=10**9))
    listening = own_socket("127.0.0.1", 0)
    app = make_app(desk, door, Logins(store, SystemClock()), activity)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    Server(app, activity, Serving()).run([listening], lambda: print(address, flush=True))


def fill(path: Path, count: int) -> int:
    """Write analyses, and what grows with them; gives the newest candle's close, ms UTC."""
    each = count // len(SYMBOLS)
    said = {
        f"layer{n}": {"score": 50 + n, "weight": 1.0, "reason": REASON, "abstain": "ANSWERS"} for n in range(LAYERS)
    }
    short = json.dumps({name: {**one, "reason": ""} for name, one in list(said.items())[:2]})
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;")
    for symbol in SYMBOLS:
        # Whole rows are the newest of each symbol, and every twentieth: all of them whole would be 30 GB.
        values = (each - 1, symbol, T0, STEP, each - 2000, json.dumps(said), short, T0, STEP)
        database.execute(ANALYSES, values)
    database.execute(CANDLES, (each - 1, SYMBOLS[0], T0, STEP))
    database.execute(ALERT, (json.dumps(fact("BTC0/USDT")),))
    database.execute(MORE_ALERTS, (ALERTS,))
    database.execute("COMMIT")
    database.close()
    return T0 + (each - 1) * STEP


def fact(subject: str) -> dict[str, object]:
    """An alert as it is kept."""
    change = {"subject": subject, "reason": "SIGNAL_CHANGED", "at": T0, "before": "NEUTRAL", "after": "LONG"}
    return {"key": "0", "subject": subject, "created_at": T0, "expires_at": T0, "changes": [change]}


MANY = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
ANALYSES = f"""{MANY} INSERT INTO analyses (symbol, timeframe, candle_close, price, score, signal, streak, confidence,
    agreeing, answered, layer_count, degraded, missing, layers, source, simulated, made_at, late)
    SELECT ?, '5m', ? + i * ?, 45000.5, 50 + i % 50, 'NEUTRAL', 0, 0.5, 5, 15, 15, 0, '[]',
    CASE WHEN i % 20 = 0 OR i > ? THEN ? ELSE ? END, 'bench', 0, ? + i * ?, 0 FROM n"""
CANDLES = f"{MANY} INSERT INTO candles SELECT ?, '5m', ? + i * ?, 1, 2, 0.5, 1.5, 10 FROM n"
ALERT = f"""INSERT INTO alerts (key, subject, state, severity, reasons, created_at, expires_at, resolves,
    simulated, facts) VALUES ('0', 'BTC0/USDT', 'firing', 'warning', ' SIGNAL_CHANGED ', {T0}, {T0}, 0, 0, ?)"""
MORE_ALERTS = f"""{MANY} INSERT INTO alerts (key, subject, state, severity, reasons, created_at, expires_at, resolves,
    simulated, facts) SELECT 'k' || i, subject, 'expired', severity, reasons, created_at + i, expires_at, 0, 0, facts
    FROM n, alerts WHERE key = '0'"""


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
    else:
        main()
