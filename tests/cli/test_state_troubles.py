"""Commands on a state that is missing, foreign, damaged or newer: one clear line, exit code 2, the file untouched."""

import os
import sqlite3
from contextlib import closing

import pytest

READERS = [
    ("status",), ("status", "--json"), ("history", "BTC/USDT"), ("alerts", "list"), ("alerts", "show", "1"),
    ("alerts", "why", "1"), ("alerts", "ack", "1"), ("db", "verify"),
]  # fmt: skip
ALL = [*READERS, ("db", "migrate"), ("alerts", "test"), ("run", "--once")]


def named(command):
    return " ".join(command)


@pytest.mark.parametrize("command", READERS, ids=named)
def test_no_command_but_run_makes_a_state(hybridd, fresh, command):
    answer = hybridd(*command, "--config", fresh)
    assert answer.code == 2
    assert "there is no state at" in answer.complaint
    assert "start hybridd first" in answer.complaint
    assert answer.out == ""
    assert not (fresh.parent / "state.db").exists()


@pytest.mark.parametrize("command", ALL, ids=named)
def test_a_state_of_a_newer_hybridd(hybridd, own, command):
    with closing(sqlite3.connect(own.parent / "state.db")) as db:
        db.execute("INSERT INTO schema_version (version, applied_at) VALUES (99, 1)")
        db.commit()
    answer = hybridd(*command, "--config", own)
    assert answer.code == 2
    assert "has schema 99" in answer.complaint
    assert "install the newer hybridd again" in answer.complaint


@pytest.mark.parametrize("command", ALL, ids=named)
def test_a_file_that_is_no_state_is_left_alone(hybridd, fresh, command):
    path = fresh.parent / "state.db"
    path.write_text("ts,open,high,low,close,volume\n" * 400)
    before = path.read_bytes()
    answer = hybridd(*command, "--config", fresh)
    assert answer.code == 2
    assert "is not a database" in answer.complaint
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", ALL, ids=named)
def test_a_folder_where_the_state_should_be(hybridd, fresh, command):
    (fresh.parent / "state.db").mkdir()
    answer = hybridd(*command, "--config", fresh)
    assert answer.code == 2
    assert "Is a directory" in answer.complaint


@pytest.mark.parametrize("command", [("status",), ("db", "verify"), ("run", "--once"), ("alerts", "test")], ids=named)
def test_a_damaged_state_says_restore(hybridd, own, command):
    path = own.parent / "state.db"
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 30] = os.urandom(4096 * 29)
    path.write_bytes(bytes(content))
    answer = hybridd(*command, "--config", own)
    assert answer.code in {1, 2}
    assert "damaged" in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_an_older_state_waits_for_migrate(hybridd, fresh):
    (fresh.parent / "state.db").touch()
    answer = hybridd("status", "--config", fresh)
    assert answer.code == 2
    assert "`hybridd db migrate`" in answer.complaint
    assert "`hybridd db migrate`" in hybridd("status", "--config", fresh).complaint, "looking must change nothing"
    assert hybridd("db", "migrate", "--config", fresh).code == 0
    assert hybridd("status", "--config", fresh).code == 3


def test_verify_of_a_sound_state(hybridd, lived):
    answer = hybridd("db", "verify", "--json", "--config", lived)
    assert answer.code == 0
    assert answer.json["ok"] is True
    assert answer.json["findings"] == []
    assert "the state is sound" in hybridd("db", "verify", "--config", lived).out


def test_verify_names_what_is_missing_and_fails(hybridd, own):
    with closing(sqlite3.connect(own.parent / "state.db")) as db:
        db.execute("DROP TABLE events")
        db.commit()
    answer = hybridd("db", "verify", "--json", "--config", own)
    assert answer.code == 1
    assert "the table events is missing" in answer.json["findings"]


def test_a_state_that_somebody_else_writes_to_can_still_be_read(hybridd, own):
    assert hybridd("alerts", "list", "--config", own).code == 0
    with closing(sqlite3.connect(own.parent / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert hybridd("alerts", "list", "--config", own).code == 0
        other.execute("ROLLBACK")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_state_of_another_user(hybridd, own):
    (own.parent / "state.db").chmod(0o000)
    answer = hybridd("status", "--config", own)
    assert answer.code == 2
    assert "Permission denied" in answer.complaint


def test_the_end_of_the_audit_trail_can_be_kept_and_asked_for_again(hybridd, own):
    head = hybridd("db", "verify", "--head", "--config", own).out.strip()
    parts = hybridd("db", "verify", "--head", "--json", "--config", own).json
    assert head == f"{parts['count']}:{parts['hash']}"
    assert parts["count"] > 0
    assert hybridd("db", "verify", "--pinned", head, "--config", own).code == 0
    other = hybridd("db", "verify", "--pinned", f"1:{'0' * 64}", "--json", "--config", own)
    assert other.code == 1
    assert other.json["findings"] == [f"the audit trail never had the head 1:{'0' * 64}"]
    assert "is no end of an audit trail" in hybridd("db", "verify", "--pinned", "x", "--config", own).complaint
