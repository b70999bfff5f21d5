"""The whole daemon between a real HTTP server and a real mail server, on real candles; killed and revived."""

import json
import signal

import numpy as np
import pytest

from hybridd.app import read_settings
from hybridd.model.instrument import parse_instrument
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.observe import Origin, Past, observe
from hybridd.pipeline.rules import rules_of
from hybridd.replay.run import market_of
from hybridd.signals.signal import next_state
from tests.e2e.house import Daemon, wait_for
from tests.fakes.binance import FakeBinance
from tests.fakes.smtp import PASSWORD, USER, FakeSmtp
from tests.recorded_candles import recorded

pytestmark = pytest.mark.xdist_group("daemon")

SETTINGS = """
[monitor]
symbols = ["BTCUSDT", "ETH/USDT"]
timeframe = "1s"
settle_seconds = 0

[market]
base_url = "{exchange}"

# Layers that read what lies around the market depend on when that arrived, which no recording of this run tells.
[analysis]
weights = {{cross_asset = 0, derivatives = 0, sentiment = 0, macro = 0}}

[alerts]
score_jump = 1.0
cooldown = "3s"

[email]
enabled = true
smtp_server = "127.0.0.1"
smtp_port = {port}
security = "starttls"
username = "{user}"
password = {{env = "MAIL_PASSWORD"}}
sender_email = "hybridd@example.org"
recipient_email = "person@example.org"
"""


@pytest.fixture
def exchange():
    candles = {symbol: recorded(symbol) for symbol in ("BTC/USDT", "ETH/USDT")}
    with FakeBinance(candles, step="1s", ready=4000) as fake:
        yield fake


@pytest.fixture
def smtp():
    with FakeSmtp() as server:
        yield server


@pytest.fixture
def daemon(tmp_path, exchange, smtp):
    settings = SETTINGS.format(exchange=exchange.url, port=smtp.port, user=USER)
    smtp.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    environ = {"MAIL_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    with Daemon(tmp_path, settings, environ) as made:
        yield made


def closes(daemon, symbol):
    return [row[0] for row in daemon.rows("SELECT candle_close FROM analyses WHERE symbol = ? ORDER BY 1", symbol)]


def test_killed_and_revived_it_misses_no_analysis_and_doubles_no_alert(daemon, smtp, exchange):
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= 16)
    daemon.kill()
    before = daemon.count("analyses")
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= before + 20)
    daemon.kill()
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= before + 40)
    # Quiet: whatever is on its way arrives before the end.
    exchange.fail(503)
    wait_for(lambda: daemon.count("deliveries", "state IN ('planned','leased','retry_wait','unknown')") == 0)
    assert daemon.stop() == 0

    for symbol in ("BTC/USDT", "ETH/USDT"):
        found = closes(daemon, symbol)
        assert found == list(range(found[0], found[-1] + 1000, 1000)), "a candle has no analysis"
    _assert_the_same_as_a_replay(daemon, exchange)
    _assert_every_alert_arrived_once(daemon, smtp)
    assert daemon.command("db", "verify").returncode == 0


def _assert_every_alert_arrived_once(daemon, smtp):
    alerts = daemon.rows("SELECT alert FROM deliveries WHERE channel = 'email' AND state = 'accepted'")
    assert len(alerts) >= 5
    ids = [mail.message_id for mail in smtp.mails]
    assert len(set(ids)) == len(alerts), "an alert was lost, or two share one Message-ID"
    # A kill between the server's yes and our note makes a second copy of the same Message-ID: mail readers fold it.
    assert len(ids) - len(set(ids)) <= 2
    assert all(mail.encrypted for mail in smtp.mails)


def _assert_the_same_as_a_replay(daemon, exchange):
    settings = read_settings(daemon.config, need_secrets=False)
    rules = rules_of(settings)
    for symbol, candles in exchange.markets.items():
        found = closes(daemon, symbol)
        market = market_of(parse_instrument(symbol), candles.closed_by(found[-1]))
        past, expected, alerts = Past(), {}, set()
        for opinion in analyst_of(settings).opinions(market, -1, explain=False):
            if opinion.candle_close < found[0]:
                past = Past(state=next_state(past.state, opinion.score, rules.signal))
                continue
            origin = Origin(symbol=symbol, timeframe=parse_timeframe("1s"), source="binance", simulated=False)
            observation, past = observe(past, opinion, origin, rules, (), opinion.candle_close)
            expected[opinion.candle_close] = observation.analysis
            if any(v.suppressed is None for v in observation.verdicts):
                alerts.add(f"{symbol}:1s:{opinion.candle_close}")
        rows = daemon.rows("SELECT candle_close, score, signal FROM analyses WHERE symbol = ? ORDER BY 1", symbol)
        scores = np.array([row[1] for row in rows])
        off = np.abs(scores - [expected[row[0]].score for row in rows]) > 1e-6
        assert not off.any(), _differences(daemon, market, [row[0] for row, bad in zip(rows, off, strict=True) if bad])
        assert [row[2] for row in rows] == [expected[row[0]].signal.value for row in rows]
        stored = {row[0] for row in daemon.rows("SELECT key FROM alerts WHERE subject = ?", symbol)}
        assert stored == alerts


def _differences(daemon, market, closes):
    """Which layer, and which candle in the state, is not what a replay has: for whoever reads of a breach."""
    symbol, analyst = market.instrument.symbol, analyst_of(read_settings(daemon.config, need_secrets=False))
    lines = []
    for close in closes:
        known = market_of(market.instrument, market.candles.closed_by(close))
        (wanted,) = analyst.opinions(known, close - 1)
        where = "FROM analyses WHERE symbol = ? AND candle_close = ?"
        ((score, made_at, late, text),) = daemon.rows(f"SELECT score, made_at, late, layers {where}", symbol, close)
        lines.append(f"{symbol} {close}: {score} is not {wanted.score}; made {made_at - close} ms after, late {late}")
        stored = {name: said["score"] for name, said in json.loads(text).items()}
        pairs = [(reading.layer, stored.get(reading.layer, "?"), reading.score) for reading in wanted.readings]
        lines += [f"  {name}: {found} is not {score}" for name, found, score in pairs if found != score]
    columns = ("open_time", "open", "high", "low", "close", "volume")
    query = f"SELECT {', '.join(columns)} FROM candles WHERE symbol = ? AND timeframe = '1s'"
    true = {row[0]: row for row in zip(*(getattr(market.candles, c).tolist() for c in columns), strict=True)}
    kept = daemon.rows(query, symbol)
    lines += [f"  candle {row} is not {true.get(row[0])}" for row in kept if row != true.get(row[0])]
    return "\n".join([*lines, *[line for line in daemon.log.read_text().splitlines() if "revised" in line]])


def test_a_feed_that_falls_silent_is_told_within_a_candle_and_its_return_too(daemon, exchange, smtp):
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= 4)
    exchange.fail(500, symbol="ETHUSDT")
    told = wait_for(lambda: daemon.rows("SELECT subject FROM alerts WHERE key LIKE 'FEED_STALE%'"))
    assert told == [("ETH/USDT",)]
    before = len(closes(daemon, "BTC/USDT"))
    wait_for(lambda: len(closes(daemon, "BTC/USDT")) > before)
    assert daemon.command("status").returncode == 3
    exchange.heal()
    wait_for(lambda: daemon.rows("SELECT 1 FROM alerts WHERE key LIKE 'FEED_STALE%:resolved'"))
    found = closes(daemon, "ETH/USDT")
    assert found == list(range(found[0], found[-1] + 1000, 1000))
    assert daemon.stop() == 0


def test_sighup_takes_good_settings_and_refuses_broken_ones(daemon):
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= 2)
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace("score_jump = 1.0", "score_jump = 2.0"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: daemon.said("changed: alerts.score_jump"))
    daemon.config.write_text(text.replace("score_jump", "score_jmup"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: daemon.said("the settings from before stay in force"))
    assert daemon.said("did you mean alerts.score_jump?") or daemon.said("did you mean score_jump?")
    count = daemon.count("analyses")
    wait_for(lambda: daemon.count("analyses") > count)
    assert daemon.stop() == 0


def test_a_second_daemon_on_the_same_state_is_refused_in_one_line(daemon):
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= 1)
    second = daemon.command("run")
    assert second.returncode == 2
    assert f"process {daemon.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_test_alert_goes_the_real_way_through_the_running_daemon(daemon, smtp):
    daemon.start()
    wait_for(lambda: daemon.count("analyses") >= 1)
    answer = daemon.command("alerts", "test", "email")
    assert answer.returncode == 0, answer.stderr
    assert "email to person@example.org: accepted" in answer.stdout
    assert any("TEST" in mail.subject.upper() for mail in smtp.mails)
