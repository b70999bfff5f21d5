"""`make bench`: speed and memory as figures of one run, with a reference measured in the same run to compare with.

python -m tests.bench [CYCLES]     CYCLES of the memory test, 10,000 by default
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import talib

from hybridd.config.schema import Settings
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.rules import rules_of
from hybridd.replay.run import market_of, replay
from hybridd.trading.follow import FollowRules
from tests.recorded_candles import FOLDER, walk

ROOT = Path(__file__).resolve().parent.parent
RECORDED = FOLDER / "binance_spot_BTCUSDT_5m.csv.gz"


def main() -> None:
    """Measure and print everything."""
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    candles, source = _candles()
    print(f"python {sys.version.split()[0]}, numpy {np.__version__}, {os.cpu_count()} cores; {source}")
    _say("ten indicators by TA-Lib alone (the reference)", reference := _best(lambda: _reference(candles)), "s")
    speed, ratio = _replay(candles, reference)
    _say("replay: whole pipeline, candles a second", speed, "")
    _say("replay: times the reference", ratio, "×")
    ready = _ready()
    _say("start to READY, every remote service unreachable", ready["seconds"], "s", "goal ≤ 2")
    _say("resident after READY", ready["resident_mb"], "MB", "goal ≤ 150")
    memory = _memory(cycles)
    _say("one symbol, one cycle (analysis, sentences, commit, delivery)", memory["ms_a_cycle"], "ms")
    for count, resident in memory["resident_mb"].items():
        _say(f"resident after {int(count):,} simulated cycles", resident, "MB", "goal ≤ 150, flat")


def _say(what: str, value: float, unit: str, note: str = "") -> None:
    print(f"{what:64} {value:12,.3f} {unit:2} {note}".rstrip(), flush=True)


def _candles() -> tuple[Candles, str]:
    if RECORDED.exists():
        from hybridd.market.recorded import read_candles  # only where there is something to read

        found = read_candles(RECORDED).candles
        return found, f"{len(found):,} recorded BTC/USDT candles of 5m"
    return walk(96_480), "96,480 candles of a random walk (no recorded ones here)"


def _best(job, times: int = 5) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        job()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _reference(c: Candles) -> None:
    talib.RSI(c.close), talib.MACD(c.close), talib.BBANDS(c.close), talib.ATR(c.high, c.low, c.close)
    talib.ADX(c.high, c.low, c.close), talib.OBV(c.close, c.volume), talib.STOCH(c.high, c.low, c.close)
    for n in (20, 50, 200):
        talib.EMA(c.close, n)


def _replay(candles: Candles, reference: float) -> tuple[float, float]:
    settings = Settings()
    market = market_of(parse_instrument("BTC/USDT"), candles)
    seconds = _best(lambda: replay(market, analyst_of(settings), rules_of(settings), FollowRules()), 3)
    return len(candles) / seconds, seconds / reference


def _ready() -> dict[str, float]:
    """The daemon with an exchange and a mail server that do not answer: how soon it says READY, and its memory then."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "hybridd.toml"
        config.write_text(
            f'[market]\nbase_url = "http://127.0.0.1:9"\ncontext = {{sentiment_url = "", macro_url = ""}}\n'
            f'[database]\nurl = "sqlite:///{folder}/state.db"\n'
            '[email]\nenabled = true\nsmtp_server = "127.0.0.1"\nsmtp_port = 9\nsecurity = "none"\n'
            'sender_email = "a@example.org"\nrecipient_email = "b@example.org"\n'
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(f"{folder}/notify")
            notify.settimeout(30)
            began = time.perf_counter()
            daemon = subprocess.Popen(
                [sys.executable, "-m", "hybridd", "run", "--config", str(config)],
                env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"}, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
                seconds = time.perf_counter() - began
                for _ in range(2):  # the first rounds have been made when two status lines have come
                    while b"STATUS=" not in notify.recv(4096):
                        pass
                return {"seconds": seconds, "resident_mb": resident_mb(daemon.pid)}
            finally:
                daemon.terminate()
                daemon.wait(10)


def _memory(cycles: int) -> dict:
    child = subprocess.run(
        [sys.executable, "-m", "tests.bench_cycles", str(cycles)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(child.stdout.splitlines()[-1])


def resident_mb(pid: int) -> float:
    """What a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


if __name__ == "__main__":
    main()
