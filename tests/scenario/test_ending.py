"""The end of a daemon in a process of its own, when somebody outside does not answer."""

import time

import pytest

from tests.e2e.house import Daemon, wait_for
from tests.fakes.binance import FakeBinance
from tests.fakes.faults import FaultKind
from tests.recorded_candles import recorded

pytestmark = pytest.mark.xdist_group("daemon")

SETTINGS = """
[monitor]
symbols = ["BTC/USDT", "ETH/USDT"]
timeframe = "1s"
settle_seconds = 0

[market]
base_url = "{exchange}"
"""


def test_sigterm_ends_the_daemon_within_five_seconds_while_the_exchange_hangs(tmp_path):
    """Python waits for threads before it exits, and a request to a dead exchange lasts as long as its time-out."""
    candles = {symbol: recorded(symbol) for symbol in ("BTC/USDT", "ETH/USDT")}
    with (
        FakeBinance(candles, step="1s", ready=3000) as exchange,
        Daemon(tmp_path, SETTINGS.format(exchange=exchange.url), {}) as daemon,
    ):
        daemon.start()
        wait_for(lambda: daemon.count("analyses") >= 2)
        exchange.fail(FaultKind.SLOW, seconds=60)
        asked = len(exchange.requests)
        wait_for(lambda: len(exchange.requests) > asked)
        began = time.monotonic()
        assert daemon.stop(30) == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in daemon.log.read_text()
        exchange.heal()
    assert daemon.command("db", "verify").returncode == 0
