"""`alerts`: history, why, acknowledgement, and a test of the way."""

import csv
import io
import json

import pytest

from hybridd.clock import ManualClock, iso
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.delivery import DeliveryEvent
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


def parsed(out):
    return [json.loads(line) for line in out.splitlines()]


def test_export_gives_every_alert_in_one_line_oldest_first(hybridd, lived):
    found = parsed(hybridd("alerts", "export", "--config", lived).out)
    listed = hybridd("alerts", "list", "--limit", "9999", "--json", "--config", lived).json
    assert [a["id"] for a in found] == [a["id"] for a in listed][::-1]
    first = found[0]
    assert first["changes"][0]["suppressed"] is None
    assert first["deliveries"][0]["tries"][0]["outcome"] == "delivered"
    assert first["deliveries"][0]["tries"][0]["ended_at"] >= first["created_at"]
    assert first["deeds"][0]["what"] == "alert"


def test_export_as_a_table_has_one_row_an_alert(hybridd, lived):
    rows = list(csv.DictReader(io.StringIO(hybridd("alerts", "export", "--format", "csv", "--config", lived).out)))
    assert [int(row["id"]) for row in rows] == [
        a["id"] for a in parsed(hybridd("alerts", "export", "--config", lived).out)
    ]
    assert {row["signal"] for row in rows} <= {"LONG", "SHORT", "NEUTRAL"}
    assert all(row["attempts"] == "1" and row["simulated"] == "yes" for row in rows)


def test_export_and_list_begin_where_they_are_told(hybridd, lived):
    found = parsed(hybridd("alerts", "export", "--config", lived).out)
    middle = found[len(found) // 2]["created_at"]
    since = iso(middle)
    later = [a["id"] for a in found if a["created_at"] >= middle]
    assert 0 < len(later) < len(found)
    assert [a["id"] for a in parsed(hybridd("alerts", "export", "--since", since, "--config", lived).out)] == later
    listed = hybridd("alerts", "list", "--since", since, "--limit", "999", "--json", "--config", lived).json
    assert [a["id"] for a in listed] == later[::-1]
    assert "is not a moment" in hybridd("alerts", "export", "--since", "soon", "--config", lived).complaint


def test_list_finds_those_of_a_subject_and_those_that_were_missed(hybridd, own):
    eth = hybridd("alerts", "list", "--subject", "ETH/USDT", "--limit", "999", "--json", "--config", own).json
    assert {a["subject"] for a in eth} == {"ETH/USDT"}
    assert hybridd("alerts", "list", "--missed", "--config", own).out == "no alert is like that\n"
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    store.outbox.plan(
        eth[0]["id"], [("email", "a@example.org", 0, START, START + 1), ("sms", "1", 1, START, START + 1)]
    )
    store.outbox.expire_due(START + 2)
    store.close()
    missed = hybridd("alerts", "list", "--missed", "--json", "--config", own).json
    assert [a["id"] for a in missed] == [eth[0]["id"]]


def test_why_tells_every_attempt_its_answer_and_who_acknowledged(hybridd, own):
    newest = ids(hybridd, own)[0]
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    made = store.alerts.get(newest).created_at
    store.outbox.plan(newest, [("email", "a@example.org", 1, made, made + 900_000)])
    delivery = store.outbox.of_alert(newest)[-1].id
    store.outbox.lease(delivery, made + 1000)
    store.outbox.settle(delivery, DeliveryEvent.RETRY, now=made + 1250, next_at=made + 2000, reason="450 try again")
    store.outbox.lease(delivery, made + 2000)
    store.outbox.settle(delivery, DeliveryEvent.ACCEPT, now=made + 2500, provider_id="<m1@x>", reason="250 queued")
    store.close()
    assert hybridd("alerts", "ack", newest, "--config", own).code == 0
    story = hybridd("alerts", "why", newest, "--json", "--config", own).json
    email = next(d for d in story["deliveries"] if d["channel"] == "email")
    assert [(t["number"], t["outcome"], t["detail"]) for t in email["tries"]] == [
        (1, "retry_wait", "450 try again"), (2, "accepted", "250 queued"),
    ]  # fmt: skip
    assert story["told_at"] == made + 2500
    assert story["deeds"][-1]["what"] == "alert.ack"
    assert story["deeds"][-1]["by"].startswith("cli:")
    out = hybridd("alerts", "why", newest, "--config", own).out
    for words in ("450 try again", "0.250 s", "accepted 2.5 s after the alert was made", "<m1@x>", "alert.ack", "cli:"):
        assert words in out


def test_why_tells_what_was_held_back_before_an_alert_however_old(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    alert = store.alerts.get(ids(hybridd, own)[-1])
    reason = Reason.SCORE_JUMP
    change = Change(subject=alert.subject, reason=reason, at=alert.created_at - 60_000, before=60.0, after=66.0)
    held = Verdict(change=change, suppressed=Suppression.SILENCED, because="silence 3")
    store.changes.add(held, analysis_id=None, alert_id=None, now=alert.created_at - 59_000)
    late = Change(subject=alert.subject, reason=reason, at=alert.created_at + 9**11, before=1.0, after=2.0)
    for _ in range(600):
        store.changes.add(Verdict(change=late, suppressed=Suppression.COOL_DOWN), analysis_id=None, alert_id=None)
    store.close()
    story = hybridd("alerts", "why", alert.id, "--json", "--config", own).json
    [told] = [c for c in story["around"] if c["after"] == 66.0]
    assert (told["suppressed"], told["because"], told["judged_at"]) == (
        "SILENCED", "silence 3", alert.created_at - 59_000,
    )  # fmt: skip
    shown = hybridd("alerts", "why", alert.id, "--config", own).out
    assert "silence 3" in shown
    assert iso(alert.created_at - 59_000)[:10] in shown
    assert all(c["at"] <= alert.created_at for c in story["around"])


def test_a_table_holds_nothing_that_a_spreadsheet_would_carry_out(hybridd, own):
    store = open_store(f"sqlite:///{own.parent}/state.db", clock=ManualClock(START))
    change = Change(subject="=1+1", reason=Reason.TEST, at=START, before=None, after=None)
    store.alerts.add(Alert(key="x", subject="=1+1", created_at=START, expires_at=START + 9, changes=(change,)))
    store.close()
    assert ",'=1+1," in hybridd("alerts", "export", "--format", "csv", "--config", own).out


def test_a_drill_needs_somebody_whom_it_can_reach(hybridd, own):
    answer = hybridd("alerts", "drill", "--config", own)
    assert answer.code == 2
    assert "no channel that reaches a person is set up" in answer.complaint
    made = hybridd("alerts", "drill", "journal", "--json", "--config", own)
    assert [delivery["state"] for delivery in made.json] == ["delivered"]
    assert hybridd("alerts", "list", "--limit", "1", "--json", "--config", own).json[0]["reasons"] == ["DRILL"]
