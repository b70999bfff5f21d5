"""Each kind of damage to the meaning of a state is found and told in one line."""

import pytest

from hybridd.clock import ManualClock
from hybridd.model.alert import Alert, AlertEvent
from hybridd.model.change import Change, Reason
from hybridd.model.delivery import DeliveryEvent
from hybridd.store.audit import seal
from hybridd.store.migrations import newest
from hybridd.store.store import open_store
from tests.makers import T0, analysis


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(T0))
    opened.analyses.add_many([analysis(60.0)])
    for i in range(5):
        opened.audit.append("cli", "ack", str(i), {"i": i}, T0 + i)
    yield opened
    opened.close()


def do(store, statement: str) -> None:
    store._database.engine.cursor().execute(statement)


def test_a_good_state_has_no_findings(store):
    assert store.verify() == []


@pytest.mark.parametrize(
    ("deed", "broken"),
    [
        ("UPDATE audit SET data = '{\"i\":9}' WHERE id = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET hash = 'forged' WHERE id = 4", 4),
    ],
)
def test_a_tampered_audit_trail_is_found(store, deed, broken):
    do(store, deed)
    assert store.audit.verify().startswith(f"audit row {broken} ")
    assert store.verify() == [store.audit.verify()]


@pytest.mark.parametrize("gone", [1, 2, 5])
def test_a_trail_that_was_cut_off_at_its_end_is_found(store, gone):
    do(store, f"DELETE FROM audit WHERE id > {5 - gone}")
    assert store.verify() == [f"audit row 5 is missing at the end: 5 were written, {5 - gone} are there"]


def test_a_row_put_in_at_the_end_is_found_also_where_its_seal_is_right(store):
    last = store.audit.head().hash
    row = {"actor": "nobody", "action": "ack", "subject": "1", "data": "{}", "at": T0}
    do(store, f"INSERT INTO audit VALUES (6, 'nobody', 'ack', '1', '{{}}', {T0}, '{seal(last, row)}')")
    assert store.verify() == ["audit row 6 was put in at the end: 5 were written, 6 are there"]
    store.audit.append("cli", "ack", "7", {}, T0)
    assert store.verify()[0].startswith("audit row 7 is not what was written")


def test_a_row_put_in_the_middle_and_rows_in_another_order_are_found(store):
    do(store, "UPDATE audit SET id = id + 10 WHERE id > 3")
    do(store, "INSERT INTO audit VALUES (4, 'nobody', 'ack', '1', '{}', 1, 'made up')")
    assert store.verify()[0].startswith("audit row 4 ")
    do(store, "DELETE FROM audit WHERE id = 4")
    do(store, "UPDATE audit SET id = 99 WHERE id = 2")
    do(store, "UPDATE audit SET id = 2 WHERE id = 3")
    do(store, "UPDATE audit SET id = 3 WHERE id = 99")
    assert store.verify()[0].startswith("audit row 2 ")


def test_a_trail_made_anew_from_its_beginning_lacks_the_head_that_was_pinned(store):
    pinned = str(store.audit.head())
    store.audit.append("cli", "ack", "6", {}, T0 + 6)
    assert store.verify(pinned) == []
    assert store.verify(pinned.upper()) == []
    do(store, "DELETE FROM audit")
    do(store, "DELETE FROM bot_state WHERE key = 'audit_head'")
    for i in range(6):
        store.audit.append("cli", "ack", str(i), {"forged": True}, T0 + i)
    assert store.verify() == []
    assert store.verify(pinned) == [f"the audit trail never had the head {pinned}"]


def test_a_head_that_was_taken_away_or_spoilt_is_found(store):
    do(store, "UPDATE bot_state SET value = '[]' WHERE key = 'audit_head'")
    assert store.verify()[0].startswith("audit_head in bot_state is not what was written")
    do(store, "DELETE FROM bot_state WHERE key = 'audit_head'")
    assert store.verify() == ["audit row 5 was put in at the end: 0 were written, 5 are there"]


@pytest.fixture
def told(store):
    """A state with an alert that was told by its second attempt, then acknowledged; what is still waiting too."""
    change = Change(subject="s", reason=Reason.TEST, at=T0, before=None, after=None)
    alert = Alert(key="k", subject="s", created_at=T0, expires_at=T0 + 9000, changes=(change,))
    number = store.alerts.add(alert)
    store.outbox.plan(number, [("email", "a", 0, T0, T0 + 9000), ("sms", "b", 1, T0, T0 + 9000)])
    store.outbox.lease(1, T0)
    store.outbox.settle(1, DeliveryEvent.RETRY, now=T0 + 5, next_at=T0 + 7, reason="no route")
    store.outbox.lease(1, T0 + 7)
    store.outbox.settle(1, DeliveryEvent.ACCEPT, now=T0 + 9, provider_id="p1", reason="queued")
    store.outbox.settle(1, DeliveryEvent.RECEIPT, now=T0 + 20)
    store.alerts.advance(number, AlertEvent.ACK, now=T0 + 30, actor="cli:me")
    assert store.verify() == []
    return store


def test_every_attempt_is_kept_with_its_times_and_its_answer(told):
    first, second = told.attempts.of_alert(1)
    assert (first.number, first.started_at, first.ended_at, first.outcome) == (1, T0, T0 + 5, "retry_wait")
    assert first.detail == "no route"
    assert (second.number, second.ended_at, second.outcome, second.provider_id) == (2, T0 + 9, "accepted", "p1")


def test_an_attempt_that_a_crash_broke_off_ends_at_the_next_start(told):
    told.outbox.lease(2, T0 + 40)
    under_way = told.attempts.of_alert(1)[-1]
    assert (under_way.delivery_id, under_way.ended_at, under_way.outcome) == (2, None, None)
    assert told.verify() == []
    assert told.outbox.recover(T0 + 60) == 1
    ended = told.attempts.of_alert(1)[-1]
    assert (ended.ended_at, ended.outcome) == (T0 + 60, "unknown")
    assert told.verify() == []


@pytest.mark.parametrize(
    ("deed", "line"),
    [
        ("deliveries SET state = 'sent' WHERE id = 1", 'delivery 1 is in the state "sent", which there is not'),
        ("alerts SET state = 'lost' WHERE id = 1", 'alert 1 is in the state "lost", which there is not'),
        ("alerts SET state = 'expired'", "alert 1 is expired, but the audit trail does not say by whom"),
        ("deliveries SET state = 'accepted' WHERE id = 2", "delivery 2 is accepted, but it was never tried"),
        ("deliveries SET state = 'planned'", "delivery 1 is planned, but its last attempt left it accepted"),
        ("attempts SET outcome = NULL", "delivery 1 is delivered, but its last attempt left it leased"),
        ("attempts SET delivery = 2 WHERE number = 1", "delivery 2 has an attempt 1 that it does not know of"),
    ],
)
def test_a_state_that_no_table_leads_to_is_found(told, deed, line):
    do(told, f"UPDATE {deed}")
    assert line in told.verify()


def test_a_change_that_nobody_accounts_for_is_found(store):
    do(store, "INSERT INTO changes VALUES (1, NULL, NULL, 's', 'TEST', 1, '1', '2', '', NULL, NULL, '', 1)")
    assert store.changes.conservation().missing == 1
    assert store.verify() == ["1 changes have neither an alert nor a reason why nobody was told"]


def test_a_row_without_its_parent_is_found(store):
    do(store, "PRAGMA foreign_keys = OFF")
    do(store, "INSERT INTO deliveries VALUES (1, 77, 'email', 'a', 0, 'planned', 0, 0, 9, NULL, NULL, '', '', 0, NULL)")
    assert store.verify() == ["deliveries row 1 points to a row of alerts that is missing"]


def test_a_schema_that_is_not_this_programs_is_found(store):
    do(store, "UPDATE schema_version SET version = 999")
    assert store.verify() == [f"the schema is 999, this hybridd needs {newest()}"]
