"""`make bench`: speed and memory as figures of one run, with a reference measured in the same run to compare with.

python -m tests.bench [CYCLES]     CYCLES of the memory test, 10,000 by default; it ends after MEMORY_S in any case
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# As in the service: one core each, and what another core spins away is not counted as this one's work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.replay.run import market_of
from tests.bench_cycles import resident_mb
from tests.bench_replay import LIVE, LOOP, best, layer_costs, plain_loop, reference, replay_cost
from tests.recorded_candles import FOLDER, walk
from tests.recorded_context import informed_market

ROOT = Path(__file__).resolve().parent.parent
RECORDED = FOLDER / "binance_spot_BTCUSDT_5m.csv.gz"
MEMORY_S = 300
MANY = 500


def main() -> None:
    """Measure and print everything."""
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    candles, source = _candles()
    print(f"python {sys.version.split()[0]}, numpy {np.__version__}, {os.cpu_count()} cores; {source}")
    market = _informed() or market_of(parse_instrument("BTC/USDT"), candles)
    _replay(market)
    _layers(market)
    _cycle()
    _round()
    ready = _ready()
    _say("start to READY, every remote service unreachable", ready["seconds"], "s", "goal ≤ 2")
    _say("resident after READY", ready["resident_mb"], "MB", "goal ≤ 150")
    _web()
    memory = _child("memory", cycles, MEMORY_S)
    for count, resident in memory["resident_mb"].items():
        _say(f"resident after {int(count):,} simulated cycles", resident, "MB", "goal ≤ 150, flat")
    _say("one of these cycles with delivery and tick", memory["ms_a_round"], "ms")
    _telling()
    subprocess.run([sys.executable, "-m", "tests.bench_api"], cwd=ROOT, check=True)


BURST = 10_000


def _telling() -> None:
    """How soon who is to be told is told, and what becomes of ten thousand alerts in one moment."""
    near = _run("tests.bench_delivery")
    _say("alert to taken, 8 recipients, one channel a black hole: p50", near["p50_ms"], "ms")
    _say("  p99", near["p99_ms"], "ms", "goal ≤ 1,000")
    loose, tight = _run("tests.burst", str(BURST)), _run("tests.burst", str(BURST), "restrained")
    _say(f"{BURST:,} alerts at once by two channels: lost and doubled", loose["lost"] + loose["doubled"], "", "goal 0")
    _say("  memory at the end, of that after two tenths", loose["growth"] * 100, "%", "goal flat")
    _say("the same under the limits: messages to each address", max(tight["messages"].values()), "", "goal ≤ 13")
    _say("  of these digests", max(tight["digests"].values()), "", "goal 1")
    _say("  SMS segments", tight["segments"], "", f"goal ≤ {tight['budget']}")
    _say("  told of by nobody, without a reason", tight["untold"], "", "goal 0")
    _say("  memory at the end, of that before the first was sent", tight["growth"] * 100, "%", "goal flat")


def _pace() -> float:
    """How quick plain Python is now, in ms: said before what is mostly Python, since it swings on a shared machine."""
    ms = best(plain_loop, 15) * 1000
    _say(f"a loop of {LOOP:,} additions in plain Python", ms, "ms")
    return ms


def _replay(market: Market) -> None:
    candles = market.candles
    pace = _pace()
    ten, cost = best(lambda: reference(candles), 9), replay_cost(market)
    _say("ten indicators by TA-Lib alone (the reference)", ten * 1000, "ms")
    _say("replay, all of it: candles a second", len(candles) / cost.whole, "", "goal ≥ 300,000")
    _say(
        "replay, all of it",
        cost.whole * 1000,
        "ms",
        f"{cost.whole / ten:.1f} × the reference, {cost.whole * 1000 / pace:.1f} × the loop",
    )
    _say("  its brain: layers and combination", cost.brain * 1000, "ms", f"{cost.brain / ten:.1f} × the reference")
    _say(
        "  the rest: signals, changes, policy, trades", cost.rest * 1000, "ms", f"{cost.rest / ten:.1f} × the reference"
    )
    _say("  the rest, a candle", cost.rest / len(candles) * 1e6, "µs", "goal ≤ 1.2")
    share = (sum(cost.result.changes.values()) or 1) / len(candles)
    _say("  changes found, of all candles", share * 100, "%")


def _layers(market: Market) -> None:
    candles = market.candles
    print(f"{'each layer, ms':26} {len(candles):>14,} candles {LIVE:>14,} candles {'sentence':>14}")
    costs = list(layer_costs(market))
    for cost in [*costs, None]:
        name = cost.name if cost else "all of them"
        columns = [
            sum(getattr(c, part) for c in ([cost] if cost else costs)) for part in ("history", "live", "sentence")
        ]
        print(f"  {name:24} " + " ".join(f"{1000 * column:22,.3f}" for column in columns), flush=True)


CYCLE = (
    ("layers", "the layers and their combination"),
    ("sentences", "a sentence of each layer"),
    ("detection", "signal, changes, policy"),
    ("commit", "one transaction, with its fsync"),
    ("candles", "checking and joining candles, threads"),
)


def _cycle() -> None:
    """One symbol: a live cycle is all between a new candle and the commit, without the exchange."""
    pace = _pace()
    ms = _child("parts", 1, 100)
    whole = sum(ms[part] for part, _ in CYCLE)
    _say(f"live cycle, one symbol, {LIVE:,} candles", whole, "ms", f"goal ≤ 4; {whole / pace:.2f} × the loop")
    for part, words in CYCLE:
        _say(f"  {words}", ms[part], "ms", f"{ms[f'{part} cpu']:.3f} ms of the processor")
    cpu = sum(ms[f"{part} cpu"] for part in ("detection", "commit", "candles"))
    rest = whole - ms["layers"] - ms["sentences"]
    _say("  all but layers and sentences", rest, "ms", f"{cpu:.3f} ms of the processor")
    _say("  (one page written and brought to this disk)", ms["fsync"], "ms")
    _say("delivery of what the cycle told, to the journal", ms["delivery"], "ms")
    _say("tick of the daemon, every 10 s", ms["tick"], "ms")


def _round() -> None:
    pace = _pace()
    ms = _child("parts", MANY, 5)
    cpu = ms["processor"] - ms["layers cpu"] - ms["sentences cpu"]
    each = ms["cycle"] / MANY
    _say(f"live cycle, {MANY} symbols, {LIVE:,} candles each", ms["cycle"], "ms", "goal ≤ 2,000")
    _say("  a symbol", each, "ms", f"goal ≤ 4; {each / pace:.2f} × the loop")
    _say(f"  delivery after it, {MANY} symbols", ms["delivery"], "ms")
    _say("  processor time a symbol, with delivery and tick", ms["processor"] / MANY, "ms")
    _say("  processor time a symbol, all but layers and sentences", cpu / MANY, "ms")


def _say(what: str, value: float, unit: str, note: str = "") -> None:
    print(f"{what:64} {value:12,.3f} {unit:2} {note}".rstrip(), flush=True)


def _informed() -> Market | None:
    """The recorded market with all that is known around it, so that all the layers answer; None where it is not."""
    return informed_market("BTC/USDT") if RECORDED.exists() else None


def _candles() -> tuple[Candles, str]:
    if RECORDED.exists():
        from hybridd.market.recorded import read_candles  # only where there is something to read

        found = read_candles(RECORDED).candles
        return found, f"{len(found):,} recorded BTC/USDT candles of 5m"
    return walk(96_480), "96,480 candles of a random walk (no recorded ones here)"


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
                env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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


def _web() -> None:
    command = [sys.executable, "-m", "tests.bench_web"]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(child.stdout.splitlines()[-1])
    _say("web process resident", found["resident_mb"], "MB", "goal ≤ 80")
    _say(f"  while {found['listeners']} listen", found["resident_with_listeners_mb"], "MB", "goal ≤ 120")
    _say("  an event stored until they hear it, median", found["heard_ms"]["median"], "ms")
    _say("  the same, 99 of 100", found["heard_ms"]["p99"], "ms", "goal ≤ 500")
    _say("  events that somebody missed", found["missed"], "", "goal 0")
    if shutil.which("chromium") is None:
        print("first page on a slow line: there is no chromium here, `make test-browser` installs it", flush=True)
        return
    page = _run("tests.browser.weight")
    _say(f"first page of {page['markets']} markets, all that travels", page["all_bytes"] / 1000, "kB", "goal ≤ 100")
    _say("  on a telephone's slow line, until it can be used", page["usable_ms"], "ms", "goal ≤ 1,000")


def _child(what: str, *numbers: int) -> dict:
    return _run("tests.bench_cycles", what, *map(str, numbers))


def _run(module: str, *arguments: str) -> dict:
    """Measured in a process of its own: nothing of the other figures lies in its memory."""
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(child.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
