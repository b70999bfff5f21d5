"""`hybridd report` and `hybridd journal`: what they print, write and send."""

import json

import pytest

from hybridd.clock import ManualClock
from hybridd.store.store import open_store
from tests.cli.conftest import SETTINGS, START, settings_at
from tests.fakes.smtp import FakeSmtp

PARTS = ("Your decisions", "Your trades", "The market", "The alerts", "Was the brain right?", "hybridd itself")
EMAIL = """
[email]
enabled = true
smtp_server = "127.0.0.1"
smtp_port = {port}
security = "none"
sender_email = "hybridd@example.org"
recipient_email = "me@example.org"
"""


def test_the_report_as_text(hybridd, lived):
    answer = hybridd("report", "--config", lived)
    assert answer.code == 0
    assert "Your week with hybridd" in answer.out
    assert [part for part in PARTS if f"\n{part}\n---" not in answer.out] == []
    assert "SIMULATED" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 90


def test_the_report_as_json(hybridd, lived):
    found = hybridd("report", "--format", "json", "--days", 1, "--config", lived).json
    assert found["end"] - found["start"] == 86_400_000
    assert {market["symbol"] for market in found["markets"]} == {"BTC/USDT", "ETH/USDT"}
    assert found["simulated"] is True
    assert found["health"]["uptime"] == 1.0
    assert {"cases", "veto", "added", "waiting"} <= set(found["journal"])
    assert found["trades"]["all"]["total_trades"] == 0


def test_the_report_as_a_page(hybridd, lived, tmp_path):
    answer = hybridd("report", "--format", "html", "--out", tmp_path / "r.html", "--config", lived)
    assert answer.out == f"written to {tmp_path / 'r.html'}\n"
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") >= 2
    printed = hybridd("report", "--format", "html", "--config", lived)
    assert printed.out.startswith("<!doctype html>")


def test_a_place_that_cannot_be_written_to_is_one_clear_line(hybridd, lived, tmp_path):
    answer = hybridd("report", "--out", tmp_path / "nowhere" / "r.txt", "--config", lived)
    assert answer.code == 2
    assert "cannot write" in answer.complaint


def test_the_journal(hybridd, lived):
    answer = hybridd("journal", "--config", lived)
    assert answer.code == 0
    assert "Your decisions" in answer.out
    found = hybridd("journal", "--json", "--config", lived).json
    assert len(found["cases"]) == sum(found["fates"].values())


def test_without_a_state_there_is_nothing_to_report(hybridd, fresh):
    for command in ("report", "journal"):
        answer = hybridd(command, "--config", fresh)
        assert answer.code == 2
        assert "there is no state" in answer.complaint


def test_sending_needs_a_mail_channel_but_a_timer_does_not_fail_for_it(hybridd, lived):
    answer = hybridd("report", "--send", "--config", lived)
    assert answer.code == 2
    assert "[email]" in answer.complaint
    quiet = hybridd("report", "--send", "--queue", "--config", lived)
    assert quiet.code == 0
    assert "switched off" in quiet.out


@pytest.fixture
def mailed(own, tmp_path):
    """Settings with a mail server that listens."""
    with FakeSmtp(mode="none") as server:
        yield settings_at(tmp_path, SETTINGS + EMAIL.replace("{port}", str(server.port))), server


def test_a_report_is_sent_once_a_day(hybridd, mailed):
    config, server = mailed
    answer = hybridd("report", "--send", "--config", config)
    assert answer.code == 0, answer.err
    assert "email to me@example.org: accepted" in answer.out
    again = hybridd("report", "--send", "--config", config)
    assert "made already today" in again.out
    assert "accepted" in again.out
    assert [mail.subject.startswith("SIMULATED hybridd, the week to ") for mail in server.mails] == [True]


def test_a_queued_report_waits_in_the_outbox_for_the_daemon(hybridd, mailed, tmp_path):
    config, server = mailed
    answer = hybridd("report", "--send", "--queue", "--days", 1, "--config", config)
    assert answer.code == 0, answer.err
    assert "the daemon sends it" in answer.out
    assert server.mails == []
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(START))
    assert store.outbox.counts()["planned"] >= 1
    store.close()


def test_an_alert_of_a_report_can_be_looked_at(hybridd, mailed):
    config, _ = mailed
    hybridd("report", "--send", "--config", config)
    newest = json.loads(hybridd("alerts", "list", "--limit", 1, "--json", "--config", config).out)[0]
    assert newest["reasons"] == ["REPORT"]
    assert "Your report is ready" in hybridd("alerts", "show", newest["id"], "--config", config).out
