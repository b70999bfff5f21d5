"""Where log records go, and what never goes with them."""

import base64
import io
import logging
import os
import re
import threading
import time

import pytest
from systemd.journal import JournalHandler

from hybridd.daemon import redact
from hybridd.daemon.bounded import BoundedHandler
from hybridd.daemon.journal import EVENTS, fields, is_journal, journal_record, register_secret, setup_logging
from hybridd.daemon.redact import RedactFilter, redacted

log = logging.getLogger("hybridd.cycle")


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)
    redact._secrets = ()


@pytest.fixture
def lines():
    stream = io.StringIO()
    setup_logging(stream=stream, level="DEBUG", under_systemd=False)
    return lambda: stream.getvalue().splitlines()


class Journald:
    """The end of the journal's socket: what was sent, or nothing while it stands still."""

    def __init__(self):
        self.sent, self.open = [], threading.Event()
        self.open.set()

    def send(self, MESSAGE, **values):
        self.open.wait(5)
        self.sent.append({"MESSAGE": MESSAGE, **values})

    def handler(self, **more):
        handler = BoundedHandler(
            JournalHandler(sender_function=self.send, SYSLOG_IDENTIFIER="hybridd"), prepare=journal_record, **more
        )
        handler.addFilter(RedactFilter())
        return handler

    def wait_for(self, count):
        until = time.monotonic() + 5
        while len(self.sent) < count and time.monotonic() < until:
            threading.Event().wait(0.005)
        return self.sent


@pytest.fixture
def journald():
    journald, root = Journald(), logging.getLogger()
    handler = journald.handler()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield journald
    journald.open.set()


def test_a_line_says_when_how_bad_who_and_what(lines):
    log.info("%s %d", "BTC/USDT", 78, extra=fields("analysis", SYMBOL="BTC/USDT"))
    logging.getLogger("other").warning("hm")
    first, second = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ INFO  cycle: BTC/USDT 78", first)
    assert second.endswith("Z WARNING other: hm")


def test_a_message_cannot_forge_a_line(lines):
    log.info("LONG\n2026-11-22 14:55:00Z INFO  cycle: forged\x1b[2J")
    (line,) = lines()
    assert line.endswith(r"cycle: LONG\n2026-11-22 14:55:00Z INFO  cycle: forged\x1b[2J")


def test_half_a_character_does_not_lose_a_line(lines, journald):
    for handler in logging.getLogger().handlers:
        if any(isinstance(f, RedactFilter) for f in handler.filters):
            handler.handle(logging.LogRecord("hybridd.x", logging.INFO, "f", 1, "a\ud800b", None, None))
    assert lines()[0].endswith("x: a\\ud800b")
    assert journald.wait_for(1)[0]["MESSAGE"] == "a\\ud800b"


def test_a_traceback_is_indented_below_its_line(lines):
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("the round failed")
    head, *below = lines()
    assert head.endswith("cycle: the round failed")
    assert below[-1] == "    RuntimeError: broken"
    assert all(line.startswith("    ") for line in below)


def test_levels_and_chatter_are_kept_down():
    stream = io.StringIO()
    setup_logging(stream=stream, level="info", under_systemd=False)
    log.debug("no")
    logging.getLogger("httpx").info("HTTP Request: GET https://hc.example/secret")
    assert stream.getvalue() == ""


def test_a_second_call_replaces_the_first():
    first, second = io.StringIO(), io.StringIO()
    setup_logging(stream=first, under_systemd=False)
    setup_logging(stream=second, under_systemd=False)
    log.info("once")
    assert (first.getvalue(), second.getvalue().count("once")) == ("", 1)


def test_wrong_arguments_do_not_lose_the_line(lines):
    log.info("%d points", "many")
    assert "%d points ('many',)" in lines()[0]


SECRET = "hunter2 & Co/+ü"


@pytest.mark.parametrize(
    "leak",
    [
        lambda: log.info("password is %s", SECRET),
        lambda: log.info(f"password is {SECRET}"),
        lambda: log.info("x", extra=fields(PASSWORD=SECRET)),
        lambda: log.info("%s", {"password": SECRET}),
        lambda: log.info("x", extra={"SETTINGS": {"password": SECRET}}),
        lambda: log.info("%s", base64.b64encode(SECRET.encode()).decode()),
        lambda: log.info("https://u:%s@h", "hunter2%20%26%20Co%2F%2B%C3%BC"),
        lambda: _raise_and_log(),
        lambda: log.info("x", stack_info=True, extra=fields(A=f"<{SECRET}>")),
    ],
)
def test_a_secret_never_leaves(lines, journald, leak):
    register_secret(SECRET)
    leak()
    journald.wait_for(1)
    everything = str(lines()) + str(journald.sent)
    assert "hunter2" not in everything
    assert base64.b64encode(SECRET.encode()).decode() not in everything


def _raise_and_log():
    try:
        raise ValueError(f"535 {SECRET}")
    except ValueError as error:
        log.exception("refused: %s", error)


def test_what_is_too_short_to_be_secret_blackens_nothing():
    register_secret("a")
    register_secret("")
    assert redacted("a cat") == "a cat"


def test_a_secret_within_a_secret_is_masked_whole():
    register_secret("abcd")
    register_secret("xxabcdxx")
    assert redacted("xxabcdxx abcd") == "*** ***"


def test_the_journal_gets_fields_an_id_and_no_arguments(journald):
    log.warning("%s is late", "BTC/USDT", extra=fields("cycle_late", SYMBOL="BTC/USDT", SECONDS=12))
    (entry,) = journald.wait_for(1)
    assert (entry["MESSAGE"], entry["SYMBOL"], entry["SECONDS"]) == ("BTC/USDT is late", "BTC/USDT", "12")
    assert (entry["MESSAGE_ID"], entry["PRIORITY"]) == (EVENTS["cycle_late"], "4")
    assert (entry["SYSLOG_IDENTIFIER"], entry["LOGGER"]) == ("hybridd", "hybridd.cycle")
    assert entry["CODE_FUNC"] == "test_the_journal_gets_fields_an_id_and_no_arguments"
    assert "CODE_ARGS" not in entry
    assert entry["args"] is None


def test_a_reserved_field_of_somebody_else_does_not_lose_the_record(journald):
    log.info("kept", extra={"PRIORITY": "0", "CODE_LINE": "x", "LOGGER": "x", "EXCEPTION_INFO": "x"})
    assert journald.wait_for(1)[0]["MESSAGE"] == "kept"


def test_an_exception_is_part_of_the_message(journald):
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("failed")
    assert journald.wait_for(1)[0]["MESSAGE"].endswith("RuntimeError: broken")


def test_a_journal_that_stands_still_blocks_nobody_and_the_loss_is_told():
    journald = Journald()
    journald.open.clear()
    handler = journald.handler(size=5)
    logger = logging.getLogger("hybridd.flood")
    logger.propagate = False
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    begun = time.monotonic()
    for n in range(100):
        logger.info("line %d", n)
    assert time.monotonic() - begun < 1
    lost = handler.dropped
    assert 90 <= lost <= 95
    journald.open.set()
    said = [entry["MESSAGE"] for entry in journald.wait_for(101 - lost)]
    assert f"{lost} log lines were dropped: the journal did not take them in time" in said
    assert len([text for text in said if text.startswith("line")]) == 100 - lost
    handler.close()
    logger.removeHandler(handler)
    assert handler.dropped == 0


def test_what_waits_is_written_before_the_end():
    journald = Journald()
    handler = journald.handler()
    for n in range(50):
        handler.handle(logging.LogRecord("hybridd", logging.INFO, "f", 1, f"line {n}", None, None))
    handler.close()
    handler.close()
    assert len(journald.sent) == 50


def test_fields_are_what_the_journal_takes():
    assert fields("alert", SCORE=78) == {"SCORE": "78", "HYBRIDD_EVENT": "alert"}
    assert fields(SCORE=78) == {"SCORE": "78"}
    for bad in ({"score": 1}, {"PRIORITY": 1}, {"CODE_LINE": 1}, {"MESSAGE_ID": 1}, {"A-B": 1}, {"_A": 1}):
        with pytest.raises(ValueError, match="journal field"):
            fields(**bad)
    with pytest.raises(ValueError, match="kind of event"):
        fields("party")


def test_ids_of_events_are_unique_and_of_the_right_form():
    assert len(set(EVENTS.values())) == len(EVENTS) == 12
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in EVENTS.values())


def test_the_journal_is_known_by_its_socket(tmp_path):
    with (tmp_path / "err").open("w") as stream:
        stat = os.fstat(stream.fileno())
        assert is_journal(stream, f"{stat.st_dev}:{stat.st_ino}")
        assert not is_journal(stream, f"{stat.st_dev}:{stat.st_ino + 1}")
        assert not is_journal(stream, "")
    assert not is_journal(io.StringIO(), "1:2")


def test_without_the_library_the_journal_gets_priorities(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "systemd.journal", None)
    stream = io.StringIO()
    setup_logging(stream=stream, under_systemd=True)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<3>cycle: failed"
    assert all(line.startswith("<3>") for line in lines)
