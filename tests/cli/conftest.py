"""The command line in this process, on a state made by a short run of the simulated market."""

import json
import logging
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from hybridd.app import assemble, read_settings
from hybridd.cli.main import run
from hybridd.clock import ManualClock
from hybridd.daemon.journal import setup_logging
from hybridd.store.store import open_store
from tests.recorded_candles import walk

SETTINGS = """
[monitor]
symbols = ["BTC/USDT", "ETH/USDT"]
timeframe = "5m"

[market]
source = "simulated"
history = 1200

[analysis]
min_layers = 4

[alerts]
score_jump = 1.0
cooldown = "30m"

[dashboard]
enabled = false

[database]
url = "sqlite:///{state}"
"""
# Ahead of every clock that runs these tests, so that the same market is met each time.
START = 2_000_000_100_000
CYCLES = 25


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line of a mistake; fails where there is more to it, or less."""
        assert "Traceback" not in self.out + self.err
        lines = [line for line in self.err.splitlines() if line]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("hybridd: ")
        return lines[0]


@pytest.fixture
def hybridd(capsys, monkeypatch):
    """Runs a command in this process: `hybridd("status", "--json").json`."""
    monkeypatch.delenv("COLUMNS", raising=False)
    hooks = sys.excepthook, threading.excepthook

    def call(*arguments) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    yield call
    sys.excepthook, threading.excepthook = hooks
    # The handler of `run` and `alerts test` holds a stream that ends with this test.
    setup_logging(stream=sys.__stderr__)
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "stream", None) is sys.__stderr__]:
        root.removeHandler(handler)
    logging.captureWarnings(False)


def settings_at(folder: Path, text: str = SETTINGS) -> Path:
    path = folder / "hybridd.toml"
    path.write_text(text.format(state=folder / "state.db"))
    return path


@pytest.fixture
def fresh(tmp_path) -> Path:
    """Settings whose state nobody has made yet."""
    return settings_at(tmp_path)


@pytest.fixture(scope="session")
def lived(tmp_path_factory) -> Path:
    """Settings of a daemon that has watched for some hours. Tests that change its state take `own`."""
    folder = tmp_path_factory.mktemp("lived")
    path = settings_at(folder)
    live(path)
    return path


@pytest.fixture
def own(lived, tmp_path) -> Path:
    """A copy of the state that a test may spoil."""
    source = open_store(f"sqlite:///{lived.parent}/state.db", clock=ManualClock(START))
    source.backup(tmp_path / "state.db")
    source.close()
    return settings_at(tmp_path)


def live(path: Path) -> None:
    clock, settings = ManualClock(START), read_settings(path)
    store = open_store(settings.database.url.get_secret_value(), clock=clock)
    parts = assemble(settings, store, clock)
    for _ in range(CYCLES):
        clock.advance(300_000)
        assert parts.watch.cycle().waiting == ()
        for courier in parts.couriers:
            courier.drain()
    parts.close()
    store.close()


@pytest.fixture
def write_candles(tmp_path):
    """Writes n made-up candles as CSV: `write_candles("BTCUSDT.csv", 500)`."""

    def write(name: str, n: int, change=lambda lines: lines) -> Path:
        candles, path = walk(n), tmp_path / name
        rows = zip(
            *(getattr(candles, c).tolist() for c in ("open_time", "open", "high", "low", "close", "volume")),
            strict=True,
        )
        lines = ["ts,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(change(lines)) + "\n")
        return path

    return write
