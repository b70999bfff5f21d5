"""The journal as a channel."""

import logging

from hybridd.delivery.journal import JournalChannel
from tests.unit.delivery.conftest import a_message


def sent(caplog, **changes):
    caplog.set_level(logging.DEBUG)
    outcome = JournalChannel().send(a_message(**changes))
    (record,) = caplog.records
    return outcome, record


def test_an_alert_is_one_record_with_its_facts(caplog):
    outcome, record = sent(caplog)
    assert outcome.failure is None
    assert outcome.delivered
    assert (record.name, record.getMessage()) == ("hybridd.alert", a_message().title)
    assert (record.ALERT_ID, record.SYMBOL, record.HYBRIDD_EVENT) == ("17", "BTC/USDT", "alert")


def test_the_level_is_the_severity(caplog):
    levels = []
    for severity in ("info", "warning", "critical"):
        caplog.clear()
        levels.append(sent(caplog, severity=severity)[1].levelname)
    assert levels == ["INFO", "WARNING", "CRITICAL"]


def test_a_title_cannot_start_a_second_line_or_move_the_cursor(caplog):
    _, record = sent(caplog, title="LONG\r\n2026-11-22 CRITICAL forged\x1b[2J\u2028x %s %d")
    assert record.getMessage() == "LONG 2026-11-22 CRITICAL forged [2J x %s %d"


def test_a_field_that_the_journal_would_choke_on_is_left_out(caplog):
    fields = {
        "PRIORITY": "0",
        "MESSAGE": "x",
        "MESSAGE_ID": "x",
        "CODE_LINE": "x",
        "msg": "x",
        "A B": "x",
        "OK": "a\nb",
    }
    _, record = sent(caplog, fields=fields)
    assert record.OK == "a b"
    assert not {"PRIORITY", "MESSAGE", "MESSAGE_ID", "CODE_LINE", "A B"} & set(vars(record))
