"""The local exchange answers as the real one's own specification says."""

import gzip
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import jsonschema
import pytest
import yaml

from hybridd.clock import ManualClock
from hybridd.model.timeframe import parse_timeframe
from tests.recorded_candles import recorded_file
from tests.unit.market.exchange_parts import NOW, an_exchange

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "../shared/specs/binance_spot_api.yaml.gz"
STEP = 300_000


@pytest.fixture(scope="module")
def specification():
    if not SPECIFICATION.is_file():
        pytest.skip(f"the exchange's specification is not here: {SPECIFICATION.resolve()}")
    # The C loader where there is one: the file has 14,000 lines.
    return yaml.load(gzip.decompress(SPECIFICATION.read_bytes()), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock) as fake:
        yield fake


def get(fake, path):
    try:
        with urllib.request.urlopen(fake.url + path, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


PATHS = [
    ("/api/v3/ping", 200),
    ("/api/v3/time", 200),
    ("/api/v3/klines?symbol=BTCUSDT&interval=5m&limit=100", 200),
    ("/api/v3/klines?symbol=BTCUSDT&interval=1h", 200),
    ("/api/v3/klines?symbol=NOPE&interval=5m", 400),
    ("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400),
    ("/api/v3/klines?interval=5m", 400),
]


@pytest.mark.parametrize(("path", "status"), PATHS)
def test_an_answer_has_the_specified_form(fake, specification, path, status):
    got, body = get(fake, path)
    assert got == status
    answers = specification["paths"][path.split("?")[0]]["get"]["responses"]
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    jsonschema.validate(body, {**schema, "components": specification["components"]})


def klines(fake, query):
    return get(fake, f"/api/v3/klines?symbol=BTCUSDT&{query}")[1]


def test_without_a_start_the_newest_candles_are_given(fake, clock):
    rows = klines(fake, "interval=5m&limit=3")
    assert rows[-1][0] == clock.now() // STEP * STEP
    assert rows[-1][6] == rows[-1][0] + STEP - 1
    assert len(klines(fake, "interval=5m")) == 500
    assert len(klines(fake, "interval=5m&limit=5000")) == 1000


def test_a_window_of_time_is_kept(fake):
    start = fake.base + 10 * STEP
    rows = klines(fake, f"interval=5m&startTime={start}&endTime={start + 4 * STEP}")
    assert [row[0] for row in rows] == [start + k * STEP for k in range(5)]


def test_the_open_candle_is_shown_without_its_future(fake, clock):
    opened = klines(fake, "interval=5m&limit=1")[0]
    assert opened[1] == opened[2] == opened[3] == opened[4]
    clock.advance(STEP)
    closed = klines(fake, "interval=5m&limit=2")[0]
    assert closed[0] == opened[0]
    assert closed[4] != opened[4]


def test_the_open_candle_of_a_longer_time_frame_holds_what_has_happened(fake, clock):
    hour = parse_timeframe("1h")
    part = [row for row in klines(fake, "interval=5m&limit=13") if row[0] >= hour.open_at(clock.now())]
    drawn = klines(fake, "interval=1h&limit=1")[0]
    assert drawn[0] == hour.open_at(clock.now())
    assert float(drawn[2]) == max(float(row[2]) for row in part)
    assert drawn[4] == part[-1][4]


def test_it_runs_by_itself_and_prints_its_address():
    command = [sys.executable, "-m", "tests.fakes.binance", "--data", str(recorded_file("BTC/USDT", "15m"))]
    with subprocess.Popen(
        [*command, "--symbol", "BTC/USDT", "--step", "1s", "--ready", "100"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as served:
        try:
            address = served.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/api/v3/klines?symbol=BTCUSDT&interval=1s", timeout=10) as answer:
                assert len(json.load(answer)) >= 100
        finally:
            served.kill()


def test_a_recorded_candle_is_served_as_one_of_the_step(clock):
    with an_exchange(clock, step="1s", ready=50) as fake:
        rows = klines(fake, "interval=1s&limit=60")
        market = fake.candles["BTC/USDT"]
        assert len(rows) == 51
        assert [float(row[4]) for row in rows[:50]] == market.close[:50].tolist()
        assert rows[1][0] - rows[0][0] == 1000
        assert klines(fake, "interval=1m&limit=5")
