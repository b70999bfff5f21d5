"""`alerts`: history, why, acknowledgement, and a test of the way."""

import pytest

from hybridd.clock import ManualClock
from hybridd.model.change import Change, Reason, Verdict
from hybridd.store.store import open_store
from tests.cli.conftest import SETTINGS, START, settings_at


def ids(hybridd, config):
    return [alert["id"] for alert in hybridd("alerts", "list", "--json", "--config", config).json]


def test_list_gives_alerts_newest_first_with_their_deliveries(hybridd, lived):
    found = hybridd("alerts", "list", "--json", "--config", lived).json
    assert [a["id"] for a in found] == sorted((a["id"] for a in found), reverse=True)
    assert found
    assert all(a["simulated"] and a["deliveries"][0]["channel"] == "journal" for a in found)
    told = hybridd("alerts", "list", "--limit", "1", "--config", lived)
    assert told.code == 0
    assert len(told.out.splitlines()) == 2


def test_list_of_a_state_that_no_alert_has(hybridd, lived):
    assert hybridd("alerts", "list", "--state", "acked", "--config", lived).out == "no alert is acked\n"
    assert hybridd("alerts", "list", "--state", "acked", "--json", "--config", lived).json == []


@pytest.mark.parametrize("options", [("--state", "broken"), ("--limit", "0"), ("--limit", "many")])
def test_list_refuses_what_cannot_be(hybridd, lived, options):
    answer = hybridd("alerts", "list", *options, "--config", lived)
    assert answer.code == 2
    assert "Invalid value" in answer.err


def test_show_and_why_tell_the_whole_story(hybridd, lived):
    first = ids(hybridd, lived)[-1]
    shown = hybridd("alerts", "show", first, "--config", lived)
    assert "SIMULATED" in shown.out
    assert "written to the journal" in shown.out
    assert hybridd("alerts", "show", first, "--json", "--config", lived).json["id"] == first
    why = hybridd("alerts", "why", first, "--json", "--config", lived).json
    assert why["alert"]["id"] == first
    assert any(change["suppressed"] is None for change in why["changes"])
    assert "told" in hybridd("alerts", "why", first, "--config", lived).out


@pytest.mark.parametrize("command", ["show", "why", "ack"])
@pytest.mark.parametrize("wrong", ["0", "abc", "1.5", "99999999999999999999999"])
def test_an_id_that_cannot_be_is_wrong_usage(hybridd, lived, command, wrong):
    answer = hybridd("alerts", command, wrong, "--config", lived)
    assert answer.code == 2
    assert "Invalid value" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("command", ["show", "why", "ack"])
def test_an_id_that_nobody_has(hybridd, lived, command):
    answer = hybridd("alerts", command, 987_654, "--config", lived)
    assert answer.code == 2
    assert "there is no alert 987654" in answer.complaint


def test_an_alert_is_acknowledged_once(hybridd, own):
    newest = ids(hybridd, own)[0]
    assert hybridd("alerts", "ack", newest, "--config", own).code == 0
    assert hybridd("alerts", "show", newest, "--json", "--config", own).json["state"] == "acked"
    again = hybridd("alerts", "ack", newest, "--config", own)
    assert again.code == 2
    assert "is acked already" in again.complaint


def test_the_test_says_what_the_provider_said(hybridd, own):
    answer = hybridd("alerts", "test", "--config", own)
    assert answer.code == 0
    assert "journal to journal: delivered" in answer.out
    sent = hybridd("alerts", "test", "journal", "--json", "--config", own)
    assert [delivery["state"] for delivery in sent.json] == ["delivered"]


def test_the_test_of_a_channel_that_is_not_set_up(hybridd, own):
    answer = hybridd("alerts", "test", "pigeon", "--config", own)
    assert answer.code == 2
    assert 'channel "pigeon" is not set up' in answer.complaint
    assert "journal" in answer.complaint


def test_a_real_test_needs_a_daemon(hybridd, own):
    before = ids(hybridd, own)
    answer = hybridd("alerts", "test", "--real", "--config", own)
    assert answer.code == 1
    assert "no daemon works on" in answer.complaint
    assert ids(hybridd, own) == before


def test_the_test_needs_its_secrets(hybridd, tmp_path):
    email = '[email]\nenabled = true\nusername = "me"\npassword = {{env = "NOT_THERE"}}\n'
    people = 'sender_email = "a@example.org"\nrecipient_email = "b@example.org"\n'
    config = settings_at(tmp_path, SETTINGS + email + people)
    answer = hybridd("alerts", "test", "--config", config)
    assert answer.code == 2
    assert "email.password: the variable NOT_THERE is not set" in answer.err
    assert "H014" in answer.err
    assert "Traceback" not in answer.err


def test_confidence_is_shown_with_the_digits_that_matter(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    alert = store.alerts.list(limit=1)[0]
    reason = Reason.CONFIDENCE_HIGH
    change = Change(subject=alert.subject, reason=reason, at=alert.created_at, before=0.8449, after=0.8551)
    store.changes.add(Verdict(change=change), analysis_id=None, alert_id=alert.id)
    store.close()
    row = next(line for line in hybridd("alerts", "why", alert.id, "--config", own).out.splitlines() if reason in line)
    assert "0.8449" in row
    assert "0.8551" in row


def test_an_address_that_was_given_up_is_shown_and_brought_back(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    store.addresses.disable("email", "gone@example.org", "550 5.1.1 no such user", START)
    store.missed.add(store.alerts.list(limit=1)[0], START)
    store.close()
    told = hybridd("status", "--config", own).out
    assert "email to gone@example.org (550 5.1.1 no such user)" in told
    assert "missed: alert " in told
    report = hybridd("status", "--json", "--config", own).json
    assert [(a["channel"], a["kind"]) for a in report["addresses"]] == [("email", "mailbox")]
    assert len(report["missed"]) == 1
    assert hybridd("alerts", "enable", "email", "gone@example.org", "--config", own).code == 0
    assert hybridd("status", "--json", "--config", own).json["addresses"] == []
    again = hybridd("alerts", "enable", "email", "gone@example.org", "--config", own)
    assert again.code == 2
    assert "email gone@example.org is not disabled → no address is" in again.complaint
